"""What a case is: a sentence of the standard, a request, and what its answer has to be.

Cases are data.  A check is a small function of the answer that raises `Wrong`; anything else that
is raised is a fault of the suite and reported as one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.suite.answer import Answer
    from conformance.suite.operations import Operation
    from conformance.suite.session import Session


class Kind(Enum):
    """How much a case weighs."""

    SHALL = "SHALL"
    """Conformance: the standard requires it, or requires it of whoever offers the feature."""
    SHOULD = "SHOULD"
    """Quality: the standard recommends it, or clients rely on it."""
    MAY = "MAY"
    """Observation: an optional feature is there, or is not."""


class Wrong(Exception):  # noqa: N818 - a verdict on the server, not an error of ours
    """The server's answer is not what the case expects."""


class NotSetUp(Exception):  # noqa: N818
    """The case could not begin: what it is about could not be put in place."""


ANYTHING = "*/*"


@dataclass(frozen=True, slots=True)
class Http:
    """A request; {name} in its line stands for a thing of the material (see `material`)."""

    line: str
    """Method and path below the service root, or a whole URL."""
    accept: str | None = ANYTHING
    """None: the request has no Accept header."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[Session], Body] | bytes | None = None
    chunked: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    content: bytes
    content_type: str | None


Request = Http | str
"""A line alone is a request that accepts anything."""
Asked = Request | Callable[["Session"], "Request | Operation"]
"""A request, or what makes one from the answers so far."""
Check = Callable[["Answer"], None]
Statuses = int | Collection[int]


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange: its answer has one of `status` and passes `checks`."""

    request: Asked | Operation
    status: Statuses = 200
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    id: str
    says: str
    """What is expected, in one sentence."""
    item: str
    """The requirement's number in this project's reading of the standard."""
    clause: str
    kind: Kind = Kind.SHALL
    request: Asked | Operation
    status: Statuses = 200
    """Statuses of HTTP, or of the last DIMSE response."""
    checks: tuple[Check, ...] = ()
    tolerated: tuple[int, ...] = ()
    """Statuses that satisfy too, unless the suite is strict; `checks` are not made then."""
    needs: tuple[str, ...] = ()
    """Cases that have to pass first: one missing feature is one failure."""
    on: tuple[str, ...] = ()
    """Groups of the material that have to be stored, beside those that the request names."""
    before: tuple[Step, ...] = ()
    """What has to be done first; if it fails the case is not set up."""
    then: tuple[Step, ...] = ()
    """Further exchanges, judged like the first."""
    both_doors: bool = False
    """It asks over the web and over DIMSE."""
    strict_only: bool = False
    """By the letter; default servers are known to be lenient, and should be."""


class Outcome(Enum):
    PASSED = "passed"
    FAILED = "failed"
    """The server's answer is wrong."""
    NOT_SET_UP = "not set up"
    """What the case is about could not be put in place."""
    HARNESS = "suite's fault"
    """The suite itself broke; please report it."""
    SKIPPED = "skipped"
    """Something it needs is not there: another case, or the DIMSE half."""


@dataclass(frozen=True, slots=True)
class Result:
    case: Case
    area: str
    outcome: Outcome
    why: str = ""
    seconds: float = 0.0
    exchanges: tuple[str, ...] = ()
    """What was asked and what came, a line each."""
