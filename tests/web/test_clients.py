"""The requests that real clients send, as they send them, and what they need of the answers."""

from __future__ import annotations

import re
from io import BytesIO

import pydicom
import pytest
from pydicom.data import get_testdata_file

from tests.make import dataset, part10
from tests.web.asking import (
    ELE,
    IDS,
    INSTANCE,
    PATH,
    ROOT,
    SERIES,
    SERIES_PATH,
    STUDY,
    STUDY_PATH,
    parts,
    put,
)

JSON = "application/dicom+json"
P = "1.2.840.10008.1.2"
MICROSCOPY = ", ".join(
    f'multipart/related; type="{name}"; transfer-syntax={syntax}'
    for name, syntax in (
        ("image/jls", P + ".4.80"),
        ("image/jls", P + ".4.81"),
        ("image/jp2", P + ".4.90"),
        ("image/jp2", P + ".4.91"),
        ("image/jpx", P + ".4.92"),
        ("image/jpx", P + ".4.93"),
        ("application/octet-stream", "*"),
        ("image/jpeg", P + ".4.50"),
    )
)


@pytest.fixture
async def stored(sqlite_server):
    """A CT of three frames with a document in it."""
    ds = dataset(
        **IDS,
        NumberOfFrames=3,
        PixelData=bytes(range(96)),
        EncapsulatedDocument=b"%PDF" + bytes(2000),
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )
    await put(sqlite_server, part10(ds))
    return sqlite_server


SEARCHES = {
    "OHIF study list": "/studies?limit=101&offset=0&fuzzymatching=true"
    "&includefield=00081030%2C00080060%2C00080090%2C00100030",
    "OHIF filters": "/studies?PatientName=*doe*&00100020=*P1*&AccessionNumber=*A*"
    "&StudyDate=19700102-20300101&limit=101&offset=0",
    "OHIF, a UID twice": f"/studies?StudyInstanceUID={STUDY}&StudyInstanceUID={STUDY}",
    "OHIF, UIDs with a backslash": f"/studies?StudyInstanceUID={STUDY}%5C1.2.3",
    "OHIF series": f"{STUDY_PATH}/series?includefield=0008103E%2C00080021",
    "Weasis": "/studies?&00100020=P1&includefield=00080020,00080030,00080050,00080061",
    "Weasis series": f"/series?0020000E={SERIES}&includefield=0008103E,00080060,00081190",
    "repeated fields": f"/instances?00080018={INSTANCE}"
    "&includefield=00080018&includefield=00200013",
    "wsidicom": f"{STUDY_PATH}/instances?SeriesInstanceUID={SERIES},1.2.3&Modality=CT",
    "SLIM": f"{STUDY_PATH}/series?Modality=CT",
}


@pytest.mark.parametrize("url", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize(
    "accept",
    [
        JSON,
        f"{JSON}, application/json",
        f"{JSON}, multipart/related; type=application/octet-stream",
    ],
    ids=["plain", "Python", "OHIF's mix"],
)
async def test_searches(stored, url, accept):
    """clients.md 1, 36..38; NEG-07, NEG-63: JSON, one match, with the URL to go on with."""
    answer = await stored.get(url, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == JSON
    (found,) = answer.json()
    assert found["00081190"]["Value"][0].startswith(ROOT)
    assert found["0020000D"]["Value"] == [STUDY]


METADATA = [
    JSON,
    "application/json",
    f"{JSON}, application/json",
    f"{JSON}; transfer-syntax=*; transfer-syntax=*",
    f"{JSON}, multipart/related; type=application/octet-stream; transfer-syntax=*",
    "*/*",
]


@pytest.mark.parametrize("accept", METADATA)
async def test_metadata(stored, accept):
    """clients.md 1b, 33, 36, 38."""
    for path in (STUDY_PATH, SERIES_PATH, PATH):
        answer = await stored.get(f"{path}/metadata", headers={"Accept": accept})
        assert answer.headers["content-type"] == JSON
        (found,) = answer.json()
        assert found["00280010"]["Value"] == [4]


FRAMES = [
    pytest.param("multipart/related; type=application/octet-stream; transfer-syntax=*", id="OHIF"),
    pytest.param(
        'multipart/related; type="application/octet-stream"; transfer-syntax=*', id="SLIM"
    ),
    pytest.param('multipart/related; type="*/*"', id="Python"),
    pytest.param('multipart/related; type="application/octet-stream"', id="by the letter"),
    pytest.param(MICROSCOPY, id="OHIF microscopy"),
    pytest.param("*/*", id="anything"),
    pytest.param("multipart/related; type=image/jls;q=1, */*;q=0.1", id="with another first"),
]


@pytest.mark.parametrize("accept", FRAMES)
async def test_frames(stored, accept):
    """WADO-51, clients.md 58: that very frame, in parts that say what is in them, exactly so."""
    for number in (1, 3):
        answer = await stored.get(f"{PATH}/frames/{number}", headers={"Accept": accept})
        ((headers, body),) = parts(answer)
        assert re.fullmatch(
            rf"[a-z]+/[a-z.-]+; transfer-syntax={P}[.0-9]*", headers["Content-Type"]
        )
        if headers["Content-Type"].endswith(ELE):
            assert body == bytes(range(32 * (number - 1), 32 * number))
    several = parts(await stored.get(f"{PATH}/frames/1,2,3", headers={"Accept": accept}))
    assert [headers["Content-Location"][-1] for headers, _ in several] == ["1", "2", "3"]


BULK = [
    pytest.param('multipart/related; type="application/octet-stream"', True, id="OHIF, ICC"),
    pytest.param("application/octet-stream", False, id="OHIF, ECG"),
    pytest.param("application/octet-stream; transfer-syntax=*", False, id="wsidicom"),
    pytest.param(
        'multipart/related; type="application/pdf", '
        'multipart/related; type="application/octet-stream"',
        True,
        id="OHIF, PDF",
    ),
    pytest.param("application/pdf", False, id="a browser's plug-in"),
    pytest.param("*/*", True, id="OHIF, single part"),
]


@pytest.mark.parametrize("accept, framed", BULK)
async def test_bulk_data(stored, accept, framed):
    """clients.md 1b, 61: in either form, under the URI that the metadata has."""
    (metadata,) = (await stored.get(f"{PATH}/metadata")).json()
    answer = await stored.get(metadata["00420011"]["BulkDataURI"], headers={"Accept": accept})
    assert answer.status_code == 200
    body = parts(answer)[0][1] if framed else answer.content
    assert body == b"%PDF" + bytes(2000)
    if "pdf" in accept:
        assert "application/pdf" in answer.headers["content-type"]


@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="application/dicom"',
        'multipart/related;type="application/dicom";transfer-syntax=*',
        "multipart/related; type=application/dicom; transfer-syntax=*",
        "application/dicom",
        "*/*",
    ],
    ids=["OHIF SEG", "Weasis", "unquoted", "Python", "anything"],
)
async def test_instances(stored, accept):
    answer = await stored.get(PATH, headers={"Accept": accept})
    single = accept == "application/dicom"
    body = answer.content if single else parts(answer)[0][1]
    assert pydicom.dcmread(BytesIO(body)).SOPInstanceUID == INSTANCE


async def test_a_probe_for_a_syntax_is_answered_with_406(stored):
    """wsidicom asks for frame 1 in one syntax after the other, and goes by the status."""
    with open(get_testdata_file("examples_ybr_color.dcm", download=False), "rb") as file:
        (item,) = (await put(stored, file.read())).json()["00081199"]["Value"]
    url = item["00081190"]["Value"][0]
    for syntax, status in ((".4.50", 200), (".4.100", 406)):
        accept = {"Accept": f"image/jpeg; transfer-syntax={P}{syntax}"}
        assert (await stored.get(f"{url}/frames/1", headers=accept)).status_code == status


async def test_a_host_header_without_its_port_does_not_lose_it(stored):
    """The Python client drops it, and then follows the URLs it is given."""
    request = stored.build_request("GET", f"{PATH}/metadata", headers={"Host": "archive.test"})
    (found,) = (await stored.send(request)).json()
    assert found["7FE00010"]["BulkDataURI"].startswith(ROOT)


async def test_frames_out_of_order_are_answered_as_asked(stored):
    """RUL-23."""
    found = parts(await stored.get(f"{PATH}/frames/3,1,1"))
    assert [headers["Content-Location"][-1] for headers, _ in found] == ["3", "1", "1"]


async def test_by_the_letter_frames_are_asked_in_ascending_order(strict_server):
    """RUL-23, strict."""
    await put(strict_server, part10(dataset(**IDS, NumberOfFrames=3, PixelData=bytes(96))))
    for listed, status in (("1,3", 200), ("3,1", 400), ("1,1", 400)):
        answer = await strict_server.get(f"{PATH}/frames/{listed}")
        assert answer.status_code == status
