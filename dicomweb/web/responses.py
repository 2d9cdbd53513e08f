"""Responses as ASGI messages: JSON, multipart and single parts, problems."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from dicomweb.engine.retrieve import Part
from dicomweb.web.multipart import Writer
from schemas.reasons import Refused

Header = tuple[str, str]

SENT_AT_ONCE_BYTES = 64 * 1024
"""Small pieces are joined up to this: a send costs more than a copy of it."""


@dataclass(slots=True)
class Response:
    """Status, headers and body; an ASGI application that sends them once."""

    status: int
    headers: list[Header] = field(default_factory=list)
    body: bytes | list[bytes] | AsyncIterator[bytes] = b""
    """Bytes, a few pieces to be sent one by one, or a stream."""
    length: int | None = None
    """Content-Length of a stream, where it is known; of bytes and pieces it is counted."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self._head()})
        if scope["method"] == "HEAD":
            await _close(self.body)
            await _send_last(send, b"")
        elif isinstance(self.body, bytes):
            await _send_last(send, self.body)
        elif isinstance(self.body, list):
            for piece in self.body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await _send_last(send, b"")
        else:
            async for piece in self.body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await _send_last(send, b"")

    def _head(self) -> list[tuple[bytes, bytes]]:
        head = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers]
        length = self._length()
        if length is not None and self.status != 204:
            head.append((b"content-length", b"%d" % length))
        return head

    def _length(self) -> int | None:
        if isinstance(self.body, bytes):
            return len(self.body)
        if isinstance(self.body, list):
            return sum(len(piece) for piece in self.body)
        return self.length


async def _send_last(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _close(body: bytes | list[bytes] | AsyncIterator[bytes]) -> None:
    """A stream that nobody reads lets go of what it holds."""
    if close := getattr(body, "aclose", None):
        await close()


def dicom_json(body: bytes, status: int = 200, headers: Iterable[Header] = ()) -> Response:
    """One finished DICOM JSON text; no charset, some clients compare the whole type."""
    return Response(status, [("Content-Type", "application/dicom+json"), *headers], body)


def dicom_json_stream(objects: AsyncIterator[bytes]) -> Response:
    """A top-level array of objects as they come (PS3.18 F.2.1)."""
    return Response(200, [("Content-Type", "application/dicom+json")], _array(objects))


async def _array(objects: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    pieces, held, opening = [b"["], 1, b""
    async for text in objects:
        pieces += (opening, text)
        held += len(text)
        opening = b","
        if held >= SENT_AT_ONCE_BYTES:
            yield b"".join(pieces)
            pieces, held = [], 0
    yield b"".join([*pieces, b"]"])


def no_content(headers: Iterable[Header] = ()) -> Response:
    return Response(204, list(headers))


def problem(refused: Refused, headers: Iterable[Header] = ()) -> Response:
    """What is wrong, in a sentence, for whoever reads it (PS3.18 8.5, NEG-69)."""
    body = f"{refused.detail}\n".encode()
    return Response(
        refused.reason.http, [("Content-Type", "text/plain; charset=utf-8"), *headers], body
    )


def warning(base_url: str, text: str) -> Header:
    """A Warning header as PS3.18 8.3.4 prints it (RUL-09)."""
    return "Warning", f"299 {base_url}: {text}".encode("ascii", "replace").decode()


# Parts -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """A part with what its headers say of it (PS3.18 8.6.1.2)."""

    part: Part
    content_type: str
    location: str

    def headers(self) -> list[Header]:
        named = [("Content-Type", self.content_type), ("Content-Location", self.location)]
        length = self.part.length
        return named if length is None else [*named, ("Content-Length", str(length))]


def single(sent: Sent, status: int = 200) -> Response:
    """One part as the whole payload (PS3.18 8.6.1.1)."""
    named = [("Content-Type", sent.content_type), ("Content-Location", sent.location)]
    return Response(status, named, sent.part.body, sent.part.length)


def multipart(media_type: str, sent: Sequence[Sent]) -> Response:
    """A few parts, all known beforehand, so that the length is too."""
    writer = Writer(media_type)
    headers = [("Content-Type", writer.content_type)]
    pieces: list[bytes | AsyncIterator[bytes]] = []
    for part in sent:
        pieces += (writer.head(part.headers()), part.part.body)
    pieces.append(writer.tail())
    whole = [piece for piece in pieces if isinstance(piece, bytes)]
    if len(whole) == len(pieces):
        return Response(200, headers, whole)
    streamed = [part.part.length for part in sent if not isinstance(part.part.body, bytes)]
    known = [length for length in streamed if length is not None]
    length = sum(map(len, whole)) + sum(known) if len(known) == len(streamed) else None
    return Response(200, headers, _joined(pieces), length)


def multipart_stream(media_type: str, sent: AsyncIterator[Sent], status: int = 200) -> Response:
    """Parts as they come; a failure on the way cuts the connection, so that it is no clean end."""
    writer = Writer(media_type)
    return Response(status, [("Content-Type", writer.content_type)], _parts(writer, sent))


async def _parts(writer: Writer, sent: AsyncIterator[Sent]) -> AsyncIterator[bytes]:
    async for part in sent:
        async for piece in _joined((writer.head(part.headers()), part.part.body)):
            yield piece
    yield writer.tail()


async def _joined(pieces: Iterable[bytes | AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        else:
            async for chunk in piece:
                yield chunk
