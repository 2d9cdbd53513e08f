"""STOW-RS as a client sees it (PS3.18 10.5)."""

from __future__ import annotations

import pytest

from tests.make import BOUNDARY, dataset, instance, part10, related, related_type

STUDY, OTHER = "1.2.3.1", "1.2.3.2"


async def post(server, *parts, path="/studies", headers=None):
    return await server.post(path, content=related(parts), headers=headers or related_type())


async def count(server):
    found = await server.get("/instances")
    return 0 if found.status_code == 204 else len(found.json())


async def test_an_instance_is_stored_and_referenced(server):
    """STOW-02, STOW-38, STOW-44, STOW-47, STOW-48, STOW-49."""
    answer = await post(server, instance(StudyInstanceUID=STUDY, SOPInstanceUID="1.2.3.9"))
    module = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    assert module["00081190"]["Value"] == [f"http://archive.test/dicom-web/studies/{STUDY}"]
    assert "00081198" not in module
    (item,) = module["00081199"]["Value"]
    assert item["00081155"]["Value"] == ["1.2.3.9"]
    assert (await server.get(item["00081190"]["Value"][0])).status_code == 200


async def test_instances_of_several_studies_are_stored_in_one_request(server):
    """STOW-01, STOW-47."""
    answer = await post(server, instance(), instance())
    assert answer.status_code == 200
    assert answer.json()["00081190"] == {"vr": "UR"}
    assert len(answer.json()["00081199"]["Value"]) == 2


async def test_an_instance_of_another_study_is_refused_by_itself(server):
    """STOW-01, STOW-32, STOW-36, STOW-39."""
    parts = instance(StudyInstanceUID=STUDY), instance(StudyInstanceUID=OTHER)
    answer = await post(server, *parts, path=f"/studies/{STUDY}")
    module = answer.json()
    assert answer.status_code == 202
    assert module["00081198"]["Value"][0]["00081197"]["Value"] == [0xA901]
    assert len(module["00081199"]["Value"]) == 1
    assert await count(server) == 1


async def test_a_part_that_is_no_dicom_is_an_other_failure(server):
    """STOW-14, STOW-50."""
    answer = await post(server, instance(), b"garbage, not DICOM" * 20)
    assert answer.status_code == 202
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xC000]


async def test_the_same_bytes_again_change_nothing(server):
    """STOW-33, RUL-14."""
    sent = instance()
    first, second = await post(server, sent), await post(server, sent)
    assert (first.status_code, second.status_code) == (200, 200)
    assert await count(server) == 1


async def test_other_content_under_a_known_uid_is_refused(server):
    """STOW-33, STOW-52: the first stays as it is."""
    ds = dataset(PatientName="First^One")
    await post(server, part10(ds))
    ds.PatientName = "Second^One"
    answer = await post(server, part10(ds))
    assert answer.status_code == 409
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0x0111]
    found = (await server.get("/studies")).json()
    assert found[0]["00100010"]["Value"] == [{"Alphabetic": "First^One"}]


async def test_a_known_uid_under_another_study_is_refused(server):
    """STOW-34."""
    await post(server, instance(SOPInstanceUID="1.2.3.9"))
    answer = await post(server, instance(SOPInstanceUID="1.2.3.9"))
    assert answer.status_code == 409
    assert len((await server.get("/studies")).json()) == 1


def cut(data: bytes) -> bytes:
    return data[:-10]


REFUSED = {
    "not DICOM": (b"%PDF-1.7 something else altogether" * 10, 400, "DICOM"),
    "cut in the pixels": (cut(instance()), 400, "PixelData"),
    "no study UID": (instance(StudyInstanceUID=None), 409, "StudyInstanceUID"),
    "no series UID": (instance(SeriesInstanceUID=None), 409, "SeriesInstanceUID"),
    "no SOP instance UID": (instance(SOPInstanceUID=None), 409, "SOPInstanceUID"),
    "no SOP class UID": (instance(SOPClassUID=None), 409, "SOPClassUID"),
    "empty study UID": (instance(StudyInstanceUID=""), 409, "StudyInstanceUID"),
}


@pytest.mark.parametrize("sent, status, named", REFUSED.values(), ids=REFUSED)
async def test_what_is_wrong_with_an_instance_is_named(server, sent, status, named):
    """STOW-14, STOW-35, STOW-41."""
    answer = await post(server, sent)
    assert answer.status_code == status
    assert named in answer.headers["warning"]
    assert await count(server) == 0


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI", "ignore:The value length")
@pytest.mark.parametrize(
    "uid", ["../../etc/passwd", "1.2.a", "1..2", ".1", "1 2", "1.2." + "9" * 200]
)
async def test_what_is_not_a_uid_is_refused(server, uid, archive_folder):
    """STOW-35; nothing is written anywhere under a name that a client chose."""
    answer = await post(server, instance(SOPInstanceUID=uid))
    assert answer.status_code == 409
    assert list(archive_folder.rglob("*.dcm")) == []


BODIES = {
    "empty": (b"", related_type(), 400),
    "no parts": (f"--{BOUNDARY}--\r\n".encode(), related_type(), 400),
    "cut": (related([instance()])[:-20], related_type(), 400),
    "no boundary": (related([instance()]), {"Content-Type": "multipart/related"}, 400),
    "another media type": (b"x", {"Content-Type": "application/zip"}, 415),
    "no media type": (b"x", {"Content-Type": ""}, 415),
    "parts of another type": (b"x", related_type("text/plain"), 415),
}


@pytest.mark.parametrize("body, headers, status", BODIES.values(), ids=BODIES)
async def test_a_bad_request_is_refused_with_a_sentence(server, body, headers, status):
    """STOW-09, STOW-11, STOW-40, STOW-42, NEG-52."""
    answer = await server.post("/studies", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.text.strip().endswith(".")
    assert await count(server) == 0


async def test_a_single_instance_may_be_the_whole_body(server):
    """STOW-07."""
    answer = await server.post(
        "/studies", content=instance(), headers={"Content-Type": "application/dicom"}
    )
    assert answer.status_code == 200


async def test_what_came_before_a_cut_stays_stored(server):
    """STOW-36, STOW-39: each instance is answered for."""
    body = related([instance(), instance()])
    answer = await server.post("/studies", content=body[:-60], headers=related_type())
    assert answer.status_code == 202
    assert await count(server) == 1


async def test_the_answer_is_json_whatever_a_post_accepts(server):
    """RUL-01: to store and then answer 406 helps nobody."""
    answer = await post(server, instance(), headers=related_type() | {"Accept": "*/*"})
    assert answer.headers["content-type"] == "application/dicom+json"
