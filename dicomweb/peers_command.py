"""The commands `peers` and `send`: the devices that are configured, tried and sent to."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from itertools import zip_longest

from dicomweb.engine.archive import open_archive
from dicomweb.engine.chosen import Chosen, survey
from dicomweb.engine.instances import Instance
from dicomweb.progress import progress
from dicomweb.settings import Peer, Settings, SettingsError
from dimse_bridge.exchange import Gone
from dimse_bridge.pushing import push
from dimse_bridge.requestor import NoAssociation, echo
from schemas.identifiers import parse_uid

FAILED = 1
"""Exit status: a peer does not answer, or does not take all."""

_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def add_peers_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=["list", "echo"], help="what to do")
    command.add_argument("title", nargs="?", metavar="PEER", help="AE title of the peer to try")


def add_send_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("title", metavar="PEER", help="AE title of a configured peer")
    command.add_argument(
        "selection",
        metavar="STUDY[/SERIES[/INSTANCE]]",
        help="UIDs of what to send, joined by slashes",
    )


def peers(given: argparse.Namespace, settings: Settings) -> int:
    """Lists the peers, or sends a C-ECHO to one or to all of them; the exit status."""
    if given.action == "list":
        for title, peer in sorted(settings.peers.items()):
            print(f"{title}  {_where(peer)}")
        return 0
    titles = [given.title] if given.title else sorted(settings.peers)
    return asyncio.run(_echo(settings, {title: _peer(settings, title) for title in titles}))


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


def send(given: argparse.Namespace, settings: Settings) -> int:
    """Sends a study, a series or an instance to a peer; the exit status."""
    return asyncio.run(_send(settings, given.title, _chosen(given.selection)))


async def _send(settings: Settings, title: str, chosen: Chosen) -> int:
    peer = _peer(settings, title)
    async with open_archive(settings) as archive:
        found = await survey(archive, chosen)
        with progress(found.size_bytes) as bar:

            def told(instance: Instance, wrong: str) -> None:
                if wrong:
                    bar.write(f"not sent: {instance.SOPInstanceUID}: {wrong}", file=sys.stderr)
                bar.update(instance.size_bytes)

            try:
                done = await push(archive, title, peer, chosen, told)
            except (NoAssociation, Gone) as error:
                print(f"dicomweb: {error}", file=sys.stderr)
                return FAILED
    sent = done.completed + done.warned
    print(f"{sent} sent, {done.failed} not sent", file=sys.stderr)
    return FAILED if done.failed or not sent else 0


def _peer(settings: Settings, title: str) -> Peer:
    peer = settings.peers.get(title)
    if peer is None:
        known = ", ".join(sorted(settings.peers)) or "there are none"
        raise SettingsError(f"{title} is none of the configured peers: {known}.")
    return peer


def _chosen(selection: str) -> Chosen:
    uids = selection.strip("/").split("/")
    if len(uids) > len(_KEYWORDS):
        raise SettingsError(f"{selection} is not STUDY[/SERIES[/INSTANCE]].")
    study, series, instance = (
        (parse_uid(uid, keyword),) if uid else ()
        for keyword, uid in zip_longest(_KEYWORDS, uids, fillvalue="")
    )
    return Chosen(None, study, series, instance)


def _where(peer: Peer) -> str:
    return f"{peer.host}:{peer.port}" + (" (TLS)" if peer.tls else "")
