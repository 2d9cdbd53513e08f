"""Contents: payloads made of parts (PS3.18 8.6.1), whole, as they come, or the ranges asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from dicomweb.engine.retrieve import Part
from dicomweb.store.extents import Extent
from dicomweb.web.multipart import Writer
from dicomweb.web.ranges import Span
from dicomweb.web.responses import Header, Piece, Response

TOGETHER_PIECES = 8
"""Heads and bodies of parts that go out together, their files open."""
TOGETHER_BYTES = 256 * 1024
"""What of them is in memory."""

Stream = AsyncIterator[bytes]


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


@dataclass(frozen=True, slots=True)
class Content:
    """A payload of which everything is known before it is sent."""

    content_type: str
    pieces: tuple[bytes | Part, ...]
    location: str = ""
    """Of a single part; the parts of several have their own."""

    @property
    def length(self) -> int | None:
        """Bytes in all; None where that of a part is not known."""
        lengths = [len(p) if isinstance(p, bytes) else p.length for p in self.pieces]
        known = [length for length in lengths if length is not None]
        return sum(known) if len(known) == len(lengths) else None

    def whole(self, headers: Iterable[Header]) -> Response:
        bodies = [piece.body if isinstance(piece, Part) else piece for piece in self.pieces]
        return _response(200, self._named(headers), bodies, self.length)

    def some(self, spans: Sequence[Span], headers: Iterable[Header]) -> Response:
        """206 with these ranges of it: one as it is, several in parts (RFC 9110 15.3.7)."""
        length = self.length
        assert length is not None, "ranges are of something that has a length"
        if len(spans) == 1:
            ((begin, end),) = spans
            where = ("Content-Range", f"bytes {begin}-{end - 1}/{length}")
            named = self._named([*headers, where])
            return _response(206, named, self._cut(begin, end), end - begin)
        writer = Writer(self.content_type)
        pieces: list[Piece | Stream] = []
        total = len(writer.tail())
        for begin, end in spans:
            head = writer.head(
                [
                    ("Content-Type", self.content_type),
                    ("Content-Range", f"bytes {begin}-{end - 1}/{length}"),
                ]
            )
            pieces += [head, *self._cut(begin, end)]
            total += len(head) + end - begin
        byteranges = ("Content-Type", f"multipart/byteranges; boundary={writer.boundary}")
        return _response(206, [byteranges, *headers], [*pieces, writer.tail()], total)

    def _cut(self, begin: int, end: int) -> list[Piece | Stream]:
        found: list[Piece | Stream] = []
        position = 0
        for piece in self.pieces:
            length = len(piece) if isinstance(piece, bytes) else piece.length or 0
            first, last = max(begin - position, 0), min(end - position, length)
            if first < last:
                cut = piece[first:last] if isinstance(piece, bytes) else piece.some(first, last)
                found.append(cut)
            position += length
        return found

    def _named(self, headers: Iterable[Header]) -> list[Header]:
        location = [("Content-Location", self.location)] if self.location else []
        return [("Content-Type", self.content_type), *location, *headers]


def _response(
    status: int, headers: list[Header], pieces: Sequence[Piece | Stream], length: int | None
) -> Response:
    there = [piece for piece in pieces if isinstance(piece, (bytes, Extent))]
    if len(there) == len(pieces):
        return Response(status, headers, there)
    return Response(status, headers, _joined(pieces), length)


def single(sent: Sent) -> Content:
    """One part as the whole payload (PS3.18 8.6.1.1)."""
    return Content(sent.content_type, (sent.part,), sent.location)


def multipart(media_type: str, sent: Sequence[Sent], boundary: str) -> Content:
    """A few parts, all known beforehand, so that the length is too.

    The same parts have to come with the same boundary again, which is what ranges of the whole need
    (NEG-74), and with one that nobody could foresee when he stored what is in them (NEG-51).
    """
    writer = Writer(media_type, boundary)
    pieces: list[bytes | Part] = []
    for part in sent:
        pieces += (writer.head(part.headers()), part.part)
    return Content(writer.content_type, (*pieces, writer.tail()))


def multipart_stream(
    media_type: str, sent: AsyncIterator[Sent], headers: Iterable[Header], status: int = 200
) -> Response:
    """Parts as they come; a failure on the way cuts the connection, so that it is no clean end."""
    writer = Writer(media_type)
    named = [("Content-Type", writer.content_type), *headers]
    return Response(status, named, _parts(writer, sent))


async def _parts(writer: Writer, sent: AsyncIterator[Sent]) -> AsyncIterator[bytes | list[Piece]]:
    there: list[Piece] = []
    held_bytes = 0
    async for part in sent:
        head, body = writer.head(part.headers()), part.part.body
        if isinstance(body, (bytes, Extent)):
            there += (head, body)
            held_bytes += len(body) if isinstance(body, bytes) else 0
            if len(there) >= TOGETHER_PIECES or held_bytes >= TOGETHER_BYTES:
                yield there
                there, held_bytes = [], 0
            continue
        yield [*there, head]
        there, held_bytes = [], 0
        async for chunk in body:
            yield chunk
    yield [*there, writer.tail()]


async def _joined(pieces: Iterable[Piece | Stream]) -> AsyncIterator[bytes | list[Piece]]:
    for piece in pieces:
        if isinstance(piece, (bytes, Extent)):
            yield [piece]
        else:
            async for chunk in piece:
                yield chunk
