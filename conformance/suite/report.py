"""Results as text, JSON and HTML."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from conformance.suite.case import Kind, Outcome, Result

BROKEN = (Outcome.FAILED, Outcome.NOT_SET_UP, Outcome.HARNESS)


@dataclass(frozen=True, slots=True)
class Judged:
    """Whom the results are about."""

    server: str
    url: str
    dimse: str
    strict: bool
    token: str
    """What the patient IDs of this run's objects begin with."""


def line(result: Result) -> str:
    case = result.case
    head = f"{result.outcome.value:<13} {case.kind.value:<6} {case.id}"
    text = f"{head}\n    {case.says}  [{case.item}; {case.clause}]"
    more = [result.why, *result.exchanges] if result.outcome in BROKEN else [result.why]
    return "\n    ".join([text, *filter(None, more)])


def summary(results: Sequence[Result]) -> str:
    """A line per area and one for all: how many passed, of how many that were tried."""
    areas = list(dict.fromkeys(result.area for result in results))
    lines = [_counted(area, [r for r in results if r.area == area]) for area in areas]
    return "\n".join([*lines, _counted("all", results)])


def _counted(name: str, results: Iterable[Result]) -> str:
    counts = Counter(result.outcome for result in results)
    tried = counts.total() - counts[Outcome.SKIPPED]
    text = f"{name:<20} {counts[Outcome.PASSED]:>4} of {tried:<4} passed"
    others = [o for o in Outcome if o is not Outcome.PASSED and counts[o]]
    return "; ".join([text, *(f"{counts[outcome]} {outcome.value}" for outcome in others)])


def as_json(judged: Judged, results: Sequence[Result]) -> str:
    document = {
        "server": judged.server,
        "url": judged.url,
        "dimse": judged.dimse,
        "strict": judged.strict,
        "token": judged.token,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cases": [_row(result) for result in results],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _row(result: Result) -> dict[str, Any]:
    case = result.case
    return {
        "id": case.id,
        "area": result.area,
        "says": case.says,
        "item": case.item,
        "clause": case.clause,
        "kind": case.kind.value,
        "outcome": result.outcome.value,
        "why": result.why,
        "seconds": round(result.seconds, 3),
        "exchanges": list(result.exchanges),
    }


_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; color: #222 }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .3rem .6rem }
tr { border-bottom: 1px solid #ddd }
.passed { color: #17692c } .failed, .harness { color: #a11 } .not_set_up { color: #965b00 }
.skipped { color: #777 } small { color: #666; white-space: pre-wrap }
"""


def as_html(judged: Judged, results: Sequence[Result]) -> str:
    """One page that needs nothing else."""
    name = html.escape(judged.server)
    mode = "by the letter" if judged.strict else "with known leniencies"
    areas = dict.fromkeys(result.area for result in results)
    tables = "".join(_table(area, [r for r in results if r.area == area]) for area in areas)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Conformance of {name}</title>"
        f"<style>{_STYLE}</style><h1>Conformance of {name}</h1>"
        f"<p>{html.escape(judged.url)} {html.escape(judged.dimse)}, judged {mode}.</p>"
        f"<pre>{html.escape(summary(results))}</pre>{tables}</html>\n"
    )


def _table(area: str, results: Sequence[Result]) -> str:
    rows = "".join(
        f"<tr><td class={r.outcome.name.lower()}>{r.outcome.value}"
        f"<td>{r.case.kind.value}<td>{html.escape(r.case.id)}"
        f"<td>{html.escape(r.case.says)}<br><small>{html.escape(_told(r))}</small>"
        f"<td>{html.escape(r.case.item)}<td>{html.escape(r.case.clause)}"
        for r in results
    )
    head = "<tr><th>outcome<th>kind<th>case<th>expected<th>requirement<th>clause"
    return f"<h2>{html.escape(area)}</h2><table>{head}{rows}</table>"


def _told(result: Result) -> str:
    """Why it failed, and what was exchanged."""
    if result.outcome not in BROKEN:
        return result.why
    return "\n".join([result.why, *result.exchanges])


def exit_code(results: Iterable[Result]) -> int:
    """1: a SHALL failed; 2: something could not be judged; 0: neither."""
    wrong = [result for result in results if result.outcome in BROKEN]
    if any(r.outcome is Outcome.FAILED and r.case.kind is Kind.SHALL for r in wrong):
        return 1
    return 2 if any(r.outcome is not Outcome.FAILED for r in wrong) else 0
