"""Exchange: what goes over an association, and how it can end, as the services see it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from dimse_bridge.wire.commands import RESPONSE, Command
from dimse_bridge.wire.pdus import AssociateReject


class Gone(Exception):  # noqa: N818 - it says what is the case
    """The association is over: the peer aborted, or the connection broke, or we gave up on it."""


class Rejected(Exception):  # noqa: N818
    """The peer did not want the association."""

    def __init__(self, reject: AssociateReject) -> None:
        super().__init__(
            f"The association was rejected (result {reject.result}, source {reject.source}, "
            f"reason {reject.reason})."
        )
        self.reject = reject


@dataclass(slots=True)
class Incoming:
    """A message on its way in: its command set is there, its data set comes piece by piece."""

    context_id: int
    command: Command
    whole: bool
    repeats: bool = False
    """A request with its number is still being served (PS3.7 9.1.1.1.1)."""
    pieces: deque[bytes] = field(default_factory=deque, repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done between two messages, by whoever takes them."""

    run: Callable[[], object]


@dataclass(slots=True)
class Tally:
    """What an association was used for: the content of its line in the log."""

    counts: dict[str, int] = field(default_factory=dict)
    received_bytes: int = 0
    sent_bytes: int = 0

    def count(self, what: str, by: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + by


def response_to(request: Command, status: int, **more: object) -> Command:
    """The response to `request`: its numbers and its SOP class are the request's (PS3.7 9.3)."""
    return Command(
        CommandField=request.CommandField | RESPONSE,
        MessageIDBeingRespondedTo=request.MessageID,
        AffectedSOPClassUID=request.AffectedSOPClassUID or request.RequestedSOPClassUID,
        Status=status,
        **more,  # type: ignore[arg-type]
    )
