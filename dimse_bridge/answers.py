"""Answers: data sets that are sent, written from the DICOM JSON that the archive keeps.

Their text is in the smallest character set that has it: devices that know nothing but ASCII are
answered in ASCII as long as that can be (PS3.4 C.4.1.1.3.2, FIND-17, FIND-18).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.valuerep import format_number_as_ds

from schemas.character_sets import CharacterSet
from schemas.elements import BY_VR, SPECIFIC_CHARACTER_SET
from schemas.reencoding import SHORT_LENGTH_MAX, element_head, padding_of
from schemas.syntaxes import TransferSyntax

Members = Mapping[str, Mapping[str, Any]]
"""A DICOM JSON object: attributes by eight hexadecimal digits."""

ASCII, LATIN_1, UNICODE = ("ascii", ""), ("latin_1", "ISO_IR 100"), ("utf-8", "ISO_IR 192")
"""Python's codec, and the value of Specific Character Set (0008,0005); none is needed for ASCII."""

DS_LENGTH_MAX = 16

_TEXT_VRS = frozenset(["LO", "LT", "PN", "SH", "ST", "UC", "UT"])
"""Those that Specific Character Set is about (PS3.5 6.1.2.3)."""
_NUMBERS = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
_ITEM = b"\xfe\xff\x00\xe0"


def encode(members: Members, syntax: TransferSyntax, asked: CharacterSet | None = None) -> bytes:
    """The data set of `members`, in the order of their tags.

    `asked` is the character set of the question, preferred where it has all that is to be said.
    """
    codec, term = _repertoire(members, asked)
    if term:
        charset = {"vr": "CS", "Value": [term]}
        members = {**members, f"{SPECIFIC_CHARACTER_SET:08X}": charset}
    return _data_set(members, syntax, codec)


def element(keyword: str, values: Sequence[Any], syntax: TransferSyntax) -> bytes:
    """One element by its keyword, of values in ASCII."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, f"{keyword} is not in the data dictionary"
    return _element(tag, {"vr": dictionary_VR(tag), "Value": values}, syntax, ASCII[0])


def _repertoire(members: Members, asked: CharacterSet | None) -> tuple[str, str]:
    text = "".join(_texts(members))
    if text.isascii():
        return ASCII
    candidates = [LATIN_1, UNICODE]
    if asked is not None and len(asked.terms) == 1 and not asked.extended and asked.known:
        candidates.insert(0, (asked.codec, asked.terms[0]))
    return next(one for one in candidates if _has(one[0], text))


def _has(codec: str, text: str) -> bool:
    """Whether the codec has every character, which lone surrogates are none of."""
    if codec == UNICODE[0]:
        return True
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _texts(members: Members) -> Iterator[str]:
    for member in members.values():
        vr = member["vr"]
        if vr == "SQ":
            for item in member.get("Value", ()):
                yield from _texts(item)
        elif vr in _TEXT_VRS:
            yield _text(vr, member.get("Value", ()))


def _data_set(members: Members, syntax: TransferSyntax, codec: str) -> bytes:
    return b"".join(_element(int(tag, 16), members[tag], syntax, codec) for tag in sorted(members))


def _element(tag: int, member: Mapping[str, Any], syntax: TransferSyntax, codec: str) -> bytes:
    vr = member["vr"]
    value = _value(vr, member, syntax, codec)
    value += padding_of(vr)[: len(value) % 2]
    if syntax.implicit:
        head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
        return head + len(value).to_bytes(4, "little") + value
    stays = BY_VR[vr].long or len(value) <= SHORT_LENGTH_MAX
    return element_head(tag, vr if stays else "UN", len(value)) + value


def _value(vr: str, member: Mapping[str, Any], syntax: TransferSyntax, codec: str) -> bytes:
    """A bulk value is not part of an answer: the element stays empty."""
    if "InlineBinary" in member:
        return base64.b64decode(member["InlineBinary"])
    values = member.get("Value", ())
    if vr == "SQ":
        return b"".join(_item(_data_set(item, syntax, codec)) for item in values)
    if vr in _NUMBERS:
        form = "<" + _NUMBERS[vr]
        return b"".join(struct.pack(form, value) for value in values if value is not None)
    if vr == "AT":
        return b"".join(_tag(value) for value in values if value)
    return _text(vr, values).encode(codec if vr in _TEXT_VRS else ASCII[0], "replace")


def _item(data: bytes) -> bytes:
    return _ITEM + len(data).to_bytes(4, "little") + data


def _tag(text: str) -> bytes:
    number = int(text, 16)
    return (number >> 16).to_bytes(2, "little") + (number & 0xFFFF).to_bytes(2, "little")


def _text(vr: str, values: Sequence[Any]) -> str:
    if vr == "PN":
        return "\\".join(map(_name, values))
    if vr == "DS":
        return "\\".join(map(_decimal, values))
    return "\\".join("" if value is None else str(value) for value in values)


def _name(value: Mapping[str, str] | None) -> str:
    groups = [(value or {}).get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
    return "=".join(groups).rstrip("=")


def _decimal(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= DS_LENGTH_MAX else format_number_as_ds(float(value))
