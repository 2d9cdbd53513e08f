"""Cases -> results: each case once, after the cases it needs; three kinds of failure told apart."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import cast

from conformance.suite.answer import Answer
from conformance.suite.case import (
    Asked,
    Case,
    Http,
    NotSetUp,
    Outcome,
    Result,
    Statuses,
    Step,
    Wrong,
)
from conformance.suite.checks import lookups
from conformance.suite.exchange import exchange
from conformance.suite.operations import Operation
from conformance.suite.session import Session

NO_STATUS = {-1: "The association or context was refused", -2: "There was no response"}
DIMSE_STATUSES = (0x0110, 0x0111, 0x0117, 0x0122)
"""Those that could be statuses of HTTP by their number."""

Areas = Mapping[str, tuple[Case, ...]]


def run(session: Session, areas: Areas, only: Collection[str] = ()) -> Iterator[Result]:
    """The results of all cases in their order; of `only` and what they need, if any are named."""
    cases = {case.id: (area, case) for area, of in areas.items() for case in of}
    unknown = set(only) - set(cases)
    if unknown:
        raise LookupError(f"There is no case {', '.join(sorted(unknown))}.")
    done: dict[str, Result] = {}
    for name in _ordered(cases, only or cases):
        area, case = cases[name]
        if case.strict_only and not session.strict:
            continue
        started = time.perf_counter()
        session.exchanges = []
        outcome, why = _verdict(session, case, done)
        seconds = time.perf_counter() - started
        done[name] = Result(case, area, outcome, why, seconds, tuple(session.exchanges))
        yield done[name]


def _ordered(cases: Mapping[str, tuple[str, Case]], wanted: Iterable[str]) -> list[str]:
    """Names with those they need before them."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        if name in ordered:
            return
        for needed in cases[name][1].needs:
            if needed in cases:  # an area may be run without the others
                add(needed)
        ordered[name] = None

    for name in wanted:
        add(name)
    return list(ordered)


def _verdict(session: Session, case: Case, done: Mapping[str, Result]) -> tuple[Outcome, str]:
    for needed in case.needs:
        if needed in done and done[needed].outcome is not Outcome.PASSED:
            return Outcome.SKIPPED, f"It needs {needed}, which did not pass."
    missing = _missing_half(session, case)
    if missing:
        return Outcome.SKIPPED, missing
    session.answers = []
    try:
        for group in case.on:
            session.ensure(group)
        for step in case.before:
            _set_up(session, step)
    except NotSetUp as why:
        return Outcome.NOT_SET_UP, str(why)
    except Exception:  # noqa: BLE001 - whatever it is, it is the suite's own fault
        return Outcome.HARNESS, traceback.format_exc(limit=-3)
    return _judged(session, case)


def _judged(session: Session, case: Case) -> tuple[Outcome, str]:
    steps = (Step(case.request, case.status, case.checks), *case.then)
    try:
        for number, step in enumerate(steps):
            answer = _ask(session, step.request)
            tolerated = number == 0 and not session.strict and answer.status in case.tolerated
            if tolerated:
                break
            _judge(answer, step)
    except Wrong as wrong:
        return Outcome.FAILED, str(wrong)
    except NotSetUp as why:
        return Outcome.NOT_SET_UP, str(why)
    except Exception:  # noqa: BLE001 - whatever it is, it is the suite's own fault
        return Outcome.HARNESS, traceback.format_exc(limit=-3)
    return Outcome.PASSED, ""


def _missing_half(session: Session, case: Case) -> str:
    steps = (*case.before, Step(case.request), *case.then)
    dimse = case.both_doors or any(isinstance(step.request, Operation) for step in steps)
    web = case.both_doors or any(isinstance(step.request, str | Http) for step in steps)
    if dimse and session.dimse is None:
        return "There is no DIMSE half to ask (--dimse)."
    if (web or not dimse) and not session.url:
        return "There is no web half to ask (URL)."
    return ""


def _set_up(session: Session, step: Step) -> None:
    try:
        _judge(_ask(session, step.request), step)
    except Wrong as wrong:
        raise NotSetUp(f"What comes before it went wrong: {wrong}") from None


def _ask(session: Session, request: Asked | Operation) -> Answer:
    if callable(request):
        ask = cast(Callable[[Session], "Asked | Operation"], request)
        with lookups("the answer before names what to ask for next"):
            request = ask(session)
        return _ask(session, request)
    if isinstance(request, Operation):
        if session.dimse is None:
            raise NotSetUp("There is no DIMSE half to ask (--dimse).")
        answer = session.dimse.perform(session, request)
    else:
        answer = session.send(request)
    session.answers.append(answer)
    session.exchanges.append(exchange(request, answer))
    return answer


def _judge(answer: Answer, step: Step) -> None:
    if not _is_in(answer.status, step.status):
        raise Wrong(f"{_named(answer)}, expected {_listed(step.status)}.{_said(answer)}")
    for check in step.checks:
        check(answer)


def _is_in(status: int, wanted: Statuses) -> bool:
    return status == wanted if isinstance(wanted, int) else status in wanted


def _named(answer: Answer) -> str:
    if answer.url:
        return f"Status {answer.status}"
    if answer.status < 0:
        return NO_STATUS[answer.status]
    return f"Status {answer.status:04X}H"


def _listed(wanted: Statuses) -> str:
    """Statuses in words, runs of them as such."""
    statuses = [wanted] if isinstance(wanted, int) else sorted(set(wanted))
    runs: list[list[int]] = []
    for status in statuses:
        if runs and status == runs[-1][-1] + 1:
            runs[-1].append(status)
        else:
            runs.append([status])
    shown = [
        _code(run[0]) if len(run) == 1 else f"{_code(run[0])} to {_code(run[-1])}" for run in runs
    ]
    return " or ".join(shown)


def _code(status: int) -> str:
    if status < 0:
        return NO_STATUS[status].lower()
    return str(status) if 100 <= status < 600 and status not in DIMSE_STATUSES else f"{status:04X}H"


def _said(answer: Answer) -> str:
    text = answer.body[:160].decode("utf-8", "replace").strip() if answer.status >= 400 else ""
    return f"  It says: {' '.join(text.split())}" if text and text.isprintable() else ""
