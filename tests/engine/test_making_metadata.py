"""Metadata are made some at a time, so that memory does not grow with a series."""

from __future__ import annotations

from pydicom import Dataset

from dicomweb.engine.archive import open_archive
from dicomweb.engine.ingest import Stored, Upload
from dicomweb.engine.metadata import MADE_BYTES, metadata
from dicomweb.settings import Settings
from schemas.identifiers import Selection, Uid
from tests.make import instance

INSTANCES = 7


async def test_no_more_than_a_bound_and_an_instance_is_made_at_once(archive_folder):
    items = []
    for number in range(MADE_BYTES // 200):
        item = Dataset()
        item.ReferencedSOPInstanceUID = f"1.2.3.{number}"
        items.append(item)
    async with open_archive(Settings(data=archive_folder)) as archive:
        for number in range(INSTANCES):
            uids = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1"}
            upload = Upload(archive)
            await upload.write(
                instance(**uids, SOPInstanceUID=f"1.2.1.{number}", ReferencedImageSequence=items)
            )
            assert isinstance(await upload.finish(), Stored)
        made = metadata(
            archive, Selection(Uid("1.2")), lambda *_: lambda uid, text: (uid, len(text))
        )
        chunks = [some async for some in made]
    assert [uid for some in chunks for uid, _ in some] == [f"1.2.1.{n}" for n in range(INSTANCES)]
    assert len(chunks) > 1
    for some in chunks:
        assert sum(length for _, length in some[:-1]) <= MADE_BYTES
