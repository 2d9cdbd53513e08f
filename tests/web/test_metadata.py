"""Metadata in its forms (PS3.18 10.4.1.1.2): JSON, XML, in parts, remembered and made anew."""

from __future__ import annotations

import re

import orjson
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file

from dicomweb.engine.instances import PAGE_ROWS
from dicomweb.engine.metadata import MADE_BYTES, SHORT_BYTES
from schemas.native_xml import NAMESPACE, document, read
from tests.make import dataset, instance, part10
from tests.web.asking import (
    IDS,
    LEVELS,
    PATH,
    ROOT,
    SERIES_PATH,
    STUDY,
    STUDY_PATH,
    ids,
    parts,
    put,
)

XML = {"Accept": 'multipart/related; type="application/dicom+xml"'}
JSON_PARTS = {"Accept": 'multipart/related; type="application/dicom+json"'}


@pytest.mark.parametrize("level", LEVELS)
async def test_xml_is_a_document_an_instance(server, level):
    """WADO-15, XML-01, XML-08, XML-12, XML-13; NEG-46, NEG-47, NEG-53: it says what JSON says."""
    await put(server, *(instance(**ids(number)) for number in (1, 2)))
    path = LEVELS[level] + "/metadata"
    found = parts(await server.get(path, headers=XML))
    expected = (await server.get(path)).json()
    assert len(found) == len(expected) == (1 if level == "instance" else 2)
    for number, ((headers, body), told) in enumerate(zip(found, expected, strict=True), 1):
        assert headers["Content-Type"] == "application/dicom+xml"
        location = f"{ROOT}{SERIES_PATH}/instances/1.2.5.1.{number}/metadata"
        assert headers["Content-Location"] == location
        assert body.count(b"<NativeDicomModel") == 1
        assert NAMESPACE.encode() in body
        assert not re.search(rb'tag="[0-9A-F]{4}0000"', body)
        assert read(body) == read(document(orjson.dumps(told)))


async def test_the_document_of_one_instance_may_stand_alone(server):
    await put(server, instance(**IDS))
    answer = await server.get(PATH + "/metadata", headers={"Accept": "application/dicom+xml"})
    assert answer.content.startswith(b"<?xml")
    assert answer.headers["content-location"] == f"{ROOT}{PATH}/metadata"
    wider = await server.get(SERIES_PATH + "/metadata", headers={"Accept": "application/dicom+xml"})
    assert wider.status_code == 406


async def test_json_in_parts_is_an_array_of_one_each(server):
    """WADO-16, RUL-22."""
    await put(server, *(instance(**ids(number)) for number in (1, 2)))
    found = parts(await server.get(STUDY_PATH + "/metadata", headers=JSON_PARTS))
    whole = (await server.get(STUDY_PATH + "/metadata")).json()
    assert [orjson.loads(body) for _, body in found] == [[one] for one in whole]


@pytest.mark.parametrize(
    "query",
    ["?charset=utf-8", "?charset=x-klingon", "?charset=%22ISO%202022%20IR%2087%22", "?foo=bar"],
)
async def test_what_a_query_says_of_characters_is_no_error(sqlite_server, query):
    """NEG-40, NEG-41, NEG-42, NEG-43, NEG-44, NEG-58, WADO-22: text is UTF-8, which holds all."""
    await put(sqlite_server, instance(**IDS))
    for accept in ("application/dicom+json", "application/dicom+json;charset=ISO-8859-1"):
        headers = {"Accept": accept, "Accept-Charset": "x-klingon, *;q=0.1"}
        answer = await sqlite_server.get(PATH + "/metadata" + query, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/dicom+json"


@pytest.mark.parametrize("accept_charset", ["*", "utf-8", "iso-8859-1;q=0.5"])
async def test_accept_charset_is_taken_everywhere(sqlite_server, accept_charset):
    """NEG-23."""
    await put(sqlite_server, instance(**IDS))
    for path in (
        "/studies",
        PATH,
        f"{PATH}/metadata",
        f"{PATH}/frames/1",
        f"{PATH}/bulkdata/7FE00010",
    ):
        answer = await sqlite_server.get(path, headers={"Accept-Charset": accept_charset})
        assert answer.status_code == 200


async def test_text_is_utf_8_and_says_so(sqlite_server):
    """NEG-45, WADO-23, JSON-23: from the object's character set, of an item its own."""
    ds = dataset(**IDS, SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jörg")
    await put(sqlite_server, part10(ds))
    answer = await sqlite_server.get(PATH + "/metadata")
    (found,) = answer.json()
    assert found["00100010"]["Value"] == [{"Alphabetic": "Müller^Jörg"}]
    assert found["00080005"]["Value"] == ["ISO_IR 192"]
    assert "Müller".encode() in answer.content


async def test_metadata_is_that_of_the_resource(sqlite_server):
    """WADO-21, WADO-24: of compressed pixels what is stored, whatever they are given as."""
    with open(get_testdata_file("examples_ybr_color.dcm", download=False), "rb") as file:
        (item,) = (await put(sqlite_server, file.read())).json()["00081199"]["Value"]
    url = item["00081190"]["Value"][0]
    (found,) = (await sqlite_server.get(url + "/metadata")).json()
    assert found["7FE00010"] == {"vr": "OB", "BulkDataURI": f"{url}/bulkdata/7FE00010"}
    assert found["00280004"]["Value"] == ["YBR_FULL_422"]
    assert found["00280008"]["Value"] == [30]


async def test_what_is_remembered_is_forgotten_when_it_changes(server):
    """WADO-25: an answer is kept, not beyond the next instance, nor for another client's URL."""
    path = SERIES_PATH + "/metadata"
    for count in range(1, 4):
        await put(server, instance(**ids(count)))
        seen = [(await server.get(path)).json() for _ in range(3)]
        assert [len(one) for one in seen] == [count] * 3
        assert seen[0] == seen[1] == seen[2]
    (other, *_) = (await server.get(path, headers={"Host": "elsewhere"})).json()
    assert other["7FE00010"]["BulkDataURI"].startswith("http://elsewhere/")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_metadata_of_many_is_one_array_series_after_series(server, coding):
    """WADO-13, JSON-01: whole pages of the index, some of a page, and more than is made at once."""
    long = referenced(MADE_BYTES // 2)
    sent = [ids(number) for number in range(1, PAGE_ROWS + 2)]
    sent += [ids(number, series=2) for number in range(1, 4)]
    sent += [ids(number, series=3) | {"ReferencedImageSequence": long} for number in range(1, 6)]
    for begin in range(0, len(sent), 50):
        await put(server, *(instance(**one) for one in sent[begin : begin + 50]))
    told = await server.get(STUDY_PATH + "/metadata", headers={"Accept-Encoding": coding})
    assert len(told.content) > 2 * MADE_BYTES
    uids = [one["00080018"]["Value"][0] for one in told.json()]
    assert sorted(uids) == sorted(one["SOPInstanceUID"] for one in sent)
    series = [one["0020000E"]["Value"][0] for one in told.json()]
    assert series == sorted(series)
    for number in (1, 2, 3):
        path = f"{STUDY_PATH}/series/{ids(1, series=number)['SeriesInstanceUID']}/metadata"
        some = [one for one in told.json() if one["0020000E"]["Value"] == [f"{STUDY}.{number}"]]
        for _ in range(2):
            answer = await server.get(path, headers={"Accept-Encoding": coding})
            assert answer.json() == some
        urls = {one["7FE00010"]["BulkDataURI"].rpartition("/instances/")[0] for one in some}
        assert urls == {f"{ROOT}{path.removesuffix('/metadata')}"}


async def test_metadata_of_one_that_is_long_is_all_there(server):
    """It is unpacked in a thread."""
    items = referenced(2 * SHORT_BYTES)
    await put(server, instance(**IDS, ReferencedImageSequence=items))
    answer = await server.get(PATH + "/metadata")
    assert len(answer.content) > SHORT_BYTES
    (found,) = answer.json()
    told = [item["00081155"]["Value"][0] for item in found["00081140"]["Value"]]
    assert told == [item.ReferencedSOPInstanceUID for item in items]


def referenced(json_bytes):
    """Items that are so long at least as JSON."""
    items = []
    for number in range(json_bytes // 64):
        item = Dataset()
        item.ReferencedSOPInstanceUID = f"1.2.3.{number}"
        items.append(item)
    return items
