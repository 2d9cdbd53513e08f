"""How an instance's DICOM JSON is kept in the index: a fifth of its size."""

from __future__ import annotations

import threading
from collections.abc import Callable

import zstandard

_LEVEL = 3
_local = threading.local()
"""zstandard's contexts are not to be shared between threads, and dear to make anew."""


def compress(data: bytes) -> bytes:
    """`data` as one zstd frame that states its length."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    compressed: bytes = _local.compressor.compress(data)
    return compressed


def decompress(data: bytes) -> bytes:
    """What was compressed."""
    return unpacker()(data)


def unpacker() -> Callable[[bytes], bytes]:
    """`decompress` for many in a row, in this thread."""
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    unpacked: Callable[[bytes], bytes] = _local.decompressor.decompress
    return unpacked


def length(data: bytes) -> int:
    """Of what was compressed."""
    return int(zstandard.frame_content_size(data))
