"""Logs: the standard library's, as lines for people or as JSON lines for machines, on stderr.

No patient data at the default level: what is logged are UIDs, sizes, codes and sentences of ours.
Keeping to that is the duty of whoever logs.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

import orjson

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message, what was in `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # a file name that is no Unicode, a number of more than 64 bits
            return json.dumps(line, default=str)


class HumanLines(logging.Formatter):
    """Time, level where it matters, the message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line; a path that a client made up cannot begin another or steer a terminal."""
        return _CONTROL.sub(lambda c: f"\\x{ord(c[0]):02x}", super().formatMessage(record))


CHATTY = ("alembic", "httpcore", "httpx", "uvicorn")
"""Libraries whose every step is of interest to their authors only."""

FORMATS: dict[str, type[logging.Formatter]] = {"human": HumanLines, "json": JsonLines}


def configure(form: str, level: str) -> None:
    """Sends every logger's lines to stderr in `form`, from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATS[form]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
