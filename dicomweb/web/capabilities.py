"""Retrieve Capabilities: what this service can do, from its own table (PS3.18 8.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from dicomweb.pixels.films import FILM
from dicomweb.web.conditions import Validators, tag_of
from dicomweb.web.negotiate import Offer
from dicomweb.web.openapi import openapi
from dicomweb.web.requests import VARY, Request
from dicomweb.web.responses import Response
from dicomweb.web.routing import Transaction
from dicomweb.web.wadl import wadl

WADL = Offer("application/vnd.sun.wadl+xml", multipart=False)
OPENAPI = Offer("application/json", multipart=False)
"""The standard leaves the form of the JSON open; OpenAPI is the one that tools know."""
OPENAPI_NAMED = Offer("application/vnd.oai.openapi+json", multipart=False)


def describe(request: Request, transactions: Sequence[Transaction], *offers: Offer) -> Response:
    """The transactions that this server is set up for, as WADL or OpenAPI (CAP-01..06)."""
    if "access-control-request-method" in request.headers:
        # A browser's preflight of the root is no request for a description (CAP-07).
        return Response(204, [("Allow", "GET, HEAD, OPTIONS")])
    offer = request.negotiate(*offers)
    deletes = request.archive.settings.allow_delete
    missing = () if request.archive.ffmpeg else (FILM.media_type,)
    shown = [
        replace(t, media_types=tuple(name for name in t.media_types if name not in missing))
        for t in transactions
        if t.method != "DELETE" or deletes
    ]
    if offer is WADL:
        body = wadl(shown, request.base_url)
    else:
        body = orjson.dumps(openapi(shown, request.base_url))
    validators = Validators(tag_of("capabilities", body), weak=True, changed_microseconds=0)
    unchanged = request.unchanged(validators)
    if unchanged is not None:
        return unchanged
    return Response(200, [("Content-Type", offer.media_type), *validators.headers(), VARY], body)
