"""Representative: the one instance whose picture stands for a study or series (REND-47)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func, or_, select

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


@lru_cache
def _middle(by_series: bool) -> Select[Any]:
    chosen = _series(by_series).cte("chosen")
    before = select((chosen.c.NumberOfSeriesRelatedInstances - 1) // 2).scalar_subquery()
    found_before = func.coalesce(before, 0)  # a series that is not there has no middle
    return (
        select(chosen.c.SeriesInstanceUID, INSTANCE_TABLE.c.SOPInstanceUID, INSTANCE_TABLE.c.blob)
        .select_from(chosen.join(INSTANCE_TABLE, INSTANCE_TABLE.c.series_id == chosen.c.id))
        .order_by(INSTANCE_TABLE.c.InstanceNumber, INSTANCE_TABLE.c.id)
        .limit(1)
        .offset(found_before)
    )


async def of(archive: Archive, selection: Selection) -> Source:
    """The middle instance, by its number, of the first series that holds images.

    Refused (404, 410) where there is nothing.
    """
    if selection.instance is not None:
        return await sources.source(archive, selection)
    asked = {"study": selection.study or ""}
    if selection.series is not None:
        asked["series"] = selection.series
    by_series = selection.series is not None
    for series, instance, blob in await archive.index.fetch(_middle(by_series), asked):
        place = Selection(selection.study, Uid(series), Uid(instance))
        return await sources.current(archive, place, blob)
    raise await missing(archive, selection)
