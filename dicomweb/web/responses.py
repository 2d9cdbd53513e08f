"""Responses as ASGI messages: JSON and problems; those of parts are in contents.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import NamedTuple

import orjson
from starlette.types import Receive, Scope, Send

from dicomweb.store.extents import Extent
from dicomweb.web.negotiate import Offer, negotiate
from schemas.reasons import Refused

Header = tuple[str, str]


Piece = bytes | Extent
Still = Callable[[], bool]


class Marks(NamedTuple):
    """What an answer has for itself that one alike does not have."""

    tag: str
    modified: str
    """Its Last-Modified."""
    location: str
    """Its Content-Location, or that of its only part."""
    body: Piece


Alike = Callable[[str], Marks | None]
"""By the path of a request that has all else in common with one that was answered: what is other
about its answer, if that can be told without waiting, and nothing else is other.
"""
Body = AsyncIterator[bytes] | AsyncIterator[bytes | list[Piece]]

PIECES = "dicomweb.response.pieces"
"""Our extension of ASGI: a message of this type has `pieces`, a list of them, where one of type
http.response.body has `body`.  A server that knows it sends them by as few system calls as it can,
and extents without a copy; and http.response.start may have `still` and `alike`, as a Response has.
"""


@dataclass(slots=True)
class Response:
    """Status, headers and body; an ASGI application that sends them once."""

    status: int
    headers: list[Header] = field(default_factory=list)
    body: bytes | list[Piece] | Body = b""
    """Bytes, pieces to be sent one after the other, or a stream of either."""
    length: int | None = None
    """Content-Length of a stream, where it is known; of bytes and pieces it is counted."""
    still: Still | None = None
    """Whether the same request would be answered so again, to be told without waiting."""
    alike: Alike | None = None
    """Of an answer in one piece, or one part, that others are like."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status, "headers": self._head()}
        knows = PIECES in scope.get("extensions", ())
        await send(start | {"still": self.still, "alike": self.alike} if knows else start)
        if scope["method"] == "HEAD":
            await _close(self.body)
            await _send_last(send, b"")
        elif isinstance(self.body, bytes):
            await _send_last(send, self.body)
        else:
            pieces = _send_pieces if knows else _send_each
            if isinstance(self.body, list):
                await pieces(send, self.body, more=False)
                return
            async for some in self.body:
                if isinstance(some, bytes):
                    await send({"type": "http.response.body", "body": some, "more_body": True})
                else:
                    await pieces(send, some, more=True)
            await _send_last(send, b"")

    def _head(self) -> list[tuple[bytes, bytes]]:
        head = [(_lowered(name), value.encode("latin-1")) for name, value in self.headers]
        length = self._length()
        if length is not None and self.status not in (204, 304):
            head.append((b"content-length", b"%d" % length))
        return head

    def _length(self) -> int | None:
        if isinstance(self.body, bytes):
            return len(self.body)
        if isinstance(self.body, list):
            return sum(len(piece) for piece in self.body)
        return self.length


async def _send_pieces(send: Send, pieces: list[Piece], *, more: bool) -> None:
    await send({"type": PIECES, "pieces": pieces, "more_body": more})


async def _send_each(send: Send, pieces: list[Piece], *, more: bool) -> None:
    """For servers that know ASGI alone."""
    async for chunk in _chunks_of(pieces):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    if not more:
        await _send_last(send, b"")


async def _chunks_of(pieces: list[Piece]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        else:
            async for chunk in piece:
                yield chunk


async def chunks(body: Body) -> AsyncIterator[bytes]:
    """A stream as bytes, for what has to see them."""
    async for some in body:
        async for chunk in _chunks_of([some] if isinstance(some, bytes) else some):
            yield chunk


async def joined(pieces: list[Piece]) -> bytes:
    """All of the pieces, which are few and small, as bytes."""
    return b"".join([chunk async for chunk in _chunks_of(pieces)])


@lru_cache
def _lowered(name: str) -> bytes:
    return name.lower().encode()


async def _send_last(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _close(body: bytes | list[Piece] | Body) -> None:
    """A stream that nobody reads lets go of what it holds."""
    if close := getattr(body, "aclose", None):
        await close()


def dicom_json(body: bytes, status: int = 200, headers: Iterable[Header] = ()) -> Response:
    """One finished DICOM JSON text; no charset, some clients compare the whole type."""
    return Response(status, [("Content-Type", "application/dicom+json"), *headers], body)


def no_content(headers: Iterable[Header] = ()) -> Response:
    return Response(204, list(headers))


_TEXT, _PAGE, _REPORT = Offer("text/plain"), Offer("text/html"), Offer("application/json")


def problem(
    refused: Refused, headers: Iterable[Header] = (), *, accept: str | None = None
) -> Response:
    """What is wrong, in a sentence, for whoever reads it (PS3.18 8.5, NEG-69).

    In JSON or as a page for clients that would rather have that; a page, by the letter, is also for
    those that named nothing we could say it in (NEG-73).
    """
    try:
        offer = negotiate(accept, (), (_TEXT, _REPORT, _PAGE), strict=False)
    except Refused:
        offer = _PAGE
    status, sentence = refused.reason.http, refused.detail
    bodies = {
        _TEXT: ("; charset=utf-8", f"{sentence}\n"),
        _PAGE: ("; charset=utf-8", f"<!DOCTYPE html><title>{status}</title><p>{escape(sentence)}"),
        _REPORT: ("", orjson.dumps({"status": status, "detail": sentence}).decode()),
    }
    charset, body = bodies[offer]
    content_type = ("Content-Type", offer.media_type + charset)
    return Response(status, [content_type, *headers], body.encode())


def warning(base_url: str, text: str) -> Header:
    """A Warning header as PS3.18 8.3.4 prints it (RUL-09)."""
    return "Warning", f"299 {base_url}: {text}".encode("ascii", "replace").decode()
