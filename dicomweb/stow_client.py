"""Storing over STOW-RS into any server (PS3.18 10.5): one instance a request, a few at a time.

One a request, because then whatever a server answers is about that instance.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from typing import IO, Any

import httpx
import orjson

from dicomweb.sources import Source
from schemas.reasons import FAILURES

BLOCK_BYTES = 256 * 1024
TIMEOUT_SECONDS = 300
"""Between two steps of a server, which may have gigabytes to look through before it answers."""
CONNECT_SECONDS = 15
ANSWER_BYTES_MAX = 16 * 1024**2
DETAIL_CHARACTERS_MAX = 300

_MEANINGS = {reason.code: reason.meaning for reason in FAILURES}
_NO_SERVER = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class NotSent(Exception):  # noqa: N818 - it is a verdict of the other side
    """The server did not store the instance; the text says why."""


class Unreachable(Exception):  # noqa: N818
    """There is no server to talk to; no further instance can be sent either."""


def studies_url(url: str) -> str:
    """Where to store at a service root, or at a URL that says /studies itself."""
    bare = url.rstrip("/")
    return bare if bare.endswith("/studies") else f"{bare}/studies"


def client() -> httpx.AsyncClient:
    """Connections to a server, to be closed by the caller."""
    return httpx.AsyncClient(timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS))


async def send(http: httpx.AsyncClient, url: str, source: Source) -> None:
    """Stores one source at `url`, streaming it.

    Raises NotSent, Unreachable, or what reading the source raises (`sources.READ_ERRORS`).
    """
    boundary = uuid.uuid4().hex
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Content-Length": str(len(head) + source.size_bytes + len(tail)),
        "Accept": "application/dicom+json",
    }
    body = _body(head, source, tail)
    try:
        async with http.stream("POST", studies_url(url), content=body, headers=headers) as answer:
            told = await _told(answer)
    except _NO_SERVER as error:
        shown = re.sub(r"//.*@", "//", url)  # without a password
        raise Unreachable(f"{shown} cannot be reached: {_named(error)}.") from None
    except httpx.HTTPError as error:
        raise NotSent(f"The connection broke: {_named(error)}.") from None
    failed = _failed(told)
    if failed:
        raise NotSent(_why(failed[0]))
    if answer.status_code not in (200, 202):
        raise NotSent(_status(answer, told))


async def _body(head: bytes, source: Source, tail: bytes) -> AsyncIterator[bytes]:
    yield head
    left_bytes = source.size_bytes
    with source.open() as file:
        while block := await asyncio.to_thread(_read, file):
            left_bytes -= len(block)
            if left_bytes < 0:
                break
            yield block
    if left_bytes:
        raise NotSent("It is not of the size any more that it had when it was found.")
    yield tail


def _read(file: IO[bytes]) -> bytes:
    return file.read(BLOCK_BYTES)


def _named(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip().rstrip(".")


# Answers: outside input, which may have any form ----------------------------------


async def _told(answer: httpx.Response) -> bytes:
    """The body of an answer; what goes beyond the limit is left unread."""
    told = bytearray()
    async for block in answer.aiter_bytes():
        told += block
        if len(told) > ANSWER_BYTES_MAX:
            break
    return bytes(told)


def _failed(told: bytes) -> list[object]:
    """Items of Failed SOP Sequence and Other Failures Sequence (PS3.18 Annex I)."""
    try:
        module = orjson.loads(told)
    except orjson.JSONDecodeError:
        return []
    if isinstance(module, list):
        module = module[0] if module else {}
    return [item for tag in ("00081198", "0008119A") for item in _values(module, tag)]


def _values(item: object, tag: str) -> list[Any]:
    """Values of an attribute in the DICOM JSON model; none if `item` is not in that model."""
    attribute = item.get(tag) if isinstance(item, dict) else None
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return values if isinstance(values, list) else []


def _why(item: object) -> str:
    """Of a failed instance: the server's comment or else the meaning of its reason; the reason."""
    comment = next((v for v in _values(item, "00000902") if isinstance(v, str)), "")
    code = next((v for v in _values(item, "00081197") if isinstance(v, int)), None)
    said = _line(comment) or _MEANINGS.get(code, "") or "The server refused it."
    return said if code is None else f"{said} ({code:04X})"


def _status(answer: httpx.Response, told: bytes) -> str:
    said = _line(told[: 16 * DETAIL_CHARACTERS_MAX].decode("utf-8", "replace"))
    return f"{answer.status_code} {_line(answer.reason_phrase)}: {said or 'no further word'}"


def _line(text: str) -> str:
    """A text of the server's on one short line that cannot steer a terminal."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:DETAIL_CHARACTERS_MAX]
