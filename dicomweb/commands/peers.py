"""`dicomweb peers`: the devices that are configured, listed and tried."""

from __future__ import annotations

import argparse
import asyncio
import time

from dicomweb.settings import Loaded, Peer, Settings, SettingsError
from dimse_bridge.exchange import Gone
from dimse_bridge.requestor import NoAssociation, echo

FAILURES: tuple[type[Exception], ...] = ()
FAILED = 1
"""Exit status: a peer does not answer, or does not take all."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What to do, and with which."""
    command.add_argument("action", choices=["list", "echo"], help="what to do")
    command.add_argument("title", nargs="?", metavar="PEER", help="AE title of the peer to try")


def run(given: argparse.Namespace, loaded: Loaded) -> int:
    """Lists the peers, or sends a C-ECHO to one or to all of them; the exit status."""
    settings = loaded.settings
    if given.action == "list":
        for title, peer in sorted(settings.peers.items()):
            print(f"{title}  {_where(peer)}")
        return 0
    titles = [given.title] if given.title else sorted(settings.peers)
    return asyncio.run(_echo(settings, {title: configured(settings, title) for title in titles}))


async def _echo(settings: Settings, tried: dict[str, Peer]) -> int:
    failed = 0
    for title, peer in tried.items():
        begun = time.perf_counter()
        try:
            status = await echo(settings, title, peer)
        except (NoAssociation, Gone) as error:
            print(f"{title}  {_where(peer)}  {error}")
            failed = FAILED
            continue
        milliseconds = (time.perf_counter() - begun) * 1000
        print(f"{title}  {_where(peer)}  status {status:04X} in {milliseconds:.0f} ms")
        failed = failed or (FAILED if status else 0)
    return failed


def configured(settings: Settings, title: str) -> Peer:
    """The peer of that AE title.  Raises SettingsError."""
    peer = settings.peers.get(title)
    if peer is None:
        known = ", ".join(sorted(settings.peers)) or "there are none"
        raise SettingsError(f"{title} is none of the configured peers: {known}.")
    return peer


def _where(peer: Peer) -> str:
    return f"{peer.host}:{peer.port}" + (" (TLS)" if peer.tls else "")
