"""All bulk data, all pixel data, and zip archives of what a path names."""

from __future__ import annotations

import io
import zipfile

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.make import dataset, instance, part10
from tests.web.asking import IDS, LEVELS, PATH, ROOT, SERIES_PATH, STUDY_PATH, ids, parts, put

OCTET_PARTS = {"Accept": 'multipart/related; type="application/octet-stream"'}
LUT = bytes(range(256)) * 8
ICON = bytes(range(64)) * 64


def nested(**uids: str) -> Dataset:
    """With bulk data at the top and in a sequence, and an icon that is none of its pixel data."""
    ds = dataset(**uids, EncapsulatedDocument=bytes(2000))
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [1024, 0, 16], LUT
    item["LUTData"].VR = "OW"
    ds.ModalityLUTSequence = Sequence([item])
    icon = Dataset()
    icon.Rows, icon.Columns, icon.PixelData = 64, 64, ICON
    icon["PixelData"].VR = "OB"
    ds.IconImageSequence = Sequence([icon])
    return ds


def uris(metadata) -> set[str]:
    """Every BulkDataURI in it, at any depth."""
    if isinstance(metadata, list):
        return set().union(*map(uris, metadata)) if metadata else set()
    if isinstance(metadata, dict):
        own = {metadata["BulkDataURI"]} if isinstance(metadata.get("BulkDataURI"), str) else set()
        return own.union(*(uris(value) for value in metadata.values()))
    return set()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("below, accept", [("/bulkdata", "*/*"), ("", OCTET_PARTS["Accept"])])
async def test_all_bulk_data_is_what_the_metadata_names(server, level, below, accept):
    """WADO-04, WADO-28, WADO-29, WADO-34; NEG-47: each at the URI that the metadata gives."""
    await put(server, *(part10(nested(**ids(number))) for number in (1, 2)))
    path = LEVELS[level]
    found = parts(await server.get(path + below, headers={"Accept": accept}))
    told = uris((await server.get(path + "/metadata")).json())
    assert len(told) == 4 * (1 if level == "instance" else 2)
    assert {headers["Content-Location"] for headers, _ in found} == told
    for headers, body in found:
        assert headers["Content-Length"] == str(len(body))
        alone = await server.get(
            headers["Content-Location"], headers={"Accept": "application/octet-stream"}
        )
        assert alone.content == body


@pytest.mark.parametrize("level", LEVELS)
async def test_pixel_data_is_that_of_the_top_level(server, level):
    """WADO-44, WADO-45: an icon is not, nor is what an instance without pixels holds."""
    without = instance(**ids(9), PixelData=None, EncapsulatedDocument=bytes(2000))
    await put(server, *(part10(nested(**ids(number))) for number in (1, 2)), without)
    found = parts(await server.get(LEVELS[level] + "/pixeldata", headers=OCTET_PARTS))
    assert [body for _, body in found] == [bytes(range(32))] * (1 if level == "instance" else 2)
    assert found[0][0]["Content-Location"] == f"{ROOT}{PATH}/bulkdata/7FE00010"


async def test_where_there_is_none_of_it_that_is_said(sqlite_server):
    """WADO-36, WADO-42."""
    await put(sqlite_server, instance(**IDS, PixelData=None, Rows=None, Columns=None))
    for path in LEVELS.values():
        for below in ("/bulkdata", "/pixeldata"):
            assert (await sqlite_server.get(path + below)).status_code == 404
    for path in ("/studies/9.9/bulkdata", f"{PATH}/bulkdata/7FE00010", f"{PATH}/bulkdata/x"):
        assert (await sqlite_server.get(path)).status_code == 404


async def test_each_part_is_negotiated_by_itself(sqlite_server):
    """NEG-16, WADO-05, WADO-09: compressed ones as they are, others as octets, or 206."""
    with open(get_testdata_file("SC_rgb_rle.dcm", download=False), "rb") as file:
        compressed = pydicom.dcmread(file)
    for keyword, uid in ids(2).items():
        setattr(compressed, keyword, uid)
    compressed.file_meta.MediaStorageSOPInstanceUID = compressed.SOPInstanceUID
    written = io.BytesIO()
    compressed.save_as(written)
    bits = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}  # RLE has no cells of one bit
    await put(sqlite_server, instance(**ids(1), **bits), written.getvalue())
    rle = 'multipart/related; type="image/dicom-rle"'
    octets = (
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'
    )
    both = await sqlite_server.get(
        f"{SERIES_PATH}/pixeldata", headers={"Accept": f"{rle}, {octets};q=0.5"}
    )
    assert both.status_code == 200
    types = [headers["Content-Type"].partition(";")[0] for headers, _ in parts(both)]
    assert types == ["application/octet-stream", "image/dicom-rle"]
    assert 'type="application/octet-stream"' in both.headers["content-type"]
    only = await sqlite_server.get(f"{STUDY_PATH}/pixeldata", headers={"Accept": rle})
    assert (only.status_code, len(parts(only))) == (206, 1)
    none = await sqlite_server.get(f"{STUDY_PATH}/pixeldata", headers={"Accept": "image/png"})
    assert none.status_code == 406
    assert "There is:" in none.text
    instances = await sqlite_server.get(SERIES_PATH, headers={"Accept": rle})
    assert (instances.status_code, len(parts(instances))) == (206, 1)


@pytest.mark.parametrize("level", LEVELS)
async def test_a_zip_archive_holds_the_files_as_they_are_stored(server, level):
    """CAP-10: our addition; a name for it, and no folder that a file could escape from."""
    sent = {ids(number)["SOPInstanceUID"]: instance(**ids(number)) for number in (1, 2)}
    await put(server, *sent.values())
    answer = await server.get(LEVELS[level], headers={"Accept": "application/zip"})
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].endswith('.zip"')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = [archive.read(name) for name in archive.namelist()]
        assert all(not name.startswith("/") and ".." not in name for name in archive.namelist())
    expected = list(sent.values())[: 1 if level == "instance" else 2]
    assert files == expected
