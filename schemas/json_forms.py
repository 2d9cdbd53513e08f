"""How JSON writes an attribute, and what it wrote before for the same bytes.

The objects of a series are mostly alike: nine of ten elements have been seen in the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas.character_sets import CharacterSet
from schemas.elements import (
    BY_VR,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Encoding,
    Head,
    Order,
)
from schemas.json_values import Writer, writers
from schemas.walk import is_left_out

JsonDataSet = dict[str, dict[str, Any]]
"""A DICOM JSON object as Python has it: attributes by tag in eight hexadecimal digits."""

BINARY_INLINE_MAX = 1024
"""Bytes of an OB OD OF OL OV OW UN that stay within the JSON."""
VALUE_INLINE_MAX = 65_536
"""Bytes of a value of another VR for which JSON has a BulkDataURI."""
TEXT_INLINE_MAX = 1_048_576
"""Bytes of a value of the other VRs; a longer one is no such value, and is given as UN."""
MEMO_LENGTH_MAX = 512
"""Bytes of a value, or of a whole sequence, whose JSON is remembered."""
NESTING_REMEMBERED_MAX = MEMO_LENGTH_MAX // 16
"""Sequences within each other that find room in a value that is remembered."""
OPENING_LENGTH = 64
"""Bytes by which a sequence of undefined length is recognised."""
MEMO_SIZE_MAX = 32 * 2**20
"""Bytes of all that is remembered, keys and JSON."""


@dataclass(frozen=True, slots=True)
class Form:
    """All that can be known of an element before its length: its head, and how JSON writes it."""

    head: Head
    tag: int
    size: int
    length_size: int
    vr: str
    """Empty while it depends on the surroundings, and for what does not belong into JSON."""
    left_out: bool = False
    prefix: bytes = b""
    write: Writer | None = None
    """None for a sequence."""
    inline_max: int = 0


FORMS_MAX = 20_000
"""Forms kept for an encoding; the dictionary has 5,000 attributes."""
_WRITERS: dict[Order, dict[str, Writer]] = {"little": writers("little"), "big": writers("big")}


@lru_cache(maxsize=FORMS_MAX)
def form_of(head: Head, vr: str, order: Order) -> Form:
    """How JSON writes an element with this head and VR; an empty VR is to be found out first."""
    left_out = is_left_out(head.tag)
    if left_out or not vr:
        return Form(head, head.tag, head.size, head.length_size, "", left_out)
    row = BY_VR[vr]
    other_max = VALUE_INLINE_MAX if row.bulk else TEXT_INLINE_MAX
    return Form(
        head,
        head.tag,
        head.size,
        head.length_size,
        vr,
        prefix=b'"%08X":{"vr":"%b"' % (head.tag, vr.encode()),
        write=_WRITERS[order].get(vr),
        inline_max=BINARY_INLINE_MAX if row.binary else other_max,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How the bytes of a data set are read, and what was made of such bytes before."""

    encoding: Encoding
    charset: CharacterSet
    forms: dict[bytes, Form]
    memo: dict[bytes | tuple[str, bytes], bytes]
    """JSON by the bytes of an element; with its VR where the bytes do not tell that."""
    openings: dict[bytes, int]
    """Sizes of sequences of undefined length, by how they begin."""


_READINGS_MAX = 100
_readings: dict[tuple[Encoding, CharacterSet], Reading] = {}
_forms: dict[Encoding, dict[bytes, Form]] = {
    encoding: {} for encoding in (IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG)
}
_remembered = [0]
"""Bytes remembered by all readings.  Threads may miscount it a little, which does no harm."""


def reading_of(encoding: Encoding, charset: CharacterSet) -> Reading:
    """The one that all data sets of this encoding and character set share."""
    found = _readings.get((encoding, charset))
    if found is None:
        if len(_readings) >= _READINGS_MAX:
            forget()
        found = _readings[encoding, charset] = unshared_reading(encoding, charset)
    return found


def unshared_reading(encoding: Encoding, charset: CharacterSet) -> Reading:
    """One that remembers nothing of other data sets, nor for them."""
    return Reading(encoding, charset, _forms[encoding], {}, {})


def forget() -> None:
    """Drop all that was remembered of former objects."""
    for reading in tuple(_readings.values()):
        reading.memo.clear()
        reading.openings.clear()
    _readings.clear()
    _remembered[0] = 0


def remember(
    memo: dict[bytes | tuple[str, bytes], bytes],
    key: bytes | tuple[str, bytes],
    piece: bytes,
    length: int,
) -> None:
    """Keep a member for the next time; when there is no more room, begin anew."""
    size = length + len(piece) + _ENTRY_OVERHEAD
    if _remembered[0] + size > MEMO_SIZE_MAX:
        forget()
    _remembered[0] += size
    memo[key] = piece


_ENTRY_OVERHEAD = 300
"""Bytes that Python needs for an entry of a dict, roughly."""
