"""Reading: what is a text, a curve or a drawing, as HTML, plain text, XML, PDF or a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

from dicomweb.documents import document, encapsulated, report, structure_set, waveform
from dicomweb.documents.document import Document
from dicomweb.engine import render
from dicomweb.engine.archive import Archive
from dicomweb.engine.render import Rendered
from dicomweb.engine.sources import Source
from dicomweb.pixels import encode, geometry, pages
from dicomweb.pixels.encode import BY_MEDIA_TYPE, FORMATS
from dicomweb.pixels.image import Image
from schemas.kinds import Kind
from schemas.reasons import NOT_ACCEPTABLE, Refused
from schemas.view import View

HTML, PLAIN, XML, PDF = "text/html", "text/plain", "text/xml", "application/pdf"
PLOTTED_MAX = 48
"""Channels that are drawn below each other."""
TEXTS = (HTML, PLAIN, XML)
PICTURES = tuple(format.media_type for format in FORMATS)

OFFERED: Mapping[Kind, tuple[str, ...]] = {
    Kind.REPORT: (*TEXTS, PDF, *PICTURES),
    Kind.DOCUMENT: (*TEXTS, PDF, *PICTURES),
    Kind.STRUCTURE_SET: (*TEXTS, PDF, *PICTURES),
    Kind.WAVEFORM: (*PICTURES, *TEXTS, PDF),
}
"""What each kind is given as, the default first (PS3.18 Table 8.7.4-1); pictures are our own."""


def offered(source: Source) -> tuple[str, ...]:
    """The media types of one instance; a model has no pages, so it has no pictures."""
    types = OFFERED[source.kind]
    if source.kind is Kind.DOCUMENT and not _has_pages(source):
        return TEXTS
    return types


def _has_pages(source: Source) -> bool:
    return encapsulated.media_type(source.ds) in (encapsulated.PDF, encapsulated.XML)


def tag_of(source: Source, media_type: str, view: View, base_url: str, charset: str) -> str:
    """What tells apart what `read` gives."""
    return render.tag(source.laid.instance.blob, "read", media_type, view, base_url, charset)


async def read(
    archive: Archive, source: Source, media_type: str, view: View, base_url: str, charset: str
) -> Rendered:
    """The instance in one of the media types it is `offered` in.

    Refused: NOT_ACCEPTABLE where the text has characters that `charset` has not (NEG-43),
    UNRENDERABLE where the instance is not what it says.
    """
    made_of = tag_of(source, media_type, view, base_url, charset)

    async def make() -> bytes:
        return await archive.pictures.run(
            lambda: _made(source, media_type, view, base_url, charset)
        )

    return Rendered(await archive.pictures.get(made_of, source.laid.instance.blob, make), made_of)


def _made(source: Source, media_type: str, view: View, base_url: str, charset: str) -> bytes:
    if media_type in BY_MEDIA_TYPE:
        image = geometry.viewed(picture(source), view.size, view.region)
        return encode.encoded(image, BY_MEDIA_TYPE[media_type], view.quality)
    if media_type == PDF:
        return _pdf(source)
    if media_type == XML and _is_document(source, encapsulated.XML):
        return encapsulated.octets(source.ds)
    return _encoded(_WRITERS[media_type](text_of(source, base_url), base_url), media_type, charset)


_WRITERS: Mapping[str, Callable[[Document, str], str]] = {
    HTML: document.html,
    PLAIN: lambda text, _: document.plain(text),
    XML: lambda text, _: document.xml(text),
}


def _encoded(text: str, media_type: str, charset: str) -> bytes:
    """HTML and XML say their character set in the text as well."""
    if media_type == HTML:
        text = text.replace('<meta charset="utf-8">', f'<meta charset="{charset}">', 1)
    if media_type == XML:
        text = text.replace(
            '<?xml version="1.0"?>', f'<?xml version="1.0" encoding="{charset}"?>', 1
        )
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        raise Refused(
            NOT_ACCEPTABLE, f"The text has characters that {charset} does not have; utf-8 has all."
        ) from None


def _is_document(source: Source, media_type: str) -> bool:
    return source.kind is Kind.DOCUMENT and encapsulated.media_type(source.ds) == media_type


def text_of(source: Source, base_url: str) -> Document:
    """In a thread: the instance as a text; Refused (UNRENDERABLE) where it is not what it says."""
    ds = source.ds
    if source.kind is Kind.REPORT:
        return report.report(ds)
    if source.kind is Kind.STRUCTURE_SET:
        return structure_set.structure_set(ds)
    if source.kind is Kind.WAVEFORM:
        return waveform.waveform(ds)
    if _is_document(source, encapsulated.XML):
        return encapsulated.clinical(ds)
    url = f"{base_url}{render.path_of(source)}"
    if _is_document(source, encapsulated.PDF):
        link = ("The document as PDF", f"{url}/rendered?accept=application/pdf")
        return encapsulated.document(ds, pages.texts(encapsulated.octets(ds)), link)
    return encapsulated.document(ds, [], ("The file", f"{url}/bulkdata/00420011"))


def _pdf(source: Source) -> bytes:
    if _is_document(source, encapsulated.PDF):
        return encapsulated.octets(source.ds)
    if source.kind is Kind.WAVEFORM:
        return pages.pdf([picture(source)])
    return pages.pdf(list(pages.written(document.plain(text_of(source, "")))))


def picture(source: Source) -> Image:
    """In a thread: the first page, the curves, or the contours."""
    ds = source.ds
    if source.kind is Kind.WAVEFORM:
        some = islice(waveform.channels(ds), PLOTTED_MAX)
        return pages.plotted([(channel.name, channel.samples) for channel in some])
    if source.kind is Kind.STRUCTURE_SET:
        contours = [(c.points, c.colour, c.closed) for c in structure_set.contours(ds)]
        return pages.outlined(contours)
    if _is_document(source, encapsulated.PDF):
        return pages.page(encapsulated.octets(ds))
    return next(pages.written(document.plain(text_of(source, ""))))
