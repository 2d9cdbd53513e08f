"""The twelve searches of `benchmarks.searches` over the web, checked against the studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydicom.datadict import keyword_for_tag

from benchmarks import search_index
from benchmarks.peers.fetching import JSON, Get
from benchmarks.peers.figures import NGINX, Goal, Measure
from benchmarks.peers.held import Held
from benchmarks.peers.operation import Operation, times
from benchmarks.searches import QUESTIONS, Question
from schemas.attributes import Level

TWELVE = QUESTIONS[:12]
SMALL_ANSWER = "accession number"
"""One study: what the cost of a request as such is seen by."""
TRIES = 20
"""Each is asked with as many values in turn."""
COUNTED_MAX = 20_000
"""Studies up to which all are looked through for how many answers there have to be."""

Told = Mapping[str, str]
"""What an answer, or a study, says of itself, by keyword."""
Asked = Mapping[str, str]
"""The parameters of a search."""


def _any(_: Told, __: Asked, ___: int) -> bool:
    return True


def _name_within(told: Told, asked: Asked, _: int) -> bool:
    name, sought = told["PatientName"].lower(), asked["PatientName"]
    return sought.strip("*") in name and (sought[0] == "*" or name.startswith(sought.strip("*")))


def _in_a_year(told: Told, asked: Asked, _: int) -> bool:
    first, last = asked["StudyDate"].split("-")
    modalities = told.get("ModalitiesInStudy") or told["Modality"]
    return first <= told["StudyDate"] <= last and asked["ModalitiesInStudy"] in modalities


def _says(keyword: str) -> Callable[[Told, Asked, int], bool]:
    return lambda told, asked, _: told[keyword] in asked[keyword].split(",")


def _below(keyword: str, uid: str) -> Callable[[Told, Asked, int], bool]:
    return lambda told, *_: told[keyword].startswith(f"{uid}.")


def _sounds_like(told: Told, _: Asked, __: int) -> bool:
    return told["PatientName"].lower() == search_index.PLANTED_NAME.lower()


def _planted(told: Told, _: Asked, studies: int) -> bool:
    number = int(told["StudyInstanceUID"].rpartition(".")[2])
    return search_index.is_planted(number, studies)


RIGHT: Mapping[str, Callable[[Told, Asked, int], bool]] = {
    "recent studies, a page of 50": _any,
    "name, prefix": _name_within,
    "name, infix": _name_within,
    "a year and a modality": _in_a_year,
    "accession number": _says("AccessionNumber"),
    "Patient ID": _says("PatientID"),
    "a list of 100 UIDs": _says("StudyInstanceUID"),
    "series of a study": _below("SeriesInstanceUID", search_index.study_uid(77)),
    "1,000 instances of a series": _below("SOPInstanceUID", f"{search_index.study_uid(1)}.1"),
    "name, fuzzy": _sounds_like,
    "custom attribute": _planted,
    "deep page, read on from the middle": _any,
}
"""Whether an answer, given what was asked and how many studies there are, is one."""


def search(question: Question, *, again: bool = False) -> Get:
    """With words of its own each time, or `again` the same byte for byte."""
    below = {Level.STUDY: "", Level.SERIES: "/series", Level.INSTANCE: "/instances"}
    above = {"study": "/studies/{}", "series": "/series/{}"}
    path = "".join(above[level].format(uid) for level, uid in question.path.items()) or "/studies"

    def paths(held: Held) -> list[str]:
        asked = dict.fromkeys(question.text(held.studies, at) for at in range(TRIES))
        return [f"{path}{below[question.level]}?{one}" for one in asked]

    def fault(held: Held, path: str, answer: httpx.Response) -> str:
        answers = answer.json() if answer.content else []
        return _fault(question, urlsplit(path).query, held.studies, answers)

    goals = times(50)
    if question.name == SMALL_ANSWER:
        goals = (*goals, Goal(NGINX, 1 / 3, (Measure.CPU,)))
    name = f"QIDO, {question.name}{', again' if again else ''}"
    return Get("qido", name, goals, paths, JSON, fault, again)


def _fault(question: Question, text: str, studies: int, answers: list[Any]) -> str:
    """Whether there are too few or too many answers, or some that do not match."""
    told, asked = [_told(answer) for answer in answers], dict(parse_qsl(text))
    wrong = sum(not RIGHT[question.name](one, asked, studies) for one in told)
    needed = _needed(question.name, question.level, text, studies)
    if wrong:
        return f"gives {wrong} wrong answers"
    if len(told) not in needed:
        return f"gives {len(told)} of {needed[0]} answers"
    return "" if len(told) == len({tuple(one.items()) for one in told}) else "repeats an answer"


@cache
def _needed(name: str, level: Level, text: str, studies: int) -> range:
    """How many answers there may be: one number, where it does not take too long to tell."""
    asked = dict(parse_qsl(text))
    limit = int(asked.get("limit", studies))
    if level is Level.INSTANCE:
        return _only(search_index.SAMPLED)
    if "offset" in asked:
        # Towards the end there are the studies besides that the bench stores.
        is_full = int(asked["offset"]) + limit <= studies
        return _only(limit) if is_full else range(limit + 1)
    if level is not Level.STUDY or studies > COUNTED_MAX:
        return range(1, limit + 1)
    matches = RIGHT[name]
    return _only(min(limit, sum(matches(one, asked, studies) for one in _catalogue(studies))))


def _only(count: int) -> range:
    return range(count, count + 1)


@cache
def _catalogue(studies: int) -> list[Told]:
    return [
        search_index.attributes(number, search_index.is_planted(number, studies))
        for number in range(1, studies + 1)
    ]


def _told(answer: Any) -> dict[str, str]:
    """The values of an answer in DICOM JSON, several with backslashes between."""
    found = {}
    for tag, element in answer.items():
        values = [
            value.get("Alphabetic", "") if isinstance(value, dict) else str(value)
            for value in element.get("Value", [])
        ]
        found[keyword_for_tag(int(tag, 16))] = "\\".join(values)
    return found


def operations() -> tuple[Operation, ...]:
    """The small answer is compared with nginx too, and asked for over several connections."""
    asked = [(search(question), question.name == SMALL_ANSWER) for question in TWELVE]
    again = [search(question, again=True) for question in TWELVE if question.name == SMALL_ANSWER]
    return (
        *(one.operation(limited=small, grows=True) for one, small in asked),
        *(one.operation(limited=True, connections=8) for one, small in asked if small),
        *(one.operation(limited=True) for one in again),
    )
