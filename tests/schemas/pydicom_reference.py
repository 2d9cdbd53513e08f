"""What pydicom makes of a data set, compared with the DICOM JSON that we make of the same bytes.

Deliberate differences, each normalised away here and asserted on its own in test_dicom_json.py:

- group lengths, File Meta Information and Data Set Trailing Padding are not in the JSON;
- (0008,0005) reads ISO_IR 192;
- empty values are null or no Value at all, never "";
- leading and trailing padding is gone;
- DS and IS are numbers only where a double holds them, SV and UV beyond 2**53 are strings;
- binary values are little endian, whatever the file is;
- empty component groups of a name are left out;
- a VR that pydicom leaves ambiguous is one of those possible;
- a number whose length its VR cannot have is UN (pydicom raises);
- the first value of a LUT descriptor with VR SS stays signed, as VR SS demands.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
from collections.abc import Iterator
from typing import Any

from pydicom import Dataset
from pydicom.tag import _LUT_DESCRIPTOR_TAGS

from schemas.dicom_json import Bulk, Header
from schemas.elements import fragments
from schemas.json_values import swapped

BINARY = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}
AMBIGUOUS = {"OB or OW": "OW", "US or SS or OW": "OW", "US or OW": "OW"}


def parsed(header: Header) -> dict[str, Any]:
    """The JSON as a strict parser reads it."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(header.json.replace(b"\x02", b"http://here"), parse_constant=refuse)


def value_of(bulk: Bulk, source: bytes) -> bytes:
    """A bulk value as it is answered: one piece, little endian."""
    return swapped(b"".join(source[at : at + n] for at, n in bulk.ranges), bulk.word)


def differences(
    ds: Dataset, ours: dict[str, Any], header: Header, source: bytes, path: str = ""
) -> Iterator[str]:
    """One sentence for every attribute of which pydicom and we say different things."""
    theirs = {f"{tag:08X}": tag for tag in sorted(ds.keys()) if not _is_left_out(int(tag))}
    if list(ours) != list(theirs):
        yield f"{path}: {sorted(set(ours) ^ set(theirs))} in only one of the two"
    for name in ours.keys() & theirs.keys():
        try:
            element = ds[theirs[name]]
        except Exception as unreadable:
            if ours[name]["vr"] != "UN":
                yield f"{path}{name}: pydicom says {unreadable!r}, we {ours[name]}"
            continue
        big = not ds.original_encoding[1]
        yield from _differences_of(element, ours[name], header, source, big, f"{path}{name}")


def _is_left_out(tag: int) -> bool:
    return tag & 0xFFFF == 0 or tag >> 16 in (0, 2) or tag == 0xFFFCFFFC


def _differences_of(
    element: Any, ours: dict[str, Any], header: Header, source: bytes, big: bool, path: str
) -> Iterator[str]:
    if element.tag == 0x00080005:
        if ours != {"vr": "CS", "Value": ["ISO_IR 192"]}:
            yield f"{path}: the character set is {ours}"
        return
    if ours["vr"] == "UN" and element.VR != "UN" and "BulkDataURI" not in ours:
        yield f"{path}: pydicom says {element.VR}, we UN"
        return
    if ours["vr"] not in (AMBIGUOUS.get(element.VR, element.VR), *element.VR.split(" or ")):
        yield f"{path}: pydicom says {element.VR}, we {ours['vr']}"
    elif ours["vr"] == "SQ":
        items = ours.get("Value", [])
        if len(items) != len(element.value):
            yield f"{path}: {len(element.value)} items, we {len(items)}"
        for index, (item, our_item) in enumerate(zip(element.value, items, strict=False)):
            yield from differences(item, our_item, header, source, f"{path}/{index}/")
    elif "BulkDataURI" in ours or ours["vr"] in BINARY:
        theirs = _binary(element)
        if theirs is not None and theirs != (our_bytes := _our_bytes(ours, header, source, big)):
            yield f"{path}: {len(theirs)} bytes {theirs[:20]!r}, we {our_bytes[:20]!r}"
    else:
        said = [*map(_plain, _their_values(element))]
        said = [] if said == [None] else said
        equal = said == [*map(_plain, ours.get("Value", []))]
        if not equal and not _is_signed_descriptor(element, ours):
            yield f"{path}: {said!r}, we {ours.get('Value')!r}"


def _their_values(element: Any) -> list[Any]:
    if element.VR == "PN":  # to_json_dict fails for an empty one among several
        names = element.value if element.VM > 1 else [element.value]
        keys = ("Alphabetic", "Ideographic", "Phonetic")
        return [
            dict(zip(keys, name.components, strict=False)) for name in names if name is not None
        ]
    try:
        return element.to_json_dict(None, 0).get("Value", [])
    except ValueError:  # an IS or DS that is no number
        return list(element.value) if element.VM > 1 else [element.value]


def _is_signed_descriptor(element: Any, ours: dict[str, Any]) -> bool:
    if element.tag not in _LUT_DESCRIPTOR_TAGS or ours["vr"] != "SS":
        return False
    return [element.value[0] - 65536, *element.value[1:]] == ours["Value"]


def _binary(element: Any) -> bytes | None:
    if not isinstance(element.value, bytes):
        return None
    if not element.is_undefined_length:
        return element.value
    items, _, _ = fragments(element.value, 0, len(element.value), "little")
    return b"".join(element.value[at : at + length] for at, length in items[1:])


def _our_bytes(ours: dict[str, Any], header: Header, source: bytes, big: bool) -> bytes:
    """Our bytes, turned back to the byte order of the file, in which pydicom leaves them."""
    if "BulkDataURI" not in ours:
        word = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}.get(ours["vr"], 1)
        little = base64.b64decode(ours.get("InlineBinary", ""))
        return swapped(little, word) if big else little
    bulk = header.bulk[ours["BulkDataURI"].removeprefix("http://here/bulkdata/")]
    return b"".join(source[at : at + n] for at, n in bulk.ranges)


def _plain(value: Any) -> Any:
    """A value without the deliberate differences."""
    if isinstance(value, dict):
        groups = {key: group.strip(" \0") for key, group in value.items()}
        return {key: group for key, group in groups.items() if group} or None
    if isinstance(value, str):
        bare = value.strip(" \0")
        for number in (int, float):
            with contextlib.suppress(ValueError):
                return _plain(number(bare))
        return bare or None
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return value
