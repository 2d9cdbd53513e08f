"""STOW-RS: metadata with bulk data beside them become instances (PS3.18 10.5.1.4, 10.5.2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

from conformance.suite import material, multipart
from conformance.suite.case import Body, Case, Check, Http, Kind, Step
from conformance.suite.cases.store import retrieved, stored
from conformance.suite.checks import DICOM, JSON, holds, syntax
from conformance.suite.material import GRADIENT, JPEG_CODESTREAM, Thing
from conformance.suite.session import Session


@dataclass(frozen=True, slots=True)
class Bulk:
    content: bytes
    content_type: str = "application/octet-stream"
    location: str = "bulk/1"


def _json_of(session: Session, bulk: str, **attributes: Any) -> dict[str, Any]:
    dataset = material.capture(session.token, PatientID=f"{session.token}-W", **attributes)
    session.sent.append(Thing(dataset))
    named: dict[str, Any] = json.loads(dataset.to_json())
    named.pop("7FE00010", None)
    if bulk:
        named["7FE00010"] = {"vr": "OB", "BulkDataURI": bulk}
    return named


def _with_metadata(
    *bulks: Bulk, uri: str = "bulk/1", first: bool = False, **attributes: Any
) -> Callable[[Session], Body]:
    """DICOM JSON of one capture with its pixel data at `uri`, and parts for them."""

    def body(session: Session) -> Body:
        session.sent.clear()
        metadata = json.dumps([_json_of(session, uri, **attributes)]).encode()
        parts = [({"Content-Type": JSON}, metadata)]
        values = [
            ({"Content-Type": bulk.content_type, "Content-Location": bulk.location}, bulk.content)
            for bulk in bulks
        ]
        return Body(*multipart.write([*values, *parts] if first else [*parts, *values], JSON))

    return body


def _xml(session: Session) -> Body:
    session.sent.clear()
    named = _json_of(session, "bulk/1")
    lines = [
        f'<DicomAttribute tag="{tag}" vr="{e["vr"]}">{_xml_values(e)}</DicomAttribute>'
        for tag, e in named.items()
    ]
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" '
        f'xml:space="preserve">{"".join(lines)}</NativeDicomModel>'
    )
    parts = [
        ({"Content-Type": "application/dicom+xml"}, document.encode()),
        ({"Content-Type": "application/octet-stream", "Content-Location": "bulk/1"}, bytes(48)),
    ]
    return Body(*multipart.write(parts, "application/dicom+xml"))


def _xml_values(element: dict[str, Any]) -> str:
    if "BulkDataURI" in element:
        return f'<BulkData uri="{element["BulkDataURI"]}"/>'
    if element["vr"] == "PN":
        name = element["Value"][0]["Alphabetic"].partition("^")
        return (
            '<PersonName number="1"><Alphabetic>'
            f"<FamilyName>{name[0]}</FamilyName><GivenName>{name[2]}</GivenName>"
            "</Alphabetic></PersonName>"
        )
    values = enumerate(element.get("Value", []), 1)
    return "".join(f'<Value number="{number}">{one}</Value>' for number, one in values)


def _metadata_case(
    id: str,
    says: str,
    item: str,
    body: Callable[[Session], Body],
    *then: Step,
    kind: Kind = Kind.SHALL,
    status: int | tuple[int, ...] = 200,
    needs: tuple[str, ...] = ("store-json",),
    checks: tuple[Check, ...] = (stored(1),),
    tolerated: tuple[int, ...] = (),
) -> Case:
    return Case(
        id=f"store-{id}",
        says=says,
        item=item,
        clause="PS3.18 10.5.1.4",
        kind=kind,
        needs=needs,
        request=Http("POST /studies", JSON, body=body),
        status=status,
        checks=checks,
        tolerated=tolerated,
        then=then,
    )


def _pixels(content: bytes) -> Step:
    return retrieved(holds("the pixels are those sent", lambda a: a.files[0].PixelData == content))


_PIXELS = bytes(range(48))
_NO_DESCRIPTION: dict[str, Any] = dict.fromkeys(
    (
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "SamplesPerPixel",
        "PhotometricInterpretation",
    )
)
# 2 x 2 pixels of 8 bits: 0, 85, 170, 255.
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000200000002080000000057dd52f80000000e494441"
    "5478da6360086558f51f0003ad01ff7a93847f0000000049454e44ae426082"
)

CASES = (
    _metadata_case(
        "json",
        "Metadata in JSON and their bulk data are stored as an instance.",
        "STOW-03, STOW-16, STOW-20",
        _with_metadata(Bulk(_PIXELS)),
        _pixels(_PIXELS),
        needs=(),
    ),
    Case(
        id="store-xml",
        says="Metadata in XML and their bulk data are stored as an instance.",
        item="STOW-04",
        clause="PS3.18 10.5.4",
        request=Http("POST /studies", JSON, body=_xml),
        checks=(stored(1),),
        then=(retrieved(holds("it is there", lambda a: len(a.files) == 1)),),
    ),
    _metadata_case(
        "json-absolute-uri",
        "Bulk data may be named by an absolute URI.",
        "STOW-16",
        _with_metadata(
            Bulk(_PIXELS, location="http://example.org/bulk"), uri="http://example.org/bulk"
        ),
        _pixels(_PIXELS),
    ),
    _metadata_case(
        "json-urn",
        "Bulk data may be named by a URN.",
        "STOW-16",
        _with_metadata(Bulk(_PIXELS, location="urn:uuid:0"), uri="urn:uuid:0"),
        _pixels(_PIXELS),
    ),
    _metadata_case(
        "json-dangling-uri",
        "Metadata whose bulk data are not in the message are refused.",
        "STOW-17",
        _with_metadata(uri="bulk/none"),
        kind=Kind.SHOULD,
        status=(400, 409),
        checks=(),
    ),
    _metadata_case(
        "json-bulk-first",
        "Bulk data before the metadata are taken or refused.",
        "STOW-19",
        _with_metadata(Bulk(_PIXELS), first=True),
        kind=Kind.SHOULD,
        status=(200, 202, 400, 409),
        checks=(),
    ),
    _metadata_case(
        "json-jpeg",
        "A JPEG is stored unchanged.",
        "STOW-21, STOW-26",
        _with_metadata(
            Bulk(JPEG_CODESTREAM, "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"),
            Rows=16,
            Columns=16,
            SamplesPerPixel=3,
            PlanarConfiguration=0,
            PhotometricInterpretation="YBR_FULL_422",
        ),
        retrieved(
            syntax(JPEGBaseline8Bit),
            holds("it holds the JPEG", lambda a: JPEG_CODESTREAM in a.files[0].PixelData),
            accept=f"{DICOM}; transfer-syntax=*",
        ),
    ),
    _metadata_case(
        "json-jp2-described",
        "A JPEG 2000 codestream is stored; the server describes the pixels.",
        "STOW-24, STOW-26",
        _with_metadata(Bulk(material.J2K_CODESTREAM, "image/jp2"), **_NO_DESCRIPTION),
        retrieved(
            syntax(JPEG2000Lossless),
            holds(
                "rows and columns are the picture's",
                lambda a: (a.files[0].Rows, a.files[0].Columns) == (16, 16),
            ),
            accept=f"{DICOM}; transfer-syntax=*",
        ),
        Step(
            lambda s: Http(f"GET {s.sent[0].instance}", DICOM),
            200,
            (holds("its pixels are the picture", lambda a: a.files[0].PixelData == GRADIENT),),
        ),
    ),
    _metadata_case(
        "json-png",
        "A PNG is decoded losslessly; the server describes the pixels.",
        "STOW-24, STOW-25",
        _with_metadata(Bulk(_PNG, "image/png"), **_NO_DESCRIPTION),
        retrieved(
            holds(
                "its pixels are those of the PNG",
                lambda a: (
                    a.files[0].PixelData[:4] == b"\x00\x55\xaa\xff"
                    and (a.files[0].Rows, a.files[0].Columns) == (2, 2)
                ),
            ),
        ),
    ),
    _metadata_case(
        "json-broken",
        "Broken JSON is malformed.",
        "STOW-40",
        lambda s: Body(*multipart.write([({"Content-Type": JSON}, b'[{"0008')], JSON)),
        status=400,
        checks=(),
    ),
    _metadata_case(
        "json-alone",
        "DICOM JSON as the whole body is stored, or not supported.",
        "STOW-08",
        lambda s: _json_alone(s),
        kind=Kind.MAY,
        tolerated=(415,),
        needs=(),
    ),
    Case(
        id="store-xml-entities",
        says="Entities in XML are not expanded.",
        item="XML-11",
        clause="PS3.18 10.5.4",
        kind=Kind.SHOULD,
        request=Http("POST /studies", JSON, body=lambda s: _with_entity()),
        status=(400, 409, 415),
    ),
)


def _json_alone(session: Session) -> Body:
    session.sent.clear()
    named = _json_of(session, "", **material.NO_IMAGE)
    return Body(json.dumps([named]).encode(), JSON)


def _with_entity() -> Body:
    document = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
        b'<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">'
        b'<DicomAttribute tag="00100020" vr="LO"><Value number="1">&e;</Value></DicomAttribute>'
        b"</NativeDicomModel>"
    )
    parts = [({"Content-Type": "application/dicom+xml"}, document)]
    return Body(*multipart.write(parts, "application/dicom+xml"))
