"""Status: the archive as a whole in one small JSON object, for the status page and for scripts."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from importlib.metadata import version

import orjson

from dicomweb.store.overview import overview
from dicomweb.web.negotiate import Offer
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response

JSON = Offer("application/json", multipart=False)

_STARTED = time.time()


async def retrieve_status(request: Request) -> Response:
    """What there is, what came, what was refused; an addition of ours.

    Of `disk`, the bytes of the file system that the objects are on.
    """
    request.negotiate(JSON)
    archive = request.archive
    found = await overview(archive.index)
    disk = await archive.run(lambda: shutil.disk_usage(archive.settings.objects_folder))
    told = {
        "version": version("dicomweb-archive"),
        "started": _STARTED,
        "index": archive.index.dialect.name,
        "ae_title": archive.settings.ae_title if archive.settings.dimse_port else None,
        "dimse_port": archive.settings.dimse_port,
        "total": asdict(found.total),
        **asdict(found),
        "disk": {"total_bytes": disk.total, "free_bytes": disk.free},
    }
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Response(200, headers, orjson.dumps(told))
