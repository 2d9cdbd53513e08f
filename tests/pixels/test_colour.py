"""Palettes, YBR spaces, wide samples and overlays (PS3.3 C.7.6.3, C.7.9, C.9.2)."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from dicomweb.pixels import colour, lookup, overlays
from dicomweb.pixels.image import Image
from dicomweb.pixels.lookup import expand
from schemas.keywords import DataSet
from schemas.reasons import Refused


def with_palette(descriptor, red, green, blue, *, segmented=False) -> DataSet:
    ds = Dataset()
    for name, data in (("Red", red), ("Green", green), ("Blue", blue)):
        ds.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", MultiValue(int, descriptor))
        keyword = f"{'Segmented' if segmented else ''}{name}PaletteColorLookupTableData"
        ds.add_new(keyword, "OW", data)
    return DataSet(ds.to_json_dict())


def words(*values: int) -> bytes:
    return np.array(values, "<u2").tobytes()


def test_a_palette_colours_stored_values():
    """REND-08: PALETTE COLOR; values outside take the first or the last colour."""
    ds = with_palette([3, 10, 16], words(0, 65535, 0), words(0, 0, 65535), words(65535, 0, 0))
    found = colour.from_palette(lookup.palette(ds, signed=False), np.array([[0, 10, 11, 12, 99]]))
    blue, red, green = [0, 0, 255], [255, 0, 0], [0, 255, 0]
    assert found.tolist() == [[blue, blue, red, green, green]]


def test_a_palette_of_eight_bits_in_sixteen_is_what_it_means():
    """Tables that say 16 bits and hold values up to 255."""
    ds = with_palette([2, 0, 16], words(0, 255), words(0, 255), words(0, 255))
    assert lookup.palette(ds, signed=False).colours.tolist() == [[0, 0, 0], [255, 255, 255]]


def test_a_segmented_palette_is_expanded():
    """PS3.3 C.7.9.2: discrete, linear and indirect segments."""
    data = words(0, 1, 0, 1, 4, 40, 2, 2, 0, 0)
    ds = with_palette([10, 0, 16], data, data, data, segmented=True)
    found = lookup.palette(ds, signed=False).colours[:, 0].tolist()
    assert found == [0, 10, 20, 30, 40, 0, 10, 20, 30, 40]


@pytest.mark.parametrize(
    "segments",
    [
        (0, 2, 1),
        (1, 65535, 9),
        (2, 65535, 0, 0),
        (9, 9, 9),
        (0, 1, 7, 2, 65535, 6, 0),
    ],
    ids=["cut", "a ramp from nowhere", "itself", "unknown", "beyond the end"],
)
def test_segments_that_make_no_table_are_refused_at_once(segments):
    """Issue 6: palette bombs."""
    begun = time.process_time()
    with pytest.raises(Refused):
        expand(np.array(segments, np.uint16), 65536, "Red")
    assert time.process_time() - begun < 0.2


@given(st.lists(st.integers(0, 65535), max_size=60), st.integers(1, 65536))
def test_whatever_the_segments_say_the_table_is_as_declared_or_refused(segments, count):
    """Issue 6: palette bombs."""
    with contextlib.suppress(Refused):
        assert len(expand(np.array(segments, np.uint16), count, "Red")) == count


def test_a_missing_palette_is_refused():
    with pytest.raises(Refused):
        lookup.palette(DataSet({}), signed=False)


def test_ybr_full_is_the_formula():
    """REND-08: PS3.3 C.7.6.3.1.2."""
    samples = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    y, b, r = (samples[..., n].astype(float) for n in range(3))
    b, r = b - 128, r - 128
    expected = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], axis=-1)
    found = colour.to_rgb(samples, "YBR_FULL")
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 1


def test_ybr_partial_spans_sixteen_to_235():
    """REND-08: YBR_PARTIAL_420."""
    samples = np.array([[[16, 128, 128], [235, 128, 128]]], np.uint8)
    assert colour.to_rgb(samples, "YBR_PARTIAL_420").tolist() == [[[0] * 3, [255] * 3]]


def test_of_wide_samples_the_upper_bits_are_shown():
    samples = np.array([[[0, 0x8000, 0xFFFF]]], np.uint16)
    assert colour.to_eight_bits(samples, 16).tolist() == [[[0, 128, 255]]]
    wide = np.array([[[0, 0x80000000, 0xFFFFFFFF]]], np.uint32)
    assert colour.to_eight_bits(wide, 32).tolist() == [[[0, 128, 255]]]


def test_a_cielab_value_becomes_its_colour():
    """PS3.3 C.10.7.1.1: white, black and a red."""
    assert colour.lab_to_rgb([65535, 32896, 32896]) == (255, 255, 255)
    assert colour.lab_to_rgb([0, 32896, 32896]) == (0, 0, 0)
    red, green, blue = colour.lab_to_rgb([34879, 53485, 50171])
    assert (red > 240, green < 40, blue < 40) == (True, True, True)


# Overlays --------------------------------------------------------------------------


def with_overlay(data: bytes, rows=2, columns=3, origin=(1, 1), **more) -> DataSet:
    ds = Dataset()
    ds.add_new(0x60000010, "US", rows)
    ds.add_new(0x60000011, "US", columns)
    ds.add_new(0x60000050, "SS", list(origin))
    ds.add_new(0x60000100, "US", 1)
    for tag, (vr, value) in more.items():
        ds.add_new(int(tag[1:], 16), vr, value)
    ds.add_new(0x60003000, "OW", data)
    return DataSet(ds.to_json_dict())


@pytest.mark.parametrize(
    "origin, expected",
    [
        ((1, 1), [[255, 0, 255, 0], [0, 255, 0, 0]]),
        ((2, 3), [[0, 0, 0, 0], [0, 0, 255, 0]]),
        ((0, 0), [[255, 0, 0, 0], [0, 0, 0, 0]]),
        ((9, 9), [[0] * 4, [0] * 4]),
    ],
)
def test_an_overlay_lies_where_its_origin_is(origin, expected):
    """PS3.3 C.9.2; what lies beside the image is cut off."""
    (overlay,) = overlays.overlays(with_overlay(b"\x15\x00", origin=origin), 1)
    image = Image(np.zeros((2, 4), np.uint8))
    assert overlays.drawn(image, overlay).pixels.tolist() == expected
    assert not image.pixels.any(), "a step leaves what it was given as it was"


def test_a_frame_has_its_own_overlay():
    frames = {"x60000015": ("IS", 2), "x60000051": ("US", 3)}
    ds = with_overlay(b"\xc1\x0f", **frames)
    masks = [[o.mask.sum() for o in overlays.overlays(ds, frame)] for frame in (1, 2, 3, 4, 5)]
    assert masks == [[], [], [1], [6], []]


def test_an_overlay_that_is_not_whole_is_not_there():
    """Issue 6: 65535 x 65535 with no bytes."""
    assert not list(overlays.overlays(with_overlay(b"\x00\x00", 65535, 65535), 1))
    assert not list(overlays.overlays(with_overlay(b"\x00\x00", 100, 100), 1))
