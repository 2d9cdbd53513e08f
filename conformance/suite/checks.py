"""What an answer can be asked to be: each function makes a check with its expectation in it."""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

from pydicom.uid import UID

from conformance.suite.answer import Answer, value
from conformance.suite.case import Check, Http, Wrong

STUDY_UID, SERIES_UID, INSTANCE_UID = "0020000D", "0020000E", "00080018"

WADL = "application/vnd.sun.wadl+xml"
JSON = "application/dicom+json"
XML = 'multipart/related; type="application/dicom+xml"'
DICOM = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"'


def holds(what: str, test: Callable[[Answer], Any]) -> Check:
    """`test` of the answer is true; `what` says it in words."""

    def check(answer: Answer) -> None:
        with lookups(what):
            if not test(answer):
                raise Wrong(f"It does not hold that {what}.")

    return check


@contextmanager
def lookups(what: str) -> Iterator[None]:
    """Where an answer is looked into: what is not there is the server's fault, not the suite's."""
    try:
        yield
    except (LookupError, AttributeError, StopIteration, TypeError, ValueError) as error:
        kind = type(error).__name__
        raise Wrong(f"It cannot be told whether {what}: {kind} {error}.") from None


def media_type(*names: str) -> Check:
    """The Content-Type, without parameters; for multipart, its type parameter."""

    def check(answer: Answer) -> None:
        found = answer.media_type
        inner, _, _ = found.parameters.get("type", found.name).partition(";")
        name = inner.strip().lower()
        if found.name == "multipart/related":
            name = f"multipart {name}"
        if name not in names:
            raise Wrong(f"The media type is {name!r}, expected {' or '.join(names)}.")

    return check


def header(name: str, pattern: str = ".") -> Check:
    def check(answer: Answer) -> None:
        values = answer.headers.get_list(name)
        if not any(re.search(pattern, found) for found in values):
            raise Wrong(f"The header {name} is {values or 'absent'}, expected {pattern!r}.")

    return check


def no_header(*names: str) -> Check:
    def check(answer: Answer) -> None:
        for name in names:
            if name in answer.headers:
                raise Wrong(f"There is a header {name}: {answer.headers[name]}.")

    return check


def no_body(answer: Answer) -> None:
    if answer.body:
        raise Wrong(f"There is a body of {len(answer.body)} bytes.")


def a_body(answer: Answer) -> None:
    if not answer.body:
        raise Wrong("There is no body.")


def warns(pattern: str) -> Check:
    """One of the Warning headers has this text, after colon and quotes (RUL-09)."""

    def check(answer: Answer) -> None:
        if not any(re.fullmatch(pattern, text) for text in answer.warnings):
            raise Wrong(f"The warnings are {answer.warnings or 'none'}, expected {pattern!r}.")

    return check


def in_its_words(parameter: str, rest: str) -> Check:
    """What is not supported is warned of in the words of PS3.18 8.3.4, or not at all."""
    text = f"The {parameter} parameter is not supported. {rest}"

    def check(answer: Answer) -> None:
        others = [w for w in answer.warnings if parameter in w.lower() and w != text]
        if others:
            raise Wrong(f"The warning is {others[0]!r}, expected {text!r}.")

    return check


def no_warning(pattern: str) -> Check:
    def check(answer: Answer) -> None:
        if any(re.search(pattern, text) for text in answer.warnings):
            raise Wrong(f"The warnings are {answer.warnings}.")

    return check


# DICOM JSON ---------------------------------------------------------------------------


def count(number: int) -> Check:
    def check(answer: Answer) -> None:
        if len(answer.rows) != number:
            raise Wrong(f"There are {len(answer.rows)} results, expected {number}.")

    return check


def finds(*things: str, by: str = STUDY_UID) -> Check:
    """Exactly these things of the material, in any order."""

    def check(answer: Answer) -> None:
        attribute = {STUDY_UID: "study_uid", SERIES_UID: "series_uid", INSTANCE_UID: "uid"}[by]
        names = {getattr(answer.session.thing(name), attribute): name for name in things}
        found = [value(row, by) for row in answer.rows]
        missing = sorted(name for uid, name in names.items() if uid not in found)
        surplus = [uid for uid in found if uid not in names]
        if missing or surplus or len(found) != len(set(found)):
            raise Wrong(f"{len(found)} results; missing: {missing}; too many: {surplus}.")

    return check


def finds_among(*things: str, but_not: Collection[str] = ()) -> Check:
    """These things are there and those are not, whatever else is."""

    def check(answer: Answer) -> None:
        found = {value(row, STUDY_UID) for row in answer.rows}
        session = answer.session
        missing = [name for name in things if session.thing(name).study_uid not in found]
        surplus = [name for name in but_not if session.thing(name).study_uid in found]
        if missing or surplus:
            raise Wrong(f"Missing: {missing}; should not be there: {surplus}.")

    return check


def has(*tags: str) -> Check:
    """Every result has these attributes, be they empty."""

    def check(answer: Answer) -> None:
        if not answer.rows:
            raise Wrong("There are no results.")
        for row in answer.rows:
            if missing := [tag for tag in tags if tag not in row]:
                raise Wrong(f"A result lacks {', '.join(missing)}.")

    return check


def lacks(*tags: str) -> Check:
    def check(answer: Answer) -> None:
        for row in answer.rows:
            if surplus := [tag for tag in tags if tag in row]:
                raise Wrong(f"A result has {', '.join(surplus)}.")

    return check


def attribute(tag: str, *values: Any, vr: str = "") -> Check:
    """The one result (or the first) has this attribute with these values."""

    def check(answer: Answer) -> None:
        if not answer.rows:
            raise Wrong("There are no results.")
        row = answer.rows[0]
        expected = [_filled(answer, one) for one in values]
        found = row.get(tag, {})
        values_found = found.get("Value", [])
        if found.get("vr") in ("DS", "IS", "SV", "UV"):  # numbers or strings (Table F.2.3-1)
            values_found, expected = list(map(str, values_found)), list(map(str, expected))
        if values_found != expected or (vr and found.get("vr") != vr):
            raise Wrong(f"{tag} is {str(found)[:200]}, expected {vr} {expected}.")

    return check


def _filled(answer: Answer, one: Any) -> Any:
    if isinstance(one, str):
        return answer.session.filled(one)
    if isinstance(one, dict):
        return {name: _filled(answer, inner) for name, inner in one.items()}
    return one


NOTHING: tuple[Check, ...] = (count(0),)
"""For a status of 204 or 200: that it is 204 is judged once (search-empty)."""


def octets(tag: str, expected: bytes) -> Check:
    """The attribute's value, be it in base 64 or behind a URI."""

    def check(answer: Answer) -> None:
        element = answer.rows[0].get(tag, {})
        found = b64decode(element.get("InlineBinary", ""))
        if "BulkDataURI" in element:
            url = urljoin(answer.url, element["BulkDataURI"])
            found = payload(answer.session.send(Http(f"GET {url}", OCTETS)))
        if found != expected:
            raise Wrong(f"{tag} is {str(element)[:160]}, {found[:16]!r}, expected {expected!r}.")

    return check


def elements(
    rows: list[dict[str, Any]],
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every attribute of data sets, those in items too: its tag, itself, what it stands in."""
    for row in rows:
        for tag, element in row.items():
            yield tag, element, row
            if element.get("vr") == "SQ":
                yield from elements([item for item in element.get("Value", []) if item])


def every_element(what: str, test: Callable[[str, dict[str, Any]], Any], vr: str = "") -> Check:
    """`test` holds of every attribute (of `vr`), at any depth."""

    def check(answer: Answer) -> None:
        looked_at = 0
        for tag, element, _ in elements(answer.rows):
            if vr and element.get("vr") != vr:
                continue
            looked_at += 1
            with lookups(what):
                holds_here = test(tag, element)
            if not holds_here:
                raise Wrong(f"It does not hold that {what}: {tag} is {str(element)[:200]}.")
        if not looked_at:
            raise Wrong(f"There is no attribute of {vr or 'any VR'} to look at.")

    return check


# Files --------------------------------------------------------------------------------


def objects(*things: str) -> Check:
    """The answer's files are exactly these objects."""

    def check(answer: Answer) -> None:
        wanted = sorted(answer.session.thing(name).uid for name in things)
        found = sorted(str(file.SOPInstanceUID) for file in answer.files)
        if found != wanted:
            raise Wrong(f"{len(found)} objects, not those {len(wanted)} expected.")

    return check


def syntax(*uids: str) -> Check:
    """Every file is in one of these transfer syntaxes, by its file meta."""

    def check(answer: Answer) -> None:
        for file in answer.files:
            found = str(file.file_meta.TransferSyntaxUID)
            if found not in uids:
                raise Wrong(f"The transfer syntax is {UID(found).name}.")

    return check


def each_part(what: str, test: Callable[[Answer, Any], Any]) -> Check:
    def check(answer: Answer) -> None:
        if not answer.parts:
            raise Wrong("There are no parts.")
        for number, part in enumerate(answer.parts, 1):
            with lookups(what):
                holds_here = test(answer, part)
            if not holds_here:
                raise Wrong(f"It does not hold that {what}: part {number} has {part.headers}.")

    return check


def parts(number: int) -> Check:
    def check(answer: Answer) -> None:
        if len(answer.parts) != number:
            raise Wrong(f"There are {len(answer.parts)} parts, expected {number}.")

    return check


def payload(answer: Answer) -> bytes:
    """The one value of an answer, be it multipart or not."""
    if answer.media_type.name != "multipart/related":
        return answer.body
    if len(answer.parts) != 1:
        raise Wrong(f"There are {len(answer.parts)} parts, not one.")
    return answer.parts[0].content


# Pictures -----------------------------------------------------------------------------


def size(columns: int, rows: int) -> Check:
    """Columns and rows of the picture, read from its own header."""

    def check(answer: Answer) -> None:
        found = dimensions(payload(answer))
        if found != (columns, rows):
            raise Wrong(f"The picture is {found[0]} x {found[1]}, expected {columns} x {rows}.")

    return check


def dimensions(picture: bytes) -> tuple[int, int]:
    if picture.startswith(b"\x89PNG"):
        columns, rows = struct.unpack(">2L", picture[16:24])
        return columns, rows
    if picture.startswith(b"GIF8"):
        columns, rows = struct.unpack("<2H", picture[6:10])
        return columns, rows
    if picture.startswith(b"\xff\xd8"):
        return _jpeg_frame(picture)[1:]
    raise Wrong(f"It is no PNG, GIF or JPEG; it begins with {picture[:8]!r}.")


def _jpeg_frame(picture: bytes) -> tuple[int, int, int]:
    """The marker of the frame header, columns and rows."""
    at = 2
    while at + 9 < len(picture):
        marker, length = struct.unpack(">HH", picture[at : at + 4])
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            rows, columns = struct.unpack(">HH", picture[at + 5 : at + 9])
            return marker, columns, rows
        at += 2 + length
    raise Wrong("The JPEG has no frame header.")


def baseline_jpeg(answer: Answer) -> None:
    marker = _jpeg_frame(payload(answer))[0]
    if marker != 0xFFC0:
        raise Wrong(f"The JPEG's frame header is {marker:04X}, not SOF0.")


def grey(answer: Answer) -> list[list[int]]:
    """The first channel of the answer's PNG, row by row."""
    return png_pixels(payload(answer))


def png_pixels(picture: bytes) -> list[list[int]]:
    """The first channel of a PNG of 8 bits that is not interlaced."""
    if not picture.startswith(b"\x89PNG"):
        raise Wrong("It is no PNG.")
    columns, rows, bits, kind = struct.unpack(">LLBB", picture[16:26])
    channels = {0: 1, 2: 3, 4: 2, 6: 4}.get(kind, 0)
    if bits != 8 or not channels or picture[28]:
        raise Wrong(f"The PNG has {bits} bits of colour type {kind}; 8 bits were expected.")
    data, at = b"", 8
    while at < len(picture):
        (length,) = struct.unpack(">L", picture[at : at + 4])
        if picture[at + 4 : at + 8] == b"IDAT":
            data += picture[at + 8 : at + 8 + length]
        at += 12 + length
    lines = _unfiltered(zlib.decompress(data), columns * channels, rows, channels)
    return [list(line[::channels]) for line in lines]


def _unfiltered(raw: bytes, width: int, rows: int, channels: int) -> Iterator[bytearray]:
    above = bytearray(width)
    for row in range(rows):
        start = row * (width + 1)
        line = bytearray(raw[start + 1 : start + 1 + width])
        for at in range(width):
            left = line[at - channels] if at >= channels else 0
            corner = above[at - channels] if at >= channels else 0
            predicted = (0, left, above[at], (left + above[at]) // 2, 0)
            kind = raw[start]
            add = _paeth(left, above[at], corner) if kind == 4 else predicted[kind]
            line[at] = (line[at] + add) % 256
        yield line
        above = line


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))
