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
from dimse_bridge.wire.commands import DATA_SET, Command, Message, Priority, Template
from schemas.reasons import NO_CONTEXT, Refused
from schemas.syntaxes import EXPLICIT_VR_LE, IMPLICIT_VR_LE, syntax_of

_META_LENGTH_AT = 140
"""Where the File Meta Information that we write says how long the rest of it is (PS3.10 7.1)."""


@dataclass(frozen=True, slots=True)
class Originator:
    """Who had it sent: the requester of a C-MOVE (STORE-13)."""

    title: str | None = None
    message_id: int | None = None
    priority: int = Priority.MEDIUM


class Sender:
    """Sends instances over one association, one at a time.

    What is the same for each instance of a kind is found out once.
    """

    def __init__(self, archive: Archive, association: Association, originator: Originator) -> None:
        self._archive = archive
        self._association = association
        self._originator = originator
        self._ways: dict[tuple[str, str], tuple[_Way, ...]] = {}
        """By SOP class and transfer syntax."""

    async def send(self, instance: Instance) -> int:
        """The status the peer gives.

        Raises Refused when the peer takes the instance in no way we can give it, and Gone.
        """
        kind = (instance.SOPClassUID, instance.TransferSyntaxUID)
        ways = self._ways.get(kind)
        if ways is None:
            ways = self._ways[kind] = tuple(self._found(*kind))
        refused = Refused(NO_CONTEXT)
        for way in ways:
            if way.as_stored:
                return await self._send_stored(instance, way)
            try:
                chunks = await self._converted(instance, way.context)
            except Refused as one:
                refused = one
                continue
            return await self._send_chunks(instance, way, chunks)
        raise refused

    def _found(self, sop_class: str, syntax: str) -> Iterator[_Way]:
        """Contexts that the peer is SCP of, the best first (MOVE-06, MOVE-14, MOVE-15).

        Nothing is compressed with loss that is not stored so.
        """
        stored = syntax_of(syntax)
        order = {stored.uid: 0, EXPLICIT_VR_LE.uid: 1, IMPLICIT_VR_LE.uid: 2}
        fitting = [
            context
            for context in self._association.contexts.values()
            if context.sop_class.uid == sop_class
            and context.peer_is_scp
            and (context.syntax.lossless or context.syntax.uid == stored.uid)
        ]
        request = Command(
            Message.C_STORE,
            AffectedSOPClassUID=sop_class,
            Priority=self._originator.priority,
            CommandDataSetType=DATA_SET,
            MoveOriginatorApplicationEntityTitle=self._originator.title,
            MoveOriginatorMessageID=self._originator.message_id,
        )
        template = Template(request, "MessageID", "AffectedSOPInstanceUID")
        for context in sorted(fitting, key=lambda context: order.get(context.syntax.uid, 3)):
            yield _Way(context, context.syntax.uid == syntax, template)

    async def _converted(self, instance: Instance, context: Context) -> AsyncIterator[bytes]:
        """The data set in the syntax of `context`.  Raises Refused where it cannot be given so."""
        if context.syntax.uid not in ways(instance.encoding):
            raise Refused(NO_CONTEXT, f"It cannot be given in {context.syntax.name}.")
        part = await retrieve.part(self._archive, instance, context.syntax)
        return _without_meta(part.body)

    async def _send_stored(self, instance: Instance, way: _Way) -> int:
        """A range of its file, read to where it is sent from; some of it at a time."""
        association, context_id = self._association, way.context.id
        envelopes = association.envelopes
        number = association.next_message_id()
        command: bytes | None = way.request.encode(number, instance.SOPInstanceUID)
        at, end = instance.data_set_offset, instance.size_bytes
        try:
            while True:
                length = min(envelopes.capacity_bytes, end - at)
                await self._archive.blobs.read_into(instance.blob, at, envelopes.gaps(length))
                at += length
                if command is not None:
                    association.expect(number)
                association.send_envelopes(context_id, length, last=at == end, command=command)
                command = None
                await association.drain()
                if at == end:
                    break
        except BaseException:
            if command is None:  # A message cannot be taken back.
                association.abort()
            raise
        return await self._status(number)

    async def _send_chunks(self, instance: Instance, way: _Way, data: AsyncIterator[bytes]) -> int:
        """One chunk is held back, since the last has to say that it is."""
        association, context_id = self._association, way.context.id
        number = association.next_message_id()
        association.expect(number)
        association.send(context_id, way.request.encode(number, instance.SOPInstanceUID))
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
        await association.drain()
        return await self._status(number)

    async def _status(self, number: int) -> int:
        response = await self._association.response(number)
        return response.Status or 0


@dataclass(frozen=True, slots=True)
class _Way:
    """A presentation context that instances of a kind can go by."""

    context: Context
    as_stored: bool
    request: Template
    """The C-STORE request, for a Message ID and a SOP Instance UID."""


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
