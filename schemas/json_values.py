"""Values in bytes -> the members of DICOM JSON that say them, a function for each VR (PS3.18 F.2).

Each gives `,"Value":[...]` or `,"InlineBinary":"..."`; nothing for a value that is only padding;
and None for a value that JSON or its VR cannot hold.
"""

from __future__ import annotations

import re
from array import array
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from decimal import Decimal
from math import isfinite
from struct import unpack

import orjson

from schemas.character_sets import CharacterSet
from schemas.elements import REPRESENTATIONS, Order

Writer = Callable[[bytes, CharacterSet], bytes | None]

PADDING = b" \0"
EXACT_INTEGER_MAX = 2**53
"""Beyond it a reader with doubles, as JavaScript's, would change the number."""
NUMBER_LENGTH_MAX = 64
"""Characters of a DS or IS that is looked at as a number; the standard allows 16."""
"""Decimal digits that every double keeps."""

# Printable ASCII that needs no escape in JSON, and is the same in every character set.
_plain = re.compile(rb"[ !#-\[\]-~]*").fullmatch
_plain_values = re.compile(rb"[ !#-~]*").fullmatch
_NUMBER = (
    rb"-?(?:(?:0|[1-9][0-9]{0,14})|(?=[0-9.]{3,16}(?![0-9.]))(?:0|[1-9][0-9]*)\.[0-9]+)"
    rb"(?:[eE][+-]?[0-9]{1,2})?"
)
_plain_number = re.compile(_NUMBER).fullmatch
_plain_numbers = re.compile(rb"%b(?:\\%b)*" % (_NUMBER, _NUMBER)).fullmatch
_number_parts = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?").fullmatch


def _listed(values: list[str]) -> bytes:
    if len(values) == 1 and not values[0]:
        return b""
    return b',"Value":%b' % orjson.dumps([value or None for value in values])


def codes(value: bytes, _: CharacterSet) -> bytes:
    """AE AS CS DA DT TM UI: text of the default repertoire, spaces around it insignificant."""
    bare = value.strip(PADDING)
    if _plain(bare):
        return b',"Value":["%b"]' % bare if bare else b""
    if _plain_values(bare):
        parts = [part.strip() for part in bare.split(b"\\")]
        if all(parts):
            return b',"Value":["%b"]' % b'","'.join(parts)
    return _listed([part.strip(" \0") for part in bare.decode("latin_1").split("\\")])


def short_texts(value: bytes, charset: CharacterSet) -> bytes:
    """LO SH: values of text, spaces around each insignificant."""
    bare = value.strip(PADDING)
    if _plain(bare):
        return b',"Value":["%b"]' % bare if bare else b""
    return _listed([part.strip(" \0") for part in charset.decode(bare).split("\\")])


def long_texts(value: bytes, charset: CharacterSet) -> bytes:
    """UC: values of text in which leading spaces matter."""
    return _listed([part.rstrip(" \0") for part in charset.decode(value).split("\\")])


def text(value: bytes, charset: CharacterSet) -> bytes:
    """LT ST UT: one text, in which a backslash is a character like any other."""
    bare = value.rstrip(PADDING)
    if _plain(bare):
        return b',"Value":["%b"]' % bare if bare else b""
    return _listed([charset.decode(bare, b"")])


def address(value: bytes, _: CharacterSet) -> bytes:
    """UR: one URI."""
    return _listed([value.rstrip(PADDING).decode("latin_1")])


_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def names(value: bytes, charset: CharacterSet) -> bytes:
    """PN: each value an object of its component groups that are not empty."""
    bare = value.strip(PADDING)
    if _plain(bare) and b"=" not in bare:
        return b',"Value":[{"Alphabetic":"%b"}]' % bare if bare else b""
    found = [_name(part) for part in charset.decode(bare, b"\\^=").split("\\")]
    if found == [None]:
        return b""
    return b',"Value":%b' % orjson.dumps(found)


def _name(value: str) -> dict[str, str] | None:
    groups = zip(_GROUPS, (group.strip(" \0") for group in value.split("=")), strict=False)
    return {key: group for key, group in groups if group} or None


def decimals(value: bytes, _: CharacterSet) -> bytes:
    """DS IS: a number where a double holds it, else the text as sent (PS3.18 F.2.3)."""
    bare = value.strip(PADDING)
    if _plain_numbers(bare):
        return b',"Value":[%b]' % bare.replace(b"\\", b",")
    if not bare:
        return b""
    return b',"Value":[%b]' % b",".join(_decimal(part.strip(PADDING)) for part in bare.split(b"\\"))


def _decimal(part: bytes) -> bytes:
    if _plain_number(part):
        return part
    if not part:
        return b"null"
    text = part.decode("latin_1")
    return _rewritten(text) or orjson.dumps(text)


def _rewritten(text: str) -> bytes | None:
    """A number as JSON writes it; None for what is no number, or none that a double holds."""
    parts = _number_parts(text) if len(text) <= NUMBER_LENGTH_MAX else None
    if parts is None or not (parts[2] or parts[3]):
        return None
    sign, whole, fraction, exponent = (part or "" for part in parts.groups())
    written = sign.strip("+") + (whole.lstrip("0") or "0")
    written += "." + fraction if fraction else ""
    written += "e" + exponent if exponent else ""
    number = float(written)
    if not isfinite(number) or Decimal(repr(number)) != Decimal(written):
        return None
    return written.encode()


def tags(value: bytes, order: Order) -> bytes | None:
    """AT: eight hexadecimal digits each."""
    words = _unpacked(value, order, "H", 2)
    if words is None or len(words) % 2:
        return None
    pairs = zip(words[::2], words[1::2], strict=True)
    return b',"Value":["%b"]' % '","'.join(f"{g:04X}{e:04X}" for g, e in pairs).encode()


def _unpacked(value: bytes, order: Order, code: str, word: int) -> tuple[int, ...] | None:
    if len(value) % word:
        return None
    mark = "<" if order == "little" else ">"
    return unpack(f"{mark}{len(value) // word}{code}", value)


def _integers(code: str, word: int, order: Order) -> Writer:
    def write(value: bytes, _: CharacterSet) -> bytes | None:
        numbers = _unpacked(value, order, code, word)
        return None if numbers is None else b',"Value":%b' % orjson.dumps(numbers)

    return write


def _long_integers(code: str, order: Order) -> Writer:
    def write(value: bytes, _: CharacterSet) -> bytes | None:
        numbers = _unpacked(value, order, code, 8)
        return None if numbers is None else b',"Value":%b' % orjson.dumps([*_exact(numbers)])

    return write


def _exact(numbers: Iterable[int]) -> Iterable[int | str]:
    return (n if abs(n) <= EXACT_INTEGER_MAX else str(n) for n in numbers)


def _floats(code: str, word: int, order: Order) -> Writer:
    def write(value: bytes, _: CharacterSet) -> bytes | None:
        numbers = _unpacked(value, order, code, word)
        if numbers is None or not all(map(isfinite, numbers)):
            return None
        return b',"Value":%b' % orjson.dumps(numbers)

    return write


_WORDS = {2: "H", 4: "I", 8: "Q"}


def swapped(value: bytes, word: int) -> bytes:
    """The value with the bytes of each word turned around; an incomplete last word as it is."""
    if word == 1:
        return value
    whole = len(value) // word * word
    words = array(_WORDS[word], value[:whole])
    words.byteswap()
    return words.tobytes() + value[whole:]


def _binary(word: int, order: Order) -> Writer:
    def write(value: bytes, _: CharacterSet) -> bytes:
        little = value if order == "little" else swapped(value, word)
        return b',"InlineBinary":"%b"' % b2a_base64(little, newline=False)

    return write


def writers(order: Order) -> dict[str, Writer]:
    """The function of each VR but SQ, for values in this byte order."""
    return {
        **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI"), codes),
        **dict.fromkeys(("LO", "SH"), short_texts),
        **dict.fromkeys(("LT", "ST", "UT"), text),
        **dict.fromkeys(("DS", "IS"), decimals),
        "PN": names,
        "UC": long_texts,
        "UR": address,
        "AT": lambda value, _: tags(value, order),
        "US": _integers("H", 2, order),
        "SS": _integers("h", 2, order),
        "UL": _integers("L", 4, order),
        "SL": _integers("l", 4, order),
        "SV": _long_integers("q", order),
        "UV": _long_integers("Q", order),
        "FL": _floats("f", 4, order),
        "FD": _floats("d", 8, order),
        **{row.vr: _binary(row.word, order) for row in REPRESENTATIONS if row.binary},
    }
