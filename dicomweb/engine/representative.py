"""Representative: the one instance whose picture stands for a study or series (REND-47)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, case, or_, select

from dicomweb.engine import sources
from dicomweb.engine.absence import missing
from dicomweb.engine.archive import Archive
from dicomweb.engine.sources import Source
from schemas.identifiers import Selection, Uid
from schemas.index import INSTANCE_TABLE, SERIES_TABLE, STUDY_TABLE

_WITHOUT_PICTURES = (
    "AU", "DOC", "ECG", "EPS", "HD", "KO", "M3D", "PLAN", "PR", "REG", "RESP", "RTDOSE", "RTPLAN",
    "RTRECORD", "RTSTRUCT", "RWV", "SEG", "SMR", "SR", "SRF", "ASMT", "ANN", "FID", "STAIN", "TG",
)  # fmt: skip
"""Modalities of series that are about others; one of images is taken before them."""


@lru_cache
def _series(by_series: bool) -> Select[Any]:
    found = (
        select(
            SERIES_TABLE.c.id,
            SERIES_TABLE.c.SeriesInstanceUID,
            SERIES_TABLE.c.NumberOfSeriesRelatedInstances,
        )
        .select_from(STUDY_TABLE.join(SERIES_TABLE))
        .where(STUDY_TABLE.c.StudyInstanceUID == bindparam("study"))
    )
    if by_series:
        found = found.where(SERIES_TABLE.c.SeriesInstanceUID == bindparam("series"))
    modality = SERIES_TABLE.c.Modality
    about_others = case((or_(*(modality == name for name in _WITHOUT_PICTURES)), 1), else_=0)
    return found.order_by(about_others, SERIES_TABLE.c.SeriesNumber, SERIES_TABLE.c.id).limit(1)


_MIDDLE = (
    select(INSTANCE_TABLE.c.SOPInstanceUID, INSTANCE_TABLE.c.blob)
    .where(INSTANCE_TABLE.c.series_id == bindparam("series"))
    .order_by(INSTANCE_TABLE.c.InstanceNumber, INSTANCE_TABLE.c.id)
    .limit(1)
    .offset(bindparam("before"))
)


async def of(archive: Archive, selection: Selection) -> Source:
    """The middle instance, by its number, of the first series that holds images.

    Refused (404, 410) where there is nothing.
    """
    if selection.instance is not None:
        return await sources.source(archive, selection)
    fetch = archive.index.fetch
    asked = {"study": selection.study or ""}
    if selection.series is not None:
        asked["series"] = selection.series
    for series, uid, count in await fetch(_series(selection.series is not None), asked):
        before = {"series": series, "before": max(0, (count - 1) // 2)}
        for instance, blob in await fetch(_MIDDLE, before):
            place = Selection(selection.study, Uid(uid), Uid(instance))
            return await sources.current(archive, place, blob)
    raise await missing(archive, selection)
