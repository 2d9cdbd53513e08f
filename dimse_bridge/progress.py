"""Progress: the sub-operations of one C-MOVE or C-GET, counted (PS3.4 C.4.2.1.6 to C.4.2.1.9)."""

from __future__ import annotations

from dataclasses import dataclass, field

from dimse_bridge.exchange import response_to
from dimse_bridge.wire.commands import Command
from schemas.reasons import CANCELLED, NO_SUB_OPERATIONS, SOME_FAILED, SUCCESS

FAILED_MAX = 10_000
"""UIDs in the list of what failed; as many as can be asked for."""

_WARNINGS = frozenset({0x0001, 0x0107, 0x0116})
"""Statuses that warn and do not begin with B (PS3.7 C.3)."""


@dataclass(slots=True)
class Progress:
    remaining: int
    completed: int = 0
    failed: int = 0
    warned: int = 0
    failures: list[str] = field(default_factory=list)
    """SOP Instance UIDs."""
    cancelled: bool = False

    def count(self, status: int, uid: str) -> bool:
        """A sub-operation ended with what its SCP answered; whether it failed (MOVE-20)."""
        if status == SUCCESS:
            self.completed += 1
        elif status >> 12 == 0xB or status in _WARNINGS:
            self.warned += 1
        else:
            self.fail(uid)
            return True
        self.remaining = max(0, self.remaining - 1)
        return False

    def fail(self, uid: str) -> None:
        self.failed += 1
        self.remaining = max(0, self.remaining - 1)
        if len(self.failures) < FAILED_MAX:
            self.failures.append(uid)

    def response(self, request: Command, status: int, *, has_list: bool = False) -> Command:
        """The counts of it; what remains is told while something does (MOVE-08, MOVE-09)."""
        return response_to(
            request,
            status,
            NumberOfRemainingSuboperations=self.remaining if status in _UNFINISHED else None,
            NumberOfCompletedSuboperations=self.completed,
            NumberOfFailedSuboperations=self.failed,
            NumberOfWarningSuboperations=self.warned,
            CommandDataSetType=1 if has_list else 0x0101,
        )

    @property
    def status(self) -> int:
        """The final one (MOVE-07, MOVE-11)."""
        if self.cancelled:
            return CANCELLED.code or 0
        if self.failed and not self.completed and not self.warned:
            return NO_SUB_OPERATIONS.code or 0
        return (SOME_FAILED.code or 0) if self.failed or self.warned else SUCCESS


_UNFINISHED = (0xFF00, CANCELLED.code)
