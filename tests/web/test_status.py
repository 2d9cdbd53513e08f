"""The status resource: its figures are kept, so they have to be what counting would give."""

from __future__ import annotations

import httpx
import pytest

from dicomweb.settings import Settings
from tests.make import instance, related, related_type
from tests.web.conftest import client_of


async def store(server: httpx.AsyncClient, *parts: bytes) -> None:
    await server.post("/studies", content=related(parts), headers=related_type())


async def status(server: httpx.AsyncClient) -> dict:
    answer = await server.get("/status")
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def test_an_empty_archive_has_a_status(server):
    told = await status(server)
    assert told["total"] == {"instances": 0, "size_bytes": 0}
    assert (told["studies"], told["series"], told["arrivals"], told["refusals"]) == (0, 0, [], [])
    assert 0 < told["disk"]["free_bytes"] < told["disk"]["total_bytes"]


async def test_instances_and_bytes_are_told_by_modality_and_day(server):
    ct, mr = instance(StudyInstanceUID="1.2"), instance(StudyInstanceUID="1.2", Modality="MR")
    await store(server, ct, mr)
    told = await status(server)
    assert told["total"] == {"instances": 2, "size_bytes": len(ct) + len(mr)}
    assert told["modalities"]["CT"] == {"instances": 1, "size_bytes": len(ct)}
    assert (told["studies"], told["series"]) == (1, 2)
    assert [day["instances"] for day in told["days"].values()] == [2]
    assert [(a["StudyInstanceUID"], a["instances"]) for a in told["arrivals"]] == [("1.2", 2)]


async def test_what_is_refused_is_told_with_its_reason(archive_folder):
    async with client_of(Settings(data=archive_folder)) as server:
        await store(server, instance(SOPInstanceUID="1.5"))
        await store(server, instance(SOPInstanceUID="1.5", PatientID="Other"))
    # Nobody waits for the note of it but the archive that closes.
    async with client_of(Settings(data=archive_folder)) as server:
        (refusal,) = (await status(server))["refusals"]
    assert (refusal["SOPInstanceUID"], refusal["code"]) == ("1.5", 0x0111)
    assert refusal["detail"] == "Another object is already stored under this SOP Instance UID."


@pytest.mark.parametrize("level", ["study", "series", "instance"])
async def test_what_is_deleted_is_counted_out(archive_folder, level):
    async with client_of(Settings(data=archive_folder, allow_delete=True)) as server:
        await store(
            server,
            instance(StudyInstanceUID="1.2", SeriesInstanceUID="1.3", SOPInstanceUID="1.4"),
            instance(StudyInstanceUID="1.9"),
        )
        path = {"study": "", "series": "/series/1.3", "instance": "/series/1.3/instances/1.4"}
        assert (await server.delete(f"/studies/1.2{path[level]}")).is_success
        told = await status(server)
    assert (told["total"]["instances"], told["studies"], told["series"]) == (1, 1, 1)


async def test_what_is_replaced_is_counted_once(archive_folder):
    async with client_of(Settings(data=archive_folder, duplicates="replace")) as server:
        await store(server, instance(SOPInstanceUID="1.5", Modality="CT"))
        new = instance(SOPInstanceUID="1.5", Modality="MR")
        await store(server, new)
        told = await status(server)
    assert told["modalities"] == {"MR": {"instances": 1, "size_bytes": len(new)}}
    assert (told["studies"], told["series"]) == (1, 1)
