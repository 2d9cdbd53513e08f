"""Whole slide images: one picture of the total pixel matrix, from the tiles in view alone."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from tests.make import dataset, part10
from tests.web.test_presentation import items
from tests.web.test_rendered import ask, parts, pixels, server, store_bytes

assert server, "a fixture"

TILE = 16
COLUMNS, ROWS = 70, 40
ACROSS, DOWN = 5, 3
Y, X = np.mgrid[: DOWN * TILE, : ACROSS * TILE]
MATRIX = np.stack([X * 3, Y * 5, (X + Y) * 2], axis=-1).astype(np.uint8)


def tile(number: int) -> np.ndarray:
    row, column = divmod(number, ACROSS)
    return MATRIX[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]


def slide(order=range(ACROSS * DOWN), **attributes) -> Dataset:
    """15 tiles of 16 x 16, of which the last ones in each direction are cut."""
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.6", "Modality": "SM", "Rows": TILE,
        "Columns": TILE, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7,
        "NumberOfFrames": len(order), "TotalPixelMatrixColumns": COLUMNS,
        "TotalPixelMatrixRows": ROWS, "DimensionOrganizationType": "TILED_FULL",
        "PixelData": b"".join(tile(n).tobytes() for n in order),
    }  # fmt: skip
    return dataset(**(values | attributes))


def sparse(order) -> Dataset:
    groups = []
    for number in order:
        row, column = divmod(number, ACROSS)
        place = {
            "ColumnPositionInTotalImagePixelMatrix": column * TILE + 1,
            "RowPositionInTotalImagePixelMatrix": row * TILE + 1,
        }
        groups.append({"PlanePositionSlideSequence": items(place)})
    return slide(
        order, DimensionOrganizationType="TILED_SPARSE",
        PerFrameFunctionalGroupsSequence=items(*groups),
    )  # fmt: skip


async def put(server, ds: Dataset, syntax: str = "1.2.840.10008.1.2.1") -> str:
    return await store_bytes(server, part10(ds, syntax)) + "/rendered"


async def test_a_slide_is_one_picture_of_its_matrix(server):
    """REND-02, OBJ-12; issue 6: whole slide levels."""
    url = await put(server, slide())
    assert (pixels(await ask(server, url)) == MATRIX[:ROWS, :COLUMNS]).all()
    assert (await ask(server, url, "*/*")).headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("kind", [slide, sparse])
async def test_a_viewport_counts_in_the_matrix(server, kind):
    """REND-22 to REND-24, of the matrix; tiles in any order."""
    order = range(15) if kind is slide else [14, 3, 7, 0, 1, 2, 13, 12, 11, 4, 5, 6, 8, 9, 10]
    url = await put(server, kind(order))
    found = pixels(await ask(server, url + "?viewport=30,20,10,12,30,20"))
    assert (found == MATRIX[12:32, 10:40]).all()
    mirrored = pixels(await ask(server, url + "?viewport=30,20,10,12,-30,20"))
    assert (mirrored == found[:, ::-1]).all()
    small = pixels(await ask(server, url + "?viewport=35,20"))
    halves = MATRIX[:ROWS, :COLUMNS].reshape(20, 2, 35, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - halves).max() <= 1
    assert (await ask(server, url + "?viewport=9,9,70,0")).status_code == 400


async def test_where_there_is_no_tile_there_is_glass(server):
    """OBJ-12: TILED_SPARSE."""
    found = pixels(await ask(server, await put(server, sparse([0, 6]))))
    assert (found[:16, :16] == tile(0)).all()
    assert (found[16:32, 16:32] == tile(6)).all()
    assert (found[32:, 32:] == 255).all()


def jpeg(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG", quality=95)
    return file.getvalue()


async def test_only_the_tiles_in_view_are_read(server):
    """Issue 6: a broken tile does no harm where it is not in view."""
    frames = [jpeg(tile(n)) for n in range(15)]
    frames[14] = b"\xff\xd8\xff\xd9"
    ds = slide(PixelData=encapsulate(frames), PhotometricInterpretation="YBR_FULL_422")
    ds["PixelData"].is_undefined_length = True
    url = await put(server, ds, JPEGBaseline8Bit)
    found = pixels(await ask(server, url + "?viewport=32,32,0,0,32,32")).astype(int)
    assert np.abs(found - MATRIX[:32, :32]).mean() < 4
    assert (await ask(server, url)).status_code == 500


async def test_a_tile_is_a_frame_too(server):
    """REND-01, REND-09."""
    url = (await put(server, slide())).removesuffix("/rendered")
    assert (pixels(await ask(server, url + "/frames/7/rendered")) == tile(6)).all()
    answer = await ask(server, url + "/frames/1,2/rendered", 'multipart/related;type="image/png"')
    assert len(await parts(answer)) == 2
    assert pixels(await ask(server, url + "/thumbnail?viewport=35,35")).shape == (20, 35, 3)


async def test_a_matrix_that_no_memory_holds_is_looked_at_in_parts(server):
    """Issue 6, bounded: the whole of it is refused, a part of it is not."""
    huge = slide(TotalPixelMatrixColumns=2**31 - 1, TotalPixelMatrixRows=2**31 - 1)
    url = await put(server, huge)
    assert (await ask(server, url)).status_code == 413
    assert (await ask(server, url + "?viewport=100,100")).status_code in (200, 413)
    found = pixels(await ask(server, url + "?viewport=16,16,16,0,16,16"))
    assert (found == tile(1)).all()
