"""Pattern: what the answers to requests that are alike have in common, and how one is made of it.

Pure.  A pattern is taken from an answer as it went out, in which every mark has to be found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dicomweb.store.extents import Extent
from dicomweb.web.responses import Marks, Piece

Made = tuple[bytes, list[Piece]]
"""A head and the pieces of a payload."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An answer with blanks for its marks."""

    head: bytes
    before: bytes
    after: bytes
    """Of the payload: what stands before and after the body of its only part."""

    @classmethod
    def of(cls, head: bytes, pieces: Sequence[Piece], marks: Marks) -> Pattern | None:
        """That of an answer with these marks; None where one of them is not where it belongs."""
        around: list[list[bytes]] = [[]]
        for piece in pieces:
            if _is_same(piece, marks.body):
                around.append([])
            elif isinstance(piece, bytes):
                around[-1].append(piece)
            else:
                return None
        if len(around) != 2:
            return None
        before, after = map(b"".join, around)
        length = len(marks.body)
        whole = b"content-length: %d\r\n" % (len(before) + length + len(after))
        part = b"Content-Length: %d\r\n" % length
        texts = _texts(marks)
        found = cls(
            _blank(head, texts).replace(whole, b"content-length: %(whole)d\r\n"),
            _blank(before, texts).replace(part, b"Content-Length: %(length)d\r\n"),
            _blank(after, texts),
        )
        return found if found._is_whole else None

    @property
    def _is_whole(self) -> bool:
        """Whether there is a blank for each mark."""
        in_head = all(blank in self.head for blank in (b"%(tag)b", b"%(modified)b", b"%(whole)d"))
        where = self.before or self.head
        has_length = not self.before or b"%(length)d" in self.before
        return in_head and b"%(location)b" in where and has_length

    def filled(self, marks: Marks) -> Made:
        """The answer with these marks."""
        values: dict[bytes, bytes | int] = {**_texts(marks), b"length": len(marks.body)}
        before, after = self.before % values, self.after % values
        values[b"whole"] = len(before) + len(marks.body) + len(after)
        return self.head % values, [p for p in (before, marks.body, after) if p]


def _texts(marks: Marks) -> dict[bytes, bytes]:
    return {
        b"tag": marks.tag.encode("ascii"),
        b"modified": marks.modified.encode("ascii"),
        b"location": marks.location.encode("latin-1"),
    }


def _blank(text: bytes, texts: Mapping[bytes, bytes]) -> bytes:
    """With blanks for the texts; each is longer than what could stand there by chance."""
    text = text.replace(b"%", b"%%")
    for name, value in texts.items():
        text = text.replace(value.replace(b"%", b"%%"), b"%%(%b)b" % name)
    return text


def _is_same(piece: Piece, body: Piece) -> bool:
    if isinstance(piece, Extent) and isinstance(body, Extent):
        return piece.place == body.place
    return piece == body
