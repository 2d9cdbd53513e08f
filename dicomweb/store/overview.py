"""Overview: what the record says of the archive as a whole, from kept sums and short lists.

Nothing here grows with the archive: sums by modality and day, the latest arrivals and refusals.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, func, select

from dicomweb.store.index import Index
from dicomweb.store.tally import DAY, MODALITY, TOTAL
from schemas.index import INSTANCE_TABLE, REFUSAL_TABLE, SERIES_TABLE, STUDY_TABLE, TALLY_TABLE

DAYS = 30
ARRIVALS_READ_MAX = 300
"""Instances that are looked at for the studies that came last."""
ARRIVALS_MAX = 10
REFUSALS_MAX = 50


@dataclass(frozen=True, slots=True)
class Amount:
    instances: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A study of which something came lately."""

    StudyInstanceUID: str
    instances: int
    """Of the latest that came, those of this study."""
    stored_microseconds: int
    """When the last of them did."""


@dataclass(frozen=True, slots=True)
class Refusal:
    refused_microseconds: int
    code: int
    detail: str
    SOPInstanceUID: str


@dataclass(frozen=True, slots=True)
class Overview:
    studies: int
    series: int
    modalities: dict[str, Amount]
    days: dict[str, Amount]
    """What came on each of the last days (UTC), those without anything left out."""
    arrivals: tuple[Arrival, ...]
    refusals: tuple[Refusal, ...]

    @property
    def total(self) -> Amount:
        """All instances."""
        amounts = self.modalities.values()
        return Amount(sum(a.instances for a in amounts), sum(a.size_bytes for a in amounts))


async def overview(index: Index) -> Overview:
    """The archive as it is now."""
    since = (datetime.now(UTC) - timedelta(days=DAYS - 1)).strftime("%Y%m%d")
    sums: dict[str, dict[str, Amount]] = {MODALITY: {}, DAY: {}, TOTAL: {}}
    for kind, name, instances, size_bytes in await index.fetch(_SUMS, {"since": since}):
        if instances:
            sums[kind][name] = Amount(int(instances), int(size_bytes))
    totals = sums[TOTAL]
    return Overview(
        studies=totals["studies"].instances if "studies" in totals else 0,
        series=totals["series"].instances if "series" in totals else 0,
        modalities=sums[MODALITY],
        days=sums[DAY],
        arrivals=await _arrivals(index),
        refusals=tuple([Refusal(*row) for row in await index.fetch(_REFUSALS, {})]),
    )


async def _arrivals(index: Index) -> tuple[Arrival, ...]:
    """The studies of the latest instances, the one that got the last of them first."""
    studies: dict[str, Arrival] = {}
    for uid, stored in await index.fetch(_ARRIVALS, {}):
        before = studies.get(uid)
        if before is None and len(studies) == ARRIVALS_MAX:
            break
        latest = before.stored_microseconds if before else stored
        studies[uid] = Arrival(uid, before.instances + 1 if before else 1, latest)
    return tuple(studies.values())


_TALLY, _REFUSAL, _STUDY = TALLY_TABLE.c, REFUSAL_TABLE.c, STUDY_TABLE.c
_SUMS = (
    select(_TALLY.kind, _TALLY.name, func.sum(_TALLY.instances), func.sum(_TALLY.size_bytes))
    .where((_TALLY.kind != DAY) | (_TALLY.name >= bindparam("since")))
    .group_by(_TALLY.kind, _TALLY.name)
)
_LATEST = (
    select(INSTANCE_TABLE.c.id, INSTANCE_TABLE.c.series_id, INSTANCE_TABLE.c.stored_microseconds)
    .order_by(INSTANCE_TABLE.c.id.desc())
    .limit(ARRIVALS_READ_MAX)
    .subquery()
)
_ARRIVALS = (
    select(_STUDY.StudyInstanceUID, _LATEST.c.stored_microseconds)
    .select_from(_LATEST)
    .join(SERIES_TABLE, SERIES_TABLE.c.id == _LATEST.c.series_id)
    .join(STUDY_TABLE, _STUDY.id == SERIES_TABLE.c.study_id)
    .order_by(_LATEST.c.id.desc())
)
_REFUSALS = (
    select(_REFUSAL.refused_microseconds, _REFUSAL.code, _REFUSAL.detail, _REFUSAL.SOPInstanceUID)
    .order_by(_REFUSAL.id.desc())
    .limit(REFUSALS_MAX)
)
