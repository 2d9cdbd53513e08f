"""Where the data set of an object begins and how it is encoded; File Meta Information (PS3.10 7.1).

Also of objects without preamble or File Meta Information, and of those whose Transfer Syntax UID
says something else than their bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from schemas.elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Encoding,
    encoding_found,
    encoding_of,
    head_at,
    length_of,
    name_of,
    tag_at,
    vr_in_dictionary,
    vr_is_stated,
)
from schemas.reasons import NOT_DICOM, TRUNCATED, Refused
from schemas.syntaxes import (
    EXPLICIT_VR_BE,
    EXPLICIT_VR_LE,
    IMPLICIT_VR_LE,
    TransferSyntax,
    syntax_of,
)

HEAD_LENGTH = 65_536
"""Bytes of an object that `locate` needs, unless it has fewer."""
PREAMBLE_LENGTH = 128
PREFIX = b"DICM"

IMPLEMENTATION_CLASS_UID = "2.25.106084366137426712843008742788094283448"
IMPLEMENTATION_VERSION_NAME = "DICOMWEB_0_1"

_META_GROUP = b"\x02\x00"
"""Group 0002, as little endian has it."""
_FIRST_GROUP_MAX = 0x1FFF
"""A bare data set begins with a lower group; text and other formats look like a higher one."""


@dataclass(frozen=True, slots=True)
class FileMeta:
    MediaStorageSOPClassUID: str | None = None
    MediaStorageSOPInstanceUID: str | None = None
    TransferSyntaxUID: str | None = None


_META_FIELDS = {
    0x00020002: "MediaStorageSOPClassUID",
    0x00020003: "MediaStorageSOPInstanceUID",
    0x00020010: "TransferSyntaxUID",
}


@dataclass(frozen=True, slots=True)
class DataSetLocation:
    offset: int
    syntax: TransferSyntax
    """How the bytes are encoded, which may not be what `meta` says."""
    meta: FileMeta
    has_meta: bool


def locate(head: bytes) -> DataSetLocation:
    """Where the data set begins in the object of which `head` is the beginning.

    `head` has HEAD_LENGTH bytes or more, or all of the object.  Raises Refused: NOT_DICOM for what
    is no DICOM object, TRUNCATED for one that ends within its File Meta Information.
    """
    start = _start(head)
    values: dict[str, str] = {}
    offset = start
    encoding = encoding_found(head, start, len(head), EXPLICIT_LITTLE)
    while _is_meta(head, offset):
        element = head_at(head, offset, len(head), encoding)
        value = offset + element.size
        offset = value + length_of(element, head, offset, encoding)
        if offset > len(head):
            raise _endless_meta(len(head), name_of(element.tag))
        if element.tag in _META_FIELDS:
            text = head[value:offset].decode("latin_1").strip(" \0")
            values[_META_FIELDS[element.tag]] = text
    meta = FileMeta(**{key: value or None for key, value in values.items()})
    return DataSetLocation(offset, _syntax(head, offset, meta), meta, has_meta=offset > start)


def file_meta(*, SOPClassUID: str, SOPInstanceUID: str, TransferSyntaxUID: str) -> bytes:
    """Preamble, prefix and File Meta Information, to stand before a data set."""
    rest = (
        b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01"
        + _short(0x0002, b"UI", SOPClassUID, b"\0")
        + _short(0x0003, b"UI", SOPInstanceUID, b"\0")
        + _short(0x0010, b"UI", TransferSyntaxUID, b"\0")
        + _short(0x0012, b"UI", IMPLEMENTATION_CLASS_UID, b"\0")
        + _short(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME, b" ")
    )
    group_length = b"\x02\x00\x00\x00UL\x04\x00" + len(rest).to_bytes(4, "little")
    return bytes(PREAMBLE_LENGTH) + PREFIX + group_length + rest


def _short(element: int, vr: bytes, text: str, padding: bytes) -> bytes:
    value = text.encode("ascii", "replace")
    value += padding * (len(value) % 2)
    head = b"\x02\x00" + element.to_bytes(2, "little") + vr
    return head + len(value).to_bytes(2, "little") + value


def _endless_meta(length: int, name: str) -> Refused:
    if length < HEAD_LENGTH:
        return Refused(TRUNCATED, f"The File Meta Information ends inside {name}.")
    return Refused(NOT_DICOM, f"{name} in the File Meta Information is not of its kind.")


def _start(head: bytes) -> int:
    """Where the File Meta Information, or without any the data set, begins."""
    after_prefix = PREAMBLE_LENGTH + len(PREFIX)
    if head[PREAMBLE_LENGTH:after_prefix] == PREFIX:
        # The letters may also stand there by chance, in a data set without preamble.
        if _is_meta(head, after_prefix) or _guess(head, 0) is None:
            return after_prefix
    elif head.startswith(PREFIX) and _is_meta(head, len(PREFIX)):
        return len(PREFIX)
    if _is_meta(head, 0) or _guess(head, 0) is not None:
        return 0
    if not head:
        raise Refused(NOT_DICOM, "The object is empty.")
    raise Refused(NOT_DICOM, "The object is not DICOM: it has no prefix and no DICOM elements.")


def _is_meta(head: bytes, at: int) -> bool:
    return head[at : at + 2] == _META_GROUP and len(head) >= at + 8


def _guess(head: bytes, at: int) -> Encoding | None:
    """The encoding in which the bytes at `at` are a data set; None if they are in none."""
    if len(head) < at + 8:
        return None
    for encoding in (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE):
        if _is_plausible(head, at, encoding):
            return encoding
    return None


def _is_plausible(head: bytes, at: int, encoding: Encoding) -> bool:
    first = head_at(head, at, len(head), encoding)
    if first.tag >> 16 > _FIRST_GROUP_MAX:
        return False
    if not encoding.implicit:
        other = EXPLICIT_BIG if encoding is EXPLICIT_LITTLE else EXPLICIT_LITTLE
        return vr_is_stated(head, at) and first.tag < tag_at(head, at, other)
    known = first.tag & 0xFFFF == 0 or vr_in_dictionary(first.tag) != "UN"
    after = at + first.size + length_of(first, head, at, encoding)
    if not known or after > len(head):
        return False
    return after + 8 > len(head) or tag_at(head, after, encoding) > first.tag


def _syntax(head: bytes, offset: int, meta: FileMeta) -> TransferSyntax:
    """The syntax that is stated, as far as the first element of the data set bears it out."""
    found = _guess(head, offset)
    if meta.TransferSyntaxUID is None:
        return _NATIVE[found or IMPLICIT_LITTLE]
    stated = syntax_of(meta.TransferSyntaxUID)
    if stated.deflated:
        return EXPLICIT_VR_LE if found is EXPLICIT_LITTLE else stated
    expected = encoding_of(stated)
    found = found or encoding_found(head, offset, len(head), expected)
    if found is expected:
        return stated
    if stated in _NATIVE.values():
        return _NATIVE[found]
    return replace(stated, implicit=found is IMPLICIT_LITTLE, big_endian=found is EXPLICIT_BIG)


_NATIVE = {
    IMPLICIT_LITTLE: IMPLICIT_VR_LE,
    EXPLICIT_LITTLE: EXPLICIT_VR_LE,
    EXPLICIT_BIG: EXPLICIT_VR_BE,
}
