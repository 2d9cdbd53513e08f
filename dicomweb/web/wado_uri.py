"""WADO-URI: one object, or a picture of it, by query parameters (PS3.18 9).

The parameters' names are case sensitive, and what is not known is passed over, all but what would
give more away than was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from dicomweb.engine import retrieve
from dicomweb.engine.encodings import Encoding, refusal
from dicomweb.engine.encodings import offers as syntaxes_of
from dicomweb.engine.instances import Laid
from dicomweb.web import offers
from dicomweb.web.contents import Sent, single
from dicomweb.web.negotiate import DICOM, Offer, negotiate, parse_accept
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response
from dicomweb.web.uri_rendering import retrieve_rendering
from dicomweb.web.values import validators_of
from schemas.identifiers import Selection, Uid, is_uid
from schemas.reasons import BAD_REQUEST, NOT_ACCEPTABLE, NOT_IMPLEMENTED, Refused
from schemas.syntaxes import syntax_of

RENDERED_ONLY = ("windowCenter", "windowWidth", "region", "rows", "columns", "frameNumber")
"""Say how a picture is to look; with application/dicom they are an error (URI-16)."""

_LEVELS = {"study": "studyUID", "series": "seriesUID", "instance": "objectUID"}


async def retrieve_object(request: Request) -> Response:
    """A Part 10 file (PS3.18 9.4) or a rendering (9.5); Refused (400, 404, 406, 410, 501)."""
    asked = _once(request)
    _check(asked)
    selection = _selection(asked, strict=request.strict)
    wanted = _content_types(asked)
    if wanted is None:
        wanted = {found.name for found in parse_accept(request.accept or "")}
    if DICOM not in wanted:
        return await retrieve_rendering(request, asked, selection)

    async def answer(found: Laid) -> Response:
        offer = _chosen(request, asked, found.instance.encoding)
        validators = validators_of(request, found, "wado", offer)
        if unchanged := request.unchanged(validators):
            return unchanged
        syntax = syntax_of(offer.transfer_syntax or "")
        part = await retrieve.part(request.archive, found.instance, syntax)
        url = request.url_of(found.instance)
        return request.give(single(Sent(part, offer.content_type, url)), validators)

    return await retrieve.remembered(request.archive, selection, answer)


def _once(request: Request) -> dict[str, str]:
    """The parameters by name; Refused where one is given twice (9.1.2)."""
    found: dict[str, str] = {}
    for name, value in request.parameters:
        if name in found:
            raise Refused(BAD_REQUEST, f"The parameter {name[:80]} is given more than once.")
        found[name] = value
    return found


def _check(asked: Mapping[str, str]) -> None:
    if asked.get("requestType") != "WADO":
        raise Refused(BAD_REQUEST, "The parameter requestType has to be WADO.")
    if "anonymize" in asked:
        if asked["anonymize"] != "yes":
            raise Refused(BAD_REQUEST, "The parameter anonymize can only be yes.")
        raise Refused(NOT_IMPLEMENTED, "This server does not de-identify objects.")


def _selection(asked: Mapping[str, str], *, strict: bool) -> Selection:
    uids: dict[str, Uid] = {}
    for level, name in _LEVELS.items():
        text = asked.get(name, "")
        if not text:
            raise Refused(BAD_REQUEST, f"The parameter {name} is missing.")
        if not is_uid(text, strict=strict):
            raise Refused(BAD_REQUEST, f"{name} is {text[:80]!r}, which is not a UID.")
        uids[level] = Uid(text)
    return Selection(uids["study"], uids["series"], uids["instance"])


def _chosen(request: Request, asked: Mapping[str, str], encoding: Encoding) -> Offer:
    """The file in the syntax asked for; the default is Explicit VR Little Endian (URI-09)."""
    if of_pictures := [name for name in RENDERED_ONLY if name in asked]:
        raise Refused(BAD_REQUEST, f"A DICOM object is given whole, without {of_pictures[0]}.")
    syntaxes = syntaxes_of(encoding, strict=request.strict)
    there = offers.objects(syntaxes, encoding.syntax, alone=True)[len(syntaxes) :]
    uid = asked.get("transferSyntax")
    if uid is None:
        return there[0]
    if not is_uid(uid):
        raise Refused(BAD_REQUEST, f"transferSyntax is {uid[:80]!r}, which is not one UID.")
    if why := refusal(encoding, uid):
        raise Refused(NOT_ACCEPTABLE, why)
    return negotiate(f"{DICOM}; transfer-syntax={uid}", (), there, strict=request.strict)


def _content_types(asked: Mapping[str, str]) -> set[str] | None:
    """The names in contentType; None without it.  Refused for what 9.1.2.2.1 does not allow."""
    text = asked.get("contentType")
    if text is None:
        return None
    ranges = parse_accept(text)
    if not ranges:
        raise Refused(BAD_REQUEST, f"contentType is {text[:80]!r}, which is no media type.")
    if any(found.syntaxes for found in ranges) or "charset" in text.lower():
        raise Refused(BAD_REQUEST, "contentType takes neither transfer-syntax nor charset.")
    names = {found.name for found in ranges}
    if DICOM in names and len(names) > 1:
        raise Refused(BAD_REQUEST, "contentType mixes DICOM and rendered media types.")
    return names
