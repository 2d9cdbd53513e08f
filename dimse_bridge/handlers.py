"""Handlers: which service answers which message, and what is answered to those that none does."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from dimse_bridge.association import Association
from dimse_bridge.committing import commit
from dimse_bridge.door import Door
from dimse_bridge.exchange import Gone, Incoming, response_to
from dimse_bridge.finding import find
from dimse_bridge.retrieving import get, move
from dimse_bridge.storing import store
from dimse_bridge.wire.commands import Message
from schemas.reasons import (
    DUPLICATE_MESSAGE,
    MISTYPED_ARGUMENT,
    NOT_AN_INSTANCE,
    PROCESSING_FAILURE,
    SUCCESS,
    UNRECOGNIZED_OPERATION,
    Refused,
)
from schemas.services import Service

Handler = Callable[[Door, Association, Incoming], Awaitable[None]]

_log = logging.getLogger(__name__)


async def echo(door: Door, association: Association, message: Incoming) -> None:
    """PS3.7 9.1.5."""
    if (
        message.command.AffectedSOPClassUID
        != association.contexts[message.context_id].sop_class.uid
    ):
        raise Refused(NOT_AN_INSTANCE, "The SOP Class is not Verification.")
    association.send(message.context_id, response_to(message.command, SUCCESS))
    door.counters.add("echo")
    association.tally.count("echoed")


HANDLERS: dict[Service, tuple[Message, Handler]] = {
    Service.ECHO: (Message.C_ECHO, echo),
    Service.STORE: (Message.C_STORE, store),
    Service.FIND: (Message.C_FIND, find),
    Service.MOVE: (Message.C_MOVE, move),
    Service.GET: (Message.C_GET, get),
    Service.COMMIT: (Message.N_ACTION, commit),
}


async def handle(door: Door, association: Association, message: Incoming) -> None:
    """Answers a request.  Raises Gone when the association ends before it could be answered."""
    try:
        await _handler(association, message)(door, association, message)
    except Refused as refused:
        _refuse(association, message, refused)
    except Gone:
        raise
    except Exception:  # noqa: BLE001 - one message's bad luck is not another's
        _log.exception("A message could not be served")
        _refuse(association, message, Refused(PROCESSING_FAILURE))
    await association.drain()


def _handler(association: Association, message: Incoming) -> Handler:
    """Raises Refused where there is none for this message."""
    if message.command.MessageID is None:
        raise Refused(MISTYPED_ARGUMENT, "The message has no Message ID.")
    if message.repeats:
        raise Refused(DUPLICATE_MESSAGE)
    service = association.contexts[message.context_id].sop_class.service
    served = HANDLERS.get(service)
    if served is None or served[0] != message.command.CommandField:
        raise Refused(UNRECOGNIZED_OPERATION)
    return served[1]


def _refuse(association: Association, message: Incoming, refused: Refused) -> None:
    code = refused.reason.code
    assert code is not None, f"{refused.reason} has no code for a message"
    association.send(
        message.context_id,
        response_to(message.command, code, ErrorComment=refused.detail[:64]),
    )
