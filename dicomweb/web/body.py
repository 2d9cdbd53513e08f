"""The body of a request as it arrives: bounded in size and in time, its Content-Encoding undone."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Protocol

import zstandard
from starlette.requests import ClientDisconnect

from dicomweb.engine.parsing import EXPANSION_MAX, expanded_max
from dicomweb.web.requests import Request
from schemas.reasons import BAD_REQUEST, TIMEOUT, TOO_LARGE, UNSUPPORTED_MEDIA, Refused

DECODED_AT_ONCE_BYTES = 1024 * 1024
ZSTD_INPUT_BYTES = 256
"""Fed to zstandard at once, which knows no limit of its output: 128 KiB for four bytes at most."""
ZSTD_WINDOW_BYTES_MAX = 8 * 1024**2
"""RFC 8878 7.2."""
ENCODINGS_MAX = 1


async def body(request: Request) -> AsyncIterator[bytes]:
    """The pieces of the body, decoded.

    Raises Refused: TOO_LARGE, TIMEOUT when nothing comes any more, UNSUPPORTED_MEDIA for an
    encoding that is not known, BAD_REQUEST for one that is broken; ClientDisconnect.
    """
    decoder = _decoder(request.headers.get("content-encoding", ""))
    bytes_max = request.archive.settings.max_request_bytes
    length = request.headers.get("content-length", "")
    if bytes_max and length.isdecimal() and int(length) > bytes_max:
        raise _too_large(bytes_max)
    received = decoded = 0
    async for data in _received(request):
        received += len(data)
        if decoder is None:
            decoded = received
            if bytes_max and decoded > bytes_max:
                raise _too_large(bytes_max)
            yield data
            continue
        pieces = decoder.decode(data)
        while (piece := await request.archive.run(partial(next, pieces, None))) is not None:
            decoded += len(piece)
            if bytes_max and decoded > bytes_max:
                raise _too_large(bytes_max)
            if decoded > expanded_max(received):
                raise Refused(
                    TOO_LARGE, f"The body becomes more than {EXPANSION_MAX} times as large."
                )
            yield piece
    if decoder is not None and not decoder.is_complete:
        raise Refused(BAD_REQUEST, "The body ends before its Content-Encoding does.")


def _too_large(bytes_max: int) -> Refused:
    return Refused(TOO_LARGE, f"The request is larger than {bytes_max} bytes.")


async def _received(request: Request) -> AsyncIterator[bytes]:
    seconds = request.archive.settings.idle_timeout_seconds
    while True:
        try:
            async with asyncio.timeout(seconds or None):
                message = await request.receive()
        except TimeoutError:
            raise Refused(TIMEOUT, f"Nothing came for {seconds} seconds.") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if data := message.get("body", b""):
            yield data
        if not message.get("more_body", False):
            return


# Content-Encoding (RFC 9110 8.4) -----------------------------------------------------


class _Decoder(Protocol):
    @property
    def is_complete(self) -> bool:
        """Whether what came so far could be all."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes become, in pieces; in a thread."""


def _decoder(named: str) -> _Decoder | None:
    codings = [coding.strip().lower() for coding in named.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > ENCODINGS_MAX or any(coding not in _DECODERS for coding in codings):
        raise Refused(
            UNSUPPORTED_MEDIA,
            f"The Content-Encoding {named[:80]!r} is not known; there is: {', '.join(_DECODERS)}, "
            "one of them.",
        )
    return _DECODERS[codings[0]]() if codings else None


class _Zlib:
    """gzip, or deflate with the zlib head that RFC 9110 wants or without, as some clients do."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._begun = b""
        self._inflater: zlib._Decompress | None = None

    @property
    def is_complete(self) -> bool:
        return self._inflater is not None and self._inflater.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            data = self._begun + data
            self._begun = data
            if len(data) < 2:
                return
            self._inflater = self._new(data)
        try:
            while True:
                if self._inflater.eof:
                    if not self._gzip or not data.strip(b"\0"):
                        return
                    self._inflater = self._new(data)  # a further member (RFC 1952 2.2)
                piece = self._inflater.decompress(data, DECODED_AT_ONCE_BYTES)
                yield piece
                data = self._inflater.unconsumed_tail or self._inflater.unused_data
                # Without input left there may still be output that had no room.
                if not data and len(piece) < DECODED_AT_ONCE_BYTES:
                    return
        except zlib.error as error:
            raise _broken(error) from None

    def _new(self, data: bytes) -> zlib._Decompress:
        if self._gzip:
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        zlib_head = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if zlib_head else -zlib.MAX_WBITS)


class _Zstandard:
    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
        self._frame = self._context.decompressobj()
        self._begun = False

    @property
    def is_complete(self) -> bool:
        return self._begun and self._frame.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        try:
            for at in range(0, len(data), ZSTD_INPUT_BYTES):
                rest = data[at : at + ZSTD_INPUT_BYTES]
                while rest:
                    if self._frame.eof:
                        self._frame = self._context.decompressobj()
                    self._begun = True
                    yield self._frame.decompress(rest)
                    rest = self._frame.unused_data if self._frame.eof else b""
        except zstandard.ZstdError as error:
            raise _broken(error) from None


def _broken(error: Exception) -> Refused:
    return Refused(BAD_REQUEST, f"The body is not encoded as it says: {error}.")


_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "gzip": lambda: _Zlib(gzip=True),
    "x-gzip": lambda: _Zlib(gzip=True),
    "deflate": lambda: _Zlib(gzip=False),
    "zstd": _Zstandard,
}
