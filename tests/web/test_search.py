"""QIDO-RS as a client sees it (PS3.18 10.6), on both databases."""

from __future__ import annotations

import json

import asyncpg
import pytest

from dicomweb.settings import Settings
from tests import postgresql
from tests.make import dataset, part10, related, related_type
from tests.web.conftest import client_of

STUDIES = {
    "1.2.1": {
        "PatientName": "Doe^Jane",
        "PatientID": "P1",
        "StudyDate": "20200101",
        "StudyTime": "1030",
    },
    "1.2.2": {
        "PatientName": "Doe^John",
        "PatientID": "P2",
        "StudyDate": "20210615",
        "StudyTime": "235959.5",
    },
    "1.2.3": {"PatientName": "Müller^Käthe", "PatientID": "p1", "StudyDate": "", "StudyTime": ""},
    "1.2.4": {
        "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "PatientID": "100%",
        "StudyDate": "20240229",
        "StudyTime": "080000",
        "AccessionNumber": "A[1]_x",
        "ReferringPhysicianName": "",
    },
}


@pytest.fixture
async def filled(server):
    """Four studies: the second has a CT series of two and an SR series, the others one CT each."""
    parts = []
    for number, (uid, attributes) in enumerate(STUDIES.items(), start=1):
        ids = {
            "StudyInstanceUID": uid,
            "SeriesInstanceUID": f"{uid}.1",
            "SOPInstanceUID": f"{uid}.1.1",
        }
        parts.append(part10(dataset(**ids, SeriesNumber=number, **attributes)))
    second = {"StudyInstanceUID": "1.2.2", **STUDIES["1.2.2"]}
    parts.append(
        part10(
            dataset(
                **second, SeriesInstanceUID="1.2.2.1", SOPInstanceUID="1.2.2.1.2", InstanceNumber=2
            )
        )
    )
    parts.append(
        part10(
            dataset(
                **second,
                SeriesInstanceUID="1.2.2.2",
                SOPInstanceUID="1.2.2.2.1",
                Modality="SR",
                Rows=None,
                PixelData=None,
            )
        )
    )
    answer = await server.post("/studies", content=related(parts), headers=related_type())
    assert answer.status_code in (200, 202), answer.text  # one says another Series Number
    return server


def uids(answer, tag="0020000D"):
    return [] if answer.status_code == 204 else [found[tag]["Value"][0] for found in answer.json()]


QUESTIONS = [
    pytest.param(
        "", ["1.2.4", "1.2.2", "1.2.1", "1.2.3"], id="no key matches everything, newest first"
    ),
    pytest.param("PatientID=P1", ["1.2.1"], id="single values are case sensitive"),
    pytest.param("00100020=P1", ["1.2.1"], id="a tag for a keyword"),
    pytest.param("0020000d=1.2.1", ["1.2.1"], id="a tag in lower case"),
    pytest.param("PatientID=P*", ["1.2.2", "1.2.1"], id="wildcards are case sensitive too"),
    pytest.param("PatientID=%3F1", ["1.2.1", "1.2.3"], id="one character"),
    pytest.param("PatientID=%25", [], id="SQL wildcards are ordinary characters"),
    pytest.param("PatientID=100%25", ["1.2.4"], id="and match themselves"),
    pytest.param("AccessionNumber=A%5B1%5D_*", ["1.2.4"], id="so do brackets"),
    pytest.param(
        "PatientID=", ["1.2.4", "1.2.2", "1.2.1", "1.2.3"], id="an empty value matches all"
    ),
    pytest.param("PatientName=doe^jane", ["1.2.1"], id="names are folded"),
    pytest.param("PatientName=DOE*", ["1.2.2", "1.2.1"], id="name prefix"),
    pytest.param("PatientName=*j%3Fhn*", ["1.2.2"], id="name infix"),
    pytest.param("PatientName=muller*", ["1.2.3"], id="accents are folded"),
    pytest.param("PatientName=M%C3%BCller%5EK%C3%A4the", ["1.2.3"], id="in UTF-8"),
    pytest.param("PatientName=%E5%B1%B1%E7%94%B0*", ["1.2.4"], id="the ideographic group"),
    pytest.param("PatientName=yamada*", ["1.2.4"], id="the alphabetic group of three"),
    pytest.param("PatientName=Doe", [], id="a name without a wildcard is whole"),
    pytest.param("StudyDate=20200101", ["1.2.1"], id="a date"),
    pytest.param("StudyDate=20200101-20211231", ["1.2.2", "1.2.1"], id="a range includes its ends"),
    pytest.param("StudyDate=20210615-", ["1.2.4", "1.2.2"], id="open at its end"),
    pytest.param(
        "StudyDate=-20210615", ["1.2.2", "1.2.1"], id="open at its beginning, no dates left out"
    ),
    pytest.param("StudyTime=103000", ["1.2.1"], id="a time by meaning"),
    pytest.param("StudyTime=0800-1030", ["1.2.4", "1.2.1"], id="a range of times"),
    pytest.param("StudyInstanceUID=1.2.1,1.2.3", ["1.2.1", "1.2.3"], id="a list of UIDs"),
    pytest.param(
        "StudyInstanceUID=1.2.1%5C1.2.3", ["1.2.1", "1.2.3"], id="by backslash, as OHIF does"
    ),
    pytest.param(
        "StudyInstanceUID=1.2.1&StudyInstanceUID=1.2.1",
        ["1.2.1"],
        id="twice the same, as OHIF does",
    ),
    pytest.param("&PatientID=P1", ["1.2.1"], id="an empty first pair, as Weasis sends"),
    pytest.param("ModalitiesInStudy=SR", ["1.2.2"], id="any of the modalities"),
    pytest.param("ModalitiesInStudy=SR%5CMR", ["1.2.2"], id="a list of modalities"),
    pytest.param("PatientID=P*&StudyDate=2021*", None, id="a date takes no wildcard"),
    pytest.param("PatientID=P*&StudyDate=20210101-", ["1.2.2"], id="keys combine"),
    pytest.param("limit=1&offset=1", ["1.2.2"], id="a page"),
    pytest.param("offset=4", [], id="past the end"),
    pytest.param("limit=0", [], id="nothing asked for"),
    pytest.param("foo=bar", ["1.2.4", "1.2.2", "1.2.1", "1.2.3"], id="what is no key is ignored"),
    pytest.param(
        "PATIENTID=P1&Limit=1", ["1.2.4", "1.2.2", "1.2.1", "1.2.3"], id="names are case sensitive"
    ),
]


@pytest.mark.parametrize("question, expected", QUESTIONS)
async def test_search_for_studies(filled, question, expected):
    """QIDO-01, 11, 14, 22..28, 33, 37, 38, 65, 66, 73; NEG-58..63."""
    answer = await filled.get(f"/studies?{question}")
    if expected is None:
        assert answer.status_code == 400
    else:
        assert uids(answer) == expected
        assert answer.status_code == (200 if expected else 204)


BAD = [
    "StudyDate=2020-13-45",
    "StudyDate=20201345",
    "StudyDate=-",
    "StudyTime=99",
    "StudyInstanceUID=1.2.*",
    "PatientID=A&PatientID=B",
    "PatientID=A&00100020=B",
    "limit=-1",
    "limit=abc",
    "offset=1.5",
    "fuzzymatching=TRUE",
    "Modality=CT",
    "SOPInstanceUID=1.2.3",
    "PatientID=%00",
    "PatientID=%FF",
    "PatientID=" + "x" * 5000,
]


@pytest.mark.parametrize("question", BAD)
async def test_a_malformed_query_is_refused_with_a_sentence(filled, question):
    """QIDO-09, 13, 19, 25, 37; NEG-59, 60, 61; RUL-19."""
    answer = await filled.get(f"/studies?{question}")
    assert answer.status_code == 400
    assert answer.text.strip().endswith(".")


async def test_no_more_is_a_204_without_a_body(filled):
    """QIDO-08, NEG-54."""
    answer = await filled.get("/studies?StudyInstanceUID=9.9")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


async def test_a_page_says_how_many_are_left(filled):
    """QIDO-67, QIDO-70, RUL-09: the text of PS3.18 8.3.4.4.1."""
    answer = await filled.get("/studies?limit=1&offset=1")
    text = "There are 2 additional results that can be requested"
    assert answer.headers["warning"] == f"299 http://archive.test/dicom-web: {text}"
    assert "warning" not in (await filled.get("/studies?offset=2")).headers


@pytest.mark.parametrize(
    "path", ["/studies/1.2.2/series", "/studies/1.2.2/series/1.2.2.1/instances"]
)
async def test_a_page_of_what_is_below_says_how_many_are_left(filled, path):
    """QIDO-67."""
    answer = await filled.get(f"{path}?limit=1")
    assert answer.headers["warning"].endswith(
        "There are 1 additional results that can be requested"
    )


async def test_pages_make_up_the_whole_without_overlap(filled):
    """QIDO-68."""
    pages = [uids(await filled.get(f"/studies?limit=1&offset={n}"))[0] for n in range(4)]
    assert pages == uids(await filled.get("/studies"))


async def test_a_page_far_down_is_told_of_what_there_is_now(filled, monkeypatch):
    """QIDO-68: a study that came since moves it, wherever it was found to begin before."""
    monkeypatch.setattr("dicomweb.engine.search.DEEP", 1)
    assert uids(await filled.get("/studies?limit=1&offset=2")) == ["1.2.1"]
    newer = dataset(StudyInstanceUID="1.2.5", StudyDate="20250101")
    answer = await filled.post("/studies", content=related([part10(newer)]), headers=related_type())
    assert answer.status_code == 200, answer.text
    assert uids(await filled.get("/studies?limit=1&offset=2")) == ["1.2.2"]


async def test_what_is_not_matched_is_warned_of(filled):
    """RUL-18: what the archive computes is returned, not matched."""
    answer = await filled.get("/studies?fuzzymatching=true&00201208=3&PatientID=P1")
    assert uids(answer) == ["1.2.1"]
    (text,) = answer.headers.get_list("warning")
    assert "NumberOfStudyRelatedInstances is not supported as a matching key" in text


RESOURCES = [
    ("/studies/1.2.2/series", "0020000E", ["1.2.2.1", "1.2.2.2"]),
    ("/studies/1.2.2/series?Modality=SR", "0020000E", ["1.2.2.2"]),
    ("/studies/1.2.2/series?SeriesNumber=02", "0020000E", ["1.2.2.1"]),
    ("/studies/1.2.2/instances", "00080018", ["1.2.2.1.1", "1.2.2.1.2", "1.2.2.2.1"]),
    ("/studies/1.2.2/instances?Modality=CT&InstanceNumber=2", "00080018", ["1.2.2.1.2"]),
    ("/studies/1.2.2/series/1.2.2.1/instances", "00080018", ["1.2.2.1.1", "1.2.2.1.2"]),
    ("/studies/1.2.1/series/1.2.2.1/instances", "00080018", []),
    ("/series?PatientID=P2", "0020000E", ["1.2.2.1", "1.2.2.2"]),
    ("/series?Modality=SR&StudyDate=2021-", "0020000E", None),
    ("/instances?00080018=1.2.2.1.2", "00080018", ["1.2.2.1.2"]),
    ("/instances?Modality=SR&PatientID=P2", "00080018", ["1.2.2.2.1"]),
    ("/patients?PatientName=doe*", "00100020", ["P1", "P2"]),
    ("/patients?PatientID=p1", "00100020", ["p1"]),
]


@pytest.mark.parametrize("path, tag, expected", RESOURCES)
async def test_each_search_resource_finds_what_is_below_it(filled, path, tag, expected):
    """QIDO-01..06, 15..18."""
    answer = await filled.get(path)
    if expected is None:
        assert answer.status_code == 400
    else:
        assert uids(answer, tag) == expected


REQUIRED = {
    "/studies": "00080020 00080030 00080050 00080056 00080061 00080090 00081190 "
    "00100010 00100020 00100030 00100040 0020000D 00200010 00201206 00201208",
    "/studies/1.2.2/series": "00080060 00081190 0020000D 0020000E 00200011 00201209",
    "/studies/1.2.2/series/1.2.2.1/instances": "00080016 00080018 00080056 00081190 "
    "0020000D 0020000E 00200013 00280010 00280011 00280100",
    "/studies/1.2.2/instances": "00080016 00080060 0020000E 00200013 00201209",
    "/series": "00080060 0020000E 00201209 0020000D 00100020 00201208",
    "/instances": "00080016 00080060 0020000E 0020000D 00100020 00201208",
    "/patients": "00100010 00100020 00100030 00100040 00201200 00201202 00201204",
}


@pytest.mark.parametrize("path", REQUIRED)
async def test_an_answer_holds_what_the_tables_require(filled, path):
    """QIDO-51..57, 60, 63; JSON-03."""
    for found in (await filled.get(path)).json():
        assert set(REQUIRED[path].split()) <= set(found)
        assert list(found) == sorted(found)
        assert not any("Value" in member and member["Value"] == [] for member in found.values())


async def test_counts_and_modalities_are_those_of_the_study(filled):
    """QIDO-58, 59."""
    (study,) = (await filled.get("/studies?StudyInstanceUID=1.2.2")).json()
    assert study["00201206"]["Value"] == [2]
    assert study["00201208"]["Value"] == [3]
    assert study["00080061"]["Value"] == ["CT", "SR"]


async def test_an_empty_required_attribute_has_only_its_vr(filled):
    """QIDO-51, JSON-07."""
    (study,) = (await filled.get("/studies?StudyInstanceUID=1.2.4")).json()
    assert study["00080090"] == {"vr": "PN"}


async def test_retrieve_urls_lead_to_what_was_found(filled):
    """QIDO-60."""
    for path in ("/studies", "/series", "/instances"):
        for found in (await filled.get(path)).json():
            assert found["00081190"]["vr"] == "UR"
            answer = await filled.get(found["00081190"]["Value"][0])
            assert answer.status_code == 200


async def test_urls_have_the_port_that_the_python_client_drops(filled):
    """clients.md 1b: its Host header is the bare name."""
    filled._transport = type(filled._transport)(app=filled._transport.app)
    answer = await filled.get(
        "http://archive.test:8080/dicom-web/studies", headers={"Host": "archive.test"}
    )
    assert answer.json()[0]["00081190"]["Value"][0].startswith(
        "http://archive.test:8080/dicom-web/"
    )


OHIF = (
    "limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060%2C00080090%2C00100030"
)


async def test_the_study_list_of_ohif_works(filled):
    """clients.md 1b, as recorded on the wire."""
    accept = {"Accept": "application/dicom+json, multipart/related; type=application/octet-stream"}
    answer = await filled.get(f"/studies?{OHIF}&PatientName=*doe*", headers=accept)
    assert uids(answer) == ["1.2.2", "1.2.1"]
    assert json.loads(answer.content)[0]["00100010"]["Value"] == [{"Alphabetic": "Doe^John"}]


async def test_a_search_that_accepts_no_json_is_not_acceptable(filled):
    """NEG-08."""
    answer = await filled.get("/studies", headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert "application/dicom+json" in answer.text


@pytest.fixture
def on_postgresql(postgresql_server):
    with postgresql.database(postgresql_server) as url:
        yield url


async def test_a_search_that_takes_too_long_is_413(on_postgresql, tmp_path):
    """QIDO-10 (PS3.18 10.6.3.1): one that waits for a table that somebody else has locked."""
    settings = Settings(data=tmp_path, index=on_postgresql, search_seconds=1)
    async with client_of(settings) as server:
        other = await asyncpg.connect(on_postgresql)
        try:
            async with other.transaction():
                await other.execute("LOCK TABLE study IN ACCESS EXCLUSIVE MODE")
                answer = await server.get("/studies?PatientName=doe")
            assert answer.status_code == 413
            assert answer.text.strip().endswith(".")
            assert (await server.get("/studies")).status_code == 204
        finally:
            await other.close()
