"""Colour samples -> red, green and blue of eight bits: YBR spaces, palettes, wide samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from dicomweb.pixels.image import Grey
from dicomweb.pixels.lookup import Palette

YBR = frozenset({"YBR_FULL", "YBR_FULL_422"})
PARTIAL = frozenset({"YBR_PARTIAL_422", "YBR_PARTIAL_420"})


def from_palette(palette: Palette, stored: NDArray[Any]) -> Grey:
    """(rows, columns, 3) of the stored values; those outside take the first or the last colour."""
    places = np.clip(stored.astype(np.int64) - palette.first, 0, len(palette.colours) - 1)
    found: Grey = palette.colours[places]
    return found


def to_eight_bits(samples: NDArray[Any], bits: int) -> Grey:
    """Samples of `bits` bits, of which the upper eight are shown."""
    if samples.dtype == np.uint8 and bits == 8:
        return samples
    if bits > 8:
        return (samples >> (bits - 8)).astype(np.uint8)
    return (samples.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)


def to_rgb(samples: Grey, photometric: str) -> Grey:
    """Red, green and blue of samples in `photometric` (PS3.3 C.7.6.3.1.2)."""
    if photometric in YBR:
        picture = Pillow.fromarray(np.ascontiguousarray(samples), mode="YCbCr")
        return np.asarray(picture.convert("RGB"))
    if photometric in PARTIAL:
        return _from_partial(samples)
    return samples


def _from_partial(samples: Grey) -> Grey:
    """Luminance of 16 to 235, chrominance of 16 to 240 (ITU-R BT.601)."""
    y, b, r = (samples[..., n].astype(np.float32) for n in range(3))
    y, b, r = 1.1644 * (y - 16), b - 128, r - 128
    light = np.stack([y + 1.5960 * r, y - 0.3918 * b - 0.8130 * r, y + 2.0172 * b], axis=-1)
    found: Grey = np.rint(np.clip(light, 0, 255)).astype(np.uint8)
    return found


def blended(below: Grey, above: Grey, opacity: NDArray[np.float32] | float) -> Grey:
    """`above` over `below`, both (rows, columns, 3); `opacity` 0 to 1 for all or for each pixel."""
    share = opacity[..., np.newaxis] if isinstance(opacity, np.ndarray) else opacity
    mixed = below + (above.astype(np.float32) - below) * share
    return np.rint(mixed).astype(np.uint8)


def lab_to_rgb(lab: list[float]) -> tuple[int, int, int]:
    """The colour of a CIELab Value attribute, in sRGB (PS3.3 C.10.7.1.1)."""
    lightness, a, b = lab[0] * 100 / 65535, lab[1] * 255 / 65535 - 128, lab[2] * 255 / 65535 - 128
    y = (lightness + 16) / 116
    xyz = np.array([_inverse(y + a / 500) * 0.9642, _inverse(y), _inverse(y - b / 200) * 0.8251])
    linear = np.clip(_XYZ_TO_SRGB @ xyz, 0, 1)
    light = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (int(v) for v in np.rint(light * 255))
    return red, green, blue


def _inverse(t: float) -> float:
    return t**3 if t > 6 / 29 else 3 * (6 / 29) ** 2 * (t - 4 / 29)


_XYZ_TO_SRGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
"""From XYZ under D50, which CIELab Values are relative to, to linear sRGB (Bradford)."""
