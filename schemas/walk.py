"""Going through a data set in bytes: sequences, items, delimiters, and what is wrong with them.

What becomes of the elements is the business of the walks derived from this one.  They make the
best of what writers do in practice; only what ends too early or has no bounds is refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from schemas.elements import (
    ITEM,
    ITEM_END,
    MARKS,
    SEQUENCE_END,
    TRAILING_PADDING,
    UNDEFINED,
    Buffer,
    Encoding,
    Head,
    encoding_of_item,
    encoding_within,
    end_of_zeros,
    find_sequence_end,
    fragments,
    name_of,
)
from schemas.reasons import NESTED_TOO_DEEPLY, TOO_LARGE, TRUNCATED, Problem, Refused
from schemas.surroundings import Surroundings

ELEMENTS_MAX = 4_000_000
"""Elements, items and fragments of one object."""
NESTING_MAX = 64
"""Sequences within sequences; Python's limit of recursion would allow some more."""
PROBLEMS_MAX = 20
"""Different problems that are told of one object."""

Made = TypeVar("Made")
"""What a walk makes of a data set."""

Range = tuple[int, int]
"""Offset and length."""


def is_left_out(tag: int) -> bool:
    """Whether an element is no part of the data set proper.

    That is so for group lengths (retired, and wrong after any change), for command and File Meta
    groups, for padding (PS3.10 7.2) and for stray delimiters.
    """
    group = tag >> 16
    return tag & 0xFFFF == 0 or group in (0x0000, 0x0002, 0xFFFE) or tag == TRAILING_PADDING


class Walk(ABC, Generic[Made]):
    """One walk over one object, whose bytes end at `end`."""

    def __init__(self, buffer: Buffer, end: int, nesting_max: int) -> None:
        self.buffer = buffer
        self.around = Surroundings(buffer)
        self.path: list[str | int] = []
        """Tags and item indices of the sequences and items around."""
        self.problems: dict[Problem, None] = {}
        self._end = end
        self._nesting_max = nesting_max
        self._elements = 0
        self._problems_met = 0
        self.places = 0
        """How many places in this object were noted."""

    @abstractmethod
    def data_set(self, at: int, end: int, limit: int, encoding: Encoding) -> tuple[Made, int]:
        """What becomes of the data set at `at`, and where it ended.

        It ends at `end` or before a delimiter; no value may go beyond `limit`.
        """

    @property
    def unrepeatable(self) -> int:
        """How often something was met that the bytes of an element alone do not tell."""
        return self._problems_met + self.places + self.around.consulted

    def vr_of(self, head: Head, value: int, length: int) -> str:
        """The VR to use, by the dictionaries and the data sets around."""
        vr = self.around.vr_of(head, length)
        if vr == "SQ" and head.vr != "SQ" and length and self._mark(value) is None:
            return "UN"
        return vr

    def within(self, tag: int, value: int, length: int, limit: int) -> int:
        """The end of a value, which must be before that of the object.

        Raises Refused (TRUNCATED).
        """
        stop = value + length
        if stop <= limit:
            return stop
        if limit == self._end:
            raise Refused(
                TRUNCATED,
                f"The data set ends inside {name_of(tag)}: {length} bytes are declared, "
                f"{max(0, limit - value)} are there.",
            )
        self.problem(f"{name_of(tag)} is longer than the sequence around it", tag)
        return max(value, limit)

    def end_of_left_out(
        self, head: Head, value: int, length: int, limit: int, encoding: Encoding
    ) -> int:
        """Where an element ends that is not looked at."""
        if head.tag >> 16 == 0xFFFE:
            self.problem("there is a delimiter outside of any sequence")
            return value if length == UNDEFINED else self.within(ITEM, value, length, limit)
        if length == UNDEFINED:
            end = self.around.end_of_undefined(value, limit, encoding)
            return self._undelimited(head, limit) if end is None else end
        if head.tag == 0 and length == 0:
            self.problem("there are zeros between elements")
            return end_of_zeros(self.buffer, value, limit)
        return self.within(head.tag, value, length, limit)

    def is_sequence(self, vr: str, value: int) -> bool:
        """Whether a value of undefined length is a sequence; else it is encapsulated, or odd."""
        return vr == "SQ" or (vr[0] != "O" and self._mark(value) is not None)

    def has_items(self, value: int) -> bool:
        """Whether items follow a sequence that says it is empty: some mean undefined length."""
        if self._mark(value) != ITEM or value + 8 > self.around.end:
            return False
        self.problem("a sequence is said to be empty, but has items")
        return True

    def sequence(
        self, head: Head, at: int, stop: int | None, limit: int, encoding: Encoding
    ) -> tuple[list[Made], int]:
        """The items of a sequence that ends at `stop` or, if that is None, with a delimiter."""
        if self.around.depth > self._nesting_max:
            sentence = f"Sequences are nested more than {self._nesting_max} deep."
            raise Refused(NESTED_TOO_DEEPLY, sentence)
        encoding = encoding_within(self.buffer, at, head, encoding)
        items: list[Made] = []
        self.path += [f"{head.tag:08X}", 0]
        while at + 8 <= limit:
            mark = self._mark(at)
            if mark == ITEM:
                self.path[-1] = len(items)
                item, at = self._item(at, limit, encoding)
                items.append(item)
                continue
            if mark is None:
                self.problem(f"{name_of(head.tag)} has something else than items", head.tag)
                stop = at if stop is None else stop
                break
            at += 8
            if mark == SEQUENCE_END:
                stop = at if stop is None else stop
                break
        del self.path[-2:]
        return items, self._undelimited(head, limit) if stop is None else stop

    def _item(self, at: int, limit: int, encoding: Encoding) -> tuple[Made, int]:
        self.count()
        length = int.from_bytes(self.buffer[at + 4 : at + 8], encoding.order)
        at += 8
        if length == 0 and at + 8 <= limit and self._mark(at) is None:
            length = UNDEFINED
        end = limit if length == UNDEFINED else self.within(ITEM, at, length, limit)
        found = encoding_of_item(self.buffer, at, end, encoding)
        made, stop = self.data_set(at, end, limit, found)
        if length == UNDEFINED:
            return made, stop + 8 if self._mark(stop) == ITEM_END else stop
        if stop != end:
            self.problem("an item is not as long as it says")
        return made, max(stop, end)

    def encapsulated(
        self, head: Head, value: int, limit: int, encoding: Encoding
    ) -> tuple[list[Range], int]:
        """The items of an encapsulated value, the basic offset table first, and where it ends."""
        ranges, stop, ended = fragments(self.buffer, value, limit, encoding.order)
        self.count(len(ranges))
        if ended:
            return ranges, stop
        if stop + 8 > limit:
            return ranges, self._undelimited(head, limit)
        odd = stop
        stop, after = self.sequence_end(head, odd, limit, encoding)
        return [*ranges, (odd, stop - odd)], after

    def is_encapsulated(self, value: int) -> bool:
        """Whether a value of undefined length is made of items."""
        return self._mark(value) is not None

    def sequence_end(self, head: Head, at: int, limit: int, encoding: Encoding) -> tuple[int, int]:
        """Where a value and its delimiter end, if it is not made of items."""
        end = find_sequence_end(self.buffer, at, limit, encoding.order)
        if end is None or end + 8 > limit:
            return (self._undelimited(head, limit),) * 2
        self.problem(f"{name_of(head.tag)} has something else than items", head.tag)
        return end, end + 8

    def _undelimited(self, head: Head, limit: int) -> int:
        """The end of a value of undefined length for which no delimiter was found."""
        if limit == self._end:
            sentence = f"The data set ends inside {name_of(head.tag)}, which has no delimiter."
            raise Refused(TRUNCATED, sentence)
        self.problem(f"{name_of(head.tag)} has no delimiter at its end", head.tag)
        return limit

    def count(self, elements: int = 1) -> None:
        """So many elements more.  Raises Refused (TOO_LARGE)."""
        self._elements += elements
        if self._elements > ELEMENTS_MAX:
            raise Refused(TOO_LARGE, f"The object has more than {ELEMENTS_MAX} elements.")

    def problem(self, sentence: str, *tags: int) -> None:
        """Note what could not be understood of `tags`; of values nothing may be said."""
        self._problems_met += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems[Problem(f"{sentence[0].upper()}{sentence[1:]}.", *tags)] = None

    def _mark(self, at: int) -> int | None:
        return MARKS.get(self.buffer[at : at + 4])
