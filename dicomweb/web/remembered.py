"""Answers that may be given again: the same request, byte for byte, is not thought about twice; of
one that is alike, only what is other.

Who makes an answer says until when it holds (`Response.still`), and what others are like it
(`Response.alike`).  What it was made from is named in what asks for it: nothing of a request but
its head, the client's address and ours decides what the answer is.  A gate before the application
whose verdict changes with time, as that on a token does, has to put its own word into both on the
way out; one that lets a client have some instances and not others, into `alike`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dicomweb.engine.recent import Recent
from dicomweb.store.blobs import BlobTooShort, NoBlob
from dicomweb.store.extents import Place
from dicomweb.web.pattern import Pattern
from dicomweb.web.responses import Alike, Piece, Still

ANSWERS_REMEMBERED = 4_096
ANSWERS_REMEMBERED_BYTES = 32 * 1024 * 1024
WAYS_REMEMBERED = 256
"""Each is some kilobytes."""
HEAD_BYTES_MAX = 4_096
"""Of a request whose answer is remembered; what is longer is hardly sent again."""


class Beginning(NamedTuple):
    """How an answer begins, and what its line in the log says of the request."""

    status: int
    head: bytes
    """All of it but the status line and what the server adds to each."""
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it went out."""

    beginning: Beginning
    pieces: Sequence[bytes | Place]
    still: Still

    def again(self) -> list[Piece] | None:
        """The pieces, if it holds still."""
        if not self.still():
            return None
        try:
            return [p if isinstance(p, bytes) else p.extent() for p in self.pieces]
        except (NoBlob, BlobTooShort, OSError):
            return None


@dataclass(frozen=True, slots=True)
class Way:
    """How requests are answered that are alike."""

    status: int
    pattern: Pattern
    alike: Alike
    transaction: str
    """What their lines in the log call them."""


class Ways:
    """How to answer what is asked in some words: those heard twice, since who has his requests
    traced never asks in the same ones.
    """

    def __init__(self) -> None:
        self._known: Recent[Hashable, Way] = Recent(WAYS_REMEMBERED)
        self._heard: Recent[Hashable, bool] = Recent(WAYS_REMEMBERED)
        self.get, self.put = self._known.get, self._known.put

    def heard(self, words: Hashable) -> bool:
        """Whether they were heard before."""
        before = self._heard.get(words) is not None
        if not before:
            self._heard.put(words, True)
        return before


Answers = Recent[Hashable, Answer]


def no_answers() -> Answers:
    """To be filled."""
    return Recent(ANSWERS_REMEMBERED, ANSWERS_REMEMBERED_BYTES)
