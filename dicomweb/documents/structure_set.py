"""RT Structure Sets: their regions of interest as a list, and their contours (PS3.3 C.8.8.5, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dicomweb.documents.document import Document, Entry
from dicomweb.documents.facts import facts
from schemas.keywords import DataSet

POINTS_MAX = 2_000_000
"""Of all contours that are drawn."""
DEFAULT = (255, 255, 0)


@dataclass(frozen=True, slots=True)
class Contour:
    points: tuple[tuple[float, float, float], ...]
    """In the patient's coordinates, millimetres."""
    colour: tuple[int, int, int]
    closed: bool


def structure_set(ds: DataSet) -> Document:
    """Each region with its number, type, algorithm, colour and contours."""
    observations = {
        item.whole("ReferencedROINumber"): item for item in ds.items("RTROIObservationsSequence")
    }
    contours = {item.whole("ReferencedROINumber"): item for item in ds.items("ROIContourSequence")}
    entries = [
        Entry(
            roi.text("ROIName") or f"ROI {roi.whole('ROINumber')}",
            "",
            tuple(_about(roi, observations, contours)),
        )
        for roi in ds.items("StructureSetROISequence")
    ]
    title = ds.text("StructureSetLabel") or ds.text("StructureSetName") or "Structure set"
    return Document(title, facts(ds), tuple(entries))


def _about(
    roi: DataSet, observations: dict[int, DataSet], contours: dict[int, DataSet]
) -> Iterator[Entry]:
    number = roi.whole("ROINumber")
    yield Entry("Number", str(number))
    seen, drawn = observations.get(number), contours.get(number)
    if seen is not None and seen.text("RTROIInterpretedType"):
        yield Entry("Type", seen.text("RTROIInterpretedType"))
    if roi.text("ROIGenerationAlgorithm"):
        yield Entry("Algorithm", roi.text("ROIGenerationAlgorithm"))
    if roi.number("ROIVolume") is not None:
        yield Entry("Volume", f"{roi.number('ROIVolume'):g} ml")
    if drawn is not None:
        count = sum(1 for _ in drawn.items("ContourSequence"))
        yield Entry("Contours", str(count))
        colour = drawn.numbers("ROIDisplayColor")
        if len(colour) == 3:
            yield Entry("Colour", ", ".join(f"{value:g}" for value in colour))


def contours(ds: DataSet) -> Iterator[Contour]:
    """The contours of all regions, up to a bound of their points."""
    left = POINTS_MAX
    for roi in ds.items("ROIContourSequence"):
        colour = [int(v) & 255 for v in roi.numbers("ROIDisplayColor")]
        shade = (colour[0], colour[1], colour[2]) if len(colour) == 3 else DEFAULT
        for item in roi.items("ContourSequence"):
            numbers = item.numbers("ContourData") or _as_text(item.octets("ContourData"))
            points = tuple(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=False))
            left -= len(points)
            if left < 0:
                return
            if points:
                yield Contour(points, shade, item.text("ContourGeometricType") == "CLOSED_PLANAR")


def _as_text(octets: bytes) -> list[float]:
    """A long DS value is kept as the text it was."""
    try:
        return [
            float(number) for number in octets.decode("ascii").strip("\0 ").split("\\") if number
        ]
    except ValueError:
        return []
