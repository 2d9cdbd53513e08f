"""DELETE of studies, series and instances: our addition, if the settings allow it (CAP-08)."""

from __future__ import annotations

from dicomweb.engine import delete as engine
from dicomweb.engine.instances import state
from dicomweb.web import params
from dicomweb.web.conditions import may_change
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response, no_content
from schemas.reasons import PRECONDITION, Refused


async def delete(request: Request) -> Response:
    """204 once what the path names is gone; it is answered with 410 from then on.

    With If-Match only if it still is what the client has seen.
    """
    asked = params.selection(request.path, strict=request.strict)
    now = await state(request.archive, asked)
    if not may_change(request.headers, now.tag, now.changed_microseconds):
        raise Refused(PRECONDITION)
    await engine.delete(request.archive, asked)
    return no_content()
