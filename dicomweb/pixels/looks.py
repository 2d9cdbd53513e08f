"""Look: what a header says of how one of its frames is to be shown.

Frames of enhanced objects have theirs in functional groups (PS3.3 C.7.6.16), of others at the top.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dicomweb.pixels import lookup, overlays
from dicomweb.pixels.grayscale import Grayscale, Rescale
from dicomweb.pixels.lookup import Lut, Palette
from dicomweb.pixels.overlays import Embedded, Overlay
from schemas.keywords import DataSet, tag_of
from schemas.view import Window, WindowFunction

_FUNCTIONS = {
    "SIGMOID": WindowFunction.SIGMOID,
    "LINEAR_EXACT": WindowFunction.LINEAR_EXACT,
    "LINEAR": WindowFunction.LINEAR,
}
_GREYS = ("MONOCHROME1", "MONOCHROME2")
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"

PALETTE_COLOR = "PALETTE COLOR"


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    photometric: str
    grayscale: Grayscale
    """How stored values become grey levels; of colour images it is not looked at."""
    palette: Palette | None = None
    profile: bytes = b""
    """ICC Profile."""
    overlays: tuple[Overlay, ...] = ()
    embedded: tuple[Embedded, ...] = ()

    @property
    def is_grey(self) -> bool:
        return self.photometric not in (PALETTE_COLOR,) and self.photometric in _GREYS


def bulks_needed(path: str) -> bool:
    """Whether the value at a bulk path has to be fetched for a Look."""
    tag = path.rpartition("/")[2]
    is_overlay = tag[:4] in overlays.GROUPS and tag[4:] == "3000"
    return is_overlay or tag == _PROFILE or tag in lookup.BULKS


_PROFILE = tag_of("ICCProfile")


def group(ds: DataSet, frame: int, keyword: str) -> DataSet | None:
    """The functional group macro of `frame`, counted from one: its own or the shared one."""
    for groups in _groups(ds, frame):
        found = groups.item(keyword)
        if found is not None:
            return found
    return None


def _groups(ds: DataSet, frame: int) -> Iterator[DataSet]:
    own = ds.nth("PerFrameFunctionalGroupsSequence", frame - 1)
    if own is not None:
        yield own
    shared = ds.item("SharedFunctionalGroupsSequence")
    if shared is not None:
        yield shared


def look(ds: DataSet, frame: int, *, bits: int, signed: bool) -> Look:
    """How `frame` of an image is to be shown; Refused where a table it needs is not whole.

    `bits` and `signed` are of its stored values.
    """
    photometric = ds.text("PhotometricInterpretation").upper() or "MONOCHROME2"
    samples = ds.whole("SamplesPerPixel", 1)
    if samples == 1 and photometric != PALETTE_COLOR and photometric not in _GREYS:
        photometric = "MONOCHROME2"
    return Look(
        photometric=photometric,
        grayscale=_grayscale(ds, frame, bits, signed=signed, photometric=photometric),
        palette=lookup.palette(ds, signed=signed) if photometric == PALETTE_COLOR else None,
        profile=_profile(ds),
        overlays=tuple(overlays.overlays(ds, frame)),
        embedded=tuple(_embedded(ds, samples)),
    )


def _embedded(ds: DataSet, samples: int) -> Iterator[Embedded]:
    stored, allocated = ds.whole("BitsStored"), ds.whole("BitsAllocated")
    if samples == 1 and 0 < stored < allocated:
        highest = max(ds.whole("HighBit"), stored - 1)
        yield from overlays.embedded(ds, allocated, highest - stored + 1, highest)


def _grayscale(ds: DataSet, frame: int, bits: int, *, signed: bool, photometric: str) -> Grayscale:
    if photometric not in _GREYS:
        return Grayscale(bits, signed)
    values = group(ds, frame, "PixelValueTransformationSequence") or ds
    shown = group(ds, frame, "FrameVOILUTSequence") or ds
    return Grayscale(
        bits=bits,
        signed=signed,
        modality=modality(values, signed=signed),
        voi=voi(shown, signed=signed) or _whole_range(ds),
        presentation=presentation(ds, signed=False),
        inverted=photometric == "MONOCHROME1" or ds.text("PresentationLUTShape") == "INVERSE",
        padding=padding(ds),
    )


def _whole_range(ds: DataSet) -> Window | None:
    """Fractional segmentations show their whole range, label maps up to the last label."""
    if ds.text("SegmentationType") == "LABELMAP":
        labels = (item.whole("SegmentNumber") for item in ds.items("SegmentSequence"))
        last = max(1, max(labels, default=255))
        return Window(last / 2, last, WindowFunction.LINEAR_EXACT)
    if ds.text("SegmentationType") == "FRACTIONAL":
        largest = ds.number("MaximumFractionalValue") or 255
        return Window(largest / 2, largest, WindowFunction.LINEAR_EXACT)
    return None


def modality(ds: DataSet, *, signed: bool) -> Rescale | Lut | None:
    """Modality LUT Sequence, or Rescale Slope and Intercept (PS3.3 C.11.1)."""
    item = ds.item("ModalityLUTSequence")
    if item is not None:
        return lookup.lut(item, signed=signed)
    slope, intercept = ds.number("RescaleSlope"), ds.number("RescaleIntercept")
    if slope is None and intercept is None:
        return None
    return Rescale(slope or 1.0, intercept or 0.0)


def voi(ds: DataSet, *, signed: bool) -> Window | Lut | None:
    """The first window that can be one, else the first VOI LUT (PS3.3 C.11.2, REND-14)."""
    function = _FUNCTIONS.get(ds.text("VOILUTFunction"), WindowFunction.LINEAR)
    least = 1 if function is WindowFunction.LINEAR else 0
    windows = zip(ds.numbers("WindowCenter"), ds.numbers("WindowWidth"), strict=False)
    for center, width in windows:
        if width > 0 and width >= least:
            return Window(center, width, function)
    item = ds.item("VOILUTSequence")
    return None if item is None else lookup.lut(item, signed=signed)


def presentation(ds: DataSet, *, signed: bool) -> Lut | None:
    """Presentation LUT Sequence (PS3.3 C.11.6)."""
    item = ds.item("PresentationLUTSequence")
    return None if item is None else lookup.lut(item, signed=signed)


def padding(ds: DataSet) -> tuple[float, float] | None:
    """Pixel Padding Value and Range Limit, the lesser first (PS3.3 C.7.5.1.1.2)."""
    for prefix in ("", "Float", "DoubleFloat"):
        first = ds.number(f"{prefix}PixelPaddingValue")
        if first is not None:
            last = ds.number(f"{prefix}PixelPaddingRangeLimit")
            ends = sorted((first, first if last is None else last))
            return ends[0], ends[1]
    return None


def _profile(ds: DataSet) -> bytes:
    """Of the image, or of the first optical path of a slide (REND-33)."""
    path = ds.item("OpticalPathSequence")
    return ds.octets("ICCProfile") or (path.octets("ICCProfile") if path else b"")
