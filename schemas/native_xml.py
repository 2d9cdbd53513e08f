"""The DICOM JSON model <-> the Native DICOM Model in XML (PS3.19 A.1, PS3.18 F.3.1).

One data set is one document.  A document type declaration is refused before anything in it is
read, so that no entity is ever expanded or fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from pydicom.datadict import keyword_for_tag, tag_for_keyword

from schemas.elements import BY_VR, vr_in_dictionary
from schemas.json_forms import JsonDataSet
from schemas.reasons import NESTED_TOO_DEEPLY, NOT_DICOM, Refused
from schemas.walk import NESTING_MAX

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_BLOCKS = range(0x10, 0x100)
"""Elements of a group that reserve a block of private elements each (PS3.5 7.8.1)."""


# JSON -> XML -------------------------------------------------------------------------

_special = re.compile("[^\t\n -%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_ATTRIBUTE = str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'
)
_TAIL = "</NativeDicomModel>"


def document(dicom_json: bytes) -> bytes:
    """The document, in UTF-8, that says what a DICOM JSON object says.

    The BulkDataURIs in it have to be complete.  Characters that XML 1.0 cannot hold become U+FFFD.
    Private elements are written without their block, and so are the elements that reserve one.
    """
    data_set = json.loads(dicom_json, parse_float=str, parse_int=str)
    return "".join((_HEAD, *_attributes(data_set), _TAIL)).encode()


def _text(text: str) -> str:
    return _special.sub(lambda found: _ESCAPED.get(found[0], "\ufffd"), text)


def _quoted(text: str) -> str:
    return f'"{_text(text).translate(_IN_ATTRIBUTE)}"'


def _attributes(data_set: JsonDataSet) -> Iterator[str]:
    creators = _creators(data_set)
    for name, attribute in data_set.items():
        tag = int(name, 16)
        group, element = tag >> 16, tag & 0xFFFF
        if group & 1 and (group, element) in creators:
            continue
        creator = creators.get((group, element >> 8)) if group & 1 else None
        if creator is None:
            yield f'<DicomAttribute tag="{tag:08X}"'
        else:
            tag_without_block = f"{group:04X}00{element & 0xFF:02X}"
            yield f'<DicomAttribute tag="{tag_without_block}" privateCreator={_quoted(creator)}'
        yield f' vr="{attribute["vr"]}"'
        keyword = keyword_for_tag(tag)
        if keyword:
            yield f' keyword="{keyword}"'
        content = "".join(_content(attribute))
        yield f">{content}</DicomAttribute>" if content else "/>"


def _creators(data_set: JsonDataSet) -> dict[tuple[int, int], str]:
    """Who reserved which blocks, by group and block."""
    creators = {}
    for name, attribute in data_set.items():
        group, element = int(name[:4], 16), int(name[4:], 16)
        if group & 1 and element in _BLOCKS:
            values = attribute.get("Value", ())
            if len(values) == 1 and isinstance(values[0], str):
                creators[group, element] = values[0]
    return creators


def _content(attribute: Mapping[str, Any]) -> Iterator[str]:
    if "BulkDataURI" in attribute:
        yield f"<BulkData uri={_quoted(attribute['BulkDataURI'])}/>"
    if "InlineBinary" in attribute:
        yield f"<InlineBinary>{_text(attribute['InlineBinary'])}</InlineBinary>"
    write = _VALUES.get(attribute["vr"], _value)
    for number, value in enumerate(attribute.get("Value", ()), 1):
        yield from write(number, value)


def _value(number: int, value: object) -> Iterator[str]:
    if value is None:
        yield f'<Value number="{number}"/>'
    else:
        yield f'<Value number="{number}">{_text(str(value))}</Value>'


def _item(number: int, value: JsonDataSet | None) -> Iterator[str]:
    yield f'<Item number="{number}">'
    yield from _attributes(value or {})
    yield "</Item>"


def _person_name(number: int, value: Mapping[str, str] | None) -> Iterator[str]:
    yield f'<PersonName number="{number}">'
    for group in _GROUPS:
        if value and group in value:
            yield f"<{group}>{''.join(_name_components(value[group]))}</{group}>"
    yield "</PersonName>"


def _name_components(group: str) -> Iterator[str]:
    """One that is too many stays in the last; an empty last one says that there are as many."""
    texts = group.split("^", len(_COMPONENTS) - 1)
    for component, text in zip(_COMPONENTS, texts, strict=False):
        if text:
            yield f"<{component}>{_text(text)}</{component}>"
    if not texts[-1]:
        yield f"<{_COMPONENTS[len(texts) - 1]}/>"


_VALUES: dict[str, Callable[[int, Any], Iterator[str]]] = {"SQ": _item, "PN": _person_name}


# XML -> JSON -------------------------------------------------------------------------

_CHILDREN = {
    "NativeDicomModel": frozenset({"DicomAttribute"}),
    "Item": frozenset({"DicomAttribute"}),
    "DicomAttribute": frozenset({"Item", "Value", "PersonName", "BulkData", "InlineBinary"}),
    "PersonName": frozenset(_GROUPS),
    **dict.fromkeys(_GROUPS, frozenset(_COMPONENTS)),
}
_LEAVES = frozenset({"Value", "InlineBinary", *_COMPONENTS})
_INTEGERS = frozenset({"SL", "SS", "UL", "US"})
_FLOATS = frozenset({"FD", "FL"})
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_is_tag = re.compile(r"[0-9A-Fa-f]{8}").fullmatch


@dataclass(slots=True)
class _Attribute:
    """A DicomAttribute that has been opened."""

    tag: int
    vr: str
    creator: str | None
    numbered: dict[int, Any] = field(default_factory=dict)
    other: dict[str, str] = field(default_factory=dict)

    def add(self, number: str | None, value: object) -> None:
        index = _number(number) if number is not None else len(self.numbered) + 1
        if index in self.numbered:
            raise _malformed(f"two values have the number {index}")
        self.numbered[index] = value

    def values(self) -> list[Any]:
        """In the order of their numbers, none of which may be left out."""
        if not all(number in self.numbered for number in range(1, len(self.numbered) + 1)):
            raise _malformed("the numbers of values are not 1, 2, 3 ...")
        values = [self.numbered[number] for number in sorted(self.numbered)]
        return [] if values == [None] else values

    def json(self) -> dict[str, Any]:
        values = [_typed(self.vr, value) for value in self.values()]
        if len(self.other) + bool(values) > 1:
            raise _malformed("an attribute has its value in more than one form")
        return {"vr": self.vr, **self.other} | ({"Value": values} if values else {})


@dataclass(slots=True)
class _DataSet:
    """A data set that has been opened; its private attributes get their blocks at the end."""

    attributes: JsonDataSet = field(default_factory=dict)
    private: list[_Attribute] = field(default_factory=list)

    def add(self, attribute: _Attribute) -> None:
        if attribute.creator is not None and attribute.tag >> 16 & 1:
            self.private.append(attribute)
        else:
            self._put(attribute.tag, attribute.json())

    def _put(self, tag: int, json: dict[str, Any]) -> None:
        name = f"{tag:08X}"
        if name in self.attributes:
            raise _malformed(f"the attribute {name} is there twice")
        self.attributes[name] = json

    def json(self) -> JsonDataSet:
        """All in ascending order (PS3.18 F.2.2), the elements that reserve blocks put in."""
        creators: dict[tuple[int, int], str | None] = dict(_creators(self.attributes))
        for name in self.attributes:
            group, element = int(name[:4], 16), int(name[4:], 16)
            if group & 1:  # without a creator, a block is nobody's
                creators.setdefault((group, element >> 8 or element), None)
        for attribute in self.private:
            assert attribute.creator is not None, "it was put there for its creator"
            self._put(self._place(attribute.tag, attribute.creator, creators), attribute.json())
        return dict(sorted(self.attributes.items()))

    def _place(self, tag: int, creator: str, creators: dict[tuple[int, int], str | None]) -> int:
        """The tag in the first block of its creator where it is free (PS3.5 7.8.1)."""
        group = tag >> 16
        for block in _BLOCKS:
            if (group, block) not in creators:
                creators[group, block] = creator
                self._put(group << 16 | block, {"vr": "LO", "Value": [creator]})
            found = group << 16 | block << 8 | tag & 0xFF
            if creators[group, block] == creator and f"{found:08X}" not in self.attributes:
                return found
        raise _malformed("a group has more private creators than there are blocks")


class Reader:
    """Reads one document as it arrives.

    Elements that the model does not have are passed over.  What is refused is NOT_DICOM, or
    NESTED_TOO_DEEPLY for more than `nesting_max` sequences within each other.
    """

    def __init__(self, nesting_max: int = NESTING_MAX) -> None:
        self._depth_max = 2 * nesting_max + len(("NativeDicomModel", "PersonName", "", ""))
        self._open: list[str] = []
        self._passed_over = 0
        self._data_sets: list[_DataSet] = []
        self._attributes: list[_Attribute] = []
        self._numbers: list[str | None] = []
        self._person: dict[str, str] = {}
        self._components: dict[str, str] = {}
        self._text: list[str] | None = None
        self._done: JsonDataSet | None = None
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._document_type
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    def feed(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._parse(data, last=False)

    def close(self) -> JsonDataSet:
        """The DICOM JSON object; DS, IS, SV and UV in it are strings, as they were written."""
        self._parse(b"", last=True)
        assert self._done is not None, "a document that is well formed has a root"
        return self._done

    def _parse(self, data: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            raise _malformed(str(error)) from None
        except (LookupError, ValueError):
            raise _malformed("its encoding is not known") from None

    def _document_type(self, *_: object) -> None:
        raise _malformed("a document type declaration is not allowed")

    def _start(self, qualified: str, given: dict[str, str]) -> None:
        namespace, _, name = qualified.rpartition(" ")
        if self._passed_over:
            self._passed_over += 1
            return
        if namespace not in (NAMESPACE, ""):
            name = qualified
        if not self._open:
            if name != "NativeDicomModel":
                raise _malformed(f"its root is {name[:80]}, not NativeDicomModel")
        elif name not in _CHILDREN.get(self._open[-1], ()):
            self._passed_over = 1
            return
        self._open.append(name)
        if len(self._open) > self._depth_max:
            raise Refused(NESTED_TOO_DEEPLY)
        self._opened(name, given)

    def _opened(self, name: str, given: dict[str, str]) -> None:
        if name in _LEAVES:
            self._text = []
        match name:
            case "NativeDicomModel" | "Item":
                self._data_sets.append(_DataSet())
            case "DicomAttribute":
                self._attributes.append(_attribute(given))
            case "BulkData":
                self._attributes[-1].other["BulkDataURI"] = _bulk_data_uri(given)
            case "PersonName":
                self._person = {}
            case "Alphabetic" | "Ideographic" | "Phonetic":
                self._components = {}
        if name in ("Item", "Value", "PersonName"):
            self._numbers.append(given.get("number"))

    def _characters(self, text: str) -> None:
        if self._text is not None and not self._passed_over:
            self._text.append(text)

    def _end(self, _: str) -> None:
        if self._passed_over:
            self._passed_over -= 1
            return
        name = self._open.pop()
        text = "".join(self._text or ())
        self._text = None
        match name:
            case "NativeDicomModel":
                self._done = self._data_sets.pop().json()
            case "Item":
                self._attributes[-1].add(self._numbers.pop(), self._data_sets.pop().json())
            case "DicomAttribute":
                self._data_sets[-1].add(self._attributes.pop())
            case "Value":
                self._attributes[-1].add(self._numbers.pop(), text or None)
            case "PersonName":
                self._attributes[-1].add(self._numbers.pop(), self._person or None)
            case "InlineBinary":
                self._attributes[-1].other["InlineBinary"] = "".join(text.split())
            case "Alphabetic" | "Ideographic" | "Phonetic":
                if joined := _joined(self._components):
                    self._person[name] = joined
            case _ if name in _COMPONENTS:
                self._components[name] = text


def read(xml: bytes) -> JsonDataSet:
    """The DICOM JSON object that says what a document says; Refused as by Reader."""
    reader = Reader()
    reader.feed(xml)
    return reader.close()


def _joined(components: Mapping[str, str]) -> str:
    last = max((_COMPONENTS.index(name) for name in components), default=-1)
    return "^".join(components.get(name, "") for name in _COMPONENTS[: last + 1])


def _attribute(given: Mapping[str, str]) -> _Attribute:
    """The attribute that was opened; its tag may be told by the keyword, its VR by the tag."""
    stated, keyword = given.get("tag"), given.get("keyword", "")
    tag = tag_for_keyword(keyword) if stated is None and keyword else None
    if stated is not None and _is_tag(stated):
        tag = int(stated, 16)
    if tag is None:
        raise _malformed(f"{(stated or keyword)[:80]!r} is no tag")
    vr = given.get("vr") or vr_in_dictionary(tag).partition(" ")[0]
    if vr not in BY_VR:
        raise _malformed(f"{vr[:80]!r} is no value representation")
    return _Attribute(tag, vr, given.get("privateCreator"))


def _bulk_data_uri(given: Mapping[str, str]) -> str:
    uri, uuid = given.get("uri"), given.get("uuid")
    if uri is None and uuid is None:
        raise _malformed("a BulkData has neither uri nor uuid")
    return uri if uri is not None else f"urn:uuid:{uuid}"


def _typed(vr: str, value: Any) -> Any:
    """A text as JSON has it: numbers of binary VRs are numbers (PS3.18 Table F.2.3-1)."""
    of_sequence, of_name = vr == "SQ", vr == "PN"
    if value is None or isinstance(value, dict):
        if value is not None and not (of_sequence or of_name):
            raise _malformed(f"a value of VR {vr} is no text")
        return {} if of_sequence and value is None else value
    if of_sequence or of_name or BY_VR[vr].binary:
        raise _malformed(f"a value of VR {vr} is text")
    try:
        if vr in _INTEGERS:
            return int(value)
        if vr in _FLOATS:
            number = float(value)
            return _NOT_FINITE.get(str(number), number)
    except ValueError:
        raise _malformed(f"{value[:80]!r} is no number of VR {vr}") from None
    return value


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _malformed(f"{text[:80]!r} is no number of a value")
    return int(text)


def _malformed(why: str) -> Refused:
    return Refused(NOT_DICOM, f"The XML is no Native DICOM Model: {why}.")
