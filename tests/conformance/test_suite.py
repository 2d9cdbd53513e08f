"""The conformance suite on our own server: what the standard requires holds, in both modes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conformance.suite.__main__ import main
from conformance.suite.case import Kind, Outcome, Result
from conformance.suite.cases import AREAS
from conformance.suite.runner import run
from conformance.suite.session import Session
from tests.process import serving

CASES = [case for cases in AREAS.values() for case in cases]

KNOWN: dict[str, str] = dict.fromkeys(
    [
        "bulk-decoded",
        "bulk-document",
        "capabilities",
        "capabilities-json",
        "default-rendered-text",
        "frames-decoded",
        "frames-decoded-rle",
        "include-any-attribute",
        "include-private",
        "include-sequence",
        "include-study-in-series",
        "include-upper-in-instances",
        "preflight",
        "rendered-pdf",
        "rendered-text-html",
        "rendered-text-plain",
        "rendered-text-xml",
        "retrieve-decoded-attributes",
        "retrieve-decoded-stays-lossy",
        "search-date-time",
        "search-date-time-from",
        "search-emptyvaluematching",
        "search-key-mixed-path",
        "search-multiplevaluematching",
        "search-private-key",
        "search-same-item-found",
        "search-series-key-RequestedProcedureID",
        "search-series-key-RequestedProcedureID-as-tag",
        "search-series-key-ScheduledProcedureStepID",
        "search-series-key-ScheduledProcedureStepID-as-tag",
        "search-xml",
        "store-accept-xml",
        "store-implicit-by-the-letter",
        "store-json",
        "store-xml",
        "syntax-default-decompresses",
        "syntax-default-decompresses-rle",
        "syntax-default-lossy",
        "uri-decompressed",
        "uri-default",
        "uri-frame-bad-beyond",
        "uri-frame-bad-several",
        "uri-frame-bad-zero",
        "uri-png",
        "uri-quality-bad",
        "uri-region-bad",
        "uri-report-html",
        "uri-report-text",
        "uri-window-half",
    ],
    "On its way: what it is about has not landed yet.",
)
"""Cases that our own server fails, and why."""


def wado_uri(url: str) -> str:
    return url.replace("/dicom-web", "/wado")


def judged(data: Path, *flags: str) -> list[Result]:
    """The results of all web cases on a server of ours."""
    with serving(data, "--dimse-port", "0", *flags) as server:
        strict = "--strict" in flags
        session = Session(server.url, wado_uri=wado_uri(server.url), strict=strict)
        try:
            return list(run(session, AREAS))
        finally:
            session.close()


def of(results: list[Result], *outcomes: Outcome) -> dict[str, str]:
    return {r.case.id: f"{r.case.says} {r.why}" for r in results if r.outcome in outcomes}


@pytest.fixture(scope="module")
def default_results(tmp_path_factory):
    return judged(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="module")
def strict_results(tmp_path_factory):
    return judged(tmp_path_factory.mktemp("strict"), "--strict")


def test_the_suite_itself_does_not_break(default_results, strict_results):
    results = default_results + strict_results
    assert of(results, Outcome.HARNESS, Outcome.NOT_SET_UP) == {}


def test_our_server_fails_nothing_but_what_is_known(default_results):
    failed = of(default_results, Outcome.FAILED)
    assert {name: why for name, why in failed.items() if name not in KNOWN} == {}


def test_our_strict_server_keeps_every_shall_but_what_is_known(strict_results):
    shall = [result for result in strict_results if result.case.kind is Kind.SHALL]
    failed = of(shall, Outcome.FAILED)
    assert {name: why for name, why in failed.items() if name not in KNOWN} == {}


def test_there_are_more_than_300_cases_with_ids_of_their_own():
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids)) > 300
    assert set(KNOWN) <= set(ids)


def test_every_case_names_requirement_and_clause_and_what_it_needs():
    ids = {case.id for case in CASES}
    for case in CASES:
        items = case.item.split(", ")
        assert all(re.fullmatch(r"[A-Z]+-\d\d", item) for item in items), case.id
        assert case.clause.startswith(("PS3.", "WHATWG")), case.id
        assert case.says.endswith("."), case.id
        assert set(case.needs) <= ids - {case.id}, case.id


def test_one_case_is_shown_with_its_whole_exchange(tmp_path, capsys):
    with serving(tmp_path / "data", "--dimse-port", "0") as server:
        code = main([server.url, "--only", "search-empty"])
    shown = capsys.readouterr().out
    assert code == 0
    assert "> GET /dicom-web/studies?StudyInstanceUID=2.25." in shown.replace(
        server.url, "/dicom-web"
    )
    assert "< 204 No Content" in shown
    assert "2 of 2    passed" in shown  # and the case that it needs


def test_results_are_written_as_json_and_html(tmp_path, capsys):
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    with serving(tmp_path / "data", "--dimse-port", "0") as server:
        arguments = [server.url, "--area", "limits", "--name", "a <name>"]
        main([*arguments, "--json", str(report), "--html", str(page)])
    capsys.readouterr()
    document = json.loads(report.read_text())
    assert document["server"] == "a <name>"
    assert [case["id"] for case in document["cases"]] == [case.id for case in AREAS["limits"]]
    assert "Conformance of a &lt;name&gt;" in page.read_text()
