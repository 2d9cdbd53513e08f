"""Pushing: what a selection points at is sent to a peer because somebody here wants it."""

from __future__ import annotations

from collections.abc import Callable

from dicomweb.engine.archive import Archive
from dicomweb.engine.chosen import Chosen, chosen_instances, survey
from dicomweb.engine.instances import Instance
from dicomweb.settings import Peer
from dicomweb.store.blobs import BlobTooShort, NoBlob
from dimse_bridge.exchange import Gone
from dimse_bridge.progress import Progress
from dimse_bridge.requestor import associated, contexts_for
from dimse_bridge.sending import Originator, Sender
from schemas.reasons import Refused

Told = Callable[[Instance, str], None]
"""Told of each instance: what went wrong with it, or nothing."""


async def push(archive: Archive, title: str, peer: Peer, chosen: Chosen, told: Told) -> Progress:
    """Sends instances with C-STORE over one association; what became of them, counted.

    Raises NoAssociation, and Gone when the association breaks: what was told till then holds.
    """
    found = await survey(archive, chosen)
    progress = Progress(found.count)
    if not found.count:
        return progress
    wanted = contexts_for(found.kinds)
    async with associated(archive.settings, title, peer, wanted) as association:
        sender = Sender(archive, association, Originator())
        async for instance in chosen_instances(archive, chosen):
            try:
                status = await sender.send(instance)
            except (Refused, NoBlob, BlobTooShort) as error:
                progress.fail(instance.SOPInstanceUID)
                told(instance, str(error))
                continue
            except Gone as error:
                told(instance, str(error))
                raise
            failed = progress.count(status, instance.SOPInstanceUID)
            told(instance, f"{title} answers with status {status:04X}." if failed else "")
    return progress
