"""Message: the metadata of several instances and the bulk values they refer to, as one request
brings them (PS3.18 10.5.1.4), and the instances that come of it.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from dicomweb.engine.archive import Archive
from dicomweb.engine.composing import Composed, Part, compose
from dicomweb.engine.ingest import NotStored, Outcome, Upload
from dicomweb.engine.spool import Spool
from schemas import data_set, native_xml
from schemas.json_forms import JsonDataSet
from schemas.reasons import NOT_DICOM, TOO_LARGE, UNREFERENCED, Refused
from schemas.reencoding import Span

READ_BYTES = 1024 * 1024
IN_FLIGHT_MAX = 8
"""Instances of one message that are being made durable while the next ones are composed."""

_FRAME = re.compile(r"(?P<of>.+)/frames/(?P<number>[0-9]{1,9})")
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


@dataclass(frozen=True, slots=True)
class _Metadata:
    text: bytes
    parse: Callable[[bytes], Any]


class Message:
    """Parts go in, in any order (STOW-19); `outcomes` makes instances of them, once all are there.

    Memory holds the texts of the metadata, `max_metadata_bytes` of them, and one instance of it
    parsed.
    """

    def __init__(self, archive: Archive, base_url: str) -> None:
        self._archive = archive
        self._base_url = base_url
        self._metadata: list[_Metadata] = []
        self._metadata_bytes = 0
        self._by_location: dict[str, list[Part]] = {}
        self._by_id: dict[str, list[Part]] = {}
        self._numbered: dict[str, dict[int, Part]] = {}
        self._unused: dict[int, Part] = {}
        self.spool = Spool(archive)

    def room(self, more_bytes: int) -> None:
        """Counts bytes of metadata that came.  Raises Refused (TOO_LARGE)."""
        self._metadata_bytes += more_bytes
        bytes_max = self._archive.settings.max_metadata_bytes
        if self._metadata_bytes > bytes_max:
            raise Refused(TOO_LARGE, f"The metadata is longer than {bytes_max} bytes.")

    def add_json(self, text: bytes) -> None:
        """An array of data sets, or one alone (RUL-16).  Raises Refused (NOT_DICOM)."""
        self._metadata += [_Metadata(one, data_set.parse) for one in objects(text)]

    def add_xml(self, text: bytes) -> None:
        """A document of the Native DICOM Model."""
        self._metadata.append(_Metadata(text, native_xml.read))

    def add_bulk(self, part: Part, location: str | None, content_id: str | None) -> None:
        """A value, or a frame, that is called so; several of one name are frames (RUL-12)."""
        self._unused[id(part)] = part
        if location is not None:
            name = self._absolute(location)
            self._by_location.setdefault(name, []).append(part)
            if frame := _FRAME.fullmatch(name):
                frames = self._numbered.setdefault(frame["of"], {})
                frames[int(frame["number"])] = part
        if content_id is not None:
            self._by_id.setdefault(content_id.strip().strip("<>"), []).append(part)

    def _find(self, uri: str) -> Sequence[Part]:
        """The parts that a BulkDataURI leads to; nothing is ever fetched (STOW-17)."""
        found = self._called(uri)
        for part in found:
            self._unused.pop(id(part), None)
        return found

    def _called(self, uri: str) -> Sequence[Part]:
        if uri.lower().startswith("cid:"):
            return self._by_id.get(uri[len("cid:") :], ())
        name = self._absolute(uri)
        parts = self._by_location.get(name)
        if parts is not None:
            return parts
        frames = self._numbered.get(name, {})
        if sorted(frames) == [*range(1, len(frames) + 1)]:
            return [frames[number] for number in sorted(frames)]
        return ()

    def _absolute(self, uri: str) -> str:
        """The URI resolved against the request's, its escapes in one form (RFC 3986 6.2.2)."""
        try:
            return _ESCAPE.sub(_normal, urljoin(self._base_url, uri.strip()))
        except ValueError:
            return uri

    # Instances ------------------------------------------------------------------------

    async def outcomes(self, upload: Callable[[], Upload]) -> AsyncIterator[Outcome]:
        """What became of each instance, in the order of the metadata; `upload` gives a new one."""
        storing: deque[asyncio.Task[Outcome]] = deque()
        last: Upload | None = None
        all_composed = True
        try:
            for metadata in self._metadata:
                current = upload()
                if last is not None and len(storing) >= IN_FLIGHT_MAX:
                    yield await storing.popleft()
                outcome = await self._fill(current, metadata)
                if outcome is not None:
                    all_composed = False
                    while storing:
                        yield await storing.popleft()
                    yield outcome
                    continue
                storing.append(asyncio.create_task(current.finish(last)))
                last = current
            while storing:
                yield await storing.popleft()
            if self._unused and all_composed:
                sentence = f"{len(self._unused)} parts are called nothing that the metadata names."
                yield NotStored(UNREFERENCED, sentence)
        finally:
            await asyncio.shield(asyncio.gather(*storing, return_exceptions=True))

    async def _fill(self, upload: Upload, metadata: _Metadata) -> NotStored | None:
        """Writes an instance to its upload; what is wrong with it otherwise."""
        said: list[JsonDataSet] = []

        def composed() -> Composed:
            parsed = metadata.parse(metadata.text)
            said.append(parsed)
            return compose(parsed, self._find, self.spool.read, self.spool.append)

        try:
            made = await self._archive.run(composed)
            upload.note(made.problems)
            for piece in made.pieces:
                if isinstance(piece, bytes):
                    await upload.write(piece)
                    continue
                for begin, length in _blocks(piece):
                    await upload.write(await self._archive.run(self._reading(begin, length)))
        except Refused as refused:
            await upload.discard()
            uids = _uids(said[0]) if said else ("", "")
            return NotStored(refused.reason, refused.detail, *uids)
        except BaseException:
            await upload.discard()
            raise
        return None

    def _reading(self, begin: int, length: int) -> Callable[[], bytes]:
        return lambda: self.spool.read(begin, length)


def _blocks(span: Span) -> Iterator[tuple[int, int]]:
    end = span.offset + span.length
    for begin in range(span.offset, end, READ_BYTES):
        yield begin, min(READ_BYTES, end - begin)


def _uids(metadata: JsonDataSet) -> tuple[str, str]:
    """SOP Class and SOP Instance UID as far as the metadata has them."""
    return _uid(metadata, "00080016"), _uid(metadata, "00080018")


def _uid(metadata: Any, tag: str) -> str:
    attribute = metadata.get(tag) if isinstance(metadata, dict) else None
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    value = values[0] if isinstance(values, list) and values else ""
    return value[:64] if isinstance(value, str) else ""


def _normal(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


# JSON ----------------------------------------------------------------------------------

_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|[][{}]', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,]*")
_BRACKETS = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}


def objects(text: bytes) -> Iterator[bytes]:
    """The text of each object in a JSON array, or of the only object there is.

    They are cut out, not parsed, so that one at a time can be.  Raises Refused (NOT_DICOM).
    """
    text = text.removeprefix(b"\xef\xbb\xbf").strip()
    in_array = text[:1] == b"["
    if not in_array and text[:1] != b"{":
        raise Refused(NOT_DICOM, "The metadata is no JSON array of objects.")
    outside = 1 if in_array else 0
    depth, begin, end = 0, 0, outside
    for token in _TOKENS.finditer(text):
        step = _BRACKETS.get(token[0][:1], 0)
        if depth == outside and step == 1:
            begin = token.start()
            if not _BETWEEN.fullmatch(text, end, begin) or token[0] != b"{":
                break
        depth += step
        if depth == outside and step == -1:
            end = token.end()
            yield text[begin:end]
        if depth < outside or depth == 0:
            break
    closed = depth == 0 and _BETWEEN.fullmatch(text, end, len(text) - outside)
    if not closed:
        raise Refused(NOT_DICOM, "The metadata is no JSON array of objects, or it is cut.")
