"""C-STORE: what comes in is what was sent, or is refused with a status that says why (PS3.4 B)."""

from __future__ import annotations

import asyncio
import errno
import random
import shutil
import subprocess
import threading
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from dicomweb.settings import Settings
from dicomweb.store.filesystem import Filesystem
from dimse_bridge.association import HELD_BYTES_MAX, PIECE_BYTES
from dimse_bridge.negotiation import STORE_FEATURES
from dimse_bridge.wire import messages, pdus
from dimse_bridge.wire.commands import Command, Message, encode
from dimse_bridge.wire.items import Role
from dimse_bridge.wire.pdus import Abort, Fragment
from schemas.reasons import OUT_OF_RESOURCES, Refused
from schemas.services import STORAGE
from schemas.syntaxes import SYNTAXES
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.peer import CT, NATIVE, associated, encoded, read, store_of
from tests.make import dataset, part10, related, related_type

STORED_AS_IT_IS = {"Accept": "application/dicom; transfer-syntax=*"}


def objects(archive) -> list[str]:
    return list(archive.door.archive.blobs.list())


def staged(archive) -> list[str]:
    folder = archive.door.archive.settings.objects_folder / ".staging"
    return [path.name for path in folder.rglob("*") if path.is_file() and path.name != "lock"]


async def settled(archive) -> None:
    """Nothing is staged any more: that goes after the answer is on its way."""
    async with asyncio.timeout(60):
        while staged(archive):
            await asyncio.sleep(0.001)


async def found(archive, **keys) -> list[dict]:
    answer = await archive.web.get("/instances", params=keys)
    return answer.json() if answer.status_code == 200 else []


async def file_of(archive, ds) -> bytes:
    url = (
        f"/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}"
        f"/instances/{ds.SOPInstanceUID}"
    )
    return (await archive.web.get(url, headers=STORED_AS_IT_IS)).content


@pytest.mark.parametrize("syntax", NATIVE, ids=["explicit", "implicit"])
async def test_an_object_can_be_found_when_success_is_said(served, syntax):
    """STORE-01, STORE-07, STORE-08, BRIDGE-01: every byte of it, private elements too."""
    ds = dataset()
    block = ds.private_block(0x0011, "OURS", create=True)
    block.add_new(1, "UN", b"private")
    sent = encoded(ds, syntax)
    async with associated(served.port, (CT, [syntax])) as peer:
        response, _ = await peer.ask(store_of(ds), sent)
        assert response.Status == 0
        assert response.AffectedSOPInstanceUID == ds.SOPInstanceUID
        (one,) = await found(served, SOPInstanceUID=ds.SOPInstanceUID)
        assert one["00080016"]["Value"] == [CT]
        stored = await file_of(served, ds)
        assert stored.endswith(sent)
        assert stored[128:132] == b"DICM"
        await peer.release()


async def test_the_file_has_the_meta_that_we_write(archive):
    """ENC-21: PS3.10 7.1."""
    ds = dataset()
    async with associated(archive.port, CT) as peer:
        await peer.ask(store_of(ds), encoded(ds))
    meta = dcmread(BytesIO(await file_of(archive, ds))).file_meta
    assert meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert meta.TransferSyntaxUID == NATIVE[0]


async def test_instances_of_many_studies_may_be_mixed(served):
    """STORE-14: no meaning is attached to associations or order."""
    studies = [
        [dataset(StudyInstanceUID=f"1.2.{n}", InstanceNumber=i) for i in (1, 2)] for n in (1, 2)
    ]
    async with associated(served.port, CT) as one, associated(served.port, CT) as other:
        for first, second in zip(*studies, strict=True):
            for peer, ds in ((one, first), (other, second)):
                assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == 0
    assert len(await found(served, StudyInstanceUID="1.2.1")) == 2
    assert len(await found(served, StudyInstanceUID="1.2.2")) == 2


# Refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed, keyword",
    [
        pytest.param({"AffectedSOPInstanceUID": "1.2.3"}, 0x00080018, id="another instance"),
        pytest.param(
            {"AffectedSOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, 0x00080016, id="another class"
        ),
    ],
)
async def test_a_message_that_says_something_else_than_its_object(archive, changed, keyword):
    """STORE-03, STORE-05, STORE-06: A900 with the element to blame and a comment."""
    ds = dataset()
    async with associated(archive.port, CT) as peer:
        response, _ = await peer.ask(store_of(ds, **changed), encoded(ds))
        assert response.Status == 0xA900
        assert response.OffendingElement == keyword
        assert response.ErrorComment == "%s is not the one that the message says." % (
            "SOPInstanceUID" if keyword == 0x00080018 else "SOPClassUID"
        )
        assert await found(archive) == []
        assert objects(archive) == []
        # The next one on the same association is not affected.
        assert (await peer.ask(store_of(ds, 2), encoded(ds)))[0].Status == 0


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"this is no data set at all, only text" * 3, id="text"),
        pytest.param(b"\xff" * 100, id="ones"),
        pytest.param(encoded(dataset())[:-9], id="cut"),
    ],
)
async def test_what_cannot_be_understood_is_refused(archive, data):
    """STORE-03: Cxxx."""
    async with associated(archive.port, CT) as peer:
        response, _ = await peer.ask(store_of(dataset()), data)
        assert response.Status & 0xF000 == 0xC000
        assert 0 < len(response.ErrorComment) <= 64
        assert objects(archive) == staged(archive) == []


async def test_no_room_is_out_of_resources(archive, monkeypatch):
    """STORE-03: A700 when the disk is full."""

    def full(*_):
        raise Refused(OUT_OF_RESOURCES, "No space left on device.") from OSError(errno.ENOSPC, "")

    monkeypatch.setattr(Filesystem, "put", full)
    ds = dataset()
    async with associated(archive.port, CT) as peer:
        response, _ = await peer.ask(store_of(ds), encoded(ds))
        assert response.Status == 0xA700
        assert response.ErrorComment == "No space left on device."


async def test_what_is_larger_than_allowed_is_out_of_resources(archive_folder):
    """STORE-03: A701."""
    async with door_of(Settings(data=archive_folder, max_instance_bytes=500)) as archive:
        ds = dataset(PixelData=bytes(1000))
        async with associated(archive.port, CT) as peer:
            assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == 0xA701


@pytest.mark.parametrize(
    "changed, status",
    [
        pytest.param({"AffectedSOPInstanceUID": "one"}, 0x0117, id="no UID"),
        pytest.param({"AffectedSOPInstanceUID": None}, 0x0117, id="no instance"),
        pytest.param({"AffectedSOPClassUID": None}, 0x0212, id="no class"),
        pytest.param({"CommandField": 0x0020}, 0x0211, id="another operation"),
    ],
)
async def test_a_message_that_lacks_what_it_needs(archive, changed, status):
    """STORE-04: 0117, 0211, 0212 (PS3.7 9.1.1.1.9)."""
    ds = dataset()
    values = {
        "CommandField": Message.C_STORE,
        "AffectedSOPClassUID": CT,
        "AffectedSOPInstanceUID": ds.SOPInstanceUID,
        "MessageID": 1,
        "CommandDataSetType": 1,
    }
    async with associated(archive.port, CT) as peer:
        response, _ = await peer.ask(Command(**(values | changed)), encoded(ds))
        assert response.Status == status
        assert objects(archive) == []


async def test_a_message_without_its_object_is_mistyped(archive):
    """STORE-04: 0212."""
    async with associated(archive.port, CT) as peer:
        response, _ = await peer.ask(store_of(dataset(), CommandDataSetType=0x0101))
        assert response.Status == 0x0212


async def test_by_the_letter_the_class_is_that_of_the_context(archive_folder):
    """STORE-04: 0122; leniently what the object is decides."""
    ds = dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
    for strict, status in ((True, 0x0122), (False, 0)):
        async with (
            door_of(Settings(data=archive_folder, strict=strict)) as archive,
            associated(archive.port, CT) as peer,
        ):
            assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == status


async def test_who_negotiated_to_be_scp_only_may_not_store(archive):
    """STORE-04: 0124."""
    ds = dataset()
    async with associated(archive.port, CT, roles=(Role(CT, scu=False, scp=True),)) as peer:
        assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == 0x0124


async def test_a_number_that_is_still_in_use_is_a_duplicate(archive):
    """STORE-04: 0210, for a second message sent before the first was answered."""
    one, other = dataset(), dataset()
    async with associated(archive.port, CT) as peer:
        peer.send(store_of(one, 5), encoded(one))
        peer.send(store_of(other, 5), encoded(other))
        statuses = [(await peer.message())[0].Status for _ in range(2)]
        assert statuses == [0, 0x0210]
        assert len(await found(archive)) == 1


# The same decisions as STOW-RS ---------------------------------------------------------------


async def test_the_same_object_again_is_a_success_and_another_is_refused(served):
    """STORE-15: as STOW-RS decides (RUL-14)."""
    ds = dataset()
    async with associated(served.port, CT) as peer:
        assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == 0
        assert (await peer.ask(store_of(ds, 2), encoded(ds)))[0].Status == 0
        ds.PatientName = "Another^Person"
        response, _ = await peer.ask(store_of(ds, 3), encoded(ds))
        assert response.Status == 0x0111
    (one,) = await found(served)
    assert one["00080018"]["Value"] == [ds.SOPInstanceUID]


async def test_what_stow_stored_is_the_same_to_c_store(served):
    """STORE-15, BRIDGE-01: the file meta differs, the object does not."""
    ds = dataset()
    sent = await served.web.post("/studies", content=related([part10(ds)]), headers=related_type())
    assert sent.status_code == 200
    async with associated(served.port, CT) as peer:
        assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == 0
    async with asyncio.timeout(30):
        while len(objects(served)) > 1:  # the second copy goes when there is time
            await asyncio.sleep(0.001)


FAULTS = {
    "no study": {"StudyInstanceUID": None},
    "a bad series": {"SeriesInstanceUID": "1.2.x"},
    "an empty study": {"StudyInstanceUID": ""},
}


@pytest.mark.parametrize("changed", FAULTS.values(), ids=FAULTS)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
async def test_a_fault_has_the_same_code_through_both_doors(archive, changed):
    """STORE-15, BRIDGE-02: T-9."""
    ds = dataset(**changed)
    answer = await archive.web.post(
        "/studies", content=related([part10(ds)]), headers=related_type()
    )
    (item,) = answer.json()["00081198"]["Value"]
    async with associated(archive.port, CT) as peer:
        response, _ = await peer.ask(store_of(ds), encoded(ds))
    assert [response.Status] == item["00081197"]["Value"]
    assert response.ErrorComment == item["00000902"]["Value"][0][:64]
    assert response.OffendingElement in (0x0020000D, 0x0020000E)


@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
async def test_an_odd_object_is_stored_with_a_warning_through_both_doors(archive):
    """STORE-02: B007, where STOW-RS says so too."""
    ds = dataset()
    uid = "1.2." + "3" * 70
    ds.StudyInstanceUID = uid
    async with associated(archive.port, CT) as peer:
        response, _ = await peer.ask(store_of(ds), encoded(ds))
        assert response.Status == 0xB007
        assert response.ErrorComment.startswith("StudyInstanceUID breaks the rules")
    assert len(await found(archive)) == 1


async def test_nothing_is_coerced_and_none_is_said_to_be(archive):
    """STORE-02, STORE-10: attributes stay as sent, so B000 is never said (PS3.4 B.4.1.3)."""
    assert STORE_FEATURES[4] == 0
    ds = dataset(PatientID="  padded id", PatientName="lower^case")
    async with associated(archive.port, CT) as peer:
        assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == 0
    assert (await file_of(archive, ds)).endswith(encoded(ds))


async def test_lossy_flags_stay_as_they_were_sent(archive):
    """STORE-11: (0028,2110) is 01 for ever."""
    ds = dataset(LossyImageCompression="01")
    async with associated(archive.port, CT) as peer:
        await peer.ask(store_of(ds), encoded(ds))
    assert read((await file_of(archive, ds))[-len(encoded(ds)) :]).LossyImageCompression == "01"


# All there is ----------------------------------------------------------------------------------


async def test_an_object_of_every_storage_sop_class_is_taken(archive):
    """STORE-12: T-8; 128 presentation contexts at a time."""
    for begin in range(0, len(STORAGE), 128):
        some = STORAGE[begin : begin + 128]
        async with associated(archive.port, *(one.uid for one in some)) as peer:
            for number, one in enumerate(some):
                ds = dataset(SOPClassUID=one.uid, PixelData=None)
                command = store_of(ds, number + 1)
                response, _ = await peer.ask(command, encoded(ds), context=2 * number + 1)
                assert (one.name, response.Status) == (one.name, 0)
    assert len(objects(archive)) == len(STORAGE) >= 190


ENCAPSULATED = [syntax for syntax in SYNTAXES if syntax.encapsulated]


@pytest.mark.parametrize("syntax", ENCAPSULATED, ids=lambda syntax: syntax.name)
async def test_an_object_in_every_transfer_syntax_is_taken_as_it_is(archive, syntax):
    """STORE-12, ENC-01: nothing is decoded on receipt."""
    ds = dataset(PixelData=None)
    fragments = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\4\0\0\0abcd\xfe\xff\xdd\xe0\0\0\0\0"
    sent = encoded(ds) + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + fragments
    async with associated(archive.port, (CT, [syntax.uid])) as peer:
        response, _ = await peer.ask(store_of(ds), sent)
        assert response.Status == 0
    assert (await file_of(archive, ds)).endswith(sent)


@pytest.mark.parametrize(
    "flag, name",
    [
        ("-xd", "image_dfl.dcm"),
        ("-xb", "ExplVR_BigEnd.dcm"),
        ("-xi", "rtdose.dcm"),
        ("-xr", "MR_small_RLE.dcm"),
        ("-xv", "MR_small_jp2klossless.dcm"),
        ("-xy", "SC_rgb_dcmtk_+eb+cy+np.dcm"),
        ("-xs", "SC_rgb_jpeg_gdcm.dcm"),
    ],
)
@pytest.mark.skipif(shutil.which("storescu") is None, reason="storescu comes with Debian's dcmtk.")
async def test_dcmtk_sends_objects_in_its_transfer_syntaxes(archive, flag, name):
    """STORE-12, ENC-01, ENC-10: deflated, big endian, implicit, compressed; as they were."""
    path = get_testdata_file(name, download=False)
    await run("storescu", flag, "-aec", "DICOMWEB", "127.0.0.1", str(archive.port), path)
    sent = dcmread(path)
    got = dcmread(BytesIO(await file_of(archive, sent)))
    assert got.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    assert got.PixelData == sent.PixelData


async def run(*command: str) -> str:
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# Large, cut, many ------------------------------------------------------------------------------


async def test_a_large_object_goes_to_disk_as_it_comes(archive):
    """The issue's own: memory does not grow with the object."""
    ds = dataset(PixelData=bytes(range(256)) * 50_000)
    sent = encoded(ds)
    async with associated(archive.port, CT) as peer:
        length = peer.accepted.user.maximum_length
        peer.writer.writelines(messages.frame_command(1, store_of(ds), length))
        half = len(sent) // 2
        peer.writer.writelines(messages.frame(1, sent[:half], length, last=False))
        await peer.writer.drain()
        async with asyncio.timeout(30):
            while not staged(archive):
                await asyncio.sleep(0)
        peer.writer.writelines(messages.frame(1, sent[half:], length))
        assert (await peer.message())[0].Status == 0
    assert (await file_of(archive, ds)).endswith(sent)
    await settled(archive)


@pytest.mark.parametrize("how", ["abort", "close"])
@pytest.mark.parametrize("size", [1000, 3_000_000])
async def test_an_object_cut_in_the_middle_leaves_nothing(archive, how, size):
    """The issue's own: nothing staged, nothing on record."""
    ds = dataset(PixelData=bytes(size))
    sent = encoded(ds)[: size // 2 & ~1]
    async with associated(archive.port, CT) as peer:
        length = peer.accepted.user.maximum_length
        peer.writer.writelines(messages.frame_command(1, store_of(ds), length))
        peer.writer.writelines(messages.frame(1, sent, length, last=False))
        if how == "abort":
            peer.writer.write(pdus.build(Abort()))
        await peer.writer.drain()
    async with asyncio.timeout(30):
        while archive.door.associations:
            await asyncio.sleep(0.001)
    await settled(archive)
    assert objects(archive) == await found(archive) == []


async def test_a_soak_of_associations_that_break_off_leaves_nothing_half(archive):
    """The issue's own, ASSOC-15: 200 of them, each cut somewhere; no thread or file is left."""
    chance = random.Random(7)
    before, threads = len(asyncio.all_tasks()), threading.active_count()
    whole = 0

    async def one(number: int) -> None:
        nonlocal whole
        ds = dataset(PixelData=bytes(number * 40))
        wire = b"".join(
            messages.frame_command(1, store_of(ds), 16384) + messages.frame(1, encoded(ds), 16384)
        )
        cut = len(wire) if number % 5 == 0 else chance.randrange(len(wire))
        async with associated(archive.port, CT) as peer:
            peer.writer.write(wire[:cut])
            if number % 5 == 0:
                assert (await peer.message())[0].Status == 0
                whole += 1
            if number % 3 == 0:
                peer.writer.write(pdus.build(Abort()))
            elif number % 3 == 1:
                peer.writer.transport.abort()
            else:
                await peer.writer.drain()

    for begin in range(0, 200, 20):
        await asyncio.gather(*(one(number) for number in range(begin, begin + 20)))
    async with asyncio.timeout(60):
        while archive.door.associations or len(asyncio.all_tasks()) > before:
            await asyncio.sleep(0.001)
    await settled(archive)
    assert whole == len(await found(archive)) == len(objects(archive)) == 40
    assert threading.active_count() - threads < 40, "pools have filled, but no one has his own"
    assert archive.door.counters.values[3] == 0


async def test_a_flood_of_requests_is_not_held_in_memory(archive):
    """What a peer sends faster than it is dealt with stays with it."""
    ds = dataset(PixelData=bytes(200_000))
    async with associated(archive.port, CT) as peer:
        sent = encoded(ds)
        for number in range(40):
            peer.send(store_of(ds, number + 1), sent)
        (association,) = archive.door.associations
        for _ in range(40):
            assert (await peer.message())[0].Status == 0
            assert association.held_bytes < 4_000_000


async def test_fragments_of_nothing_count_as_held(archive):
    """A piece takes room without bytes too; who sends thousands of them waits."""
    nothing = (Fragment(1, b"", command=False, last=False),) * 20_000
    async with associated(archive.port, CT) as peer:
        await peer.ask(store_of(ds := dataset()), encoded(ds))
        (association,) = archive.door.associations
        command = encode(store_of(dataset(), 2))
        association._take((Fragment(1, command, command=True, last=True), *nothing))
        assert association.held_bytes == 20_000 * PIECE_BYTES
        association._take(nothing)
        assert association.held_bytes > HELD_BYTES_MAX
        assert not association._transport.is_reading()
        association.abort()
