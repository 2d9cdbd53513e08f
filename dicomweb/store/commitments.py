"""Commitments: requests for storage commitment on record until their reports have arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from dicomweb.store.statements import Ask, Transaction
from schemas.index import COMMITMENT_TABLE

CLAIMED_MAX = 16
"""Requests that one process takes at a time."""

_TABLE = COMMITMENT_TABLE.c


@dataclass(frozen=True, slots=True)
class Request:
    id: int
    AETitle: str
    TransactionUID: str
    referenced: bytes
    tries: int


_COLUMNS = (_TABLE.id, _TABLE.AETitle, _TABLE.TransactionUID, _TABLE.referenced, _TABLE.tries)
_SAME = select(_TABLE.referenced).where(
    _TABLE.AETitle == bindparam("title"), _TABLE.TransactionUID == bindparam("transaction")
)
_ADD = insert(COMMITMENT_TABLE).values(
    AETitle=bindparam("title"),
    TransactionUID=bindparam("transaction"),
    referenced=bindparam("referenced"),
    tries=bindparam("tries"),
    due_microseconds=bindparam("due"),
)
_DUE = (
    select(*_COLUMNS, _TABLE.due_microseconds)
    .where(_TABLE.due_microseconds <= bindparam("now"))
    .order_by(_TABLE.due_microseconds)
    .limit(CLAIMED_MAX)
)
_CLAIM = (
    update(COMMITMENT_TABLE)
    .where(_TABLE.id == bindparam("one"), _TABLE.due_microseconds == bindparam("seen"))
    .values(due_microseconds=bindparam("until"), tries=bindparam("tried"))
    .returning(_TABLE.id)
)
_PUT_OFF = (
    update(COMMITMENT_TABLE)
    .where(_TABLE.id == bindparam("one"))
    .values(due_microseconds=bindparam("until"))
)
_REMOVE = delete(COMMITMENT_TABLE).where(_TABLE.id == bindparam("one"))
NEXT_DUE = select(_TABLE.due_microseconds).order_by(_TABLE.due_microseconds).limit(1)


def add(title: str, transaction: str, referenced: bytes, now: int) -> Transaction[bool]:
    """Puts a request on record, due now; False where it is there already, with other content.

    The same request again, which a peer sends when it missed the response, changes nothing.
    """
    asked = {"title": title, "transaction": transaction}
    for (known,) in (yield Ask(_SAME, asked)):
        return bool(known == referenced)
    yield Ask(_ADD, {**asked, "referenced": referenced, "tries": 0, "due": now})
    return True


def claim(now: int, until: int) -> Transaction[list[Request]]:
    """Requests that are due, which no other process takes before `until`."""
    claimed = []
    for *row, due in (yield Ask(_DUE, {"now": now})):
        request = Request(*row)
        values: dict[str, Any] = {"one": request.id, "seen": due, "until": until}
        if (yield Ask(_CLAIM, {**values, "tried": request.tries + 1})):
            claimed.append(request)
    return claimed


def put_off(request: Request, until: int) -> Transaction[None]:
    yield Ask(_PUT_OFF, {"one": request.id, "until": until})


def remove(request: Request) -> Transaction[None]:
    yield Ask(_REMOVE, {"one": request.id})
