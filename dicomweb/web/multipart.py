"""multipart/related without I/O (RFC 2046 5.1, PS3.18 8.6.1.2): a reader and a writer.

The reader is fed bytes as they arrive and gives events; the writer gives what stands between the
parts.  Neither joins the data of a part: it passes through in the slices it came in.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dicomweb.web.negotiate import MediaType
from schemas.reasons import BAD_REQUEST, Refused

HEADERS_BYTES_MAX = 16 * 1024
PARTS_MAX = 100_000
PREAMBLE_BYTES_MAX = 64 * 1024
PADDING_BYTES_MAX = 256

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_FIELD_NAME = re.compile(r"[!-9;-~]+")
_TOKEN = re.compile(r"[0-9A-Za-z'+_\-.]+")
_ENDING = re.compile(rb"(?P<last>--)|[ \t]{0,%d}+(?:(?P<next>\r?\n)|\r?\Z)|-\Z" % PADDING_BYTES_MAX)
"""What may follow the boundary in a delimiter; anything else makes it data that looks alike.

With neither name it is what either may begin with.
"""


@dataclass(frozen=True, slots=True)
class PartBegin:
    headers: dict[str, str]
    """By name in lower case; of a name sent twice, the last."""


@dataclass(frozen=True, slots=True)
class PartData:
    data: bytes
    """Never empty."""


@dataclass(frozen=True, slots=True)
class PartEnd:
    pass


Event = PartBegin | PartData | PartEnd


def boundary_of(media_type: MediaType) -> bytes:
    """The boundary parameter of a multipart Content-Type; Refused if missing or not legal."""
    boundary = media_type.value("boundary")
    if boundary is None:
        raise Refused(BAD_REQUEST, f"The Content-Type {media_type.name} has no boundary.")
    if not _BOUNDARY.fullmatch(boundary):
        raise Refused(
            BAD_REQUEST,
            f"The boundary {boundary[:80]!r} is not made of 1 to 70 of the characters allowed.",
        )
    return boundary.encode("ascii")


class Reader:
    """Parts out of the bytes of a body, however they are cut.

    A delimiter is CRLF, two hyphens and the boundary, followed by two hyphens or the end of the
    line.  Each state is a method that eats from the buffer and returns events, or None for more
    bytes.
    """

    def __init__(
        self,
        boundary: bytes,
        *,
        headers_bytes_max: int = HEADERS_BYTES_MAX,
        parts_max: int = PARTS_MAX,
    ) -> None:
        assert _BOUNDARY.fullmatch(boundary.decode("ascii"))
        self._dashes = b"--" + boundary
        self._delimiter = b"\r\n" + self._dashes
        self._headers_bytes_max = headers_bytes_max
        self._parts_max = parts_max
        self._parts = 0
        self._preamble_bytes = 0
        self._headers: dict[str, str] = {}
        self._headers_room = 0
        self._last_name: str | None = None
        self._buffer = b""
        self._at = 0
        self._state: Callable[[], list[Event] | None] = self._beginning

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events in `data`, to be taken before the next call; Refused if it is malformed."""
        self._buffer = self._buffer[self._at :] + data
        self._at = 0
        while (events := self._state()) is not None:
            yield from events
        self._buffer = self._buffer[self._at :]
        self._at = 0

    def close(self) -> None:
        """Say that the body ended; Refused if the closing delimiter has not been seen."""
        if self._state != self._epilogue:
            raise Refused(BAD_REQUEST, "The multipart body ends before its closing delimiter.")

    def _beginning(self) -> list[Event] | None:
        return self._bare_delimiter([], otherwise=self._preamble)

    def _preamble(self) -> list[Event] | None:
        end, ending = self._search(self._delimiter[1:])
        self._preamble_bytes += end - self._at
        self._at = end
        if self._preamble_bytes > PREAMBLE_BYTES_MAX:
            raise Refused(
                BAD_REQUEST,
                f"The multipart body has no boundary in its first {PREAMBLE_BYTES_MAX} bytes.",
            )
        return self._pass(ending, []) if ending else None

    def _header_lines(self) -> list[Event] | None:
        """One line; an empty one ends the headers (RFC 2046 5.1, RFC 5322 2.2)."""
        end = self._buffer.find(b"\n", self._at, self._at + self._headers_room) + 1
        if not end:
            if len(self._buffer) - self._at >= self._headers_room:
                limit = self._headers_bytes_max
                raise Refused(BAD_REQUEST, f"The headers of a part are longer than {limit} bytes.")
            return None
        line = self._buffer[self._at : end - 1].removesuffix(b"\r").decode("latin-1")
        self._headers_room -= end - self._at
        self._at = end
        if line:
            self._add_header(line)
            return []
        self._state = self._part
        return [PartBegin(self._headers)]

    def _add_header(self, line: str) -> None:
        if line[0] in " \t" and self._last_name is not None:
            folded = f"{self._headers[self._last_name]} {line.strip()}"
            self._headers[self._last_name] = folded.strip()
            return
        name, colon, value = line.partition(":")
        self._last_name = name.rstrip(" \t").lower()
        if not colon or not _FIELD_NAME.fullmatch(self._last_name):
            raise Refused(BAD_REQUEST, f"A part's header line {line[:80]!r} is malformed.")
        self._headers[self._last_name] = value.strip(" \t\r")

    def _part(self) -> list[Event] | None:
        return self._bare_delimiter([PartEnd()], otherwise=self._data)

    def _data(self) -> list[Event] | None:
        end, ending = self._search(self._delimiter)
        data = self._buffer[self._at : end]
        self._at = end
        events: list[Event] = [PartData(data)] if data else []
        if ending:
            return self._pass(ending, [*events, PartEnd()])
        return events or None

    def _epilogue(self) -> list[Event] | None:
        self._at = len(self._buffer)
        return None

    def _bare_delimiter(
        self, events: list[Event], *, otherwise: Callable[[], list[Event] | None]
    ) -> list[Event] | None:
        """A delimiter without its CRLF, which the body's beginning or an empty line stands for."""
        end = self._at + len(self._dashes)
        here = self._buffer[self._at : end]
        if len(here) < len(self._dashes) and self._dashes.startswith(here):
            return None
        ending = _ENDING.match(self._buffer, end) if here == self._dashes else None
        if ending is None:
            self._state = otherwise
            return []
        return self._pass(ending, events) if ending.lastgroup else None

    def _pass(self, ending: re.Match[bytes], events: list[Event]) -> list[Event]:
        """Step over a delimiter, to the headers of the next part or to the epilogue."""
        self._at = ending.end()
        if ending.lastgroup == "last":
            self._state = self._epilogue
            return events
        self._parts += 1
        if self._parts > self._parts_max:
            self._state = self._too_many
            return events
        self._headers, self._last_name = {}, None
        self._headers_room = self._headers_bytes_max
        self._state = self._header_lines
        return events

    def _too_many(self) -> list[Event]:
        raise Refused(BAD_REQUEST, f"The body has more than {self._parts_max} parts.")

    def _search(self, delimiter: bytes) -> tuple[int, re.Match[bytes] | None]:
        """Where the next delimiter begins and how it ends; None if it may yet become one there.

        Without one in sight that is the end of the buffer, or the few bytes of a delimiter cut in
        two.  Its first byte occurs nowhere else in it, so the search never looks at a byte twice.
        """
        at = self._buffer.find(delimiter, self._at)
        while at >= 0:
            ending = _ENDING.match(self._buffer, at + len(delimiter))
            if ending:
                return at, ending if ending.lastgroup else None
            at = self._buffer.find(delimiter, at + len(delimiter))
        tail = max(self._at, len(self._buffer) - len(delimiter) + 1)
        at = self._buffer.rfind(delimiter[:1], tail)
        cut = at >= 0 and delimiter.startswith(self._buffer[at:])
        return at if cut else len(self._buffer), None


class Writer:
    """What stands before, between and after the parts of one answer."""

    def __init__(self, type: str, boundary: str | None = None) -> None:
        self.type = type
        self.boundary = boundary or secrets.token_hex(16)
        assert _BOUNDARY.fullmatch(self.boundary)
        self._delimiter = f"--{self.boundary}\r\n"

    @property
    def content_type(self) -> str:
        """The Content-Type of the answer, its type in quotes as in the examples of PS3.18 8.7.1."""
        boundary = self.boundary if _TOKEN.fullmatch(self.boundary) else f'"{self.boundary}"'
        return f'multipart/related; type="{self.type}"; boundary={boundary}'

    def head(self, headers: Sequence[tuple[str, str]]) -> bytes:
        """What goes before the data of the next part; names are written as they are given.

        Nothing goes before the first delimiter: RFC 2046 5.1.1 wants no CRLF there.
        """
        assert not any("\r" in text or "\n" in text for header in headers for text in header)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"{self._delimiter}{lines}\r\n".encode("latin-1")
        self._delimiter = f"\r\n--{self.boundary}\r\n"
        return head

    def tail(self) -> bytes:
        """What goes after the data of the last part."""
        return f"\r\n--{self.boundary}--\r\n".encode("ascii")
