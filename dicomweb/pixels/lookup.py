"""Lookup tables in a data set: modality, VOI and presentation LUTs, palettes, segmented ones too.

A table that is shorter than it says is refused before anything of its declared size is made
(PS3.3 C.11.1.1, C.7.6.3.1.5, C.7.9.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.keywords import DataSet, tag_of
from schemas.reasons import UNRENDERABLE, Refused

ENTRIES_MAX = 65_536
COLOURS = ("Red", "Green", "Blue")


@dataclass(frozen=True, slots=True, eq=False)
class Lut:
    """Values by consecutive inputs; inputs outside take the first or the last (C.11.1.1)."""

    first: int
    entries: NDArray[np.uint16]
    bits: int
    """Of an entry: the largest one there can be is 2**bits - 1."""

    @property
    def entry_max(self) -> int:
        return (1 << self.bits) - 1

    def look_up(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The entries of `values`, which may have fractions."""
        places = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        found: NDArray[np.float64] = self.entries[places.astype(np.intp)].astype(np.float64)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Red, green and blue by stored value."""

    first: int
    colours: NDArray[np.uint8]
    """(entries, 3)."""


def lut(item: DataSet, *, signed: bool) -> Lut:
    """The table of an item with LUT Descriptor and LUT Data; Refused where it is not whole."""
    count, first, bits = _descriptor("LUTDescriptor", item.numbers("LUTDescriptor"), signed=signed)
    data = _entries(item, "LUTData", count, bits)
    used = max(1, int(data.max()).bit_length())
    # Tables say 16 bits and hold 12 (or 8 and hold 12): the entries are what was meant.
    return Lut(first, data, max(bits, used))


def palette(ds: DataSet, *, signed: bool) -> Palette:
    """The palette of PALETTE COLOR images; Refused where it is missing or not whole."""
    tables, first = [], 0
    bits_max, largest = 8, 0
    for colour in COLOURS:
        name = f"{colour}PaletteColorLookupTable"
        descriptor = ds.numbers(f"{name}Descriptor")
        count, first, bits = _descriptor(f"{name}Descriptor", descriptor, signed=signed)
        if f"Segmented{name}Data" in ds:
            words = _words(ds.octets(f"Segmented{name}Data"))
            table = expand(words, count, name)
        else:
            table = _entries(ds, f"{name}Data", count, bits)
        tables.append(table)
        bits_max, largest = max(bits_max, bits), max(largest, int(table.max()))
    length = min(map(len, tables))
    colours = np.stack([table[:length] for table in tables], axis=1)
    shift = bits_max - 8 if largest > 255 else 0
    return Palette(first, (colours >> shift).astype(np.uint8))


def _descriptor(name: str, numbers: Sequence[float], *, signed: bool) -> tuple[int, int, int]:
    """Entries, first value mapped, bits; a count of 0 stands for 65,536 (C.7.6.3.1.5)."""
    if len(numbers) != 3:
        raise Refused(UNRENDERABLE, f"{name} is missing, or is not three numbers.")
    count, first, bits = (int(number) for number in numbers)
    count &= 0xFFFF
    if signed and first > 0x7FFF:
        first -= 0x10000
    if not 1 <= bits <= 16:
        raise Refused(UNRENDERABLE, f"{name} says that entries have {bits} bits.")
    return count or ENTRIES_MAX, first, bits


def _entries(ds: DataSet, keyword: str, count: int, bits: int) -> NDArray[np.uint16]:
    numbers = ds.values(keyword)
    if numbers:
        data = np.array([int(n) & 0xFFFF for n in ds.numbers(keyword)[:ENTRIES_MAX]], np.uint16)
    else:
        octets = ds.octets(keyword)
        packed = bits <= 8 and len(octets) < 2 * count
        data = np.frombuffer(octets, np.uint8).astype(np.uint16) if packed else _words(octets)
    if len(data) < count:
        raise Refused(
            UNRENDERABLE, f"{keyword} has {len(data)} of the {count} entries it declares."
        )
    return data[:count]


def _words(octets: bytes) -> NDArray[np.uint16]:
    return np.frombuffer(octets[: len(octets) // 2 * 2], "<u2").astype(np.uint16)


# Segmented tables ----------------------------------------------------------------

_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def expand(words: NDArray[np.uint16], count: int, name: str) -> NDArray[np.uint16]:
    """The table that segments describe (C.7.9.2.1); Refused where they do not make `count` entries.

    It ends at `count` entries whatever the segments ask for, so that no few bytes make a large one.
    """
    table = _Expansion(words, count)
    at = 0
    while at + 1 < len(words) and not table.full:
        at = table.segment(at)
    if not table.full:
        raise Refused(
            UNRENDERABLE, f"The segments of {name} make {table.length} of {count} entries."
        )
    return np.array(table.entries[:count], np.uint16)


class _Expansion:
    def __init__(self, words: NDArray[np.uint16], count: int) -> None:
        self._words = [int(word) for word in words[: 4 * ENTRIES_MAX]]
        self._count = count
        self.entries: list[int] = []

    @property
    def length(self) -> int:
        return len(self.entries)

    @property
    def full(self) -> bool:
        return len(self.entries) >= self._count

    def segment(self, at: int, *, nested: bool = False) -> int:
        """Adds what the segment at `at` describes; gives where the next one begins."""
        words = self._words
        kind, length = words[at], words[at + 1]
        if kind == _DISCRETE:
            self.entries += words[at + 2 : at + 2 + length]
            return at + 2 + length
        if kind == _LINEAR and self.entries and at + 2 < len(words):
            self._ramp(length, words[at + 2])
            return at + 3
        if kind == _INDIRECT and not nested and at + 3 < len(words):
            self._again(words[at + 2] | words[at + 3] << 16, length)
            return at + 4
        return len(words)

    def _ramp(self, length: int, end: int) -> None:
        begin = self.entries[-1]
        step = (end - begin) / length if length else 0.0
        room = min(length, self._count - len(self.entries))
        self.entries += [round(begin + step * (n + 1)) for n in range(room)]

    def _again(self, offset_bytes: int, segments: int) -> None:
        """An indirect segment: so many segments from there once more; none of them indirect."""
        at = offset_bytes // 2
        for _ in range(segments):
            if at + 1 >= len(self._words) or self.full:
                return
            at = self.segment(at, nested=True)


BULKS = frozenset(
    tag_of(keyword)
    for keyword in (
        "LUTData",
        *(f"{c}PaletteColorLookupTableData" for c in COLOURS),
        *(f"Segmented{c}PaletteColorLookupTableData" for c in COLOURS),
    )
)
"""The values that are to be fetched before a table can be read."""
