"""Structured reports and key object selections -> Document (PS3.3 C.17, PS3.18 Table 8.7.4-1)."""

from __future__ import annotations

from collections.abc import Iterator

from dicomweb.documents.document import DEPTH_MAX, Document, Entry, Target
from dicomweb.documents.facts import date, date_time, facts, name, time
from schemas.keywords import DataSet

ITEMS_MAX = 100_000
"""Content items of one report that are shown."""
NUMBERS_SHOWN = 12


def report(ds: DataSet) -> Document:
    """The content tree: codes, measurements, references, observation dates and flags (OBJ-05)."""
    reading = _Reading(_evidence(ds))
    return Document(
        title=_code(ds.item("ConceptNameCodeSequence")) or "Structured Report",
        facts=(*facts(ds), *_flags(ds)),
        entries=tuple(reading.entries(ds, 0, ())),
    )


def _flags(ds: DataSet) -> Iterator[tuple[str, str]]:
    """Completion and verification, and who verified (PS3.3 C.17.2)."""
    for label, keyword in (("Completion", "CompletionFlag"), ("Verification", "VerificationFlag")):
        if value := ds.text(keyword):
            yield label, value
    for observer in ds.items("VerifyingObserverSequence"):
        when = date_time(observer.text("VerificationDateTime"))
        yield "Verified by", f"{name(observer.text('VerifyingObserverName'))} {when}".strip()


def _evidence(ds: DataSet) -> dict[str, Target]:
    """Where the objects are that the report refers to, by SOP Instance UID."""
    found = {}
    for keyword in (
        "CurrentRequestedProcedureEvidenceSequence",
        "PertinentOtherEvidenceSequence",
    ):
        for study in ds.items(keyword):
            for series in study.items("ReferencedSeriesSequence"):
                for image in series.items("ReferencedSOPSequence"):
                    instance = image.text("ReferencedSOPInstanceUID")
                    found[instance] = (
                        study.text("StudyInstanceUID"),
                        series.text("SeriesInstanceUID"),
                        instance,
                    )
    return found


def _code(item: DataSet | None) -> str:
    """The meaning of a code; its value where it states none."""
    if item is None:
        return ""
    return item.text("CodeMeaning") or item.text("CodeValue")


class _Reading:
    """One walk over a content tree, with its bound."""

    def __init__(self, evidence: dict[str, Target]) -> None:
        self._evidence = evidence
        self._left = ITEMS_MAX

    def entries(self, ds: DataSet, depth: int, place: tuple[int, ...]) -> Iterator[Entry]:
        if depth >= DEPTH_MAX:
            return
        for number, item in enumerate(ds.items("ContentSequence"), 1):
            self._left -= 1
            if self._left < 0:
                return
            yield self._entry(item, depth, (*place, number))

    def _entry(self, item: DataSet, depth: int, place: tuple[int, ...]) -> Entry:
        below = tuple(self.entries(item, depth + 1, place))
        observed = date_time(item.text("ObservationDateTime"))
        if observed:
            below = (Entry("Observed", observed), *below)
        target = self._evidence.get(_referenced(item))
        title = _code(item.item("ConceptNameCodeSequence"))
        return Entry(
            title or _RELATIONS.get(item.text("RelationshipType"), ""), _value(item), below, target
        )


_RELATIONS = {
    "CONTAINS": "Content",
    "HAS OBS CONTEXT": "Context",
    "HAS ACQ CONTEXT": "Acquisition",
    "HAS CONCEPT MOD": "Modifier",
    "HAS PROPERTIES": "Property",
    "INFERRED FROM": "Inferred from",
    "SELECTED FROM": "Selected from",
}


def _referenced(item: DataSet) -> str:
    reference = item.item("ReferencedSOPSequence")
    return "" if reference is None else reference.text("ReferencedSOPInstanceUID")


def _value(item: DataSet) -> str:
    """What a content item says, by its value type (PS3.3 C.17.3)."""
    pointer = item.numbers("ReferencedContentItemIdentifier")
    if pointer:
        return "see item " + ".".join(str(int(number)) for number in pointer)
    read = _VALUES.get(item.text("ValueType"))
    return "" if read is None else read(item)


def _measured(item: DataSet) -> str:
    measured = item.item("MeasuredValueSequence")
    if measured is None:
        return _code(item.item("NumericValueQualifierCodeSequence"))
    units = measured.item("MeasurementUnitsCodeSequence")
    unit = "" if units is None else units.text("CodeValue")
    if unit == "1" or unit.startswith("{"):
        unit = _code(units) if unit.startswith("{") else ""
    value = measured.values("NumericValue")
    return f"{value[0] if value else ''} {unit}".strip()


def _reference(item: DataSet) -> str:
    reference = item.item("ReferencedSOPSequence")
    if reference is None:
        return ""
    frames = [str(int(n)) for n in reference.numbers("ReferencedFrameNumber")[:NUMBERS_SHOWN]]
    shown = f", frame {', '.join(frames)}" if frames else ""
    return (
        f"{item.text('ValueType').capitalize()} {reference.text('ReferencedSOPInstanceUID')}{shown}"
    )


def _coordinates(item: DataSet) -> str:
    numbers = [f"{number:g}" for number in item.numbers("GraphicData")]
    more = " ..." if len(numbers) > NUMBERS_SHOWN else ""
    return f"{item.text('GraphicType').capitalize()} {', '.join(numbers[:NUMBERS_SHOWN])}{more}"


def _times(item: DataSet) -> str:
    values = [
        *item.texts("ReferencedDateTime"),
        *(f"{n:g} s" for n in item.numbers("ReferencedTimeOffsets")),
        *(f"sample {n:g}" for n in item.numbers("ReferencedSamplePositions")),
    ]
    return f"{item.text('TemporalRangeType').capitalize()} {', '.join(values[:NUMBERS_SHOWN])}"


_VALUES = {
    "TEXT": lambda item: item.text("TextValue"),
    "CODE": lambda item: _code(item.item("ConceptCodeSequence")),
    "NUM": _measured,
    "DATE": lambda item: date(item.text("Date")),
    "TIME": lambda item: time(item.text("Time")),
    "DATETIME": lambda item: date_time(item.text("DateTime")),
    "PNAME": lambda item: name(item.text("PersonName")),
    "UIDREF": lambda item: item.text("UID"),
    "IMAGE": _reference,
    "COMPOSITE": _reference,
    "WAVEFORM": _reference,
    "SCOORD": _coordinates,
    "SCOORD3D": _coordinates,
    "TCOORD": _times,
}
