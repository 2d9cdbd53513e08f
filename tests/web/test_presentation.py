"""Presentation states applied to the images they are for (PS3.18 8.3.5.1.6, PS3.4 N.2)."""

from __future__ import annotations

import io
import shutil
import subprocess
import time

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.make import dataset
from tests.real_files import CORPUS
from tests.web.test_rendered import JPEGS, ask, image, parts, pixels, server, store, store_bytes

assert server, "a fixture"

GRAYSCALE = "1.2.840.10008.5.1.4.1.1.11.1"
COLOUR = "1.2.840.10008.5.1.4.1.1.11.2"
PSEUDO_COLOUR = "1.2.840.10008.5.1.4.1.1.11.3"
Y, X = np.mgrid[:12, :20]
STORED = (X * 100 + Y * 37).astype("<u2")


def picture(**attributes):
    """A slice of 12 x 20, nothing in it symmetrical, with a window of its own that is not used."""
    values = {"Rows": 12, "Columns": 20, "PixelData": STORED.tobytes(), "RescaleIntercept": 0}
    return image(**(values | {"RescaleSlope": 1} | attributes))


def items(*some: dict) -> list[Dataset]:
    found = []
    for attributes in some:
        item = Dataset()
        for keyword, value in attributes.items():
            setattr(item, keyword, value)
        found.append(item)
    return found


def refers_to(*images: Dataset, frames=None) -> list[Dataset]:
    series = {ds.SeriesInstanceUID: [] for ds in images}
    for ds in images:
        reference = {
            "ReferencedSOPClassUID": ds.SOPClassUID,
            "ReferencedSOPInstanceUID": ds.SOPInstanceUID,
        }
        series[ds.SeriesInstanceUID] += items(
            reference | ({"ReferencedFrameNumber": frames} if frames else {})
        )
    return items(
        *(
            {"SeriesInstanceUID": uid, "ReferencedImageSequence": images}
            for uid, images in series.items()
        )
    )


def state(*images: Dataset, sop_class=GRAYSCALE, frames=None, **attributes) -> Dataset:
    """A presentation state that shows the whole of `images`, unless `attributes` say otherwise."""
    values = {
        "SOPClassUID": sop_class, "StudyInstanceUID": images[0].StudyInstanceUID, "Modality": "PR",
        "PixelData": None, "Rows": None, "Columns": None, "PresentationLUTShape": "IDENTITY",
        "ReferencedSeriesSequence": refers_to(*images, frames=frames),
        "SoftcopyVOILUTSequence": items({"WindowCenter": 1000, "WindowWidth": 2000}),
    }  # fmt: skip
    return dataset(**(values | attributes))


def expected(center=1000, width=2000) -> np.ndarray:
    values = (STORED.astype(float) - (center - 0.5)) / (width - 1) + 0.5
    return np.clip(values * 255, 0, 255)


async def shown(server, ds: Dataset, made: Dataset, query: str = "") -> np.ndarray:
    await store(server, ds)
    return pixels(await ask(server, await store(server, made) + "/rendered" + query))


def differ(found: np.ndarray, wanted: np.ndarray) -> float:
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max())


async def test_the_states_window_takes_the_place_of_the_images(server):
    """REND-35, REND-37."""
    ds = picture()
    assert differ(await shown(server, ds, state(ds)), expected()) <= 0.5


async def test_without_a_window_the_whole_range_is_shown(server):
    """REND-37, PS3.4 N.2.1: the image's own window is not used."""
    ds = picture()
    found = await shown(server, ds, state(ds, SoftcopyVOILUTSequence=None))
    assert differ(found, STORED / 4095 * 255) <= 0.5


async def test_a_voi_item_is_for_the_images_it_names(server):
    """REND-37."""
    ds, other = picture(), picture()
    for_other = refers_to(other)[0].ReferencedImageSequence
    voi = items(
        {"ReferencedImageSequence": for_other, "WindowCenter": 1, "WindowWidth": 2},
        {"WindowCenter": 1000, "WindowWidth": 2000},
    )
    found = await shown(server, ds, state(ds, SoftcopyVOILUTSequence=voi))
    assert differ(found, expected()) <= 0.5


async def test_an_inverse_shape_inverts(server):
    """REND-37: and MONOCHROME1 does not invert once more."""
    ds = picture(PhotometricInterpretation="MONOCHROME1")
    found = await shown(server, ds, state(ds, PresentationLUTShape="INVERSE"))
    assert differ(found, 255 - expected()) <= 0.5


@pytest.mark.parametrize("flip", ["N", "Y"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
async def test_the_image_is_turned_and_then_flipped(server, rotation, flip):
    """REND-37, PS3.3 C.10.6."""
    ds = picture()
    found = await shown(server, ds, state(ds, ImageRotation=rotation, ImageHorizontalFlip=flip))
    turned = np.rot90(expected(), -rotation // 90)
    assert differ(found, turned[:, ::-1] if flip == "Y" else turned) <= 0.5


def area(mode="SCALE TO FIT", corners=((1, 1), (20, 12)), **more) -> list[Dataset]:
    return items(
        {
            "DisplayedAreaTopLeftHandCorner": list(corners[0]),
            "DisplayedAreaBottomRightHandCorner": list(corners[1]),
            "PresentationSizeMode": mode,
            "PresentationPixelAspectRatio": ["1", "1"],
        }
        | more
    )


@pytest.mark.parametrize("mode", ["SCALE TO FIT", "TRUE SIZE"])
async def test_the_displayed_area_is_cut_out_and_fitted(server, mode):
    """REND-38."""
    ds = picture()
    made = state(ds, DisplayedAreaSelectionSequence=area(mode, ((3, 2), (12, 6))))
    found = await shown(server, ds, made)
    assert differ(found, expected()[1:6, 2:12]) <= 0.5
    url = await store(server, made) + "/rendered?viewport=40,40"
    assert pixels(await ask(server, url)).shape == (20, 40)


async def test_an_area_larger_than_the_image_is_black_around_it(server):
    """REND-38, PS3.3 C.10.4."""
    ds = picture()
    made = state(ds, DisplayedAreaSelectionSequence=area(corners=((-1, 0), (22, 13))))
    found = await shown(server, ds, made)
    assert found.shape == (14, 24)
    assert differ(found[1:13, 2:22], expected()) <= 0.5
    assert not found[0].any()
    assert not found[:, :2].any()


async def test_magnify_magnifies_and_then_crops(server):
    """REND-38."""
    ds = picture()
    made = state(
        ds,
        DisplayedAreaSelectionSequence=area("MAGNIFY", PresentationPixelMagnificationRatio=3),
    )
    assert (await shown(server, ds, made)).shape == (36, 60)
    url = await store(server, made) + "/rendered?viewport=10,10"
    assert pixels(await ask(server, url)).shape == (10, 10)


async def test_pixels_that_are_not_square_are_made_so(server):
    """REND-38, PS3.3 C.10.4."""
    ds = picture()
    tall = area(PresentationPixelAspectRatio=["2", "1"])
    found = await shown(server, ds, state(ds, DisplayedAreaSelectionSequence=tall))
    assert found.shape == (24, 20)


SHUTTERS = {
    "RECTANGULAR": {
        "ShutterLeftVerticalEdge": 3, "ShutterRightVerticalEdge": 15,
        "ShutterUpperHorizontalEdge": 2, "ShutterLowerHorizontalEdge": 10,
    },
    "CIRCULAR": {"CenterOfCircularShutter": ["6", "10"], "RadiusOfCircularShutter": 4},
    "POLYGONAL": {"VerticesOfThePolygonalShutter": ["3", "4", "3", "15", "10", "15", "10", "4"]},
}  # fmt: skip


@pytest.mark.parametrize("shape", SHUTTERS)
async def test_a_shutter_hides_what_is_around_it(server, shape):
    """REND-37, PS3.3 C.7.6.11."""
    ds = picture()
    made = state(ds, ShutterShape=shape, ShutterPresentationValue=0x8000, **SHUTTERS[shape])
    found = await shown(server, ds, made)
    assert found[5, 9] == pytest.approx(expected()[5, 9], abs=0.5)
    assert {int(found[y, x]) for y, x in ((0, 0), (0, 19), (11, 0), (11, 19))} == {0x80}
    if shape == "RECTANGULAR":
        assert differ(found[1:10, 2:15], expected()[1:10, 2:15]) <= 0.5
        assert (found[:1] == 0x80).all()
        assert (found[:, 15:] == 0x80).all()


async def test_lines_and_texts_are_drawn_where_they_belong(server):
    """REND-37: in pixels of the image, through the displayed area, rotation and flip."""
    ds = picture(PixelData=bytes(480), Rows=12, Columns=20)
    graphic = items(
        {
            "GraphicAnnotationUnits": "PIXEL", "GraphicDimensions": 2, "NumberOfGraphicPoints": 2,
            "GraphicData": [4.5, 6.5, 14.5, 6.5], "GraphicType": "POLYLINE", "GraphicFilled": "N",
        }
    )  # fmt: skip
    annotation = items({"GraphicLayer": "ONE", "GraphicObjectSequence": graphic})
    layer = items(
        {
            "GraphicLayer": "ONE",
            "GraphicLayerOrder": 1,
            "GraphicLayerRecommendedDisplayGrayscaleValue": 0xC000,
        }
    )
    drawn = {"GraphicAnnotationSequence": annotation, "GraphicLayerSequence": layer}
    found = await shown(server, ds, state(ds, **drawn))
    assert {(int(y), int(x)) for y, x in np.argwhere(found)} == {(6, x) for x in range(4, 15)}
    assert set(found[found > 0]) == {0xC0}
    turned = await shown(server, ds, state(ds, ImageRotation=90, **drawn))
    assert {int(x) for _, x in np.argwhere(turned)} <= {5, 6}
    assert {int(y) for y, _ in np.argwhere(turned)} >= set(range(5, 14))


@pytest.mark.parametrize("kind, points", [("CIRCLE", [10, 6, 13, 6]), ("POINT", [10, 6])])
async def test_other_shapes_are_drawn(server, kind, points):
    ds = picture(PixelData=bytes(480))
    graphic = items(
        {
            "GraphicAnnotationUnits": "PIXEL", "GraphicDimensions": 2, "GraphicType": kind,
            "NumberOfGraphicPoints": len(points) // 2, "GraphicData": points,
        }
    )  # fmt: skip
    annotation = items({"GraphicLayer": "ONE", "GraphicObjectSequence": graphic})
    found = await shown(server, ds, state(ds, GraphicAnnotationSequence=annotation))
    assert found.any()
    assert not found[:, :5].any()


async def test_overlays_are_drawn_when_the_state_turns_them_on(server):
    """REND-37: the image's own overlay, by its group."""
    ds = picture(PixelData=bytes(480))
    for tag, vr, value in (
        (0x60000010, "US", 12), (0x60000011, "US", 20), (0x60000050, "SS", [1, 1]),
        (0x60000100, "US", 1), (0x60003000, "OW", b"\xff" * 30),
    ):  # fmt: skip
        ds.add_new(tag, vr, value)
    off, on = state(ds), state(ds)
    on.add_new(0x60001001, "CS", "ONE")
    assert not (await shown(server, ds, off)).any()
    assert pixels(await ask(server, await store(server, on) + "/rendered")).all()


async def test_a_pseudo_colour_state_colours_grey_levels(server):
    """REND-37, OBJ-08."""
    ds = picture()
    palette = {}
    for name, data in (("Red", 1), ("Green", 0), ("Blue", 0)):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        ramp = np.arange(256, dtype="u1") * data
        palette[f"{name}PaletteColorLookupTableData"] = ramp.astype("u1").tobytes()
    found = await shown(server, ds, state(ds, sop_class=PSEUDO_COLOUR, **palette))
    assert differ(found[..., 0], expected()) <= 1
    assert not found[..., 1:].any()


async def test_a_colour_state_leaves_colours_alone(server):
    """REND-37, REND-41, OBJ-08."""
    rgb = np.stack([X * 12, Y * 20, X + Y], axis=-1).astype(np.uint8)
    ds = picture(
        SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8,
        BitsStored=8, HighBit=7, PixelData=rgb.tobytes(), RescaleSlope=None, RescaleIntercept=None,
        WindowCenter=None, WindowWidth=None,
    )  # fmt: skip
    made = state(ds, sop_class=COLOUR, SoftcopyVOILUTSequence=None, ImageHorizontalFlip="Y")
    assert (await shown(server, ds, made) == rgb[:, ::-1]).all()


# Which images, in which order ------------------------------------------------------


def series(positions, **attributes) -> list[Dataset]:
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    return [
        picture(
            **uids, ImagePositionPatient=[0, 0, z], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelData=(STORED // 10 * (n + 1)).astype("<u2").tobytes(), **attributes,
        )
        for n, z in enumerate(positions)
    ]  # fmt: skip


async def test_all_images_are_given_in_the_order_of_their_positions(server):
    """REND-35, REND-36: three images, referred to in another order."""
    low, high, middle = series([10, 30, 20])
    await store(server, low, high, middle)
    url = await store(server, state(high, low, middle)) + "/rendered"
    found = await parts(await ask(server, url, 'multipart/related; type="image/png"'))
    means = [np.asarray(Image.open(io.BytesIO(body))).mean() for _, body in found]
    # Brightness is by creation: low, high, middle; by position that is first, third, second.
    assert np.argsort(means).tolist() == [0, 2, 1]
    assert (await ask(server, url, "image/png")).status_code == 406


async def test_without_positions_the_order_is_that_of_the_references(server):
    """REND-36."""
    one, two = series([1, 2])
    for ds in (one, two):
        del ds.ImagePositionPatient
    await store(server, one, two)
    url = await store(server, state(two, one)) + "/rendered"
    found = await parts(await ask(server, url, 'multipart/related; type="image/png"'))
    means = [np.asarray(Image.open(io.BytesIO(body))).mean() for _, body in found]
    assert means[0] > means[1]


async def test_frames_that_are_named_are_those_given(server):
    """REND-35."""
    ds = image(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", NumberOfFrames=3, PixelData=bytes(3 * 128)
    )
    await store(server, ds)
    url = await store(server, state(ds, frames=[3, 1])) + "/rendered"
    assert len(await parts(await ask(server, url, JPEGS))) == 2


async def test_images_that_are_missing_are_said(server):
    """REND-42: 206 where some are, 404 where all are."""
    one, two = series([1, 2])
    url = await store(server, state(one, two)) + "/rendered"
    assert (await ask(server, url, JPEGS)).status_code == 404
    await store(server, one)
    answer = await ask(server, url, JPEGS)
    assert answer.status_code in (200, 206)
    assert len(await parts(answer)) == 1
    assert answer.status_code == 206


@pytest.mark.parametrize("query", ["window=1,2,linear", "viewport=64,64,0,0"])
async def test_a_state_has_its_own_window_and_region(server, query):
    """REND-29, REND-40."""
    ds = picture()
    await store(server, ds)
    url = await store(server, state(ds)) + "/rendered?"
    assert (await ask(server, url + query)).status_code == 400
    assert (await ask(server, url + "viewport=64,64")).status_code == 200


async def test_an_area_that_no_memory_holds_is_refused(server):
    """Issue 6, bounded."""
    ds = picture()
    await store(server, ds)
    huge = area(corners=((-(2**31), -(2**31)), (2**31 - 1, 2**31 - 1)))
    url = await store(server, state(ds, DisplayedAreaSelectionSequence=huge)) + "/rendered"
    assert (await ask(server, url)).status_code == 413


PAIRS = [
    ("pstate07.dcm", "image07.dcm", (203, 258, 109, 409)),
    ("real04.pr.dcm", "real04.dcm", (275, 512, 0, 471)),
    ("real05.pr.dcm", "real05.dcm", (27, 139, 177, 345)),
]


@pytest.mark.parametrize("made, of, area", PAIRS, ids=lambda value: str(value)[:12])
async def test_real_states_are_shown_as_dcmtk_shows_them(server, tmp_path, made, of, area):
    """REND-37: grey levels within one of dcmp2pgm's, which draws neither shutters nor graphics."""
    folder = CORPUS / "display" / "presentation-state"
    if not folder.is_dir():
        pytest.skip("The corpus is not here; the README of the project says where it is found.")
    if shutil.which("dcmp2pgm") is None:
        pytest.skip("dcmp2pgm is not installed; it comes with Debian's package dcmtk.")
    wanted = tmp_path / "wanted.pgm"
    command = ["dcmp2pgm", "-q", "-p", str(folder / made), str(folder / of), str(wanted)]
    subprocess.run(command, check=True, capture_output=True)
    top, bottom, left, right = area
    theirs = np.asarray(Image.open(wanted)).astype(int)[top:bottom, left:right]
    await store_bytes(server, (folder / of).read_bytes())
    url = await store_bytes(server, (folder / made).read_bytes()) + "/rendered"
    ours = pixels(await ask(server, url)).astype(int)
    assert ours.shape == theirs.shape
    ours, theirs = ours[:-1], theirs[:-1]  # The shutter of the first hides its last row.
    off = np.abs(ours - theirs) > 1
    assert off.mean() < 0.05, "lines and texts, and nothing else"
    assert (ours[off] > theirs[off]).all(), "they are white"


@pytest.mark.parametrize("kind", ["POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE", "POINT"])
async def test_a_drawing_that_goes_far_outside_costs_nothing(server, kind):
    """Issue 6, bounded: lines are drawn pixel by pixel; found by changing bytes at random."""
    ds = picture()
    far = [3e38, -3e38, 1e30, 2e20, -1e38, 5.0, 7.0, 3e38]
    graphic = items(
        {
            "GraphicAnnotationUnits": "PIXEL", "GraphicDimensions": 2, "GraphicType": kind,
            "NumberOfGraphicPoints": 4, "GraphicData": far,
        }
    )  # fmt: skip
    annotation = items({"GraphicLayer": "ONE", "GraphicObjectSequence": graphic})
    shutter = {
        "ShutterShape": "POLYGONAL",
        "VerticesOfThePolygonalShutter": ["1", "1", "2147483647", "2147483647", "-2147483648", "5"],
    }
    begun = time.process_time()
    await shown(server, ds, state(ds, GraphicAnnotationSequence=annotation, **shutter))
    assert time.process_time() - begun < 2


# Mask subtraction ------------------------------------------------------------------

XA_STATE = "1.2.840.10008.5.1.4.1.1.11.5"
RUN = np.stack([100 + STORED // 4, 130 + STORED // 4, 700 + STORED // 2, 300 + STORED])
"""Four frames of an angiography, two of them before the contrast medium."""


def run(**attributes):
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1", "Modality": "XA", "NumberOfFrames": len(RUN),
        "PixelData": RUN.astype("<u2").tobytes(),
    }  # fmt: skip
    return picture(**(values | attributes))


def around(difference: np.ndarray, width=2000) -> np.ndarray:
    """No difference is in the middle."""
    return np.clip((difference / width + 0.5) * 255, 0, 255)


async def subtracted(server, ds: Dataset, frame: int, *masks: dict, **attributes) -> np.ndarray:
    window = {"WindowCenter": 0, "WindowWidth": 2000, "VOILUTFunction": "LINEAR_EXACT"}
    values = {
        "frames": frame, "sop_class": XA_STATE, "SoftcopyVOILUTSequence": items(window),
        "MaskSubtractionSequence": items(*masks), "RecommendedViewingMode": "SUB",
    }  # fmt: skip
    return await shown(server, ds, state(ds, **(values | attributes)))


MASKS = {
    "the average of two": ({"MaskOperation": "AVG_SUB", "MaskFrameNumbers": [1, 2]}, 3,
                           RUN[2] - (RUN[0] + RUN[1]) / 2),
    "the frame before": ({"MaskOperation": "TID", "TIDOffset": None}, 3, RUN[2] - RUN[1]),
    "two frames before": ({"MaskOperation": "TID", "TIDOffset": 2}, 4, RUN[3] - RUN[1]),
    "backwards": ({"MaskOperation": "REV_TID", "TIDOffset": 1, "ApplicableFrameRange": [3, 4]}, 4,
                  RUN[3] - RUN[0]),
    "of two contrast frames": ({"MaskOperation": "AVG_SUB", "MaskFrameNumbers": 1,
                                "ContrastFrameAveraging": 2}, 3, (RUN[2] + RUN[3]) / 2 - RUN[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", MASKS)
async def test_a_mask_is_taken_away(server, name):
    """REND-37, PS3.3 C.7.6.10.1, PS3.4 N.2.1.2."""
    mask, frame, difference = MASKS[name]
    assert differ(await subtracted(server, run(), frame, mask), around(difference)) <= 1


async def test_masks_are_subtracted_in_the_units_of_the_modality_lut(server):
    """PS3.4 N.2.1.2: after the modality LUT, before the VOI LUT."""
    ds = run(RescaleSlope=2, RescaleIntercept=-500)
    mask = {"MaskOperation": "AVG_SUB", "MaskFrameNumbers": 1}
    found = await subtracted(server, ds, 3, mask)
    assert differ(found, around(2.0 * (RUN[2] - RUN[0]))) <= 1
    whole = await subtracted(server, run(), 3, mask, SoftcopyVOILUTSequence=None)
    assert differ(whole, around(RUN[2] - RUN[0], width=2 * 4095)) <= 1


async def test_a_mask_is_for_the_frames_in_its_range(server):
    mask = {"MaskOperation": "AVG_SUB", "MaskFrameNumbers": 1, "ApplicableFrameRange": [4, 4]}
    window = items({"WindowCenter": 1000, "WindowWidth": 2000})
    ds = run()
    found = await subtracted(server, ds, 3, mask, SoftcopyVOILUTSequence=window)
    assert differ(found, np.clip(((RUN[2] - 999.5) / 1999 + 0.5) * 255, 0, 255)) <= 0.5


async def test_a_mask_is_moved_before_it_is_taken_away(server):
    """PS3.3 C.7.6.10.1.2, C.11.19.1.2: down and to the right; the last region counts."""
    mask = {"MaskOperation": "AVG_SUB", "MaskFrameNumbers": 1, "SubtractionItemID": 7}
    found = await subtracted(server, run(), 3, mask | {"MaskSubPixelShift": [2.0, 1.0]})
    moved = around(RUN[2][2:, 1:].astype(float) - RUN[0][:-2, :-1])
    assert np.abs(found[2:, 1:] - moved).max() <= 1
    corner = {"MaskSubPixelShift": [0.0, 0.5], "VerticesOfTheRegion": [1, 1, 1, 9, 6, 9, 6, 1]}
    shifts = items(
        {"SubtractionItemID": 7, "PixelShiftFrameRange": [3, 3],
         "RegionPixelShiftSequence": items(corner)},
    )  # fmt: skip
    found = await subtracted(server, run(), 3, mask, PixelShiftSequence=shifts)
    halfway = (RUN[0][:6, 1:9] + RUN[0][:6, :8]) / 2
    assert np.abs(found[:6, 1:9] - around(RUN[2][:6, 1:9] - halfway)).max() <= 1
    assert np.abs(found[7:] - around(RUN[2][7:].astype(float) - RUN[0][7:])).max() <= 1


async def test_a_compound_graphic_is_shown_by_its_simple_ones(server):
    """REND-37, PS3.3 C.10.5.1.3.1: every one comes with them, linked by its ID."""
    compound = {
        "CompoundGraphicInstanceID": 1, "CompoundGraphicType": "RECTANGLE",
        "GraphicDimensions": 2, "NumberOfGraphicPoints": 2, "GraphicData": [3.0, 3.0, 12.0, 9.0],
        "CompoundGraphicUnits": "PIXEL",
    }  # fmt: skip
    simple = {
        "CompoundGraphicInstanceID": 1, "GraphicAnnotationUnits": "PIXEL", "GraphicDimensions": 2,
        "NumberOfGraphicPoints": 5, "GraphicType": "POLYLINE", "GraphicFilled": "N",
        "GraphicData": [3.0, 3.0, 12.0, 3.0, 12.0, 9.0, 3.0, 9.0, 3.0, 3.0],
    }  # fmt: skip
    annotation = items(
        {"GraphicLayer": "A", "CompoundGraphicSequence": items(compound),
         "GraphicObjectSequence": items(simple)},
    )  # fmt: skip
    ds = picture(PixelData=bytes(2 * 12 * 20))
    layers = items({"GraphicLayer": "A", "GraphicLayerOrder": 1})
    made = state(ds, GraphicAnnotationSequence=annotation, GraphicLayerSequence=layers)
    found = await shown(server, ds, made)
    assert found[3, 3:13].min() == found[3:10, 12].min() == 255
    assert found[5, 5] == 0


# Overlays in the cells -------------------------------------------------------------

MARK = (X > 4) & (X < 9) & (Y > 5)


def marked(**attributes):
    """An overlay in bit 13 of cells of 12 bits, as it was up to 2004."""
    ds = picture(PixelData=(STORED | MARK << 13).astype("<u2").tobytes(), **attributes)
    for element, vr, value in (
        (0x0010, "US", 12), (0x0011, "US", 20), (0x0040, "CS", "G"), (0x0050, "SS", [1, 1]),
        (0x0100, "US", 16), (0x0102, "US", 13),
    ):  # fmt: skip
        ds.add_new(0x60000000 | element, vr, value)
    return ds


async def test_an_overlay_in_the_cells_is_drawn(server):
    """REND-17, PS3.3 C.9.2 (retired): white where its bit is set, and no grey level changes."""
    plain = pixels(await ask(server, await store(server, picture()) + "/rendered"))
    url = await store(server, marked())
    found = pixels(await ask(server, url + "/rendered"))
    assert (found[MARK] == 255).all()
    assert (found[~MARK] == plain[~MARK]).all()
    assert (pixels(await ask(server, url + "/thumbnail")) == plain).all()  # REND-44


async def test_an_overlay_in_the_cells_is_turned_on_by_a_state(server):
    """REND-37, PS3.3 C.11.7."""
    ds = marked()
    assert differ(await shown(server, ds, state(ds)), expected()) <= 0.5
    made = state(ds)
    made.add_new(0x60001001, "CS", "MARKS")
    found = pixels(await ask(server, await store(server, made) + "/rendered"))
    assert differ(found, np.where(MARK, 255, expected())) <= 0.5


async def test_a_bit_of_the_stored_values_is_no_overlay(server):
    ds = marked()
    ds[0x60000102].value = 5
    plain = pixels(await ask(server, await store(server, picture()) + "/rendered"))
    assert (pixels(await ask(server, await store(server, ds) + "/rendered")) == plain).all()
