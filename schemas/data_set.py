"""A DICOM JSON object -> its data set in Explicit VR Little Endian (PS3.18 Annex F).

The inverse of `dicom_json.encode`.  Text is written in UTF-8, and says so.  Bulk values are not
touched: who asks gives their pieces.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydicom.valuerep import format_number_as_ds

from schemas.elements import BY_VR, SPECIFIC_CHARACTER_SET, UNDEFINED, name_of, vr_in_dictionary
from schemas.json_forms import JsonDataSet
from schemas.reasons import NESTED_TOO_DEEPLY, NOT_DICOM, Refused
from schemas.reencoding import (
    ITEM_BEGIN,
    ITEM_END_MARK,
    SEQUENCE_END_MARK,
    SHORT_LENGTH_MAX,
    Piece,
    element_head,
    padding_of,
    size_of,
)
from schemas.walk import NESTING_MAX, is_left_out

BulkValue = Callable[[int, str], Sequence[Piece]]
"""The pieces of the value, little endian, of which tag and BulkDataURI are given.

Refused for a URI that leads nowhere.
"""

DS_CHARACTERS_MAX = 16
LENGTH_MAX = UNDEFINED - 1

_PIXEL_REPRESENTATION = "00280103"
_is_tag = re.compile(r"[0-9A-Fa-f]{8}").fullmatch
_is_vr = re.compile(r"[A-Z]{2}").fullmatch
_VALUE_FORMS = ("Value", "BulkDataURI", "InlineBinary")


@dataclass(frozen=True, slots=True)
class Written:
    pieces: list[Piece]
    left_out: tuple[int, ...]
    """Tags that no data set has: File Meta Information, group lengths (PS3.18 10.5.1.4)."""


def write(
    data_set: JsonDataSet,
    bulk: BulkValue,
    *,
    ready: Mapping[int, Sequence[Piece]] | None = None,
    nesting_max: int = NESTING_MAX,
) -> Written:
    """The data set that a DICOM JSON object describes; sequences get undefined length.

    `ready` are whole elements of the top level, heads included, which take the place of what the
    object says of their tags.  Raises Refused: NOT_DICOM for what is no DICOM JSON, naming the
    attribute, NESTED_TOO_DEEPLY, and what `bulk` raises.
    """
    writer = _Writer(bulk, nesting_max)
    elements = writer.elements(data_set, 0)
    elements |= {tag: list(pieces) for tag, pieces in (ready or {}).items()}
    if writer.has_unicode or SPECIFIC_CHARACTER_SET in elements:
        elements[SPECIFIC_CHARACTER_SET] = [_UNICODE]
    pieces = [piece for _, element in sorted(elements.items()) for piece in element]
    return Written(_joined(pieces), tuple(dict.fromkeys(writer.left_out)))


def element(tag: int, vr: str, pieces: Sequence[Piece]) -> list[Piece]:
    """An element of the value in `pieces`, padded to an even length; UN if it is too long for its
    VR (PS3.5 6.2.2).  Raises Refused if it is too long for any.
    """
    length = size_of(pieces)
    padding = padding_of(vr)[: length % 2]
    length += len(padding)
    if length > LENGTH_MAX:
        raise Refused(NOT_DICOM, f"The value of {name_of(tag)} is longer than 4 GiB.")
    stays = BY_VR[vr].long or length <= SHORT_LENGTH_MAX
    return [element_head(tag, vr if stays else "UN", length), *pieces, padding]


_UNICODE = b"".join(
    piece
    for piece in element(SPECIFIC_CHARACTER_SET, "CS", [b"ISO_IR 192"])
    if isinstance(piece, bytes)
)


class _Writer:
    def __init__(self, bulk: BulkValue, nesting_max: int) -> None:
        self._bulk = bulk
        self._nesting_max = nesting_max
        self.has_unicode = False
        self.left_out: list[int] = []

    def elements(self, data_set: JsonDataSet, depth: int) -> dict[int, list[Piece]]:
        """The elements of a data set by tag."""
        if not isinstance(data_set, dict):
            raise Refused(NOT_DICOM, "A data set in the metadata is no JSON object.")
        found: dict[int, list[Piece]] = {}
        for name, attribute in data_set.items():
            if not _is_tag(name):
                raise Refused(NOT_DICOM, f"{name[:40]!r} in the metadata is no tag.")
            tag = int(name, 16)
            if tag in found:
                raise _malformed(tag, "is there twice")
            if is_left_out(tag):
                self.left_out.append(tag)
            elif tag == SPECIFIC_CHARACTER_SET:
                found[tag] = [_UNICODE]  # the only one that JSON has (PS3.18 F.2)
            else:
                found[tag] = self._element(tag, attribute, data_set, depth)
        return found

    def _element(
        self, tag: int, attribute: Mapping[str, Any], data_set: JsonDataSet, depth: int
    ) -> list[Piece]:
        if not isinstance(attribute, dict):
            raise _malformed(tag, "is no JSON object")
        forms = [form for form in _VALUE_FORMS if attribute.get(form) is not None]
        if len(forms) > 1:
            raise _malformed(tag, f"has both {forms[0]} and {forms[1]}")
        values = attribute.get("Value") or []
        if not isinstance(values, list):
            raise _malformed(tag, "has a Value that is no array")
        vr = _vr(tag, attribute.get("vr"), bool(values), data_set)
        if vr == "SQ":
            if forms and forms[0] != "Value":
                raise _malformed(tag, f"is a sequence, which has no {forms[0]}")
            return self._sequence(tag, values, depth)
        return element(tag, vr, self._value(tag, vr, attribute, forms, values))

    def _value(
        self,
        tag: int,
        vr: str,
        attribute: Mapping[str, Any],
        forms: Sequence[str],
        values: list[Any],
    ) -> Sequence[Piece]:
        if "BulkDataURI" in forms:
            uri = attribute["BulkDataURI"]
            if not isinstance(uri, str):
                raise _malformed(tag, "has a BulkDataURI that is no string")
            return self._bulk(tag, uri)
        if "InlineBinary" in forms:
            return [_inline(tag, attribute["InlineBinary"])]
        if not values:
            return []
        encode = _ENCODERS.get(vr)
        if encode is None:
            raise _malformed(tag, f"has a Value, which {vr} cannot have")
        try:
            value = encode(values)
        except (ValueError, TypeError, OverflowError, struct.error):
            raise _malformed(tag, f"has a value that {vr} cannot have") from None
        self.has_unicode |= vr in _UNICODE_VRS and not value.isascii()
        return [value]

    def _sequence(self, tag: int, items: list[Any], depth: int) -> list[Piece]:
        if depth >= self._nesting_max:
            raise Refused(
                NESTED_TOO_DEEPLY, f"Sequences are nested more than {self._nesting_max} deep."
            )
        if not items:
            return [element_head(tag, "SQ", 0)]
        pieces: list[Piece] = [element_head(tag, "SQ", UNDEFINED)]
        for item in items:
            pieces.append(ITEM_BEGIN)
            elements = self.elements({} if item is None else item, depth + 1)
            pieces += [piece for _, made in sorted(elements.items()) for piece in made]
            pieces.append(ITEM_END_MARK)
        pieces.append(SEQUENCE_END_MARK)
        return _joined(pieces)


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """The same with neighbouring bytes in one piece."""
    joined: list[Piece] = []
    waiting: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            waiting.append(piece)
            continue
        joined += [b"".join(waiting), piece]
        waiting = []
    return [*joined, b"".join(waiting)]


def _vr(tag: int, stated: object, has_values: bool, data_set: JsonDataSet) -> str:
    """The VR to write: the one stated, else the dictionary's (JSON-31); UN for binary of a VR that
    the standard does not have.
    """
    if stated is None:
        known = vr_in_dictionary(tag)
        if known == "US or SS":
            signed = data_set.get(_PIXEL_REPRESENTATION)
            return "SS" if isinstance(signed, dict) and signed.get("Value") == [1] else "US"
        return known.rpartition(" ")[2] if " or " in known else known
    if isinstance(stated, str) and stated in BY_VR:
        return stated
    if isinstance(stated, str) and _is_vr(stated) and not has_values:
        return "UN"
    raise _malformed(tag, f"has the VR {str(stated)[:20]!r}, which there is not")


def _inline(tag: int, value: object) -> bytes:
    if isinstance(value, list) and len(value) == 1:  # as some clients write it (JSON-16)
        (value,) = value
    try:
        return base64.b64decode(value, validate=True)  # type: ignore[arg-type]
    except (binascii.Error, ValueError, TypeError):
        raise _malformed(tag, "has an InlineBinary that is not base64") from None


def _malformed(tag: int, why: str) -> Refused:
    return Refused(NOT_DICOM, f"{name_of(tag)} in the metadata {why}.")


# Values: JSON -> bytes; ValueError and the like for what is not of the VR -------------


def _codes(values: list[Any]) -> bytes:
    return "\\".join(map(_string, values)).encode("latin-1")


def _address(values: list[Any]) -> bytes:
    (value,) = values
    return _string(value).encode("latin-1")


def _texts(values: list[Any]) -> bytes:
    return "\\".join(map(_string, values)).encode()


def _text(values: list[Any]) -> bytes:
    (value,) = values
    return _string(value).encode()


def _string(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise TypeError


_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def _names(values: list[Any]) -> bytes:
    return "\\".join(map(_name, values)).encode()


def _name(value: Any) -> str:
    """Old clients write a name as a string, as a text or an address is one."""
    if not isinstance(value, dict):
        return _string(value)
    return "=".join(_string(value.get(group)) for group in _GROUPS).rstrip("=")


def _decimals(values: list[Any]) -> bytes:
    return "\\".join(map(_decimal, values)).encode("latin-1")


def _decimal(value: Any) -> str:
    """A string as it is; a number in at most the 16 characters that DS has (PS3.5 6.2)."""
    text = _string(value)
    if isinstance(value, str) or len(text) <= DS_CHARACTERS_MAX:
        return text
    return format_number_as_ds(float(value))


def _whole_numbers(values: list[Any]) -> bytes:
    return "\\".join(map(_whole_number, values)).encode("latin-1")


def _whole_number(value: Any) -> str:
    if isinstance(value, float):
        return str(_int(value))
    return _string(value)


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = int(value)
    if number != (float(value) if isinstance(value, float) else number):
        raise ValueError
    return number


def _float(value: Any) -> float:
    """Also "NaN", "Infinity" and "-Infinity", which JSON has no numbers for (RUL-31)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    return float(value)


def _packed(code: str, convert: Callable[[Any], Any]) -> Callable[[list[Any]], bytes]:
    def encode(values: list[Any]) -> bytes:
        return struct.pack(f"<{len(values)}{code}", *map(convert, values))

    return encode


def _tags(values: list[Any]) -> bytes:
    return b"".join(map(_tag, values))


def _tag(value: Any) -> bytes:
    if not (isinstance(value, str) and _is_tag(value)):
        raise ValueError
    return struct.pack("<HH", int(value[:4], 16), int(value[4:], 16))


_UNICODE_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_ENCODERS: dict[str, Callable[[list[Any]], bytes]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI"), _codes),
    **dict.fromkeys(("LO", "SH", "UC"), _texts),
    **dict.fromkeys(("LT", "ST", "UT"), _text),
    "UR": _address,
    "PN": _names,
    "DS": _decimals,
    "IS": _whole_numbers,
    "AT": _tags,
    "US": _packed("H", _int),
    "SS": _packed("h", _int),
    "UL": _packed("L", _int),
    "SL": _packed("l", _int),
    "UV": _packed("Q", _int),
    "SV": _packed("q", _int),
    "FL": _packed("f", _float),
    "FD": _packed("d", _float),
}


def parse(text: bytes) -> Any:
    """JSON in UTF-8 as Python has it.  Raises Refused (NOT_DICOM) for what is no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(NOT_DICOM, f"The metadata is no JSON: {error}.") from None
