"""What the server answers to each odd file of the corpus, and why: stored, warned of or refused.

A statement for each file; one without fails, so that none goes without.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.reasons import (
    DUPLICATE,
    NOT_AS_SOP_CLASS,
    NOT_DICOM,
    TRUNCATED,
    UID_INVALID,
    UID_MISSING,
)
from tests.make import related, related_type
from tests.real_files import CORPUS

ODD = CORPUS / "odd"
FILES = sorted(path for path in ODD.rglob("*") if path.is_file()) if ODD.is_dir() else []

STORED = (None, "")
NO_STUDY = (UID_MISSING, "StudyInstanceUID is missing")

STATEMENTS = {
    # Without preamble or File Meta both are put in front; a data set is told by its bytes.
    "no-meta/ExplVR_BigEndNoMeta.dcm": STORED,
    "no-meta/ExplVR_LitEndNoMeta.dcm": STORED,
    "no-meta/OT-MONO2-8-colon.dcm": STORED,
    # Its first bytes belong to no element, so that nothing tells where one begins.
    "no-meta/no_meta.dcm": (NOT_DICOM, "has no prefix and no DICOM elements"),
    # Read in full, and then without the UIDs that an archive knows an instance by.
    "no-meta/meta_missing_tsyntax.dcm": NO_STUDY,
    "no-meta/no_meta_group_length.dcm": NO_STUDY,
    "no-meta/no_preamble_dicm_in_data": NO_STUDY,
    "private/GH220.dcm": NO_STUDY,
    "sequences/GH223.dcm": NO_STUDY,
    "sequences/UN_sequence.dcm": NO_STUDY,
    "sequences/nested_priv_SQ.dcm": NO_STUDY,
    "sequences/priv_SQ.dcm": NO_STUDY,
    "values/Issue195.dcm": (UID_MISSING, "SOPClassUID is missing"),
    "sequences/bad_sequence.dcm": (UID_INVALID, "StudyInstanceUID is"),
    # A SOP class that nobody knows is a class like any other.
    "private/UnknownSopClassUid.dcm": STORED,
    # Each alone is an instance like any other; below is what they are together.
    "same-patient-id/Image1.dcm": STORED,
    "same-patient-id/Image2.dcm": STORED,
    "same-patient-id/Image3.dcm": STORED,
    "same-patient-id/Issue131-a.dcm": STORED,
    "same-patient-id/Issue131-b.dcm": STORED,
    "same-uid/burned_in_no.dcm": STORED,
    "same-uid/burned_in_yes.dcm": STORED,
    # Sequences in UN, in another encoding than what is around them.
    "sequences/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_ELE_undefinded_length.dcm": STORED,
    "sequences/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm": STORED,
    "sequences/explicit_VR-UN.dcm": STORED,
    # Half an image is no image: whoever sends it has to know.
    "truncated/3gb-bulk-data-truncated": (TRUNCATED, "ends inside PixelData: 3221225472"),
    "truncated/MR_truncated.dcm": (TRUNCATED, "ends inside PixelData: 8192"),
    "truncated/emri_small_jpeg_2k_lossless_too_short.dcm": (TRUNCATED, "has no delimiter"),
    "truncated/rtplan_truncated.dcm": (TRUNCATED, "ends inside BeamSequence"),
    "values/FreezePattern.dcm": (TRUNCATED, "ends inside CTDIPhantomTypeCodeSequence"),
    "values/zero-length-US.dcm": (TRUNCATED, "ends inside FirstOrderPhaseCorrectionAngle"),
    # Values that mean little are what they are; those that mean nothing are told of.
    "values/1403-OB.dcm": STORED,
    "values/2026-05-26-oob-monochrome-65535.dcm": STORED,
    "values/GH179A.dcm": STORED,
    "values/Issue154-d1.dcm": STORED,
    "values/MultiframeWindowing.dcm": STORED,
    "values/NM1_JPH-not-encapsulated": STORED,
    "values/no-meta-length-test.dcm": STORED,
    "values/reportsi_with_empty_number_tags.dcm": STORED,
    "values/badVR.dcm": (NOT_AS_SOP_CLASS, "NumberOfFrames has a value that is no IS"),
}


@pytest.fixture
def server(sqlite_server):
    return sqlite_server


def shown(path: Path) -> str:
    return str(path.relative_to(ODD))


async def post(server, *names: str):
    parts = [(ODD / name).read_bytes() for name in names]
    return await server.post("/studies", content=related(parts), headers=related_type())


@pytest.mark.parametrize("name", [shown(path) for path in FILES])
async def test_each_odd_file_has_its_answer(server, name):
    """STOW-14, STOW-33..37, STOW-51, STOW-52."""
    reason, sentence = STATEMENTS[name]
    module = (await post(server, name)).json()
    failed = module.get("00081198", module.get("0008119A"))
    (item,) = (failed or module["00081199"])["Value"]
    code = item["00081197" if failed else "00081196"]["Value"][0] if reason else None
    assert code == (reason.code if reason else None)
    assert failed is None or reason is not None
    assert ("00081196" in item) == (reason is NOT_AS_SOP_CLASS)
    assert sentence in item.get("00000902", {}).get("Value", [""])[0]


@pytest.mark.skipif(not FILES, reason="The corpus is not here; it lies beside the checkout.")
async def test_no_statement_is_about_a_file_that_is_not_there():
    assert set(STATEMENTS) == {shown(path) for path in FILES}


@pytest.mark.skipif(not FILES, reason="The corpus is not here; it lies beside the checkout.")
async def test_two_files_of_one_uid_are_one_instance(server):
    """STOW-33, STOW-34: the first stays."""
    answer = await post(server, "same-uid/burned_in_no.dcm", "same-uid/burned_in_yes.dcm")
    (item,) = answer.json()["00081198"]["Value"]
    assert item["00081197"]["Value"] == [DUPLICATE.code]
    assert len((await server.get("/instances")).json()) == 1


@pytest.mark.skipif(not FILES, reason="The corpus is not here; it lies beside the checkout.")
async def test_one_study_of_two_patients_is_shown_once_and_told_of(server):
    """STOW-36: both are stored as they were sent, the first one is what a search shows."""
    names = "same-patient-id/Issue131-a.dcm", "same-patient-id/Issue131-b.dcm"
    answer = await post(server, *names)
    first, second = answer.json()["00081199"]["Value"]
    assert answer.status_code == 202
    assert "00081196" not in first
    assert second["00081196"]["Value"] == [NOT_AS_SOP_CLASS.code]
    assert len((await server.get("/studies")).json()) == 1
    assert len((await server.get("/instances")).json()) == 2


@pytest.mark.skipif(not FILES, reason="The corpus is not here; it lies beside the checkout.")
async def test_one_patient_id_of_three_people_loses_none_of_them(server):
    names = [f"same-patient-id/Image{number}.dcm" for number in (1, 2, 3)]
    await post(server, *names)
    studies = (await server.get("/studies")).json()
    shown_names = {study["00100010"]["Value"][0]["Alphabetic"] for study in studies}
    assert len(shown_names) == len(studies) == 3
