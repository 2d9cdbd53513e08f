"""Uncompressed frames (PS3.5 8.1, 8.2): cells one after the other, those of one bit packed.

Also a frame each in a fragment (1.2.840.10008.1.2.1.98) or in a deflate stream of its own
(PS3.5 A.4.13), which hold the same bytes.
"""

from __future__ import annotations

import zlib

import numpy as np

from dicomweb.pixels.codecs.codestream import broken
from dicomweb.pixels.description import PixelDescription, Pixels

_WEIGHTS = {8: "u1", 16: "<u2", 32: "<u4", 64: "<u8"}


def decode(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a little endian frame that begins at bit 0 (PS3.5 8.1.1)."""
    needed = (description.frame_bits + 7) // 8
    if len(frame) < needed:
        raise broken(f"it has {len(frame)} bytes, its pixels are {needed}")
    frame = frame[:needed]
    if description.is_subsampled:
        return _full_chrominance(frame, description)
    if description.bits in _WEIGHTS:
        found = np.frombuffer(frame, description.dtype.newbyteorder("<"))
    else:
        found = _unpacked(frame, description)
    if description.PlanarConfiguration == 1 and description.SamplesPerPixel > 1:
        planes = found.reshape(description.SamplesPerPixel, description.Rows, description.Columns)
        found = np.moveaxis(planes, 0, -1)
    return np.ascontiguousarray(found.reshape(description.shape), description.dtype)


def _unpacked(frame: bytes, description: PixelDescription) -> Pixels:
    """Cells that are no whole bytes; the first is in the least significant bits."""
    bits, dtype = description.bits, description.dtype
    count = description.Rows * description.Columns * description.SamplesPerPixel
    single = np.unpackbits(np.frombuffer(frame, "u1"), count=count * bits, bitorder="little")
    if bits == 1:
        return single
    padded = np.zeros((count, dtype.itemsize * 8), "u1")
    padded[:, :bits] = single.reshape(count, bits)
    return np.packbits(padded, bitorder="little").view(f"<u{dtype.itemsize}")


def _full_chrominance(frame: bytes, description: PixelDescription) -> Pixels:
    """Y1 Y2 Cb Cr, for two pixels each (PS3.3 C.7.6.3.1.2), as three samples a pixel."""
    pairs = np.frombuffer(frame, description.dtype.newbyteorder("<")).reshape(-1, 2, 2)
    found = np.empty((len(pairs), 2, 3), description.dtype)
    found[:, :, 0] = pairs[:, 0]
    found[:, :, 1:] = pairs[:, 1:]
    return found.reshape(description.shape)


def encode(pixels: Pixels, description: PixelDescription) -> bytes:
    """The frame, little endian, samples of a pixel together; one bit a cell is packed."""
    if description.bits == 1:
        return np.packbits(pixels, bitorder="little").tobytes()
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def inflate(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a deflated frame (RFC 1951); never more is inflated than they are."""
    needed = (description.frame_bits + 7) // 8
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame, needed)
    except zlib.error as error:
        raise broken(f"it is no deflate stream ({error})") from None
    return decode(data, description)


def deflate(pixels: Pixels, description: PixelDescription) -> bytes:
    """The frame in a deflate stream of its own."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(encode(pixels, description)) + deflater.flush()
