"""Path: which attribute is meant, at the top of a data set or in the items of sequences.

A keyword, a tag, or several joined by dots (PS3.18 8.3.4.1).  A private attribute is known by its
creator: which block of its group an object has it in does not matter (PS3.5 7.8.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydicom.datadict import (
    dictionary_has_tag,
    dictionary_VR,
    keyword_for_tag,
    private_dictionary_VR,
    tag_for_keyword,
)

from schemas.reasons import BAD_QUERY, Refused

NAMES_REMEMBERED = 1_024
NAME_LENGTH_REMEMBERED = 128
"""Names that clients ask by over and over, and what they were taken for."""
STEPS_MAX = 16
"""Sequences within sequences that a path may lead through."""

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_NAMED = re.compile(r"([0-9A-Za-z]+)(?:\{([^{}]+)\})?")
_BLOCKS = range(0x10, 0x100)

Creators = Mapping[tuple[int, int], str]
"""By group and block: the private creator that a request says is there."""


@dataclass(frozen=True, slots=True)
class Step:
    """One attribute of a data set."""

    number: int
    """The tag as one number; of a private one with 00 for its block."""
    creator: str = ""
    """Of a private attribute, else empty."""

    @property
    def name(self) -> str:
        """The keyword, or the tag; GGGG00EE{creator} for a private attribute."""
        if self.creator:
            return f"{self.number:08X}{{{self.creator}}}"
        return keyword_for_tag(self.number) or f"{self.number:08X}"

    @property
    def vr(self) -> str:
        """As the dictionaries have it; UN where they have none, the first of a choice."""
        try:
            if self.creator:
                vr = private_dictionary_VR(self.number | _BLOCKS[0] << 8, self.creator)
            else:
                vr = dictionary_VR(self.number)
        except KeyError:
            return "UN"
        return vr[:2]


Path = tuple[Step, ...]


def name(path: Path) -> str:
    """A path as `parse` reads it."""
    return ".".join(step.name for step in path)


def of(*keywords: str) -> Path:
    """The path of standard attributes by their keywords."""
    return tuple(Step(number_of(keyword)) for keyword in keywords)


def number_of(keyword: str) -> int:
    """The tag of a keyword of the data dictionary."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, f"{keyword} is not in the data dictionary"
    return tag


def creator_of(text: str) -> tuple[int, int] | None:
    """Group and block, if `text` is the tag of a private creator element."""
    if not _TAG.fullmatch(text):
        return None
    group, element = divmod(int(text, 16), 0x10000)
    return (group, element) if group % 2 and element in _BLOCKS else None


def parse(text: str, creators: Creators) -> Path | None:
    """What `text` names; None where it has not the form of an attribute's name (RUL-18).

    Refused for a private attribute whose creator is not told (QIDO-21), and for too long a path.
    """
    if not creators and len(text) <= NAME_LENGTH_REMEMBERED:
        return _parsed_before(text)
    return _parsed(text, creators)


@lru_cache(NAMES_REMEMBERED)
def _parsed_before(text: str) -> Path | None:
    return _parsed(text, {})


def _parsed(text: str, creators: Creators) -> Path | None:
    pieces = _pieces(text)
    if len(pieces) > STEPS_MAX:
        raise Refused(BAD_QUERY, f"{len(pieces)} attributes in one path; {STEPS_MAX} are the most.")
    steps = [_step(piece, creators) for piece in pieces]
    found = tuple(step for step in steps if step is not None)
    return found if found and len(found) == len(steps) else None


def _pieces(text: str) -> list[str]:
    """Split at the dots, but not at those of a creator's name."""
    return re.findall(r"(?:[^.{]|\{[^}]*\}?)+|(?<=\.)$|^$", text)


def _step(text: str, creators: Creators) -> Step | None:
    named = _NAMED.fullmatch(text)
    if named is None:
        return None
    word, creator = named.groups()
    if not _TAG.fullmatch(word):
        tag = tag_for_keyword(word)
        return None if tag is None or creator else Step(tag)
    group, element = divmod(int(word, 16), 0x10000)
    if not group % 2:
        return Step(int(word, 16)) if dictionary_has_tag(int(word, 16)) and not creator else None
    block, low = divmod(element, 0x100)
    known = creator or creators.get((group, block))
    if known is None:
        raise Refused(
            BAD_QUERY,
            f"{word.upper()} is private; {group:04X}00{block:02X}= has to say whose it is.",
        )
    return Step(group << 16 | low, known)
