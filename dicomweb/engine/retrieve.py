"""Retrieve: what a Selection points at -> parts, passed through as stored or re-encoded on the way.

A part is streamed, never held; nothing here parses a file again that ingest has parsed, except to
give an object another encoding than the stored one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import orjson
from pydicom.datadict import tag_for_keyword

from dicomweb.engine import encodings, objects
from dicomweb.engine import instances as rows
from dicomweb.engine.archive import Archive
from dicomweb.engine.encodings import Encoding, ways
from dicomweb.engine.instances import Instance, Laid
from dicomweb.engine.metadata import metadata
from dicomweb.engine.objects import Origin
from dicomweb.pixels.frames import FrameIndex, align, whole_words
from dicomweb.pixels.transcoding import Transcoding, transcoding
from dicomweb.store.blobs import NoBlob
from dicomweb.store.extents import Extent
from schemas.dicom_json import INSTANCE_URL, Bulk
from schemas.identifiers import Selection, Uid
from schemas.json_values import swapped
from schemas.part10 import file_meta
from schemas.reasons import NOT_FOUND, Refused
from schemas.syntaxes import EXPLICIT_VR_LE, TransferSyntax

CHUNK_BYTES = 256 * 1024
"""What one read, one send and so one part in memory amounts to."""

AT_ONCE_BYTES_MAX = 1024 * 1024
"""Up to this an object or a value is one read: a CT slice or a tile is; above, it is streamed."""

Chunks = AsyncIterator[bytes]
Range = tuple[int, int]
"""An offset and a length."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that goes out: an instance, a frame, a value."""

    length: int | None
    """Bytes, where that is known before it is sent."""
    body: bytes | Extent | Chunks
    """At once where it is small, where it lies where it is a piece of a file, else in chunks."""
    syntax: TransferSyntax | None = None
    """How the bytes are encoded; None: not in a way of DICOM's, as pictures."""
    cut: Callable[[int, int], Chunks] | None = None
    """The bytes from one offset to another, where that costs no more than what it gives."""

    def some(self, begin: int, end: int) -> bytes | Extent | Chunks:
        """The bytes from `begin` to before `end`, in place of all."""
        if isinstance(self.body, bytes):
            return self.body[begin:end]
        if isinstance(self.body, Extent):
            return self.body.some(begin, end)
        if self.cut is not None:
            return self.cut(begin, end)
        return _cut(self.body, ((begin, end - begin),))


# Instances -----------------------------------------------------------------------


async def part(archive: Archive, instance: Instance, syntax: TransferSyntax) -> Part:
    """The Part 10 file of `instance` in `syntax`, one of its `offers` (PS3.18 10.4.3.3.1)."""
    if syntax.uid == instance.TransferSyntaxUID:
        length = instance.size_bytes
        extent = archive.blobs.extent(instance.blob, 0, length)
        if extent is not None:
            return Part(length, extent, syntax)
        if length <= AT_ONCE_BYTES_MAX:
            return Part(length, await archive.blobs.read(instance.blob, 0, length), syntax)
        whole = ((0, length),)
        return await _streamed(
            length, syntax, lambda ranges: _ranges(archive, instance, ranges), whole
        )
    if instance.syntax.deflated and syntax is EXPLICIT_VR_LE:
        meta = file_meta(
            SOPClassUID=instance.SOPClassUID,
            SOPInstanceUID=instance.SOPInstanceUID,
            TransferSyntaxUID=syntax.uid,
        )
        return Part(None, _after(meta, _inflated(archive, instance)), syntax)
    way = ways(instance.encoding)[syntax.uid]
    if way is None:
        file = await objects.rewritten(archive, instance, syntax)
    elif way.is_copy:
        file = await objects.relabelled(archive, instance, syntax)
    else:
        file = await objects.transcoded(archive, await rows.laid_of(archive, instance), way)
    return Part(file.length, file.body, syntax)


def may_fail(encoding: Encoding, syntax: TransferSyntax) -> bool:
    """Whether pixels have to be decoded for it, which broken ones cannot be."""
    way = ways(encoding)[syntax.uid]
    return encoding.syntax.encapsulated and way is not None and not way.is_copy


async def probe(archive: Archive, instance: Instance, syntax: TransferSyntax) -> None:
    """Raises Refused (UNDECODABLE) if `part` would: by the first frame, and by their number."""
    way = ways(instance.encoding)[syntax.uid]
    assert way is not None, "what may fail goes some way"
    await objects.probe(archive, await rows.laid_of(archive, instance), way)


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
    """The transfer syntaxes its frames can be given in, as stored first (PS3.18 10.4.3.3.6)."""
    return encodings.frame_offers(laid.instance.encoding)


async def frame(archive: Archive, laid: Laid, number: int, syntax: TransferSyntax) -> Part:
    """Frame `number`, counted from one, in one of its `frame_offers`.

    Refused (NOT_FOUND) where there is none, UNDECODABLE where it cannot be transcoded.

    Native frames are little endian, one-bit ones begin at bit 0 (PS3.18 8.7.3.3.1); an
    encapsulated one is its codestream, its fragments joined (8.7.3.3.2).
    """
    index = laid.layout.frames
    ranges = index.ranges(number) if index is not None else None
    if index is None or ranges is None:
        raise Refused(NOT_FOUND, _no_frame(laid, number))
    encoding = laid.instance.encoding
    way = transcoding(encoding.of_frames, syntax, encoding.description)
    if not way.is_copy:
        data = await _transcoded(archive, laid, way, number)
        return Part(len(data), data, syntax)
    pixels, word = laid.layout.bulk[laid.layout.pixels], _word(laid, index)
    if _lies_whole(laid, index):
        return await _value(archive, laid, replace(pixels, ranges=ranges), syntax)
    span, skipped = whole_words(index, number, word)
    found = await _value(archive, laid, replace(pixels, ranges=span), syntax)
    if span == ranges and index.frame_bits % 8 == 0:
        return found
    data = (await joined_body(found))[skipped : skipped + ranges[0][1]]
    data = align(data, index.bit_shift(number), index.frame_bits)
    return Part(len(data), data, syntax)


def _word(laid: Laid, index: FrameIndex) -> int:
    """Bytes that have to change places together."""
    return laid.layout.bulk[laid.layout.pixels].word if index.frame_bits else 1


def _lies_whole(laid: Laid, index: FrameIndex) -> bool:
    """Whether the bytes of a frame are what a client is to be given."""
    return _word(laid, index) == 1 and index.frame_bits % 8 == 0


def at_once(archive: Archive, laid: Laid, number: int | None = None) -> bytes | Extent | None:
    """An object as it is stored, or its frame `number`, if no disk has to be waited for.

    None where that cannot be had, or there is no such frame.  Raises NoBlob, BlobTooShort.
    """
    instance, index = laid.instance, laid.layout.frames
    if number is None:
        return archive.blobs.at_once(instance.blob, 0, instance.size_bytes)
    ranges = index.ranges(number) if index is not None else None
    if index is None or ranges is None or len(ranges) != 1 or not _lies_whole(laid, index):
        return None
    return None if instance.syntax.deflated else archive.blobs.at_once(instance.blob, *ranges[0])


async def _transcoded(archive: Archive, laid: Laid, way: Transcoding, number: int) -> bytes:
    archive.workshop.check()
    origin = Origin(archive, laid.instance)
    await origin.open()
    try:
        return await objects.frame(origin, laid, way, number)
    finally:
        await origin.close()


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


ENCAPSULATED_DOCUMENT = f"{tag_for_keyword('EncapsulatedDocument'):08X}"
_DOCUMENT_TYPE = f"{tag_for_keyword('MIMETypeOfEncapsulatedDocument'):08X}"


async def own_media_type(archive: Archive, laid: Laid, path: str) -> str:
    """The media type that an object says its value is of; "" of all but documents (WADO-35)."""
    if path != ENCAPSULATED_DOCUMENT:
        return ""
    instance = laid.instance
    one = Selection(
        Uid(instance.StudyInstanceUID),
        Uid(instance.SeriesInstanceUID),
        Uid(instance.SOPInstanceUID),
    )

    def told(_: str, text: bytes) -> str:
        values = orjson.loads(text.replace(INSTANCE_URL, b"")).get(_DOCUMENT_TYPE, {}).get("Value")
        return str(values[0]).strip().lower() if values else ""

    async for (media_type,) in metadata(archive, one, lambda *_: told):
        return media_type if _MEDIA_TYPE.fullmatch(media_type) else ""
    return ""


_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")


def bulk_parts(laid: Laid, path: str, syntax: TransferSyntax) -> int:
    """How many parts the value at `path` is given in: one, or one a compressed frame (WADO-33)."""
    index = laid.layout.frames
    if path == laid.layout.pixels and syntax.encapsulated and index is not None:
        return max(1, index.frame_count)
    return 1


async def bulk(
    archive: Archive, laid: Laid, path: str, syntax: TransferSyntax
) -> AsyncIterator[Part]:
    """The value at `path` in one of its `bulk_offers`, in its parts."""
    parts = bulk_parts(laid, path, syntax)
    if parts > 1:
        for number in range(1, parts + 1):
            yield await frame(archive, laid, number, syntax)
    elif path == laid.layout.pixels and syntax is not laid.instance.encoding.of_frames:
        yield await _pixels(archive, laid, syntax)
    else:
        yield await _value(archive, laid, laid.layout.bulk[path], syntax)


async def _pixels(archive: Archive, laid: Laid, syntax: TransferSyntax) -> Part:
    """Pixel Data as one value: its only frame, or all of them native."""
    encoding = laid.instance.encoding
    way = transcoding(encoding.of_frames, syntax, encoding.description)
    if way.is_copy or syntax.encapsulated:
        return await frame(archive, laid, 1, syntax)
    file = await objects.pixels(archive, laid, way)
    return Part(file.length, file.body, syntax)


async def _value(archive: Archive, laid: Laid, value: Bulk, syntax: TransferSyntax) -> Part:
    """The bytes of a value, little endian."""
    instance = laid.instance
    length = sum(length for _, length in value.ranges)
    if instance.syntax.deflated:
        return Part(length, _cut(_inflated(archive, instance), value.ranges), syntax)
    if value.word == 1 and len(value.ranges) == 1:
        extent = archive.blobs.extent(instance.blob, *value.ranges[0])
        if extent is not None:
            return Part(length, extent, syntax)
    if length > AT_ONCE_BYTES_MAX:
        return await _streamed(
            length,
            syntax,
            lambda ranges: _swapped(_ranges(archive, instance, ranges), value.word),
            value.ranges,
            value.word,
        )
    pieces = [await archive.blobs.read(instance.blob, *span) for span in value.ranges]
    return Part(length, swapped(b"".join(pieces), value.word), syntax)


async def _ranges(
    archive: Archive, instance: Instance, ranges: Sequence[tuple[int, int]]
) -> Chunks:
    for offset, length in ranges:
        async for chunk in archive.blobs.stream(instance.blob, offset, length):
            yield chunk


async def _streamed(
    length: int,
    syntax: TransferSyntax,
    read: Callable[[Sequence[Range]], Chunks],
    ranges: Sequence[Range],
    word: int = 1,
) -> Part:
    """A part that `read` streams, whose file is open when this returns: a blob that is not there is
    known before anything is sent.
    """

    def cut(begin: int, end: int) -> Chunks:
        whole = begin - begin % word, min(length, end + -end % word)
        chunks = read(list(_within(ranges, *whole)))
        return chunks if word == 1 else _cut(chunks, ((begin - whole[0], end - begin),))

    chunks = read(ranges)
    return Part(length, Begun(await anext(chunks), chunks), syntax, cut)


def _within(ranges: Sequence[Range], begin: int, end: int) -> Iterator[Range]:
    """What of joined ranges lies between two offsets into them."""
    position = 0
    for offset, length in ranges:
        first, last = max(begin - position, 0), min(end - position, length)
        if first < last:
            yield offset + first, last - first
        position += length


class Begun:
    """A stream whose first chunk has been read."""

    def __init__(self, first: bytes, rest: Chunks) -> None:
        self._first: bytes | None = first
        self._rest = rest

    def __aiter__(self) -> Begun:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, None
        return await anext(self._rest) if first is None else first

    async def aclose(self) -> None:
        """Lets go of what it reads from; harmless at any time."""
        if close := getattr(self._rest, "aclose", None):
            await close()


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
