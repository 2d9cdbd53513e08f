"""Objects: an instance as a Part 10 file in another transfer syntax than it is stored in.

The header is walked once more and written anew; frames are read, computed and sent one after the
other, so that memory holds a few of them, however many there are.
"""

from __future__ import annotations

import asyncio
import tempfile
import zlib
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO

from dicomweb.engine import parsing
from dicomweb.engine.archive import Archive
from dicomweb.engine.changes import changes, changes_of_derived, derived_uid, pixel_vr
from dicomweb.engine.instances import Instance, Laid
from dicomweb.engine.parsing import Source
from dicomweb.engine.workshop import Job
from dicomweb.pixels.codecs.table import FRAME_BYTES_MAX
from dicomweb.pixels.frames import align, whole_words
from dicomweb.pixels.transcoding import Transcoding
from schemas.elements import ITEM, PIXEL_DATA, UNDEFINED
from schemas.json_values import swapped
from schemas.part10 import file_meta
from schemas.reasons import UNDECODABLE, Refused
from schemas.reencoding import (
    SEQUENCE_END_MARK,
    Change,
    Gap,
    Made,
    Span,
    delimiter,
    element_head,
    size_of,
    to_little_endian,
)
from schemas.syntaxes import TransferSyntax

CHUNK_BYTES = 256 * 1024
FRAMES_AHEAD = 2
"""Frames that are computed while one is being sent."""
NATIVE_BYTES_MAX = 0xFFFFFFFE
"""Of a value whose length has 32 bits, and is even (PS3.5 7.1.2)."""

Chunks = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class File:
    """A Part 10 file on its way out."""

    length: int | None
    """Bytes, where that is known before it is sent."""
    body: Chunks


# Where the bytes of an object are read from ------------------------------------------


class Origin:
    """The bytes that the offsets of a layout count in: the blob, or what is inflated of it."""

    def __init__(self, archive: Archive, instance: Instance) -> None:
        self.archive = archive
        self.instance = instance
        self._inflated: Source | None = None
        self._stack = ExitStack()

    async def open(self) -> None:
        """Inflates a deflated object into an unnamed file; of the others nothing is needed."""
        if self.instance.syntax.deflated:
            self._inflated = await self.archive.run(self._inflate)

    def _inflate(self) -> Source:
        with self.archive.blobs.open(self.instance.blob) as blob:
            whole = Source(blob.buffer)
            return self._stack.enter_context(parsing.inflated(whole, self.instance.data_set_offset))

    async def close(self) -> None:
        await self.archive.run(self._stack.close)

    @contextmanager
    def walked(self) -> Iterator[tuple[parsing.Source, int]]:
        """In a thread: the whole, and where the data set begins in it."""
        if self._inflated is not None:
            yield self._inflated, 0
            return
        with self.archive.blobs.open(self.instance.blob) as blob:
            yield Source(blob.buffer), self.instance.data_set_offset

    async def read(self, offset: int, length: int) -> bytes:
        if self._inflated is not None:
            return await self.archive.run(partial(self._inflated.read, offset, length))
        return await self.archive.blobs.read(self.instance.blob, offset, length)

    async def stream(self, offset: int, length: int) -> Chunks:
        if self._inflated is None:
            async for chunk in self.archive.blobs.stream(self.instance.blob, offset, length):
                yield chunk
            return
        for at in range(offset, offset + length, CHUNK_BYTES):
            yield await self.read(at, min(CHUNK_BYTES, offset + length - at))


async def stored_frame(origin: Origin, laid: Laid, number: int) -> bytes:
    """The bytes of a frame as `codecs.decode` takes them.  Raises Refused (UNDECODABLE)."""
    index = laid.layout.frames
    ranges = index.ranges(number) if index is not None else None
    if index is None or ranges is None:
        raise Refused(UNDECODABLE, f"The object has no frame {number}, which its header announces.")
    if sum(length for _, length in ranges) > FRAME_BYTES_MAX:
        raise Refused(UNDECODABLE, f"Frame {number} is larger than is decoded here.")
    if not index.frame_bits:
        return b"".join([await origin.read(*span) for span in ranges])
    word = laid.layout.bulk[laid.layout.pixels].word
    (span,), skipped = whole_words(index, number, word)
    frame = swapped(await origin.read(*span), word)[skipped : skipped + ranges[0][1]]
    if index.frame_bits % 8 == 0:
        return frame
    return align(frame, index.bit_shift(number), index.frame_bits)


async def frame(origin: Origin, laid: Laid, way: Transcoding, number: int) -> bytes:
    """Frame `number`, counted from one, gone `way`; computed once for all who ask at a time."""
    job = Job(laid.instance.blob, f"{number}-{way.wanted.uid}")
    return await origin.archive.workshop.once(
        job, partial(stored_frame, origin, laid, number), way.frame
    )


# The file ----------------------------------------------------------------------------


async def rewritten(archive: Archive, instance: Instance, wanted: TransferSyntax) -> File:
    """`instance` with another encoding of its data set, the pixels staying what they are."""
    origin = Origin(archive, instance)
    await origin.open()
    pieces = await archive.run(lambda: _pieces(origin, wanted, {}))
    head = _meta(instance, wanted)
    body = _closing(origin, _after(head, _spans(origin, pieces)))
    if wanted.deflated:
        return File(None, _deflated(archive, body, len(head)))
    return File(len(head) + size_of(pieces), body)


async def relabelled(archive: Archive, instance: Instance, wanted: TransferSyntax) -> File:
    """`instance` with another transfer syntax that its bytes comply with as well."""
    head = _meta(instance, wanted)
    begin, length = instance.data_set_offset, instance.size_bytes - instance.data_set_offset
    return File(
        len(head) + length, _after(head, archive.blobs.stream(instance.blob, begin, length))
    )


async def transcoded(archive: Archive, laid: Laid, way: Transcoding) -> File:
    """`laid` with its frames gone `way`.

    Raises Refused (UNDECODABLE) for a first frame that cannot go it; a later one ends the body so.
    """
    _complete(laid, way)
    archive.workshop.check()
    origin = Origin(archive, laid.instance)
    await origin.open()
    try:
        # The first one tells whether there is a way at all, while that can still be answered.
        first = await frame(origin, laid, way, 1)
        if way.method:
            return await _derived(origin, laid, way, first)
        pieces = await archive.run(lambda: _pieces(origin, way.wanted, changes(way)))
    except BaseException:
        await origin.close()
        raise
    head = _meta(laid.instance, way.wanted)
    frames = _frames(origin, laid, way, first)
    if way.wanted.encapsulated:
        length = _encapsulated_length([first]) if way.source.NumberOfFrames <= 1 else None
        pixels = _encapsulated(frames)
    else:
        length = len(_native_head(way)) + _even(way.result.native_bytes)
        pixels = _native(frames, way)
    body = _closing(origin, _after(head, _spans(origin, pieces, pixels)))
    if way.wanted.deflated:
        return File(None, _deflated(archive, body, len(head)))
    return File(None if length is None else len(head) + size_of(pieces) + length, body)


async def probe(archive: Archive, laid: Laid, way: Transcoding) -> None:
    """Raises what `transcoded` would, before anything is sent; the work is not done twice where it
    is costly.
    """
    _complete(laid, way)
    origin = Origin(archive, laid.instance)
    await origin.open()
    try:
        await frame(origin, laid, way, 1)
    finally:
        await origin.close()


async def _derived(origin: Origin, laid: Laid, way: Transcoding, first: bytes) -> File:
    """With loss: how much was lost is said in front of the frames, so they are all made before."""
    archive, instance = origin.archive, laid.instance
    spool = await archive.run(lambda: tempfile.SpooledTemporaryFile(CHUNK_BYTES))  # noqa: SIM115
    lengths: list[int] = []
    try:
        async for data in _frames(origin, laid, way, first):
            lengths.append(len(data))
            await archive.run(partial(spool.write, data))
        native = way.result.native_bytes
        added = changes_of_derived(
            way,
            native / sum(lengths),
            SOPClassUID=instance.SOPClassUID,
            SOPInstanceUID=instance.SOPInstanceUID,
        )
        pieces = await archive.run(lambda: _pieces(origin, way.wanted, changes(way) | added))
    except BaseException:
        spool.close()
        raise
    head = _meta(instance, way.wanted, derived_uid(instance.SOPInstanceUID, way))
    pixels = _encapsulated(_spooled(archive, spool, lengths))
    length = len(head) + size_of(pieces) + _encapsulated_length_of(lengths)
    return File(length, _closing(origin, _after(head, _spans(origin, pieces, pixels))))


def _complete(laid: Laid, way: Transcoding) -> None:
    index = laid.layout.frames
    found, said = index.frame_count if index is not None else 0, max(1, way.source.NumberOfFrames)
    if found != said:
        raise Refused(
            UNDECODABLE,
            f"{found} frames are found in the object and {said} in its header, so it can only be "
            "had as it is stored.",
        )


def _meta(instance: Instance, wanted: TransferSyntax, uid: str | None = None) -> bytes:
    return file_meta(
        SOPClassUID=instance.SOPClassUID,
        SOPInstanceUID=uid or instance.SOPInstanceUID,
        TransferSyntaxUID=wanted.uid,
    )


def _pieces(origin: Origin, wanted: TransferSyntax, made: Mapping[int, Change]) -> list[Made]:
    """In a thread: the data set anew; long values stay where they are, as spans."""
    with origin.walked() as (source, begin):
        return list(
            to_little_endian(
                source.buffer,
                begin,
                source.size_bytes,
                origin.instance.syntax,
                implicit=wanted.implicit,
                changes=made,
            )
        )


async def _frames(origin: Origin, laid: Laid, way: Transcoding, first: bytes) -> Chunks:
    """All frames in their order, some being computed while one is in use."""
    ahead: deque[asyncio.Task[bytes]] = deque()
    following = iter(range(2, way.source.NumberOfFrames + 1))

    def begin() -> None:
        number = next(following, None)
        if number is not None:
            ahead.append(asyncio.create_task(frame(origin, laid, way, number)))

    try:
        for _ in range(FRAMES_AHEAD):
            begin()
        yield first
        while ahead:
            data = await ahead.popleft()
            begin()
            yield data
    finally:
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)


async def pixels(archive: Archive, laid: Laid, way: Transcoding) -> File:
    """The value of Pixel Data, native.  Raises as `transcoded` does."""
    _complete(laid, way)
    origin = Origin(archive, laid.instance)
    await origin.open()
    try:
        first = await frame(origin, laid, way, 1)
    except BaseException:
        await origin.close()
        raise
    value = _joined(_frames(origin, laid, way, first), way)
    return File(_even(way.result.native_bytes), _closing(origin, value))


async def _native(frames: Chunks, way: Transcoding) -> Chunks:
    """Pixel Data with its head, native."""
    async for chunk in _after(_native_head(way), _joined(frames, way)):
        yield chunk


def _native_head(way: Transcoding) -> bytes:
    length = _even(way.result.native_bytes)
    if way.wanted.implicit:
        return delimiter(PIXEL_DATA, length)
    return element_head(PIXEL_DATA, pixel_vr(way), length)


async def _joined(frames: Chunks, way: Transcoding) -> Chunks:
    """Frame upon frame, those of odd sizes bit upon bit, padded (PS3.5 8.1.1)."""
    total, bits = way.result.native_bytes, way.result.frame_bits
    waiting, count = 0, 0
    async for data in frames:
        if bits % 8 == 0:
            yield data
            continue
        waiting |= int.from_bytes(data, "little") << count
        count += bits
        whole = count // 8
        yield (waiting & ((1 << whole * 8) - 1)).to_bytes(whole, "little")
        waiting, count = waiting >> whole * 8, count % 8
    if count:
        yield waiting.to_bytes(1, "little")
    yield bytes(total % 2)


async def _encapsulated(frames: Chunks) -> Chunks:
    """Pixel Data with its head: one fragment a frame, an empty offset table (PS3.5 A.4)."""
    yield element_head(PIXEL_DATA, "OB", UNDEFINED) + delimiter(ITEM)
    async for data in frames:
        yield delimiter(ITEM, _even(len(data)))
        yield data
        if len(data) % 2:
            yield b"\0"
    yield SEQUENCE_END_MARK


def _encapsulated_length(frames: Sequence[bytes]) -> int:
    return _encapsulated_length_of([len(data) for data in frames])


def _encapsulated_length_of(lengths: Sequence[int]) -> int:
    """Of Pixel Data with its head, as `_encapsulated` writes it."""
    mark = len(SEQUENCE_END_MARK)
    head = len(element_head(PIXEL_DATA, "OB", UNDEFINED)) + mark
    return head + sum(mark + _even(length) for length in lengths) + mark


def _even(length: int) -> int:
    return length + length % 2


# Chunks --------------------------------------------------------------------------------


async def _after(head: bytes, chunks: Chunks) -> Chunks:
    yield head
    async for chunk in chunks:
        yield chunk


async def _closing(origin: Origin, chunks: Chunks) -> Chunks:
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        if close := getattr(chunks, "aclose", None):
            await close()
        await origin.close()


async def _spans(origin: Origin, pieces: Sequence[Made], pixels: Chunks | None = None) -> Chunks:
    try:
        for piece in pieces:
            match piece:
                case Span():
                    async for chunk in origin.stream(piece.offset, piece.length):
                        yield swapped(chunk, piece.swap)
                case Gap():
                    assert pixels is not None, "there is something to fill the gap"
                    async for chunk in pixels:
                        yield chunk
                case _:
                    yield piece
    finally:
        if close := getattr(pixels, "aclose", None):
            await close()


async def _spooled(archive: Archive, spool: IO[bytes], lengths: Sequence[int]) -> Chunks:
    """What was spooled, a frame at a time."""
    try:
        await archive.run(lambda: spool.seek(0))
        for length in lengths:
            yield await archive.run(partial(spool.read, length))
    finally:
        spool.close()


async def _deflated(archive: Archive, chunks: Chunks, plain: int) -> Chunks:
    """All but the first `plain` bytes, which are a chunk, deflated and even (PS3.5 A.5)."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    size = 0
    try:
        yield await anext(chunks)
        async for chunk in chunks:
            made = await archive.run(partial(deflater.compress, chunk))
            size += len(made)
            if made:
                yield made
        made = await archive.run(deflater.flush)
        yield made + bytes((size + len(made)) % 2)
    finally:
        if close := getattr(chunks, "aclose", None):
            await close()
