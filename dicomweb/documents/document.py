"""Document: a text as a tree of named entries, written as HTML, plain text or XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

DEPTH_MAX = 64
PLAIN_WIDTH = 96

Target = tuple[str, str, str]
"""Study, series and instance that an entry refers to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value with its name, and what belongs below it."""

    name: str
    value: str = ""
    entries: tuple[Entry, ...] = ()
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    facts: tuple[tuple[str, str], ...]
    """What it is about: patient, date and the like."""
    entries: tuple[Entry, ...]
    link: tuple[str, str] | None = None
    """A text and a URL of the thing itself, where this stands for another form of it."""


_STYLE = (
    "body{font:16px/1.45 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "dt{font-weight:600}dd{margin:0 0 .3rem 1.2rem}h1{font-size:1.5rem}"
    "table{border-collapse:collapse;margin-bottom:1.2rem}th{text-align:left;padding-right:1.2rem}"
    "p,dd,td{white-space:pre-wrap}"
)


def html(document: Document, base_url: str) -> str:
    """One HTML page, complete in itself; nothing of the object becomes markup."""
    facts = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in document.facts
        if value
    )
    link = ""
    if document.link is not None:
        text, url = document.link
        link = f'<p><a href="{escape(url)}">{escape(text)}</a></p>'
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(document.title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(document.title)}</h1><table>{facts}</table>{link}"
        f"{_html_entries(document.entries, base_url, 2)}</body></html>\n"
    )


def _html_entries(entries: Sequence[Entry], base_url: str, depth: int) -> str:
    if not entries or depth > DEPTH_MAX:
        return ""
    return "<dl>" + "".join(_html_entry(entry, base_url, depth) for entry in entries) + "</dl>"


def _html_entry(entry: Entry, base_url: str, depth: int) -> str:
    value = escape(entry.value)
    if entry.target is not None:
        study, series, instance = (escape(uid) for uid in entry.target)
        path = f"/studies/{study}/series/{series}/instances/{instance}/rendered"
        value = f'<a href="{escape(base_url)}{path}">{value}</a>'
    below = _html_entries(entry.entries, base_url, depth + 1)
    return f"<dt>{escape(entry.name)}</dt><dd>{value}{below}</dd>"


def plain(document: Document) -> str:
    """Lines; what belongs to an entry is indented below it."""
    lines = [document.title, "=" * min(len(document.title), PLAIN_WIDTH), ""]
    lines += [f"{name}: {value}" for name, value in document.facts if value]
    if document.link is not None:
        lines += ["", f"{document.link[0]}: {document.link[1]}"]
    lines.append("")
    lines += _plain_lines(document.entries, 0)
    return "\n".join(lines).rstrip() + "\n"


def _plain_lines(entries: Sequence[Entry], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for entry in entries if depth <= DEPTH_MAX else ():
        first, *rest = entry.value.splitlines() or [""]
        yield f"{indent}{entry.name}: {first}".rstrip() if entry.name else indent + first
        for line in rest:
            yield f"{indent}  {line}"
        yield from _plain_lines(entry.entries, depth + 1)


_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold (XML 1.0, 2.2)."""


def xml(document: Document) -> str:
    """The tree as XML: <document>, <fact> and nested <entry> elements."""
    facts = "".join(
        f"<fact name={_quoted(name)}>{_text(value)}</fact>"
        for name, value in document.facts
        if value
    )
    return (
        '<?xml version="1.0"?>\n'
        f"<document title={_quoted(document.title)}>{facts}"
        f"{_xml_entries(document.entries, 0)}</document>\n"
    )


def _xml_entries(entries: Sequence[Entry], depth: int) -> str:
    if depth > DEPTH_MAX:
        return ""
    return "".join(
        f"<entry name={_quoted(entry.name)}{_xml_target(entry.target)}>"
        f"{'<value>' + _text(entry.value) + '</value>' if entry.value else ''}"
        f"{_xml_entries(entry.entries, depth + 1)}</entry>"
        for entry in entries
    )


def _xml_target(target: Target | None) -> str:
    if target is None:
        return ""
    study, series, instance = (_quoted(uid) for uid in target)
    return f" study={study} series={series} instance={instance}"


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
