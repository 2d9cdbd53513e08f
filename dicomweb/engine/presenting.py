"""Presenting: the images that a presentation state refers to, as it has them shown (8.3.5.1.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from dicomweb.engine import render, sources
from dicomweb.engine.archive import Archive
from dicomweb.engine.render import Rendered
from dicomweb.engine.sources import Source
from dicomweb.pixels import encode, geometry, lookup, planes, presentation, subtraction
from dicomweb.pixels.colour import blended
from dicomweb.pixels.description import PixelDescription, stored_values
from dicomweb.pixels.encode import FORMATS, Format
from dicomweb.pixels.grayscale import in_units, to_grey
from dicomweb.pixels.image import Image
from dicomweb.pixels.looks import Look, group, look
from dicomweb.pixels.picture import overlays_on, picture, value_bits
from dicomweb.pixels.presentation import (
    Area,
    Reference,
    State,
    applied,
    look_of,
    of_differences,
    state_of,
)
from dicomweb.pixels.subtraction import Subtraction, Values
from schemas.identifiers import Selection, Uid, is_uid
from schemas.kinds import Kind
from schemas.reasons import GONE, NOT_FOUND, PICTURE_TOO_LARGE, Refused
from schemas.view import View

DISTANCE_MAX_MILLIMETRES = 5.0
"""Between a frame and what is blended over it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame that the state refers to."""

    source: Source
    frame: int


@dataclass(frozen=True, slots=True)
class Found:
    shown: tuple[Shown, ...]
    missing: int
    """Images that are referred to and cannot be shown."""


async def shown(archive: Archive, state: Source) -> Found:
    """What `state` refers to and is there, in the order of REND-36.

    Refused (404) where none of it is there (REND-42).
    """
    frames, missing = [], 0
    for reference in presentation.references(state.ds):
        source = await _source(archive, state, reference)
        if source is None or source.kind is not Kind.IMAGE:
            missing += 1
            continue
        numbers = reference.frames or range(1, source.frame_count + 1)
        frames += [Shown(source, n) for n in numbers if n <= source.frame_count]
        if len(frames) > presentation.FRAMES_MAX:
            raise Refused(PICTURE_TOO_LARGE, "The presentation state refers to too many frames.")
    if not frames:
        raise Refused(NOT_FOUND, "None of the images is here that the presentation state is for.")
    return Found(tuple(ordered(frames)), missing)


async def _source(archive: Archive, state: Source, reference: Reference) -> Source | None:
    """The image referred to; in the study of the state, where the standard has it."""
    if not (is_uid(reference.series) and is_uid(reference.instance)):
        return None
    study = Uid(state.laid.instance.StudyInstanceUID)
    selection = Selection(study, Uid(reference.series), Uid(reference.instance))
    try:
        return await sources.source(archive, selection)
    except Refused as refused:
        if refused.reason in (NOT_FOUND, GONE):
            return None
        raise


def ordered(frames: Sequence[Shown]) -> Sequence[Shown]:
    """By Dimension Index Values, else by position along the normal, else as referred to."""
    for key in (_dimension_indices, _along_the_normal):
        keys = [key(frame) for frame in frames]
        if all(keys):
            places = sorted(range(len(frames)), key=lambda place: keys[place] or ())
            return [frames[place] for place in places]
    return frames


def _dimension_indices(frame: Shown) -> tuple[float, ...] | None:
    content = group(frame.source.ds, frame.frame, "FrameContentSequence")
    return tuple(content.numbers("DimensionIndexValues")) if content is not None else None


def _along_the_normal(frame: Shown) -> tuple[float, ...] | None:
    ds = frame.source.ds
    volume = group(ds, frame.frame, "PlanePositionVolumeSequence")
    if volume is not None and len(volume.numbers("ImagePositionVolume")) == 3:
        return tuple(volume.numbers("ImagePositionVolume")[::-1])
    plane = group(ds, frame.frame, "PlanePositionSequence") or ds
    axes = group(ds, frame.frame, "PlaneOrientationSequence") or ds
    position, cosines = (
        plane.numbers("ImagePositionPatient"),
        axes.numbers("ImageOrientationPatient"),
    )
    if len(position) != 3 or len(cosines) != 6:
        return None
    return (float(np.dot(np.cross(cosines[:3], cosines[3:]), position)),)


def tag_of(state: Source, frame: Shown, view: View, format: Format) -> str:
    """What tells apart what `presented` gives."""
    blobs = state.laid.instance.blob, frame.source.laid.instance.blob
    return render.tag("presented", blobs, frame.frame, view, format.media_type)


async def presented(
    archive: Archive, state: Source, frame: Shown, view: View, format: Format
) -> Rendered:
    """One frame under the state."""
    render.checked(frame.source, frame.frame, replace(view, size=None, region=None), format)
    made_of = tag_of(state, frame, view, format)

    over = await _superimposed(archive, state, frame)
    taken = _subtraction(state, frame)

    async def make() -> bytes:
        async with archive.pictures.turn():
            data = await render.frame_bytes(archive, frame.source, frame.frame)
            values = None if taken is None else await _subtracted(archive, state, frame, taken)
            above = None
            if over is not None:
                above = over, await render.frame_bytes(archive, over.source, over.frame)
            return await archive.pictures.run(
                lambda: _made(state, frame, data, values, above, view, format)
            )

    return Rendered(await archive.pictures.get(made_of, state.laid.instance.blob, make), made_of)


def _subtraction(state: Source, frame: Shown) -> Subtraction | None:
    """The mask that is taken away from a grey frame; Refused where it is too large for that."""
    source, description = frame.source, frame.source.description
    taken = subtraction.subtraction(state.ds, frame.frame, source.frame_count)
    if taken is None or description.SamplesPerPixel != 1:
        return None
    if description.Rows * description.Columns > subtraction.PIXELS_MAX:
        raise Refused(PICTURE_TOO_LARGE, "The frames are too large to be subtracted.")
    return taken


async def _subtracted(archive: Archive, state: Source, frame: Shown, taken: Subtraction) -> Values:
    """Whoever calls this has a turn: one frame after the other is read and added up."""
    contrast = await _average(archive, state, frame.source, taken.contrasts)
    mask = await _average(archive, state, frame.source, taken.masks)
    return await archive.pictures.run(lambda: subtraction.difference(contrast, mask, taken.shifts))


async def _average(
    archive: Archive, state: Source, source: Source, numbers: Sequence[int]
) -> Values:
    total: Values | None = None
    for number in numbers:
        data = await render.frame_bytes(archive, source, number)
        values = await archive.pictures.run(partial(_values, state, source, number, data))
        total = values if total is None else total + values
    assert total is not None, "there are frames to be averaged"
    return total / np.float32(len(numbers))


def _values(state: Source, source: Source, number: int, data: bytes) -> Values:
    """In a thread: what the modality LUT makes of a frame."""
    cells, of_cells = render.cells_of(source, data)
    how = _look(state, Shown(source, number), of_cells)
    return in_units(how.grayscale, stored_values(cells, of_cells)).astype(np.float32)


def _look(state: Source, frame: Shown, of_cells: PixelDescription) -> Look:
    """Of a frame under the state."""
    signed = of_cells.PixelRepresentation == 1
    own = look(frame.source.ds, frame.frame, bits=value_bits(of_cells), signed=signed)
    instance = frame.source.laid.instance.SOPInstanceUID
    return look_of(own, state_of(state.ds, instance, frame.frame, signed=signed))


async def _superimposed(archive: Archive, state: Source, beneath: Shown) -> Shown | None:
    """What a blending state lays over a frame: the nearest parallel plane (PS3.3 C.11.14)."""
    item = presentation.superimposed(state.ds)
    target = planes.plane_of(beneath.source.ds, beneath.frame)
    if item is None or target is None:
        return None
    frames: list[Shown] = []
    for reference in presentation.references_in(item):
        source = await _source(archive, state, reference)
        if source is not None and source.kind is Kind.IMAGE:
            numbers = reference.frames or range(1, source.frame_count + 1)
            frames += [Shown(source, n) for n in numbers if n <= source.frame_count]
        if len(frames) > presentation.FRAMES_MAX:
            break
    there = [planes.plane_of(frame.source.ds, frame.frame) for frame in frames]
    found = planes.nearest(target, there)
    if found is None or found[1] > DISTANCE_MAX_MILLIMETRES:
        return None
    over = frames[found[0]]
    render.checked(over.source, over.frame, View(), FORMATS[0])
    return over


def _blended(state: Source, beneath: Shown, image: Image, above: tuple[Shown, bytes]) -> Image:
    """The superimposed frame through the state's palette, mixed by Relative Opacity."""
    over, data = above
    item = presentation.superimposed(state.ds)
    assert item is not None, "there is something superimposed"
    cells, of_cells = render.cells_of(over.source, data)
    signed = of_cells.PixelRepresentation == 1
    own = look(over.source.ds, over.frame, bits=value_bits(of_cells), signed=signed)
    grey = picture(
        cells, of_cells, look_of(own, presentation.state_of_item(item, signed=signed)),
        with_overlays=False,
    )  # fmt: skip
    of = planes.plane_of(over.source.ds, over.frame)
    target = planes.plane_of(beneath.source.ds, beneath.frame)
    if of is None or target is None or grey.is_colour:
        return image
    placed = planes.onto(grey.pixels, of, target, (image.rows, image.columns), smooth=True)
    level = np.rint(np.nan_to_num(placed)).astype(np.uint8)
    coloured = presentation.through(lookup.palette(state.ds, signed=False), Image(level))
    share = min(max(state.ds.number("RelativeOpacity") or 0.0, 0.0), 1.0)
    opacity = np.where(np.isnan(placed), 0, share).astype(np.float32)
    base = image.in_colour()
    return base.with_pixels(blended(base.pixels, coloured, opacity))


def _made(
    state: Source,
    frame: Shown,
    data: bytes,
    values: Values | None,
    above: tuple[Shown, bytes] | None,
    view: View,
    format: Format,
) -> bytes:
    source = frame.source
    cells, of_cells = render.cells_of(source, data)
    signed = of_cells.PixelRepresentation == 1
    instance = source.laid.instance.SOPInstanceUID
    said = state_of(state.ds, instance, frame.frame, signed=signed)
    _check_area(said)
    own = look(source.ds, frame.frame, bits=value_bits(of_cells), signed=signed)
    how = look_of(own, said)
    if values is None:
        image = picture(cells, of_cells, how, with_overlays=False)
    else:
        image = Image(to_grey(of_differences(how.grayscale, said), values))
    if above is not None:
        image = _blended(state, frame, image, above)
    turned_on = [o for o in overlays_on(cells, own) if o.group in said.activated]
    if view.region is None:
        return _encoded(applied(image, said, turned_on, view.size), source, view, format)
    image = applied(image, said, turned_on, None)
    return _encoded(geometry.viewed(image, view.size, view.region), source, view, format)


def _check_area(said: State) -> None:
    area = said.area or Area(0, 0, 0, 0)
    scale = area.magnification or 1.0
    tallest = max(area.aspect, 1 / area.aspect) * scale * scale
    render.check_size((round((area.right - area.left) * tallest), area.bottom - area.top))


def _encoded(image: Image, source: Source, view: View, format: Format) -> bytes:
    return encode.encoded(render.written(image, source, view), format, view.quality)
