"""Devices that answer to what is sent to them in their own ways: pynetdicom's entities."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pynetdicom import AE, evt


@dataclass
class Device:
    port: int
    received: list[Any] = field(default_factory=list)
    """The C-STORE requests, as they came."""
    associations: list[Any] = field(default_factory=list)
    data_sets: list[bytes] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)
    syntaxes: list[str] = field(default_factory=list)
    reported: threading.Event = field(default_factory=threading.Event)


@contextmanager
def device(
    contexts: Sequence[tuple[str, Sequence[str]]],
    status: Callable[[int], int] = lambda number: 0,
    *,
    title: str = "DESTINATION",
    port: int = 0,
    tls: Any = None,
    stored: Callable[[Any], None] = lambda event: None,
    **limits: Any,
) -> Iterator[Device]:
    """A storage SCP that accepts `contexts`; `status` of the nth C-STORE is what it answers."""
    ae = AE(ae_title=title)
    for name, value in limits.items():
        setattr(ae, name, value)
    for sop_class, syntaxes in contexts:
        ae.add_supported_context(sop_class, list(syntaxes), scu_role=True, scp_role=True)
    there = Device(0)

    def on_store(event: Any) -> int:
        there.received.append(event.request)
        there.data_sets.append(event.request.DataSet.getvalue())
        there.syntaxes.append(event.context.transfer_syntax)
        stored(event)
        return status(len(there.received))

    def on_report(event: Any) -> tuple[int, None]:
        there.reports.append((event.event_type, event.event_information, event.assoc))
        there.reported.set()
        return 0, None

    handlers = [
        (evt.EVT_C_STORE, on_store),
        (evt.EVT_N_EVENT_REPORT, on_report),
        (evt.EVT_C_ECHO, lambda event: 0),
        (evt.EVT_ACCEPTED, lambda event: there.associations.append(event.assoc)),
    ]
    server = ae.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=handlers, ssl_context=tls
    )
    assert server is not None, "it does not block"
    there.port = server.server_address[1]
    try:
        yield there
    finally:
        server.shutdown()
