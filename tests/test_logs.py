"""Log lines, for people and for machines."""

from __future__ import annotations

import json
import logging
import re

import pytest

from dicomweb import logs


@pytest.fixture(autouse=True)
def restored():
    """The root logger as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


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
