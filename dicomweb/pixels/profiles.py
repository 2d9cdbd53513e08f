"""ICC profiles: the well-known colour spaces, and from one to another (PS3.18 8.3.5.1.5).

The matrix profiles are written here from the primaries that define them; lcms2, as Pillow brings
it, does the conversion.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

from dicomweb.pixels.image import Image
from schemas.reasons import UNRENDERABLE, Refused
from schemas.view import Profile

Matrix = NDArray[np.float64]

PROFILE_BYTES_MAX = 16 * 1024 * 1024
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)

_D65, _D50_CHROMATICITY = (0.3127, 0.3290), (0.3457, 0.3585)
_SPACES: dict[Profile, tuple[tuple[float, ...], tuple[float, float], float | None, str]] = {
    Profile.ADOBE_RGB: (
        (0.64, 0.33, 0.21, 0.71, 0.15, 0.06),
        _D65,
        2.19921875,
        "Compatible with Adobe RGB (1998)",
    ),
    Profile.ROMM_RGB: (
        (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001),
        _D50_CHROMATICITY,
        1.8,
        "ROMM RGB",
    ),
    Profile.DISPLAY_P3: ((0.68, 0.32, 0.265, 0.69, 0.15, 0.06), _D65, None, "Display P3"),
}
"""Chromaticities of the primaries and of white; gamma, None for the curve of sRGB."""


@lru_cache
def profile_of(space: Profile) -> bytes:
    """The ICC profile of a well-known colour space."""
    if space is Profile.SRGB:
        srgb: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        return srgb
    primaries, white, gamma, name = _SPACES[space]
    return _matrix_profile(_columns(primaries, white), gamma, name)


def _columns(primaries: tuple[float, ...], white: tuple[float, float]) -> Matrix:
    """XYZ of the primaries under D50, one a column (ICC.1 E.1)."""
    xy = np.array(primaries).reshape(3, 2)
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in xy]).T
    point = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
    scaled = xyz * np.linalg.solve(xyz, point)
    gains = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ point)
    adapted: Matrix = np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD @ scaled
    return adapted


def _matrix_profile(columns: Matrix, gamma: float | None, name: str) -> bytes:
    """A version 2 display profile of three primaries and one curve (ICC.1:2001-04)."""
    text = name.encode("ascii") + b"\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    tags = {
        b"desc": description,
        b"cprt": b"text\0\0\0\0No copyright\0",
        b"wtpt": _xyz(*_D50),
        b"rXYZ": _xyz(*columns[:, 0]),
        b"gXYZ": _xyz(*columns[:, 1]),
        b"bXYZ": _xyz(*columns[:, 2]),
        b"rTRC": _curve(gamma),
        b"gTRC": _curve(gamma),
        b"bTRC": _curve(gamma),
    }
    table, data = struct.pack(">I", len(tags)), b""
    begin = 128 + 4 + 12 * len(tags)
    for signature, value in tags.items():
        table += signature + struct.pack(">II", begin + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(
        ">I4sI4s4s4s6H4s4sI4sIQI", begin + len(data), b"\0" * 4, 0x02400000, b"mntr", b"RGB ",
        b"XYZ ", 2024, 1, 1, 0, 0, 0, b"acsp", b"\0" * 4, 0, b"\0" * 4, 0, 0, 0,
    )  # fmt: skip
    head += b"".join(_fixed(value) for value in _D50)
    return head + bytes(128 - len(head)) + table + data


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(x) + _fixed(y) + _fixed(z)


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    light = np.linspace(0, 1, 1024)
    curve = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    points: bytes = np.rint(curve * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", 1024) + points


def profiled(image: Image, asked: Profile) -> Image:
    """The picture in the colour space that was asked for, with its profile, or without one.

    Where the object brings no profile its colours are taken for sRGB, and so are grey levels, which
    then become colours, since the profiles are such of colours.
    """
    if asked is Profile.NONE:
        return replace(image, profile=b"")
    own = image.profile if image.is_colour and image.profile else profile_of(Profile.SRGB)
    if asked is Profile.OWN:
        return replace(image.in_colour(), profile=own)
    wanted = profile_of(asked)
    colour = image.in_colour()
    if wanted != own:
        colour = colour.drawn(_converted(colour, own, wanted))
    return replace(colour, profile=wanted)


def embedded(codestream: bytes) -> bytes:
    """The ICC profile in a JPEG or JPEG 2000 codestream; empty where there is none (REND-33)."""
    if not codestream.startswith((b"\xff\xd8", b"\0\0\0\x0cjP  ")):
        return b""
    try:
        with Pillow.open(io.BytesIO(codestream)) as picture:
            profile = picture.info.get("icc_profile", b"")
    except (OSError, ValueError, SyntaxError):
        return b""
    return profile if isinstance(profile, bytes) else b""


def _converted(image: Image, own: bytes, wanted: bytes) -> Pillow.Image:
    if len(own) > PROFILE_BYTES_MAX:
        raise Refused(UNRENDERABLE, "The ICC Profile of the image is too large to be one.")
    try:
        found = ImageCms.profileToProfile(
            image.pillow(),
            ImageCms.ImageCmsProfile(io.BytesIO(own)),
            ImageCms.ImageCmsProfile(io.BytesIO(wanted)),
            renderingIntent=ImageCms.Intent.PERCEPTUAL,
        )
    except (ImageCms.PyCMSError, OSError) as error:
        raise Refused(UNRENDERABLE, f"The ICC Profile of the image is none: {error}.") from None
    assert found is not None, "a new picture was asked for"
    return found
