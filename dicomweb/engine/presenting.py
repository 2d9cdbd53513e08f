"""Presenting: the images that a presentation state refers to, as it has them shown (8.3.5.1.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dicomweb.engine import render, sources
from dicomweb.engine.archive import Archive
from dicomweb.engine.render import Rendered
from dicomweb.engine.sources import Source
from dicomweb.pixels import encode, geometry, presentation
from dicomweb.pixels.encode import Format
from dicomweb.pixels.image import Image
from dicomweb.pixels.looks import group, look
from dicomweb.pixels.picture import picture, value_bits
from dicomweb.pixels.presentation import Area, Reference, State, applied, look_of, state_of
from schemas.identifiers import Selection, Uid, is_uid
from schemas.kinds import Kind
from schemas.reasons import GONE, NOT_FOUND, PICTURE_TOO_LARGE, Refused
from schemas.view import View


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

    async def make() -> bytes:
        data = await render.frame_bytes(archive, frame.source, frame.frame)
        return await archive.pictures.run(lambda: _made(state, frame, data, view, format))

    return Rendered(await archive.pictures.get(made_of, make), made_of)


def _made(state: Source, frame: Shown, data: bytes, view: View, format: Format) -> bytes:
    source = frame.source
    cells, of_cells = render.cells_of(source, data)
    signed = of_cells.PixelRepresentation == 1
    instance = source.laid.instance.SOPInstanceUID
    said = state_of(state.ds, instance, frame.frame, signed=signed)
    _check_area(said)
    own = look(source.ds, frame.frame, bits=value_bits(of_cells), signed=signed)
    image = picture(cells, of_cells, look_of(own, said), with_overlays=False)
    turned_on = [overlay for overlay in own.overlays if overlay.group in said.activated]
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
