"""Tally: what the archive holds in all: instances and bytes by modality and by day of arrival.

Written last in the transaction that changes it, so that nobody waits long for its rows.  Each
process adds to rows of its own, and whoever reads sums them up.
"""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, datetime

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import Insert, insert

from dicomweb.store.statements import DIALECTS, Ask, Transaction
from schemas.index import TALLY_TABLE

SHARDS = 64
MODALITY, DAY, TOTAL = "modality", "day", "total"
"""Kinds of rows: by Modality; by the day (UTC, as DICOM writes it) on which they came, whether they
are still there or not; "series" and "studies"."""


class Tally:
    """The changes of one transaction."""

    def __init__(self) -> None:
        self._changes: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])

    def add(self, modality: str, size_bytes: int) -> None:
        """An instance came."""
        today = datetime.now(UTC).strftime("%Y%m%d")
        for key in ((MODALITY, modality), (DAY, today)):
            self._change(key, 1, size_bytes)

    def remove(self, modality: str, size_bytes: int) -> None:
        """An instance left."""
        self._change((MODALITY, modality), -1, -size_bytes)

    def count(self, name: str, by: int) -> None:
        """Series or studies came or left."""
        self._change((TOTAL, name), by, 0)

    def _change(self, key: tuple[str, str], instances: int, size_bytes: int) -> None:
        change = self._changes[key]
        change[0] += instances
        change[1] += size_bytes

    def write(self, dialect: str) -> Transaction[None]:
        """Adds the changes to the record."""
        shard = os.getpid() % SHARDS
        rows = [
            {
                "kind": kind,
                "name": name,
                "shard": shard,
                "instances": instances,
                "size_bytes": size_bytes,
            }
            for (kind, name), (instances, size_bytes) in sorted(self._changes.items())
            if instances or size_bytes
        ]
        if rows:
            yield Ask(_ADD[dialect], rows)


def _adding() -> Insert:
    columns = TALLY_TABLE.c
    adding = insert(TALLY_TABLE).values({c.name: bindparam(c.name) for c in columns})
    return adding.on_conflict_do_update(
        index_elements=["kind", "name", "shard"],
        set_={
            "instances": columns.instances + adding.excluded.instances,
            "size_bytes": columns.size_bytes + adding.excluded.size_bytes,
        },
    ).inline()


_ADD = {dialect: _adding() for dialect in DIALECTS}
