"""Planes: where frames lie in the patient, and one laid over another (PS3.3 C.7.6.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from dicomweb.pixels.looks import group
from schemas.keywords import DataSet

Vector = NDArray[np.float64]
PARALLEL_MIN = 0.99
"""Cosine of the angle between normals of planes that can be laid over each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Where the pixels of one frame are, in millimetres."""

    origin: Vector
    """The middle of the first pixel."""
    across: Vector
    """From a pixel to the next in its row."""
    down: Vector
    """From a pixel to the next in its column."""

    @property
    def normal(self) -> Vector:
        normal = np.cross(self.across, self.down)
        found: Vector = normal / np.linalg.norm(normal)
        return found

    def distance(self, other: Plane) -> float | None:
        """Millimetres between two planes; None where they are not parallel."""
        if abs(float(self.normal @ other.normal)) < PARALLEL_MIN:
            return None
        return abs(float(self.normal @ (other.origin - self.origin)))


def plane_of(ds: DataSet, frame: int) -> Plane | None:
    """The plane of `frame`; None where the data set does not say where it is."""
    position = (group(ds, frame, "PlanePositionSequence") or ds).numbers("ImagePositionPatient")
    axes = group(ds, frame, "PlaneOrientationSequence") or ds
    cosines = axes.numbers("ImageOrientationPatient")
    spacing = (group(ds, frame, "PixelMeasuresSequence") or ds).numbers("PixelSpacing")
    if (len(position), len(cosines), len(spacing)) != (3, 6, 2) or min(spacing) <= 0:
        return None
    across, down = np.array(cosines[:3]), np.array(cosines[3:])
    if not np.linalg.norm(np.cross(across, down)) > PARALLEL_MIN / 2:
        return None
    origin = np.array(position)
    offsets = ds.numbers("GridFrameOffsetVector")
    if len(offsets) >= frame > 1:
        origin = origin + np.cross(across, down) * (offsets[frame - 1] - offsets[0])
    return Plane(origin, across * spacing[1], down * spacing[0])


def nearest(target: Plane, planes: Sequence[Plane | None]) -> tuple[int, float] | None:
    """Place and distance of the plane that is closest to `target`; None where none is parallel."""
    found: list[tuple[float, int]] = []
    for place, plane in enumerate(planes):
        away = None if plane is None else target.distance(plane)
        if away is not None:
            found.append((away, place))
    if not found:
        return None
    away, place = min(found)
    return place, away


def onto(
    values: NDArray[Any], of: Plane, target: Plane, shape: tuple[int, int], *, smooth: bool
) -> NDArray[np.float32]:
    """`values` of one plane where the pixels of another are, in rows and columns of `shape`.

    Outside of them there is NaN.  `smooth` interpolates; labels are not to be mixed.
    """
    axes = np.stack([of.across / (of.across @ of.across), of.down / (of.down @ of.down)])
    slopes = axes @ np.stack([target.across, target.down], axis=1)
    shift = axes @ (target.origin - of.origin)
    # Pillow counts from the corner of the first pixel, planes from its middle.
    shift = shift - slopes @ np.array([0.5, 0.5]) + 0.5
    coefficients = (*slopes[0], shift[0], *slopes[1], shift[1])
    rows, columns = shape
    kind = Pillow.Resampling.BILINEAR if smooth else Pillow.Resampling.NEAREST

    def moved(array: NDArray[np.float32], how: Pillow.Resampling) -> NDArray[np.float32]:
        picture = Pillow.fromarray(array)
        affine = Pillow.Transform.AFFINE
        return np.asarray(picture.transform((columns, rows), affine, coefficients, how))

    found = moved(np.ascontiguousarray(values, np.float32), kind)
    inside = moved(np.ones(values.shape, np.float32), Pillow.Resampling.NEAREST) > 0
    return np.where(inside, found, np.nan).astype(np.float32)
