"""Videos as rendered resources: the stored stream itself (REND-05); nothing encodes it anew."""

from __future__ import annotations

from dicomweb.engine import render, retrieve
from dicomweb.engine.sources import Source
from dicomweb.web.conditions import Validators
from dicomweb.web.contents import Content, Sent, multipart, single
from dicomweb.web.negotiate import Offer
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response
from schemas.reasons import NOT_ACCEPTABLE, UNRENDERABLE, Refused
from schemas.view import View

HEAD_BYTES = 12
_MP4 = b"ftyp"


def offers(source: Source) -> tuple[Offer, ...]:
    """The one type that the stream has."""
    media_type = source.laid.instance.syntax.media_type
    return Offer(media_type), Offer(media_type, multipart=True)


async def give(request: Request, source: Source, view: View, offer: Offer) -> Response:
    """The whole stream, in ranges where that is asked for.

    Refused (406) where the view asks for what only an encoder could do, or the stream is no file
    of the media type; UNRENDERABLE where there is none.
    """
    syntax, instance = source.laid.instance.syntax, source.laid.instance
    media_type = syntax.media_type
    if view != View():
        raise Refused(NOT_ACCEPTABLE, "A video is given as it is stored; it is not encoded anew.")
    if not source.frame_count:
        raise Refused(UNRENDERABLE, "There is no stream in the pixel data.")
    part = await retrieve.frame(request.archive, source.laid, 1, syntax)
    if media_type == "video/mp4":
        await _check_mp4(request, source)
    validators = Validators(
        render.tag(instance.blob, "video", offer), weak=False, changed_microseconds=0
    )
    if unchanged := request.unchanged(validators):
        return unchanged
    sent = Sent(part, media_type, f"{request.url_of(instance)}/rendered")
    content: Content = single(sent)
    if offer.multipart:
        content = multipart(media_type, [sent], validators.tag)
    return request.give(content, validators)


async def _check_mp4(request: Request, source: Source) -> None:
    """MPEG-4 is an MP4 file or a transport stream (PS3.5 8.2.5): only one of them is video/mp4."""
    index = source.laid.layout.frames
    ranges = index.ranges(1) if index is not None else None
    offset, length = ranges[0] if ranges else (0, 0)
    blob, wanted = source.laid.instance.blob, min(HEAD_BYTES, length)
    if (await request.archive.blobs.read(blob, offset, wanted))[4:8] != _MP4:
        raise Refused(NOT_ACCEPTABLE, "The video is stored as a stream that is no MP4 file.")
