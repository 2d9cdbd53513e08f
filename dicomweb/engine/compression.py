"""How an instance's DICOM JSON is kept in the index: a fifth of its size."""

from __future__ import annotations

import threading

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
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    decompressed: bytes = _local.decompressor.decompress(data)
    return decompressed
