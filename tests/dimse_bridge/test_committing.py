"""Storage commitment: what is committed was read again, and the report arrives (PS3.4 J)."""

from __future__ import annotations

import asyncio
import threading

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from dicomweb.engine import commitment
from dicomweb.settings import Peer as Known
from dicomweb.settings import Settings
from dimse_bridge.wire.commands import RESPONSE, Command, Message
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.devices import device
from tests.dimse_bridge.peer import (
    COMMITMENT,
    CT,
    NATIVE,
    associated,
    encoded,
    read,
    store_of,
)
from tests.make import dataset

WELL_KNOWN = "1.2.840.10008.1.20.1.1"
TRANSACTION = "1.2.3.4.5"


def references(*pairs: tuple[str, str], transaction: str | None = TRANSACTION) -> Dataset:
    ds = Dataset()
    if transaction:
        ds.TransactionUID = transaction
    ds.ReferencedSOPSequence = []
    for sop_class, instance in pairs:
        item = Dataset()
        item.ReferencedSOPClassUID = sop_class
        item.ReferencedSOPInstanceUID = instance
        ds.ReferencedSOPSequence.append(item)
    return ds


def action(**changed) -> Command:
    values = {
        "RequestedSOPClassUID": COMMITMENT,
        "RequestedSOPInstanceUID": WELL_KNOWN,
        "MessageID": 3,
        "CommandDataSetType": 1,
        "ActionTypeID": 1,
    }
    return Command(**({"CommandField": Message.N_ACTION} | values | changed))


async def stored(archive, *datasets: Dataset) -> None:
    async with associated(archive.port, CT) as peer:
        for number, ds in enumerate(datasets):
            assert (await peer.ask(store_of(ds, number + 1), encoded(ds)))[0].Status == 0


async def committed(archive, identifier: Dataset, calling: str = "MODALITY"):
    """The report, over the association of the request: its command and its information."""
    async with associated(archive.port, COMMITMENT, calling=calling) as peer:
        response, _ = await peer.ask(action(), encoded(identifier))
        assert response.Status == 0
        command, data = await peer.message()
        peer.send(answer_to(command))
        await peer.release()
        return command, read(data)


def answer_to(command: Command, status: int = 0) -> Command:
    return Command(
        command.CommandField | RESPONSE,
        AffectedSOPClassUID=command.AffectedSOPClassUID,
        AffectedSOPInstanceUID=command.AffectedSOPInstanceUID,
        MessageIDBeingRespondedTo=command.MessageID,
        EventTypeID=command.EventTypeID,
        Status=status,
    )


async def none_due(archive) -> None:
    async with asyncio.timeout(30):
        while await commitment.seconds_to_next(archive.door.archive) is not None:
            await asyncio.sleep(0.005)


ONE, TWO = dataset(), dataset()


async def test_what_is_stored_is_committed(served):
    """COMMIT-01, COMMIT-02, COMMIT-03, COMMIT-05, COMMIT-09: event type 1."""
    await stored(served, ONE, TWO)
    pairs = [(CT, ds.SOPInstanceUID) for ds in (ONE, TWO)]
    command, information = await committed(served, references(*pairs))
    assert command.EventTypeID == 1
    assert command.AffectedSOPInstanceUID == WELL_KNOWN
    assert information.TransactionUID == TRANSACTION
    assert information.RetrieveAETitle == "DICOMWEB"
    told = information.ReferencedSOPSequence
    assert [(i.ReferencedSOPClassUID, i.ReferencedSOPInstanceUID) for i in told] == pairs
    assert all("RetrieveAETitle" not in item for item in told)
    assert "FailedSOPSequence" not in information
    await none_due(served)


async def test_what_is_not_stored_is_told_with_its_reason(served):
    """COMMIT-03, COMMIT-07: event type 2, each instance once: 0112 and 0119."""
    await stored(served, ONE, TWO)
    asked = references(
        (CT, ONE.SOPInstanceUID),
        (CT, "1.2.3"),
        ("1.2.840.10008.5.1.4.1.1.4", TWO.SOPInstanceUID),
    )
    command, information = await committed(served, asked)
    assert command.EventTypeID == 2
    (good,) = information.ReferencedSOPSequence
    assert good.ReferencedSOPInstanceUID == ONE.SOPInstanceUID
    failed = [(i.ReferencedSOPInstanceUID, i.FailureReason) for i in information.FailedSOPSequence]
    assert failed == [("1.2.3", 0x0112), (TWO.SOPInstanceUID, 0x0119)]


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
async def test_bytes_that_are_not_what_came_in_are_not_committed(archive, damage):
    """COMMIT-05: the digest decides, not the row; 0110."""
    await stored(archive, ONE)
    folder = archive.door.archive.settings.objects_folder
    (name,) = archive.door.archive.blobs.list()
    (file,) = folder.rglob(f"{name}.dcm")
    content = file.read_bytes()
    file.chmod(0o600)
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-1] + b"x" if damage == "changed" else content[:-2])
    _, information = await committed(archive, references((CT, ONE.SOPInstanceUID)))
    (failed,) = information.FailedSOPSequence
    assert failed.FailureReason == 0x0110


async def test_an_object_whose_pixels_are_elsewhere_is_not_committed(archive):
    """COMMIT-05, ENC-14: JPIP."""
    ds = dataset(PixelData=None, PixelDataProviderURL="http://elsewhere.test/x")
    async with associated(archive.port, (CT, ["1.2.840.10008.1.2.4.94"])) as peer:
        assert (await peer.ask(store_of(ds), encoded(ds)))[0].Status == 0
    _, information = await committed(archive, references((CT, ds.SOPInstanceUID)))
    assert information.FailedSOPSequence[0].FailureReason == 0x0110


ASK = references((CT, "1.2.3"))
BAD = {
    "another instance": (action(RequestedSOPInstanceUID="1.2.3"), ASK, 0x0112),
    "another class": (action(RequestedSOPClassUID=CT), ASK, 0x0119),
    "another action": (action(ActionTypeID=2), ASK, 0x0123),
    "no information": (action(CommandDataSetType=0x0101), None, 0x0212),
    "no transaction": (action(), references((CT, "1.2.3"), transaction=None), 0x0115),
    "no references": (action(), references(), 0x0115),
    "an instance twice": (action(), references((CT, "1.2.3"), (CT, "1.2.3")), 0x0115),
    "another operation": (action(CommandField=0x0100), ASK, 0x0211),
}


@pytest.mark.parametrize("command, information, status", BAD.values(), ids=BAD)
async def test_a_request_that_is_not_right_is_refused(archive, command, information, status):
    """COMMIT-01, COMMIT-02, COMMIT-08: 0112, 0115, 0119, 0123."""
    async with associated(archive.port, COMMITMENT) as peer:
        data = encoded(information) if information is not None else None
        response, _ = await peer.ask(command, data)
        assert response.Status == status
    await none_due(archive)


async def test_a_request_sent_again_is_the_same_request(archive):
    """COMMIT-07: 0131 for other content under the same Transaction UID."""
    door = archive.door.archive
    first = [commitment.Reference(CT, "1.2.3")]
    assert await commitment.request(door, "LATER", TRANSACTION, first)
    assert await commitment.request(door, "LATER", TRANSACTION, first)
    async with associated(archive.port, COMMITMENT, calling="LATER") as peer:
        response, _ = await peer.ask(action(), encoded(references((CT, "1.2.4"))))
        assert response.Status == 0x0131


async def test_a_requester_that_releases_at_once_is_called(archive_folder):
    """COMMIT-04: on a new association, with the role of SCP, under the title that was called."""
    with device([(COMMITMENT, NATIVE)], title="MODALITY") as modality:
        peers = {"MODALITY": Known(host="127.0.0.1", port=modality.port)}
        async with door_of(Settings(data=archive_folder, peers=peers)) as archive:
            await stored(archive, ONE)
            async with associated(archive.port, COMMITMENT, calling="MODALITY") as peer:
                peer.send(action(), encoded(references((CT, ONE.SOPInstanceUID))))
                assert (await peer.message())[0].Status == 0
                await peer.close()
            assert await asyncio.to_thread(modality.reported.wait, 20)
            await none_due(archive)
    ((event_type, information, association),) = modality.reports
    assert event_type == 1
    assert information.TransactionUID == TRANSACTION
    assert association.requestor.ae_title == "DICOMWEB"
    (role,) = association.requestor.role_selection.values()
    assert (role.scu_role, role.scp_role) == (False, True)


async def test_a_report_that_does_not_arrive_is_tried_again_by_the_next_process(archive_folder):
    """COMMIT-04, COMMIT-06: the request is on record; durable across a restart."""
    async with door_of(Settings(data=archive_folder)) as archive:
        await stored(archive, ONE)
        async with associated(archive.port, COMMITMENT, calling="MODALITY") as peer:
            peer.send(action(), encoded(references((CT, ONE.SOPInstanceUID))))
            assert (await peer.message())[0].Status == 0
            peer.writer.transport.abort()
        async with asyncio.timeout(30):
            while not await put_off(archive):
                await asyncio.sleep(0.005)
    with device([(COMMITMENT, NATIVE)], title="MODALITY") as modality:
        peers = {"MODALITY": Known(host="127.0.0.1", port=modality.port)}
        async with door_of(Settings(data=archive_folder, peers=peers)) as archive:
            assert await asyncio.to_thread(modality.reported.wait, 20)
            await none_due(archive)
    assert [information.TransactionUID for _, information, _ in modality.reports] == [TRANSACTION]


async def put_off(archive) -> bool:
    seconds = await commitment.seconds_to_next(archive.door.archive)
    return seconds is not None and 0 < seconds < 10


async def test_a_report_that_is_refused_is_tried_again(archive):
    """COMMIT-06: the answer to N-EVENT-REPORT counts."""
    await stored(archive, ONE)
    async with associated(archive.port, COMMITMENT, calling="MODALITY") as peer:
        response, _ = await peer.ask(action(), encoded(references((CT, ONE.SOPInstanceUID))))
        assert response.Status == 0
        for status in (0x0110, 0):
            command, _ = await peer.message()
            assert command.CommandField == Message.N_EVENT_REPORT
            peer.send(answer_to(command, status))
        await none_due(archive)
        await peer.release()


async def test_a_modality_may_release_instead_of_answering(archive):
    """COMMIT-04: the association ends in good order, the report is kept for later."""
    await stored(archive, ONE)
    async with associated(archive.port, COMMITMENT, calling="MODALITY") as peer:
        await peer.ask(action(), encoded(references((CT, ONE.SOPInstanceUID))))
        await peer.message()
        await peer.release()
    async with asyncio.timeout(30):
        while not await put_off(archive):
            await asyncio.sleep(0.005)


async def test_a_report_is_given_up_in_the_end(archive):
    """COMMIT-06: the queue does not grow for ever."""
    door = archive.door.archive
    await commitment.request(door, "NOBODY", TRANSACTION, [commitment.Reference(CT, "1.2.3")])
    (request,) = await commitment.due(door)
    for tries in range(commitment.TRIES_MAX - 1):
        again = commitment.Request(
            request.id, request.AETitle, request.TransactionUID, request.referenced, tries
        )
        assert await commitment.try_again(door, again)
    last = commitment.Request(
        request.id, "NOBODY", TRANSACTION, request.referenced, commitment.TRIES_MAX
    )
    assert not await commitment.try_again(door, last)
    assert await commitment.seconds_to_next(door) is None


async def test_a_request_is_taken_by_one_process_only(served):
    """COMMIT-06: two that share an index do not both report."""
    door = served.door.archive
    await commitment.request(door, "NOBODY", TRANSACTION, [commitment.Reference(CT, "1.2.3")])
    claimed = await asyncio.gather(commitment.due(door), commitment.due(door))
    assert sum(map(len, claimed)) <= 1


async def test_pynetdicom_commits(archive):
    """COMMIT-04: another implementation, on one association."""
    await stored(archive, ONE)
    reported = threading.Event()
    told = []

    def on_report(event):
        told.append(event.event_information)
        reported.set()
        return 0, None

    def ask() -> int:
        ae = AE(ae_title="MODALITY")
        ae.add_requested_context(COMMITMENT)
        handlers = [(evt.EVT_N_EVENT_REPORT, on_report)]
        association = ae.associate(
            "127.0.0.1", archive.port, ae_title="DICOMWEB", evt_handlers=handlers
        )
        information = references((CT, ONE.SOPInstanceUID))
        status, _ = association.send_n_action(information, 1, COMMITMENT, WELL_KNOWN)
        reported.wait(20)
        association.release()
        return status.Status

    assert await asyncio.to_thread(ask) == 0
    assert told[0].TransactionUID == TRANSACTION
