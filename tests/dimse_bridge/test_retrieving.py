"""C-MOVE and C-GET: what an identifier chooses arrives, and each one is counted (PS3.4 C.4)."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import subprocess
import threading
from contextlib import AsyncExitStack

import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.uid import ImplicitVRLittleEndian

from dicomweb.engine.delete import delete
from dicomweb.settings import Peer as Known
from dicomweb.settings import Settings
from dimse_bridge import lingering, retrieving
from dimse_bridge.progress import Progress
from dimse_bridge.wire.commands import Command, Message
from dimse_bridge.wire.items import Extended, Role
from dimse_bridge.wire.pdus import AssociateAccept
from schemas.identifiers import Selection, Uid
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.devices import device
from tests.dimse_bridge.peer import (
    CT,
    NATIVE,
    PATIENT_GET,
    PATIENT_MOVE,
    STUDY_GET,
    STUDY_MOVE,
    associated,
    connected,
    contexts,
    encoded,
    read,
    store_of,
)
from tests.make import dataset, part10, related, related_type

SR = "1.2.840.10008.5.1.4.1.1.88.11"
JPEG_LS = "1.2.840.10008.1.2.4.80"
RELATIONAL = b"\1"

STUDY = [
    dataset(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", InstanceNumber=n)
    for n in (1, 2, 3)
]
OTHER = [dataset(StudyInstanceUID="1.2.2", SeriesInstanceUID="1.2.2.1", PatientID="P2")]


async def stored(archive, *datasets: Dataset) -> None:
    """One after the other, so that they come back in that order."""
    for ds in datasets:
        body = related([part10(ds)])
        answer = await archive.web.post("/studies", content=body, headers=related_type())
        assert answer.status_code == 200


def chosen(level: str, **keys) -> Dataset:
    ds = Dataset()
    ds.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(ds, keyword, value)
    return ds


def request(message: Message, sop_class: str, **more) -> Command:
    values = {"MessageID": 7, "Priority": 0, "CommandDataSetType": 1}
    return Command(message, AffectedSOPClassUID=sop_class, **(values | more))


def counts(command: Command) -> tuple[int | None, ...]:
    return (
        command.NumberOfRemainingSuboperations,
        command.NumberOfCompletedSuboperations,
        command.NumberOfFailedSuboperations,
        command.NumberOfWarningSuboperations,
    )


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


class Moving:
    """An archive, a requester, and the peers that the archive knows."""

    def __init__(self, archive, peer) -> None:
        self.archive, self.peer = archive, peer

    async def move(self, identifier: Dataset, destination: str = "DESTINATION", **more):
        command = request(Message.C_MOVE, STUDY_MOVE, MoveDestination=destination, **more)
        return await self.peer.all(command, encoded(identifier))


@pytest.fixture
async def moving(archive_folder):
    """`moving(port)`: three devices (MOVE-03), the destination listening at `port`."""
    async with AsyncExitStack() as stack:

        async def start(port: int, *, linger: float = 0, **values) -> Moving:
            peers = {"DESTINATION": Known(host="127.0.0.1", port=port, **values)}
            settings = Settings(data=archive_folder, peers=peers, dimse_linger_seconds=linger)
            archive = await stack.enter_async_context(door_of(settings))
            await stored(archive, *STUDY, *OTHER)
            peer = await stack.enter_async_context(associated(archive.port, STUDY_MOVE))
            return Moving(archive, peer)

        yield start


# C-MOVE --------------------------------------------------------------------------------


async def test_a_study_is_moved_to_a_third_device(moving):
    """MOVE-03, MOVE-07, MOVE-08, MOVE-09, STORE-13: counts in every response."""
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port)
        *pending, (final, data) = await one.move(
            chosen("STUDY", StudyInstanceUID="1.2.1"), Priority=1
        )
    assert counts(pending[0][0]) == (2, 1, 0, 0)
    assert {response.Status for response, _ in pending} == {0xFF00}
    assert {sum(counts(response)) for response, _ in pending} == {3}
    assert (final.Status, counts(final)) == (0, (None, 3, 0, 0))
    assert [data for _, data in (*pending, (final, data))] == [None] * (len(pending) + 1)
    assert [one.AffectedSOPInstanceUID for one in destination.received] == [
        ds.SOPInstanceUID for ds in STUDY
    ]
    assert destination.data_sets == [encoded(ds) for ds in STUDY]
    first = destination.received[0]
    assert first.MoveOriginatorApplicationEntityTitle == "TESTER"
    assert first.MoveOriginatorMessageID == 7
    assert len(destination.associations) == 1


async def test_a_requester_hears_of_a_long_move_again_and_again(moving, monkeypatch):
    """MOVE-12, MOVE-21: pending responses keep its timer from running out, but do not flood it."""
    monkeypatch.setattr(retrieving, "PENDING_SECONDS_MIN", 0)
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port)
        *pending, _ = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
        assert [counts(response) for response, _ in pending] == [(2, 1, 0, 0), (1, 2, 0, 0)]
        monkeypatch.setattr(retrieving, "PENDING_SECONDS_MIN", 600)
        *pending, _ = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
        assert [counts(response) for response, _ in pending] == [(2, 1, 0, 0)]


async def test_the_priority_is_passed_on(moving):
    """MOVE-18: C.4.2.1.2."""
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port)
        await one.move(chosen("STUDY", StudyInstanceUID="1.2.2"), Priority=1)
    assert [store.Priority for store in destination.received] == [1]


CHOICES = {
    "a list of studies": (chosen("STUDY", StudyInstanceUID=["1.2.1", "1.2.2"]), 4),
    "a series": (chosen("SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1"), 3),
    "a list of series": (
        chosen("SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID=["1.2.1.1", "1.9"]),
        3,
    ),
    "an instance": (
        chosen(
            "IMAGE",
            StudyInstanceUID="1.2.1",
            SeriesInstanceUID="1.2.1.1",
            SOPInstanceUID=STUDY[1].SOPInstanceUID,
        ),
        1,
    ),
    "a list of instances": (
        chosen(
            "IMAGE",
            StudyInstanceUID="1.2.1",
            SeriesInstanceUID="1.2.1.1",
            SOPInstanceUID=[STUDY[0].SOPInstanceUID, STUDY[2].SOPInstanceUID],
        ),
        2,
    ),
    "an instance of another series": (
        chosen(
            "IMAGE",
            StudyInstanceUID="1.2.2",
            SeriesInstanceUID="1.2.2.1",
            SOPInstanceUID=STUDY[0].SOPInstanceUID,
        ),
        0,
    ),
    "an empty extra key": (chosen("STUDY", StudyInstanceUID="1.2.2", PatientName=""), 1),
}


@pytest.mark.parametrize("identifier, count", CHOICES.values(), ids=CHOICES)
async def test_unique_keys_choose(archive, identifier, count):
    """MOVE-02, MOVE-16: C.4.2.1.4.1; nothing chosen is a success with zero counts."""
    await stored(archive, *STUDY, *OTHER)
    roles = (Role(CT, scu=False, scp=True),)
    async with associated(archive.port, STUDY_GET, CT, roles=roles) as peer:
        final, got = await got_all(peer, identifier)
        assert final.Status == 0
        assert counts(final) == (None, count, 0, 0)
        assert len(got) == count


async def test_a_patient_is_chosen_in_the_patient_root(served):
    """MOVE-01, MOVE-02: single Patient ID."""
    await stored(served, *STUDY, *OTHER)
    roles = (Role(CT, scu=False, scp=True),)
    async with associated(served.port, PATIENT_GET, CT, roles=roles) as peer:
        for keys, count in (
            ({"PatientID": "P1"}, 3),
            ({"PatientID": "P2"}, 1),
            ({"PatientID": "P"}, 0),
        ):
            final, _ = await got_all(peer, chosen("PATIENT", **keys), PATIENT_GET)
            assert counts(final) == (None, count, 0, 0)
        final, _ = await got_all(
            peer, chosen("STUDY", PatientID="P2", StudyInstanceUID="1.2.1"), PATIENT_GET
        )
        assert counts(final) == (None, 0, 0, 0)


BAD = {
    "no level": chosen("", StudyInstanceUID="1.2.1"),
    "a level of another root": chosen("PATIENT", PatientID="P1"),
    "an unknown level": chosen("FRAME", StudyInstanceUID="1.2.1"),
    "no unique key": chosen("STUDY"),
    "a series without its study": chosen("SERIES", SeriesInstanceUID="1.2.1.1"),
    "a list above the level": chosen(
        "SERIES", StudyInstanceUID=["1.2.1", "1.2.2"], SeriesInstanceUID="1.2.1.1"
    ),
    "a key that is not unique": chosen("STUDY", StudyInstanceUID="1.2.1", Modality="CT"),
}


@pytest.mark.parametrize("identifier", BAD.values(), ids=BAD)
async def test_a_bad_identifier_is_refused(archive, identifier):
    """MOVE-02, MOVE-17: A900, nothing sent."""
    async with associated(archive.port, STUDY_GET) as peer:
        response, data = await peer.ask(request(Message.C_GET, STUDY_GET), encoded(identifier))
        assert response.Status == 0xA900
        assert data is None
        assert response.ErrorComment


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
async def test_what_is_no_uid_is_refused(archive):
    """MOVE-02."""
    async with associated(archive.port, STUDY_GET) as peer:
        identifier = chosen("STUDY", StudyInstanceUID="1.2.*")
        response, _ = await peer.ask(request(Message.C_GET, STUDY_GET), encoded(identifier))
        assert response.Status == 0xA900


async def test_by_the_letter_an_identifier_has_nothing_else(archive_folder):
    """MOVE-02: strict; leniently empty keys are passed over."""
    identifier = chosen("STUDY", StudyInstanceUID="1.2.1", PatientName="")
    async with (
        door_of(Settings(data=archive_folder, strict=True)) as archive,
        associated(archive.port, STUDY_GET) as peer,
    ):
        response, _ = await peer.ask(request(Message.C_GET, STUDY_GET), encoded(identifier))
        assert response.Status == 0xA900


async def test_relational_retrieval_needs_no_keys_above(archive):
    """MOVE-17: only when it is negotiated (PS3.4 C.5.2.1)."""
    await stored(archive, *STUDY)
    identifier = chosen("IMAGE", SOPInstanceUID=STUDY[0].SOPInstanceUID)
    roles = (Role(CT, scu=False, scp=True),)
    extended = (Extended(STUDY_GET, RELATIONAL),)
    async with associated(archive.port, STUDY_GET, CT, roles=roles, extended=extended) as peer:
        final, got = await got_all(peer, identifier)
        assert counts(final) == (None, 1, 0, 0)
        assert got == [encoded(STUDY[0])]


async def test_an_unknown_destination_is_refused(moving, free_port):
    """MOVE-04: A801."""
    one = await moving(free_port)
    ((response, data),) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"), "NOBODY")
    assert response.Status == 0xA801
    assert data is None


async def test_a_destination_that_does_not_listen_has_all_failed(moving):
    """MOVE-05, MOVE-07, MOVE-10: A702 with the list."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    one = await moving(port)
    *pending, (final, data) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
    assert final.Status == 0xA702
    assert counts(final) == (None, 0, 3, 0)
    failed = read(data)
    assert set(failed.FailedSOPInstanceUIDList) == {ds.SOPInstanceUID for ds in STUDY}
    assert "SpecificCharacterSet" not in failed
    assert [data for _, data in pending] == [None] * len(pending)


async def test_a_destination_that_rejects_has_all_failed(moving, caplog):
    """MOVE-05: A702; the log tells what the destination said."""
    with device([(CT, NATIVE)], require_called_aet=True, title="ANOTHER") as destination:
        one = await moving(destination.port)
        *_, (final, _) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
    assert final.Status == 0xA702
    assert destination.received == []
    assert "rejected (result 1, source 1, reason 7)" in caplog.text


async def test_what_the_destination_does_not_take_fails_and_the_rest_goes(moving):
    """MOVE-06, MOVE-07, MOVE-10: B000."""
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port)
        report = dataset(StudyInstanceUID="1.2.1", SOPClassUID=SR, PixelData=None)
        await stored(one.archive, report)
        *pending, (final, data) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
    assert final.Status == 0xB000
    assert counts(final) == (None, 3, 1, 0)
    assert read(data).FailedSOPInstanceUIDList == report.SOPInstanceUID
    assert all(sum(filter(None, counts(response))) == 4 for response, _ in pending)


@pytest.mark.parametrize(
    "statuses, final_status, final_counts",
    [
        pytest.param([0xB000, 0, 0], 0xB000, (None, 2, 0, 1), id="one warns"),
        pytest.param([0xB000, 0xB007, 0x0107], 0xB000, (None, 0, 0, 3), id="all warn"),
        pytest.param([0xA700, 0, 0], 0xB000, (None, 2, 1, 0), id="one fails"),
        pytest.param([0xC000, 0xA900, 0x0110], 0xA702, (None, 0, 3, 0), id="all fail"),
        pytest.param([0xB000, 0xA700, 0], 0xB000, (None, 1, 1, 1), id="one each"),
    ],
)
async def test_what_the_destination_answers_is_counted(
    moving, statuses, final_status, final_counts
):
    """MOVE-07, MOVE-09, MOVE-20."""
    with device([(CT, NATIVE)], lambda number: statuses[number - 1]) as destination:
        one = await moving(destination.port)
        *_, (final, data) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
    assert final.Status == final_status
    assert counts(final) == final_counts
    assert (data is not None) is bool(final.NumberOfFailedSuboperations)


async def test_a_cancel_stops_it(moving):
    """MOVE-11, MOVE-08: FE00, and what remains was not sent."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    go_on = threading.Event()

    def second_store(number: int) -> int:
        if number == 2:
            loop.call_soon_threadsafe(done.set)
            go_on.wait(10)
        return 0

    with device([(CT, NATIVE)], second_store) as destination:
        one = await moving(destination.port)
        command = request(Message.C_MOVE, STUDY_MOVE, MoveDestination="DESTINATION")
        one.peer.send(command, encoded(chosen("STUDY", StudyInstanceUID="1.2.1")))
        await done.wait()
        one.peer.send(Command(Message.C_CANCEL, MessageIDBeingRespondedTo=7))
        async with asyncio.timeout(30):
            (association,) = one.archive.door.associations
            while not association.is_cancelled(7):
                await asyncio.sleep(0.001)
        go_on.set()
        responses = [await one.peer.message()]
        while responses[-1][0].Status == 0xFF00:
            responses.append(await one.peer.message())
    final, data = responses[-1]
    assert final.Status == 0xFE00
    assert counts(final) == (1, 2, 0, 0)
    assert data is None
    assert len(destination.received) == 2


async def test_a_requester_that_aborts_stops_it(moving):
    """MOVE-19: the archive goes on serving others."""
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port)
        command = request(Message.C_MOVE, STUDY_MOVE, MoveDestination="DESTINATION")
        one.peer.send(command, encoded(chosen("STUDY", StudyInstanceUID="1.2.1")))
        await one.peer.message()
        one.peer.writer.transport.abort()
        async with asyncio.timeout(30):
            while one.archive.door.associations:
                await asyncio.sleep(0.001)
        async with associated(one.archive.port, STUDY_MOVE) as another:
            one.peer = another
            *_, (final, _) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.2"))
    assert final.Status == 0


async def test_a_destination_that_breaks_off_costs_what_was_under_way(moving):
    """MOVE-05, MOVE-10: another association takes the rest."""

    def abort_first(event) -> None:
        if len(destination.received) == 1:
            event.assoc.abort()

    with device([(CT, NATIVE)], stored=abort_first) as destination:
        one = await moving(destination.port)
        *_, (final, data) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
    assert final.Status == 0xB000
    assert counts(final) == (None, 2, 1, 0)
    assert read(data).FailedSOPInstanceUIDList == STUDY[0].SOPInstanceUID
    assert len(destination.associations) == 2


async def test_several_associations_go_to_a_destination_that_allows_it(moving):
    """The issue's own: in parallel, each instance once."""
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port, associations=3)
        *_, (final, _) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
    assert counts(final) == (None, 3, 0, 0)
    assert sorted(store.AffectedSOPInstanceUID for store in destination.received) == sorted(
        ds.SOPInstanceUID for ds in STUDY
    )
    assert 2 <= len(destination.associations) <= 3


async def test_another_archive_is_a_destination(moving, tmp_path):
    """MOVE-03, BRIDGE-05: what was moved by AE title is found there over the web."""
    async with door_of(Settings(data=tmp_path / "other", ae_title="DESTINATION")) as other:
        one = await moving(other.port)
        *_, (final, _) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
        assert counts(final) == (None, 3, 0, 0)
        found = (await other.web.get("/studies/1.2.1/instances")).json()
    assert len(found) == 3


# Associations that linger ----------------------------------------------------------------


async def until(true) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


async def move_each(moving: Moving) -> None:
    """Each instance of STUDY by a C-MOVE of its own."""
    for ds in STUDY:
        keys = {"SeriesInstanceUID": ds.SeriesInstanceUID, "SOPInstanceUID": ds.SOPInstanceUID}
        *_, (final, _) = await moving.move(
            chosen("IMAGE", StudyInstanceUID=ds.StudyInstanceUID, **keys)
        )
        assert (final.Status, counts(final)) == (0, (None, 1, 0, 0))


@pytest.mark.parametrize("linger, associations", [(600, 1), (0, 3)])
async def test_c_moves_that_follow_each_other_share_an_association(moving, linger, associations):
    """MOVE-03: the issue's own, one association with a destination; released in the end."""
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port, linger=linger)
        await move_each(one)
        assert len(destination.associations) == associations
        assert len({store.MessageID for store in destination.received}) == (3 if linger else 1)
        await one.archive.door.lingering.close()
        await until(lambda: all(each.is_released for each in destination.associations))


async def test_an_association_that_nobody_wants_is_released_when_its_time_is_over(moving):
    """The issue's own: a destination may have room for one alone."""
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port, linger=0.01)
        await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
        await until(lambda: destination.associations[0].is_released)
        assert len(one.archive.door.lingering) == 0


@pytest.mark.parametrize("how", ["abort", "release", "kill"])
async def test_an_association_that_the_destination_gives_up_is_replaced(moving, how):
    """MOVE-05: nothing has failed."""
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port, linger=600)
        await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
        (first,) = destination.associations
        await asyncio.to_thread(getattr(first, how))
        await until(lambda: len(one.archive.door.lingering) == 0)
        await move_each(one)
        assert len(destination.associations) == 2


async def test_an_instance_that_met_an_association_given_up_goes_over_another(moving):
    """MOVE-05: the destination ends it at the very moment that it is used again."""

    def abort_fourth(event) -> None:
        if len(destination.received) == 4:
            event.assoc.abort()

    with device([(CT, NATIVE)], stored=abort_fourth) as destination:
        one = await moving(destination.port, linger=600)
        await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
        await move_each(one)
        assert len(destination.associations) == 2


async def test_what_was_not_proposed_goes_over_another_and_the_first_is_released(moving):
    """MOVE-06: a destination that has room for one association has it for the second."""
    report = dataset(StudyInstanceUID="1.2.3", SOPClassUID=SR, PixelData=None)
    with device([(CT, NATIVE), (SR, NATIVE)]) as destination:
        one = await moving(destination.port, linger=600)
        await stored(one.archive, report)
        await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
        *_, (final, _) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.3"))
        assert counts(final) == (None, 1, 0, 0)
        await until(lambda: destination.associations[0].is_released)
        assert len(one.archive.door.lingering) == 1


async def test_few_associations_linger(moving, monkeypatch):
    """The issue's own: the one that waits the longest makes room."""
    monkeypatch.setattr(lingering, "LINGERING_MAX", 2)
    with device([(CT, NATIVE)]) as destination:
        one = await moving(destination.port, linger=600, associations=3)
        await one.move(chosen("STUDY", StudyInstanceUID=["1.2.1", "1.2.2"]))
        await until(
            lambda: (
                sum(not each.is_released for each in destination.associations)
                == len(one.archive.door.lingering)
            )
        )
        assert 1 <= len(one.archive.door.lingering) <= 2


# Transfer syntaxes ---------------------------------------------------------------------------


async def test_a_destination_that_knows_only_implicit_little_endian_gets_that(moving):
    """ASSOC-05, MOVE-15: PS3.5 10.1."""
    with device([(CT, [ImplicitVRLittleEndian])]) as destination:
        one = await moving(destination.port)
        *_, (final, _) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.1"))
    assert final.Status == 0
    got = read(destination.data_sets[0], ImplicitVRLittleEndian)
    assert got.PixelData == STUDY[0].PixelData
    assert got.PatientName == STUDY[0].PatientName


async def test_a_compressed_object_is_decompressed_for_a_device_without_codecs(moving):
    """ASSOC-05, MOVE-15."""
    path = get_testdata_file("MR_small_jp2klossless.dcm", download=False)
    reference = dcmread(get_testdata_file("MR_small.dcm", download=False))
    with open(path, "rb") as file:
        sent = file.read()
    for syntax in NATIVE:
        with device([(reference.SOPClassUID, [syntax])]) as destination:
            one = await moving(destination.port)
            await one.archive.web.post("/studies", content=related([sent]), headers=related_type())
            *_, (final, _) = await one.move(
                chosen("STUDY", StudyInstanceUID=reference.StudyInstanceUID)
            )
            assert final.Status == 0
            got = read(destination.data_sets[0], syntax)
            assert got.PixelData == reference.PixelData
        await one.peer.close()


async def test_a_compressed_object_goes_as_it_is_where_that_is_taken(moving):
    """MOVE-15, ASSOC-06."""
    ds = dataset(StudyInstanceUID="1.2.7", PixelData=None)
    sent = encoded(ds) + (
        b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
        b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\4\0\0\0abcd\xfe\xff\xdd\xe0\0\0\0\0"
    )
    with device([(CT, [*NATIVE, JPEG_LS])]) as destination:
        one = await moving(destination.port)
        async with associated(one.archive.port, (CT, [JPEG_LS])) as modality:
            assert (await modality.ask(store_of(ds), sent))[0].Status == 0
        *_, (final, _) = await one.move(chosen("STUDY", StudyInstanceUID="1.2.7"))
    assert final.Status == 0
    assert destination.syntaxes == [JPEG_LS]
    assert destination.data_sets == [sent]


# C-GET ---------------------------------------------------------------------------------


async def got_all(peer, identifier, sop_class=STUDY_GET, status=0):
    """The final response and the data sets that came."""
    peer.send(request(Message.C_GET, sop_class), encoded(identifier))
    got = []
    while True:
        command, data = await peer.message()
        if command.CommandField == Message.C_STORE:
            got.append(data)
            assert command.MoveOriginatorMessageID is None
            response = Command(
                0x8001,
                AffectedSOPClassUID=command.AffectedSOPClassUID,
                MessageIDBeingRespondedTo=command.MessageID,
                Status=status,
            )
            peer.send(response, context=3)
        elif command.Status != 0xFF00:
            return command, got


async def test_a_study_comes_back_over_the_same_association(served):
    """MOVE-13, STORE-13, BRIDGE-01: with the SCP role for what comes; byte for byte."""
    await stored(served, *STUDY, *OTHER)
    roles = (Role(CT, scu=False, scp=True),)
    async with associated(served.port, STUDY_GET, CT, roles=roles) as peer:
        final, got = await got_all(peer, chosen("STUDY", StudyInstanceUID="1.2.1"))
        assert final.Status == 0
        assert counts(final) == (None, 3, 0, 0)
        assert got == [encoded(ds) for ds in STUDY]
        await peer.release()


async def test_without_the_role_nothing_can_come(archive):
    """MOVE-13, MOVE-14: all failed."""
    await stored(archive, *STUDY)
    async with associated(archive.port, STUDY_GET, CT) as peer:
        final, got = await got_all(peer, chosen("STUDY", StudyInstanceUID="1.2.1"))
        assert final.Status == 0xA702
        assert counts(final) == (None, 0, 3, 0)
        assert got == []


async def test_what_has_no_context_fails_and_the_rest_comes(archive):
    """MOVE-14: C.4.3.3.1."""
    report = dataset(StudyInstanceUID="1.2.1", SOPClassUID=SR, PixelData=None)
    await stored(archive, *STUDY, report)
    roles = (Role(CT, scu=False, scp=True),)
    async with associated(archive.port, STUDY_GET, CT, roles=roles) as peer:
        final, got = await got_all(peer, chosen("STUDY", StudyInstanceUID="1.2.1"))
        assert final.Status == 0xB000
        assert counts(final) == (None, 3, 1, 0)
        assert len(got) == 3


async def test_small_pdus_are_kept_to(archive):
    """ASSOC-07: a peer that takes 4096 bytes."""
    ds = dataset(StudyInstanceUID="1.2.8", PixelData=bytes(100_000))
    await stored(archive, ds)
    roles = (Role(CT, scu=False, scp=True),)
    async with associated(archive.port, STUDY_GET, CT, roles=roles, maximum_length=4096) as peer:
        final, got = await got_all(peer, chosen("STUDY", StudyInstanceUID="1.2.8"))
        assert final.Status == 0
        assert got == [encoded(ds)]


async def test_a_large_object_is_streamed(archive):
    """The issue's own: byte ranges of the stored file, a chunk at a time."""
    ds = dataset(StudyInstanceUID="1.2.9", PixelData=bytes(range(256)) * 20_000)
    await stored(archive, ds)
    roles = (Role(CT, scu=False, scp=True),)
    async with associated(archive.port, STUDY_GET, CT, roles=roles) as peer:
        final, got = await got_all(peer, chosen("STUDY", StudyInstanceUID="1.2.9"))
        assert final.Status == 0
        assert got == [encoded(ds)]


async def test_a_patient_root_is_negotiated_too(archive):
    """MOVE-01."""
    async with connected(archive.port) as peer:
        asked = contexts(PATIENT_MOVE, PATIENT_GET, STUDY_MOVE, STUDY_GET)
        answer = await peer.associate(*asked)
        assert isinstance(answer, AssociateAccept)
        assert {one.result for one in answer.contexts} == {0}


async def test_what_is_deleted_comes_no_more(archive):
    """BRIDGE-06: no match."""
    await stored(archive, *OTHER)
    async with associated(archive.port, STUDY_GET) as peer:
        identifier = chosen("STUDY", StudyInstanceUID="1.2.2")
        await delete(archive.door.archive, Selection(Uid("1.2.2")))
        final, _ = await got_all(peer, identifier)
        assert counts(final) == (None, 0, 0, 0)


# Counting, and clients ---------------------------------------------------------------------------


def test_sub_operations_always_add_up():
    """MOVE-09: whatever the answers are, even when there are more than were counted."""
    progress = Progress(2)
    for status in (0, 0xB000, 0xA700):
        progress.count(status, "1.2")
    assert (progress.remaining, progress.completed, progress.warned, progress.failed) == (
        0,
        1,
        1,
        1,
    )
    assert progress.status == 0xB000


needs_dcmtk = pytest.mark.skipif(
    shutil.which("movescu") is None, reason="movescu and getscu come with Debian's package dcmtk."
)


async def run(*command: str, cwd=None) -> str:
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_dcmtk
async def test_dcmtk_gets_a_study(archive, tmp_path):
    """MOVE-13: getscu."""
    await stored(archive, *STUDY)
    out = tmp_path / "out"
    out.mkdir()
    keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.1"]
    where = ["-aec", "DICOMWEB", "127.0.0.1", str(archive.port)]
    await run("getscu", "-S", *keys, "-od", str(out), *where)
    got = {str(dcmread(path).SOPInstanceUID) for path in out.iterdir()}
    assert got == {ds.SOPInstanceUID for ds in STUDY}


@needs_dcmtk
async def test_dcmtk_moves_a_study_to_dcmtk(tmp_path, free_port):
    """MOVE-03: movescu asks, storescp receives what is stored compressed, as it is."""
    out = tmp_path / "out"
    out.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    peers = {"SCP": Known(host="127.0.0.1", port=port)}
    process = await asyncio.create_subprocess_exec(
        "storescp", "+xa", "-od", str(out), "-aet", "SCP", str(port),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with door_of(Settings(data=tmp_path / "data", peers=peers)) as archive:
            path = get_testdata_file("MR_small_RLE.dcm", download=False)
            with open(path, "rb") as file:
                body = related([file.read()])
            await archive.web.post("/studies", content=body, headers=related_type())
            sent = dcmread(path)
            await listening(port)
            keys = [
                "-k",
                "QueryRetrieveLevel=STUDY",
                "-k",
                f"StudyInstanceUID={sent.StudyInstanceUID}",
            ]
            where = ["-aec", "DICOMWEB", "127.0.0.1", str(archive.port)]
            await run("movescu", "-S", *keys, "-aem", "SCP", *where)
    finally:
        process.kill()
        await process.wait()
    (file,) = out.iterdir()
    got = dcmread(file)
    assert got.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    assert got.PixelData == sent.PixelData


async def listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


@pytest.mark.skipif(
    shutil.which("gdcmscu") is None, reason="gdcmscu comes with Debian's package libgdcm-tools."
)
async def test_gdcm_echoes_and_stores(archive):
    """ASSOC-13, STORE-01: another implementation.

    What counts is what has arrived: Debian's gdcmscu falls over its own feet after each release,
    with every peer.
    """
    where = ["--call", "DICOMWEB", "127.0.0.1", str(archive.port)]
    path = get_testdata_file("CT_small.dcm", download=False)
    for command in (["--echo", *where], ["--store", *where, path]):
        process = await asyncio.create_subprocess_exec(
            "gdcmscu", *command, stderr=asyncio.subprocess.DEVNULL
        )
        await process.wait()
    metrics = (await archive.web.get("http://archive.test/metrics")).text
    assert "dicomweb_dimse_echo_total 1\n" in metrics
    assert "dicomweb_dimse_store_total 1\n" in metrics
    assert len((await archive.web.get("/studies")).json()) == 1


async def test_what_fails_is_logged_with_its_reason(archive, caplog):
    await stored(archive, *OTHER)
    with caplog.at_level(logging.WARNING, "dimse_bridge"):
        async with associated(archive.port, STUDY_GET) as peer:
            await got_all(peer, chosen("STUDY", StudyInstanceUID="1.2.2"))
    (line,) = caplog.messages
    assert line == (
        f"{OTHER[0].SOPInstanceUID} was not sent: "
        "The peer accepted no presentation context that it can be sent in."
    )
