"""Objects of all kinds at both doors: what they hold is what they held (OBJ, the DIMSE half)."""

from __future__ import annotations

import logging
from array import array

import httpx
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments
from pydicom.uid import JPEGLSLossless

from dimse_bridge.wire.commands import Command, Message
from dimse_bridge.wire.items import Role
from tests.dimse_bridge.peer import (
    CT,
    NATIVE,
    PATIENT_FIND,
    STUDY_FIND,
    STUDY_GET,
    associated,
    encoded,
    read,
    store_of,
)
from tests.make import dataset, part10, related, related_type

SPECTROSCOPY = "1.2.840.10008.5.1.4.1.1.4.2"
STRUCTURED_REPORT = "1.2.840.10008.5.1.4.1.1.88.11"
SPECTRUM = array("f", [0.5, -1.25, 3e-8, float("inf"), 65504.0] * 400)

WITHOUT_PICTURES = {
    "raw data": "1.2.840.10008.5.1.4.1.1.66",
    "a CT protocol": "1.2.840.10008.5.1.4.1.1.200.2",
    "a content assessment": "1.2.840.10008.5.1.4.1.1.90.1",
    "lensometry": "1.2.840.10008.5.1.4.1.1.78.1",
    "axial measurements": "1.2.840.10008.5.1.4.1.1.78.7",
    "an intraocular lens calculation": "1.2.840.10008.5.1.4.1.1.78.8",
    "a macular grid": "1.2.840.10008.5.1.4.1.1.79.1",
    "a visual field": "1.2.840.10008.5.1.4.1.1.80.1",
    "a thickness map": "1.2.840.10008.5.1.4.1.1.81.1",
    "a topography": "1.2.840.10008.5.1.4.1.1.82.1",
}


async def kept(archive, ds: Dataset, syntax: str = NATIVE[0]) -> bytes:
    """What C-GET gives of an object that was sent by C-STORE."""
    sop_class = (ds.SOPClassUID, [syntax])
    async with associated(archive.port, (ds.SOPClassUID, [NATIVE[0]])) as peer:
        assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == 0
        await peer.release()
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = ds.StudyInstanceUID
    roles = (Role(ds.SOPClassUID, scu=False, scp=True),)
    command = Command(
        Message.C_GET, AffectedSOPClassUID=STUDY_GET, MessageID=2, Priority=0, CommandDataSetType=1
    )
    async with associated(archive.port, STUDY_GET, sop_class, roles=roles) as peer:
        request, data = await peer.ask(command, encoded(identifier))
        assert request.CommandField == Message.C_STORE, request
        answer = Command(
            0x8001,
            AffectedSOPClassUID=ds.SOPClassUID,
            MessageIDBeingRespondedTo=request.MessageID,
            Status=0,
        )
        final, _ = await peer.ask(answer, context=3)
        assert final.Status == 0
        await peer.release()
    assert data is not None
    return data


async def found(
    archive, level: str, sop_class: str = STUDY_FIND, **keys: str | None
) -> list[Dataset]:
    """Answers of C-FIND."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    command = Command(
        Message.C_FIND, AffectedSOPClassUID=sop_class, MessageID=1, Priority=0, CommandDataSetType=1
    )
    async with associated(archive.port, sop_class) as peer:
        *pending, (final, _) = await peer.all(command, encoded(identifier))
        assert final.Status == 0
        await peer.release()
    return [read(data) for _, data in pending]


async def test_a_spectrum_is_the_same_floats_through_both_doors(archive):
    """OBJ-10: Spectroscopy Data (5600,0020), as bulk data on the web."""
    ds = dataset(SOPClassUID=SPECTROSCOPY, PixelData=None, SpectroscopyData=SPECTRUM.tobytes())
    assert read(await kept(archive, ds)).SpectroscopyData == SPECTRUM.tobytes()
    (metadata,) = (await archive.web.get(f"/studies/{ds.StudyInstanceUID}/metadata")).json()
    answer = await archive.web.get(
        httpx.URL(metadata["56000020"]["BulkDataURI"]),
        headers={"Accept": "application/octet-stream"},
    )
    assert array("f", answer.content) == SPECTRUM


@pytest.mark.parametrize("sop_class", WITHOUT_PICTURES.values(), ids=WITHOUT_PICTURES)
async def test_an_object_without_pictures_comes_back_as_it_was(archive, sop_class):
    """OBJ-14: whatever the SOP class, byte for byte."""
    ds = dataset(SOPClassUID=sop_class, PixelData=None, Modality="OT")
    block = ds.private_block(0x0011, "MAKER", create=True)
    block.add_new(1, "OB", bytes(range(256)))
    assert await kept(archive, ds) == encoded(ds)


async def test_only_images_have_rows_and_frames(archive):
    """OBJ-16: of a report they are empty in C-FIND, and absent in QIDO-RS."""
    keys = {"Rows": None, "Columns": None, "NumberOfFrames": "", "SOPInstanceUID": ""}
    image = dataset(NumberOfFrames=1)
    report = dataset(
        SOPClassUID=STRUCTURED_REPORT,
        **dict.fromkeys(["PixelData", "Rows", "Columns", "BitsAllocated"]),
    )
    for ds, rows in ((image, image.Rows), (report, None)):
        await kept(archive, ds)
        uids = {"StudyInstanceUID": ds.StudyInstanceUID, "SeriesInstanceUID": ds.SeriesInstanceUID}
        (answer,) = await found(archive, "IMAGE", **(keys | uids))
        assert (answer.Rows, answer.NumberOfFrames) == (rows, 1 if rows else None)
        (one,) = (await archive.web.get("/instances", params=uids)).json()
        assert ("00280010" in one, "00280008" in one) == (rows is not None, rows is not None)


async def test_studies_of_nobody_stay_apart_and_can_be_found(served):
    """OBJ-17: an empty Patient ID makes no two studies one, nor two people one person."""
    people = ("Unknown^One", "Unknown^Two")
    for number, name in enumerate(people):
        await kept(served, dataset(PatientID="", PatientName=name, StudyID=str(number)))
    answers = await found(served, "STUDY", PatientName="", StudyID="", StudyInstanceUID="")
    assert {(str(one.PatientName), one.StudyID) for one in answers} == {
        (people[0], "0"),
        (people[1], "1"),
    }
    patients = await found(served, "PATIENT", PATIENT_FIND, PatientName="Unknown*", PatientID="")
    assert {str(one.PatientName) for one in patients} == set(people)


@pytest.mark.parametrize("columns", range(3, 9))
async def test_fragments_are_of_even_length_whatever_a_codestream_is(archive, columns):
    """ENC-03: PS3.5 A.4; the padding comes after its end."""
    ds = dataset(
        Rows=3,
        Columns=columns,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        PixelData=bytes(value * value % 251 for value in range(3 * columns)) + bytes(columns % 2),
    )
    data = await kept(archive, ds, JPEGLSLossless)
    at = data.rindex(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff") + 12
    _, *fragments = generate_fragments(data[at:])
    assert fragments
    for fragment in fragments:
        assert len(fragment) % 2 == 0
        assert fragment.rstrip(b"\0").endswith(b"\xff\xd9"), "the codestream's end marker"
        assert len(fragment) - len(fragment.rstrip(b"\0")) <= 1


async def test_both_doors_let_in_the_same_and_tell_the_same_of_it(archive, caplog):
    """BRIDGE-08: what one refuses the other does; neither logs who the patient is."""
    who = {"PatientName": "Secret^Person", "PatientID": "HIDDEN"}
    good, bad = dataset(**who), dataset(**who, StudyInstanceUID=None)
    with caplog.at_level(logging.INFO):
        async with associated(archive.port, CT) as peer:
            refused, _ = await peer.ask(store_of(bad), encoded(bad))
            assert (await peer.ask(store_of(good, 2), encoded(good)))[0].Status == 0
            await peer.release()
        body = related([part10(bad)])
        answer = await archive.web.post("/studies", content=body, headers=related_type())
        (failed,) = answer.json()["00081198"]["Value"]
        assert failed["00081197"]["Value"] == [refused.Status] != [0]
        again = related([part10(good)])
        assert (
            await archive.web.post("/studies", content=again, headers=related_type())
        ).is_success
        await found(archive, "STUDY", PatientName="Secret*", PatientID="HIDDEN")
        await archive.web.get("/studies?PatientName=Secret*&PatientID=HIDDEN")
    ours = [one for one in caplog.records if one.name.startswith(("dicomweb", "dimse_bridge"))]
    told = [record.getMessage() for record in ours]
    assert any("1 refused, 1 stored" in line for line in told)
    assert not [line for line in told if "Secret" in line or "HIDDEN" in line]
