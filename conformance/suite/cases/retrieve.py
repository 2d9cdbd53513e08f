"""WADO-RS: studies, series and instances as Part 10 files (PS3.18 10.4.1.1.1)."""

from __future__ import annotations

from conformance.suite.case import Case, Http, Kind
from conformance.suite.checks import (
    DICOM,
    OCTETS,
    each_part,
    holds,
    media_type,
    objects,
    parts,
    syntax,
)

EXPLICIT = "1.2.840.10008.1.2.1"

CASES = (
    Case(
        id="retrieve-instance",
        says="An instance is retrieved.",
        item="WADO-01, WADO-02",
        clause="PS3.18 10.4.1.1.1",
        request=Http("GET {ct1.instance}", DICOM),
        checks=(media_type("multipart application/dicom"), objects("ct1")),
    ),
    Case(
        id="retrieve-series",
        says="A series is retrieved, all its instances.",
        item="WADO-01, WADO-02",
        clause="PS3.18 10.4.1.1.1",
        request=Http("GET {ct1.series}", DICOM),
        checks=(objects("ct1", "ct2", "ct3"),),
    ),
    Case(
        id="retrieve-study",
        says="A study is retrieved, all its series.",
        item="WADO-01, WADO-02",
        clause="PS3.18 10.4.1.1.1",
        request=Http("GET {ct1.study}", DICOM),
        checks=(objects("ct1", "ct2", "ct3", "sr"),),
    ),
    Case(
        id="retrieve-single",
        says="A single instance comes as a single part.",
        item="WADO-03",
        clause="PS3.18 10.4.4",
        kind=Kind.MAY,
        request=Http("GET {ct1.instance}", "application/dicom"),
        checks=(media_type("application/dicom"), objects("ct1")),
    ),
    Case(
        id="retrieve-octets",
        says="A series' bulk data come as octets, one part a value.",
        item="WADO-04",
        clause="PS3.18 Table 10.4.4-1",
        request=Http("GET {ct1.series}", OCTETS),
        checks=(media_type("multipart application/octet-stream"), parts(3)),
    ),
    Case(
        id="retrieve-octets-instance",
        says="An instance's bulk data come as octets.",
        item="WADO-04, WADO-30",
        clause="PS3.18 Table 10.4.4-1",
        request=Http("GET {ct1.instance}", OCTETS),
        checks=(
            holds(
                "the part is the pixel data",
                lambda a: a.parts[0].content == a.session.thing("ct1").dataset.PixelData,
            ),
        ),
    ),
    Case(
        id="retrieve-other-series",
        says="An instance is not found below a series that is not its own.",
        item="WADO-06",
        clause="PS3.18 10.4.1.1",
        request=Http("GET {ct1.study}/series/{sr.series_uid}/instances/{ct1.uid}", DICOM),
        status=404,
    ),
    Case(
        id="retrieve-other-study",
        says="A series is not found below a study that is not its own.",
        item="WADO-06",
        clause="PS3.18 10.4.1.1",
        request=Http("GET {s1.study}/series/{ct1.series_uid}", DICOM),
        status=404,
    ),
    Case(
        id="retrieve-meta",
        says="File meta information is whole and true.",
        item="WADO-07, ENC-21",
        clause="PS3.10 7.1",
        request=Http("GET {ct1.instance}", DICOM),
        checks=(
            holds(
                "version, class, instance and implementation are there",
                lambda a: (
                    a.files[0].file_meta.FileMetaInformationVersion == b"\x00\x01"
                    and a.files[0].file_meta.MediaStorageSOPInstanceUID == a.files[0].SOPInstanceUID
                    and a.files[0].file_meta.MediaStorageSOPClassUID == a.files[0].SOPClassUID
                    and a.files[0].file_meta.ImplementationClassUID
                ),
            ),
        ),
    ),
    Case(
        id="retrieve-same-data-set",
        says="Every attribute survives, private ones too.",
        item="STOW-57, STORE-07",
        clause="PS3.4 B.4.1",
        request=Http("GET {every.instance}", DICOM),
        checks=(
            holds(
                "the data set is the one stored",
                lambda a: a.files[0] == a.session.thing("every").dataset,
            ),
        ),
    ),
    Case(
        id="retrieve-same-pixels",
        says="Pixels that came uncompressed survive as they are.",
        item="STOW-58",
        clause="PS3.18 10.5.2",
        request=Http("GET {mf.instance}", DICOM),
        checks=(
            holds(
                "pixel data are those stored",
                lambda a: a.files[0].PixelData == a.session.thing("mf").dataset.PixelData,
            ),
        ),
    ),
    Case(
        id="retrieve-decoded-attributes",
        says="A decoded colour image says truly how its pixels are laid out.",
        item="WADO-08, ENC-08",
        clause="PS3.5 8.2",
        request=Http("GET {jpeg.instance}", f"{DICOM}; transfer-syntax={EXPLICIT}"),
        checks=(
            syntax(EXPLICIT),
            holds(
                "interpretation and length agree",
                lambda a: (
                    (str(a.files[0].PhotometricInterpretation), len(a.files[0].PixelData))
                    in (("RGB", 768), ("YBR_FULL", 768), ("YBR_FULL_422", 512))
                ),
            ),
        ),
        tolerated=(406,),
    ),
    Case(
        id="retrieve-decoded-stays-lossy",
        says="What was once lossy stays flagged.",
        item="STORE-11, WADO-08",
        clause="PS3.4 B.4.3.2",
        request=Http("GET {jpeg.instance}", f"{DICOM}; transfer-syntax={EXPLICIT}"),
        checks=(
            holds(
                "Lossy Image Compression is 01",
                lambda a: str(a.files[0].get("LossyImageCompression")) == "01",
            ),
        ),
        tolerated=(406,),
    ),
    Case(
        id="retrieve-report",
        says="A report is retrieved.",
        item="OBJ-05",
        clause="PS3.18 10.4.1.1.1",
        request=Http("GET {sr.instance}", DICOM),
        checks=(objects("sr"),),
    ),
    Case(
        id="retrieve-document",
        says="A document is retrieved, its bytes as they were.",
        item="OBJ-06",
        clause="PS3.18 10.4.1.1.1",
        request=Http("GET {pdf.instance}", DICOM),
        checks=(
            holds(
                "the document is the one stored",
                lambda a: (
                    a.files[0].EncapsulatedDocument
                    == a.session.thing("pdf").dataset.EncapsulatedDocument
                ),
            ),
        ),
    ),
    Case(
        id="retrieve-waveform",
        says="A waveform is retrieved.",
        item="OBJ-07",
        clause="PS3.18 10.4.1.1.1",
        request=Http("GET {ecg.instance}", DICOM),
        checks=(objects("ecg"),),
    ),
    Case(
        id="retrieve-raw-data",
        says="Raw data are retrieved.",
        item="OBJ-14",
        clause="PS3.18 10.4.1.1.1",
        request=Http("GET {raw.instance}", DICOM),
        checks=(objects("raw"),),
    ),
    Case(
        id="retrieve-head",
        says="HEAD of an instance has no body.",
        item="NEG-76",
        clause="PS3.18 8.5",
        kind=Kind.SHOULD,
        request=Http("HEAD {ct1.instance}", DICOM),
        checks=(holds("there is no body", lambda a: not a.body),),
    ),
    Case(
        id="retrieve-zip",
        says="No zip is promised: it is not acceptable, or an extension.",
        item="CAP-10",
        clause="PS3.18 10.4.4",
        kind=Kind.MAY,
        request=Http("GET {ct1.study}", "application/zip"),
        status=(200, 406),
        tolerated=(400,),
    ),
    Case(
        id="retrieve-viewer-any",
        says="What viewers ask for is served: as stored, whatever it is.",
        item="WADO-51",
        clause="PS3.18 8.7.3.5.2",
        kind=Kind.SHOULD,
        request=Http(
            "GET {rle.series}", 'multipart/related;type="application/dicom";transfer-syntax=*'
        ),
        checks=(
            objects("rle"),
            each_part(
                "the part says its syntax", lambda a, p: "1.2.5" in p.headers["content-type"]
            ),
        ),
    ),
    Case(
        id="retrieve-delete",
        says="There is no delete in the standard; a server may have one.",
        item="CAP-08",
        clause="PS3.18 10.1",
        kind=Kind.MAY,
        request="DELETE /studies/{fresh}",
        status=(404, 405, 403, 401, 410),
    ),
)
