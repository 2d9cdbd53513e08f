"""Elements and files in bytes, for tests."""

from __future__ import annotations

import zlib
from pathlib import Path

from schemas.part10 import HEAD_LENGTH, locate
from schemas.syntaxes import TransferSyntax

LONG = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")

BROKEN = {
    # Their pixel data, a sequence or another value is not all there.
    "MR_truncated.dcm",
    "rtplan_truncated.dcm",
    "DICOMDIR-nooffset",
    "3gb-bulk-data-truncated",
    "emri_small_jpeg_2k_lossless_too_short.dcm",
    "zero-length-US.dcm",
    # Its sequences say they are empty, but have items, and these have no end.
    "FreezePattern.dcm",
    # Its first byte belongs to no element.
    "no_meta.dcm",
}
"""Names of files that are refused, as TRUNCATED or NOT_DICOM."""

UNDEFINED = 0xFFFFFFFF
ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"


def tag(number: int, order: str = "little") -> bytes:
    return (number >> 16).to_bytes(2, order) + (number & 0xFFFF).to_bytes(2, order)


def explicit(
    number: int, vr: str, value: bytes = b"", length: int | None = None, order: str = "little"
) -> bytes:
    """An element in explicit VR; `length` says another length than the value has."""
    size = len(value) if length is None else length
    if vr in LONG:
        return tag(number, order) + vr.encode() + b"\0\0" + size.to_bytes(4, order) + value
    return tag(number, order) + vr.encode() + size.to_bytes(2, order) + value


def implicit(number: int, value: bytes = b"", length: int | None = None) -> bytes:
    size = len(value) if length is None else length
    return tag(number) + size.to_bytes(4, "little") + value


def item(value: bytes = b"", length: int | None = None) -> bytes:
    return implicit(0xFFFEE000, value, length)


def data_set_of(path: Path) -> tuple[bytes, int, TransferSyntax]:
    """The bytes of a file, inflated if need be, where its data set begins, and its encoding."""
    data = path.read_bytes()
    location = locate(data[:HEAD_LENGTH])
    if not location.syntax.deflated:
        return data, location.offset, location.syntax
    inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[location.offset :])
    return inflated, 0, location.syntax
