"""Firsts: how the index gets from a patient, study or series to its first instance."""

from __future__ import annotations

from functools import cache

from sqlalchemy import FromClause, func, select

from schemas.attributes import Level
from schemas.index import CONTENT_TABLE, TABLES


@cache
def with_first_content(level: Level) -> FromClause:
    """The table of `level`, joined to what is stored of the first instance of each of its rows."""
    joined: FromClause = TABLES[level]
    for above in range(level, Level.INSTANCE):
        upper, lower = TABLES[Level(above)], TABLES[Level(above + 1)]
        other = lower.alias()
        first = (
            select(func.min(other.c.id))
            .where(other.c[f"{upper.name}_id"] == upper.c.id)
            .correlate(upper)
            .scalar_subquery()
        )
        joined = joined.join(lower, lower.c.id == first)
    instance = TABLES[Level.INSTANCE].c.id
    return joined.join(CONTENT_TABLE, CONTENT_TABLE.c.instance_id == instance)
