"""One exchange in a line: what was asked, and what came, for whoever reads why a case failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields

from conformance.suite.answer import Answer
from conformance.suite.case import ANYTHING, Http
from conformance.suite.operations import Operation

VALUE_CHARACTERS_MAX = 160
"""Of what was asked with, and of what the body says."""
SAID_BYTES_MAX = 20
"""A body of fewer is shown whatever the status."""

_ANY_UID = re.compile(r"\b2\.25\.\d+")
_BOUNDARY = re.compile(r";? *boundary=[^;]*")
"""What is another one in each run."""


def exchange(request: Http | str | Operation, answer: Answer) -> str:
    """As `GET {ct1.study}/metadata, Accept: text/html -> 406 text/plain, There is: ...`."""
    if isinstance(request, str):
        request = Http(request)
    if isinstance(request, Http):
        return f"{_request(request)} -> {_response(answer)}"
    return f"{_operation(request)} -> {_responses(answer)}"


def _request(request: Http) -> str:
    accept = "none" if request.accept is None else request.accept
    headers = {} if accept == ANYTHING else {"Accept": accept}
    told = [f"{name}: {value}" for name, value in (headers | dict(request.headers)).items()]
    return ", ".join([_cut(request.line), *map(_cut, told)])


def _response(answer: Answer) -> str:
    told = [answer.headers.get("content-type", "without Content-Type") if answer.body else "empty"]
    if answer.status >= 400 or 0 < len(answer.body) < SAID_BYTES_MAX:
        text = " ".join(answer.body.decode("utf-8", "replace").split())
        told += [text] if text and text.isprintable() else []
    told += [
        f"{name}: {answer.headers[name]}"
        for name in ("Allow", "Content-Range", "Location", "Warning")
        if name in answer.headers
    ]
    return f"{answer.status} {', '.join(map(_cut, told))}"


def _operation(operation: Operation) -> str:
    """Its name, and those of its fields that are not as usual."""
    told = []
    for one in fields(operation):
        value = getattr(operation, one.name)
        usual = one.default_factory() if one.default_factory is not MISSING else one.default
        if value == usual:
            continue
        told.append(f"{one.name}={_value(value)}")
    return _cut(f"{type(operation).__name__} {' '.join(told)}".strip())


def _value(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return "made for it"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"{len(value)} of them"
    return str(value)


def _responses(answer: Answer) -> str:
    status = f"{answer.status:04X}H" if answer.status >= 0 else "none"
    told = [f"status {status}", f"{len(answer.responses)} responses"]
    told += [f"{len(answer.identifiers)} identifiers"] if answer.identifiers else []
    told += [f"{len(answer.received)} objects"] if answer.received else []
    if answer.contexts:
        taken = sum(syntax is not None for syntax in answer.contexts.values())
        told.append(f"{taken} of {len(answer.contexts)} contexts")
    return ", ".join(told)


def steady(text: str) -> str:
    """A line that is the same in the next run: without the UIDs and boundaries of this one."""
    return _ANY_UID.sub("{uid}", _BOUNDARY.sub("", " ".join(text.split())))


def _cut(text: str) -> str:
    line = steady(text)
    return line if len(line) <= VALUE_CHARACTERS_MAX else f"{line[:VALUE_CHARACTERS_MAX]}..."
