"""Limits: what an association may take of time, memory and places."""

from __future__ import annotations

from dataclasses import dataclass

from dicomweb.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    artim_seconds: float = 30
    """For a connection to say what it wants, and to close when all is said (PS3.8 9.1.5)."""
    idle_seconds: float = 600
    """A peer that is waited for, and is silent, is given up after this."""
    associations_max: int = 100
    per_peer_max: int = 32
    data_bytes_max: int = 128 * 1024
    """The longest P-DATA-TF taken: as long as dcmtk can send, and few enough to be cheap."""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        return cls(
            idle_seconds=settings.dimse_idle_seconds,
            associations_max=settings.dimse_associations_max,
            per_peer_max=settings.dimse_associations_per_peer_max,
        )
