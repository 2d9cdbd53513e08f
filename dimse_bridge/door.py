"""Door: the archive as the services over associations see it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from dicomweb.counters import Counters
from dicomweb.engine.archive import Archive
from dimse_bridge.association import Association
from dimse_bridge.limits import Limits
from dimse_bridge.lingering import Lingering
from dimse_bridge.negotiation import Granted, Policy


@dataclass(frozen=True, slots=True)
class Door:
    """What every service is given."""

    archive: Archive
    limits: Limits
    policy: Policy
    lingering: Lingering
    """Associations that we have asked for and that wait for the next C-MOVE."""
    counters: Counters = field(default_factory=Counters)
    associations: set[Association] = field(default_factory=set)
    """Those that others have asked for and that are open."""
    granted: dict[bytes, Granted] = field(default_factory=dict)
    """What requests for associations got, by their bytes; a few."""
    reports_due: asyncio.Event = field(default_factory=asyncio.Event)
    """There is a request for storage commitment to be reported on."""


def open_door(archive: Archive, counters: Counters | None = None) -> Door:
    """The door of `archive` as its settings want it."""
    settings, limits = archive.settings, Limits.of(archive.settings)
    policy = Policy(
        ae_title=settings.ae_title,
        callers=None if settings.accept_unknown_peers else frozenset(settings.peers),
        credentials={
            name: password.get_secret_value() for name, password in settings.credentials.items()
        },
        user_required=settings.dimse_user_required,
        strict=settings.strict,
        data_bytes_max=limits.data_bytes_max,
    )
    return Door(archive, limits, policy, Lingering(settings), counters or Counters())
