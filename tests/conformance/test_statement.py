"""What the statement says in tables, and in sentences of its own, is true of the running server."""

from __future__ import annotations

import json
import shutil
import zlib
from copy import deepcopy
from io import BytesIO

import httpx
import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import dcmwrite
from pydicom.charset import encode_string, python_encoding
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context

from conformance.claims.archive import TERMS
from conformance.statement import able
from dicomweb.pixels.encode import FORMATS
from dicomweb.pixels.films import FILM
from dicomweb.settings import Settings
from dicomweb.web.described import KINDS
from dicomweb.web.routes import BESIDE, TRANSACTIONS
from schemas.attributes import ATTRIBUTES, Level
from schemas.services import SOP_CLASSES
from schemas.syntaxes import EXPLICIT_VR_LE, IMPLICIT_VR_LE, SYNTAXES, TransferSyntax
from tests.make import dataset, instance, message, metadata, part10, related, related_type
from tests.process import free_port, serving
from tests.web.conftest import client_of

CT = "1.2.840.10008.5.1.4.1.1.2"
TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
CONTEXTS_MAX = 128
ROWS, COLUMNS = 32, 24
PIXELS = (np.arange(ROWS * COLUMNS) * 7 % 251).astype("u1").reshape(ROWS, COLUMNS)
ANY_SYNTAX = {"Accept": "application/dicom; transfer-syntax=*"}


class Archive:
    """A running server, with what the tests have stored in it."""

    def __init__(self, url: str, port: int) -> None:
        self.url, self.port = url, port
        self.web = httpx.Client(base_url=url, timeout=30)

    def store(self, *files: bytes) -> None:
        answer = self.web.post("/studies", content=related(files), headers=related_type())
        assert answer.status_code == 200, answer.text

    def get(self, path: str, accept: str = "*/*") -> httpx.Response:
        return self.web.get(path, headers={"Accept": accept})


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    port = free_port()
    flags = ("--dimse-port", str(port), "--allow-delete")
    with serving(tmp_path_factory.mktemp("stated"), *flags) as server:
        one = Archive(server.url, port)
        with one.web:
            yield one


def path_of(ds: Dataset) -> str:
    study, series = ds.StudyInstanceUID, ds.SeriesInstanceUID
    return f"/studies/{study}/series/{series}/instances/{ds.SOPInstanceUID}"


def grey(**more) -> Dataset:
    """An image of eight bits that every codec takes."""
    values = {"Rows": ROWS, "Columns": COLUMNS, "PixelData": PIXELS.tobytes(), "HighBit": 7}
    ds = dataset(**values | {"BitsAllocated": 8, "BitsStored": 8} | more)
    ds["PixelData"].VR = "OB"
    return ds


# Associations ------------------------------------------------------------------------


def accepted(port: int, contexts) -> set[tuple[str, str]]:
    """Of these pairs of classes and syntaxes, those that the server accepts."""
    proposed = [build_context(abstract, syntaxes) for abstract, syntaxes in contexts]
    association = AE().associate("127.0.0.1", port, proposed, ae_title="DICOMWEB")
    assert association.is_established
    found = {
        (str(context.abstract_syntax), str(context.transfer_syntax[0]))
        for context in association.accepted_contexts
    }
    association.release()
    return found


def test_every_sop_class_that_is_stated_is_accepted(archive):
    """CONF-08, CONF-09, STORE-12 (PS3.2 N.5.2)."""
    uids = [row.uid for row in SOP_CLASSES]
    both = [EXPLICIT_VR_LE.uid, IMPLICIT_VR_LE.uid]
    taken: set[str] = set()
    for at in range(0, len(uids), CONTEXTS_MAX):
        asked = [(uid, both) for uid in uids[at : at + CONTEXTS_MAX]]
        taken |= {abstract for abstract, _ in accepted(archive.port, asked)}
    assert taken == set(uids)


def test_every_transfer_syntax_that_is_stated_is_accepted_for_storing(archive):
    """CONF-02, ENC-01 (PS3.2 N.5.1)."""
    uids = [row.uid for row in SYNTAXES]
    taken = accepted(archive.port, [(CT, [uid]) for uid in uids])
    assert {syntax for _, syntax in taken} == set(uids)


def test_a_storage_class_newer_than_the_table_is_taken(archive):
    """STORE-09, OBJ-15 (PS3.4 B.4.1.2)."""
    newer = "1.2.840.10008.5.1.4.1.1.2.77"
    assert newer not in {row.uid for row in SOP_CLASSES}
    assert accepted(archive.port, [(newer, [ExplicitVRLittleEndian])])


# Transfer syntaxes -------------------------------------------------------------------

_4 = "1.2.840.10008.1.2.4."
SAME_STREAM = {
    _4 + "51": _4 + "50",
    _4 + "53": _4 + "50",
    _4 + "55": _4 + "50",
    _4 + "57": _4 + "70",
    _4 + "81": _4 + "80",
    _4 + "92": _4 + "90",
    _4 + "93": _4 + "90",
    _4 + "112": _4 + "110",
}
"""Syntaxes that we do not encode: of which other a codestream is legal there."""


def encoded(archive: Archive, ds: Dataset, syntax: TransferSyntax) -> bytes:
    """The image in `syntax`; noise where nobody encodes it."""
    _, encodes = able(syntax)
    if syntax.big_endian or encodes == "over DIMSE only":
        return part10(ds, syntax.uid)
    if syntax.referenced:
        return referring(ds, syntax)
    if syntax.uid == _4 + "111":
        frame = imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(PIXELS))
    elif encodes == "no" and syntax.uid not in SAME_STREAM:
        frame = b"\x00\x01" * 50
    else:
        other = deepcopy(ds)
        other.SOPInstanceUID = dataset().SOPInstanceUID
        archive.store(part10(other))
        by = SAME_STREAM.get(syntax.uid, syntax.uid)
        answer = archive.get(path_of(other), f"application/dicom; transfer-syntax={by}")
        assert answer.status_code == 200, (syntax.name, answer.text)
        made = pydicom.dcmread(BytesIO(answer.content))
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        made.file_meta.TransferSyntaxUID = syntax.uid
        file = BytesIO()
        made.save_as(file, implicit_vr=False, little_endian=True, enforce_file_format=True)
        return file.getvalue()
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return part10(ds, syntax.uid)


def referring(ds: Dataset, syntax: TransferSyntax) -> bytes:
    """The image with its pixels somewhere else (PS3.5 A.6)."""
    del ds.PixelData
    ds.PixelDataProviderURL = "https://jpip.example.org/image"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        ds.SOPClassUID,
        ds.SOPInstanceUID,
    )
    meta.TransferSyntaxUID, meta.FileMetaInformationVersion = UID(syntax.uid), b"\0\1"
    meta.ImplementationClassUID = "1.2.3"
    file, elements = BytesIO(), BytesIO()
    write_file_meta_info(file, meta)
    dcmwrite(elements, ds, implicit_vr=False, little_endian=True)
    data = elements.getvalue()
    if syntax.deflated:
        data = zlib.compress(data, wbits=-zlib.MAX_WBITS)
        data += bytes(len(data) % 2)
    return bytes(128) + b"DICM" + file.getvalue() + data


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda one: one.name)
def test_what_is_stated_as_decoded_is_and_nothing_else(archive, syntax):
    """CONF-02, NEG-39 (PS3.18 8.7.3, 10.4.5): stored as sent, given as stored, decoded or 406."""
    ds = grey()
    path, file = path_of(ds), encoded(archive, ds, syntax)
    answer = archive.web.post(
        "/studies", content=file, headers={"Content-Type": "application/dicom"}
    )
    assert answer.status_code in (200, 202), answer.text
    as_stored = archive.web.get(path, headers=ANY_SYNTAX)
    assert as_stored.content == file
    answer = archive.get(path, f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}")
    decodes, _ = able(syntax)
    assert answer.status_code == (200 if decodes == "yes" else 406), answer.text
    if decodes == "yes":
        found = pydicom.dcmread(BytesIO(answer.content))
        values = np.frombuffer(found.PixelData, "u1")[: PIXELS.size].reshape(PIXELS.shape)
        if syntax.lossless:
            assert np.array_equal(values, PIXELS)
        else:
            assert np.abs(values.astype(int) - PIXELS).mean() < 10


def test_what_is_stated_as_encoded_is_and_nothing_else(archive):
    """CONF-02, NEG-39 (PS3.18 8.7.3, 10.4.5): each UID of the table, asked by name."""
    ds = grey()
    archive.store(part10(ds))
    given = {}
    for syntax in SYNTAXES:
        answer = archive.get(path_of(ds), f"application/dicom; transfer-syntax={syntax.uid}")
        given[syntax.name] = answer.status_code
        if answer.status_code == 200:
            meta = pydicom.dcmread(BytesIO(answer.content), stop_before_pixels=True).file_meta
            assert meta.TransferSyntaxUID == syntax.uid
    expected = {s.name: 200 if able(s)[1] in ("yes", "with loss") else 406 for s in SYNTAXES}
    assert given == expected


def test_implicit_vr_goes_out_as_it_is_where_anything_will_do(archive):
    """NEG-25, NEG-28: the stored bytes for transfer-syntax=*, Explicit VR for all else."""
    ds = dataset()
    archive.store(part10(ds, ImplicitVRLittleEndian))
    answer = archive.web.get(path_of(ds), headers=ANY_SYNTAX)
    assert answer.content == part10(ds, ImplicitVRLittleEndian)
    answer = archive.get(path_of(ds), "application/dicom")
    assert answer.headers["content-type"].endswith(f"transfer-syntax={ExplicitVRLittleEndian}")


# Character sets ----------------------------------------------------------------------

SAMPLES = {
    "100": "é", "101": "ł", "109": "ħ", "110": "ū", "126": "Δ", "127": "ق", "138": "ש",
    "144": "Ж", "148": "ğ", "203": "€", "13": "ﾔ", "166": "น", "87": "山", "159": "侒",
    "149": "김", "58": "王", "GBK": "张", "GB18030": "王", "192": "山",
}  # fmt: skip
"""A character of each repertoire, by the end of its term; those left out are ASCII."""


def sample(term: str) -> str:
    return SAMPLES.get(term.split()[-1].removeprefix("ISO_IR "), "A")


def test_every_character_set_that_is_stated_is_read(archive):
    """CONF-11, ENC-23, NEG-45 (PS3.18 Annex D): each defined term, alone or by code extension."""
    study, objects = dataset().StudyInstanceUID, []
    for number, term in enumerate(TERMS):
        ds = dataset(StudyInstanceUID=study, InstanceNumber=number)
        extended = term.startswith("ISO 2022")
        ds.SpecificCharacterSet = ["", term] if extended else term
        names = [python_encoding[name] for name in (["", term] if extended else [term])]
        text = encode_string(sample(term), names)
        if term == "ISO 2022 IR 58":  # pydicom leaves out the escape sequence (PS3.5 K.2)
            text = b"\x1b$)A" + sample(term).encode("gb2312")
        ds.add_new(0x00104000, "LT", text)
        objects.append(ds)
    archive.store(*map(part10, objects))
    found = {
        one["00200013"]["Value"][0]: one["00104000"]["Value"][0]
        for one in archive.get(f"/studies/{study}/metadata").json()
    }
    assert {TERMS[number]: text for number, text in found.items()} == {
        term: sample(term) for term in TERMS
    }


# Resources ---------------------------------------------------------------------------


CODEC = "the media type of the stored codec"


@pytest.fixture(scope="module")
def resources(archive):
    """Objects of each kind that a media type asks for."""
    image = grey(NumberOfFrames=1)
    report = dataset(
        SOPClassUID=TEXT_SR, Modality="SR", PixelData=None, Rows=None, ValueType="CONTAINER",
        StudyInstanceUID=image.StudyInstanceUID,
    )  # fmt: skip
    document = dataset(
        SOPClassUID=PDF, PixelData=None, Rows=None,
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocument=b"%PDF-1.4\n%%EOF\n\0",
    )  # fmt: skip
    archive.store(part10(image), part10(report), part10(document))
    jls = archive.get(path_of(image), f"application/dicom; transfer-syntax={_4}80").content
    compressed = pydicom.dcmread(BytesIO(jls))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(compressed, keyword, dataset()[keyword].value)
    compressed.file_meta.MediaStorageSOPInstanceUID = compressed.SOPInstanceUID
    file = BytesIO()
    compressed.save_as(file)
    archive.store(file.getvalue())
    found = {"image": image, "text": report, "application/pdf": document, CODEC: compressed}
    for syntax in SYNTAXES:
        if syntax.video and syntax.media_type not in found:
            stream = grey(NumberOfFrames=2)
            stream.PixelData = encapsulate([b"\0\0\0\x10ftypisom" + bytes(20)])
            stream["PixelData"].is_undefined_length = True
            archive.store(part10(stream, syntax.uid))
            found[syntax.media_type] = stream
    found["cine"] = grey(NumberOfFrames=2, PixelData=2 * PIXELS.tobytes())
    archive.store(part10(found["cine"]))
    return found


def filled(path: str, ds: Dataset) -> str:
    return path.replace(":path}", "}").format(
        study=ds.StudyInstanceUID,
        series=ds.SeriesInstanceUID,
        instance=ds.SOPInstanceUID,
        patient=ds.PatientID,
        frames="1",
        bulk="7FE00010",
    )


def rows(method: str = "") -> list:
    return [
        pytest.param(t, media_type, id=f"{t.method} {t.path} {media_type}")
        for t in (*TRANSACTIONS, *BESIDE)
        if not method or t.method == method
        for media_type in t.media_types
    ]


@pytest.mark.parametrize("transaction, media_type", rows("GET"))
def test_every_resource_that_is_stated_is_there(archive, resources, transaction, media_type):
    """CONF-03, CONF-04, CONF-08 (PS3.2 N.5.3.1): each in each media type it is said to have."""
    kind = media_type.partition("/")[0]
    ds = resources.get(media_type, resources.get(kind, resources["image"]))
    path = filled(transaction.path, ds)
    if media_type == FILM.media_type:
        if shutil.which("ffmpeg") is None:
            pytest.skip("ffmpeg is not installed: there are no films.")
        path = filled(transaction.path.replace("{frames}", "1,2"), resources["cine"])
    if media_type == CODEC:
        media_type = "multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"
    if transaction.path == "/wado":
        path = archive.url.removesuffix("/dicom-web") + "/wado"
        query = {
            "requestType": "WADO", "studyUID": ds.StudyInstanceUID, "contentType": media_type,
            "seriesUID": ds.SeriesInstanceUID, "objectUID": ds.SOPInstanceUID,
        }  # fmt: skip
        answer = archive.web.get(path, params=query)
    else:
        answer = archive.get(path, media_type)
    assert answer.status_code in (200, 206), answer.text[:200]
    wanted = media_type.partition(";")[0]
    assert answer.headers["content-type"].partition(";")[0] == wanted


@pytest.mark.parametrize("transaction, media_type", [*rows("POST"), *rows("PUT")])
def test_stores_answer_as_they_are_stated_to(archive, transaction, media_type):
    """CONF-03, STOW-45 (PS3.2 N.5.3.1)."""
    ds = dataset()
    headers = related_type() | {"Accept": media_type}
    body = related([part10(ds)])
    answer = archive.web.request(
        transaction.method, filled(transaction.path, ds), content=body, headers=headers
    )
    assert answer.status_code in (200, 201), answer.text
    assert answer.headers["content-type"].partition(";")[0] == media_type.partition(";")[0]


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
def test_deletions_and_options_are_there(archive, method):
    """CAP-01, CAP-08 (PS3.2 N.5.3.1)."""
    for transaction in TRANSACTIONS:
        if transaction.method == method:
            ds = dataset()
            archive.store(part10(ds))
            answer = archive.web.request(method, filled(transaction.path, ds))
            assert answer.status_code in (200, 204), answer.text


def test_head_is_there_wherever_get_is_and_options_everywhere(archive, resources):
    """NEG-76, CAP-06 (PS3.18 8.3.1)."""
    for transaction in TRANSACTIONS:
        path = filled(transaction.path, resources["image"])
        if transaction.method == "GET":
            head, get = archive.web.head(path), archive.get(path)
            assert (head.status_code, head.content) == (get.status_code, b""), path
        options = archive.web.options(path)
        assert options.status_code in (200, 204), path
        if transaction.path:
            assert transaction.method in options.headers["allow"], path


# Parameters --------------------------------------------------------------------------

REFUSED = {
    "Search": {
        "limit": "-1", "offset": "x", "fuzzymatching": "perhaps",
        "emptyvaluematching": "perhaps", "multiplevaluematching": "perhaps", "orderby": "Nothing",
    },
    "Render": {
        "annotation": "", "quality": "0", "viewport": "0,0",
        "window": "1,0,linear", "iccprofile": "none",
    },
    "WADO-URI": {
        "requestType": "WADOX", "studyUID": "", "seriesUID": "", "objectUID": "",
        "contentType": "image/x-none", "transferSyntax": "x", "anonymize": "yes",
        "frameNumber": "0", "rows": "0", "columns": "0", "region": "1,1,0,0",
        "windowCenter": "x", "windowWidth": "0", "imageAnnotation": "", "imageQuality": "0",
    },
}  # fmt: skip
"""For each parameter a value that it cannot have: who heeds it refuses."""
ACCEPTED = {
    "Search": "text/csv",
    "Store": "application/dicom+xml",
    "Retrieve": 'multipart/related; type="application/dicom+xml"',
    "Render": "image/png",
    "Capabilities": "application/json",
}
"""For each kind a media type that is not its default one."""


def asked(archive: Archive, resources, kind: str, name: str, value: str) -> httpx.Response:
    image = path_of(resources["image"])
    if kind == "WADO-URI":
        ds = resources["image"]
        query = {
            "requestType": "WADO", "studyUID": ds.StudyInstanceUID, "contentType": "image/jpeg",
            "seriesUID": ds.SeriesInstanceUID, "objectUID": ds.SOPInstanceUID,
        }  # fmt: skip
        if name == "transferSyntax":
            query["contentType"] = "application/dicom"
        if name.startswith("window"):
            query |= {"windowCenter": "1", "windowWidth": "2"}
        path = archive.url.removesuffix("/dicom-web") + "/wado"
        return archive.web.get(path, params=query | {name: value})
    path = {
        "Search": "/instances",
        "Store": "/studies",
        "Retrieve": f"{image}/metadata",
        "Render": f"{path_of(resources['text'])}/rendered",
        "Capabilities": "",
    }[kind]
    if kind == "Render" and name != "charset":
        path = f"{image}/rendered"
    if kind == "Store":
        body = related([part10(dataset())])
        return archive.web.post(path, params={name: value}, content=body, headers=related_type())
    return archive.web.get(path, params={name: value})


@pytest.mark.parametrize(
    "kind, name",
    [(kind, parameter.name) for kind, row in KINDS.items() for parameter in row.parameters],
)
def test_every_parameter_that_is_stated_is_heeded(archive, resources, kind, name):
    """CONF-03, CONF-04, NEG-58 (PS3.2 N.5.3.2): it refuses what it cannot have."""
    value = REFUSED.get(kind, {}).get(name)
    if value is not None:
        answer = asked(archive, resources, kind, name, value)
        assert answer.status_code in (400, 406, 501), answer.text[:200]
    elif name == "accept":
        answer = asked(archive, resources, kind, name, ACCEPTED[kind])
        assert answer.status_code == 200, answer.text
        told = answer.headers["content-type"]
        assert told.partition(";")[0] == ACCEPTED[kind].partition(";")[0]
    elif name == "charset":
        told = asked(archive, resources, kind, name, "iso-8859-1").headers["content-type"]
        assert ("iso-8859-1" in told.lower()) is (kind == "Render")
    else:
        assert name == "includefield"
        answer = asked(archive, resources, kind, name, "PhotometricInterpretation")
        assert any("00280004" in row for row in answer.json())
        assert not any("00280004" in row for row in archive.get("/instances").json())


# Search ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "level, path",
    [
        (Level.PATIENT, "/patients"),
        (Level.STUDY, "/studies"),
        (Level.SERIES, "/series"),
        (Level.INSTANCE, "/instances"),
    ],
)
def test_every_attribute_is_in_the_answers_that_are_stated(archive, resources, level, path):
    """CONF-04, QIDO-51 to QIDO-54 (PS3.18 10.6.3.3): those in every answer are in every answer."""
    always = [a for a in ATTRIBUTES if a.level is level and (a.required or a.computed)]
    assert resources
    found = archive.get(path).json()
    assert found
    for one in found:
        missing = [a.keyword for a in always if not a.sequence and a.tag not in one]
        assert missing == []


async def test_an_answer_holds_as_many_results_as_the_setting_says(archive_folder):
    """QIDO-69 (PS3.18 10.6.5)."""
    async with client_of(Settings(data=archive_folder, search_limit=2)) as server:
        study = dataset().StudyInstanceUID
        files = [instance(StudyInstanceUID=study) for _ in range(3)]
        await server.post("/studies", content=related(files), headers=related_type())
        first = await server.get("/instances?limit=100")
        assert len(first.json()) == 2
        assert "There are 1 additional results" in first.headers["warning"]
        assert len((await server.get("/instances?offset=2")).json()) == 1


def test_a_time_alone_is_not_shifted(archive):
    """QIDO-31 (PS3.18 8.3.4.1.1): a zone without a date says nothing of a time."""
    ds = dataset(StudyTime="0300", TimezoneOffsetFromUTC="+0100")
    archive.store(part10(ds))
    asked = f"/studies?StudyInstanceUID={ds.StudyInstanceUID}&00080201=-0500&StudyTime="
    assert archive.get(asked + "0300").status_code == 200
    assert archive.get(asked + "2100").status_code == 204


def test_lists_mean_any_of_their_values(archive):
    """QIDO-34, QIDO-75."""
    first, second = dataset(PatientID="LIST-1"), dataset(PatientID="LIST-2", Modality="MR")
    third = dataset(PatientID="LIST-2", StudyInstanceUID=second.StudyInstanceUID)
    archive.store(*map(part10, (first, second, third)))

    def found(query: str) -> set[str]:
        answer = archive.get(f"/studies?{query}")
        rows = answer.json() if answer.content else []
        return {row["0020000D"]["Value"][0] for row in rows}

    both = {first.StudyInstanceUID, second.StudyInstanceUID}
    assert both <= found("PatientID=LIST-1%5CLIST-2")
    assert both <= found("ModalitiesInStudy=CT,MR")
    every = found("ModalitiesInStudy=CT%5CMR&multiplevaluematching=true")
    assert both & every == {second.StudyInstanceUID}


# Rendering ---------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS, ids=lambda one: one.media_type)
def test_a_format_is_as_it_is_stated(archive, format):
    """REND-02, REND-05, REND-21, REND-32 (PS3.2 N.5.3.4): quality, profile, motion."""
    noise = np.random.default_rng(1).integers(0, 255, (2, 64, 64), "u1")
    ds = grey(Rows=64, Columns=64, NumberOfFrames=2, PixelData=noise.tobytes())
    archive.store(part10(ds))
    rendered = path_of(ds) + "/frames/1/rendered"
    sizes = {
        quality: len(archive.get(f"{rendered}?quality={quality}", format.media_type).content)
        for quality in (5, 95)
    }
    assert (sizes[5] < sizes[95]) is format.lossy
    with_profile = archive.get(f"{rendered}?iccprofile=srgb", format.media_type)
    assert with_profile.status_code == (200 if format.takes_profile else 400)
    moving = archive.get(f"{path_of(ds)}/frames/1,2/rendered", format.media_type)
    if format.animate:
        assert Image.open(BytesIO(moving.content)).n_frames == 2
    else:
        assert moving.status_code == 406


# Configuration and annexes -----------------------------------------------------------


async def test_the_public_url_is_the_base_of_every_url(archive_folder):
    """NEG-64, NEG-80."""
    settings = Settings(data=archive_folder, public_url="https://images.example.org/dicom-web")
    async with client_of(settings) as server:
        sent = related([instance()])
        stored = await server.post("/studies", content=sent, headers=related_type())
        texts = [stored.text, (await server.get("/instances")).text]
        ds = (await server.get("/instances")).json()[0]
        path = ds["00081190"]["Value"][0].removeprefix(settings.public_url)
        texts.append((await server.get(f"{path}/metadata")).text)
    for text in texts:
        assert '"https://images.example.org/dicom-web/studies/' in text
        assert "archive.test" not in text


def test_a_signature_is_kept_as_it_is(archive):
    """SEC-14 (PS3.15 C): what is signed and the signature come back bit for bit."""
    signature = Dataset()
    signature.MACIDNumber = 1
    signature.DigitalSignatureUID = "1.2.3.4"
    signature.DigitalSignatureDateTime = "20240102101112.000000"
    signature.CertificateType = "X509_1993_SIG"
    signature.Signature = bytes(range(64))
    mac = Dataset()
    mac.MACIDNumber = 1
    mac.MACAlgorithm = "SHA256"
    mac.DataElementsSigned = [0x00100010]
    ds = dataset(DigitalSignaturesSequence=[signature], MACParametersSequence=[mac])
    archive.store(part10(ds))
    assert archive.web.get(path_of(ds), headers=ANY_SYNTAX).content == part10(ds)
    native = archive.get(path_of(ds), f"application/dicom; transfer-syntax={_4}90")
    kept = pydicom.dcmread(BytesIO(native.content)).DigitalSignaturesSequence[0]
    assert kept.Signature == signature.Signature


def test_what_the_server_makes_has_nothing_private(archive):
    """CONF-11 (PS3.2 N.9): composed of metadata, and compressed with loss."""
    ds = grey()
    described, pixels = Dataset(ds), ("p", PIXELS.tobytes())
    del described.PixelData
    body = message(
        [
            metadata(described, PixelData="p"),
            (
                {"Content-Type": "application/octet-stream", "Content-Location": pixels[0]},
                pixels[1],
            ),
        ]
    )
    answer = archive.web.post(
        "/studies", content=body, headers=related_type("application/dicom+json")
    )
    assert answer.status_code == 200, answer.text
    for syntax in ("*", f"{_4}91", f"{_4}50"):
        answer = archive.get(path_of(ds), f"application/dicom; transfer-syntax={syntax}")
        made = pydicom.dcmread(BytesIO(answer.content))
        assert not any(element.tag.is_private for element in made.iterall())
        assert made.SOPClassUID == ds.SOPClassUID
        assert not made.file_meta.TransferSyntaxUID.is_private
    assert json.loads(archive.get(f"{path_of(ds)}/metadata").content)
