"""Delete: a study, series or instance leaves the archive, and is known to have been there.

Row first, blob second: what is deleted is not found any more once this is acknowledged, and its
bytes are gone then too.  A process that dies in between leaves bytes that the next start removes.
"""

from __future__ import annotations

from collections.abc import Sequence

from dicomweb.engine.absence import missing
from dicomweb.engine.archive import Archive
from dicomweb.engine.instances import forget
from schemas.identifiers import Selection


async def delete(archive: Archive, selection: Selection) -> int:
    """Deletes what `selection` points at; how many instances that were.

    Refused (404, 410) where there is nothing.  A large study goes in several transactions, so that
    others who write get their turn: after a crash some of it can be left.
    """
    count = 0
    while (removed := await archive.index.remove(selection)).blobs:
        for gone in removed.instances:
            forget(archive, gone)
        await _remove_blobs(archive, removed.blobs)
        count += len(removed.blobs)
    if not count:
        raise await missing(archive, selection)
    return count


async def _remove_blobs(archive: Archive, blobs: Sequence[str]) -> None:
    def remove() -> None:
        for blob in blobs:
            archive.remove(blob)

    await archive.run(remove)
    await archive.index.forget_blobs(blobs)
