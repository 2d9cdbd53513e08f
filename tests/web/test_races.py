"""Several clients at once, and instances that are replaced while they are asked for."""

from __future__ import annotations

import asyncio

import pytest

from dicomweb.settings import Settings
from tests.make import dataset, instance, part10, related, related_type
from tests.web.conftest import client_of

CLIENTS = 8


async def put(server, *parts):
    return await server.post("/studies", content=related(parts), headers=related_type())


async def test_the_same_instance_from_eight_clients_is_one_instance(server):
    """STOW-33: and eight right answers."""
    sent = instance()
    answers = await asyncio.gather(*(put(server, sent) for _ in range(CLIENTS)))
    assert [answer.status_code for answer in answers] == [200] * CLIENTS
    (study,) = (await server.get("/studies")).json()
    assert study["00201208"]["Value"] == [1]


async def test_of_eight_contents_under_one_uid_one_is_stored(server):
    ds = dataset()
    sent = []
    for number in range(CLIENTS):
        ds.PatientID = f"P{number}"
        sent.append(part10(ds))
    answers = await asyncio.gather(*(put(server, one) for one in sent))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (CLIENTS - 1)
    assert len((await server.get("/instances")).json()) == 1
    assert len((await server.get("/patients")).json()) == 1


async def test_instances_of_one_study_from_eight_clients_are_counted(server):
    series = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1"}
    await asyncio.gather(*(put(server, instance(**series)) for _ in range(CLIENTS)))
    (study,) = (await server.get("/studies")).json()
    assert study["00201206"]["Value"] == [1]
    assert study["00201208"]["Value"] == [CLIENTS]


@pytest.fixture
async def replacing(index_url, archive_folder):
    settings = Settings(data=archive_folder, index=index_url, duplicates="replace")
    async with client_of(settings) as client:
        yield client


async def test_other_content_replaces_what_was_there(replacing):
    """RUL-14, by setting: metadata, frames and bulk data are those of the new one at once."""
    ids = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1", "SOPInstanceUID": "1.2.1.1"}
    path = "/studies/1.2/series/1.2.1/instances/1.2.1.1"
    octets = {"Accept": "application/octet-stream"}
    for number in range(3):
        pixels = bytes([number]) * 32
        sent = instance(**ids, PixelData=pixels, PatientID=f"P{number}")
        assert (await put(replacing, sent)).status_code == 200
        assert (await replacing.get(path + "/frames/1", headers=octets)).content == pixels
        (metadata,) = (await replacing.get(path + "/metadata")).json()
        assert metadata["00100020"]["Value"] == [f"P{number}"]
    assert len((await replacing.get("/instances")).json()) == 1


async def test_a_replaced_instance_may_move_to_another_study(replacing):
    await put(replacing, instance(StudyInstanceUID="1.2", SOPInstanceUID="1.9", Modality="CT"))
    await put(replacing, instance(StudyInstanceUID="1.3", SOPInstanceUID="1.9", Modality="MR"))
    (study,) = (await replacing.get("/studies")).json()
    assert study["0020000D"]["Value"] == ["1.3"]
    assert study["00080061"]["Value"] == ["MR"]
    assert (await replacing.get("/studies/1.2")).status_code == 404


async def test_blobs_of_what_is_not_on_record_are_gone(tmp_path):
    """After the archive is closed exactly the recorded objects lie on disk."""
    ds = dataset()
    async with client_of(Settings(data=tmp_path, duplicates="replace")) as client:
        for number in range(4):
            ds.PatientID = f"P{number}"
            await put(client, part10(ds), part10(ds))
    assert len(list((tmp_path / "objects").glob("??/*.dcm"))) == 1
