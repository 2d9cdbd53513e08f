"""Where the values of an instance lie, as the index keeps it."""

from __future__ import annotations

from array import array

import orjson
import pytest

from dicomweb.pixels.frames import FrameIndex
from dicomweb.pixels.layout import _JSON_LENGTH, Layout
from schemas.dicom_json import Bulk

PIXELS = "7FE00010"
OFFSETS, LENGTHS = array("Q", [1000, 1500, 2200, 2300]), array("Q", [400, 600, 100, 50])
RANGES = tuple(zip(OFFSETS, LENGTHS, strict=True))
OTHER = Bulk("OW", ((10, 20), (40, 4)), 2)


def layout(ranges=RANGES, firsts=()) -> Layout:
    bulk = {"00091010": OTHER, PIXELS: Bulk("OB", ranges)}
    frames = FrameIndex(2 if firsts else 4, 0, 0, OFFSETS, LENGTHS, firsts)
    return Layout(bulk, frames, PIXELS)


@pytest.mark.parametrize("firsts", [(), array("Q", [0, 2])], ids=["one a frame", "two a frame"])
def test_the_fragments_of_frames_are_kept_once_and_found_as_the_value(firsts):
    """WADO-RS frames and the Pixel Data as a whole (PS3.18 8.7.3.3.2) lie in the same places."""
    data = layout(firsts=firsts).to_bytes()
    assert b"1500" not in data, "what the frame index says is not said again as a text"
    found = Layout.from_bytes(data)
    assert tuple(found.bulk[PIXELS].ranges) == RANGES
    assert found.bulk["00091010"] == OTHER
    assert found.frames is not None
    assert found.frames.ranges(2) == (RANGES[1:2] if not firsts else RANGES[2:])


@pytest.mark.parametrize(
    "ranges",
    [RANGES[:3], (*RANGES, (2400, 8)), ((1000, 1350),), (), (*RANGES[:3], (2300, 48))],
    ids=["fewer", "more", "one", "none", "another length"],
)
def test_a_value_that_is_not_just_its_frames_keeps_its_own_places(ranges):
    found = Layout.from_bytes(layout(ranges).to_bytes())
    assert tuple(found.bulk[PIXELS].ranges) == ranges


def test_what_an_earlier_version_kept_is_read():
    """It said the places of the Pixel Data as a text too."""
    facts = orjson.dumps([{PIXELS: ["OB", RANGES, 1]}, PIXELS])
    old = _JSON_LENGTH.pack(len(facts)) + facts + layout().frames.to_bytes()
    assert tuple(Layout.from_bytes(old).bulk[PIXELS].ranges) == RANGES


def test_some_of_the_fragments_are_as_those_of_a_tuple():
    fragments = Layout.from_bytes(layout().to_bytes()).bulk[PIXELS].ranges
    assert (fragments[-1], tuple(fragments[1:3]), len(fragments)) == (RANGES[-1], RANGES[1:3], 4)
    with pytest.raises(IndexError):
        fragments[4]
