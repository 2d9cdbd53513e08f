"""Responses as ASGI messages: JSON and problems; those of parts are in contents.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape

import orjson
from starlette.types import Receive, Scope, Send

from dicomweb.web.negotiate import Offer, negotiate
from schemas.reasons import Refused

Header = tuple[str, str]


@dataclass(slots=True)
class Response:
    """Status, headers and body; an ASGI application that sends them once."""

    status: int
    headers: list[Header] = field(default_factory=list)
    body: bytes | list[bytes] | AsyncIterator[bytes] = b""
    """Bytes, a few pieces to be sent one by one, or a stream."""
    length: int | None = None
    """Content-Length of a stream, where it is known; of bytes and pieces it is counted."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self._head()})
        if scope["method"] == "HEAD":
            await _close(self.body)
            await _send_last(send, b"")
        elif isinstance(self.body, bytes):
            await _send_last(send, self.body)
        elif isinstance(self.body, list):
            for piece in self.body[:-1]:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await _send_last(send, self.body[-1] if self.body else b"")
        else:
            async for piece in self.body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
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


@lru_cache
def _lowered(name: str) -> bytes:
    return name.lower().encode()


async def _send_last(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _close(body: bytes | list[bytes] | AsyncIterator[bytes]) -> None:
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
