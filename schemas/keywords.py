"""DataSet: a DICOM JSON object read by keyword, with the bulk values that were fetched for it."""

from __future__ import annotations

import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from pydicom.datadict import tag_for_keyword

from schemas.dicom_json import INSTANCE_URL

Bulks = Mapping[str, bytes]
"""Little-endian bytes by the path that a BulkDataURI ends with."""

_EMPTY: Mapping[str, Any] = {}


@lru_cache(maxsize=2_000)
def tag_of(keyword: str) -> str:
    """Eight hexadecimal digits, the key in DICOM JSON."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, f"{keyword} is not in the data dictionary"
    return f"{tag:08X}"


@dataclass(frozen=True, slots=True)
class DataSet:
    """Reading never fails: what is absent, or not what its attribute should be, is not there."""

    members: Mapping[str, Any] = field(default_factory=dict)
    bulks: Bulks = field(default_factory=dict)
    path: str = ""
    """Of an item: tags and indices of what encloses it, with a slash at the end."""

    @classmethod
    def of(cls, json: bytes, bulks: Bulks | None = None) -> DataSet:
        """The data set that ingest wrote as DICOM JSON."""
        return cls(orjson.loads(json.replace(INSTANCE_URL, b"")), bulks or {})

    def __contains__(self, keyword: str) -> bool:
        return tag_of(keyword) in self.members

    def member(self, tag: str) -> Mapping[str, Any]:
        """By eight hexadecimal digits, as repeating groups have to be asked for."""
        found = self.members.get(tag, _EMPTY)
        return found if isinstance(found, Mapping) else _EMPTY

    def values(self, keyword: str) -> Sequence[Any]:
        """All values, as DICOM JSON has them."""
        return self.values_at(tag_of(keyword))

    def values_at(self, tag: str) -> Sequence[Any]:
        found = self.member(tag).get("Value", ())
        return found if isinstance(found, list) else ()

    def text(self, keyword: str) -> str:
        """The first value as a text without padding; "" where there is none."""
        return next(iter(self.texts(keyword)), "")

    def texts(self, keyword: str) -> list[str]:
        return [_text(value) for value in self.values(keyword)]

    def number(self, keyword: str) -> float | None:
        """The first value as a finite number."""
        return next(iter(self.numbers(keyword)), None)

    def numbers(self, keyword: str) -> list[float]:
        """The values that are finite numbers."""
        return self.numbers_at(tag_of(keyword))

    def numbers_at(self, tag: str) -> list[float]:
        read = (_number(value) for value in self.values_at(tag))
        return [number for number in read if number is not None]

    def whole(self, keyword: str, default: int = 0) -> int:
        """The first value as a whole number."""
        number = self.number(keyword)
        return default if number is None else int(number)

    def items(self, keyword: str) -> Iterator[DataSet]:
        """The items of a sequence."""
        tag = tag_of(keyword)
        for index, item in enumerate(self.values_at(tag)):
            if isinstance(item, Mapping):
                yield DataSet(item, self.bulks, f"{self.path}{tag}/{index}/")

    def item(self, keyword: str) -> DataSet | None:
        """The first item of a sequence."""
        return next(self.items(keyword), None)

    def nth(self, keyword: str, index: int) -> DataSet | None:
        """The item of a sequence at `index`, counted from zero; the others are not looked at."""
        tag = tag_of(keyword)
        found = self.values_at(tag)
        if not 0 <= index < len(found) or not isinstance(found[index], Mapping):
            return None
        return DataSet(found[index], self.bulks, f"{self.path}{tag}/{index}/")

    def octets(self, keyword: str) -> bytes:
        """A binary value, little endian; b"" where there is none, or it was not fetched."""
        return self.octets_at(tag_of(keyword))

    def octets_at(self, tag: str) -> bytes:
        fetched = self.bulks.get(self.path + tag)
        if fetched is not None:
            return fetched
        inline = self.member(tag).get("InlineBinary", "")
        try:
            return binascii.a2b_base64(inline)
        except (ValueError, TypeError):
            return b""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        groups = [str(value.get(g, "")) for g in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value).strip(" \0")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
