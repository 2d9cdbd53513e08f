"""multipart/related (RFC 2046 5.1, PS3.18 8.6.1.2): a strict reader and a writer.

Strict, because it judges: whatever is not by the letter is `Wrong`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message

from conformance.suite.case import Wrong

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")


@dataclass(frozen=True, slots=True)
class MediaType:
    name: str
    """Type and subtype in lower case."""
    parameters: dict[str, str]
    """By name in lower case, unquoted."""


def media_type(text: str) -> MediaType:
    message = Message()
    message["Content-Type"] = text
    parameters = message.get_params(failobj=[], unquote=True)
    named = {name.lower(): value for name, value in parameters[1:]}
    return MediaType(parameters[0][0].strip().lower() if parameters else "", named)


@dataclass(frozen=True, slots=True)
class Part:
    headers: dict[str, str]
    """By name in lower case."""
    content: bytes

    @property
    def media_type(self) -> MediaType:
        return media_type(self.headers.get("content-type", ""))

    @property
    def location(self) -> str:
        return self.headers.get("content-location", "")


def read(body: bytes, content_type: str) -> list[Part]:
    """The parts of `body`; Wrong where it is not multipart by the letter."""
    kind = media_type(content_type)
    if kind.name != "multipart/related":
        raise Wrong(f"The Content-Type is {content_type!r}, not multipart/related.")
    boundary = kind.parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Wrong(f"The boundary {boundary!r} is not 1 to 70 of the characters allowed.")
    delimiter = b"\r\n--" + boundary.encode("ascii")
    preamble, *pieces = (b"\r\n" + body).split(delimiter)
    if preamble.strip():
        raise Wrong(f"There is text before the first delimiter: {preamble[:40]!r}.")
    if not pieces or not pieces[-1].startswith(b"--"):
        raise Wrong("The body ends without a closing delimiter.")
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> Part:
    line_end, _, rest = piece.partition(b"\r\n")
    if line_end.strip():
        raise Wrong(f"A delimiter is followed by {line_end[:40]!r}.")
    if rest.startswith(b"\r\n"):
        return Part({}, rest[2:])
    head, end, content = rest.partition(b"\r\n\r\n")
    if not end:
        raise Wrong("The headers of a part do not end with an empty line.")
    headers = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon:
            raise Wrong(f"A part has a malformed header line {line[:60]!r}.")
        headers[name.strip().lower()] = value.strip()
    return Part(headers, content)


def write(
    parts: Iterable[tuple[dict[str, str], bytes]],
    type: str,
    *,
    boundary: str = "suite-boundary",
    quoted: bool = True,
    before: bytes = b"",
    after: bytes = b"",
) -> tuple[bytes, str]:
    """A body and its Content-Type; `before` and `after` are preamble and epilogue."""
    body = [before]
    for headers, content in parts:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body += [f"\r\n--{boundary}\r\n{lines}\r\n".encode(), content]
    body += [f"\r\n--{boundary}--\r\n".encode(), after]
    shown = f'"{type}"' if quoted else type
    return b"".join(body), f'multipart/related; type={shown}; boundary="{boundary}"'
