"""WADO-URI for DICOM objects (PS3.18 9)."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import quote, urlencode

import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from dicomweb.settings import Settings
from tests.make import dataset, instance, part10
from tests.web.asking import ELE, IDS, INSTANCE, PATH, ROOT, SERIES, STUDY, ids, put
from tests.web.conftest import client_of

WADO = "http://archive.test/wado"
ASKED = {
    "requestType": "WADO",
    "studyUID": STUDY,
    "seriesUID": SERIES,
    "objectUID": INSTANCE,
    "contentType": "application/dicom",
}


def url(*, without: str = "", **changed: str) -> str:
    asked = {name: value for name, value in (ASKED | changed).items() if name != without}
    return f"{WADO}?{urlencode(asked, quote_via=quote)}"


async def test_an_object_is_given_as_it_is(server):
    """URI-05, URI-21, URI-22, URI-24, URI-26; NEG-75: one part, named and measured."""
    sent = instance(**IDS)
    await put(server, sent)
    shuffled = "&".join(f"{name}={value}" for name, value in reversed(ASKED.items()))
    for asked in (url(), f"{WADO}?{shuffled}", f"{WADO}?&{shuffled}"):
        answer = await server.get(asked)
        assert answer.content == sent
        assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={ELE}"
        assert answer.headers["content-length"] == str(len(sent))
        assert answer.headers["content-location"] == ROOT + PATH
    assert (await server.head(url())).headers["content-length"] == str(len(sent))
    etag = {"If-None-Match": answer.headers["etag"]}
    assert (await server.get(url(), headers=etag)).status_code == 304


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"without": "requestType"}, id="URI-01 none"),
        pytest.param({"requestType": "wado"}, id="URI-01 other case"),
        pytest.param({"without": "studyUID"}, id="URI-02 study"),
        pytest.param({"without": "seriesUID"}, id="URI-02 series"),
        pytest.param({"without": "objectUID"}, id="URI-02 object"),
        pytest.param({"without": "studyUID", "StudyUID": STUDY}, id="URI-02 case"),
        pytest.param({"objectUID": "abc"}, id="no UID"),
        pytest.param(
            {"contentType": f"application/dicom;transfer-syntax={ELE}"}, id="URI-06 syntax"
        ),
        pytest.param({"contentType": "application/dicom;charset=utf-8"}, id="URI-06 charset"),
        pytest.param({"contentType": "application/dicom,image/jpeg"}, id="URI-07"),
        pytest.param({"contentType": ""}, id="URI-05 empty"),
        pytest.param({"transferSyntax": "abc"}, id="URI-10 no UID"),
        pytest.param({"transferSyntax": f"{ELE},{ELE}"}, id="URI-10 two"),
        pytest.param({"anonymize": "no"}, id="URI-11"),
        pytest.param({"frameNumber": "1"}, id="URI-13 of pictures"),
        pytest.param({"windowCenter": "40", "windowWidth": "400"}, id="URI-16"),
    ],
)
async def test_what_is_asked_wrongly_is_400(sqlite_server, asked):
    await put(sqlite_server, instance(**IDS))
    answer = await sqlite_server.get(url(**asked))
    assert answer.status_code == 400
    assert answer.text


async def test_a_parameter_given_twice_is_400(sqlite_server):
    await put(sqlite_server, instance(**IDS))
    assert (await sqlite_server.get(url() + f"&studyUID={STUDY}")).status_code == 400


async def test_what_is_not_there_is_404_and_what_was_is_410(archive_folder):
    """URI-03."""
    async with client_of(Settings(data=archive_folder, allow_delete=True)) as server:
        await put(server, instance(**ids(1)), instance(**ids(1, series=2)))
        for changed in ({"objectUID": "9.9"}, {"seriesUID": f"{STUDY}.2"}, {"studyUID": "9.9"}):
            assert (await server.get(url(**changed))).status_code == 404
        await server.delete(PATH)
        assert (await server.get(url())).status_code == 410


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=["implicit", "big"]
)
async def test_by_default_it_is_explicit_little_endian(sqlite_server, syntax):
    """URI-09, URI-10."""
    sent = part10(dataset(**IDS), syntax)
    await put(sqlite_server, sent)
    for asked in (url(), url(transferSyntax=ELE)):
        ds = pydicom.dcmread(BytesIO((await sqlite_server.get(asked)).content))
        assert ds.file_meta.TransferSyntaxUID == ELE
    assert (
        await sqlite_server.get(url(transferSyntax="1.2.840.10008.1.2.4.100"))
    ).status_code == 406


@pytest.mark.parametrize("name", ["foo", "charset", "imageQuality", "annotation"])
async def test_what_it_does_not_know_is_passed_over(sqlite_server, name):
    """URI-20, NEG-58."""
    await put(sqlite_server, instance(**IDS))
    assert (await sqlite_server.get(url(**{name: "1"}))).status_code == 200


async def test_what_cannot_be_given_is_406(sqlite_server):
    """URI-08."""
    await put(sqlite_server, instance(**IDS))
    answer = await sqlite_server.get(url(contentType="image/x-foo"))
    assert answer.status_code == 406
    assert "application/dicom" in answer.text


async def test_it_will_not_pretend_to_de_identify(sqlite_server):
    """URI-11, URI-12, RUL-26: an error, never the object as it is."""
    await put(sqlite_server, instance(**IDS))
    answer = await sqlite_server.get(url(anonymize="yes"))
    assert answer.status_code == 501
    assert b"Doe" not in answer.content


async def test_no_accept_header_is_wanted_of_it(strict_server):
    """URI-25, RUL-01: by the letter too; and one that names the object will do for contentType."""
    await put(strict_server, instance(**IDS))
    request = strict_server.build_request("GET", url())
    del request.headers["accept"]
    assert (await strict_server.send(request)).status_code == 200
    named = await strict_server.get(
        url(without="contentType"), headers={"Accept": "application/dicom"}
    )
    assert named.status_code == 200
