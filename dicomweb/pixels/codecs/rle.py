"""RLE Lossless (PS3.5 Annex G): a segment for each byte of each sample, the highest byte first."""

from __future__ import annotations

import struct

import numpy as np
from imagecodecs import packbits_decode, packbits_encode

from dicomweb.pixels.codecs import native
from dicomweb.pixels.codecs.codestream import broken
from dicomweb.pixels.description import PixelDescription, Pixels

_HEADER = struct.Struct("<16L")
SEGMENTS_MAX = 15
SLACK_BYTES = 1024
"""Padding after a segment may look like runs of it, which some writers leave more of than one."""


def decode(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a frame.  Raises Refused (UNDECODABLE)."""
    if description.bits == 1:
        (packed,) = _segments(frame, 1, (description.frame_bits + 7) // 8)
        return native.decode(packed, description)
    width = description.dtype.itemsize
    samples, size = description.SamplesPerPixel, description.Rows * description.Columns
    segments = _segments(frame, samples * width, size)
    planes = np.frombuffer(b"".join(segments), "u1").reshape(samples, width, size)
    whole = np.ascontiguousarray(planes.transpose(2, 0, 1)).view(f">u{width}")
    return whole.reshape(description.shape).astype(description.dtype)


def _segments(frame: bytes, count: int, size: int) -> list[bytes]:
    """The decoded segments, `size` bytes each."""
    if len(frame) < _HEADER.size:
        raise broken("its RLE header is cut")
    said, *offsets = _HEADER.unpack_from(frame)
    if said != count:
        raise broken(f"it has {said} RLE segments, the header of the object means {count}")
    ends = [*offsets[1:count], len(frame)]
    found = []
    for begin, end in zip(offsets, ends, strict=False):
        if not _HEADER.size <= begin <= end <= len(frame):
            raise broken("its RLE header points outside of it")
        segment = packbits_decode(frame[begin:end], out=2 * size + SLACK_BYTES)
        if len(segment) < size:
            raise broken(f"an RLE segment has {len(segment)} bytes, its pixels are {size}")
        found.append(bytes(segment[:size]))
    return found


def encode(pixels: Pixels, description: PixelDescription) -> bytes:
    """A frame; each row is encoded apart, each segment has an even length (PS3.5 G.3.1)."""
    rows, columns = pixels.shape[:2]
    width, samples = pixels.dtype.itemsize, description.SamplesPerPixel
    big = pixels.astype(pixels.dtype.newbyteorder(">")).view("u1")
    planes = big.reshape(rows, columns, samples * width).transpose(2, 0, 1).copy()
    segments = [packbits_encode(plane) for plane in planes]
    segments = [segment + bytes(len(segment) % 2) for segment in segments]
    at, offsets = _HEADER.size, []
    for segment in segments:
        offsets.append(at)
        at += len(segment)
    empty = [0] * (SEGMENTS_MAX - len(segments))
    return b"".join([_HEADER.pack(len(segments), *offsets, *empty), *segments])
