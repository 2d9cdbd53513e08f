"""Retrieve: what a Selection points at -> parts, passed through as stored or re-encoded on the way.

A part is streamed, never held; nothing here parses a file again that ingest has parsed, except to
give an object another encoding than the stored one.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from dicomweb.engine import instances as rows
from dicomweb.engine.archive import Archive
from dicomweb.engine.compression import decompress
from dicomweb.engine.instances import Instance, Laid
from dicomweb.pixels.frames import Ranges, align
from dicomweb.store.blobs import NoBlob
from schemas.dicom_json import Bulk
from schemas.identifiers import Selection
from schemas.json_values import swapped
from schemas.part10 import file_meta
from schemas.reasons import NOT_FOUND, Refused
from schemas.reencoding import Span, size_of, to_explicit_little_endian
from schemas.syntaxes import EXPLICIT_VR_LE, TransferSyntax

CHUNK_BYTES = 256 * 1024
"""What one read, one send and so one part in memory amounts to."""

AT_ONCE_BYTES_MAX = 1024 * 1024
"""Up to this an object or a value is one read: a CT slice or a tile is; above, it is streamed."""

Chunks = AsyncIterator[bytes]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that goes out: an instance, a frame, a value."""

    length: int | None
    """Bytes, where that is known before it is sent."""
    body: bytes | Chunks
    """At once where it is small, in chunks where it is not."""
    syntax: TransferSyntax | None = None
    """How the bytes are encoded; None: not in a way of DICOM's, as pictures."""


# Instances -----------------------------------------------------------------------


def offers(stored: TransferSyntax, *, strict: bool) -> tuple[TransferSyntax, ...]:
    """The transfer syntaxes an object can be given in (PS3.18 8.7.3.4), the default one first.

    By the letter implicit VR and big endian never travel over the web (NEG-28); leniently a client
    that asks for the stored form gets the stored bytes.
    """
    if stored.encapsulated or stored is EXPLICIT_VR_LE:
        return (stored,)
    if strict and (stored.implicit or stored.big_endian):
        return (EXPLICIT_VR_LE,)
    return (EXPLICIT_VR_LE, stored)


async def part(archive: Archive, instance: Instance, syntax: TransferSyntax) -> Part:
    """The Part 10 file of `instance` in `syntax`, one of its `offers` (PS3.18 10.4.3.3.1)."""
    if syntax.uid == instance.TransferSyntaxUID:
        length = instance.size_bytes
        if length <= AT_ONCE_BYTES_MAX:
            return Part(length, await archive.blobs.read(instance.blob, 0, length), syntax)
        return Part(length, archive.blobs.stream(instance.blob, 0, length), syntax)
    assert syntax is EXPLICIT_VR_LE, f"{syntax.name} was not offered"
    meta = file_meta(
        SOPClassUID=instance.SOPClassUID,
        SOPInstanceUID=instance.SOPInstanceUID,
        TransferSyntaxUID=syntax.uid,
    )
    if instance.syntax.deflated:
        return Part(None, _after(meta, _inflated(archive, instance)), syntax)
    pieces = await archive.run(lambda: _reencoded(archive, instance))
    length = len(meta) + size_of(pieces)
    return Part(length, _after(meta, _assembled(archive, instance, pieces)), syntax)


def _reencoded(archive: Archive, instance: Instance) -> list[bytes | Span]:
    """In a thread: the header re-encoded; long values stay where they are, as spans."""
    with archive.blobs.open(instance.blob) as blob:
        begin, end = instance.data_set_offset, instance.size_bytes
        return list(to_explicit_little_endian(blob.buffer, begin, end, instance.syntax))


async def _assembled(
    archive: Archive, instance: Instance, pieces: Sequence[bytes | Span]
) -> Chunks:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        else:
            async for chunk in archive.blobs.stream(instance.blob, piece.offset, piece.length):
                yield swapped(chunk, piece.swap)


async def _after(head: bytes, chunks: Chunks) -> Chunks:
    yield head
    async for chunk in chunks:
        yield chunk


async def _inflated(archive: Archive, instance: Instance) -> Chunks:
    """The data set of a deflated object (PS3.5 A.5), a bounded piece at a time."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    length = instance.size_bytes - instance.data_set_offset
    async for chunk in archive.blobs.stream(instance.blob, instance.data_set_offset, length):
        while chunk and not inflater.eof:
            yield await archive.run(lambda: inflater.decompress(chunk, CHUNK_BYTES))  # noqa: B023
            chunk = inflater.unconsumed_tail
    yield inflater.flush()


# Metadata ------------------------------------------------------------------------


async def metadata(archive: Archive, selection: Selection) -> AsyncIterator[tuple[Instance, bytes]]:
    """Each instance with its DICOM JSON; `INSTANCE_URL` stands where its URL belongs (Annex F)."""
    async for instance, header in rows.headers(archive, selection):
        yield instance, decompress(header)


# Frames and bulk data --------------------------------------------------------------


async def remembered(
    archive: Archive, selection: Selection, use: Callable[[Laid], Awaitable[T]]
) -> T:
    """What `use` makes of the one instance that `selection` points at.

    Instances are remembered.  Where another process replaced one, what is remembered of it leads
    nowhere: then it is looked up anew, once.
    """
    known = rows.recall(archive, selection)
    if known is not None:
        try:
            return await use(known)
        except (NoBlob, Refused):
            rows.forget(archive, selection)
    return await use(await rows.laid(archive, selection))


def frame_offers(laid: Laid) -> tuple[TransferSyntax, ...]:
    """The transfer syntaxes its frames can be given in (PS3.18 10.4.3.3.6)."""
    stored = laid.instance.syntax
    return (stored,) if stored.encapsulated else (EXPLICIT_VR_LE,)


async def frame(archive: Archive, laid: Laid, number: int) -> Part:
    """Frame `number`, counted from one; Refused (404) where there is none.

    Native frames are little endian, one-bit ones begin at bit 0 (PS3.18 8.7.3.3.1); an
    encapsulated one is its codestream, its fragments joined (8.7.3.3.2).
    """
    index = laid.layout.frames
    ranges = index.ranges(number) if index is not None else None
    if index is None or ranges is None:
        raise Refused(NOT_FOUND, _no_frame(laid, number))
    (syntax,) = frame_offers(laid)
    pixels = laid.layout.bulk[laid.layout.pixels]
    span, lead = _in_words(ranges, pixels)
    found = await _value(archive, laid, replace(pixels, ranges=span), syntax)
    if span != ranges:
        body = (await joined_body(found))[lead : lead + ranges[0][1]]
        found = Part(len(body), body, syntax)
    if index.frame_bits % 8 == 0:
        return found
    packed = align(await joined_body(found), index.bit_shift(number), index.frame_bits)
    return Part(len(packed), packed, syntax)


def _in_words(ranges: Ranges, value: Bulk) -> tuple[Ranges, int]:
    """`ranges` widened to the whole words of a big endian value, and by how much in front.

    An odd number of bytes to a frame cuts words in two (PS3.5 8.1.1); a half cannot be turned.
    """
    if value.word == 1:
        return ranges, 0
    ((begin, length),), ((first, whole),) = ranges, value.ranges
    lead = (begin - first) % value.word
    end = begin + length + (first - begin - length) % value.word
    return ((begin - lead, min(end, first + whole) - begin + lead),), lead


def _no_frame(laid: Laid, number: int) -> str:
    index = laid.layout.frames
    if index is None or not laid.layout.pixels:
        return "The instance has no pixel data."
    return f"There is no frame {number}; the instance has {index.frame_count}."


def frames_there(laid: Laid, numbers: Sequence[int]) -> Sequence[int]:
    """`numbers`, if all of them are frames of the instance; else Refused (404) (WADO-38)."""
    index = laid.layout.frames
    for number in numbers:
        if index is None or number > index.frame_count:
            raise Refused(NOT_FOUND, _no_frame(laid, number))
    return numbers


def bulk_offers(laid: Laid, path: str) -> tuple[TransferSyntax, ...]:
    """The transfer syntaxes a value can be given in; Refused (404) where there is none."""
    if path not in laid.layout.bulk:
        raise Refused(NOT_FOUND, "There is no such bulk data in the instance.")
    return frame_offers(laid) if path == laid.layout.pixels else (EXPLICIT_VR_LE,)


def bulk_parts(laid: Laid, path: str) -> int:
    """How many parts the value at `path` is given in: one, or one a compressed frame (WADO-33)."""
    index = laid.layout.frames
    if path == laid.layout.pixels and laid.instance.syntax.encapsulated and index is not None:
        return max(1, index.frame_count)
    return 1


async def bulk(archive: Archive, laid: Laid, path: str) -> AsyncIterator[Part]:
    """The value at `path`, in its parts."""
    parts = bulk_parts(laid, path)
    if parts > 1:
        for number in range(1, parts + 1):
            yield await frame(archive, laid, number)
    else:
        (syntax,) = bulk_offers(laid, path)
        yield await _value(archive, laid, laid.layout.bulk[path], syntax)


async def _value(archive: Archive, laid: Laid, value: Bulk, syntax: TransferSyntax) -> Part:
    """The bytes of a value, little endian."""
    instance = laid.instance
    length = sum(length for _, length in value.ranges)
    if instance.syntax.deflated:
        return Part(length, _cut(_inflated(archive, instance), value.ranges), syntax)
    if length > AT_ONCE_BYTES_MAX:
        return Part(length, _swapped(_ranges(archive, instance, value.ranges), value.word), syntax)
    pieces = [await archive.blobs.read(instance.blob, *span) for span in value.ranges]
    return Part(length, swapped(b"".join(pieces), value.word), syntax)


async def _ranges(
    archive: Archive, instance: Instance, ranges: Sequence[tuple[int, int]]
) -> Chunks:
    for offset, length in ranges:
        async for chunk in archive.blobs.stream(instance.blob, offset, length):
            yield chunk


async def _swapped(chunks: Chunks, width: int) -> Chunks:
    async for chunk in chunks:
        yield swapped(chunk, width)


async def _cut(chunks: Chunks, ranges: Sequence[tuple[int, int]]) -> Chunks:
    """Ascending `ranges` of a stream that cannot be sought."""
    position = 0
    wanted = list(ranges)
    async for chunk in chunks:
        while wanted and wanted[0][0] < position + len(chunk):
            offset, length = wanted[0]
            piece = chunk[max(offset - position, 0) : offset + length - position]
            if piece:
                yield piece
            if offset + length > position + len(chunk):
                break
            wanted.pop(0)
        position += len(chunk)
        if not wanted:
            return


async def joined_body(part: Part) -> bytes:
    """The whole of a part that is known to be small."""
    if isinstance(part.body, bytes):
        return part.body
    return b"".join([chunk async for chunk in part.body])
