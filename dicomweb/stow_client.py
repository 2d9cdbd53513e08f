"""Storing over STOW-RS into any server (PS3.18 10.5): one instance a request, a few at a time.

One a request, because then whatever a server answers is about that instance.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import IO, Any

import httpx

from dicomweb.sources import Source
from schemas.reasons import FAILURES

BLOCK_BYTES = 256 * 1024
TIMEOUT_SECONDS = 300
DETAIL_CHARACTERS_MAX = 300

_MEANINGS = {reason.code: reason.meaning for reason in FAILURES}


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
    return httpx.AsyncClient(timeout=TIMEOUT_SECONDS)


async def send(http: httpx.AsyncClient, url: str, source: Source) -> None:
    """Stores one source at `url`, streaming it.  Raises NotSent or Unreachable."""
    boundary = uuid.uuid4().hex
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Content-Length": str(len(head) + source.size_bytes + len(tail)),
        "Accept": "application/dicom+json",
    }
    try:
        answer = await http.post(
            studies_url(url), content=_body(head, source, tail), headers=headers
        )
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise Unreachable(f"{url} cannot be reached: {error}.") from None
    except httpx.HTTPError as error:
        raise NotSent(f"The connection broke: {type(error).__name__} {error}.") from None
    if answer.status_code not in (200, 202) or _failed(answer):
        raise NotSent(_detail(answer))


async def _body(head: bytes, source: Source, tail: bytes) -> AsyncIterator[bytes]:
    yield head
    with source.open() as file:
        while block := await asyncio.to_thread(_read, file):
            yield block
    yield tail


def _read(file: IO[bytes]) -> bytes:
    return file.read(BLOCK_BYTES)


def _module(answer: httpx.Response) -> dict[str, Any]:
    """The Store Instances Response Module (PS3.18 Annex I); empty if it is none."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    if isinstance(told, list):
        told = told[0] if told else {}
    return told if isinstance(told, dict) else {}


def _failed(answer: httpx.Response) -> list[dict[str, Any]]:
    """Items of Failed SOP Sequence and Other Failures Sequence."""
    module = _module(answer)
    items: list[dict[str, Any]] = []
    for tag in ("00081198", "0008119A"):
        items += module.get(tag, {}).get("Value", [])
    return items


def _detail(answer: httpx.Response) -> str:
    for item in _failed(answer):
        comment = _first(item, "00000902")
        code = _first(item, "00081197")
        meaning = _MEANINGS.get(code, "")
        reason = f" ({code:04X})" if isinstance(code, int) else ""
        return f"{comment or meaning or 'Refused without a reason.'}{reason}"
    text = " ".join(answer.text.split())[:DETAIL_CHARACTERS_MAX]
    return f"{answer.status_code} {answer.reason_phrase}: {text or 'no further word'}"


def _first(item: dict[str, Any], tag: str) -> Any:
    values = item.get(tag, {}).get("Value") or [None]
    return values[0]
