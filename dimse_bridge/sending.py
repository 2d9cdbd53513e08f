"""Sending: an instance goes out with C-STORE, as it is stored or in a syntax that the peer takes.

As it is stored it is a range of its file, which nobody looks into.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from dicomweb.engine import retrieve
from dicomweb.engine.archive import Archive
from dicomweb.engine.encodings import ways
from dicomweb.engine.instances import Instance
from dimse_bridge.association import Association
from dimse_bridge.negotiation import Context
from dimse_bridge.wire.commands import DATA_SET, Command, Message, Priority
from schemas.reasons import NO_CONTEXT, Refused
from schemas.syntaxes import EXPLICIT_VR_LE, IMPLICIT_VR_LE, syntax_of

AT_ONCE_BYTES_MAX = 1024 * 1024
"""Up to this the data set of an instance is one read and one write."""

_META_LENGTH_AT = 140
"""Where the File Meta Information that we write says how long the rest of it is (PS3.10 7.1)."""


@dataclass(frozen=True, slots=True)
class Originator:
    """Who had it sent: the requester of a C-MOVE (STORE-13)."""

    title: str | None = None
    message_id: int | None = None
    priority: int = Priority.MEDIUM


async def send(
    archive: Archive, association: Association, originator: Originator, instance: Instance
) -> int:
    """The status the peer gives.

    Raises Refused when the peer takes the instance in no way we can give it, and Gone.
    """
    refused = Refused(NO_CONTEXT)
    for context in _contexts(association, instance):
        try:
            chunks = await _data_set(archive, instance, context)
        except Refused as one:
            refused = one
            continue
        return await _store(association, instance, context, chunks, originator)
    raise refused


def _contexts(association: Association, instance: Instance) -> Iterator[Context]:
    """Those for the SOP class that the peer is SCP of, the best first (MOVE-06, MOVE-14, MOVE-15).

    Nothing is compressed with loss that is not stored so.
    """
    stored = syntax_of(instance.TransferSyntaxUID)
    order = {stored.uid: 0, EXPLICIT_VR_LE.uid: 1, IMPLICIT_VR_LE.uid: 2}
    fitting = (
        context
        for context in association.contexts.values()
        if context.sop_class.uid == instance.SOPClassUID
        and context.peer_is_scp
        and (context.syntax.lossless or context.syntax.uid == stored.uid)
    )
    return iter(sorted(fitting, key=lambda context: order.get(context.syntax.uid, 3)))


async def _data_set(
    archive: Archive, instance: Instance, context: Context
) -> bytes | AsyncIterator[bytes]:
    """The data set in the syntax of `context`.  Raises Refused where it cannot be given so."""
    if context.syntax.uid == instance.TransferSyntaxUID:
        begin, length = instance.data_set_offset, instance.size_bytes - instance.data_set_offset
        if length <= AT_ONCE_BYTES_MAX:
            return await archive.blobs.read(instance.blob, begin, length)
        return archive.blobs.stream(instance.blob, begin, length)
    if context.syntax.uid not in ways(instance.encoding):
        raise Refused(NO_CONTEXT, f"It cannot be given in {context.syntax.name}.")
    part = await retrieve.part(archive, instance, context.syntax)
    return _without_meta(part.body)


async def _without_meta(body: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What follows the File Meta Information, which stands in the first piece whole."""
    if isinstance(body, bytes):
        yield body[_data_set_at(body) :]
        return
    first = True
    async for chunk in body:
        yield chunk[_data_set_at(chunk) :] if first else chunk
        first = False


def _data_set_at(head: bytes) -> int:
    length_end = _META_LENGTH_AT + 4
    return length_end + int.from_bytes(head[_META_LENGTH_AT:length_end], "little")


async def _store(
    association: Association,
    instance: Instance,
    context: Context,
    data: bytes | AsyncIterator[bytes],
    originator: Originator,
) -> int:
    number = association.next_message_id()
    command = Command(
        Message.C_STORE,
        AffectedSOPClassUID=instance.SOPClassUID,
        MessageID=number,
        Priority=originator.priority,
        CommandDataSetType=DATA_SET,
        AffectedSOPInstanceUID=instance.SOPInstanceUID,
        MoveOriginatorApplicationEntityTitle=originator.title,
        MoveOriginatorMessageID=originator.message_id,
    )
    association.expect(number)
    if isinstance(data, bytes):
        association.send(context.id, command, data)
    else:
        association.send(context.id, command)
        await _stream(association, context.id, data)
    await association.drain()
    response = await association.response(number)
    return response.Status or 0


async def _stream(association: Association, context_id: int, data: AsyncIterator[bytes]) -> None:
    """One piece is held back, since the last has to say that it is.

    Whatever ends the pieces early ends the association: a message cannot be taken back.
    """
    held = b""
    try:
        async for chunk in data:
            if held:
                association.send_data(context_id, held, last=False)
                await association.drain()
            held = chunk
    except BaseException:
        association.abort()
        raise
    association.send_data(context_id, held, last=True)
