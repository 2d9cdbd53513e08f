"""All bulk data, all pixel data, and zip archives of what a path names."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.make import dataset, instance, part10
from tests.web.asking import IDS, LEVELS, PATH, ROOT, SERIES_PATH, STUDY_PATH, ids, parts, put

OCTET_PARTS = {"Accept": 'multipart/related; type="application/octet-stream"'}
SR = "1.2.840.10008.5.1.4.1.1.88.11"
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


@pytest.mark.parametrize("level", LEVELS)
async def test_a_zip_archive_can_be_a_file_set(sqlite_server, level, tmp_path):
    """CAP-10, PS3.10 8.6: every instance is found by way of the DICOMDIR."""
    sent = [dataset(**ids(number, series=series)) for series in (1, 2) for number in (1, 2)]
    sent.append(dataset(**ids(5), SOPClassUID=SR, PatientName="山田^太郎", PixelData=None))
    await put(sqlite_server, *map(part10, sent))
    path = LEVELS[level] + "?dicomdir=true"
    answer = await sqlite_server.get(path, headers={"Accept": "application/zip"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path / "medium")
    directory = pydicom.dcmread(tmp_path / "medium" / "DICOMDIR").DirectoryRecordSequence
    files = [record for record in directory if "ReferencedFileID" in record]
    assert len(files) == {"instance": 1, "series": 3, "study": 5}[level]
    for one in files:
        ds = pydicom.dcmread(tmp_path.joinpath("medium", *one.ReferencedFileID))
        assert ds.SOPInstanceUID == one.ReferencedSOPInstanceUIDInFile
    types = {one.DirectoryRecordType for one in files}
    assert types == ({"IMAGE"} if level == "instance" else {"IMAGE", "SR DOCUMENT"})
    refused = await sqlite_server.get(path + "1", headers={"Accept": "application/zip"})
    assert refused.status_code == 400


async def test_dcmtk_reads_the_directory(sqlite_server, tmp_path):
    """PS3.3 F: each record where another says it is, to a reader that follows the offsets."""
    dcmdump = shutil.which("dcmdump")
    if dcmdump is None:
        pytest.skip("apt-get install dcmtk brings dcmdump.")
    await put(sqlite_server, *(instance(**ids(n, series=s)) for s in (1, 2) for n in (1, 2, 3)))
    answer = await sqlite_server.get(
        f"{STUDY_PATH}?dicomdir=true", headers={"Accept": "application/zip"}
    )
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    told = subprocess.run(
        [dcmdump, tmp_path / "DICOMDIR"], capture_output=True, text=True, check=True
    )
    assert told.stdout.count("(0004,1430) CS [IMAGE]") == 6
    assert told.stderr == ""
    at = [int(found) for found in re.findall(r"\(0004,14[02]0\) up (\d+)", told.stdout)]
    whole = (tmp_path / "DICOMDIR").read_bytes()
    assert len(at) == 2 * 10
    assert all(whole[offset : offset + 4] == b"\xfe\xff\x00\xe0" for offset in at if offset)
