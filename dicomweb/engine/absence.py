"""Absence: what to say of a study, series or instance that is not there."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from dicomweb.engine.archive import Archive
from schemas.identifiers import Selection
from schemas.index import SERIES_TABLE, STUDY_TABLE, TOMBSTONE_TABLE
from schemas.reasons import GONE, NOT_FOUND, Refused

_STONES = select(TOMBSTONE_TABLE.c.SeriesInstanceUID, TOMBSTONE_TABLE.c.SOPInstanceUID).where(
    TOMBSTONE_TABLE.c.StudyInstanceUID == bindparam("study"),
    TOMBSTONE_TABLE.c.SeriesInstanceUID.in_((bindparam("series"), "")),
    TOMBSTONE_TABLE.c.SOPInstanceUID.in_((bindparam("instance"), "")),
)
_STUDY = select(STUDY_TABLE.c.id).where(STUDY_TABLE.c.StudyInstanceUID == bindparam("study"))
_SERIES = (
    select(SERIES_TABLE.c.id)
    .select_from(STUDY_TABLE.join(SERIES_TABLE))
    .where(
        STUDY_TABLE.c.StudyInstanceUID == bindparam("study"),
        SERIES_TABLE.c.SeriesInstanceUID == bindparam("series"),
    )
)
_UNKNOWN = {
    (False, False): "There is no such study.",
    (True, False): "There is no such series in that study.",
    (True, True): "There is no such instance in that series of that study.",
}


async def missing(archive: Archive, selection: Selection) -> Refused:
    """That it was deleted (410), or that it is not known (404) (NEG-66).

    The tombstone of a study or series only counts while nothing was stored in it anew.
    """
    asked = {
        "study": selection.study or "",
        "series": selection.series or "",
        "instance": selection.instance or "",
    }
    stones = set(await archive.index.fetch(_STONES, asked))
    if stones:
        gone = (asked["series"], asked["instance"]) in stones
        study = await archive.index.fetch(_STUDY, {"study": asked["study"]})
        gone |= not study and ("", "") in stones
        pinned = {"study": asked["study"], "series": asked["series"]}
        series = await archive.index.fetch(_SERIES, pinned)
        gone |= not series and (asked["series"], "") in stones
        if gone:
            return Refused(GONE, "It was deleted.")
    return Refused(NOT_FOUND, _UNKNOWN[bool(selection.series), bool(selection.instance)])
