"""Presentation states: what they say of how images are to be shown (PS3.3 C.10, C.11, PS3.4 N.2).

Read here into values; `applied` is the part of the pipeline that follows the grey levels: overlays,
shutter, displayed area, rotation and flip, graphics.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dicomweb.pixels import geometry, graphics, looks, lookup, overlays
from dicomweb.pixels.colour import from_palette
from dicomweb.pixels.graphics import Drawing, Mapping
from dicomweb.pixels.grayscale import Grayscale, Rescale
from dicomweb.pixels.image import Image
from dicomweb.pixels.looks import Look
from dicomweb.pixels.lookup import Lut, Palette
from dicomweb.pixels.overlays import Overlay
from dicomweb.pixels.shutter import Shutter, shut, shutters
from schemas.keywords import DataSet
from schemas.view import Size, Window, WindowFunction

FRAMES_MAX = 10_000
"""Frames that one presentation state refers to."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An image that the state is for."""

    series: str
    instance: str
    frames: tuple[int, ...] = ()
    """Counted from one; none: all."""


@dataclass(frozen=True, slots=True)
class Area:
    """Displayed Area Selection (PS3.3 C.10.4), in pixels of the image, counted from zero."""

    left: int
    top: int
    right: int
    bottom: int
    """Behind the last column and row."""
    magnification: float | None = None
    """None: scaled to fit."""
    aspect: float = 1.0
    """Height of a pixel, in widths."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a presentation state says of one frame."""

    window: Window | Lut | None = None
    """None: the whole range of the modality LUT."""
    presentation: Lut | None = None
    inverted: bool = False
    modality: Rescale | Lut | None = None
    palette: Palette | None = None
    """Pseudo-colour: of the grey levels."""
    profile: bytes = b""
    rotation: int = 0
    flipped: bool = False
    area: Area | None = None
    shutters: tuple[Shutter, ...] = ()
    layers: tuple[str, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    activated: frozenset[str] = field(default_factory=frozenset)
    """Groups of the image's own overlays that are turned on."""
    drawings: tuple[Drawing, ...] = ()


def references(ds: DataSet) -> tuple[Reference, ...]:
    """The images a state refers to, in its order; of a blending state the underlying ones."""
    return tuple(_references(_base(ds)))


def _base(ds: DataSet) -> DataSet:
    """Where the references of the images to be shown are (REND-39)."""
    for item in ds.items("BlendingSequence"):
        if item.text("BlendingPosition") == "UNDERLYING":
            return item
    return ds


def superimposed(ds: DataSet) -> DataSet | None:
    """The item of a blending state that is laid over the other."""
    for item in ds.items("BlendingSequence"):
        if item.text("BlendingPosition") == "SUPERIMPOSED":
            return item
    return None


def references_in(item: DataSet) -> tuple[Reference, ...]:
    """The images of a Referenced Series Sequence."""
    return tuple(_references(item))


def _references(ds: DataSet) -> Iterator[Reference]:
    for series in ds.items("ReferencedSeriesSequence"):
        for image in series.items("ReferencedImageSequence"):
            frames = tuple(int(n) for n in image.numbers("ReferencedFrameNumber")[:FRAMES_MAX])
            instance = image.text("ReferencedSOPInstanceUID")
            if instance:
                yield Reference(series.text("SeriesInstanceUID"), instance, frames)


def _is_for(item: DataSet, instance: str, frame: int) -> bool:
    """Whether an item is about a frame: it is where it refers to no image at all."""
    images = list(item.items("ReferencedImageSequence"))
    return not images or any(
        image.text("ReferencedSOPInstanceUID") == instance
        and frame in (image.numbers("ReferencedFrameNumber") or [frame])
        for image in images
    )


def _item_for(ds: DataSet, keyword: str, instance: str, frame: int) -> DataSet | None:
    return next((i for i in ds.items(keyword) if _is_for(i, instance, frame)), None)


def state_of(ds: DataSet, instance: str, frame: int, *, signed: bool) -> State:
    """What the state `ds` says of `frame` of an image; Refused where a table is not whole."""
    base = _base(ds)
    voi = _item_for(base, "SoftcopyVOILUTSequence", instance, frame)
    area = _item_for(ds, "DisplayedAreaSelectionSequence", instance, frame)
    layers = _layers(ds)
    has_palette = "RedPaletteColorLookupTableDescriptor" in ds and base is ds
    return State(
        window=None if voi is None else looks.voi(voi, signed=signed),
        presentation=looks.presentation(ds, signed=False),
        inverted=ds.text("PresentationLUTShape") == "INVERSE",
        modality=looks.modality(base, signed=signed),
        palette=lookup.palette(ds, signed=False) if has_palette else None,
        profile=ds.octets("ICCProfile"),
        rotation=ds.whole("ImageRotation") % 360,
        flipped=ds.text("ImageHorizontalFlip") == "Y",
        area=None if area is None else _area(area),
        shutters=shutters(ds),
        layers=layers,
        overlays=tuple(o for o in overlays.overlays(ds, frame) if o.layer),
        activated=frozenset(overlays.activated(ds)),
        drawings=tuple(_drawings(ds, instance, frame, layers)),
    )


def _layers(ds: DataSet) -> tuple[str, ...]:
    """Names of the graphic layers, the lowest first."""
    items = list(ds.items("GraphicLayerSequence"))
    items.sort(key=lambda item: item.whole("GraphicLayerOrder"))
    return tuple(item.text("GraphicLayer") for item in items)


def _drawings(ds: DataSet, instance: str, frame: int, layers: Sequence[str]) -> Iterator[Drawing]:
    greys = {
        item.text("GraphicLayer"): graphics.colour_of(item)
        for item in ds.items("GraphicLayerSequence")
    }
    found = [
        (item.text("GraphicLayer"), item)
        for item in ds.items("GraphicAnnotationSequence")
        if _is_for(item, instance, frame)
    ]
    order = {name: place for place, name in enumerate(layers)}
    for name, item in sorted(found, key=lambda pair: order.get(pair[0], len(order))):
        yield from graphics.drawings(item, greys.get(name, graphics.DEFAULT))


def _area(item: DataSet) -> Area | None:
    corners = (
        item.numbers("DisplayedAreaTopLeftHandCorner"),
        item.numbers("DisplayedAreaBottomRightHandCorner"),
    )
    if any(len(corner) != 2 for corner in corners):
        return None
    (x1, y1), (x2, y2) = corners
    magnify = item.text("PresentationSizeMode") == "MAGNIFY"
    return Area(
        left=int(min(x1, x2)) - 1,
        top=int(min(y1, y2)) - 1,
        right=int(max(x1, x2)),
        bottom=int(max(y1, y2)),
        magnification=(
            item.number("PresentationPixelMagnificationRatio") or 1.0 if magnify else None
        ),
        aspect=_aspect(item),
    )


def _aspect(item: DataSet) -> float:
    """Spacings and ratios give rows first, columns second (PS3.3 C.10.4)."""
    sides = item.numbers("PresentationPixelSpacing") or item.numbers("PresentationPixelAspectRatio")
    if len(sides) == 2 and min(sides) > 0:
        return min(max(sides[0] / sides[1], 0.01), 100.0)
    return 1.0


def state_of_item(item: DataSet, *, signed: bool) -> State:
    """What one of the two items of a blending state says of the grey levels of its images."""
    voi = item.item("SoftcopyVOILUTSequence")
    return State(
        window=None if voi is None else looks.voi(voi, signed=signed),
        modality=looks.modality(item, signed=signed),
    )


def look_of(look: Look, state: State) -> Look:
    """The look of a frame under a state, whose steps take the place of the image's own.

    What the state does not say of the VOI is the whole range; of the modality LUT it stays the
    image's (PS3.4 N.2.1).
    """
    spec = look.grayscale
    if not look.is_grey:
        return replace(look, profile=state.profile or look.profile, overlays=())
    modality = state.modality if state.modality is not None else spec.modality
    spec = replace(
        spec,
        modality=modality,
        presentation=state.presentation,
        inverted=state.inverted,
        padding=None,
    )
    window = state.window if state.window is not None else _whole_range(spec)
    return replace(look, grayscale=replace(spec, voi=window), overlays=())


def of_differences(spec: Grayscale, state: State) -> Grayscale:
    """The steps that follow a subtraction, whose results may be negative.

    Without a window of the state no difference is in the middle of black and white.
    """
    window = state.window
    if window is None:
        window = Window(0.0, 2 * _whole_range(spec).width, WindowFunction.LINEAR_EXACT)
    return replace(spec, modality=None, voi=window)


def _whole_range(spec: Grayscale) -> Window:
    least, largest = spec.stored_range
    match spec.modality:
        case Rescale(slope, intercept):
            ends = sorted((least * slope + intercept, largest * slope + intercept))
        case Lut() as table:
            ends = [0.0, float(table.entry_max)]
        case _:
            ends = [float(least), float(largest)]
    middle, width = (ends[0] + ends[1]) / 2, ends[1] - ends[0]
    return Window(middle, width or 1, WindowFunction.LINEAR_EXACT)


def applied(image: Image, state: State, own: Sequence[Overlay], size: Size | None) -> Image:
    """The frame under the state, in `size` or as large as the state says (REND-37, REND-38).

    `own` are the overlays of the image that the state turns on.
    """
    if state.palette is not None and not image.is_colour:
        image = Image(through(state.palette, image), state.profile)
    for overlay in (*own, *state.overlays):
        image = overlays.drawn(image, overlay)
    image = shut(image, state.shutters)
    area = state.area or Area(0, 0, image.columns, image.rows)
    mapping = Mapping(area.left, area.top, area.right, area.bottom, state.rotation, state.flipped)
    image = geometry.padded(image, area.left, area.top, area.right, area.bottom)
    image = geometry.flipped(geometry.rotated(image, state.rotation), horizontally=state.flipped)
    image = _scaled(image, area, state.rotation, size)
    return graphics.drawn(image, state.drawings, mapping)


def through(palette: Palette, image: Image) -> np.ndarray:
    """Grey levels are the P-Values that a pseudo-colour palette is addressed with, in its range."""
    places = np.rint(image.pixels / 255.0 * (len(palette.colours) - 1)) + palette.first
    return from_palette(palette, places.astype(np.int64))


def _scaled(image: Image, area: Area, rotation: int, size: Size | None) -> Image:
    """Pixels that are not square are made so; then fitted, or magnified and cropped (REND-38)."""
    aspect = area.aspect if rotation % 180 == 0 else 1 / area.aspect
    columns, rows = float(image.columns), float(image.rows)
    columns, rows = (columns, rows * aspect) if aspect >= 1 else (columns / aspect, rows)
    if area.magnification is not None:
        columns, rows = columns * area.magnification, rows * area.magnification
        magnified = geometry.resized(image, columns, rows)
        return magnified if size is None else geometry.cropped(magnified, size)
    if size is None:
        return geometry.resized(image, columns, rows)
    wanted = geometry.size_within((0.0, 0.0, columns, rows), size)
    return geometry.resized(image, *wanted)
