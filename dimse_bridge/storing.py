"""C-STORE as SCP: an object comes in and is ingested as it comes (PS3.4 B, PS3.7 9.1.1)."""

from __future__ import annotations

from functools import lru_cache

from pydicom.datadict import tag_for_keyword

from dicomweb.engine.ingest import NotStored, Outcome, Stored, Upload
from dimse_bridge.association import Association
from dimse_bridge.door import Door
from dimse_bridge.exchange import Incoming, response_to
from dimse_bridge.negotiation import Context
from dimse_bridge.wire.commands import Command, Message, Template
from schemas.identifiers import is_uid
from schemas.part10 import file_meta
from schemas.reasons import (
    INVALID_INSTANCE,
    MISTYPED_ARGUMENT,
    NOT_AN_INSTANCE,
    NOT_AUTHORISED,
    SUCCESS,
    WARNINGS,
    Refused,
)

COMMENT_LENGTH_MAX = 64
"""Of Error Comment (0000,0902)."""


async def store(door: Door, association: Association, message: Incoming) -> None:
    """Success is said when the object is durable and can be found (STORE-01)."""
    command, context = message.command, association.contexts[message.context_id]
    refused = _refusal(command, context, strict=door.policy.strict)
    said = {
        "SOPClassUID": command.AffectedSOPClassUID or "",
        "SOPInstanceUID": command.AffectedSOPInstanceUID or "",
    }
    upload = Upload(door.archive, said=said)
    upload.refuse(refused)
    try:
        await upload.write(file_meta(**said, TransferSyntaxUID=context.syntax.uid))
        async for piece in association.data(message):
            await upload.write(piece)
        outcome = await upload.finish()
    finally:
        await upload.discard()
    association.send(message.context_id, _response(command, outcome))
    failed = isinstance(outcome, NotStored)
    door.counters.add("store_failed" if failed else "store")
    association.tally.count("refused" if failed else "stored")


def _refusal(command: Command, context: Context, *, strict: bool) -> Refused | None:
    """What is wrong with a request before its object is looked at."""
    if not command.has_data_set or command.AffectedSOPClassUID is None:
        return Refused(MISTYPED_ARGUMENT, "It names no SOP Class, or has no data set.")
    if not context.peer_is_scu:
        return Refused(NOT_AUTHORISED, NOT_AUTHORISED.meaning)
    if strict and command.AffectedSOPClassUID != context.sop_class.uid:
        return Refused(NOT_AN_INSTANCE, "The SOP Class is not that of the presentation context.")
    if not is_uid(command.AffectedSOPInstanceUID or "", strict=strict):
        return Refused(
            INVALID_INSTANCE, "The SOP Instance UID is not a UID.", "AffectedSOPInstanceUID"
        )
    return None


def _response(command: Command, outcome: Outcome) -> Command | bytes:
    """STORE-02 to STORE-05; the same reasons as STOW-RS gives."""
    if isinstance(outcome, Stored) and not outcome.problems and command.MessageID is not None:
        return _success(command.AffectedSOPClassUID).encode(
            command.MessageID, command.AffectedSOPInstanceUID or ""
        )
    instance = {"AffectedSOPInstanceUID": command.AffectedSOPInstanceUID}
    if isinstance(outcome, NotStored):
        return response_to(
            command,
            outcome.reason.code or 0,
            OffendingElement=tag_for_keyword(outcome.keyword) if outcome.keyword else None,
            ErrorComment=outcome.detail[:COMMENT_LENGTH_MAX],
            **instance,
        )
    if outcome.problems:
        worst = min(outcome.problems, key=lambda problem: WARNINGS.index(problem.reason))
        comment = worst[:COMMENT_LENGTH_MAX]
        return response_to(command, worst.reason.code or 0, ErrorComment=comment, **instance)
    return response_to(command, SUCCESS, **instance)


@lru_cache
def _success(sop_class: str | None) -> Template:
    """Of a Message ID and a SOP Instance UID: what is said the most."""
    request = Command(Message.C_STORE, AffectedSOPClassUID=sop_class)
    return Template(
        response_to(request, SUCCESS), "MessageIDBeingRespondedTo", "AffectedSOPInstanceUID"
    )
