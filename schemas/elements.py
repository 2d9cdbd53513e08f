"""Data elements in bytes: their heads, and the value representation (VR) of each (PS3.5 6.2, 7).

Shared by all that walks a data set.  No value is decoded here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol

from pydicom.datadict import dictionary_VR, keyword_for_tag

from schemas.syntaxes import TransferSyntax


class Buffer(Protocol):
    """The bytes of an object: `bytes`, a mapped file, or what reads a file piece by piece."""

    def __len__(self) -> int: ...

    def __getitem__(self, at: slice, /) -> bytes: ...

    def find(self, wanted: bytes, start: int, end: int, /) -> int: ...


Order = Literal["little", "big"]

UNDEFINED = 0xFFFFFFFF
"""The length of a value that ends with a delimiter (PS3.5 7.1.1)."""

ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD
MARKS = {
    b"\xfe\xff\x00\xe0": ITEM,
    b"\xff\xfe\xe0\x00": ITEM,
    b"\xfe\xff\x0d\xe0": ITEM_END,
    b"\xff\xfe\xe0\x0d": ITEM_END,
    b"\xfe\xff\xdd\xe0": SEQUENCE_END,
    b"\xff\xfe\xe0\xdd": SEQUENCE_END,
}
"""The three as they are written, in either byte order."""
TRAILING_PADDING = 0xFFFCFFFC
"""Of no significance (PS3.10 7.2)."""
FRAGMENTS_MAX = 4_000_000
"""Fragments of one encapsulated value; a whole slide has a hundred thousand tiles."""

SPECIFIC_CHARACTER_SET = 0x00080005
PIXEL_DATA = 0x7FE00010
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, PIXEL_DATA})
"""Float, Double Float and ordinary Pixel Data."""


@dataclass(frozen=True, slots=True)
class Representation:
    """A row of PS3.5 Tables 6.2-1 and 7.1-1."""

    vr: str
    word: int = 1
    """Bytes that a change of byte order turns around; 1: none."""
    long: bool = False
    """In explicit VR the length has 32 bits."""
    bulk: bool = False
    """DICOM JSON may give it as BulkDataURI (PS3.18 F.2.2)."""

    @property
    def binary(self) -> bool:
        """Its value is one string of bytes, whatever its multiplicity."""
        return self.vr[0] == "O" or self.vr == "UN"


# fmt: off
REPRESENTATIONS = (
    Representation("AE"),
    Representation("AS"),
    Representation("AT", word=2),
    Representation("CS"),
    Representation("DA"),
    Representation("DS", bulk=True),
    Representation("DT"),
    Representation("FD", word=8, bulk=True),
    Representation("FL", word=4, bulk=True),
    Representation("IS", bulk=True),
    Representation("LO"),
    Representation("LT", bulk=True),
    Representation("OB", long=True, bulk=True),
    Representation("OD", word=8, long=True, bulk=True),
    Representation("OF", word=4, long=True, bulk=True),
    Representation("OL", word=4, long=True, bulk=True),
    Representation("OV", word=8, long=True, bulk=True),
    Representation("OW", word=2, long=True, bulk=True),
    Representation("PN"),
    Representation("SH"),
    Representation("SL", word=4, bulk=True),
    Representation("SQ", long=True),
    Representation("SS", word=2, bulk=True),
    Representation("ST", bulk=True),
    Representation("SV", word=8, long=True, bulk=True),
    Representation("TM"),
    Representation("UC", long=True, bulk=True),
    Representation("UI"),
    Representation("UL", word=4, bulk=True),
    Representation("UN", long=True, bulk=True),
    Representation("UR", long=True),
    Representation("US", word=2, bulk=True),
    Representation("UT", long=True, bulk=True),
    Representation("UV", word=8, long=True, bulk=True),
)
# fmt: on

BY_VR = {row.vr: row for row in REPRESENTATIONS}
_VR_BYTES = {row.vr.encode(): row for row in REPRESENTATIONS}
_CAPITALS = range(0x41, 0x5B)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What stands before a value; the length is in its last `length_size` bytes."""

    tag: int
    vr: str
    """Empty where none is stated."""
    size: int = 8
    length_size: int = 4


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """How the elements of one data set are written; an item may differ from what encloses it."""

    implicit: bool
    order: Order
    key_size: int
    """Bytes that tell all about a head but the length: the tag and, if explicit, the VR."""
    heads: dict[bytes, Head] = field(default_factory=dict, repr=False)
    """Heads seen before, by those bytes."""


IMPLICIT_LITTLE = Encoding(implicit=True, order="little", key_size=4)
EXPLICIT_LITTLE = Encoding(implicit=False, order="little", key_size=6)
EXPLICIT_BIG = Encoding(implicit=False, order="big", key_size=6)
HEADS_MAX = 20_000
"""Heads kept for an encoding; the dictionary has 5,000 attributes."""


def tag_at(buffer: Buffer, at: int, encoding: Encoding) -> int:
    """The tag whose four bytes are at `at`."""
    group = int.from_bytes(buffer[at : at + 2], encoding.order)
    return group << 16 | int.from_bytes(buffer[at + 2 : at + 4], encoding.order)


def head_at(buffer: Buffer, at: int, limit: int, encoding: Encoding) -> Head:
    """The head at `at`, of which eight bytes must be there; odd ones read as they are meant."""
    key = buffer[at : at + encoding.key_size]
    found = encoding.heads.get(key)
    if found is not None:
        return found
    tag = tag_at(buffer, at, encoding)
    head = _head(tag, b"" if encoding.implicit or tag >> 16 == 0xFFFE else key[4:])
    if head is None:
        return _head_of_unknown_vr(buffer, at, limit, tag, encoding)
    if len(encoding.heads) >= HEADS_MAX:
        encoding.heads.clear()
    encoding.heads[key] = head
    return head


def _head(tag: int, stated: bytes) -> Head | None:
    row = _VR_BYTES.get(stated)
    if row is not None:
        return Head(tag, row.vr, 12, 4) if row.long else Head(tag, row.vr, 8, 2)
    return None if stated else Head(tag, "")


def vr_is_stated(buffer: Buffer, at: int) -> bool:
    """Whether the head at `at` has a VR of the standard in it."""
    return buffer[at + 4 : at + 6] in _VR_BYTES


def _head_of_unknown_vr(buffer: Buffer, at: int, limit: int, tag: int, encoding: Encoding) -> Head:
    """The head with a VR that is none of the standard's, by what makes the value end well.

    New VRs have a length of 32 bits (PS3.5 6.2), those invented in practice mostly one of 16; some
    writers fall into implicit VR within an explicit data set.
    """
    stated = buffer[at + 4 : at + 6]
    short = Head(tag, "UN", 8, 2)
    if not (stated[0] in _CAPITALS and stated[1] in _CAPITALS):
        implicit = Head(tag, "")
        fits = at + 8 + length_of(implicit, buffer, at, encoding) <= limit
        return implicit if fits or buffer[at + 4 : at + 8] == b"\xff\xff\xff\xff" else short
    if buffer[at + 6 : at + 8] != b"\0\0" or at + 12 > limit:
        return short
    long = Head(tag, "UN", 12, 4)
    after = at + 12 + length_of(long, buffer, at, encoding)
    fits = after == limit or (after + 8 <= limit and tag_at(buffer, after, encoding) > tag)
    return long if fits else short


def length_of(head: Head, buffer: Buffer, at: int, encoding: Encoding) -> int:
    """The length that the head at `at` states; it may be UNDEFINED."""
    value = at + head.size
    return int.from_bytes(buffer[value - head.length_size : value], encoding.order)


def encoding_of(syntax: TransferSyntax) -> Encoding:
    """The encoding that a transfer syntax prescribes; of a deflated one, once it is inflated."""
    if syntax.implicit:
        return IMPLICIT_LITTLE
    return EXPLICIT_BIG if syntax.big_endian else EXPLICIT_LITTLE


def encoding_found(buffer: Buffer, at: int, end: int, stated: Encoding) -> Encoding:
    """The encoding of the data set at `at`, by its first element, where that contradicts `stated`.

    Writers confuse implicit and explicit VR; pydicom tells them apart the same way.
    """
    if at + 8 > end or tag_at(buffer, at, stated) >> 16 == 0xFFFE:
        return stated
    vr = buffer[at + 4 : at + 6]
    explicit = vr[0] in _CAPITALS and vr[1] in _CAPITALS
    if explicit != stated.implicit or stated.order == "big":
        return stated
    if not explicit:
        return IMPLICIT_LITTLE
    return EXPLICIT_LITTLE if vr in _VR_BYTES else stated


def encoding_of_item(buffer: Buffer, at: int, end: int, enclosing: Encoding) -> Encoding:
    """The encoding of an item; it may be implicit in an explicit data set, never the reverse."""
    if enclosing.implicit or buffer[at + 4 : at + 6] in _VR_BYTES:
        return enclosing
    return encoding_found(buffer, at, end, enclosing)


def encoding_within(buffer: Buffer, at: int, head: Head, encoding: Encoding) -> Encoding:
    """The encoding of a sequence whose value begins at `at`.

    What is within UN is little endian, whatever is around it (PS3.5 6.2.2).
    """
    if encoding is EXPLICIT_BIG and head.vr == "UN" and buffer[at : at + 2] == b"\xfe\xff":
        return EXPLICIT_LITTLE
    return encoding


def fragments(
    buffer: Buffer, at: int, limit: int, order: Order
) -> tuple[list[tuple[int, int]], int, bool]:
    """The items of an encapsulated value at `at`: offset and length of each, and where they end.

    The last is whether a Sequence Delimitation ended them; if not, there is something else than an
    item, or less than one, at the end given (PS3.5 A.4).
    """
    found: list[tuple[int, int]] = []
    while at + 8 <= limit and len(found) <= FRAGMENTS_MAX:
        mark = MARKS.get(buffer[at : at + 4])
        length = int.from_bytes(buffer[at + 4 : at + 8], order)
        if mark == SEQUENCE_END:
            return found, at + 8, True
        if mark != ITEM or at + 8 + length > limit:
            break
        found.append((at + 8, length))
        at += 8 + length
    return found, at, False


def find_sequence_end(buffer: Buffer, at: int, limit: int, order: Order) -> int | None:
    """Where the next Sequence Delimitation begins, in a value that is not made of items."""
    mark = b"\xfe\xff\xdd\xe0" if order == "little" else b"\xff\xfe\xe0\xdd"
    found = buffer.find(mark, at, limit)
    return None if found < 0 else found


def end_of_zeros(buffer: Buffer, at: int, limit: int) -> int:
    """The end of the whole blocks of zeros at `at`, with which some writers fill up a file."""
    while at + len(_ZEROS) <= limit and buffer[at : at + len(_ZEROS)] == _ZEROS:
        at += len(_ZEROS)
    return at


_ZEROS = bytes(4096)


@lru_cache(maxsize=20_000)
def vr_in_dictionary(tag: int) -> str:
    """What PS3.6 says, which may be "US or SS" and the like; UN for what it does not know."""
    if tag & 0xFFFF == 0:
        return "UL"
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    return vr if vr in BY_VR or " or " in vr else "UN"


def vr_without_surroundings(head: Head) -> str:
    """The VR where the head alone tells it, else nothing."""
    if head.vr:
        return "" if head.vr == "UN" else head.vr
    if head.tag >> 16 & 1:
        return "LO" if 0x10 <= head.tag & 0xFFFF < 0x100 else ""
    vr = vr_in_dictionary(head.tag)
    return vr if vr in BY_VR else ""


def name_of(tag: int) -> str:
    """The keyword of a standard attribute, or (gggg,eeee)."""
    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
