"""Included: what answers are asked to hold beyond what they always do (PS3.18 8.3.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from dicomweb.engine import answers
from dicomweb.engine.archive import Archive
from dicomweb.engine.firsts import DataSets, made_of
from schemas.attributes import ATTRIBUTES, Level
from schemas.dicom_json import INSTANCE_URL
from schemas.matching import Member, select
from schemas.modules import level_of
from schemas.paths import Path, Step
from schemas.query import Fields, Query

_DECLARED = {attribute.path: attribute.level for attribute in reversed(ATTRIBUTES)}
_UIDS = {
    keyword: f"{Step(number).number:08X}"
    for keyword, number in (
        (a.keyword, a.number) for a in ATTRIBUTES if a.keyword.endswith("InstanceUID")
    )
}


def inherits(fields: Fields, level: Level) -> frozenset[Level]:
    """The levels above `level` whose answers hold some of `fields` already."""
    # What a study's answer holds of its patient is its own.
    homes = {max(_DECLARED[path], Level.STUDY) for path in fields.paths if path in _DECLARED}
    return frozenset(home for home in homes if home < level)


def beyond(fields: Fields, level: Level) -> tuple[Path, ...]:
    """Those of the paths that the metadata have to be read for; lower levels' are not returned."""
    return tuple(
        path for path in fields.paths if path not in _DECLARED and level_of(path[0]) <= level
    )


async def include(
    archive: Archive, query: Query, ids: Sequence[int], made: list[bytes]
) -> list[bytes]:
    """The answers `made`, of the entities `ids`, with what is asked for besides."""
    wanted = beyond(query.fields, query.level)
    if not wanted and not query.fields.all:
        return made

    def included(found: DataSets) -> list[bytes]:
        return [
            _with(answer, found.get(id, {}), query, wanted)
            for id, answer in zip(ids, made, strict=True)
        ]

    return await made_of(archive, query.level, ids, included)


def _with(
    answer: bytes, data_set: Mapping[str, Any], query: Query, wanted: Iterable[Path]
) -> bytes:
    more: dict[str, Member] = {}
    if query.fields.all:
        more = {tag: held for tag, held in data_set.items() if _of_all(tag, held, query)}
    blocks = dict(query.fields.blocks)
    for path in wanted:
        for tag, held in select(data_set, path).items():
            more[_shown(tag, path[0], blocks)] = held
    held = answers.loads(answer)
    return answers.dumps({**more, **held}).replace(_PLACEHOLDER, _instance_url(data_set))


_PLACEHOLDER = orjson.dumps(INSTANCE_URL.decode())[1:-1]


def _of_all(tag: str, held: Member, query: Query) -> bool:
    """What is large stays behind; of private elements nobody knows what they describe, they come
    with the instance.
    """
    if "BulkDataURI" in held or (tag.startswith("0008") and tag == "00080005"):
        return False
    number = int(tag, 16)
    if number >> 16 & 1:
        return query.level is Level.INSTANCE
    level = level_of(Step(number))
    if query.level is Level.STUDY:
        return level <= Level.STUDY
    return level is query.level or level in query.inherited


def _shown(tag: str, step: Step, blocks: Mapping[str, int]) -> str:
    """A private attribute in the block that the request says its creator has."""
    block = blocks.get(step.creator)
    if block is None or not step.creator:
        return tag
    if tag[4:6] == "00":
        return f"{tag[:6]}{block:02X}"
    return f"{tag[:4]}{block:02X}{tag[6:]}"


def _instance_url(data_set: Mapping[str, Any]) -> bytes:
    uids = {
        keyword: str(next(iter(data_set.get(tag, {}).get("Value", ())), ""))
        for keyword, tag in _UIDS.items()
    }
    return answers.url(Level.INSTANCE, uids)
