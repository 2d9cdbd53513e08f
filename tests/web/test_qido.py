"""QIDO-RS item by item (standard.md QIDO): keys, fields, answers, pages, orders, hostile input."""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from pydicom.dataset import Dataset

from conformance.claims.web import SEARCHING
from dicomweb.settings import Settings
from schemas.attributes import ATTRIBUTES, Level, Match
from tests.make import dataset, part10, related, related_type
from tests.web.conftest import client_of

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"


def request(step: str, procedure: str) -> Dataset:
    item = Dataset()
    item.ScheduledProcedureStepID = step
    item.RequestedProcedureID = procedure
    return item


def private(ds: Dataset, block: int) -> Dataset:
    """With an element of Acme's in a block of this object's own choice."""
    ds.add_new(0x00230000 | block, "LO", "AcmeCompany")
    ds.add_new(0x00230001 | block << 8, "LO", "secret")
    ds.add_new(0x00230002 | block << 8, "LO", "more")
    return ds


def instances() -> list[Dataset]:
    """Two studies; the first of a CT and an SR series, the second with little in it."""
    first = {
        "StudyInstanceUID": "1.2.1",
        "PatientName": "Doe^Jane",
        "PatientID": "P,1",
        "IssuerOfPatientID": "HOSPITAL",
        "StudyDate": "20200706",
        "StudyTime": "0300",
        "StudyDescription": "CHEST",
        "SeriesDate": "20200706",
        "SeriesTime": "0301",
        "PatientComments": "allergic",
        "PhysiciansOfRecord": "House^Gregory",
    }
    ct = {
        "SeriesInstanceUID": "1.2.1.1",
        "SeriesDescription": "Thorax",
        "BodyPartExamined": "CHEST",
        "Laterality": "L",
        "KVP": "120.0",
        "PerformedProcedureStepStartDate": "20200706",
        "PerformedProcedureStepStartTime": "0302",
        "RequestAttributesSequence": [request("A", "1"), request("B", "2")],
        "AcquisitionDateTime": "20200706120000+0100",
    }
    sr = {"SeriesInstanceUID": "1.2.1.2", "Modality": "SR", "Rows": None, "PixelData": None}
    second = {
        "StudyInstanceUID": "1.2.2",
        "SeriesInstanceUID": "1.2.2.1",
        "PatientName": "",
        "PatientID": "P2",
        "StudyDate": "20200705",
        "StudyTime": "0900",
        "StudyID": "",
        "AccessionNumber": "",
        "PatientBirthDate": "",
        "PatientSex": "M",
        "Modality": "MR",
        "ReferringPhysicianName": "",
        "SeriesNumber": 5,
        "AcquisitionDateTime": "20200706120000-0500",
    }
    return [
        private(dataset(**first, **ct, SOPInstanceUID="1.2.1.1.1"), 0x11),
        dataset(**first, **ct, SOPInstanceUID="1.2.1.1.2", InstanceNumber=2, NumberOfFrames=1),
        dataset(**first, **sr, SOPInstanceUID="1.2.1.2.1", SOPClassUID=BASIC_TEXT_SR),
        dataset(**second, SOPInstanceUID="1.2.2.1.1", InstanceNumber=7),
    ]  # fmt: skip


@pytest.fixture
async def filled(server):
    await store(server, instances())
    return server


async def store(client, objects: list[Dataset]) -> None:
    parts = [part10(ds) for ds in objects]
    answer = await client.post("/studies", content=related(parts), headers=related_type())
    assert answer.status_code in (200, 202), answer.text


def uids(answer, tag: str = STUDY) -> list[str]:
    assert answer.status_code in (200, 204), answer.text
    return [] if answer.status_code == 204 else [one[tag]["Value"][0] for one in answer.json()]


def warnings(answer) -> list[str]:
    return [text.split(": ", 1)[1] for text in answer.headers.get_list("warning")]


# Keys --------------------------------------------------------------------------------


KEYS = [a for a in ATTRIBUTES if a.match is not Match.NONE]
OTHER = {
    Match.UID: "9.9", Match.DATE: "19000101", Match.TIME: "2359", Match.NUMBER: "99",
    Match.TEXT: "NOTHING", Match.NAME: "Nobody^At All",
}  # fmt: skip


async def test_each_declared_key_finds_and_does_not_find(filled):
    """QIDO-15, 16, 17, 18, 39: one positive and one negative query for each."""
    whole = instances()[0]
    for attribute in KEYS:
        path, tag = {
            Level.PATIENT: ("/studies", STUDY),
            Level.STUDY: ("/studies", STUDY),
            Level.SERIES: ("/series", SERIES),
            Level.INSTANCE: ("/instances", INSTANCE),
        }[attribute.level]
        held = whole if not attribute.sequence else whole.RequestAttributesSequence[0]
        value = "CT" if attribute.keyword == "ModalitiesInStudy" else held.get(attribute.keyword)
        key = f"{attribute.sequence}.{attribute.keyword}".lstrip(".")
        expected = {STUDY: "1.2.1", SERIES: "1.2.1.1", INSTANCE: "1.2.1.1.1"}[tag]
        found = uids(await filled.get(f"{path}?{key}={quote(str(value), safe='')}"), tag)
        assert expected in found, key
        missed = uids(await filled.get(f"{path}?{key}={quote(OTHER[attribute.match])}"), tag)
        assert missed == [], key


QUESTIONS = [
    pytest.param("/series", "00400275.00400009=A", ["1.2.1.1"], id="QIDO-12 tags with dots"),
    pytest.param(
        "/series",
        "RequestAttributesSequence.ScheduledProcedureStepID=A",
        ["1.2.1.1"],
        id="QIDO-12 keywords with dots",
    ),
    pytest.param(
        "/series",
        "00400275.00400009=A&RequestAttributesSequence.RequestedProcedureID=1",
        ["1.2.1.1"],
        id="QIDO-32 both in one item",
    ),
    pytest.param(
        "/series", "00400275.00400009=A&00400275.00401001=2", [], id="QIDO-32 in two items"
    ),
    pytest.param("/studies", "PatientID=P%2C1", ["1.2.1"], id="QIDO-74 an encoded comma"),
    pytest.param("/studies", "PatientID=P,1", ["1.2.1"], id="QIDO-75 a comma is one of the value"),
    pytest.param(
        "/studies",
        "StudyDate=20200705-20200707&StudyTime=1000-1800",
        ["1.2.1"],
        id="QIDO-29 one stretch of time",
    ),
    pytest.param(
        "/series",
        "00400244=20200705-20200707&00400245=1000-1800",
        ["1.2.1.1"],
        id="QIDO-29 of performed procedure steps",
    ),
    pytest.param(
        "/instances",
        "0008002A=20200706110000%2B0000-20200706110000%2B0000",
        ["1.2.1.1.1", "1.2.1.1.2"],
        id="QIDO-30 offsets of both signs are told from ranges",
    ),
    pytest.param(
        "/instances",
        "0008002A=20200706115900-0500-20200706120100-0500",
        ["1.2.2.1.1"],
        id="QIDO-30 a negative offset on both ends",
    ),
    pytest.param(
        "/studies",
        "ModalitiesInStudy=CT%5CSR&multiplevaluematching=true",
        ["1.2.1"],
        id="QIDO-34 each of several values",
    ),
    pytest.param(
        "/studies",
        "ModalitiesInStudy=CT%5CMR&multiplevaluematching=true",
        [],
        id="QIDO-34 not all of several values",
    ),
    pytest.param(
        "/studies",
        "PatientBirthDate=%22%22&emptyvaluematching=true",
        ["1.2.2"],
        id="QIDO-35 no value",
    ),
    pytest.param("/studies", "PatientBirthDate=%22%22", None, id="QIDO-35 only when it is asked"),
    pytest.param(
        "/studies", "PatientName=DO%20Jayne&fuzzymatching=true", ["1.2.1"], id="QIDO-36 by sound"
    ),
    pytest.param(
        "/studies", "PatientName=jan&fuzzymatching=true", ["1.2.1"], id="QIDO-36 a prefix"
    ),
    pytest.param(
        "/studies",
        "ReferringPhysicianName=greg&fuzzymatching=true",
        ["1.2.1"],
        id="QIDO-36 a beginning that sounds otherwise",
    ),
    pytest.param("/studies", "PatientName=jan&fuzzymatching=false", [], id="QIDO-36 literal"),
    pytest.param("/studies", "PatientID=abc", [], id="QIDO-23 exact"),
    pytest.param("/studies", "PatientComments=aller*", ["1.2.1"], id="QIDO-20 any attribute"),
    pytest.param("/series", "KVP=120", ["1.2.1.1"], id="QIDO-20 numbers by value"),
    pytest.param(
        "/instances",
        "00230010=AcmeCompany&00231001=secret",
        ["1.2.1.1.1"],
        id="QIDO-21 a private attribute in whatever block",
    ),
    pytest.param("/instances", "00231001=secret", None, id="QIDO-21 nobody's private attribute"),
    pytest.param("/studies", "SeriesInstanceUID=1.2.1.1", None, id="QIDO-19 a lower level's key"),
    pytest.param(
        "/studies/1.2.1/series", "StudyDate=20200706", None, id="QIDO-19 a higher level's key"
    ),
    pytest.param("/series", "SeriesInstanceUID=1.2.*", None, id="QIDO-25 UIDs take no wildcard"),
    pytest.param(
        "/instances",
        "Modality=CT&PatientID=P,1&SOPClassUID=1.2.840.10008.5.1.4.1.1.2",
        ["1.2.1.1.1", "1.2.1.1.2"],
        id="QIDO-18 keys of all levels",
    ),
]


@pytest.mark.parametrize("path, question, expected", QUESTIONS)
async def test_what_is_asked_is_found(filled, path, question, expected):
    answer = await filled.get(f"{path}?{question}")
    if expected is None:
        assert answer.status_code == 400
        assert answer.text.strip().endswith(".")
    else:
        tag = {"/studies": STUDY, "/series": SERIES, "/instances": INSTANCE}[path]
        assert uids(answer, tag) == expected


async def test_the_zone_of_a_query_shifts_what_tells_its_own(server):
    """QIDO-31; PS3.18 8.3.4.1.1: 0300 at +0100 is 2100 of the day before at -0500."""
    one = dataset(StudyInstanceUID="1.2.1", StudyDate="20200706", StudyTime="0300",
                  TimezoneOffsetFromUTC="+0100")  # fmt: skip
    await store(server, [one, dataset(StudyInstanceUID="1.2.2", StudyDate="20200706")])
    asked = "/studies?StudyDate={}&StudyTime=2000-2200&00080201=-0500"
    assert uids(await server.get(asked.format("20200705"))) == ["1.2.1"]
    assert uids(await server.get(asked.format("20200706"))) == []
    assert uids(await server.get("/studies?StudyDate=20200706&00080201=-0500")) == ["1.2.2"]
    assert uids(await server.get("/studies?StudyDate=20200706&00080201=+0100")) == [
        "1.2.2",
        "1.2.1",
    ]
    assert (await server.get("/studies?00080201=Paris")).status_code == 400


async def test_an_empty_required_key_matches_anything_by_the_letter(archive_folder, index_url):
    """QIDO-40, RUL-21, FIND-21: strict only, elsewhere nobody expects it."""
    async with client_of(Settings(data=archive_folder, index=index_url, strict=True)) as strict:
        await store(strict, instances())
        accept = {"Accept": "application/dicom+json"}
        answer = await strict.get("/studies?AccessionNumber=A1", headers=accept)
        assert uids(answer) == ["1.2.1", "1.2.2"]
        answer = await strict.get("/studies?PatientName=doe*&AccessionNumber=X", headers=accept)
        assert uids(answer) == ["1.2.2"]


async def test_an_attribute_that_is_not_indexed_is_looked_up_and_that_is_said(filled, tmp_path):
    """QIDO-20: within a bound on what is read; index add makes it fast."""
    answer = await filled.get("/studies?PatientComments=allergic")
    assert warnings(answer) == [
        "PatientComments is not indexed: the stored metadata of 2 studies were read."
    ]
    settings = Settings(data=tmp_path / "bounded", search_scan=1)
    async with client_of(settings) as bounded:
        await store(bounded, instances())
        answer = await bounded.get("/studies?PatientSex=M&PatientComments=x")
        assert answer.status_code == 204
        answer = await bounded.get("/series?KVP=120")
        assert "1 series were read, not of all there are; more may match." in warnings(answer)[0]


# Fields --------------------------------------------------------------------------------


FIELDS = [
    pytest.param("/studies", "includefield=PatientComments,00081048&includefield=StudyDescription",
                 {"00104000", "00081048", "00081030"}, set(), id="QIDO-42 lists and repetition"),
    pytest.param("/studies", "includefield=Modality,SOPClassUID,KVP", set(),
                 {"00080060", "00080016", "00180060"}, id="QIDO-45 nothing of lower levels"),
    pytest.param("/studies/1.2.1/series", "includefield=PatientName,SOPClassUID", {"00100010"},
                 {"00080016"}, id="QIDO-46 what is above"),
    pytest.param("/studies/1.2.1/series/1.2.1.1/instances",
                 "includefield=PatientName,Modality,Rows,KVP",
                 {"00100010", "00080060", "00280010", "00180060"}, set(), id="QIDO-47 all levels"),
    pytest.param("/instances", "00230010=AcmeCompany&includefield=00231002&00080018=1.2.1.1.1",
                 {"00230010", "00231002"}, set(), id="QIDO-48 private, in the block asked for"),
    pytest.param("/studies", "includefield=FooBar,limit,00231001", set(), set(),
                 id="QIDO-49 what is unknown is ignored"),
    pytest.param("/studies", "StudyDescription=CHEST", {"00081030"}, set(), id="QIDO-50 matched"),
    pytest.param("/studies", "PatientComments=allergic", {"00104000"}, set(), id="QIDO-50 scanned"),
    pytest.param("/studies", "includefield=all&PatientID=P,1",
                 {"00104000", "00081048", "00081030", "00100010"}, {"00080060", "00280010"},
                 id="QIDO-44 all of the level"),
    pytest.param("/instances", "includefield=all&SOPInstanceUID=1.2.1.1.1",
                 {"00231101", "00280103", "00080060"}, {"7FE00010"}, id="QIDO-44 all but bulk"),
]  # fmt: skip


@pytest.mark.parametrize("path, question, there, absent", FIELDS)
async def test_fields_that_are_asked_for(filled, path, question, there, absent):
    answer = await filled.get(f"{path}?{question}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert there <= set(found[0]), sorted(found[0])
    assert not absent & {tag for one in found for tag in one}
    assert list(found[0]) == sorted(found[0])


async def test_a_field_in_a_sequence_comes_with_the_items_it_is_in(filled):
    """QIDO-42: dotted paths."""
    path = "/series?Modality=CT&includefield=RequestAttributesSequence.ScheduledProcedureStepID"
    (found,) = (await filled.get(path)).json()
    steps = [item["00400009"]["Value"][0] for item in found["00400275"]["Value"]]
    assert steps == ["A", "B"]


async def test_all_leaves_no_other_field(filled):
    """QIDO-43."""
    answer = await filled.get("/studies?includefield=all&includefield=00081030")
    assert answer.status_code == 400


async def test_transfer_syntaxes_are_those_that_can_be_had(filled):
    """QIDO-61."""
    answer = await filled.get("/instances?includefield=AvailableTransferSyntaxUID&limit=1")
    assert answer.json()[0]["00083002"]["Value"][0] == "1.2.840.10008.1.2.1"


# Answers ---------------------------------------------------------------------------------


async def test_xml_says_what_json_says_a_part_for_each_result(filled):
    """QIDO-07, XML-13."""
    accept = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    answer = await filled.get("/studies", headers=accept)
    assert answer.headers["content-type"].startswith("multipart/related")
    boundary = answer.headers["content-type"].split("boundary=")[1].split(";")[0].strip('"')
    parts = answer.content.split(b"--" + boundary.encode())[1:-1]
    roots = [ElementTree.fromstring(part.split(b"\r\n\r\n", 1)[1].strip()) for part in parts]
    tags = [{one.get("tag") for one in root} for root in roots]
    assert tags == [set(one) for one in (await filled.get("/studies")).json()]


async def test_csv_has_a_line_a_result(filled):
    """Our addition, for spreadsheets."""
    answer = await filled.get("/studies", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    head, *lines = list(csv.reader(io.StringIO(answer.text)))
    found = [dict(zip(head, line, strict=True)) for line in lines]
    assert [one["PatientID"] for one in found] == ["P,1", "P2"]
    assert found[0]["ModalitiesInStudy"] == "CT\\SR"


async def test_a_patient_has_studies(filled):
    """Our additions: /patients, and the studies of one by Patient ID and issuer."""
    (found,) = (await filled.get("/patients?IssuerOfPatientID=HOSPITAL")).json()
    assert found["00100020"]["Value"] == ["P,1"]
    assert uids(await filled.get("/patients/P%2C1/studies")) == ["1.2.1"]
    assert uids(await filled.get("/patients/P%2C1/studies?IssuerOfPatientID=OTHER")) == []
    assert uids(await filled.get("/patients/P*/studies")) == []


@pytest.mark.parametrize(
    "id", ["A/B", "/A", "A/", "A//B", "A/studies", "studies/A", "A%2FB", "A?B"]
)
async def test_nothing_in_a_patient_id_is_special_in_a_path(server, id):
    """Our addition: each is percent-encoded, as any segment of a path is (RFC 3986 2.1)."""
    other = dataset(PatientID="A", StudyInstanceUID="1.2.2")
    await store(server, [dataset(PatientID=id, StudyInstanceUID="1.2.1"), other])
    assert uids(await server.get(f"/patients/{quote(id, safe='')}/studies")) == ["1.2.1"]


async def test_answers_come_in_the_order_asked_for(filled):
    """Our addition: orderby=[-]Attribute."""
    assert uids(await filled.get("/studies?orderby=StudyDate")) == ["1.2.2", "1.2.1"]
    assert uids(await filled.get("/studies?orderby=-PatientID")) == ["1.2.2", "1.2.1"]
    found = await filled.get("/instances?orderby=-SOPInstanceUID")
    assert uids(found, INSTANCE) == ["1.2.2.1.1", "1.2.1.2.1", "1.2.1.1.2", "1.2.1.1.1"]
    assert (await filled.get("/studies?orderby=Modality")).status_code == 400


async def test_no_answer_names_a_character_set_that_json_has_not(filled):
    """QIDO-62, JSON-23."""
    for one in (await filled.get("/instances?includefield=all")).json():
        assert one.get("00080005", {"Value": ["ISO_IR 192"]})["Value"] == ["ISO_IR 192"]


async def test_pages_deep_in_a_long_list_are_the_whole_without_overlap(server):
    """QIDO-65..68: read on by the row before, or sought anew, the same."""
    count = 23
    objects = [
        dataset(StudyInstanceUID=f"1.2.{n}", StudyDate=f"202001{1 + n % 9:02}")
        for n in range(count)
    ]  # fmt: skip
    await store(server, objects)
    whole = uids(await server.get("/studies"))
    assert len(set(whole)) == count
    for limit in (1, 7):
        pages = [uids(await server.get(f"/studies?limit={limit}&offset={at}"))
                 for at in range(0, count, limit)]  # fmt: skip
        assert [uid for page in pages for uid in page] == whole
    answer = await server.get("/studies?limit=10&offset=3")
    assert warnings(answer) == ["There are 10 additional results that can be requested"]
    assert "warning" not in (await server.get("/studies?offset=20&limit=10")).headers


async def test_the_paging_warning_names_the_service_and_no_status_report(filled):
    """QIDO-70, RUL-09: there is no report of a search's status to be had, so no URL of one."""
    answer = await filled.get("/studies?limit=1")
    text = "There are 1 additional results that can be requested"
    assert answer.headers.get_list("warning") == [f"299 http://archive.test/dicom-web: {text}"]


async def test_a_search_changes_nothing_and_knows_at_once_what_was_stored(server):
    """QIDO-71."""
    for number in range(1, 6):
        await store(server, [dataset(StudyInstanceUID=f"1.2.{number}", PatientID="P")])
        found = [await server.get("/studies?PatientID=P") for _ in range(2)]
        assert [len(uids(answer)) for answer in found] == [number, number]
        assert found[0].content == found[1].content


async def test_what_the_statement_says_of_searching_is_so(index_url, archive_folder):
    """QIDO-69: the most results of one answer, the ways of matching, native and relational."""
    for stated in ("`search_limit` results", "`fuzzymatching`", "`emptyvaluematching`", "native"):
        assert any(stated in claim.says for bullet in SEARCHING for claim in bullet)
    async with client_of(Settings(data=archive_folder, index=index_url, search_limit=3)) as client:
        await store(client, instances())
        assert len(uids(await client.get("/instances?limit=100"), INSTANCE)) == 3
        assert len(uids(await client.get("/instances?limit=100&offset=3"), INSTANCE)) == 1
        sounding = await client.get("/instances?PatientName=Doh&fuzzymatching=true")
        assert len(uids(sounding, INSTANCE)) == 3
        assert not warnings(sounding)
        empty = await client.get("/studies?AccessionNumber=%22%22&emptyvaluematching=true")
        assert uids(empty) == ["1.2.2"]
        assert not warnings(empty)


# The JSON of answers ---------------------------------------------------------------------


def members(held: dict) -> list[tuple[dict, str, dict]]:
    """Each attribute with the object it is in and its tag, those of items too."""
    found = []
    for tag, attribute in held.items():
        found.append((held, tag, attribute))
        if attribute["vr"] == "SQ":
            for item in attribute.get("Value", []):
                found += members(item)
    return found


STRINGS = {"AE", "AS", "AT", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}


@pytest.mark.parametrize("path", ["/studies", "/series", "/instances", "/patients"])
@pytest.mark.parametrize("fields", ["", "?includefield=all"])
async def test_answers_obey_the_json_model(filled, path, fields):
    """QIDO-63; JSON-01..07, 09, 10, 12, 13, 18, 22, 24, 29 on what a search gives (PS3.18 F.2)."""
    answer = await filled.get(path + fields)
    assert isinstance(answer.json(), list)
    for one in answer.json():
        for holder, tag, attribute in members(one):
            assert re.fullmatch("[0-9A-F]{8}", tag)
            assert list(holder) == sorted(holder)
            assert not tag.endswith("0000")
            assert not tag.startswith("0002")
            assert re.fullmatch("[A-Z]{2}", attribute["vr"])
            assert len(attribute.keys() & {"Value", "BulkDataURI", "InlineBinary"}) <= 1
            values = attribute.get("Value", [None])
            assert values
            if "Value" not in attribute:
                continue
            if attribute["vr"] in STRINGS:
                assert all(isinstance(v, str) and v == v.strip(" \0") for v in values), attribute
            if attribute["vr"] == "PN":
                assert all(v.keys() <= {"Alphabetic", "Ideographic", "Phonetic"} for v in values)
                assert all(all(v.values()) for v in values)
            if attribute["vr"] in ("US", "UL", "SS", "SL", "FL", "FD", "IS", "DS"):
                assert all(isinstance(v, int | float) for v in values), attribute
            if int(tag[:4], 16) % 2 and int(tag[4:], 16) >= 0x1000:
                assert f"{tag[:4]}00{tag[4:6]}" in holder


# Clients ---------------------------------------------------------------------------------


CLIENTS = [
    pytest.param(
        "/studies?limit=101&offset=0&fuzzymatching=true&includefield=00081030%2C00080060%2C00080090"
        "%2C00100030&PatientName=*doe*&00100020=*P*&StudyDescription=*HES*"
        "&StudyDate=19700102-20240101&ModalitiesInStudy=CT",
        ["1.2.1"],
        id="OHIF's study list with every filter",
    ),
    pytest.param(
        "/studies?StudyInstanceUID=1.2.1%5C1.2.2&StudyInstanceUID=1.2.1%5C1.2.2",
        ["1.2.1", "1.2.2"],
        id="OHIF's studies by backslash, twice",
    ),
    pytest.param(
        "/studies?&00100020=P%2C1&00100021=HOSPITAL&includefield=00080020,00080030,00080050,00080061,"
        "00080090,00081030,00100010,00100020,00100021,00100030,00100040,0020000D,00200010",
        ["1.2.1"],
        id="Weasis' studies of a patient",
    ),
    pytest.param("/series?0020000E=1.2.1.1&includefield=0008103E,00080060,0020000E,00200011,00081190",
                 ["1.2.1"], id="Weasis' series by UID"),
    pytest.param("/instances?00080018=1.2.1.1.1&includefield=00080018,00200013,00081190", ["1.2.1"],
                 id="Weasis' instance by UID"),
    pytest.param("/studies?ModalitiesInStudy=CT&limit=50&fuzzymatching=true", ["1.2.1"],
                 id="Slim's worklist"),
    pytest.param("/studies/1.2.1/series?Modality=CT", ["1.2.1"], id="Slim's series"),
    pytest.param("/studies/1.2.1/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.2"
                 "&SeriesInstanceUID=1.2.1.1,1.2.1.2&includefield=AvailableTransferSyntaxUID"
                 "&includefield=NumberOfFrames", ["1.2.1", "1.2.1"], id="wsidicom's instances"),
]  # fmt: skip


@pytest.mark.parametrize("path, expected", CLIENTS)
async def test_what_real_clients_ask_works(filled, path, expected):
    """QIDO-64; clients.md 1 and 1b."""
    accept = {"Accept": "application/dicom+json, application/json, multipart/related; type=*/*"}
    answer = await filled.get(path, headers=accept)
    assert uids(answer) == expected
    for one in answer.json():
        assert {"0020000D", "00081190"} <= set(one)


# Character sets --------------------------------------------------------------------------


CHARACTER_SETS = [
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "山田*"),
    (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "홍^길*"),
    (["GB18030"], "Wang^XiaoDong=王^小东", "王*"),
    (["GBK"], "Zhang^San=张^三", "*张*"),
    (["ISO_IR 126"], "Διονυσιος", "διονυ*"),
    (["ISO_IR 144"], "Люкceмбypг", "люк*"),
    (["ISO_IR 127"], "قباني^لنزار", "قباني*"),
    (["ISO_IR 138"], "שרון^דבורה", "שרון*"),
    (["ISO_IR 166"], "นามสกุล^ชื่อ", "นามสกุล*"),
    (["ISO_IR 100"], "Buc^Jérôme", "buc^jero*"),
    (["ISO_IR 101"], "Wałęsa^Łukasz", "walesa*"),
    (["ISO_IR 148"], "Çavuşoğlu^İnci", "cavusoglu*"),
]


async def test_names_in_every_character_set_come_back_and_are_found(server):
    """The right UTF-8, and found by it (PS3.18 D, T-6; NEG-62)."""
    objects = []
    for number, (terms, name, _) in enumerate(CHARACTER_SETS):
        ds = dataset(StudyInstanceUID=f"1.2.{number}", SpecificCharacterSet=terms)
        ds.PatientName = name
        objects.append(ds)
    await store(server, objects)
    for number, (terms, name, asked) in enumerate(CHARACTER_SETS):
        answer = await server.get(f"/studies?PatientName={quote(asked)}")
        assert uids(answer) == [f"1.2.{number}"], terms
        held = answer.json()[0]["00100010"]["Value"][0]
        groups = [held[g] for g in ("Alphabetic", "Ideographic", "Phonetic") if g in held]
        assert "=".join(groups) == name


# Hostile input ---------------------------------------------------------------------------


HOSTILE = [
    "PatientName=" + quote("'; DROP TABLE study; --"),
    "PatientName=" + quote('" OR "1"="1'),
    "PatientName=*" + quote('a"b') + "*",
    "PatientID=*" + quote("') OR 1=1 --") + "*",
    "PatientName=" + "*?" * 1000,
    "PatientID=" + "*a" * 2000,
    "PatientName=*" + "x" * 3000 + "*",
    "PatientName=" + "x" * 10_000,
    "StudyInstanceUID=" + "1." * 5_000 + "1",
    "StudyInstanceUID=" + ",".join(f"1.2.{n}" for n in range(5_000)),
    "PatientID=" + "%5C".join(map(str, range(1_000))),
    "&".join(f"00{n:02X}0010=x" for n in range(8, 108, 2)),
    "&".join(f"foo{n}=x" for n in range(500)),
    "&".join(f"x{n}=1" for n in range(1_001)),
    "includefield=" + ",".join(f"{n:08X}" for n in range(600)),
    "includefield=" + ".".join(["00400275"] * 100),
    ".".join(["00400275"] * 100) + "=x",
    "00400275.=x", ".00400275=x", "..=x", "00400275..00400009=x", "=x", "=", "&&&", "%00=x",
    "StudyDate=99999999", "StudyDate=00000000-", "StudyTime=999999", "StudyDate=20200101-20200101-",
    "0008002A=-----", "0008002A=20200101-0500-0500-0500", "KVP=1e999999", "KVP=NaN", "KVP=0x10",
    "Rows=99999999999999999999", "00280010=1.5", "SeriesNumber=x", "00080201=+9999",
    "limit=99999999999999999999", "limit=-0", "offset=999999999999999999", "limit=1e3",
    "orderby=" + "x" * 5_000, "orderby=-----PatientID", "orderby=,,,", "orderby=00400275",
    "fuzzymatching=", "emptyvaluematching=1", "PatientName=%F0%9F%98%80*", "PatientName=%ED%A0%80",
    "00230010=" + "A" * 5_000 + "&00231001=x", "00230010=A&00231001=x&00231001=y",
    "PixelData=x", "7FE00010=x", "00400275=x", "PatientName=" + quote("=" * 50),
    "PatientName=" + quote("^" * 50) + "&fuzzymatching=true", "PatientName=\u0000",
]  # fmt: skip


@pytest.mark.parametrize("path", ["/studies", "/instances", "/patients"])
async def test_hostile_queries_are_refused_or_answered_within_bounds(filled, path):
    """QIDO-09, 73; NEG-59, 61, 70: never a failure of ours, never more than the archive holds."""
    for question in HOSTILE:
        answer = await filled.get(f"{path}?{quote(question, safe='%=&*?.,+-^')}")
        assert answer.status_code in (200, 204, 400, 414), (question[:80], answer.text)
        if answer.status_code == 200:
            assert len(answer.json()) <= 4
    assert len((await filled.get("/instances")).json()) == 4
