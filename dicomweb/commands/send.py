"""`dicomweb send`: a study, a series or an instance to a configured peer."""

from __future__ import annotations

import argparse
import asyncio
import sys
from itertools import zip_longest

from dicomweb.commands.peers import FAILED, configured
from dicomweb.engine.archive import open_archive
from dicomweb.engine.chosen import Chosen, survey
from dicomweb.engine.instances import Instance
from dicomweb.progress import progress
from dicomweb.settings import Loaded, Settings, SettingsError
from dicomweb.store.trouble import UnusableIndex
from dimse_bridge.exchange import Gone
from dimse_bridge.pushing import push
from dimse_bridge.requestor import NoAssociation
from schemas.identifiers import parse_uid
from schemas.reasons import Refused

FAILURES = (UnusableIndex, Refused)

_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What is sent, and to whom."""
    command.add_argument("title", metavar="PEER", help="AE title of a configured peer")
    command.add_argument(
        "selection",
        metavar="STUDY[/SERIES[/INSTANCE]]",
        help="UIDs of what to send, joined by slashes",
    )


def run(given: argparse.Namespace, loaded: Loaded) -> int:
    """Sends it; the exit status."""
    return asyncio.run(_send(loaded.settings, given.title, _chosen(given.selection)))


async def _send(settings: Settings, title: str, chosen: Chosen) -> int:
    peer = configured(settings, title)
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


def _chosen(selection: str) -> Chosen:
    uids = selection.strip("/").split("/")
    if len(uids) > len(_KEYWORDS):
        raise SettingsError(f"{selection} is not STUDY[/SERIES[/INSTANCE]].")
    study, series, instance = (
        (parse_uid(uid, keyword),) if uid else ()
        for keyword, uid in zip_longest(_KEYWORDS, uids, fillvalue="")
    )
    return Chosen(None, study, series, instance)
