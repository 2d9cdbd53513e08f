"""Logs: the standard library's, as lines for people or as JSON lines for machines, on stderr.

No patient data at the default level: what is logged are UIDs, sizes, codes and sentences of ours.
Keeping to that is the duty of whoever logs.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TextIO

import orjson

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class Event(NamedTuple):
    """What a line says, where many say the like: a record of `logging` costs ten times as much."""

    created: float
    level: str
    logger: str
    text: str
    """Of the message, with the names of facts in it as %-formatting has them."""
    facts: Mapping[str, Any]


class JsonLines(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, what was in `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        level = record.levelname.lower()
        return _json(record.created, level, record.name, record.getMessage(), facts)

    def line(self, event: Event) -> str:
        """The same of an event."""
        message = event.text % event.facts
        return _json(event.created, event.level, event.logger, message, event.facts)


def _json(created: float, level: str, logger: str, message: str, facts: Mapping[str, Any]) -> str:
    second, microseconds = divmod(round(created * 1_000_000), 1_000_000)
    line = {
        "time": f"{_second(second)}.{microseconds // 1000:03d}+00:00",
        "level": level,
        "logger": logger,
        "message": message,
        **facts,
    }
    try:
        return orjson.dumps(line, default=str).decode()
    except TypeError:  # a file name that is no Unicode, a number of more than 64 bits
        return json.dumps(line, default=str)


@lru_cache(1)
def _second(since_1970: int) -> str:
    """Many lines are of the same."""
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class HumanLines(logging.Formatter):
    """Time, level where it matters, the message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line; a path that a client made up cannot begin another or steer a terminal."""
        return _harmless(super().formatMessage(record))

    def line(self, event: Event) -> str:
        """The same of an event."""
        clock = time.strftime("%H:%M:%S", time.localtime(event.created))
        return _harmless(f"{clock} {event.level.upper():7} {event.text % event.facts}")


def _harmless(line: str) -> str:
    return _CONTROL.sub(lambda c: f"\\x{ord(c[0]):02x}", line)


class Lines(logging.StreamHandler[TextIO]):
    """Where lines go.  Those of requests wait a moment for each other: a system call for each would
    cost as much as a small answer.  A line of anything else brings those before it along.
    """

    def __init__(self, stream: TextIO, formatter: JsonLines | HumanLines) -> None:
        super().__init__(stream)
        self.setFormatter(formatter)
        self._line = formatter.line
        self._waiting: list[Event] = []

    def later(self, event: Event) -> bool:
        """Writes it with the next line or `flush`; whether none waited yet, so that one is due."""
        self._waiting.append(event)
        if len(self._waiting) >= WAITING_MAX:
            self.flush()
        return len(self._waiting) == 1

    def emit(self, record: logging.LogRecord) -> None:
        self._write_waiting()
        super().emit(record)

    def flush(self) -> None:
        with self.lock or nullcontext():
            self._write_waiting()
            super().flush()

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.stream.write("".join([f"{self._line(event)}\n" for event in waiting]))


WAITING_MAX = 1_000
"""Lines that wait to be written."""


def patient_lines() -> Lines | None:
    """Where `Lines.later` may be used; None where the program that we are in logs otherwise."""
    handlers = logging.getLogger().handlers
    only = handlers[0] if len(handlers) == 1 else None
    return only if isinstance(only, Lines) else None


CHATTY = ("alembic", "httpcore", "httpx", "uvicorn")
"""Libraries whose every step is of interest to their authors only."""

FORMATS: dict[str, type[HumanLines | JsonLines]] = {"human": HumanLines, "json": JsonLines}


def configure(form: str, level: str) -> None:
    """Sends every logger's lines to stderr in `form`, from `level` on."""
    # Nobody's lines tell them, and to find them out costs as much as the line (logging's own
    # documentation, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    root = logging.getLogger()
    root.handlers[:] = [Lines(sys.stderr, FORMATS[form]())]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
