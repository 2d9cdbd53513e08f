"""Frames and bulk data (PS3.18 10.4.1.1.5, 10.4.1.1.6, 8.7.3.3)."""

from __future__ import annotations

from conformance.suite.answer import Answer
from conformance.suite.case import Case, Http, Kind, Step
from conformance.suite.checks import (
    JSON,
    OCTETS,
    each_part,
    elements,
    holds,
    media_type,
    parts,
    payload,
)
from conformance.suite.material import (
    GRADIENT,
    J2K_CODESTREAM,
    JPEG_CODESTREAM,
    PDF_DOCUMENT,
    words,
)
from conformance.suite.session import Session

_MF = "GET {mf.instance}/frames/"
_AS_STORED = 'multipart/related; type="{type}"; transfer-syntax=*'
EXPLICIT = "1.2.840.10008.1.2.1"


def _frame_of_mf(answer: Answer, number: int) -> bytes:
    pixels = answer.session.thing("mf").dataset.PixelData
    return bytes(pixels[48 * (number - 1) : 48 * number])


def _trimmed(content: bytes) -> bytes:
    """Without the byte that pads a codestream to even length."""
    return content.removesuffix(b"\0") if len(content) % 2 == 0 else content


def _asked(numbers: str, kind: Kind, status: int, tolerated: tuple[int, ...], says: str) -> Case:
    name = numbers.replace(",", "-") or "none"
    return Case(
        id=f"frames-number-{name}",
        says=says,
        item="WADO-38",
        clause="PS3.18 10.4.3.1",
        kind=kind,
        needs=("frames-one",),
        request=Http(_MF + numbers, OCTETS),
        status=status,
        tolerated=tolerated,
    )


FRAMES = (
    Case(
        id="frames-one",
        says="A frame is given as its bytes.",
        item="WADO-37, WADO-39",
        clause="PS3.18 10.4.1.1.6",
        request=Http("GET {ct1.instance}/frames/1", OCTETS),
        checks=(
            media_type("multipart application/octet-stream"),
            parts(1),
            holds(
                "they are the pixels stored",
                lambda a: payload(a) == a.session.thing("ct1").dataset.PixelData,
            ),
        ),
    ),
    Case(
        id="frames-several",
        says="Several frames are given in the order asked, one part each.",
        item="WADO-37",
        clause="PS3.18 10.4.1.1.6",
        request=Http(_MF + "1,3,4", OCTETS),
        checks=(
            parts(3),
            holds(
                "the parts are frames 1, 3 and 4",
                lambda a: [p.content for p in a.parts] == [_frame_of_mf(a, n) for n in (1, 3, 4)],
            ),
        ),
    ),
    Case(
        id="frames-locations",
        says="Every frame says which it is.",
        item="WADO-37, NEG-47",
        clause="PS3.18 Table 8.6.1-1",
        request=Http(_MF + "2,4", OCTETS),
        checks=(
            holds(
                "Content-Location ends with the number",
                lambda a: [p.location.rpartition("/frames/")[2] for p in a.parts] == ["2", "4"],
            ),
        ),
    ),
    Case(
        id="frames-single",
        says="One frame is given as a single part.",
        item="WADO-40",
        clause="PS3.18 Table 10.4.4-1",
        kind=Kind.MAY,
        request=Http(_MF + "2", "application/octet-stream"),
        checks=(
            media_type("application/octet-stream"),
            holds("it is frame 2", lambda a: a.body == _frame_of_mf(a, 2)),
        ),
    ),
    Case(
        id="frames-descending",
        says="Numbers that do not ascend are answered in their order, or refused.",
        item="RUL-23",
        clause="PS3.18 10.1.1",
        kind=Kind.SHOULD,
        request=Http(_MF + "3,1", OCTETS),
        status=(200, 400),
        checks=(
            holds(
                "the parts are frames 3 and 1, if there are any",
                lambda a: (
                    a.status == 400
                    or [p.content for p in a.parts] == [_frame_of_mf(a, n) for n in (3, 1)]
                ),
            ),
        ),
    ),
    _asked("0", Kind.SHOULD, 400, (404,), "Frames are counted from 1."),
    _asked("-1", Kind.SHOULD, 400, (404,), "A frame number is positive."),
    _asked("a", Kind.SHOULD, 400, (404,), "A frame number is a number."),
    _asked("1,,2", Kind.SHOULD, 400, (404,), "A list of frames has no gaps."),
    _asked("99", Kind.SHALL, 404, (400,), "A frame that is not there is not found."),
    Case(
        id="frames-partly-there",
        says="Of frames that are partly there, those that are are given, or none is found.",
        item="WADO-38, RUL-23",
        clause="PS3.18 10.4.3.1",
        needs=("frames-one",),
        request=Http(_MF + "4,99", OCTETS),
        status=(206, 404),
        tolerated=(400,),
    ),
    Case(
        id="frames-of-no-image",
        says="What is no image has no frames.",
        item="WADO-42",
        clause="PS3.18 8.7.2",
        request=Http("GET {sr.instance}/frames/1", OCTETS),
        status=404,
        tolerated=(400,),
    ),
    Case(
        id="frames-decoded",
        says="A compressed frame is given uncompressed when that is asked for.",
        item="WADO-39, NEG-26",
        clause="PS3.18 8.7.3.4",
        request=Http("GET {j2k.instance}/frames/1", OCTETS),
        checks=(holds("it is the picture", lambda a: payload(a) == GRADIENT),),
    ),
    Case(
        id="frames-decoded-rle",
        says="Frames in RLE are given uncompressed, each by itself.",
        item="WADO-39, ENC-29, WADO-48",
        clause="PS3.18 8.7.3.4",
        request=Http("GET {rle.instance}/frames/2,3", OCTETS),
        checks=(
            holds(
                "they are frames 2 and 3",
                lambda a: [p.content for p in a.parts] == [words(48, 1), words(48, 2)],
            ),
        ),
    ),
    Case(
        id="frames-as-stored",
        says="transfer-syntax=* gives the stored codestream, untouched.",
        item="WADO-41, WADO-32",
        clause="PS3.18 Table 8.7.3-5",
        request=Http("GET {j2k.instance}/frames/1", _AS_STORED.format(type="image/jp2")),
        checks=(
            media_type("multipart image/jp2"),
            holds("it is the codestream", lambda a: _trimmed(payload(a)) == J2K_CODESTREAM),
        ),
    ),
    Case(
        id="frames-as-stored-viewers",
        says="Octets in any transfer syntax, as viewers ask, give the stored codestream.",
        item="WADO-51",
        clause="PS3.18 8.7.3.5.2",
        kind=Kind.SHOULD,
        request=Http(
            "GET {j2k.instance}/frames/1",
            "multipart/related; type=application/octet-stream; transfer-syntax=*",
        ),
        checks=(
            holds(
                "it is the codestream or the pixels",
                lambda a: _trimmed(payload(a)) == J2K_CODESTREAM or payload(a) == GRADIENT,
            ),
        ),
    ),
    Case(
        id="frames-fragments-joined",
        says="A frame in several fragments is given whole.",
        item="WADO-32, WADO-48",
        clause="PS3.18 8.7.3.3.2",
        request=Http("GET {j2k_in_two.instance}/frames/1", _AS_STORED.format(type="image/jp2")),
        checks=(holds("it is the codestream", lambda a: _trimmed(payload(a)) == J2K_CODESTREAM),),
    ),
    Case(
        id="frames-rle-as-stored",
        says="A frame in RLE is given as such.",
        item="WADO-41",
        clause="PS3.18 Table 8.7.3-5",
        kind=Kind.MAY,
        request=Http("GET {rle.instance}/frames/1", _AS_STORED.format(type="image/dicom-rle")),
        checks=(media_type("multipart image/dicom-rle"),),
        tolerated=(406,),
    ),
    Case(
        id="frames-jpeg-as-stored",
        says="A frame in JPEG is given as such.",
        item="WADO-41",
        clause="PS3.18 Table 8.7.3-5",
        kind=Kind.MAY,
        request=Http(
            "GET {jpeg.instance}/frames/1",
            'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50',
        ),
        checks=(holds("it is the codestream", lambda a: _trimmed(payload(a)) == JPEG_CODESTREAM),),
    ),
    Case(
        id="frames-jpeg-default",
        says="image/jpeg without a transfer syntax is lossless JPEG, or not acceptable.",
        item="NEG-35",
        clause="PS3.18 Table 8.7.3-5",
        request=Http("GET {ct1.instance}/frames/1", 'multipart/related; type="image/jpeg"'),
        status=(200, 406),
        checks=(
            holds(
                "it is no baseline JPEG",
                lambda a: a.status == 406 or b"\xff\xc0" not in payload(a)[:700],
            ),
        ),
    ),
    Case(
        id="frames-bits",
        says="A frame of single bits begins at its own first bit.",
        item="WADO-31",
        clause="PS3.18 8.7.3.3.1",
        request=Http("GET {bits.instance}/frames/2", OCTETS),
        # Bits 9 to 17 of AB CD 02, the least significant of a byte first.
        checks=(holds("it is 66 01", lambda a: payload(a)[:2] == b"\x66\x01"),),
    ),
    Case(
        id="frames-of-colour",
        says="A colour frame has three bytes a pixel.",
        item="WADO-39",
        clause="PS3.18 Table 10.4.4-1",
        request=Http("GET {rgb.instance}/frames/1", OCTETS),
        checks=(
            holds(
                "they are those stored",
                lambda a: payload(a) == a.session.thing("rgb").dataset.PixelData,
            ),
        ),
    ),
    Case(
        id="frames-not-acceptable",
        says="A frame cannot be given as text.",
        item="NEG-08",
        clause="PS3.18 8.7.8.1",
        needs=("frames-one",),
        request=Http("GET {ct1.instance}/frames/1", "text/plain"),
        status=406,
    ),
    Case(
        id="frames-of-unknown",
        says="Frames of an instance that is not there are not found.",
        item="WADO-10",
        clause="PS3.18 10.4.3.1",
        request=Http("GET {ct1.series}/instances/{fresh}/frames/1", OCTETS),
        status=404,
    ),
    Case(
        id="pixel-data",
        says="Pixel data of an instance are a resource.",
        item="WADO-44, WADO-45",
        clause="PS3.18 Table 10.4.1.6-1",
        kind=Kind.MAY,
        request=Http("GET {ct1.instance}/pixeldata", OCTETS),
        checks=(
            holds("it is them", lambda a: payload(a) == a.session.thing("ct1").dataset.PixelData),
        ),
    ),
)


def _bulk_uris(answer: Answer) -> list[tuple[str, str]]:
    return [(tag, e["BulkDataURI"]) for tag, e, _ in elements(answer.rows) if "BulkDataURI" in e]


def _first(tag: str, accept: str = OCTETS):  # type: ignore[no-untyped-def]
    def ask(session: Session) -> Http:
        uri = next(uri for found, uri in _bulk_uris(session.answers[0]) if found == tag)
        return Http(f"GET {session.absolute(uri)}", accept)

    return ask


def _located(answer: Answer) -> bool:
    session = answer.session
    uris = {session.absolute(uri) for _, uri in _bulk_uris(session.answers[0])}
    return {session.absolute(part.location) for part in answer.parts} <= uris


def _following(id: str, says: str, item: str, thing: str, tag: str, what: str, test) -> Case:  # type: ignore[no-untyped-def]
    return Case(
        id=f"bulk-{id}",
        says=says,
        item=item,
        clause="PS3.18 10.4.1.1.5",
        request=Http(f"GET {{{thing}.instance}}/metadata", JSON),
        checks=(holds(f"{tag} is behind a URI", lambda a: _has(a, tag)),),
        then=(Step(_first(tag), 200, (holds(what, test),)),),
    )


def _has(answer: Answer, tag: str) -> bool:
    return any(found == tag for found, _ in _bulk_uris(answer))


BULK = (
    _following(
        "pixel-data",
        "The bulk data of pixel data are its bytes.",
        "WADO-26, WADO-27, WADO-30",
        "mf",
        "7FE00010",
        "they are all frames",
        lambda a: b"".join(p.content for p in a.parts) == a.session.thing("mf").dataset.PixelData,
    ),
    _following(
        "location",
        "A bulk data part says where it is, as the metadata did.",
        "WADO-29, NEG-47",
        "mf",
        "7FE00010",
        "Content-Location is one of the URIs of the metadata",
        _located,
    ),
    _following(
        "decoded",
        "The bulk data of compressed pixel data are decompressed for who asks for octets.",
        "WADO-33",
        "rle",
        "7FE00010",
        "they are all frames, decoded",
        lambda a: b"".join(p.content for p in a.parts) == words(48) + words(48, 1) + words(48, 2),
    ),
    _following(
        "nested",
        "Bulk data within a sequence are given too.",
        "WADO-19, WADO-34",
        "ecg",
        "54001010",
        "it is the waveform",
        lambda a: payload(a) == words(1000),
    ),
    Case(
        id="bulk-all-retrievable",
        says="Every URI of the metadata can be asked for.",
        item="WADO-19",
        clause="PS3.18 10.4.3.3.2",
        request=Http("GET {every.instance}/metadata", JSON),
        checks=(holds("there are some", lambda a: _bulk_uris(a)),),
        then=(Step(_first("7FE00010"), 200),),
    ),
    _following(
        "document",
        "The bulk data of a document are its bytes.",
        "WADO-34, WADO-30",
        "pdf",
        "00420011",
        "it is the PDF",
        lambda a: payload(a).rstrip(b"\0") == PDF_DOCUMENT,
    ),
    Case(
        id="bulk-single",
        says="Bulk data are given as a single part.",
        item="WADO-27",
        clause="PS3.18 Table 10.4.4-1",
        kind=Kind.MAY,
        request=Http("GET {ct1.instance}/metadata", JSON),
        then=(
            Step(
                _first("7FE00010", "application/octet-stream"),
                200,
                (media_type("application/octet-stream"),),
            ),
        ),
    ),
    Case(
        id="bulk-of-instance",
        says="All bulk data of an instance are a resource.",
        item="WADO-28",
        clause="PS3.18 Table 10.4.1.5-1",
        kind=Kind.MAY,
        request=Http("GET {ct1.instance}/bulkdata", OCTETS),
        checks=(parts(1),),
    ),
    Case(
        id="bulk-of-series",
        says="All bulk data of a series are a resource.",
        item="WADO-28",
        clause="PS3.18 Table 10.4.1.5-1",
        kind=Kind.MAY,
        request=Http("GET {ct1.series}/bulkdata", OCTETS),
        checks=(parts(3),),
    ),
    Case(
        id="bulk-unknown",
        says="Bulk data that are not there are not found.",
        item="WADO-36",
        clause="PS3.18 8.5",
        request=Http("GET {ct1.instance}/bulkdata/00091001", OCTETS),
        status=404,
    ),
    Case(
        id="bulk-not-posted",
        says="Bulk data cannot be posted.",
        item="STOW-61",
        clause="PS3.18 Table 10.3-2",
        kind=Kind.SHOULD,
        request=Http("GET {ct1.instance}/metadata", JSON),
        then=(
            Step(
                lambda s: Http(
                    f"POST {s.absolute(s.answer.rows[0]['7FE00010']['BulkDataURI'])}", body=b"x"
                ),
                405,
            ),
        ),
    ),
    Case(
        id="bulk-parts-typed",
        says="Bulk data parts are octets in Explicit VR Little Endian.",
        item="NEG-33, NEG-46",
        clause="PS3.18 8.7.9",
        request=Http("GET {ct1.instance}/frames/1", OCTETS),
        checks=(
            each_part(
                "its type is octets, and no other syntax is named",
                lambda a, p: (
                    p.media_type.name == "application/octet-stream"
                    and p.media_type.parameters.get("transfer-syntax", EXPLICIT) == EXPLICIT
                ),
            ),
        ),
    ),
)

CASES = (*FRAMES, *BULK)
