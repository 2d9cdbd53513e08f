"""C-FIND as SCP: a question goes to the engine, its answers go out as they come (PS3.4 C.4.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from dicomweb.engine import answers
from dicomweb.engine.archive import Archive
from dicomweb.engine.search import search
from dimse_bridge.answers import encode
from dimse_bridge.association import Association
from dimse_bridge.door import Door
from dimse_bridge.exchange import Incoming, response_to
from dimse_bridge.identifiers import LEVELS, Identifier, read
from dimse_bridge.negotiation import Context
from dimse_bridge.questions import Question, Wanted, question
from dimse_bridge.wire.commands import DATA_SET
from dimse_bridge.wire.commands import encode as encode_command
from schemas.keywords import tag_of
from schemas.paths import Step
from schemas.query import Query
from schemas.reasons import (
    BAD_IDENTIFIER,
    CANCELLED,
    MISTYPED_ARGUMENT,
    OUT_OF_RESOURCES,
    PENDING,
    PENDING_UNSUPPORTED,
    SUCCESS,
    Refused,
)

FIRST_PAGE_ROWS = 100
"""So that the first answer comes soon."""
PAGE_ROWS = 1_000

_NAMES = {level: name for name, level in LEVELS.items()}
_EMPTY: Mapping[str, Any] = {}


async def find(door: Door, association: Association, message: Incoming) -> None:
    """Answers are pending responses, one a match; a cancel is heeded before the next (FIND-12)."""
    door.counters.add("find")
    command, context = message.command, association.contexts[message.context_id]
    if not command.has_data_set:
        raise Refused(MISTYPED_ARGUMENT, "It has no identifier.")
    data = await association.identifier(message)
    asked, identifier = _understood(data, context, strict=door.policy.strict)
    write = partial(_answer, asked.wanted, identifier, context, door.policy.ae_title)
    pending = PENDING if asked.complete else PENDING_UNSUPPORTED
    response = encode_command(response_to(command, pending.code or 0, CommandDataSetType=DATA_SET))
    count, cancelled = 0, False
    async with aclosing(_answers(door.archive, asked.query)) as found:
        async for answer in found:
            cancelled = association.is_cancelled(command.MessageID)
            if cancelled:
                break
            association.send(message.context_id, response, write(answer))
            count += 1
            await association.drain()
            await asyncio.sleep(0)  # what the peer says meanwhile is heard
    status = (CANCELLED.code or 0) if cancelled else SUCCESS
    association.send(message.context_id, response_to(command, status))
    door.counters.add("find_answers", count)
    association.tally.count("C-FIND")
    association.tally.count("answers", count)


def _understood(data: bytes, context: Context, *, strict: bool) -> tuple[Question, Identifier]:
    """Raises Refused with a reason that a message can carry."""
    try:
        identifier = read(data, context.syntax, context)
        return question(identifier, context, strict=strict), identifier
    except Refused as refused:
        if refused.reason.code is not None:
            raise
        raise Refused(BAD_IDENTIFIER, refused.detail, refused.keyword) from None


async def _answers(archive: Archive, query: Query) -> AsyncGenerator[bytes, None]:
    """All of them, some at a time."""
    offset, limit = 0, FIRST_PAGE_ROWS
    while True:
        page = replace(query, limit=limit, offset=offset)
        try:
            found = await search(archive, page)
        except Refused as refused:
            raise Refused(OUT_OF_RESOURCES, refused.detail) from None
        for answer in found.answers:
            yield answer
        if not found.remaining or not found.answers:
            return
        offset, limit = offset + limit, PAGE_ROWS


def _answer(
    wanted: Wanted, identifier: Identifier, context: Context, title: str, found: bytes
) -> bytes:
    """The identifier of a response: what was asked for, and what every answer has (FIND-07)."""
    held = answers.loads(answers.available_now(found))
    members = _chosen(held, wanted)
    members[tag_of("QueryRetrieveLevel")] = _text("CS", _NAMES[identifier.level])
    members[tag_of("RetrieveAETitle")] = _text("AE", title)
    members[tag_of("InstanceAvailability")] = _text("CS", "ONLINE")
    return encode(members, context.syntax, identifier.charset)


def _text(vr: str, value: str) -> Mapping[str, Any]:
    return {"vr": vr, "Value": [value]}


def _chosen(held: Mapping[str, Any], wanted: Wanted) -> dict[str, Mapping[str, Any]]:
    """What is wanted of a data set; what it has not is empty (FIND-08)."""
    return {tag: _member(tag, held.get(tag, _EMPTY), within) for tag, within in wanted.items()}


def _member(tag: str, member: Mapping[str, Any], within: Wanted | None) -> Mapping[str, Any]:
    if not member:
        return {"vr": Step(int(tag, 16)).vr}
    if within is None or member["vr"] != "SQ":
        return member
    return {"vr": "SQ", "Value": [_chosen(item, within) for item in member.get("Value", ())]}
