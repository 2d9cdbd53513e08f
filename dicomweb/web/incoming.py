"""Incoming: the parts of one store request, each taken for what it is (PS3.18 8.6.1.2, 10.5.1.4).

An instance goes into an Upload of its own; metadata and bulk values go into the request's Message.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from dicomweb.engine.composing import Part
from dicomweb.engine.ingest import MEMORY_BYTES_MAX, NotStored, Outcome, Upload
from dicomweb.engine.messages import Message
from dicomweb.web.multipart import Event, PartBegin, PartData, PartEnd
from dicomweb.web.negotiate import DICOM, DICOM_JSON, DICOM_XML, MediaType, parse_media_type
from dicomweb.web.requests import Request
from schemas.reasons import BAD_REQUEST, INCOMPLETE, NOT_AS_STATED, NOT_DICOM, Refused
from schemas.syntaxes import NATIVE

IN_FLIGHT_MAX = 64
IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024
"""Instances of one request that are being made durable while the next ones come in, and what of
them is in memory."""

JSON = "application/json"
METADATA = (DICOM_JSON, JSON, DICOM_XML)
_PLAIN = ("", "7bit", "8bit", "binary", "identity")


class _Sink(Protocol):
    """Where the data of one part goes."""

    async def write(self, data: bytes) -> None: ...

    async def end(self) -> None: ...

    async def discard(self) -> None: ...


class Incoming:
    """What a request brings, part by part, and in the end the outcome of every instance in it."""

    def __init__(self, request: Request, upload: Callable[[], Upload], type: str) -> None:
        """`type` is the media type that the request says its parts have."""
        self._new_upload = upload
        self._type = type
        self._strict = request.strict
        self._message = Message(request.archive, f"{request.base_url}/studies")
        self._sink: _Sink | None = None
        self._parts = 0
        self._last: Upload | None = None
        self._storing: deque[tuple[asyncio.Task[Outcome], int]] = deque()
        self._in_flight_bytes = 0
        self._outcomes: list[Outcome] = []

    async def take(self, event: Event) -> None:
        """The next event of the body.  Raises Refused (BAD_REQUEST) for a request of parts that
        belong to nothing.
        """
        match event:
            case PartBegin(headers):
                self._sink = self._sink_for(headers)
                self._parts += 1
            case PartData(data):
                assert self._sink is not None, "data comes after the beginning of a part"
                await self._sink.write(data)
            case PartEnd():
                assert self._sink is not None, "a part ends after it began"
                sink, self._sink = self._sink, None
                await sink.end()

    def _sink_for(self, headers: Mapping[str, str]) -> _Sink:
        media_type = self._media_type(headers)
        name = media_type.name if media_type is not None else ""
        if not self._parts and self._type not in (DICOM, *METADATA) and name not in METADATA:
            raise Refused(
                BAD_REQUEST,
                f"The parts are said to be {self._type[:80]}, which is no instance: metadata has "
                "to come before what it describes (PS3.18 10.5.1.4).",
            )
        if refused := self._wrong(headers, name):
            return _PassedOver(self, refused)
        if name == DICOM or (name == NATIVE and self._type == DICOM):
            return _Instance(self, self._new_upload())
        if name in METADATA:
            return _Metadata(self, self._message, xml=name == DICOM_XML)
        assert media_type is not None, "what is no media type is refused"
        return _Bulk(self._message, media_type, headers)

    def _media_type(self, headers: Mapping[str, str]) -> MediaType | None:
        """A part without a Content-Type is taken for what the request said (STOW-13)."""
        named = headers.get("content-type")
        if named:
            return parse_media_type(named)
        return parse_media_type(NATIVE if self._parts and self._type != DICOM else self._type)

    def _wrong(self, headers: Mapping[str, str], name: str) -> Refused | None:
        """Why a part cannot be taken, whatever is in it."""
        named = headers.get("content-type", "")
        if not name or (self._strict and not named):
            return Refused(NOT_DICOM, f"A part has the Content-Type {named[:80]!r}.")
        for header in ("content-transfer-encoding", "content-encoding"):
            if headers.get(header, "").lower() not in _PLAIN:
                return Refused(NOT_AS_STATED, f"A part has a {header}, which is not supported.")
        lenient = () if self._strict else (NATIVE,)
        if self._type == DICOM and name not in (DICOM, *lenient, *METADATA):
            return Refused(NOT_DICOM, f"A part is {named[:80]!r}, not application/dicom.")
        return None

    async def stored(self, upload: Upload) -> None:
        """The upload is whole: it is made durable while the next one comes in."""
        held_bytes = min(upload.size_bytes, MEMORY_BYTES_MAX)
        self._storing.append((asyncio.create_task(upload.finish(self._last)), held_bytes))
        self._last = upload
        self._in_flight_bytes += held_bytes
        while len(self._storing) >= IN_FLIGHT_MAX or self._in_flight_bytes >= IN_FLIGHT_BYTES_MAX:
            task, held_bytes = self._storing.popleft()
            self._in_flight_bytes -= held_bytes
            self._outcomes.append(await task)

    def failed(self, refused: Refused) -> None:
        """A part that is no instance cannot be made use of."""
        self._outcomes.append(NotStored(refused.reason, refused.detail))

    async def outcomes(self) -> list[Outcome]:
        """What became of each instance, once all parts came."""
        await self._settle()
        async for outcome in self._message.outcomes(self._new_upload):
            self._outcomes.append(outcome)
        return self._outcomes

    async def cut_short(self, refused: Refused) -> list[Outcome]:
        """What became of those that came in whole before the request went wrong.

        What is made of metadata and other parts is not stored: some of its parts may be missing.
        """
        await self._settle()
        reason = INCOMPLETE if refused.reason.code is None else refused.reason
        return [*self._outcomes, NotStored(reason, refused.detail)] if self._outcomes else []

    async def _settle(self) -> None:
        # Whoever is told to stop here lets what is being stored come to its end all the same.
        self._outcomes += await asyncio.shield(asyncio.gather(*self._tasks()))
        self._storing.clear()

    def _tasks(self) -> list[asyncio.Task[Outcome]]:
        return [task for task, _ in self._storing]

    async def close(self) -> None:
        """Throws away what was not stored."""
        if self._sink is not None:
            await self._sink.discard()
        if self._storing:
            await asyncio.shield(asyncio.gather(*self._tasks(), return_exceptions=True))
        await self._message.spool.close()


class _Instance:
    def __init__(self, incoming: Incoming, upload: Upload) -> None:
        self._incoming = incoming
        self._upload = upload
        self.write = upload.write
        self.discard = upload.discard

    async def end(self) -> None:
        await self._incoming.stored(self._upload)


class _PassedOver:
    """A part that nothing is made of."""

    def __init__(self, incoming: Incoming, refused: Refused) -> None:
        self._incoming = incoming
        self._refused = refused

    async def write(self, data: bytes) -> None:
        pass

    async def end(self) -> None:
        self._incoming.failed(self._refused)

    async def discard(self) -> None:
        pass


class _Metadata:
    def __init__(self, incoming: Incoming, message: Message, *, xml: bool) -> None:
        self._incoming = incoming
        self._message = message
        self._add = message.add_xml if xml else message.add_json
        self._pieces: list[bytes] = []
        self._refused: Refused | None = None

    async def write(self, data: bytes) -> None:
        if self._refused is not None:
            return
        try:
            self._message.room(len(data))
        except Refused as refused:
            self._refused, self._pieces = refused, []
        else:
            self._pieces.append(data)

    async def end(self) -> None:
        try:
            if self._refused is not None:
                raise self._refused
            self._add(b"".join(self._pieces))
        except Refused as refused:
            self._incoming.failed(refused)

    async def discard(self) -> None:
        self._pieces = []


class _Bulk:
    def __init__(self, message: Message, media_type: MediaType, headers: Mapping[str, str]) -> None:
        self._message = message
        self._media_type = media_type
        self._headers = headers
        self._begin = message.spool.size_bytes
        self.write = message.spool.write

    async def end(self) -> None:
        part = Part(
            self._media_type.name,
            self._media_type.value("transfer-syntax"),
            self._begin,
            self._message.spool.size_bytes - self._begin,
        )
        location, identifier = map(self._headers.get, ("content-location", "content-id"))
        self._message.add_bulk(part, location, identifier)

    async def discard(self) -> None:
        pass
