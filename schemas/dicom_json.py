"""A data set in bytes -> the DICOM JSON model (PS3.18 Annex F), in one walk over the raw elements.

No pydicom data set is built.  Bulk values are not touched: their places are given instead.  What
the bytes of a small element became is remembered, since the objects of a series are mostly alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from schemas.character_sets import DEFAULT, UNICODE_TERM, CharacterSet, character_set
from schemas.elements import (
    BY_VR,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    PIXEL_TAGS,
    SPECIFIC_CHARACTER_SET,
    UNDEFINED,
    Buffer,
    Encoding,
    Head,
    Order,
    encoding_found,
    encoding_of,
    head_at,
    name_of,
    vr_without_surroundings,
)
from schemas.json_values import Writer, writers
from schemas.syntaxes import TransferSyntax
from schemas.walk import NESTING_MAX, Range, Walk, is_left_out

INSTANCE_URL = b"\x02"
"""Stands in BulkDataURIs for the URL of the instance.  It cannot occur otherwise in JSON, where
control characters are escaped, so that bytes.replace puts the URL in."""

BINARY_INLINE_MAX = 1024
"""Bytes of an OB OD OF OL OV OW UN that stay within the JSON."""
VALUE_INLINE_MAX = 65_536
"""Bytes of a value of another VR for which JSON has a BulkDataURI."""
TEXT_INLINE_MAX = 1_048_576
"""Bytes of a value of the other VRs; a longer one is no such value, and is given as UN."""
CHARACTER_SET_LENGTH_MAX = 1024
"""Bytes of (0008,0005) that are looked at."""
MEMO_LENGTH_MAX = 512
"""Bytes of a value, or of a whole sequence, whose JSON is remembered."""
NESTING_REMEMBERED_MAX = MEMO_LENGTH_MAX // 16
"""Sequences within each other that find room in a value that is remembered."""
OPENING_LENGTH = 64
"""Bytes by which a sequence of undefined length is recognised."""
MEMO_SIZE_MAX = 32 * 2**20
"""Bytes of all that is remembered, keys and JSON."""

EXTENDED_OFFSET_TABLE = 0x7FE00001
EXTENDED_LENGTHS = 0x7FE00002


@dataclass(frozen=True, slots=True)
class Bulk:
    vr: str
    ranges: tuple[Range, ...]
    """Absolute offset and length of each piece of the value; of encapsulated ones each fragment
    after the basic offset table, without its head."""
    word: int = 1
    """Bytes of the words to be turned around, because the value lies there in big endian."""


@dataclass(frozen=True, slots=True)
class PixelElement:
    tag: int
    vr: str
    offset: int
    """Where the value begins; of an encapsulated one the item of the basic offset table."""
    length: int | None
    """None: encapsulated, of undefined length."""
    extended_offset_table: Range | None = None
    """Offset and length of the value of (7FE0,0001)."""
    extended_lengths: Range | None = None
    """Offset and length of the value of (7FE0,0002)."""


@dataclass(frozen=True, slots=True)
class Header:
    json: bytes
    pieces: dict[int, bytes]
    """The member `"GGGGEEEE":{...}` of each wanted attribute that is present."""
    bulk: dict[str, Bulk]
    """By path: tags and item indices, "00289145/0/00281201"."""
    pixels: PixelElement | None
    charset: CharacterSet
    end: int
    """Where the data set ended."""
    problems: tuple[str, ...]
    """What could not be understood; nothing of the values is in it."""


def encode(
    buffer: Buffer,
    start: int,
    end: int,
    syntax: TransferSyntax,
    *,
    wanted: frozenset[int] = frozenset(),
    nesting_max: int = NESTING_MAX,
) -> Header:
    """The DICOM JSON of the data set from `start` to `end`, and where its bulk values lie.

    A deflated data set is to be inflated before.  `wanted` are tags of the top level.  Raises
    Refused: TRUNCATED, NESTED_TOO_DEEPLY or TOO_LARGE; all else is made the best of.
    """
    walk = _JsonWalk(buffer, end, nesting_max)
    encoding = encoding_found(buffer, start, end, encoding_of(syntax))
    members, stop, charset = walk.members(start, end, end, encoding)
    if stop != end:
        walk.problem("the last bytes are no element")
    return Header(
        json=b"{%b}" % b",".join(members.values()),
        pieces={tag: members[tag] for tag in wanted & members.keys()},
        bulk=walk.bulk,
        pixels=walk.pixels,
        charset=charset,
        end=stop,
        problems=tuple(walk.problems),
    )


@dataclass(frozen=True, slots=True)
class _Attribute:
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


_ATTRIBUTES_MAX = 20_000
_WRITERS: dict[Order, dict[str, Writer]] = {"little": writers("little"), "big": writers("big")}


@lru_cache(maxsize=_ATTRIBUTES_MAX)
def _attribute(head: Head, vr: str, order: Order) -> _Attribute:
    left_out = is_left_out(head.tag)
    if left_out or not vr:
        return _Attribute(head, head.tag, head.size, head.length_size, "", left_out)
    row = BY_VR[vr]
    other_max = VALUE_INLINE_MAX if row.bulk else TEXT_INLINE_MAX
    return _Attribute(
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
class _Reading:
    """How the bytes of a data set are read, and what was made of such bytes before."""

    encoding: Encoding
    charset: CharacterSet
    attributes: dict[bytes, _Attribute]
    memo: dict[bytes | tuple[str, bytes], bytes]
    """JSON by the bytes of an element; with its VR where the bytes do not tell that."""
    openings: dict[bytes, int]
    """Sizes of sequences of undefined length, by how they begin."""


_READINGS_MAX = 100
_readings: dict[tuple[Encoding, CharacterSet], _Reading] = {}
_attributes: dict[Encoding, dict[bytes, _Attribute]] = {
    encoding: {} for encoding in (IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG)
}
_remembered = [0]
"""Bytes remembered by all readings.  Threads may miscount it a little, which does no harm."""


def _reading(encoding: Encoding, charset: CharacterSet) -> _Reading:
    found = _readings.get((encoding, charset))
    if found is None:
        if len(_readings) >= _READINGS_MAX:
            forget()
        found = _readings[encoding, charset] = _Reading(
            encoding, charset, _attributes[encoding], {}, {}
        )
    return found


def forget() -> None:
    """Drop all that was remembered of former objects."""
    for reading in tuple(_readings.values()):
        reading.memo.clear()
        reading.openings.clear()
    _readings.clear()
    _remembered[0] = 0


class _JsonWalk(Walk[bytes]):
    """Makes of each data set its JSON object."""

    def __init__(self, buffer: Buffer, end: int, nesting_max: int) -> None:
        super().__init__(buffer, end, nesting_max)
        self.bulk: dict[str, Bulk] = {}
        self._reading = _reading(EXPLICIT_LITTLE, DEFAULT)
        self._pixels: PixelElement | None = None
        self._tables: dict[int, Range] = {}

    @property
    def pixels(self) -> PixelElement | None:
        if self._pixels is None:
            return None
        return replace(
            self._pixels,
            extended_offset_table=self._tables.get(EXTENDED_OFFSET_TABLE),
            extended_lengths=self._tables.get(EXTENDED_LENGTHS),
        )

    def data_set(self, at: int, end: int, limit: int, encoding: Encoding) -> tuple[bytes, int]:
        members, stop, _ = self.members(at, end, limit, encoding)
        return b"{%b}" % b",".join(members.values()), stop

    def members(
        self, at: int, end: int, limit: int, encoding: Encoding
    ) -> tuple[dict[int, bytes], int, CharacterSet]:
        """The members of a data set by tag, in ascending order; where it ended; its characters."""
        outer = self._reading
        reading = self._reading = self._reading_here(encoding, outer.charset)
        buffer, attributes, memo = self.buffer, reading.attributes, reading.memo
        key_size, order, from_bytes = encoding.key_size, encoding.order, int.from_bytes
        members: dict[int, bytes] = {}
        last, ascending = 0, True
        last_head = end - 8
        self.around.enter(at, end, encoding)
        while at <= last_head:
            known = attributes.get(buffer[at : at + key_size])
            attribute = known or self._attribute_at(at, limit, reading)
            tag = attribute.tag
            value = at + attribute.size
            length = from_bytes(buffer[value - attribute.length_size : value], order)
            stop = value + length
            member = None
            if length <= MEMO_LENGTH_MAX and stop <= limit:
                member = memo.get(buffer[at:stop])
            if member is None:
                if tag >> 16 == 0xFFFE and self.path:
                    break
                member, stop = self._element(attribute, at, value, length, limit)
                if tag == SPECIFIC_CHARACTER_SET:
                    reading = self._reading = self._with_character_set(value, stop, reading)
                    memo = reading.memo
            if member:
                members[tag] = member
                if tag < last:
                    ascending = False
                last = tag
            at = stop
        self.around.leave()
        self._reading = outer
        if not ascending:
            self.problem("elements are not in ascending order")
            members = dict(sorted(members.items()))
        return members, at, reading.charset

    def _reading_here(self, encoding: Encoding, charset: CharacterSet) -> _Reading:
        """How to read a data set; near the limit of nesting nothing is taken from memory.

        What is remembered may itself be nested, so that the limit would depend on the past.
        """
        if self.around.depth + NESTING_REMEMBERED_MAX > self._nesting_max:
            return _Reading(encoding, charset, _attributes[encoding], {}, {})
        outer = self._reading
        if outer.encoding is encoding and outer.charset is charset:
            return outer
        return _reading(encoding, charset)

    def _attribute_at(self, at: int, limit: int, reading: _Reading) -> _Attribute:
        encoding = reading.encoding
        head = head_at(self.buffer, at, limit, encoding)
        attribute = _attribute(head, vr_without_surroundings(head), encoding.order)
        key = self.buffer[at : at + encoding.key_size]
        if key in encoding.heads:
            if len(reading.attributes) >= _ATTRIBUTES_MAX:
                reading.attributes.clear()
            reading.attributes[key] = attribute
        return attribute

    def _with_character_set(self, value: int, stop: int, reading: _Reading) -> _Reading:
        charset = character_set(self.buffer[value : min(stop, value + CHARACTER_SET_LENGTH_MAX)])
        if not charset.known:
            self.problem("Specific Character Set has a term that is not in the standard")
        return self._reading_here(reading.encoding, charset)

    def _element(
        self, attribute: _Attribute, at: int, value: int, length: int, limit: int
    ) -> tuple[bytes, int]:
        """The member of one element, empty for none, and where the element ends."""
        self.count()
        reading, head = self._reading, attribute.head
        if attribute.left_out:
            return b"", self.end_of_left_out(head, value, length, limit, reading.encoding)
        depends = not attribute.vr
        if depends or (attribute.vr == "SQ" and not head.vr):
            vr = self.vr_of(head, value, length)
            attribute = _attribute(head, vr, reading.encoding.order)
        if length == UNDEFINED:
            if depends or attribute.vr != "SQ":
                return self._undefined(attribute, value, limit)
            return self._undefined_sequence(attribute, at, value, limit)
        stop = self.within(attribute.tag, value, length, limit)
        if attribute.tag == SPECIFIC_CHARACTER_SET:
            return UNICODE_TERM, stop
        if length == 0 and attribute.vr == "SQ":
            if self.has_items(value):
                return self._sequence(attribute, value, None, limit)
            return attribute.prefix + b"}", stop
        if length > MEMO_LENGTH_MAX:
            return self._defined(attribute, value, stop), stop
        raw = self.buffer[at:stop]
        key = (attribute.vr, raw) if depends else raw
        member = reading.memo.get(key) if depends else None
        if member is None:
            before = self.unrepeatable
            member = self._defined(attribute, value, stop)
            if before == self.unrepeatable:
                _remember(reading.memo, key, member, len(raw))
        return member, stop

    def _defined(self, attribute: _Attribute, value: int, stop: int) -> bytes:
        if attribute.vr == "SQ":
            return self._sequence(attribute, value, stop, stop)[0]
        return self._value(attribute, value, stop)

    def _sequence(
        self, attribute: _Attribute, value: int, stop: int | None, limit: int
    ) -> tuple[bytes, int]:
        items, end = self.sequence(attribute.head, value, stop, limit, self._reading.encoding)
        content = b',"Value":[%b]' % b",".join(items) if items else b""
        return b"%b%b}" % (attribute.prefix, content), end

    def _undefined_sequence(
        self, attribute: _Attribute, at: int, value: int, limit: int
    ) -> tuple[bytes, int]:
        """Like one of defined length, whose end is guessed from how it begins, to be remembered."""
        reading = self._reading
        opening = self.buffer[at : at + OPENING_LENGTH]
        size = reading.openings.get(opening, 0)
        member = reading.memo.get(self.buffer[at : at + size])
        if member is not None and at + size <= limit:
            return member, at + size
        before = self.unrepeatable
        member, stop = self._sequence(attribute, value, None, limit)
        if before == self.unrepeatable and stop - at <= MEMO_LENGTH_MAX:
            _remember(reading.memo, self.buffer[at:stop], member, stop - at)
            reading.openings[opening] = stop - at
        return member, stop

    def _undefined(self, attribute: _Attribute, value: int, limit: int) -> tuple[bytes, int]:
        """The member of a value that ends with a delimiter, and where it ends."""
        head, encoding = attribute.head, self._reading.encoding
        if self.is_sequence(attribute.vr, value):
            return self._sequence(_attribute(head, "SQ", encoding.order), value, None, limit)
        if not self.is_encapsulated(value):
            stop, after = self.sequence_end(head, value, limit, encoding)
            return self._value(attribute, value, stop), after
        self._note_pixels(attribute, value, None)
        ranges, stop = self.encapsulated(head, value, limit, encoding)
        return self._bulk(attribute, tuple(ranges[1:])), stop

    def _value(self, attribute: _Attribute, value: int, stop: int) -> bytes:
        """The member of an element that is no sequence and whose length is known."""
        length = stop - value
        self._note_pixels(attribute, value, length)
        if length == 0:
            return attribute.prefix + b"}"
        if not self.path and attribute.tag in PIXEL_TAGS:
            return self._bulk(attribute, ((value, length),))
        if length > attribute.inline_max:
            if not BY_VR[attribute.vr].bulk:
                attribute = self._unknown(attribute)
            return self._bulk(attribute, ((value, length),))
        assert attribute.write is not None
        content = attribute.write(self.buffer[value:stop], self._reading.charset)
        if content is not None:
            return b"%b%b}" % (attribute.prefix, content)
        if length % BY_VR[attribute.vr].word == 0 and attribute.vr != "AT":
            return self._bulk(attribute, ((value, length),))
        return self._value(self._unknown(attribute), value, stop)

    def _unknown(self, attribute: _Attribute) -> _Attribute:
        """The attribute as UN, because the value is none that its VR may have."""
        self.problem(f"{name_of(attribute.tag)} has a length that {attribute.vr} cannot have")
        return _attribute(attribute.head, "UN", "little")

    def _note_pixels(self, attribute: _Attribute, value: int, length: int | None) -> None:
        if self.path:
            return
        if attribute.tag in PIXEL_TAGS:
            self._pixels = PixelElement(attribute.tag, attribute.vr, value, length)
        elif attribute.tag in (EXTENDED_OFFSET_TABLE, EXTENDED_LENGTHS) and length is not None:
            self._tables[attribute.tag] = (value, length)
            self.places += 1

    def _bulk(self, attribute: _Attribute, ranges: tuple[Range, ...]) -> bytes:
        path = "/".join(map(str, [*self.path, f"{attribute.tag:08X}"]))
        word = self.around.word_of(attribute.tag, attribute.vr, self._reading.encoding)
        self.places += 1
        self.bulk[path] = Bulk(attribute.vr, ranges, word)
        uri = b"%b/bulkdata/%b" % (INSTANCE_URL, path.encode())
        return b'%b,"BulkDataURI":"%b"}' % (attribute.prefix, uri)


def _remember(
    memo: dict[bytes | tuple[str, bytes], bytes],
    key: bytes | tuple[str, bytes],
    piece: bytes,
    length: int,
) -> None:
    size = length + len(piece) + _ENTRY_OVERHEAD
    if _remembered[0] + size > MEMO_SIZE_MAX:
        forget()
    _remembered[0] += size
    memo[key] = piece


_ENTRY_OVERHEAD = 300
"""Bytes that Python needs for an entry of a dict, roughly."""
