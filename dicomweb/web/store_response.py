"""The answer to a store request: status, headers, Response Module (PS3.18 10.5.3, Annex I)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from dicomweb.engine import answers
from dicomweb.engine.ingest import NotStored, Outcome, Stored
from dicomweb.web.multipart import Writer
from dicomweb.web.negotiate import DICOM_JSON, DICOM_XML, Offer
from dicomweb.web.responses import Header, Response, dicom_json, warning
from schemas.attributes import Level
from schemas.native_xml import document
from schemas.reasons import WARNINGS, Problem

OFFERS = (Offer(DICOM_JSON), Offer(DICOM_XML), Offer(DICOM_XML, multipart=True))
"""JSON is the default; XML alone or as the only part of multipart/related (RUL-15)."""

ERROR_COMMENT_CHARACTERS_MAX = 64
"""What an LO holds."""
WARNINGS_MAX = 10
"""Sentences in Warning headers; every refused instance is in the body."""
OFFENDING_ELEMENTS_MAX = 100


def answer(offer: Offer, base_url: str, outcomes: Sequence[Outcome]) -> Response:
    """What became of each instance, as the client wants to be told."""
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, NotStored)]
    texts = [outcome.detail for outcome in failed]
    texts += [problem for outcome in stored for problem in outcome.problems]
    headers = [warning(base_url, text) for text in list(dict.fromkeys(texts))[:WARNINGS_MAX]]
    headers += _locations(base_url, stored)
    body = orjson.dumps(_module(base_url, stored, failed))
    status = _status(stored, failed)
    if offer.media_type == DICOM_JSON:
        return dicom_json(body, status, headers)
    if not offer.multipart:
        return Response(status, [("Content-Type", DICOM_XML), *headers], document(body))
    writer = Writer(DICOM_XML)
    pieces = [writer.head([("Content-Type", DICOM_XML)]), document(body), writer.tail()]
    return Response(status, [("Content-Type", writer.content_type), *headers], b"".join(pieces))


def _status(stored: Sequence[Stored], failed: Sequence[NotStored]) -> int:
    """200, 202 or, when nothing was stored, what all reasons agree on, else 409 (STOW-38..43)."""
    if stored:
        return 202 if failed or any(outcome.problems for outcome in stored) else 200
    statuses = {outcome.reason.http for outcome in failed}
    return statuses.pop() if len(statuses) == 1 else 409


def _locations(base_url: str, stored: Sequence[Stored]) -> list[Header]:
    """Where the new resource and what represents it are, if it is one (STOW-53)."""
    urls = {_url(base_url, Level.STUDY, outcome) for outcome in stored if outcome.new}
    return [(name, url) for url in urls for name in _LOCATIONS] if len(urls) == 1 else []


_LOCATIONS = ("Location", "Content-Location")


def _url(base_url: str, level: Level, outcome: Stored) -> str:
    return base_url + answers.resource(level, outcome.identity.uids())


def _module(
    base_url: str, stored: Sequence[Stored], failed: Sequence[NotStored]
) -> dict[str, object]:
    """The Store Instances Response Module (PS3.18 Table I.1-1)."""
    studies = {_url(base_url, Level.STUDY, outcome) for outcome in stored}
    sequences = {
        "00081198": [_failed_item(outcome) for outcome in failed if outcome.SOPInstanceUID],
        "00081199": [_stored_item(base_url, outcome) for outcome in stored],
        "0008119A": [_other_item(outcome) for outcome in failed if not outcome.SOPInstanceUID],
    }
    module: dict[str, object] = {
        "00081190": _element("UR", *(studies if len(studies) == 1 else ()))
    }
    return module | {tag: _element("SQ", *items) for tag, items in sequences.items() if items}


def _element(vr: str, *values: object) -> dict[str, object]:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def _stored_item(base_url: str, outcome: Stored) -> dict[str, object]:
    """A warning comes with the attributes concerned and a sentence, as elements that DIMSE has for
    them: Offending Element (0000,0901) and Error Comment (0000,0902).
    """
    item: dict[str, object] = {
        "00081150": _element("UI", outcome.identity.SOPClassUID),
        "00081155": _element("UI", outcome.identity.SOPInstanceUID),
        "00081190": _element("UR", _url(base_url, Level.INSTANCE, outcome)),
    }
    if not outcome.problems:
        return item
    worst = _most_suitable(outcome.problems)
    tags = dict.fromkeys(tag for problem in outcome.problems for tag in problem.tags)
    told: dict[str, Any] = {
        "00000901": _element("AT", *(f"{t:08X}" for t in list(tags)[:OFFENDING_ELEMENTS_MAX])),
        "00000902": _element("LO", worst[:ERROR_COMMENT_CHARACTERS_MAX]),
    }
    if not tags:
        del told["00000901"]
    return {**told, **item, "00081196": _element("US", worst.reason.code)}


def _most_suitable(problems: Sequence[Problem]) -> Problem:
    """One code has to do (PS3.18 I.2.1): the first in WARNINGS, a change before an oddity."""
    return min(problems, key=lambda problem: WARNINGS.index(problem.reason))


def _failed_item(outcome: NotStored) -> dict[str, object]:
    """The sentence travels as Error Comment (0000,0902), which others use for it too."""
    classes = [outcome.SOPClassUID] if outcome.SOPClassUID else []
    return {
        "00000902": _element("LO", outcome.detail[:ERROR_COMMENT_CHARACTERS_MAX]),
        "00081150": _element("UI", *classes),
        "00081155": _element("UI", outcome.SOPInstanceUID),
        "00081197": _element("US", outcome.reason.code),
    }


def _other_item(outcome: NotStored) -> dict[str, object]:
    return {
        "00000902": _element("LO", outcome.detail[:ERROR_COMMENT_CHARACTERS_MAX]),
        "00081197": _element("US", outcome.reason.code),
    }
