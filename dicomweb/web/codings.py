"""Content codings (RFC 9110 8.4): JSON and XML compressed as the client accepts it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import brotli
import zstandard
from isal import isal_zlib

from dicomweb.web.negotiate import ACCEPT_CHARACTERS_MAX, parse_quality

CODED_BYTES_MIN = 1024
"""What is shorter fits into a packet or two as it is."""
CODED_AT_ONCE_BYTES_MAX = 32 * 1024
"""In 10 to 70 microseconds: the way to a thread and back takes 200."""

_GZIP = 31
"""zlib's number for the largest window in a gzip frame."""


class Coder(Protocol):
    """Turns a stream into its coding; used by one thread at a time."""

    def compress(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes:
        """The end of the stream."""


class _Brotli:
    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=3)

    def compress(self, data: bytes) -> bytes:
        coded: bytes = self._compressor.process(data)
        return coded

    def flush(self) -> bytes:
        coded: bytes = self._compressor.finish()
        return coded


CODERS: dict[str, Callable[[], Coder]] = {
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: isal_zlib.compressobj(1, isal_zlib.DEFLATED, _GZIP),
    "br": _Brotli,
}
"""By the name in Accept-Encoding; what costs the least first, and most clients take several."""

_ALIASES = {"x-gzip": "gzip"}


def coding_of(accept_encoding: str | None) -> str | None:
    """The coding this client likes best, by q and then by what it costs; None: none of ours."""
    if not accept_encoding or len(accept_encoding) > ACCEPT_CHARACTERS_MAX:
        return None
    told: dict[str, float] = {}
    for entry in accept_encoding.split(","):
        name, _, parameters = entry.partition(";")
        quality = parse_quality(parameters.strip().lower().removeprefix("q=") or "1")
        if quality is not None:
            name = name.strip().lower()
            told[_ALIASES.get(name, name)] = quality
    other = told.get("*", 0.0)
    liked = {name: told.get(name, other) for name in CODERS}
    best = max(liked, key=lambda name: liked[name])
    return best if liked[best] > 0 and liked[best] >= told.get("identity", 0.0) else None


Run = Callable[[Callable[[], bytes]], Awaitable[bytes]]


async def coded(data: bytes, coding: str, run: Run) -> bytes:
    """The whole of `data` in `coding`; what is not short is done in a thread, by `run`."""
    if len(data) <= CODED_AT_ONCE_BYTES_MAX:
        return _coded(data, coding)
    return await run(lambda: _coded(data, coding))


def _coded(data: bytes, coding: str) -> bytes:
    coder = CODERS[coding]()
    return coder.compress(data) + coder.flush()
