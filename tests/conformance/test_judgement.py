"""The suite's verdicts: three kinds of failure, one root one line, leniency where it is said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conformance.suite import multipart
from conformance.suite.case import Case, Http, NotSetUp, Outcome, Step, Wrong
from conformance.suite.checks import count, holds, media_type, png_pixels
from conformance.suite.exchange import steady
from conformance.suite.report import line
from conformance.suite.runner import run
from conformance.suite.session import Session

BODIES = {
    "/empty": (204, "", b""),
    "/rows": (200, "application/dicom+json", b'[{"00080018":{"vr":"UI","Value":["1.2"]}}]'),
    "/nan": (200, "application/dicom+json", b'[{"00189082":{"vr":"FD","Value":[NaN]}}]'),
    "/twice": (200, "application/dicom+json", b'[{"00080018":{"vr":"UI"},"00080018":{}}]'),
    "/broken": (500, "text/plain", b"It broke.\n"),
}


class Canned(BaseHTTPRequestHandler):
    """Answers what is in `BODIES`; /gone cuts the connection."""

    def do_GET(self) -> None:
        if self.path == "/gone":
            self.connection.close()
            return
        status, kind, body = BODIES[self.path]
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def canned() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Canned) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def case(request, *checks, id="a-case", **more) -> Case:
    return Case(
        id=id, says="A sentence.", item="QIDO-01", clause="PS3.18 1", request=request,
        checks=checks, **more,
    )  # fmt: skip


def verdicts(*cases: Case, strict: bool = False) -> list[tuple[Outcome, str]]:
    with canned() as url:
        session = Session(url, strict=strict)
        found = [(result.outcome, result.why) for result in run(session, {"area": cases})]
        session.close()
        return found


def verdict(request, *checks, **more) -> tuple[Outcome, str]:
    (found,) = verdicts(case(request, *checks, **more))
    return found


def test_a_right_answer_passes():
    assert verdict("GET /rows", count(1)) == (Outcome.PASSED, "")


def test_a_wrong_status_fails_with_what_the_server_says():
    outcome, why = verdict("GET /broken")
    assert outcome is Outcome.FAILED
    assert why == "Status 500, expected 200.  It says: It broke."


def test_a_wrong_body_fails():
    assert verdict("GET /rows", count(2)) == (Outcome.FAILED, "There are 1 results, expected 2.")


@pytest.mark.parametrize("path", ["/nan", "/twice"])
def test_json_that_only_lenient_parsers_take_fails(path):
    """JSON-19, JSON-27 (PS3.18 F.2)"""
    assert verdict(f"GET {path}", count(1))[0] is Outcome.FAILED


def test_a_connection_that_is_cut_is_the_server_s_fault():
    assert verdict("GET /gone")[0] is Outcome.FAILED


def test_what_is_missing_in_an_answer_is_the_server_s_fault():
    outcome, why = verdict("GET /rows", holds("it has rows", lambda a: a.rows[0]["00280010"]))
    assert outcome is Outcome.FAILED
    assert "KeyError" in why


def test_a_check_that_breaks_is_the_suite_s_fault():
    def broken(_: object) -> None:
        raise ZeroDivisionError

    outcome, why = verdict("GET /rows", broken)
    assert outcome is Outcome.HARNESS
    assert "ZeroDivisionError" in why


def test_material_that_is_not_there_is_the_suite_s_fault():
    assert verdict("GET /{nothing.study}")[0] is Outcome.HARNESS


def test_what_was_exchanged_is_told_in_a_line_each():
    with canned() as url:
        session = Session(url)
        asked = case(Http("GET /broken", "text/csv"), before=(Step("GET /rows"),))
        (result,) = run(session, {"area": (asked,)})
        session.close()
    assert result.exchanges == (
        "GET /rows -> 200 application/dicom+json",
        "GET /broken, Accept: text/csv -> 500 text/plain, It broke.",
    )
    assert result.exchanges[1] in line(result)


def test_a_line_is_the_same_in_the_next_run():
    text = 'multipart/related; type="a/b"; boundary=x1 of 2.25.123456 and 2.25.9'
    assert steady(text) == 'multipart/related; type="a/b"'
    assert steady("/studies/2.25.1234/series") == "/studies/{uid}/series"


def test_what_goes_wrong_beforehand_is_no_verdict():
    outcome, why = verdict("GET /rows", before=(Step("GET /broken"),))
    assert outcome is Outcome.NOT_SET_UP
    assert "Status 500" in why


def test_a_server_that_does_not_take_the_material_gets_no_verdict():
    def refuse(_: Session) -> Http:
        raise NotSetUp("not taken")

    assert verdict(refuse) == (Outcome.NOT_SET_UP, "not taken")


def test_a_server_that_is_not_there_gets_no_verdict():
    session = Session("http://127.0.0.1:9")
    (result,) = run(session, {"area": (case("GET /rows"),)})
    session.close()
    assert result.outcome is Outcome.NOT_SET_UP


def test_one_root_failure_is_one_line():
    root = case("GET /broken", id="root")
    leaf = case("GET /rows", id="leaf", needs=("root",))
    assert [outcome for outcome, _ in verdicts(leaf, root)] == [Outcome.FAILED, Outcome.SKIPPED]


def test_leniency_ends_where_the_suite_is_strict():
    lenient = case("GET /broken", tolerated=(500,))
    assert verdicts(lenient)[0][0] is Outcome.PASSED
    assert verdicts(lenient, strict=True)[0][0] is Outcome.FAILED


def test_cases_by_the_letter_are_not_asked_otherwise():
    letter = case("GET /rows", strict_only=True)
    assert verdicts(letter) == []
    assert verdicts(letter, strict=True) == [(Outcome.PASSED, "")]


def test_an_unknown_case_is_named():
    with pytest.raises(LookupError, match="nonesuch"):
        list(run(Session("http://127.0.0.1:9"), {"area": ()}, ["nonesuch"]))


def test_a_media_type_is_compared_without_its_parameters():
    assert verdict("GET /rows", media_type("application/dicom+json"))[0] is Outcome.PASSED
    assert verdict("GET /rows", media_type("application/json"))[0] is Outcome.FAILED


PARTS = [({"Content-Type": "application/dicom"}, b"one\r\n--"), ({}, b"")]


def test_what_is_written_is_read_back():
    body, content_type = multipart.write(PARTS, "application/dicom")
    assert [(part.headers, part.content) for part in multipart.read(body, content_type)] == [
        ({"content-type": "application/dicom"}, b"one\r\n--"),
        ({}, b""),
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"--b\r\n\r\nx", id="no closing delimiter"),
        pytest.param(b"text\r\n--b\r\n\r\nx\r\n--b--", id="text before the first delimiter"),
        pytest.param(b"--bc\r\n\r\nx\r\n--b--", id="another boundary"),
        pytest.param(b"--b\r\nno colon\r\n\r\nx\r\n--b--", id="a malformed header"),
        pytest.param(b"--b\r\nA: b\r\nx--b--", id="headers without an end"),
    ],
)
def test_multipart_that_is_not_by_the_letter_is_wrong(body):
    """NEG-46, NEG-51 (PS3.18 8.6.1.2)"""
    with pytest.raises(Wrong):
        multipart.read(body, "multipart/related; boundary=b")


def test_a_png_is_read_whatever_its_filters(tmp_path):
    from PIL import Image

    noise = bytes((7 * at * at) % 251 for at in range(32 * 24))
    for mode, channels in (("L", 1), ("RGB", 3)):
        picture = Image.frombytes(mode, (32, 24 // channels), noise)
        picture.save(tmp_path / "a.png", optimize=True)
        pixels = png_pixels((tmp_path / "a.png").read_bytes())
        assert [one for row in pixels for one in row] == list(noise[::channels])
