"""Representative: the one instance whose picture stands for a study or series (REND-47)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Select, bindparam, case, func, or_, select

from dicomweb.engine import instances, sources
from dicomweb.engine.absence import missing
from dicomweb.engine.archive import Archive
from dicomweb.engine.sources import Source
from schemas.identifiers import Selection
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
    middle = (
        select(INSTANCE_TABLE.c.id)
        .select_from(chosen.join(INSTANCE_TABLE, INSTANCE_TABLE.c.series_id == chosen.c.id))
        .order_by(INSTANCE_TABLE.c.InstanceNumber, INSTANCE_TABLE.c.id)
        .limit(1)
        .offset(found_before)
    )
    return instances.described_by_id(middle.scalar_subquery())


async def of(archive: Archive, selection: Selection) -> Source:
    """The middle instance, by its number, of the first series that holds images.

    Refused (404, 410) where there is nothing.  Which one it is stays so until something is stored
    or removed; to look it up is a third of what a thumbnail costs that was made before.
    """
    if selection.instance is not None:
        return await sources.source(archive, selection)
    pictures, version = archive.pictures, archive.index.version()
    at = (selection.study, selection.series, version)
    known = None if version is None else pictures.representatives.get(at)
    if known is not None and (remembered := pictures.sources.get(known)) is not None:
        return cast(Source, remembered)
    asked = {"study": selection.study or ""}
    if selection.series is not None:
        asked["series"] = selection.series
    by_series = selection.series is not None
    for row in await archive.index.fetch(_middle(by_series), asked):
        found = await sources.current(archive, *instances.description(row))
        if version is not None:
            pictures.representatives.put(at, found.laid.instance.blob)
        return found
    raise await missing(archive, selection)
