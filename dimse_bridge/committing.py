"""Storage commitment as SCP: a request is taken, and reported on when it was checked (PS3.4 J).

The report goes over the association of the request while that is there, else over one that we ask
the requester's AE for.  Until it has arrived it is tried again, also by the next process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from dicomweb.engine import commitment
from dicomweb.engine.commitment import Reference, Report
from dicomweb.engine.entries import text_of
from dicomweb.store.commitments import Request
from dimse_bridge.answers import encode
from dimse_bridge.association import Association
from dimse_bridge.door import Door
from dimse_bridge.exchange import Gone, Incoming, Job, response_to
from dimse_bridge.negotiation import Context
from dimse_bridge.requestor import NATIVE, NoAssociation, associated
from dimse_bridge.wire.commands import DATA_SET, Command, Message
from dimse_bridge.wire.items import Role
from schemas import dicom_json
from schemas.identifiers import is_uid
from schemas.keywords import tag_of
from schemas.reasons import (
    CLASS_CONFLICT,
    DUPLICATE_TRANSACTION,
    INVALID_ARGUMENT,
    MISTYPED_ARGUMENT,
    NO_SUCH_ACTION,
    NO_SUCH_INSTANCE,
    SUCCESS,
    Refused,
)
from schemas.services import COMMITMENT, COMMITMENT_INSTANCE
from schemas.syntaxes import TransferSyntax

REQUEST_STORAGE_COMMITMENT = 1
"""Action Type ID (PS3.4 J.3.2.1)."""
ALL_COMMITTED, SOME_FAILED = 1, 2
"""Event Type ID (PS3.4 J.3.3.1)."""
REFERENCES_MAX = 20_000
WAIT_SECONDS_MAX = 60
"""For requests that another process put on record and died."""

_log = logging.getLogger(__name__)


async def commit(door: Door, association: Association, message: Incoming) -> None:
    """N-ACTION; success means that the request is on record (COMMIT-02)."""
    command = message.command
    context = association.contexts[message.context_id]
    _check(command)
    data = await association.identifier(message)
    transaction, references = _asked(data, context.syntax)
    title = association.calling
    if not await commitment.request(door.archive, title, transaction, references):
        raise Refused(DUPLICATE_TRANSACTION, "The transaction is known with other instances.")
    response = response_to(
        command,
        SUCCESS,
        AffectedSOPInstanceUID=COMMITMENT_INSTANCE,
        ActionTypeID=command.ActionTypeID,
    )
    association.send(message.context_id, response)
    door.counters.add("commit")
    association.tally.count("commitment")
    door.reports_due.set()


def _check(command: Command) -> None:
    if not command.has_data_set:
        raise Refused(MISTYPED_ARGUMENT, "It has no Action Information.")
    if command.RequestedSOPClassUID != COMMITMENT.uid:
        raise Refused(CLASS_CONFLICT, "The SOP Class is not the Storage Commitment Push Model.")
    if command.RequestedSOPInstanceUID != COMMITMENT_INSTANCE:
        raise Refused(NO_SUCH_INSTANCE, "The SOP Instance is not the well-known one.")
    if command.ActionTypeID != REQUEST_STORAGE_COMMITMENT:
        raise Refused(NO_SUCH_ACTION)


def _asked(data: bytes, syntax: TransferSyntax) -> tuple[str, Sequence[Reference]]:
    """Transaction UID and references (PS3.4 Table J.3-2); Refused where they are not right."""
    members = orjson.loads(dicom_json.encode(data, 0, len(data), syntax).json)
    transaction = _uid(members, "TransactionUID")
    items = members.get(tag_of("ReferencedSOPSequence"), {}).get("Value", ())
    if not items or len(items) > REFERENCES_MAX:
        raise Refused(INVALID_ARGUMENT, f"It references {len(items)} instances.")
    references = [
        Reference(_uid(item, "ReferencedSOPClassUID"), _uid(item, "ReferencedSOPInstanceUID"))
        for item in items
    ]
    if len({reference.SOPInstanceUID for reference in references}) < len(references):
        raise Refused(INVALID_ARGUMENT, "It references an instance twice.")
    return transaction, references


def _uid(members: Mapping[str, Any], keyword: str) -> str:
    uid = text_of(members.get(tag_of(keyword), {"vr": "UI"}))
    if not is_uid(uid):
        raise Refused(INVALID_ARGUMENT, f"{keyword} is not a UID.")
    return uid


# Reports -------------------------------------------------------------------------


@asynccontextmanager
async def reporting(door: Door) -> AsyncIterator[None]:
    """Reports on requests, those of earlier processes too, until the context ends."""
    task = asyncio.create_task(_report_all(door))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _report_all(door: Door) -> None:
    while True:
        door.reports_due.clear()
        try:
            requests = await commitment.due(door.archive)
            await asyncio.gather(*(_report_one(door, request) for request in requests))
            pause = await commitment.seconds_to_next(door.archive)
        except Exception:  # noqa: BLE001 - the next try may do better
            _log.exception("Storage commitments could not be reported")
            pause = None
        timeout = WAIT_SECONDS_MAX if pause is None else min(pause, WAIT_SECONDS_MAX)
        try:
            async with asyncio.timeout(timeout):
                await door.reports_due.wait()
        except TimeoutError:
            continue


async def _report_one(door: Door, request: Request) -> None:
    found = await commitment.check(door.archive, commitment.references_of(request))
    try:
        await _deliver(door, request, found)
    except (Gone, NoAssociation) as error:
        again = await commitment.try_again(door.archive, request)
        _log.warning(
            "The report of commitment %s did not reach %s%s: %s",
            request.TransactionUID,
            request.AETitle,
            "" if again else " and is given up",
            error,
        )
    else:
        await commitment.done(door.archive, request)
        _log.info(
            "%s was told of commitment %s: %s instances committed, %s not",
            request.AETitle,
            request.TransactionUID,
            len(found.committed),
            len(found.failed),
        )


async def _deliver(door: Door, request: Request, found: Report) -> None:
    """Raises Gone or NoAssociation when the report did not arrive."""
    for association in list(door.associations):
        context = _context(association)
        if association.calling == request.AETitle and context is not None:
            try:
                await _between_messages(door, association, context, request, found)
            except Gone:
                continue
            return
    peer = door.archive.settings.peers.get(request.AETitle)
    if peer is None:
        raise NoAssociation(f"{request.AETitle} is none of the configured peers.")
    async with associated(
        door.archive.settings,
        request.AETitle,
        peer,
        {COMMITMENT.uid: (NATIVE,)},
        (Role(COMMITMENT.uid, scu=False, scp=True),),
    ) as association:
        context = _context(association)
        if context is None:
            raise NoAssociation(f"{request.AETitle} takes no reports.")
        await _send(door, association, context, request, found)


def _context(association: Association) -> Context | None:
    contexts = association.contexts.values()
    return next((one for one in contexts if one.sop_class.uid == COMMITMENT.uid), None)


async def _between_messages(
    door: Door, association: Association, context: Context, request: Request, found: Report
) -> None:
    """Over the requester's own association, when it does nothing else.  Raises Gone."""
    arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send() -> None:
        try:
            await _send(door, association, context, request, found)
        except Gone as gone:
            if not arrived.done():
                arrived.set_exception(gone)
        else:
            if not arrived.done():
                arrived.set_result(None)

    association.post(Job(send))
    closed = asyncio.ensure_future(association.closed())
    try:
        await asyncio.wait((arrived, closed), return_when=asyncio.FIRST_COMPLETED)
    finally:
        closed.cancel()
    if not arrived.done():
        raise Gone("The association ended before the report could be sent.")
    await arrived


async def _send(
    door: Door, association: Association, context: Context, request: Request, found: Report
) -> None:
    """N-EVENT-REPORT (PS3.4 J.3.3).  Raises Gone when it is not answered with success."""
    command = Command(
        Message.N_EVENT_REPORT,
        AffectedSOPClassUID=COMMITMENT.uid,
        MessageID=association.next_message_id(),
        CommandDataSetType=DATA_SET,
        AffectedSOPInstanceUID=COMMITMENT_INSTANCE,
        EventTypeID=SOME_FAILED if found.failed else ALL_COMMITTED,
    )
    data = encode(_information(door.policy.ae_title, request, found), context.syntax)
    response = await association.ask(context.id, command, data)
    if response.Status != SUCCESS:
        raise Gone(f"It was answered with status {response.Status or 0:04X}.")


def _information(title: str, request: Request, found: Report) -> dict[str, Mapping[str, Any]]:
    """PS3.4 Table J.3-3; Retrieve AE Title stands outside the items (COMMIT-09)."""
    failed = [
        {**_item(reference), tag_of("FailureReason"): _value("US", reason.code)}
        for reference, reason in found.failed
    ]
    committed = [_item(reference) for reference in found.committed]
    information = {
        tag_of("TransactionUID"): _value("UI", request.TransactionUID),
        tag_of("RetrieveAETitle"): _value("AE", title),
    }
    if committed:
        information[tag_of("ReferencedSOPSequence")] = {"vr": "SQ", "Value": committed}
    if failed:
        information[tag_of("FailedSOPSequence")] = {"vr": "SQ", "Value": failed}
    return information


def _item(reference: Reference) -> dict[str, Mapping[str, Any]]:
    return {
        tag_of("ReferencedSOPClassUID"): _value("UI", reference.SOPClassUID),
        tag_of("ReferencedSOPInstanceUID"): _value("UI", reference.SOPInstanceUID),
    }


def _value(vr: str, value: object) -> Mapping[str, Any]:
    return {"vr": vr, "Value": [value]}
