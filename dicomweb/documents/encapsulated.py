"""Encapsulated documents: what is in the object as a file (PS3.3 A.45, OBJ-06)."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.parsers import expat

from dicomweb.documents.document import DEPTH_MAX, Document, Entry
from dicomweb.documents.facts import facts
from schemas.keywords import DataSet
from schemas.reasons import UNRENDERABLE, Refused

PDF, XML = "application/pdf", "text/xml"
NAMES = {
    "application/pdf": "PDF",
    "text/xml": "CDA",
    "model/stl": "STL model",
    "model/obj": "OBJ model",
    "model/mtl": "MTL materials",
}
TEXT_CHARACTERS_MAX = 4 * 1024 * 1024


def media_type(ds: DataSet) -> str:
    """MIME Type of Encapsulated Document."""
    return ds.text("MIMETypeOfEncapsulatedDocument").lower()


def octets(ds: DataSet) -> bytes:
    """The file, without the byte that makes its length even."""
    data = ds.octets("EncapsulatedDocument")
    length = ds.whole("EncapsulatedDocumentLength", len(data))
    if not data:
        raise Refused(UNRENDERABLE, "There is no document in the instance, or it is too large.")
    return data[:length] if 0 < length <= len(data) else data


def document(ds: DataSet, pages: list[str], link: tuple[str, str] | None) -> Document:
    """A document around the text of `pages`, with a link to the file itself."""
    kind = NAMES.get(media_type(ds), media_type(ds) or "document")
    entries = [
        Entry(f"Page {number}", text.strip())
        for number, text in enumerate(pages, 1)
        if text.strip()
    ]
    title = ds.text("DocumentTitle") or f"Encapsulated {kind}"
    described = (
        *facts(ds),
        ("Document", kind),
        ("Bytes", str(ds.whole("EncapsulatedDocumentLength") or "")),
    )
    return Document(title, described, tuple(entries), link)


def clinical(ds: DataSet) -> Document:
    """The title and the narrative of a CDA document (HL7 CDA R2); Refused where it is none.

    A document type declaration is not read: entities can be bombs.
    """
    root = _parsed(octets(ds))
    title = _text(_child(root, "title")) or ds.text("DocumentTitle") or "Clinical Document"
    return Document(title, facts(ds), tuple(_sections(root, 0)))


def _parsed(data: bytes) -> ElementTree.Element:
    parser = ElementTree.XMLParser()  # noqa: S314 - declarations are refused right below
    guard = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise Refused(UNRENDERABLE, "The document declares entities, which are not read.")

    guard.StartDoctypeDeclHandler = refuse
    try:
        guard.Parse(data, True)
        parser.feed(data)
        return parser.close()
    except (expat.ExpatError, ElementTree.ParseError, ValueError) as error:
        raise Refused(UNRENDERABLE, f"The document is no XML: {error}.") from None


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _child(element: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next((child for child in element if _local(child) == name), None)


def _text(element: ElementTree.Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _sections(element: ElementTree.Element, depth: int) -> Iterator[Entry]:
    if depth > DEPTH_MAX:
        return
    for child in element:
        if _local(child) == "section":
            narrative = _child(child, "text")
            lines = "" if narrative is None else "\n".join(_narrative(narrative))
            below = tuple(_sections(child, depth + 1))
            yield Entry(_text(_child(child, "title")), lines[:TEXT_CHARACTERS_MAX], below)
        elif _local(child) in ("component", "structuredBody"):
            yield from _sections(child, depth + 1)
        elif _local(child) == "nonXMLBody":
            yield Entry("Body", _text(child)[:TEXT_CHARACTERS_MAX])


_BLOCKS = {"paragraph", "list", "item", "table", "thead", "tbody", "tr", "caption", "br", "text"}


def _narrative(element: ElementTree.Element) -> list[str]:
    """The lines of a narrative block: cells of a row are in one line."""
    lines = [""]

    def walk(one: ElementTree.Element, depth: int) -> None:
        if depth > DEPTH_MAX:
            return
        block = _local(one) in _BLOCKS
        if block and lines[-1].strip():
            lines.append("")
        lines[-1] += one.text or ""
        for child in one:
            walk(child, depth + 1)
            lines[-1] += (" " if _local(child) in ("td", "th") else "") + (child.tail or "")
        if block and lines[-1].strip():
            lines.append("")

    walk(element, 0)
    return [" ".join(line.split()) for line in lines if line.strip()]
