"""WADO-RS: studies, series and instances as Part 10 files, in parts, alone or zipped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import astuple

from dicomweb.engine import retrieve
from dicomweb.engine.encodings import Encoding
from dicomweb.engine.encodings import offers as syntaxes_of
from dicomweb.engine.instances import Instance, Laid, State, encodings, instances, state
from dicomweb.web import offers, params
from dicomweb.web.alike import alike
from dicomweb.web.conditions import Validators, tag_of
from dicomweb.web.contents import Sent, multipart, multipart_stream, single
from dicomweb.web.negotiate import DICOM, Offer
from dicomweb.web.requests import VARY, Request
from dicomweb.web.responses import Response
from dicomweb.web.values import validators_of, values_of, while_there
from dicomweb.web.zipped import zipped
from schemas.identifiers import Selection
from schemas.reasons import UNDECODABLE, Refused
from schemas.syntaxes import TransferSyntax, syntax_of

PROBED_MAX = 32
"""Compressed instances of a collection that are decoded before its status is told."""


async def retrieve_instances(request: Request) -> Response:
    """A study or series: a Part 10 file a part, in what each is negotiated to (NEG-16, NEG-17).

    200 when all are there, 206 when some cannot be given as asked, 406 when none can (WADO-09).
    """
    asked = params.selection(request.path, strict=request.strict)
    now = await state(request.archive, asked)
    stored = sorted(await encodings(request.archive, asked), key=astuple)
    files = {encoding: _files(request, encoding, alone=False) for encoding in stored}
    best = request.negotiate(*_kinds(files), encodings=stored)
    if best.media_type != DICOM:
        return await _otherwise(request, asked, now, best)
    chosen, partial = {}, False
    for encoding, there in files.items():
        try:
            chosen[encoding] = request.negotiate(*there)
        except Refused:
            partial = True
    tag = tag_of(now.tag, request.base_url, sorted(map(str, chosen.items())))
    validators = Validators(tag, weak=True, changed_microseconds=now.changed_microseconds)
    if answer := request.unchanged(validators):
        return answer
    broken = await _broken(request, asked, chosen)
    headers = [*validators.headers(), VARY]
    status = 206 if partial or broken else 200
    return multipart_stream(DICOM, _each(request, asked, chosen, broken), headers, status)


async def _broken(
    request: Request, asked: Selection, chosen: Mapping[Encoding, Offer]
) -> frozenset[int]:
    """Instances among the first PROBED_MAX whose pixels cannot be decoded; Refused if there are no
    others.  One that comes later cuts the answer.
    """
    doubted = {e for e, offer in chosen.items() if retrieve.may_fail(e, _syntax_of(offer))}
    if not doubted:
        return frozenset()
    found: dict[int, Refused] = {}
    seen = probed = 0
    async for instance in instances(request.archive, asked):
        seen += instance.encoding in chosen
        if instance.encoding in doubted:
            probed += 1
            try:
                syntax = _syntax_of(chosen[instance.encoding])
                await retrieve.probe(request.archive, instance, syntax)
            except Refused as refused:
                if refused.reason is not UNDECODABLE:
                    raise
                found[instance.id] = refused
        if probed >= PROBED_MAX:
            return frozenset(found)
    if found and len(found) == seen:
        raise next(iter(found.values()))
    return frozenset(found)


async def _each(
    request: Request,
    asked: Selection,
    chosen: Mapping[Encoding, Offer],
    broken: frozenset[int],
) -> AsyncIterator[Sent]:
    async for instance in instances(request.archive, asked):
        offer = chosen.get(instance.encoding)
        if offer is not None and instance.id not in broken:
            yield await _sent(request, instance, offer)


async def retrieve_instance(request: Request) -> Response:
    """One instance, as one part or, when that is asked for, as the whole payload (WADO-03)."""
    asked = params.selection(request.path, strict=request.strict)

    async def answer(found: Laid) -> Response:
        encoding = found.instance.encoding
        offer = request.negotiate_once(
            ("instance", encoding),
            lambda: _kinds({encoding: _files(request, encoding, alone=True)}),
            [encoding],
        )
        if offer.media_type != DICOM:
            return await _otherwise(request, asked, found.instance.state, offer)
        validators = validators_of(request, found, offer)
        if unchanged := request.unchanged(validators, while_there(request, found)):
            return unchanged
        sent = await _sent(request, found.instance, offer)
        content = multipart(DICOM, [sent], validators.tag) if offer.multipart else single(sent)
        given = request.give(content, validators, while_there(request, found, [sent]))
        if offer.stored:
            said = str(offer)
            given.alike = alike(request, found, lambda laid, _: validators_of(request, laid, said))
        return given

    return await retrieve.remembered(request.archive, asked, answer)


def _files(request: Request, encoding: Encoding, *, alone: bool) -> list[Offer]:
    syntaxes = syntaxes_of(encoding, strict=request.strict)
    return offers.objects(syntaxes, encoding.syntax, alone=alone)


def _kinds(files: Mapping[Encoding, list[Offer]]) -> list[Offer]:
    """All there is of them: files, a zip archive of them, or what is in them.

    Bulk data in place of files is what octet-stream and the types of codecs mean here (WADO-04,
    WADO-05).
    """
    frames = dict.fromkeys(encoding.of_frames for encoding in files)
    values = [offer for syntax in frames for offer in offers.values([(syntax, 2)], syntax)]
    there = [offer for of_syntax in files.values() for offer in of_syntax]
    return [*there, offers.ZIP, offers.OCTETS, *values]


async def _otherwise(request: Request, asked: Selection, now: State, offer: Offer) -> Response:
    if offer is not offers.ZIP:
        return await values_of(request, asked, pixels_only=False)
    dicomdir = params.is_set(request.parameters, "dicomdir")
    tag = tag_of(now.tag, offer, dicomdir)
    validators = Validators(tag, weak=True, changed_microseconds=now.changed_microseconds)
    if answer := request.unchanged(validators):
        return answer
    name = asked.instance or asked.series or asked.study
    headers = [
        ("Content-Type", offer.media_type),
        ("Content-Disposition", f'attachment; filename="{name}.zip"'),
        *validators.headers(),
        VARY,
    ]
    return Response(200, headers, zipped(request, asked, dicomdir=dicomdir))


def _syntax_of(offer: Offer) -> TransferSyntax:
    return syntax_of(offer.transfer_syntax or "")


async def _sent(request: Request, instance: Instance, offer: Offer) -> Sent:
    part = await retrieve.part(request.archive, instance, _syntax_of(offer))
    return Sent(part, offer.content_type, request.url_of(instance))
