"""Claim: a sentence of the conformance statement, with what proves it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence, or two that say nothing apart."""

    says: str
    proofs: tuple[str, ...]


def claim(says: str, *proofs: str) -> Claim:
    """A Claim, in the fewest words: a section is a list of them."""
    return Claim(says, proofs)


Bullet = tuple[Claim, ...]
Claims = tuple[Claim, ...] | tuple[Bullet, ...]
"""A paragraph, or a list."""
