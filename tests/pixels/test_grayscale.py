"""From stored values to grey levels, against the formulae of PS3.3 written out again."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from pydicom.dataset import Dataset

from dicomweb.pixels import grayscale, lookup
from dicomweb.pixels.grayscale import Grayscale, Rescale, to_grey, windowed
from dicomweb.pixels.looks import look, voi
from dicomweb.pixels.lookup import Lut
from schemas.keywords import DataSet
from schemas.reasons import Refused
from schemas.view import Window, WindowFunction

LINEAR, EXACT, SIGMOID = (
    WindowFunction.LINEAR,
    WindowFunction.LINEAR_EXACT,
    WindowFunction.SIGMOID,
)


def described(**attributes) -> DataSet:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return DataSet(ds.to_json_dict())


def linear(x: float, c: float, w: float) -> float:
    """PS3.3 C.11.2.1.2.1, word by word."""
    if x <= c - 0.5 - (w - 1) / 2:
        return 0
    if x > c - 0.5 + (w - 1) / 2:
        return 255
    return ((x - (c - 0.5)) / (w - 1) + 0.5) * 255


def linear_exact(x: float, c: float, w: float) -> float:
    """PS3.3 C.11.2.1.3.2."""
    if x <= c - w / 2:
        return 0
    if x > c + w / 2:
        return 255
    return ((x - c) / w + 0.5) * 255


def sigmoid(x: float, c: float, w: float) -> float:
    """PS3.3 C.11.2.1.3.1."""
    return 255 / (1 + math.exp(min(700, -4 * (x - c) / w)))


FORMULAE = {LINEAR: linear, EXACT: linear_exact, SIGMOID: sigmoid}


@pytest.mark.parametrize("function", FORMULAE)
@pytest.mark.parametrize("center, width", [(40, 400), (0.5, 1), (-3.25, 7.5), (2048, 4096), (1, 2)])
def test_a_window_is_the_standards_formula(function, center, width):
    """REND-15."""
    values = np.arange(-500, 500, 0.25)
    found = windowed(Window(center, width, function), values) * 255
    expected = [FORMULAE[function](x, center, width) for x in values]
    assert np.abs(found - expected).max() < 1e-6


def test_the_steps_come_in_their_order():
    """REND-13: slope and intercept, then the window, then eight bits."""
    stored = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64)
    spec = Grayscale(12, signed=False, modality=Rescale(2, -1024), voi=Window(40, 400))
    grey = to_grey(spec, stored)
    for value in (0, 411, 412, 500, 532, 631, 632, 4095):
        expected = linear(value * 2 - 1024, 40, 400)
        assert abs(int(grey.flat[value]) - expected) <= 0.5


def test_monochrome1_is_inverted_last():
    """REND-13, REND-08."""
    stored = np.array([[0, 128, 255]], np.uint8)
    plain, inverted = (
        to_grey(Grayscale(8, signed=False, inverted=inverted), stored) for inverted in (False, True)
    )
    assert (plain == [[0, 128, 255]]).all()
    assert (inverted == 255 - plain).all()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32"])
def test_every_width_gives_the_same_levels(dtype):
    """ENC and REND-13: what is looked up and what is calculated agree."""
    stored = np.arange(-100, 100, dtype=np.int64).clip(np.iinfo(dtype).min).astype(dtype)
    spec = Grayscale(stored.itemsize * 8, dtype[0] == "i", Rescale(1.5, 7), Window(20, 120))
    expected = [round(linear(int(x) * 1.5 + 7, 20, 120), 9) for x in stored]
    assert np.abs(to_grey(spec, stored[np.newaxis]) - np.array(expected)).max() <= 0.5


LINES = [
    Grayscale(12, False, voi=Window(2048, 4096)),
    Grayscale(12, True, Rescale(1, -1024), Window(40, 400), inverted=True),
    Grayscale(16, True, Rescale(-0.3, 17), Window(-100, 5000, EXACT), padding=(-2000, -2000)),
    Grayscale(16, False, Rescale(1, -1024), Window(50, 350, SIGMOID)),
    Grayscale(14, False, voi=Window(300, 1)),
]


@pytest.mark.parametrize("spec", LINES, ids=lambda spec: f"{spec.bits} bits, {spec.voi}")
def test_a_large_frame_has_the_same_levels_as_a_small_one(spec):
    """Issue 6: what is calculated in place of being looked up, differs in no pixel."""
    least, largest = spec.stored_range
    values = np.arange(least, largest + 1, dtype="i2" if spec.signed else "u2").reshape(64, -1)
    once = to_grey(spec, values)
    times = grayscale.LINE_PIXELS_PER_VALUE
    assert np.array_equal(to_grey(spec, np.tile(values, (times, 1))), np.tile(once, (times, 1)))


def test_a_large_frame_may_hold_more_than_its_values():
    """WADO-50, PS3.5 8.1.1: overlays in unused bits of some of its cells change no grey level."""
    spec = LINES[0]
    cells = np.tile(np.arange(4096, dtype="u2"), (100 * grayscale.LINE_PIXELS_PER_VALUE, 1))
    plain = grayscale.cells_to_grey(spec, cells)
    cells[-1, 7:9] |= 0xF000
    assert np.array_equal(grayscale.cells_to_grey(spec, cells), plain)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_fractions_are_shown_and_what_is_no_number_is_black(dtype):
    """REND-08: Float and Double Float Pixel Data."""
    stored = np.array([[0.0, 0.25, 0.5, 1.0, np.nan, np.inf, -np.inf]], dtype)
    spec = Grayscale(32, signed=True)
    assert to_grey(spec, stored).tolist() == [[0, 64, 128, 255, 0, 0, 0]]


def test_without_a_window_the_frame_decides():
    """REND-14: from the least to the largest value of a frame of more than eight bits."""
    stored = np.array([[100, 200, 300]], np.uint16)
    assert to_grey(Grayscale(12, signed=False), stored).tolist() == [[0, 128, 255]]


def test_eight_bits_are_shown_as_they_are():
    """REND-14, documented: such values are meant to be seen as they are."""
    stored = np.array([[100, 120]], np.uint8)
    assert to_grey(Grayscale(8, signed=False), stored).tolist() == [[100, 120]]


def test_padding_is_background_and_does_not_count():
    """REND-16."""
    stored = np.array([[-2000, 0, 50, 100]], np.int16)
    spec = Grayscale(16, signed=True, padding=(-2000, -2000), inverted=True)
    assert to_grey(spec, stored).tolist() == [[0, 255, 128, 0]]


def test_a_frame_of_padding_alone_is_black():
    """REND-16."""
    spec = Grayscale(16, signed=True, padding=(0, 5))
    assert not to_grey(spec, np.array([[0, 5, 3]], np.int16)).any()


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_a_frame_of_one_value_is_shown(value):
    stored = np.full((2, 2), value, np.uint16)
    assert to_grey(Grayscale(16, signed=False), stored).shape == (2, 2)


# What the header says --------------------------------------------------------------


def test_the_first_window_that_is_one_is_taken():
    """REND-14; a width of 0 is no window."""
    ds = described(WindowCenter=[10, 20], WindowWidth=[0, 5])
    assert voi(ds, signed=False) == Window(20, 5)
    exact = described(WindowCenter=1, WindowWidth=0.5, VOILUTFunction="LINEAR_EXACT")
    assert voi(exact, signed=False) == Window(1, 0.5, EXACT)
    assert voi(described(WindowCenter=1), signed=False) is None


def test_functional_groups_come_before_the_top_level():
    """OBJ-03, REND-14: per frame, then shared."""

    def values(slope, center):
        group, transformation, window = Dataset(), Dataset(), Dataset()
        transformation.RescaleSlope, transformation.RescaleIntercept = slope, 0
        window.WindowCenter, window.WindowWidth = center, 100
        group.PixelValueTransformationSequence = [transformation]
        group.FrameVOILUTSequence = [window]
        return group

    own = values(3, 30)
    del own.FrameVOILUTSequence
    ds = described(
        PhotometricInterpretation="MONOCHROME2",
        WindowCenter=1,
        WindowWidth=2,
        SharedFunctionalGroupsSequence=[values(2, 20)],
        PerFrameFunctionalGroupsSequence=[own, values(4, 40)],
    )
    first, second = (look(ds, n, bits=12, signed=False).grayscale for n in (1, 2))
    assert (first.modality, first.voi) == (Rescale(3, 0), Window(20, 100))
    assert (second.modality, second.voi) == (Rescale(4, 0), Window(40, 100))


def item(descriptor, data) -> DataSet:
    ds = Dataset()
    ds.add_new("LUTDescriptor", "US", descriptor)
    ds.add_new("LUTData", "OW" if isinstance(data, bytes) else "US", data)
    return DataSet(ds.to_json_dict())


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_lut_maps_its_range_and_holds_its_ends(bits):
    """REND-13: VOI LUTs of 8 to 16 bits; inputs outside take the first or the last entry."""
    largest = (1 << bits) - 1
    table = lookup.lut(item([3, 10, bits], [0, largest // 2, largest]), signed=False)
    spec = Grayscale(12, signed=False, voi=table)
    stored = np.array([[0, 10, 11, 12, 4000]], np.uint16)
    assert to_grey(spec, stored).tolist() == [[0, 0, 127, 255, 255]]


def test_a_lut_of_eight_bits_may_be_packed():
    table = lookup.lut(item([4, 0, 8], b"\x00\x10\x20\xff"), signed=False)
    assert table.entries.tolist() == [0, 16, 32, 255]


def test_a_lut_for_signed_values_begins_below_zero():
    table = lookup.lut(item([2, 65534, 8], [0, 255]), signed=True)
    assert table.first == -2


def test_an_entry_count_of_zero_is_65536():
    """PS3.3 C.11.1.1."""
    data = np.arange(65536, dtype="<u2").tobytes()
    assert len(lookup.lut(item([0, 0, 16], data), signed=False).entries) == 65536


@pytest.mark.parametrize(
    "descriptor, data",
    [
        ([0, 0, 16], b"\x00\x01"),
        ([4096, 0, 12], [1, 2, 3]),
        ([2, 0, 0], [1, 2]),
        ([2, 0, 99], [1, 2]),
        ([2, 0], [1, 2]),
        ([256, 0, 8], b""),
    ],
    ids=["65536 of 1", "short", "no bits", "99 bits", "no descriptor", "empty"],
)
def test_a_lut_that_is_not_whole_is_refused_at_once(descriptor, data):
    """Issue 6, bounded: a clear error in milliseconds."""
    begun = time.process_time()
    with pytest.raises(Refused) as refused:
        lookup.lut(item(descriptor, data), signed=False)
    assert refused.value.reason.http == 500
    assert time.process_time() - begun < 0.05


def test_a_presentation_lut_is_the_last_step():
    """REND-13."""
    table = Lut(0, np.array([255, 0], np.uint16), 8)
    spec = Grayscale(8, signed=False, presentation=table)
    assert to_grey(spec, np.array([[0, 255]], np.uint8)).tolist() == [[255, 0]]
