"""Underlay: a segmentation or a dose laid over the image it belongs to; our addition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicomweb.engine import render, sources
from dicomweb.engine.archive import Archive
from dicomweb.engine.render import Rendered
from dicomweb.engine.sources import Source
from dicomweb.pixels import colour, encode, planes
from dicomweb.pixels.description import Pixels, stored_values
from dicomweb.pixels.encode import Format
from dicomweb.pixels.image import Image
from dicomweb.pixels.looks import group
from dicomweb.pixels.planes import Plane
from schemas.identifiers import Selection, Uid
from schemas.keywords import DataSet
from schemas.kinds import DOSE, LABEL_MAP, SEGMENTATION, Kind
from schemas.reasons import NOT_FOUND, Refused
from schemas.view import View

OVERLAID = frozenset({SEGMENTATION, LABEL_MAP, DOSE})
CANDIDATES_MAX = 5_000
"""Images of a study that are looked at for the one beneath."""
DISTANCE_MAX_MILLIMETRES = 5.0
OPACITY = 0.5
DOSE_LEAST = 0.05
"""Of the largest dose in the frame; what is less is not coloured."""

_COLOURS = (
    (230, 60, 60), (60, 180, 75), (255, 225, 25), (67, 99, 216), (245, 130, 49), (145, 30, 180),
    (70, 240, 240), (240, 50, 230), (188, 246, 12), (250, 190, 190), (0, 128, 128), (170, 110, 40),
)  # fmt: skip
"""Of segments that recommend none."""


@dataclass(frozen=True, slots=True)
class Beneath:
    """The frame that something is laid over."""

    source: Source
    frame: int


async def frame(
    archive: Archive, source: Source, number: int, view: View, format: Format
) -> Rendered:
    """Frame `number` of a segmentation or dose over the image it was made of.

    Refused (404) where that is not in the study.
    """
    plain = View()
    render.checked(source, number, plain, format)
    render.check_view(view, format)
    beneath = await find(archive, source, number)
    render.checked(beneath.source, beneath.frame, view, format)
    blobs = source.laid.instance.blob, beneath.source.laid.instance.blob
    made_of = render.tag("underlay", blobs, number, beneath.frame, view, format.media_type)

    async def make() -> bytes:
        async with archive.pictures.turn():
            above = await render.frame_bytes(archive, source, number)
            below = await render.frame_bytes(archive, beneath.source, beneath.frame)
            return await archive.pictures.run(
                lambda: _made(source, number, above, beneath, below, view, format)
            )

    return Rendered(await archive.pictures.get(made_of, source.laid.instance.blob, make), made_of)


async def find(archive: Archive, source: Source, number: int) -> Beneath:
    """The frame of the study's images that lies where this one does.

    The one that the segmentation says it was derived from; else the nearest parallel one of the
    same frame of reference.
    """
    target = planes.plane_of(source.ds, number)
    named = _derived_from(source, number)
    best: tuple[float, Beneath] | None = None
    looked_at = 0
    study = Selection(Uid(source.laid.instance.StudyInstanceUID))
    async for other in sources.sources(archive, study):
        looked_at += 1
        if looked_at > CANDIDATES_MAX:
            break
        if other.kind is not Kind.IMAGE or other.laid.instance.SOPClassUID in OVERLAID:
            continue
        instance = other.laid.instance.SOPInstanceUID
        if instance in named:
            return Beneath(other, min(named[instance] or 1, max(1, other.frame_count)))
        found = None if target is None else _nearest(source, other, target)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    if best is None:
        raise Refused(NOT_FOUND, "There is no image in the study that it could be laid over.")
    return best[1]


def _derived_from(source: Source, number: int) -> dict[str, int]:
    """SOP Instance UIDs and frames in Derivation Image Sequence (PS3.3 C.7.6.16.2.6)."""
    derivation = group(source.ds, number, "DerivationImageSequence")
    items = [] if derivation is None else derivation.items("SourceImageSequence")
    return {
        item.text("ReferencedSOPInstanceUID"): item.whole("ReferencedFrameNumber") for item in items
    }


def _nearest(source: Source, other: Source, target: Plane) -> tuple[float, Beneath] | None:
    if other.ds.text("FrameOfReferenceUID") != source.ds.text("FrameOfReferenceUID"):
        return None
    frames = range(1, min(other.frame_count, CANDIDATES_MAX) + 1)
    found = planes.nearest(target, [planes.plane_of(other.ds, number) for number in frames])
    if found is None or found[1] > DISTANCE_MAX_MILLIMETRES:
        return None
    return found[1], Beneath(other, found[0] + 1)


def _made(
    source: Source,
    number: int,
    above: bytes,
    beneath: Beneath,
    below: bytes,
    view: View,
    format: Format,
) -> bytes:
    base = render.frame_image(beneath.source, beneath.frame, below, view).in_colour()
    cells, of_cells = render.cells_of(source, above)
    values = stored_values(cells, of_cells)
    shape = base.rows, base.columns
    of = planes.plane_of(source.ds, number)
    target = planes.plane_of(beneath.source.ds, beneath.frame)
    is_dose = source.laid.instance.SOPClassUID == DOSE
    if of is not None and target is not None:
        placed = planes.onto(values, of, target, shape, smooth=is_dose)
    elif values.shape == shape:
        placed = values.astype(np.float32)
    else:
        raise Refused(NOT_FOUND, "It does not say where in the image it lies.")
    image = _dose(base, placed) if is_dose else _segments(source, number, base, placed, values)
    return encode.encoded(render.finished(image, beneath.source, view), format, view.quality)


def _dose(base: Image, placed: NDArray[np.float32]) -> Image:
    """From blue by green to red, up to the largest dose in the frame."""
    largest = float(np.nanmax(placed, initial=0.0))
    share = np.nan_to_num(placed / largest if largest > 0 else placed * 0)
    ramp = np.stack([share * 2 - 1, 1 - np.abs(share * 2 - 1), 1 - share * 2], axis=-1)
    opacity = np.where(share >= DOSE_LEAST, OPACITY * 0.8, 0).astype(np.float32)
    above = np.rint(np.clip(ramp, 0, 1) * 255).astype(np.uint8)
    return base.with_pixels(colour.blended(base.pixels, above, opacity))


def _segments(
    source: Source, number: int, base: Image, placed: NDArray[np.float32], values: Pixels
) -> Image:
    """Each segment in its colour; of fractional ones as strongly as they are there."""
    ds = source.ds
    shades = {item.whole("SegmentNumber"): _shade(item) for item in ds.items("SegmentSequence")}
    placed = np.nan_to_num(placed)
    if source.laid.instance.SOPClassUID == LABEL_MAP:
        segments = [int(label) for label in np.unique(values) if label and int(label) in shades]
        shares = [(segment, (placed == segment).astype(np.float32)) for segment in segments]
    else:
        identified = group(ds, number, "SegmentIdentificationSequence")
        segment = identified.whole("ReferencedSegmentNumber", 1) if identified else 1
        fractional = ds.text("SegmentationType") == "FRACTIONAL"
        largest = (ds.number("MaximumFractionalValue") or 255) if fractional else 1
        shares = [(segment, np.clip(placed / largest, 0, 1).astype(np.float32))]
    pixels = base.pixels
    for segment, share in shares:
        shade = shades.get(segment) or _COLOURS[segment % len(_COLOURS)]
        above = np.broadcast_to(np.array(shade, np.uint8), pixels.shape)
        pixels = colour.blended(pixels, above, share * OPACITY)
    return base.with_pixels(pixels)


def _shade(item: DataSet) -> tuple[int, int, int]:
    lab = item.numbers("RecommendedDisplayCIELabValue")
    if len(lab) == 3:
        return colour.lab_to_rgb(lab)
    return _COLOURS[item.whole("SegmentNumber") % len(_COLOURS)]
