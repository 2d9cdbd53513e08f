"""The conformance suite on our own server: what the standard requires holds, in both modes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.suite.__main__ import main
from conformance.suite.case import Kind, Outcome, Result
from conformance.suite.cases import AREAS
from conformance.suite.dimse import Dimse
from conformance.suite.runner import run
from conformance.suite.session import Session
from tests.process import free_port, serving

CASES = [case for cases in AREAS.values() for case in cases]

KNOWN: dict[str, str] = {
    "syntax-by-dimse-any": "Implicit VR from DIMSE goes out as it is for *, unless strict.",
    "parity-implicit-on-the-web": "The same, asked of what was stored a moment ago.",
}
"""Cases that our own server fails, and why."""


def wado_uri(url: str) -> str:
    return url.replace("/dicom-web", "/wado")


@contextmanager
def judging(data: Path, *flags: str, strict: bool) -> Iterator[Session]:
    """A session with a server of ours, at both its doors."""
    port, our_port = free_port(), free_port()
    data.mkdir()
    config = data / "server.toml"
    config.write_text(f'[peers.SUITE]\nhost = "127.0.0.1"\nport = {our_port}\n')
    flags = ("--config", str(config), "--dimse-port", str(port), *flags)
    with serving(data / "archive", *flags) as server:
        session = Session(
            server.url,
            wado_uri=wado_uri(server.url),
            dimse=Dimse("DICOMWEB", "127.0.0.1", port, "SUITE", "SUITE", our_port),
            strict=strict,
        )
        try:
            yield session
        finally:
            session.close()


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged")
    with (
        judging(folder / "default", strict=False) as default,
        judging(folder / "strict", "--strict", strict=True) as strict,
    ):
        yield default, strict


@pytest.fixture(scope="module")
def results(sessions):
    """Of all cases in both modes: what waits for one server leaves room for the other."""
    with ThreadPoolExecutor(2) as threads:
        return tuple(threads.map(lambda session: list(run(session, AREAS)), sessions))


@pytest.fixture(scope="module")
def default_results(results):
    return results[0]


@pytest.fixture(scope="module")
def strict_results(results):
    return results[1]


def of(results: list[Result], *outcomes: Outcome) -> dict[str, str]:
    return {r.case.id: f"{r.case.says} {r.why}" for r in results if r.outcome in outcomes}


def test_the_suite_itself_does_not_break(default_results, strict_results):
    results = default_results + strict_results
    assert of(results, Outcome.HARNESS, Outcome.NOT_SET_UP) == {}


def test_our_server_fails_nothing_but_what_is_known(default_results):
    failed = of(default_results, Outcome.FAILED)
    assert {name: why for name, why in failed.items() if name not in KNOWN} == {}
    assert set(failed) == set(KNOWN), "What passes by now is no longer known to fail."


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


def test_one_case_is_shown_with_its_whole_exchange(sessions, capsys):
    url = sessions[0].url
    code = main([url, "--only", "search-empty"])
    shown = capsys.readouterr().out
    assert code == 0
    assert f"> GET {url}/studies?StudyInstanceUID=2.25." in shown
    assert "< 204 No Content" in shown
    assert "2 of 2    passed" in shown  # and the case that it needs


def test_results_are_written_as_json_and_html(sessions, tmp_path, capsys):
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    arguments = [sessions[0].url, "--area", "limits", "--name", "a <name>"]
    main([*arguments, "--json", str(report), "--html", str(page)])
    document = json.loads(report.read_text())
    assert document["server"] == "a <name>"
    assert f"begin with {document['token']}." in capsys.readouterr().out
    assert [case["id"] for case in document["cases"]] == [case.id for case in AREAS["limits"]]
    assert "Conformance of a &lt;name&gt;" in page.read_text()
