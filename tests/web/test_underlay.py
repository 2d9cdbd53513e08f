"""Segmentations, doses and blended images over the images they belong to."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import generate_uid

from dicomweb.pixels.planes import Plane, nearest, onto
from tests.web.test_presentation import items, refers_to, state
from tests.web.test_rendered import ask, image, parts, pixels, server, store

assert server, "a fixture"

ROWS, COLUMNS = 16, 24
RED = [34879, 53485, 50171]


def slices(count=3, **attributes):
    """CT slices of 2 mm pixels, 10 mm apart, all of one grey."""
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    return [
        image(
            **uids, FrameOfReferenceUID="1.2.3.9", Rows=ROWS, Columns=COLUMNS, WindowCenter=500,
            PixelData=np.full(ROWS * COLUMNS, 500 + 100 * n, "<u2").tobytes(), WindowWidth=1000,
            ImagePositionPatient=[0, 0, 10 * n], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[2, 2], RescaleSlope=1, RescaleIntercept=0, InstanceNumber=n + 1,
            **attributes,
        )
        for n in range(count)
    ]  # fmt: skip


def groups(positions, spacing=(2, 2), derived_from=None, corner=(0, 0)):
    found = []
    for number, z in enumerate(positions):
        group = {
            "PlanePositionSequence": items({"ImagePositionPatient": [*corner, z]}),
            "PlaneOrientationSequence": items({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}),
            "PixelMeasuresSequence": items({"PixelSpacing": list(spacing)}),
            "SegmentIdentificationSequence": items({"ReferencedSegmentNumber": 1}),
        }
        if derived_from:
            source = items(
                {
                    "ReferencedSOPClassUID": derived_from[number].SOPClassUID,
                    "ReferencedSOPInstanceUID": derived_from[number].SOPInstanceUID,
                }
            )
            group["DerivationImageSequence"] = items({"SourceImageSequence": source})
        found.append(group)
    return items(*found)


def segmentation(of, positions, **attributes):
    """Its left half is segment 1, a red one, on each frame."""
    mask = np.zeros((len(positions), ROWS, COLUMNS), np.uint8)
    mask[:, :, : COLUMNS // 2] = 1
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4", "Modality": "SEG", "BitsAllocated": 1,
        "StudyInstanceUID": of.StudyInstanceUID, "SeriesInstanceUID": generate_uid(),
        "SOPInstanceUID": generate_uid(), "BitsStored": 1, "HighBit": 0, "WindowCenter": None,
        "WindowWidth": None, "RescaleSlope": None, "RescaleIntercept": None,
        "NumberOfFrames": len(positions), "SegmentationType": "BINARY",
        "PixelData": np.packbits(mask.ravel(), bitorder="little").tobytes(),
        "FrameOfReferenceUID": "1.2.3.9", "Rows": ROWS, "Columns": COLUMNS,
        "SegmentSequence": items({"SegmentNumber": 1, "RecommendedDisplayCIELabValue": RED}),
        "PerFrameFunctionalGroupsSequence": groups(positions),
    }  # fmt: skip
    return image(**(values | attributes))


async def test_a_segmentation_alone_is_its_mask(server):
    """REND-08, OBJ-11."""
    (ct,) = slices(1)
    url = await store(server, segmentation(ct, [0]))
    found = pixels(await ask(server, url + "/rendered"))
    assert (found[:, :12] == 255).all()
    assert not found[:, 12:].any()


@pytest.mark.parametrize("named", [True, False], ids=["named", "by its place"])
async def test_a_segmentation_is_laid_over_its_image(server, named):
    """Issue 6: a coloured overlay on its image, our addition."""
    cts = slices(3)
    await store(server, *cts)
    derived = {"PerFrameFunctionalGroupsSequence": groups([20, 0], derived_from=[cts[2], cts[0]])}
    seg = segmentation(cts[0], [20, 0], **(derived if named else {}))
    url = await store(server, seg)
    for frame, grey in ((1, 178), (2, 127)):
        found = pixels(await ask(server, f"{url}/frames/{frame}/rendered?underlay=yes"))
        assert np.abs(found[:, 12:].astype(int) - grey).max() <= 1
        red, green, blue = (int(v) for v in found[5, 5])
        assert red > 180
        assert max(green, blue) < grey
    whole = await ask(server, url + "/rendered?underlay=yes", 'multipart/related;type="image/png"')
    assert len(await parts(whole)) == 2


async def test_a_grid_of_another_size_is_put_where_it_lies(server):
    """Issue 6: a segmentation of 4 mm pixels that begins elsewhere."""
    (ct,) = slices(1)
    await store(server, ct)
    placed = groups([0], spacing=(4, 4), corner=(9, 9))
    mask = np.packbits(np.ones(16, np.uint8), bitorder="little").tobytes()
    seg = segmentation(
        ct, [0], Rows=4, Columns=4, PixelData=mask, PerFrameFunctionalGroupsSequence=placed
    )
    url = await store(server, seg)
    found = pixels(await ask(server, url + "/rendered?underlay=yes"))
    coloured = found[..., 0] != found[..., 1]
    # From 7 to 23 mm, that is between the pixel whose middle is at 8 mm and the one at 22 mm.
    assert coloured[4:12, 4:12].all()
    assert coloured.sum() == 64


async def test_a_dose_is_laid_over_the_nearest_slice(server):
    """Issue 6: RT Dose, by its grid; 32 bits; hot is red and cold is blue."""
    cts = slices(3)
    await store(server, *cts)
    grid = np.zeros((2, ROWS, COLUMNS), "<u4")
    grid[:, :, :8] = 1000
    grid[:, :, 8:16] = 100
    dose = segmentation(
        cts[0], [0, 10], SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2", Modality="RTDOSE",
        BitsAllocated=32, BitsStored=32, HighBit=31, PixelData=grid.tobytes(), DoseGridScaling=0.1,
        PerFrameFunctionalGroupsSequence=None, SegmentSequence=None, SegmentationType=None,
        ImagePositionPatient=[0, 0, 0], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[2, 2], GridFrameOffsetVector=[0, 10],
    )  # fmt: skip
    url = await store(server, dose)
    found = pixels(await ask(server, url + "/frames/2/rendered?underlay=yes")).astype(int)
    assert found[5, 4, 0] > found[5, 4, 2], "hot"
    assert found[5, 12, 2] > found[5, 12, 0], "cold"
    assert np.abs(found[:, 16:] - 153).max() <= 1, "the second slice, where there is no dose"


async def test_without_the_image_there_is_no_underlay(server):
    (ct,) = slices(1)
    url = await store(server, segmentation(ct, [0]))
    assert (await ask(server, url + "/rendered?underlay=yes")).status_code == 404
    assert (await ask(server, url + "/rendered?underlay=maybe")).status_code == 400


async def test_a_label_map_shows_all_its_labels(server):
    """OBJ-11."""
    (ct,) = slices(1)
    labels = np.repeat(np.arange(3, dtype=np.uint8), ROWS * COLUMNS // 3)
    seg = segmentation(
        ct, [0], SOPClassUID="1.2.840.10008.5.1.4.1.1.66.7", SegmentationType="LABELMAP",
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=labels.tobytes(),
        SegmentSequence=items({"SegmentNumber": 1}, {"SegmentNumber": 2}),
    )  # fmt: skip
    url = await store(server, ct, seg)
    url = url.partition("/series")[0] + f"/series/{seg.SeriesInstanceUID}/instances/"
    url += seg.SOPInstanceUID
    assert sorted(set(pixels(await ask(server, url + "/rendered")).ravel())) == [0, 128, 255]
    found = pixels(await ask(server, url + "/rendered?underlay=yes"))
    assert len(np.unique(found.reshape(-1, 3), axis=0)) == 3


async def test_a_blending_state_lays_one_image_over_another(server):
    """REND-39, OBJ-08: the frames are the underlying ones, the other goes through the palette."""
    (ct,) = slices(1)
    pet = slices(1, Modality="PT")[0]
    pet.StudyInstanceUID = ct.StudyInstanceUID
    pet.PixelData = np.full(ROWS * COLUMNS, 1000, "<u2").tobytes()
    ramp = np.arange(256, dtype="u1").tobytes()
    palette = {
        "RedPaletteColorLookupTableDescriptor": [256, 0, 8],
        "GreenPaletteColorLookupTableDescriptor": [256, 0, 8],
        "BluePaletteColorLookupTableDescriptor": [256, 0, 8],
        "RedPaletteColorLookupTableData": ramp,
        "GreenPaletteColorLookupTableData": bytes(256),
        "BluePaletteColorLookupTableData": bytes(256),
    }
    window = items({"WindowCenter": 500, "WindowWidth": 1000})
    blending = items(
        *(
            {
                "BlendingPosition": place,
                "StudyInstanceUID": ct.StudyInstanceUID,
                "ReferencedSeriesSequence": refers_to(of),
                "SoftcopyVOILUTSequence": window,
            }
            for place, of in (("SUPERIMPOSED", pet), ("UNDERLYING", ct))
        )
    )
    made = state(
        ct, sop_class="1.2.840.10008.5.1.4.1.1.11.4", ReferencedSeriesSequence=None,
        BlendingSequence=blending, RelativeOpacity=0.25, SoftcopyVOILUTSequence=None, **palette,
    )  # fmt: skip
    await store(server, ct, pet)
    found = pixels(await ask(server, await store(server, made) + "/rendered")).astype(int)
    grey = 127
    assert np.abs(found[..., 0] - (0.75 * grey + 0.25 * 255)).max() <= 1.5
    assert np.abs(found[..., 1:] - 0.75 * grey).max() <= 1.5


# Planes ----------------------------------------------------------------------------


def plane(z=0.0, step=1.0, x=0.0):
    return Plane(np.array([x, 0.0, z]), np.array([step, 0, 0]), np.array([0, step, 0]))


def test_the_nearest_plane_is_the_closest_parallel_one():
    tilted = Plane(np.zeros(3), np.array([0, 1.0, 0]), np.array([0, 0, 1.0]))
    assert nearest(plane(9), [plane(0), None, plane(10), tilted]) == (2, 1.0)
    assert nearest(plane(9), [tilted, None]) is None


@pytest.mark.parametrize("smooth", [True, False])
def test_a_plane_laid_over_itself_is_the_same(smooth):
    values = np.arange(20.0).reshape(4, 5)
    assert (onto(values, plane(), plane(), (4, 5), smooth=smooth) == values).all()


def test_a_shifted_plane_is_shifted_and_the_rest_is_nothing():
    values = np.arange(20.0).reshape(4, 5)
    found = onto(values, plane(x=2), plane(), (4, 5), smooth=False)
    assert (found[:, 2:] == values[:, :3]).all()
    assert np.isnan(found[:, :2]).all()
