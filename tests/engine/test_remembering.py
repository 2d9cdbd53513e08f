"""What is remembered is bounded by what it really takes: memory does not grow with the archive."""

from __future__ import annotations

import gc
import tracemalloc

import pydicom.data
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from dicomweb.engine import instances
from dicomweb.engine.archive import open_archive
from dicomweb.engine.ingest import Upload
from dicomweb.engine.sources import sources
from dicomweb.settings import Settings
from schemas.identifiers import Selection
from tests.make import dataset, part10

COUNT = 20
FRAMES = 50_000


@pytest.fixture
async def archive(archive_folder):
    async with open_archive(Settings(data=archive_folder)) as opened:
        yield opened


async def stored(archive, data: bytes) -> None:
    upload = Upload(archive)
    await upload.write(data)
    await upload.finish()


async def held_bytes(archive, make) -> tuple[list, float]:
    """What `make` gives COUNT times, and what one of it takes."""
    await make()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        made = [await make() for _ in range(COUNT)]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return made, (after - before) / COUNT


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "examples_overlay.dcm"])
async def test_what_is_read_of_an_instance_to_render_it_counts_what_it_takes(archive, name):
    with open(pydicom.data.get_testdata_file(name), "rb") as file:
        await stored(archive, file.read())

    async def read():
        return [found async for found in sources(archive, Selection())]

    (((one,), *_), takes) = await held_bytes(archive, read)
    assert 0.5 < one.memory_bytes / takes < 2


async def test_where_the_frames_of_a_slide_lie_counts_what_it_takes(archive):
    tiles = encapsulate([bytes(2 + 2 * (number % 3)) for number in range(FRAMES)])
    await stored(archive, part10(dataset(PixelData=tiles, NumberOfFrames=FRAMES), JPEGBaseline8Bit))

    async def read():
        return [found async for found in instances.described(archive, Selection())]

    ((((one, _),), *_), takes) = await held_bytes(archive, read)
    assert 0.5 < one.memory_bytes / takes < 2
    assert one.memory_bytes > FRAMES * 16
