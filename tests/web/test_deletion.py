"""DELETE, where the settings allow it, and what is said of things that were deleted."""

from __future__ import annotations

import pytest

from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings
from schemas.identifiers import Selection
from schemas.index import CONDEMNED_TABLE
from tests.make import instance
from tests.web.asking import LEVELS, PATH, SERIES_PATH, STUDY_PATH, ids, put
from tests.web.conftest import client_of

BELOW = ("", "/metadata", "/bulkdata", "/pixeldata")


@pytest.fixture
async def server(index_url, archive_folder):
    settings = Settings(
        data=archive_folder, index=index_url, allow_delete=True, duplicates="replace"
    )
    async with client_of(settings) as client:
        yield client


async def statuses(server, *paths):
    return [(await server.get(path)).status_code for path in paths]


@pytest.mark.parametrize("level", LEVELS)
async def test_what_is_deleted_is_gone(server, level):
    """CAP-08, NEG-66, WADO-10, WADO-36: 410 from then on, 404 for what was never there."""
    await put(server, instance(**ids(1)), instance(**ids(2)), instance(**ids(1, series=2)))
    path = LEVELS[level]
    answer = await server.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await statuses(server, *(path + below for below in BELOW)) == [410] * len(BELOW)
    assert await statuses(server, f"{PATH}/frames/1", f"{PATH}/bulkdata/7FE00010") == [410, 410]
    assert (await server.delete(path)).status_code == 410
    left = {"study": 0, "series": 1, "instance": 2}[level]
    found = await server.get("/instances")
    assert len(found.json() if left else []) == left
    assert found.status_code == (200 if left else 204)
    gone = 404 if left else 410
    assert await statuses(server, f"{STUDY_PATH}/series/9.9", "/studies/9.9") == [gone, 404]


async def test_counts_are_those_of_what_is_left(server):
    """CAP-08, QIDO: counts and modalities follow."""
    await put(server, *(instance(**ids(n)) for n in (1, 2)), instance(**ids(1, 2), Modality="SR"))
    await server.delete(f"{STUDY_PATH}/series/1.2.5.2")
    (study,) = (await server.get("/studies")).json()
    assert study["00201206"]["Value"] == [1]
    assert study["00201208"]["Value"] == [2]
    assert study["00080061"]["Value"] == ["CT"]


async def test_what_is_stored_again_is_there_again(server):
    sent = instance(**ids(1))
    await put(server, sent)
    await server.delete(STUDY_PATH)
    await put(server, sent)
    assert await statuses(server, STUDY_PATH, SERIES_PATH, PATH) == [200] * 3
    assert await statuses(server, f"{SERIES_PATH}/instances/9.9") == [404]


async def test_the_bytes_are_gone_too(server, archive_folder):
    """Row first, blob second: neither is left."""
    await put(server, *(instance(**ids(n)) for n in range(1, 4)))
    await server.delete(f"{SERIES_PATH}/instances/1.2.5.1.2")
    assert len(list((archive_folder / "objects").rglob("*.dcm"))) == 2
    await server.delete(STUDY_PATH)
    assert list((archive_folder / "objects").rglob("*.dcm")) == []


async def test_a_client_may_delete_only_what_it_has_seen(server):
    """RFC 9110 13.1.1: with If-Match."""
    await put(server, instance(**ids(1)))
    for path in (f"{SERIES_PATH}/metadata", SERIES_PATH):
        seen = (await server.get(path)).headers["etag"]
        await put(server, instance(**ids(2), PatientComments=path))
        answer = await server.delete(SERIES_PATH, headers={"If-Match": seen})
        assert answer.status_code == 412
    seen = (await server.get(PATH)).headers["etag"]
    assert (await server.delete(PATH, headers={"If-Match": seen})).status_code == 204


async def test_without_leave_there_is_no_such_method(archive_folder):
    """CAP-08, NEG-67."""
    async with client_of(Settings(data=archive_folder)) as client:
        await put(client, instance(**ids(1)))
        for path in LEVELS.values():
            answer = await client.delete(path)
            assert answer.status_code == 405
            assert "DELETE" not in answer.headers["allow"]


async def test_a_start_ends_what_a_process_was_deleting(index_url, archive_folder):
    """A process died after the rows were gone, before the blobs were."""
    settings = Settings(data=archive_folder, index=index_url)
    async with client_of(settings) as client:
        await put(client, *(instance(**ids(n)) for n in (1, 2)))
    async with open_archive(settings) as archive:
        removed = await archive.index.remove(Selection(ids(1)["StudyInstanceUID"]))
        assert set(removed.blobs) == set(archive.blobs.list())
    async with open_archive(settings) as archive:
        assert list(archive.blobs.list()) == []
        assert await archive.index.fetch(CONDEMNED_TABLE.select(), {}) == []
