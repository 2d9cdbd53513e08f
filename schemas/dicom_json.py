"""A data set in bytes -> the DICOM JSON model (PS3.18 Annex F), in one walk over the raw elements.

No pydicom data set is built.  Bulk values are not touched: their places are given instead.  What
the bytes of a small element became is remembered, since the objects of a series are mostly alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.character_sets import DEFAULT, UNICODE_TERM, CharacterSet, character_set
from schemas.elements import (
    BY_VR,
    EXPLICIT_LITTLE,
    PIXEL_TAGS,
    SPECIFIC_CHARACTER_SET,
    UNDEFINED,
    Buffer,
    Encoding,
    encoding_found,
    encoding_of,
    head_at,
    name_of,
    vr_without_surroundings,
)
from schemas.json_forms import (
    FORMS_MAX,
    MEMO_LENGTH_MAX,
    NESTING_REMEMBERED_MAX,
    OPENING_LENGTH,
    Form,
    Reading,
    form_of,
    reading_of,
    remember,
    unshared_reading,
)
from schemas.reasons import TRUNCATED, Problem, Refused
from schemas.syntaxes import TransferSyntax
from schemas.value_rules import VALUE_RULES
from schemas.walk import NESTING_MAX, Range, Walk

INSTANCE_URL = b"\x02"
"""Stands in BulkDataURIs for the URL of the instance.  It cannot occur otherwise in JSON, where
control characters are escaped, so that bytes.replace puts the URL in."""

CHARACTER_SET_LENGTH_MAX = 1024
"""Bytes of (0008,0005) that are looked at."""

EXTENDED_OFFSET_TABLE = 0x7FE00001
EXTENDED_LENGTHS = 0x7FE00002
_OTHER_AT_TOP_LEVEL = PIXEL_TAGS | {EXTENDED_OFFSET_TABLE, EXTENDED_LENGTHS}
"""What is made of these depends on whether they are in an item, as in an icon."""


@dataclass(frozen=True, slots=True)
class Bulk:
    vr: str
    ranges: Sequence[Range]
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
    problems: tuple[Problem, ...]
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
        # Zeros are padding; of 724 real files none ends in anything else that is no element.
        if any(buffer[stop:end]):
            raise Refused(TRUNCATED, "The data set ends inside the head of an element.")
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


class _JsonWalk(Walk[bytes]):
    """Makes of each data set its JSON object."""

    def __init__(self, buffer: Buffer, end: int, nesting_max: int) -> None:
        super().__init__(buffer, end, nesting_max)
        self.bulk: dict[str, Bulk] = {}
        self._reading = reading_of(EXPLICIT_LITTLE, DEFAULT)
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
        buffer, forms, memo = self.buffer, reading.forms, reading.memo
        key_size, order, from_bytes = encoding.key_size, encoding.order, int.from_bytes
        members: dict[int, bytes] = {}
        last, ascending = 0, True
        last_head = end - 8
        self.around.enter(at, end, encoding)
        while at <= last_head:
            known = forms.get(buffer[at : at + key_size])
            form = known or self._form_at(at, limit, reading)
            tag = form.tag
            value = at + form.size
            length = from_bytes(buffer[value - form.length_size : value], order)
            stop = value + length
            member = None
            if length <= MEMO_LENGTH_MAX and stop <= limit:
                member = memo.get(buffer[at:stop])
            if member is None:
                if tag >> 16 == 0xFFFE and self.path:
                    break
                member, stop = self._element(form, at, value, length, limit)
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

    def _reading_here(self, encoding: Encoding, charset: CharacterSet) -> Reading:
        """How to read a data set; near the limit of nesting nothing is taken from memory.

        What is remembered may itself be nested, so that the limit would depend on the past.
        """
        if self.around.depth + NESTING_REMEMBERED_MAX > self._nesting_max:
            return unshared_reading(encoding, charset)
        outer = self._reading
        if outer.encoding is encoding and outer.charset is charset:
            return outer
        return reading_of(encoding, charset)

    def _form_at(self, at: int, limit: int, reading: Reading) -> Form:
        encoding = reading.encoding
        head = head_at(self.buffer, at, limit, encoding)
        form = form_of(head, vr_without_surroundings(head), encoding.order)
        key = self.buffer[at : at + encoding.key_size]
        if key in encoding.heads:
            if len(reading.forms) >= FORMS_MAX:
                reading.forms.clear()
            reading.forms[key] = form
        return form

    def _with_character_set(self, value: int, stop: int, reading: Reading) -> Reading:
        charset = character_set(self.buffer[value : min(stop, value + CHARACTER_SET_LENGTH_MAX)])
        if not charset.known:
            sentence = "Specific Character Set has a term that is not in the standard"
            self.problem(sentence, SPECIFIC_CHARACTER_SET)
        return self._reading_here(reading.encoding, charset)

    def _element(
        self, form: Form, at: int, value: int, length: int, limit: int
    ) -> tuple[bytes, int]:
        """The member of one element, empty for none, and where the element ends."""
        self.count()
        reading, head = self._reading, form.head
        if form.left_out:
            return b"", self.end_of_left_out(head, value, length, limit, reading.encoding)
        depends = not form.vr
        if depends or (form.vr == "SQ" and not head.vr):
            vr = self.vr_of(head, value, length)
            form = form_of(head, vr, reading.encoding.order)
        if length == UNDEFINED:
            if depends or form.vr != "SQ":
                return self._undefined(form, value, limit)
            return self._undefined_sequence(form, at, value, limit)
        stop = self.within(form.tag, value, length, limit)
        if form.tag == SPECIFIC_CHARACTER_SET:
            return UNICODE_TERM, stop
        if length == 0 and form.vr == "SQ":
            if self.has_items(value):
                return self._sequence(form, value, None, limit)
            return form.prefix + b"}", stop
        if length > MEMO_LENGTH_MAX or form.tag in _OTHER_AT_TOP_LEVEL:
            return self._defined(form, value, stop), stop
        raw = self.buffer[at:stop]
        key = (form.vr, raw) if depends else raw
        member = reading.memo.get(key) if depends else None
        if member is None:
            before = self.unrepeatable
            member = self._defined(form, value, stop)
            if before == self.unrepeatable:
                remember(reading.memo, key, member, len(raw))
        return member, stop

    def _defined(self, form: Form, value: int, stop: int) -> bytes:
        if form.vr == "SQ":
            return self._sequence(form, value, stop, stop)[0]
        return self._value(form, value, stop)

    def _sequence(self, form: Form, value: int, stop: int | None, limit: int) -> tuple[bytes, int]:
        items, end = self.sequence(form.head, value, stop, limit, self._reading.encoding)
        content = b',"Value":[%b]' % b",".join(items) if items else b""
        return b"%b%b}" % (form.prefix, content), end

    def _undefined_sequence(self, form: Form, at: int, value: int, limit: int) -> tuple[bytes, int]:
        """Like one of defined length, whose end is guessed from how it begins, to be remembered."""
        reading = self._reading
        opening = self.buffer[at : at + OPENING_LENGTH]
        size = reading.openings.get(opening, 0)
        member = reading.memo.get(self.buffer[at : at + size])
        if member is not None and at + size <= limit:
            return member, at + size
        before = self.unrepeatable
        member, stop = self._sequence(form, value, None, limit)
        if before == self.unrepeatable and stop - at <= MEMO_LENGTH_MAX:
            remember(reading.memo, self.buffer[at:stop], member, stop - at)
            reading.openings[opening] = stop - at
        return member, stop

    def _undefined(self, form: Form, value: int, limit: int) -> tuple[bytes, int]:
        """The member of a value that ends with a delimiter, and where it ends."""
        head, encoding = form.head, self._reading.encoding
        if self.is_sequence(form.vr, value):
            return self._sequence(form_of(head, "SQ", encoding.order), value, None, limit)
        if not self.is_encapsulated(value):
            stop, after = self.sequence_end(head, value, limit, encoding)
            return self._value(form, value, stop), after
        self._note_pixels(form, value, None)
        ranges, stop = self.encapsulated(head, value, limit, encoding)
        return self._bulk(form, tuple(ranges[1:])), stop

    def _value(self, form: Form, value: int, stop: int) -> bytes:
        """The member of an element that is no sequence and whose length is known."""
        length = stop - value
        self._note_pixels(form, value, length)
        if length == 0:
            return form.prefix + b"}"
        if not self.path and form.tag in PIXEL_TAGS:
            return self._bulk(form, ((value, length),))
        if length > form.inline_max:
            if not BY_VR[form.vr].bulk:
                form = self._unknown(form)
            return self._bulk(form, ((value, length),))
        assert form.write is not None
        content = form.write(self.buffer[value:stop], self._reading.charset)
        if content is not None:
            self._check(form, value, stop)
            return b"%b%b}" % (form.prefix, content)
        if length % BY_VR[form.vr].word == 0 and form.vr != "AT":
            return self._bulk(form, ((value, length),))
        return self._value(self._unknown(form), value, stop)

    def _check(self, form: Form, value: int, stop: int) -> None:
        """Tells of a value that is not as its VR has to be; it is made the best of all the same."""
        if (stop - value) & 1 and form.vr != "UN":
            self.problem(f"{name_of(form.tag)} has an odd length", form.tag)
        rule = VALUE_RULES.get(form.vr)
        if rule is not None and not rule(self.buffer[value:stop]):
            self.problem(f"{name_of(form.tag)} has a value that is no {form.vr}", form.tag)

    def _unknown(self, form: Form) -> Form:
        """The form for UN, because the value is none that its VR may have."""
        self.problem(f"{name_of(form.tag)} has a length that {form.vr} cannot have", form.tag)
        return form_of(form.head, "UN", "little")

    def _note_pixels(self, form: Form, value: int, length: int | None) -> None:
        if self.path:
            return
        if form.tag in PIXEL_TAGS:
            self._pixels = PixelElement(form.tag, form.vr, value, length)
        elif form.tag in (EXTENDED_OFFSET_TABLE, EXTENDED_LENGTHS) and length is not None:
            self._tables[form.tag] = (value, length)
            self.places += 1

    def _bulk(self, form: Form, ranges: tuple[Range, ...]) -> bytes:
        path = "/".join(map(str, [*self.path, f"{form.tag:08X}"]))
        word = self.around.word_of(form.tag, form.vr, self._reading.encoding)
        self.places += 1
        self.bulk[path] = Bulk(form.vr, ranges, word)
        uri = b"%b/bulkdata/%b" % (INSTANCE_URL, path.encode())
        return b'%b,"BulkDataURI":"%b"}' % (form.prefix, uri)
