"""Answers: what a search says of a study or series is written once, when its first instance comes.

A search then only puts in what changes (`Computed`): counts, modalities, the URL of this server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import orjson

from dicomweb.engine.encodings import Encoding, offers
from schemas.attributes import Computed, Level, answered
from schemas.dicom_json import INSTANCE_URL

Uids = Mapping[str, str]
Blank = tuple[bytes, Callable[[Any], bytes]]
"""The marker of what is computed, and what writes its value."""

SEPARATOR = " "
ENCODINGS_CACHED_MAX = 4096
MODALITIES_CACHED_MAX = 1024
NUMBERS_CACHED_MAX = 4096

_RESOURCES = {
    Level.PATIENT: "",
    Level.STUDY: "/studies/{StudyInstanceUID}",
    Level.SERIES: "/studies/{StudyInstanceUID}/series/{SeriesInstanceUID}",
    Level.INSTANCE: "/studies/{StudyInstanceUID}/series/{SeriesInstanceUID}"
    "/instances/{SOPInstanceUID}",
}


def resource(level: Level, uids: Uids) -> str:
    """The path of a study, series or instance below the service root (PS3.18 Table 10.1.1-1)."""
    return _RESOURCES[level].format_map(uids)


def write(level: Level, pieces: Mapping[int, bytes], uids: Uids) -> bytes:
    """The answer of a search at `level` (PS3.18 10.6.3.3) with markers for what is computed.

    `pieces` are members of the object's DICOM JSON, so that what is found is what was sent.
    """
    written = []
    for computed, number, opening, required in _members(level):
        match computed:
            case None:
                piece = pieces.get(number)
                if piece is None:
                    if required:
                        written.append(opening + b"}")
                elif INSTANCE_URL in piece:
                    written.append(piece.replace(INSTANCE_URL, url(Level.INSTANCE, uids)))
                else:
                    written.append(piece)
            case Computed.RETRIEVE_URL:
                written.append(opening + b',"Value":["' + url(level, uids) + b'"]}')
            case _:
                written.append(opening + _marker(computed) + b"}")
    return b"{" + b",".join(written) + b"}"


@cache
def _members(level: Level) -> tuple[tuple[Computed | None, int, bytes, bool], ...]:
    """What an answer has: the tag, how the member begins, whether it is there without a value."""
    return tuple(
        (one.computed, one.number, f'"{one.tag}":{{"vr":"{one.vr}"'.encode(), one.required)
        for one in answered(level)
    )


def url(level: Level, uids: Uids) -> bytes:
    """The URL of a resource, with the marker of the service root."""
    return _marker(Computed.RETRIEVE_URL) + resource(level, uids).encode()


def _marker(computed: Computed) -> bytes:
    marker: bytes = computed.value
    return marker


@lru_cache(NUMBERS_CACHED_MAX)
def _number(count: int) -> bytes:
    return b',"Value":[%d]' % count


@lru_cache(MODALITIES_CACHED_MAX)
def _modalities(stored: str) -> bytes:
    held = [modality for modality in stored.split("\\") if modality]
    return b',"Value":' + orjson.dumps(held) if held else b""


@lru_cache(ENCODINGS_CACHED_MAX)
def _syntaxes(stored: str) -> bytes:
    """The transfer syntaxes an instance can be had in, as it is stored first where it travels so
    (PS3.18 10.6.3.3.3).
    """
    encoding = Encoding(*stored.split(SEPARATOR, 1))
    uids = [syntax.uid for syntax in offers(encoding, strict=True)]
    return b',"Value":' + orjson.dumps(sorted(uids, key=lambda uid: uid != encoding.syntax.uid))


FILLED: dict[Computed, tuple[tuple[str, ...], Any]] = {
    Computed.STUDIES_IN_PATIENT: (("NumberOfPatientRelatedStudies",), _number),
    Computed.SERIES_IN_PATIENT: (("NumberOfPatientRelatedSeries",), _number),
    Computed.INSTANCES_IN_PATIENT: (("NumberOfPatientRelatedInstances",), _number),
    Computed.SERIES_IN_STUDY: (("NumberOfStudyRelatedSeries",), _number),
    Computed.INSTANCES_IN_STUDY: (("NumberOfStudyRelatedInstances",), _number),
    Computed.MODALITIES: (("ModalitiesInStudy",), _modalities),
    Computed.INSTANCES_IN_SERIES: (("NumberOfSeriesRelatedInstances",), _number),
    Computed.SYNTAXES: (("TransferSyntaxUID", "pixels"), _syntaxes),
}
"""What is computed from columns: which, and how their value is written; SEPARATOR is between the
values of several.
"""

_MARKER, _ESCAPED = Computed.RETRIEVE_URL.value, b"\\u0010"
"""The marker that stays in place until the door puts its URL in, as JSON text would escape it."""


@cache
def computed_at(level: Level) -> tuple[Computed, ...]:
    """What an answer at `level` needs columns for, in the order `fill` wants their values."""
    return tuple(a.computed for a in answered(level) if a.computed in FILLED and a.computed)


@cache
def blanks_at(level: Level) -> tuple[Blank, ...]:
    """What stands for each of `computed_at` in a stored answer, and how its value is written.

    To be had once for a page: looking them up for each answer took a third of a page's time.
    """
    return tuple((_marker(computed), FILLED[computed][1]) for computed in computed_at(level))


def filled(rows: Sequence[Sequence[Any]], begin: int, blanks: Sequence[Blank]) -> list[bytes]:
    """The answers of a page, with the values of their computed attributes in place: of each row the
    answer is at `begin`, and the values follow it.
    """
    found: list[bytes] = [row[begin] for row in rows]
    for at, (marker, written) in enumerate(blanks, begin + 1):
        found = [
            answer.replace(marker, written(row[at]))
            for answer, row in zip(found, rows, strict=True)
        ]
    return found


def available_now(answers: bytes) -> bytes:
    """Answers with their Instance Availability: everything there is lies on disk."""
    return answers.replace(Computed.AVAILABILITY.value, b',"Value":["ONLINE"]')


def loads(answer: bytes) -> dict[str, Any]:
    """An answer as an object; the marker that stays in it is a character of its texts."""
    found: dict[str, Any] = orjson.loads(available_now(answer).replace(_MARKER, _ESCAPED))
    return found


def dumps(held: Mapping[str, Any]) -> bytes:
    """The answer that says what `held` does, in the order of its tags."""
    return orjson.dumps(dict(sorted(held.items()))).replace(_ESCAPED, _MARKER)


def merge(answers: Sequence[bytes]) -> bytes:
    """One object of the answers of several levels, the lowest first; it wins where both speak."""
    merged: dict[str, Any] = {}
    for answer in reversed(answers):
        merged.update(loads(answer))
    return dumps(merged)
