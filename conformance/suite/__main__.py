"""python -m conformance.suite: judge a server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from conformance.suite import report
from conformance.suite.case import Outcome, Result
from conformance.suite.cases import AREAS
from conformance.suite.report import Judged
from conformance.suite.runner import run
from conformance.suite.session import Session

if TYPE_CHECKING:
    from conformance.suite.dimse import Dimse


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    if asked.list:
        for area, cases in AREAS.items():
            for case in cases:
                print(f"{area:<16} {case.kind.value:<6} {case.id:<40} {case.item:<12} {case.says}")
        return 0
    if not asked.url and not asked.dimse:
        _parser().error("name a URL, or --dimse, or both")
    url = asked.url.rstrip("/")
    session = Session(
        url=url,
        wado_uri=asked.wado_uri or urljoin(f"{url}/", "/wado"),
        dimse=_dimse(asked) if asked.dimse else None,
        strict=asked.strict,
        shown=sys.stdout if asked.only else None,
    )
    areas = {name: AREAS[name] for name in asked.area or AREAS}
    results: list[Result] = []
    try:
        for result in run(session, areas, asked.only):
            results.append(result)
            quiet = result.outcome in (Outcome.PASSED, Outcome.SKIPPED)
            if asked.only or asked.verbose or not quiet:
                print(report.line(result), flush=True)
    except LookupError as error:
        _parser().error(str(error))
    finally:
        session.close()
    results.sort(key=_place)
    print(report.summary(results))
    print(f"Patient IDs of what was stored begin with {session.token}.")
    judged = Judged(asked.name or url or asked.dimse, url, asked.dimse, asked.strict, session.token)
    if asked.json:
        Path(asked.json).write_text(report.as_json(judged, results))
    if asked.html:
        Path(asked.html).write_text(report.as_html(judged, results))
    return report.exit_code(results)


def _place(result: Result) -> tuple[int, int]:
    """Where a result stands in a report: as the areas do, a case after those before it."""
    areas = list(AREAS)
    return areas.index(result.area), AREAS[result.area].index(result.case)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m conformance.suite",
        description="Judges a DICOMweb server, a DIMSE server, or one that is both.  It stores a "
        "few dozen small synthetic objects under fresh UIDs; what is already there is left alone.",
        epilog="Exit status: 0 when every SHALL holds, 1 when one does not, 2 when something could "
        "not be judged.",
    )
    parser.add_argument("url", nargs="?", default="", help="the service root of DICOMweb")
    parser.add_argument("--wado-uri", default="", metavar="URL", help="default: /wado on that host")
    parser.add_argument("--dimse", default="", metavar="AET@HOST:PORT", help="needs pynetdicom")
    parser.add_argument("--calling", default="SUITE", metavar="AET", help="the suite's AE title")
    parser.add_argument(
        "--destination",
        default="",
        metavar="AET@PORT",
        help="the suite's own Storage SCP as the server knows it; without it no C-MOVE",
    )
    parser.add_argument("--strict", action="store_true", help="by the letter, no leniency let pass")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ID",
        help="this case and those it needs, with full requests and responses; repeatable",
    )
    parser.add_argument("--area", action="append", choices=list(AREAS), help="repeatable")
    parser.add_argument("--name", default="", help="what the server is called in reports")
    parser.add_argument("--json", default="", metavar="FILE")
    parser.add_argument("--html", default="", metavar="FILE")
    parser.add_argument("--list", action="store_true", help="print the cases and stop")
    parser.add_argument("--verbose", action="store_true", help="print what passed too")
    return parser


def _dimse(asked: argparse.Namespace) -> Dimse:
    try:
        from conformance.suite.dimse import Dimse
    except ImportError:
        sys.exit("The DIMSE half needs pynetdicom: pip install pynetdicom")
    called, _, address = asked.dimse.rpartition("@")
    host, _, port = address.rpartition(":")
    destination, _, destination_port = asked.destination.partition("@")
    return Dimse(
        called=called or "ANY-SCP",
        host=host,
        port=int(port),
        calling=asked.calling,
        destination=destination,
        destination_port=int(destination_port or 0),
    )


if __name__ == "__main__":
    sys.exit(main())
