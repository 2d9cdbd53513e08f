"""View: what a rendered request asks for, and the grammar of each of its parameters.

The parameters of PS3.18 8.3.5.1 and those of WADO-URI (9.5.1.2) end up in the same View.  Pure:
what cannot be is Refused (400); whether it can be done is the engine's to say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from schemas.reasons import BAD_QUERY, Refused

QUALITY_DEFAULT = 90
SIDE_MAX = 16_384
"""Rows or columns of a picture that can be asked for."""

ANNOTATIONS = ("patient", "technique")
"""The keywords that PS3.18 8.3.5.1.1 names, both of which are done."""

_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]{1,16}(?:\.[0-9]{0,16})?|\.[0-9]{1,16})(?:[eE][+-]?[0-9]{1,2})?"
)
_WHOLE = re.compile(r"[0-9]{1,9}")
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class WindowFunction(Enum):
    """How a window maps values to grey levels (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

    LINEAR = "linear"
    LINEAR_EXACT = "linear-exact"
    SIGMOID = "sigmoid"


@dataclass(frozen=True, slots=True)
class Window:
    """Window Center, Window Width, VOI LUT Function, in the units that the modality LUT gives."""

    center: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR


class Profile(Enum):
    """The colour space that is asked for, and whether the picture says so (PS3.18 8.3.5.1.5)."""

    NONE = "no"
    OWN = "yes"
    SRGB = "srgb"
    ADOBE_RGB = "adobergb"
    ROMM_RGB = "rommrgb"
    DISPLAY_P3 = "displayp3"


@dataclass(frozen=True, slots=True)
class Size:
    """A box the picture has to fill in one direction and fit in the other, in pixels."""

    columns: int | None
    rows: int | None
    """None: this side does not limit it."""


@dataclass(frozen=True, slots=True)
class Region:
    """The part of the source that is wanted, and whether it is turned over."""

    x: float = 0.0
    y: float = 0.0
    width: float | None = None
    """None: up to the right edge."""
    height: float | None = None
    """None: down to the lower edge."""
    flipped_horizontally: bool = False
    flipped_vertically: bool = False
    relative: bool = False
    """In parts of the source's sides instead of pixels, as WADO-URI has it."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a rendered request can ask of a picture; hashable, so it is a cache key."""

    window: Window | None = None
    size: Size | None = None
    region: Region | None = None
    quality: int = QUALITY_DEFAULT
    """1 to 100; of formats that lose something."""
    annotations: tuple[str, ...] = ()
    profile: Profile = Profile.NONE
    underlay: bool = False
    """Ours: a segmentation or dose is laid over the image it was made of."""


@dataclass(frozen=True, slots=True)
class AskedView:
    view: View
    unsupported_annotations: tuple[str, ...] = field(default=())
    """Keywords that are none of ours, to be warned of (RUL-24)."""


def parse_view(parameters: Mapping[str, str], *, region_allowed: bool = True) -> AskedView:
    """The View of PS3.18 8.3.5.1; names that are no parameters of it are passed over.

    `region_allowed` is False for thumbnails and presentation states, whose viewport is a size alone
    (REND-40).
    """
    annotations, unsupported = _annotations(parameters.get("annotation"))
    size, region = None, None
    if (text := parameters.get("viewport")) is not None:
        size, region = parse_viewport(text, region_allowed=region_allowed)
    window = parameters.get("window")
    quality = parameters.get("quality")
    profile = parameters.get("iccprofile")
    underlay = parameters.get("underlay", "no")
    if underlay not in ("yes", "no"):
        raise Refused(BAD_QUERY, f"underlay is {underlay[:80]!r}; it has to be yes or no.")
    view = View(
        window=None if window is None else parse_window(window),
        size=size,
        region=region,
        quality=QUALITY_DEFAULT if quality is None else parse_quality("quality", quality),
        annotations=annotations,
        profile=Profile.NONE if profile is None else parse_profile(profile),
        underlay=underlay == "yes",
    )
    return AskedView(view, unsupported)


def parse_window(text: str) -> Window:
    """`center,width,function`, all three (PS3.18 8.3.5.1.4)."""
    pieces = text.split(",")
    functions = {function.value: function for function in WindowFunction}
    if len(pieces) != 3 or pieces[2] not in functions:
        raise Refused(
            BAD_QUERY,
            f"window is {text[:80]!r}; it has to be center,width,function with one of "
            f"{', '.join(functions)}.",
        )
    function = functions[pieces[2]]
    return window_of(decimal("window", pieces[0]), decimal("window", pieces[1]), function)


def window_of(center: float, width: float, function: WindowFunction) -> Window:
    """The window, if its width is one that the function allows (PS3.3 C.11.2.1.2)."""
    if not width > 0 or (function is WindowFunction.LINEAR and width < 1):
        least = "at least 1" if function is WindowFunction.LINEAR else "more than 0"
        raise Refused(BAD_QUERY, f"The window width is {width:g}; it has to be {least}.")
    return Window(center, width, function)


def parse_viewport(text: str, *, region_allowed: bool) -> tuple[Size, Region | None]:
    """`vw,vh[,sx,sy,sw,sh]` (PS3.18 8.3.5.1.3).

    What is left out between commas has its default; negative widths and heights turn the region
    over.
    """
    pieces = text.split(",")
    if not 2 <= len(pieces) <= 6 or (len(pieces) > 2 and not pieces[-1]):
        raise Refused(BAD_QUERY, f"viewport is {text[:80]!r}; it has to be vw,vh[,sx,sy,sw,sh].")
    if len(pieces) > 2 and not region_allowed:
        raise Refused(
            BAD_QUERY, "The viewport of a thumbnail or presentation state is vw,vh alone."
        )
    size = Size(*(parse_side("viewport", piece) for piece in pieces[:2]))
    if len(pieces) == 2:
        return size, None
    x, y, width, height = (
        decimal("viewport", piece) if piece else None for piece in [*pieces[2:], "", "", "", ""][:4]
    )
    if (x or 0.0) < 0 or (y or 0.0) < 0 or width == 0 or height == 0:
        raise Refused(
            BAD_QUERY,
            f"viewport is {text[:80]!r}; its region begins left of or above "
            "the image, or has no extent.",
        )
    return size, Region(
        x or 0.0,
        y or 0.0,
        None if width is None else abs(width),
        None if height is None else abs(height),
        flipped_horizontally=width is not None and width < 0,
        flipped_vertically=height is not None and height < 0,
    )


def parse_side(name: str, text: str) -> int:
    """Rows or columns of a picture: 1 to `SIDE_MAX`."""
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= SIDE_MAX:
        raise Refused(
            BAD_QUERY, f"{name} has {text[:80]!r} for a side; it has to be 1 to {SIDE_MAX} pixels."
        )
    return int(text)


def parse_quality(name: str, text: str) -> int:
    """1 to 100 (PS3.18 8.3.5.1.2)."""
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= 100:
        raise Refused(BAD_QUERY, f"{name} is {text[:80]!r}; it has to be a whole number 1 to 100.")
    return int(text)


def parse_profile(text: str) -> Profile:
    """One of the names of PS3.18 8.3.5.1.5, or displayp3."""
    try:
        return Profile(text)
    except ValueError:
        names = ", ".join(profile.value for profile in Profile)
        raise Refused(
            BAD_QUERY, f"iccprofile is {text[:80]!r}; it has to be one of {names}."
        ) from None


def parse_annotations(name: str, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keywords that are ours, and those that are not (PS3.18 8.3.5.1.1)."""
    keywords = text.split(",")
    if not all(_KEYWORD.fullmatch(keyword) for keyword in keywords):
        raise Refused(
            BAD_QUERY, f"{name} is {text[:80]!r}; it has to be {' or '.join(ANNOTATIONS)} or both."
        )
    ours = tuple(keyword for keyword in ANNOTATIONS if keyword in keywords)
    return ours, tuple(dict.fromkeys(k for k in keywords if k not in ANNOTATIONS))


def _annotations(text: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ((), ()) if text is None else parse_annotations("annotation", text)


def decimal(name: str, text: str) -> float:
    """A finite decimal number."""
    if not _DECIMAL.fullmatch(text) or not math.isfinite(float(text)):
        raise Refused(BAD_QUERY, f"{name} has {text[:80]!r} where a number belongs.")
    return float(text)


# WADO-URI ------------------------------------------------------------------------


def parse_uri_view(parameters: Mapping[str, str]) -> AskedView:
    """The View of a WADO-URI request (PS3.18 9.5.1.2), whose parameters have other names."""
    text = parameters.get("imageAnnotation", parameters.get("annotation"))
    annotations, unsupported = _annotations(text)
    quality = parameters.get("imageQuality")
    view = View(
        window=_uri_window(parameters),
        size=_uri_size(parameters),
        region=_uri_region(parameters.get("region")),
        quality=QUALITY_DEFAULT if quality is None else parse_quality("imageQuality", quality),
        annotations=annotations,
    )
    return AskedView(view, unsupported)


def _uri_window(parameters: Mapping[str, str]) -> Window | None:
    """windowCenter and windowWidth, both or neither (9.5.1.2.6)."""
    given = [name for name in ("windowCenter", "windowWidth") if name in parameters]
    if not given:
        return None
    if len(given) == 1:
        raise Refused(BAD_QUERY, f"{given[0]} alone is no window; both belong together.")
    center, width = (decimal(name, parameters[name]) for name in given)
    return window_of(center, width, WindowFunction.LINEAR)


def _uri_size(parameters: Mapping[str, str]) -> Size | None:
    """rows and columns; the text wants both, the behaviour it describes allows one (9.5.1.2.4)."""
    if not {"rows", "columns"} & parameters.keys():
        return None
    sides = {
        name: parse_side(name, parameters[name])
        for name in ("columns", "rows")
        if name in parameters
    }
    return Size(sides.get("columns"), sides.get("rows"))


def _uri_region(text: str | None) -> Region | None:
    """xmin,ymin,xmax,ymax in parts of the image (9.5.1.2.5)."""
    if text is None:
        return None
    pieces = text.split(",")
    sides = [decimal("region", piece) for piece in pieces] if len(pieces) == 4 else []
    if not sides or not all(0 <= side <= 1 for side in sides):
        raise Refused(BAD_QUERY, f"region is {text[:80]!r}; it has to be four numbers 0.0 to 1.0.")
    left, top, right, bottom = sides
    if left >= right or top >= bottom:
        raise Refused(
            BAD_QUERY, f"region is {text[:80]!r}; its minima have to be below its maxima."
        )
    return Region(left, top, right - left, bottom - top, relative=True)
