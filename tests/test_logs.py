"""Log lines, for people and for machines."""

from __future__ import annotations

import json
import logging
import re

import pytest

from dicomweb import logs

pytestmark = pytest.mark.usefixtures("root_logger_restored")


def said(capsys, form, level="info"):
    logs.configure(form, level)
    log = logging.getLogger("dicomweb.test")
    log.debug("not at this level")
    log.warning("%d things", 3, extra={"status": 404})
    try:
        int("of ours")
    except ValueError:
        log.exception("It failed")
    return capsys.readouterr().err


def test_a_machine_reads_one_object_a_line(capsys):
    first, second = (json.loads(line) for line in said(capsys, "json").splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first.pop("time"))
    assert first == {
        "level": "warning",
        "logger": "dicomweb.test",
        "message": "3 things",
        "status": 404,
    }
    assert "ValueError: " in second["exception"]


@pytest.mark.parametrize("fraction", ["000", "123", "999"])
def test_the_time_of_a_line_is_that_of_its_event(fraction):
    event = logs.Event(float(f"1700000000.{fraction}"), "info", "dicomweb.test", "", {})
    line = json.loads(logs.JsonLines().line(event))
    assert line["time"] == f"2023-11-14T22:13:20.{fraction}+00:00"


def test_a_person_reads_time_level_and_message(capsys):
    lines = said(capsys, "human").splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d WARNING 3 things", lines[0])
    assert lines[-1].startswith("ValueError: ")


def test_what_libraries_say_of_their_every_step_is_left_out(capsys):
    logs.configure("human", "info")
    for name in logs.CHATTY:
        logging.getLogger(name).info("a step")
    assert capsys.readouterr().err == ""


def test_a_path_that_a_client_made_up_begins_no_line_of_its_own(capsys):
    logs.configure("human", "info")
    logging.getLogger("dicomweb.test").info("GET %s", "/x\n00:00:00 INFO forged\x1b[2J")
    assert capsys.readouterr().err[9:] == "INFO    GET /x\\x0a00:00:00 INFO forged\\x1b[2J\n"


@pytest.mark.parametrize(
    "odd, read", [("\udcff", "\udcff"), (2**70, 2**70)], ids=["no Unicode", "over 64 bits"]
)
def test_what_json_lines_cannot_hold_is_logged_all_the_same(capsys, odd, read):
    """The name of a file may be any bytes."""
    logs.configure("json", "info")
    logging.getLogger("dicomweb.test").info("odd", extra={"odd": odd})
    assert json.loads(capsys.readouterr().err)["odd"] == read


@pytest.mark.parametrize("form", logs.FORMATS)
def test_lines_that_wait_are_written_before_those_that_do_not(capsys, form):
    logs.configure(form, "info")
    lines = logs.patient_lines()
    first, second = (logs.Event(0.0, "info", "dicomweb.test", "%(a)s", {"a": n}) for n in (1, 2))
    assert lines.later(first)
    assert not lines.later(second)
    assert capsys.readouterr().err == ""
    logging.getLogger("dicomweb.test").info("3")
    said = capsys.readouterr().err.splitlines()
    read = json.loads if form == "json" else (lambda line: {"message": line.split()[-1]})
    assert [read(line)["message"] for line in said] == ["1", "2", "3"]
    assert lines.later(first)
    lines.flush()
    assert capsys.readouterr().err.splitlines() == said[:1]


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_line_that_waits_is_the_one_that_does_not(capsys, form):
    logs.configure(form, "info")
    text, facts = "%(method)s %(path)s", {"method": "GET", "path": "/x\n1", "status": 200}
    logging.getLogger("dicomweb.test").info(text, facts, extra=facts)
    at_once = capsys.readouterr().err
    logs.patient_lines().later(logs.Event(0.0, "info", "dicomweb.test", text, facts))
    logging.getLogger().handlers[0].flush()
    without_time = re.compile(r'^\d\d:\d\d:\d\d|"time":"[^"]*"')
    assert without_time.sub("", capsys.readouterr().err) == without_time.sub("", at_once)


def test_no_line_waits_where_a_program_logs_in_its_own_way():
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    assert logs.patient_lines() is None
