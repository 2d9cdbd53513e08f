"""Where frames lie: arithmetic for native ones, items for encapsulated ones."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

from dicomweb.pixels.description import PixelDescription
from dicomweb.pixels.frames import (
    FrameIndex,
    align,
    encapsulated,
    native,
)
from schemas.reasons import TRUNCATED, Refused
from tests.real_files import real_files, shown

JPEG = b"\xff\xd8\xff\xe0"


def description(**facts) -> PixelDescription:
    values = {
        "Rows": 2,
        "Columns": 3,
        "SamplesPerPixel": 1,
        "BitsAllocated": 16,
        "NumberOfFrames": 1,
        "PhotometricInterpretation": "MONOCHROME2",
    }
    return PixelDescription(**values | facts)


def found(data: bytes, frames: int, **options) -> list[bytes]:
    """The frames that the index of encapsulated `data` leads to."""
    index = index_of(data, frames, **options)
    return [cut(data, index.ranges(number + 1)) for number in range(index.frame_count)]


def index_of(data: bytes, frames: int, **options) -> FrameIndex:
    def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    return encapsulated(description(NumberOfFrames=frames), read, 0, len(data), **options)


def cut(data: bytes, ranges) -> bytes:
    return b"".join(data[offset : offset + length] for offset, length in ranges)


def items(*values: bytes, end: bool = True) -> bytes:
    made = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(v)) + v for v in values)
    return made + (b"\xfe\xff\xdd\xe0\0\0\0\0" if end else b"")


FRAMES = [JPEG + bytes([n]) * 10 * n for n in range(1, 5)]


# Encapsulated -----------------------------------------------------------------------


@pytest.mark.parametrize("fragments", [1, 2, 3])
@pytest.mark.parametrize("has_bot", [True, False], ids=["offset table", "empty offset table"])
def test_frames_are_those_that_were_encapsulated(fragments, has_bot):
    """WADO-48, WADO-49, ENC-04, ENC-05: without a table codestream markers tell."""
    data = encapsulate(FRAMES, fragments_per_frame=fragments, has_bot=has_bot)
    assert [f.rstrip(b"\0") for f in found(data + items(), 4)] == FRAMES


def test_an_extended_offset_table_tells_frames_apart():
    """ENC-04."""
    plain = [bytes([n]) * 20 for n in range(1, 4)]
    data, offsets, _ = encapsulate_extended(plain)
    split = items(b"", *(half for f in plain for half in (f[:10], f[10:])))
    table = struct.pack("<3Q", 0, 36, 72)
    assert found(data + items(), 3, extended_offsets=offsets) == plain
    assert found(split, 3, extended_offsets=table) == plain


def test_an_offset_table_that_disagrees_with_the_items_is_not_believed():
    data = items(struct.pack("<2I", 0, 5), JPEG + b"1 ", b"more", JPEG + b"2 ")
    assert found(data, 2) == [JPEG + b"1 more", JPEG + b"2 "]


def test_all_fragments_are_the_frame_where_there_is_one():
    assert found(items(b"", b"ab", b"cd", b"ef"), 1) == [b"abcdef"]


def test_a_video_is_one_stream():
    """WADO-43."""
    assert found(items(b"", b"ab", b"cd"), 300, video=True) == [b"abcd"]


def test_frames_that_cannot_be_told_apart_are_not_made_up():
    assert found(items(b"", b"ab", b"cd", b"ef"), 2) == []


def test_a_missing_delimiter_is_let_pass_where_the_items_are_whole():
    assert found(items(b"", b"ab", b"cd", end=False), 2) == [b"ab", b"cd"]


@pytest.mark.parametrize("left", range(1, len(items(b"", b"abcdefgh", end=False)) - 8))
def test_an_item_that_is_cut_is_refused(left):
    data = items(b"", b"abcdefgh", end=False)[: -left or None]
    if left == 16:
        return  # between two items: whole as far as it goes
    with pytest.raises(Refused) as refused:
        index_of(data, 1)
    assert refused.value.reason is TRUNCATED


def test_no_frames_are_found_in_nothing():
    assert found(items(b""), 1) == []


# Native -----------------------------------------------------------------------------


def test_native_frames_follow_one_another():
    index = native(description(NumberOfFrames=3), 100, 36)
    assert [index.ranges(n) for n in (1, 3)] == [((100, 12),), ((124, 12),)]
    assert index.ranges(0) is None
    assert index.ranges(4) is None


def test_frames_that_do_not_fit_are_not_there():
    assert native(description(NumberOfFrames=3), 0, 35).frame_count == 2


def test_two_thirds_of_the_bits_are_there_for_ybr_full_422():
    facts = {"SamplesPerPixel": 3, "BitsAllocated": 8}
    index = native(description(**facts, PhotometricInterpretation="YBR_FULL_422"), 0, 12)
    assert index.ranges(1) == ((0, 12),)


ABSURD = [
    {"Rows": 65535, "Columns": 65535},
    {"Rows": 0},
    {"NumberOfFrames": -1},
    {"BitsAllocated": 0},
    {"Rows": 1, "Columns": 1, "BitsAllocated": 1, "NumberOfFrames": 0},
]


@pytest.mark.parametrize("facts", ABSURD, ids=str)
def test_absurd_dimensions_have_no_frames(facts):
    assert native(description(**facts), 0, 0).frame_count == 0


def test_a_billion_frames_cost_what_one_does():
    index = native(description(NumberOfFrames=2**31), 0, 2**40)
    assert index.frame_count == 2**31
    assert len(index.to_bytes()) < 100


@given(st.integers(1, 40), st.integers(1, 6), st.data())
def test_one_bit_frames_begin_at_bit_zero_of_their_own(bits, count, data):
    """WADO-31: what is cut out of the packed bits is each frame's bits, and nothing after them."""
    frames = [data.draw(st.integers(0, 2**bits - 1)) for _ in range(count)]
    packed = sum(frame << number * bits for number, frame in enumerate(frames))
    source = packed.to_bytes((bits * count + 7) // 8, "little")
    index = native(
        description(Rows=1, Columns=bits, BitsAllocated=1, NumberOfFrames=count), 0, len(source)
    )
    for number, frame in enumerate(frames, start=1):
        piece = cut(source, index.ranges(number))
        aligned = align(piece, index.bit_shift(number), bits)
        assert int.from_bytes(aligned, "little") == frame


# Kept -------------------------------------------------------------------------------

NUMBERS = st.integers(0, 2**63)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=50), st.booleans(), st.data())
def test_what_is_written_is_read_back(fragments, grouped, data):
    offsets, lengths = [o for o, _ in fragments], [n for _, n in fragments]
    count, firsts = len(fragments), []
    if grouped and fragments:
        firsts = sorted({0, *data.draw(st.lists(st.integers(0, len(fragments) - 1)))})
        count = len(firsts)
    index = FrameIndex(count, offsets=offsets, lengths=lengths, firsts=firsts)
    again = FrameIndex.from_bytes(index.to_bytes())
    assert again.frame_count == count
    assert [again.ranges(n + 1) for n in range(count)] == [
        index.ranges(n + 1) for n in range(count)
    ]


@given(NUMBERS, NUMBERS, NUMBERS)
def test_what_is_written_of_native_frames_is_read_back(count, begin, bits):
    index = FrameIndex(count, begin, bits)
    assert FrameIndex.from_bytes(index.to_bytes()) == index


# Real files -------------------------------------------------------------------------


def files_with_frames() -> list[Path]:
    return [path for path in real_files() if expected_of(path)]


def expected_of(path: Path) -> list[bytes]:
    """The frames that pydicom finds; none where it finds none or cannot tell."""
    with warnings.catch_warnings(action="ignore"):
        return _expected_of(path)


def _expected_of(path: Path) -> list[bytes]:
    try:
        ds = pydicom.dcmread(path)
        encapsulated = ds.file_meta.TransferSyntaxUID.is_encapsulated
        count = int(ds.get("NumberOfFrames") or 1)
        found = list(generate_frames(ds.PixelData, number_of_frames=count))
    except Exception:
        return []
    return found if encapsulated else []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", files_with_frames(), ids=shown)
def test_frames_of_real_files_are_those_that_pydicom_finds(path):
    """WADO-32, WADO-48."""
    ds = pydicom.dcmread(path)
    ours = found(ds.PixelData + items(), int(ds.get("NumberOfFrames") or 1))
    assert [f.rstrip(b"\0") for f in ours] == [f.rstrip(b"\0") for f in expected_of(path)]
