"""A data set from one encoding into Explicit or Implicit VR Little Endian (PS3.5 A.1, A.2).

Big values are not touched: where they lie in the source is given, for the caller to copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from schemas.elements import (
    BY_VR,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    Buffer,
    Encoding,
    Head,
    encoding_found,
    encoding_of,
    head_at,
    length_of,
)
from schemas.json_values import swapped
from schemas.syntaxes import TransferSyntax
from schemas.walk import NESTING_MAX, Walk, is_left_out

SPAN_LENGTH_MIN = 4096
"""Bytes of a value from which on it is not copied here."""
PIECE_LENGTH = 65_536
"""Bytes of elements that are given at once, roughly."""
SHORT_LENGTH_MAX = 0xFFFE
"""The longest even value of a VR whose length has 16 bits; a longer one is UN (PS3.5 6.2.2)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of the source, to be copied with each word of `swap` bytes turned around; 1: as is."""

    offset: int
    length: int
    swap: int = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Where an element belongs that the caller writes itself, head and all."""

    tag: int


Piece = bytes | Span
Made = Piece | Gap


@dataclass(frozen=True, slots=True)
class Element:
    """An element that takes the place of another; `value` is in little endian."""

    vr: str
    value: bytes


Change = Callable[[bytes], Element | Gap | None]
"""What becomes of an element of the top level, by its value as it lies in the source: b"" where it
is absent, empty, of undefined length or longer than CHANGED_LENGTH_MAX.  None: it is left out."""
CHANGED_LENGTH_MAX = 65_536


def to_explicit_little_endian(
    buffer: Buffer,
    start: int,
    end: int,
    syntax: TransferSyntax,
    *,
    nesting_max: int = NESTING_MAX,
) -> Iterator[Piece]:
    """The data set from `start` to `end` in Explicit VR Little Endian, piece by piece.

    Sequences and their items get undefined length; group lengths are left out, as they would be
    wrong.  VRs are those of the DICOM JSON.  Raises Refused as `dicom_json.encode` does, before
    the first piece.
    """
    pieces = to_little_endian(buffer, start, end, syntax, nesting_max=nesting_max)
    return (piece for piece in pieces if not isinstance(piece, Gap))


def to_little_endian(
    buffer: Buffer,
    start: int,
    end: int,
    syntax: TransferSyntax,
    *,
    implicit: bool = False,
    changes: Mapping[int, Change] | None = None,
    nesting_max: int = NESTING_MAX,
) -> Iterator[Made]:
    """The same in Explicit or Implicit VR, with elements of the top level changed, by tag."""
    walk = _Reencoding(buffer, end, nesting_max, implicit=implicit, changes=changes or {})
    pieces, _ = walk.data_set(
        start, end, end, encoding_found(buffer, start, end, encoding_of(syntax))
    )
    return _joined(pieces)


def size_of(pieces: Iterable[Made]) -> int:
    """The bytes that the pieces are, Content-Length that is; gaps count as nothing."""
    return sum(_length(piece) for piece in pieces)


def _length(piece: Made) -> int:
    match piece:
        case Span():
            return piece.length
        case Gap():
            return 0
    return len(piece)


def _joined(pieces: Iterable[Made]) -> Iterator[Made]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            waiting.append(piece)
            size += len(piece)
        if waiting and (size >= PIECE_LENGTH or not isinstance(piece, bytes)):
            yield b"".join(waiting)
            waiting, size = [], 0
        if not isinstance(piece, bytes):
            yield piece
    if waiting:
        yield b"".join(waiting)


def _tag(tag: int) -> bytes:
    return (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")


def delimiter(tag: int, length: int = 0) -> bytes:
    return _tag(tag) + length.to_bytes(4, "little")


ITEM_BEGIN = delimiter(ITEM, UNDEFINED)
ITEM_END_MARK = delimiter(ITEM_END)
SEQUENCE_END_MARK = delimiter(SEQUENCE_END)


def element_head(tag: int, vr: str, length: int) -> bytes:
    if BY_VR[vr].long:
        return _tag(tag) + vr.encode() + b"\0\0" + length.to_bytes(4, "little")
    return _tag(tag) + vr.encode() + length.to_bytes(2, "little")


class _Reencoding(Walk[list[Made]]):
    """Makes of each data set its pieces."""

    def __init__(
        self,
        buffer: Buffer,
        end: int,
        nesting_max: int,
        *,
        implicit: bool,
        changes: Mapping[int, Change],
    ) -> None:
        super().__init__(buffer, end, nesting_max)
        self._implicit = implicit
        self._changes = changes
        self._changed: dict[int, bytes] = {}
        """Values of the elements that are changed."""

    def data_set(self, at: int, end: int, limit: int, encoding: Encoding) -> tuple[list[Made], int]:
        if not self.path and self._changes:
            return self._top(at, end, limit, encoding)
        pieces: list[Made] = []
        stop = at
        for _, made, stop in self._elements_of(at, end, limit, encoding):  # noqa: B007
            pieces += made
        return pieces, stop

    def _top(self, at: int, end: int, limit: int, encoding: Encoding) -> tuple[list[Made], int]:
        """The outermost data set, with its changes where they belong."""
        elements: list[tuple[int, list[Made]]] = []
        stop = at
        for tag, made, stop in self._elements_of(at, end, limit, encoding):  # noqa: B007
            elements.append((tag, made))
        for tag, change in self._changes.items():
            new = change(self._changed.get(tag, b""))
            if new is not None:
                elements.append((tag, [new if isinstance(new, Gap) else self._new(tag, new)]))
        elements.sort(key=itemgetter(0))
        return [piece for _, made in elements for piece in made], stop

    def _new(self, tag: int, element: Element) -> bytes:
        padding = padding_of(element.vr)[: len(element.value) % 2]
        value = element.value + padding
        return self._head(tag, element.vr, len(value)) + value

    def _head(self, tag: int, vr: str, length: int) -> bytes:
        if self._implicit:
            return delimiter(tag, length)
        return element_head(tag, vr, length)

    def _elements_of(
        self, at: int, end: int, limit: int, encoding: Encoding
    ) -> Iterator[tuple[int, list[Made], int]]:
        """Tag, pieces and end of each element of a data set."""
        self.around.enter(at, end, encoding)
        while at + 8 <= end:
            head = head_at(self.buffer, at, limit, encoding)
            if head.tag >> 16 == 0xFFFE and self.path:
                break
            length = length_of(head, self.buffer, at, encoding)
            made, at = self._element(head, at + head.size, length, limit, encoding)
            yield head.tag, made, at
        self.around.leave()

    def _element(
        self, head: Head, value: int, length: int, limit: int, encoding: Encoding
    ) -> tuple[list[Made], int]:
        """One element anew, and where it ended in the source."""
        self.count()
        if is_left_out(head.tag):
            return [], self.end_of_left_out(head, value, length, limit, encoding)
        if not self.path and head.tag in self._changes:
            return [], self._take(head, value, length, limit, encoding)
        vr = self.vr_of(head, value, length)
        if length == UNDEFINED:
            return self._undefined(head, vr, value, limit, encoding)
        stop = self.within(head.tag, value, length, limit)
        if vr != "SQ":
            return self._value(head.tag, vr, value, stop, encoding), stop
        if length:
            return self._sequence(head, value, stop, stop, encoding)
        if self.has_items(value):
            return self._sequence(head, value, None, limit, encoding)
        return [self._head(head.tag, "SQ", 0)], stop

    def _take(self, head: Head, value: int, length: int, limit: int, encoding: Encoding) -> int:
        """Keeps the value of an element that is changed, and gives its end."""
        if length == UNDEFINED:
            return self._undefined(head, self.vr_of(head, value, length), value, limit, encoding)[1]
        stop = self.within(head.tag, value, length, limit)
        if stop - value <= CHANGED_LENGTH_MAX:
            self._changed[head.tag] = self.buffer[value:stop]
        return stop

    def _undefined(
        self, head: Head, vr: str, value: int, limit: int, encoding: Encoding
    ) -> tuple[list[Made], int]:
        if self.is_sequence(vr, value):
            return self._sequence(head, value, None, limit, encoding)
        if not self.is_encapsulated(value):
            stop, after = self.sequence_end(head, value, limit, encoding)
            return self._value(head.tag, vr, value, stop, encoding), after
        ranges, after = self.encapsulated(head, value, limit, encoding)
        pieces: list[Made] = [self._head(head.tag, vr, UNDEFINED)]
        for offset, length in ranges:
            pieces += [delimiter(ITEM, length), Span(offset, length)]
        return [*pieces, SEQUENCE_END_MARK], after

    def _sequence(
        self, head: Head, value: int, stop: int | None, limit: int, encoding: Encoding
    ) -> tuple[list[Made], int]:
        items, end = self.sequence(head, value, stop, limit, encoding)
        pieces: list[Made] = [self._head(head.tag, "SQ", UNDEFINED)]
        for item in items:
            pieces += [ITEM_BEGIN, *item, ITEM_END_MARK]
        return [*pieces, SEQUENCE_END_MARK], end

    def _value(self, tag: int, vr: str, value: int, stop: int, encoding: Encoding) -> list[Made]:
        length = stop - value
        padding = padding_of(vr)[: length % 2]
        swap = self.around.word_of(tag, vr, encoding)
        stays = BY_VR[vr].long or length + len(padding) <= SHORT_LENGTH_MAX
        head = self._head(tag, vr if stays else "UN", length + len(padding))
        if length > SPAN_LENGTH_MIN:
            return [head, Span(value, length, swap), *([padding] if padding else [])]
        return [head + swapped(self.buffer[value:stop], swap) + padding]


def padding_of(vr: str) -> bytes:
    """What makes a value even: a space for text, NUL for the others (PS3.5 6.2)."""
    row = BY_VR[vr]
    return b"\0" if row.binary or row.word > 1 or vr == "UI" else b" "
