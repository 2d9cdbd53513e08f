"""The intake: instances are stored in groups, in their order, each with an outcome of its own."""

from __future__ import annotations

import asyncio
import resource

import pytest
from sqlalchemy import func, select

from dicomweb.engine.archive import open_archive
from dicomweb.engine.ingest import NotStored, Stored, Upload
from dicomweb.engine.intake import WAITING_MAX
from dicomweb.settings import Settings
from schemas.attributes import Level
from schemas.index import STUDY_TABLE, TABLES
from schemas.reasons import DUPLICATE, NOT_DICOM, OUT_OF_RESOURCES
from tests.make import instance

LARGE = {"Rows": 1024, "Columns": 1024, "PixelData": bytes(2 * 1024 * 1024)}


@pytest.fixture
async def archive(archive_folder):
    async with open_archive(Settings(data=archive_folder)) as archive:
        yield archive


async def whole(archive, data: bytes, **options) -> Upload:
    upload = Upload(archive, **options)
    await upload.write(data)
    return upload


async def stored_together(archive, objects, **options):
    """What becomes of objects that come in one after the other without waiting."""
    uploads = [await whole(archive, data, **options) for data in objects]
    afters = [None, *uploads]
    return await asyncio.gather(
        *(upload.finish(after) for upload, after in zip(uploads, afters, strict=False))
    )


async def count(archive, level: Level) -> int:
    ((rows,),) = await archive.index.fetch(select(func.count()).select_from(TABLES[level]), {})
    return rows


async def test_more_than_may_wait_at_once_are_all_stored(archive):
    objects = [instance(SOPInstanceUID=f"1.2.{n}") for n in range(WAITING_MAX + 10)]
    outcomes = await stored_together(archive, objects)
    assert all(isinstance(one, Stored) and one.new for one in outcomes)
    assert await count(archive, Level.INSTANCE) == len(objects)


async def test_one_that_is_no_dicom_fails_alone(archive):
    good = [instance(SOPInstanceUID=f"1.2.{n}") for n in (1, 2)]
    first, odd, last = await stored_together(archive, [good[0], b"no DICOM at all", good[1]])
    assert isinstance(first, Stored)
    assert isinstance(last, Stored)
    assert isinstance(odd, NotStored)
    assert odd.reason is NOT_DICOM


async def test_the_first_sent_decides_what_a_study_says_however_large_it_is(archive):
    """Its bytes are on their way to the disk while the next, which are small, are whole already."""
    study = {"StudyInstanceUID": "1.2"}
    objects = [
        instance(SOPInstanceUID="1.2.1", StudyDescription="first", **study, **LARGE),
        instance(SOPInstanceUID="1.2.2", StudyDescription="second", **study),
    ]
    await stored_together(archive, objects)
    said = await archive.index.fetch(select(STUDY_TABLE.c.StudyDescription), {})
    assert said == [("first",)]


async def test_each_of_a_group_has_its_own_policy(archive):
    contents = [instance(SOPInstanceUID="1.2.1", PatientComments=text) for text in "abc"]
    policies = ("replace", "refuse", "replace")
    uploads = [
        await whole(archive, data, duplicates=policy)
        for data, policy in zip(contents, policies, strict=True)
    ]
    first, second, third = await asyncio.gather(*(upload.finish() for upload in uploads))
    assert isinstance(first, Stored)
    assert isinstance(third, Stored)
    assert isinstance(second, NotStored)
    assert second.reason is DUPLICATE
    assert await count(archive, Level.INSTANCE) == 1


async def test_of_what_is_refused_nothing_is_left_when_that_is_told(archive):
    """STOW-60."""
    contents = [instance(SOPInstanceUID="1.2.1", PatientComments=text) for text in "ab"]
    kept = await (await whole(archive, contents[0])).finish()
    assert isinstance(kept, Stored)
    refused = await (await whole(archive, contents[1], duplicates="refuse")).finish()
    assert isinstance(refused, NotStored)
    assert len(list(archive.blobs.list())) == 1


async def test_who_goes_away_takes_nothing_with_it(archive):
    goes, stays = [await whole(archive, instance(SOPInstanceUID=f"1.2.{n}")) for n in (1, 2)]
    gone, staying = (asyncio.create_task(upload.finish()) for upload in (goes, stays))
    await asyncio.sleep(0)
    gone.cancel()
    assert isinstance(await staying, Stored)
    assert await count(archive, Level.INSTANCE) == 2


async def test_an_archive_that_closes_ends_what_was_begun(archive_folder):
    async with open_archive(Settings(data=archive_folder)) as archive:
        upload = await whole(archive, instance(SOPInstanceUID="1.2.1"))
        storing = asyncio.create_task(upload.finish())
        await asyncio.sleep(0)
    assert isinstance(await storing, Stored)
    async with open_archive(Settings(data=archive_folder)) as archive:
        assert await count(archive, Level.INSTANCE) == 1


@pytest.fixture
def room():
    """Limits how large a file may get, which is as if the disk were nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size_bytes: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_one_that_finds_no_room_fails_alone(archive, archive_folder, room):
    room(800_000)
    pixels = {"Rows": 475, "Columns": 1000, "PixelData": bytes(950_000)}
    objects = [
        instance(SOPInstanceUID="1.2.1"),
        instance(SOPInstanceUID="1.2.2", **pixels),
        instance(SOPInstanceUID="1.2.3"),
    ]
    first, large, last = await stored_together(archive, objects)
    assert isinstance(first, Stored)
    assert isinstance(last, Stored)
    assert isinstance(large, NotStored)
    assert large.reason is OUT_OF_RESOURCES
    assert len(list((archive_folder / "objects").glob("??/*.dcm"))) == 2
