"""Parsing: what ingest reads of an object in a thread: its header, its layout, its digest."""

from __future__ import annotations

import errno
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import orjson
from blake3 import blake3
from pydicom.datadict import keyword_for_tag
from pydicom.tag import Tag

from dicomweb.engine.entries import Identity, values_of
from dicomweb.engine.window import Window
from dicomweb.pixels import frames
from dicomweb.pixels.description import PixelDescription
from dicomweb.pixels.frames import FrameIndex
from dicomweb.pixels.layout import Layout
from schemas import values
from schemas.attributes import TAGS
from schemas.dicom_json import INSTANCE_URL, Header, PixelElement, encode
from schemas.elements import Buffer
from schemas.part10 import HEAD_LENGTH, PREFIX, DataSetLocation, file_meta, locate
from schemas.reasons import NOT_AN_INSTANCE, NOT_DICOM, OUT_OF_RESOURCES, TOO_LARGE, Refused

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
BLOCK_BYTES = 1024 * 1024
INFLATED_BYTES_MAX = 4 * 1024**3
EXPANSION_MAX = 200
EXPANSION_FREE_BYTES = 64 * 1024**2
"""What grows beyond this many bytes, and more than so many times, is taken for a bomb; images of
nothing but background do not."""

PREAMBLE = bytes(128) + PREFIX

_NUMBERS = {
    "Rows": 0,
    "Columns": 0,
    "SamplesPerPixel": 1,
    "BitsAllocated": 0,
    "NumberOfFrames": 1,
    "BitsStored": 0,
    "HighBit": 0,
    "PixelRepresentation": 0,
    "PlanarConfiguration": 0,
}
"""Of a PixelDescription, with what is assumed where the header does not say."""
DESCRIPTIONS_REMEMBERED = 256
"""The objects of a series are mostly described alike."""

_DESCRIBED = {keyword: int(Tag(keyword)) for keyword in (*_NUMBERS, "PhotometricInterpretation")}
_WANTED = TAGS | frozenset(_DESCRIBED.values())


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of an object, in memory or in a file: only what is asked for is touched."""

    buffer: Buffer
    fileno: int | None = None

    @property
    def size_bytes(self) -> int:
        return len(self.buffer)

    def read(self, offset: int, length: int) -> bytes:
        """A piece, by pread where there is a file."""
        if self.fileno is None:
            return self.buffer[offset : offset + length]
        return os.pread(self.fileno, length, offset)


def source_of(fileno: int) -> Source:
    """The Source of an open file; memory holds a window of it."""
    return Source(Window(fileno), fileno)


@dataclass(frozen=True, slots=True)
class Read:
    """What the one walk over an object gave."""

    location: DataSetLocation
    header: Header
    values: Mapping[str, str]
    """Texts of the attributes in ATTRIBUTES, by keyword."""
    layout: Layout
    pixels: PixelDescription | None
    """None where there is no pixel data."""


def read(source: Source) -> Read:
    """Walks an object, once.  Raises Refused for what is no DICOM object or a cut one."""
    if not source.size_bytes:
        raise Refused(NOT_DICOM, "It is empty.")
    location = locate(source.read(0, HEAD_LENGTH))
    if location.meta.MediaStorageSOPClassUID == MEDIA_STORAGE_DIRECTORY:
        raise Refused(NOT_AN_INSTANCE, "A DICOMDIR lists instances; it is none itself.")
    if location.syntax.deflated:
        with inflated(source, location.offset) as whole:
            return _walk(whole, 0, location)
    return _walk(source, location.offset, location)


def _walk(source: Source, begin: int, location: DataSetLocation) -> Read:
    header = encode(source.buffer, begin, source.size_bytes, location.syntax, wanted=_WANTED)
    named = {tag: piece for tag, piece in header.pieces.items() if tag in TAGS}
    pixels = None if header.pixels is None else _description(header, header.pixels.tag)
    layout = _layout(source, header, location, pixels)
    return Read(location, header, values_of(named), layout, pixels)


def expanded_max(size_bytes: int) -> int:
    """How many bytes so many compressed ones may become."""
    return EXPANSION_FREE_BYTES + EXPANSION_MAX * size_bytes


@contextmanager
def inflated(source: Source, begin: int) -> Iterator[Source]:
    """The data set of a deflated object (PS3.5 A.5), in an unnamed file, a block at a time."""
    with tempfile.TemporaryFile() as file:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        size_max = min(INFLATED_BYTES_MAX, expanded_max(source.size_bytes))
        offset, size = begin, 0
        try:
            while offset < source.size_bytes and not inflater.eof:
                block = source.read(offset, BLOCK_BYTES)
                offset += len(block)
                while block:
                    size += file.write(inflater.decompress(block, BLOCK_BYTES))
                    block = inflater.unconsumed_tail
                    if size > size_max:
                        raise Refused(TOO_LARGE, f"It inflates to over {size_max} bytes.")
        except zlib.error as error:
            raise Refused(NOT_DICOM, f"It says it is deflated, and is not: {error}.") from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise Refused(OUT_OF_RESOURCES, "There is no room to inflate it.") from None
        size += file.write(inflater.flush())
        if not size:
            raise Refused(NOT_DICOM, "It is deflated, and nothing is in it.")
        file.flush()
        yield source_of(file.fileno())


def _layout(
    source: Source,
    header: Header,
    location: DataSetLocation,
    description: PixelDescription | None,
) -> Layout:
    if header.pixels is None or description is None:
        return Layout(header.bulk, None, "")
    found = _frames(source, header.pixels, location, description)
    return Layout(header.bulk, found, f"{header.pixels.tag:08X}")


def _frames(
    source: Source, pixels: PixelElement, location: DataSetLocation, description: PixelDescription
) -> FrameIndex:
    if pixels.length is not None:
        return frames.native(description, pixels.offset, pixels.length)
    return frames.encapsulated(
        description,
        source.read,
        pixels.offset,
        source.size_bytes,
        video=location.syntax.video,
        extended_offsets=_extended_offsets(source, pixels.extended_offset_table),
    )


def _extended_offsets(source: Source, table: tuple[int, int] | None) -> bytes:
    """The Extended Offset Table (7FE0,0001), if there is one of a size that can be true."""
    if table is None or table[1] > frames.TABLE_BYTES_MAX:
        return b""
    return source.read(*table)


def _description(header: Header, tag: int) -> PixelDescription:
    return _description_of(tag, *map(header.pieces.get, _DESCRIBED.values()))


@lru_cache(DESCRIPTIONS_REMEMBERED)
def _description_of(tag: int, *pieces: bytes | None) -> PixelDescription:
    """By members of a DICOM JSON object, in the order of _DESCRIBED."""
    texts = dict(zip(_DESCRIBED, map(_text, pieces), strict=True))
    photometric = texts.pop("PhotometricInterpretation")
    numbers = {keyword: values.number(text) for keyword, text in texts.items()}
    return PixelDescription(
        PhotometricInterpretation=photometric.strip().upper(),
        element=keyword_for_tag(tag),
        **{key: _NUMBERS[key] if number is None else number for key, number in numbers.items()},
    )


def _text(piece: bytes | None) -> str:
    if piece is None:
        return ""
    (member,) = orjson.loads(b"{" + piece.replace(INSTANCE_URL, b"") + b"}").values()
    return str(next(iter(member.get("Value", ())), ""))


def missing_head(source: Source, read: Read, identity: Identity) -> tuple[bytes, int] | None:
    """What is to be put in front of an object that is no Part 10 file (PS3.10 7.1), and how much of
    what it has there instead is left out; None when nothing is missing.

    The data set itself always stays as it was sent.
    """
    location = read.location
    if not location.has_meta or location.meta.TransferSyntaxUID is None:
        meta = file_meta(
            SOPClassUID=identity.SOPClassUID,
            SOPInstanceUID=identity.SOPInstanceUID,
            TransferSyntaxUID=location.syntax.uid,
        )
        return meta, location.offset
    if source.read(128, 4) == PREFIX:
        return None
    return (bytes(128) if source.read(0, 4) == PREFIX else PREAMBLE), 0


def digest(source: Source, begin: int) -> bytes:
    """What tells one data set from another, 32 bytes; the file meta may differ (RUL-14)."""
    hasher = blake3()
    if isinstance(source.buffer, bytes):
        return hasher.update(memoryview(source.buffer)[begin:]).digest()
    for offset in range(begin, source.size_bytes, BLOCK_BYTES):
        hasher.update(source.read(offset, BLOCK_BYTES))
    return hasher.digest()
