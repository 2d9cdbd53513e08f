"""The VR of an element where its own bytes do not tell it: private, ambiguous and UN ones.

It depends on the data sets around the element (PS3.5 6.2.2, A.1; PS3.3 C.7.6.3, C.10.9, C.11.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from pydicom.datadict import private_dictionary_VR

from schemas.elements import (
    BY_VR,
    EXPLICIT_BIG,
    ITEM_END,
    PIXEL_DATA,
    SEQUENCE_END,
    UNDEFINED,
    Buffer,
    Encoding,
    Head,
    encoding_of_item,
    encoding_within,
    head_at,
    length_of,
    vr_in_dictionary,
)

BITS_ALLOCATED = 0x00280100
PIXEL_REPRESENTATION = 0x00280103
LUT_DESCRIPTOR = 0x00283002
LUT_DATA = 0x00283006
WAVEFORM_BITS_ALLOCATED = 0x54001004
WAVEFORM_GROUP = 0x5400

UN_LENGTH_MAX = 0xFFFE
"""A longer value may be UN because the length field of its own VR is too short (PS3.5 6.2.2)."""
LOOKED_AHEAD_MAX = 8_000_000
"""Heads of one object that are read to find what others depend on."""
NOTES_MAX = 10_000
NOTE_LENGTH_MAX = 64
"""Values of one data set that others depend on, and the bytes of each; creators have 64."""

_Level = tuple[int, int, Encoding]


class Surroundings:
    """The data sets around the element being read, the innermost last."""

    def __init__(self, buffer: Buffer) -> None:
        self.consulted = 0
        """How often an answer depended on more than the element itself."""
        self._buffer = buffer
        self._levels: list[_Level] = []
        self._noted: dict[_Level, dict[int, bytes]] = {}
        self._ends: dict[int, int] = {}
        self._looked_ahead = 0

    @property
    def depth(self) -> int:
        return len(self._levels)

    @property
    def end(self) -> int:
        """Where the innermost data set ends at the latest."""
        return self._levels[-1][1]

    def enter(self, at: int, end: int, encoding: Encoding) -> None:
        """The data set from `at` to `end` is now the innermost."""
        self._levels.append((at, end, encoding))

    def leave(self) -> None:
        """The innermost data set is done with."""
        level = self._levels.pop()
        if self._noted:
            self._noted.pop(level, None)

    def vr_of(self, head: Head, length: int) -> str:
        """The VR to use for an element, of those in the standard; UN when there is no telling."""
        vr = head.vr
        if vr and (vr != "UN" or UN_LENGTH_MAX < length < UNDEFINED):
            return vr
        known = self._private(head.tag) if head.tag >> 16 & 1 else vr_in_dictionary(head.tag)
        return known if known in BY_VR else self._unambiguous(known, head, length)

    def word_of(self, tag: int, vr: str, encoding: Encoding) -> int:
        """Bytes of the words that are to be turned around to make a value little endian; 1: none.

        Pixel cells of 32 and 64 bits are in practice turned around as a whole, though OW.
        """
        if encoding is not EXPLICIT_BIG:
            return 1
        if tag == PIXEL_DATA and vr == "OW":
            bits = self.number(BITS_ALLOCATED)
            return bits // 8 if bits in (32, 64) else 2
        return BY_VR[vr].word

    def number(self, tag: int) -> int | None:
        """The value of a US attribute in the nearest of the data sets around that has it."""
        self.consulted += 1
        for level in reversed(self._levels):
            value = self._notes(level).get(tag)
            if value is not None and len(value) >= 2:
                return int.from_bytes(value[:2], level[2].order)
        return None

    def end_of_undefined(self, at: int, limit: int, encoding: Encoding) -> int | None:
        """Where a value of undefined length that begins at `at` ends, its delimiter included.

        None when it does not end before `limit`.  Nothing but heads is read, nothing recurses, and
        the ends found on the way are kept, so that no value is gone through twice.
        """
        start = at
        enclosing = [] if at in self._ends else [(encoding, at, True)]
        while enclosing:
            encoding, begun, among_items = enclosing[-1]
            self._looked_ahead += 1
            if at + 8 > limit or self._looked_ahead > LOOKED_AHEAD_MAX:
                return None
            head = head_at(self._buffer, at, limit, encoding)
            length = length_of(head, self._buffer, at, encoding)
            at += head.size
            if head.tag == (SEQUENCE_END if among_items else ITEM_END):
                enclosing.pop()
                if among_items:
                    self._ends[begun] = at
            elif length != UNDEFINED:
                at += length
            elif at in self._ends:
                at = self._ends[at]
            elif among_items:
                found = encoding_of_item(self._buffer, at, limit, encoding)
                enclosing.append((found, at, False))
            else:
                within = encoding_within(self._buffer, at, head, encoding)
                enclosing.append((within, at, True))
        return self._ends[start]

    def _elements(self, at: int, end: int, encoding: Encoding) -> Iterator[tuple[Head, int, int]]:
        """Head, offset and length of each value of a data set, as far as it can be understood."""
        while at + 8 <= end and self._looked_ahead < LOOKED_AHEAD_MAX:
            self._looked_ahead += 1
            head = head_at(self._buffer, at, end, encoding)
            length = length_of(head, self._buffer, at, encoding)
            if head.tag >> 16 == 0xFFFE:
                return
            at += head.size
            yield head, at, length
            if length == UNDEFINED:
                within = encoding_within(self._buffer, at, head, encoding)
                at = self.end_of_undefined(at, end, within) or end
            else:
                at += length

    def _private(self, tag: int) -> str:
        element = tag & 0xFFFF
        if element < 0x100:
            return "LO" if element >= 0x10 else "UN"
        self.consulted += 1
        creator = self._notes(self._levels[-1]).get(tag & 0xFFFF0000 | element >> 8)
        return _vr_in_private_dictionary(tag, creator) if creator else "UN"

    def _unambiguous(self, vr: str, head: Head, length: int) -> str:
        """One of the VRs that the dictionary leaves open."""
        if head.tag == LUT_DATA:
            return "US" if self.number(LUT_DESCRIPTOR) == 1 else "OW"
        if vr == "US or SS":
            return "SS" if self.number(PIXEL_REPRESENTATION) else "US"
        if length == UNDEFINED:
            return "OB"
        if not head.vr:
            return "OW"
        waveform = head.tag >> 16 == WAVEFORM_GROUP
        bits = self.number(WAVEFORM_BITS_ALLOCATED if waveform else BITS_ALLOCATED)
        return "OB" if bits is not None and bits <= 8 else "OW"

    def _notes(self, level: _Level) -> dict[int, bytes]:
        """The few values of a data set that its other elements, or its items, may depend on."""
        found = self._noted.get(level)
        if found is None:
            noted = (
                (head.tag, self._buffer[value : value + length])
                for head, value, length in self._elements(*level)
                if length <= NOTE_LENGTH_MAX and _is_noted(head.tag)
            )
            found = self._noted[level] = dict(islice(noted, NOTES_MAX))
        return found


_NOTED = frozenset({BITS_ALLOCATED, PIXEL_REPRESENTATION, LUT_DESCRIPTOR, WAVEFORM_BITS_ALLOCATED})


def _is_noted(tag: int) -> bool:
    return tag in _NOTED or (tag >> 16 & 1 == 1 and 0x10 <= tag & 0xFFFF < 0x100)


@lru_cache(maxsize=20_000)
def _vr_in_private_dictionary(tag: int, creator: bytes) -> str:
    try:
        vr = private_dictionary_VR(tag, creator.decode("latin_1").rstrip(" \0"))
    except KeyError:
        return "UN"
    return vr if vr in BY_VR or vr == "US or SS" else "OW" if vr == "OB_OW" else "UN"
