"""What a video says of itself: small ones made here, and real ones out of DICOM files."""

from __future__ import annotations

import struct
import warnings

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import generate_fragments

from dicomweb.pixels import videos
from schemas.reasons import NOT_AS_STATED, Refused
from schemas.syntaxes import BY_UID, syntax_of
from tests.real_files import real_files, shown

P = "1.2.840.10008.1.2"
ROWS, COLUMNS, FRAMES = 480, 640, 50


def box(kind: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), kind) + inside


def avc(profile: int = 100, level: int = 40) -> bytes:
    return box(b"avcC", bytes([1, profile, 0, level]) + bytes(4))


def hevc(profile: int) -> bytes:
    return box(b"hvcC", bytes([1, profile]) + bytes(20))


def entry(kind: bytes, configuration: bytes) -> bytes:
    visual = bytes(24) + struct.pack(">HH", COLUMNS, ROWS) + bytes(50)
    return box(kind, visual, configuration)


def mp4(sample_entry: bytes, *, header: bytes | None = None) -> bytes:
    """An MP4 file of 50 frames at 25 a second, without the frames."""
    time = header or bytes(12) + struct.pack(">II", 25, FRAMES) + bytes(4)
    table = box(
        b"stbl",
        box(b"stsd", bytes(4) + struct.pack(">I", 1), sample_entry),
        box(b"stsz", bytes(4) + struct.pack(">II", 0, FRAMES)),
    )
    sound = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", bytes(8))))))
    video = box(b"trak", box(b"mdia", box(b"mdhd", time), box(b"minf", table)))
    return box(b"ftyp", b"isom") + box(b"moov", sound, video) + box(b"mdat", bytes(100))


def mpeg2(rows: int, columns: int, rate: int) -> bytes:
    size = (columns << 12 | rows).to_bytes(3, "big")
    return b"\x00\x00\x01\xba" + bytes(20) + b"\x00\x00\x01\xb3" + size + bytes([0x30 | rate])


def told(media_type: str, data: bytes, stated: str | None = None):
    def source(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    return videos.read(media_type, source, len(data), stated)


@pytest.mark.parametrize(
    "sample_entry, suffix",
    [
        pytest.param(entry(b"avc1", avc(100, 41)), ".4.102", id="AVC level 4.1"),
        pytest.param(entry(b"avc1", avc(100, 42)), ".4.104", id="AVC level 4.2"),
        pytest.param(entry(b"avc1", avc(128, 41)), ".4.106", id="AVC stereo"),
        pytest.param(entry(b"hvc1", hevc(1)), ".4.107", id="HEVC Main"),
        pytest.param(entry(b"hev1", hevc(2)), ".4.108", id="HEVC Main 10"),
        pytest.param(entry(b"avc1", b""), ".4.102", id="nothing said of the profile"),
    ],
)
def test_an_mp4_file_says_its_syntax_size_and_length(sample_entry, suffix):
    """STOW-24, STOW-26."""
    found = told("video/mp4", mp4(sample_entry))
    assert found.syntax == P + suffix
    assert (found.Rows, found.Columns, found.NumberOfFrames) == (ROWS, COLUMNS, FRAMES)
    assert found.FrameTime == 40.0
    assert found.PhotometricInterpretation == "YBR_PARTIAL_420"


def test_a_long_video_has_its_duration_in_64_bits():
    header = b"\1" + bytes(19) + struct.pack(">IQ", 50, FRAMES) + bytes(4)
    assert told("video/mp4", mp4(entry(b"avc1", avc()), header=header)).FrameTime == 20.0


@pytest.mark.parametrize(
    "rows, columns, rate, suffix, milliseconds",
    [(576, 720, 3, ".4.100", 40.0), (1080, 1920, 5, ".4.101", 1000 / 30)],
    ids=["main level", "high level"],
)
def test_an_mpeg_2_stream_says_its_syntax_and_size(rows, columns, rate, suffix, milliseconds):
    """STOW-24, STOW-26."""
    found = told("video/mpeg", mpeg2(rows, columns, rate))
    assert (found.syntax, found.Rows, found.Columns) == (P + suffix, rows, columns)
    assert found.FrameTime == milliseconds


def test_a_bare_stream_is_what_its_sender_says():
    """NEG-35: the default where nobody says."""
    stream = b"\0\0\0\1" + bytes(50)
    assert told("video/h265", stream).syntax == P + ".4.107"
    assert told("video/h265", stream, P + ".4.108").syntax == P + ".4.108"
    assert told("video/h265", stream).Rows == 0


def test_a_syntax_that_is_no_videos_is_not_believed():
    assert told("video/mp4", mp4(entry(b"avc1", avc())), P + ".4.50").syntax == P + ".4.102"


@pytest.mark.parametrize("media_type", ["video/mp4", "video/mpeg", "video/h265"])
@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", bytes(2000)], ids=["nothing", "PDF", "zeros"])
def test_what_is_no_such_video_is_refused(media_type, data):
    with pytest.raises(Refused) as refused:
        told(media_type, data)
    assert refused.value.reason is NOT_AS_STATED


def test_a_file_without_a_track_of_video_is_refused():
    with pytest.raises(Refused, match="no track"):
        told("video/mp4", box(b"ftyp", b"isom") + box(b"moov"))


@given(st.data())
def test_a_damaged_file_is_told_of_or_refused(data):
    """STOW-59."""
    whole = mp4(entry(b"avc1", avc()))
    at = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=8))
    reasons = set()
    for damaged in (whole[:at], whole[:at] + junk + whole[at + len(junk) :]):
        try:
            assert told("video/mp4", damaged).syntax in BY_UID
        except Refused as refused:
            reasons.add(refused.reason)
    assert reasons <= {NOT_AS_STATED}


def real_videos():
    found = []
    for path in real_files():
        with warnings.catch_warnings(action="ignore"):
            try:
                ds = pydicom.dcmread(path, stop_before_pixels=True)
                syntax = syntax_of(str(ds.file_meta.get("TransferSyntaxUID", "")))
            except Exception:
                continue
        if syntax.video:
            found.append(path)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", real_videos(), ids=shown)
def test_a_real_video_says_what_its_header_says(path):
    """STOW-24, STOW-26."""
    ds = pydicom.dcmread(path)
    syntax = syntax_of(ds.file_meta.TransferSyntaxUID)
    data = b"".join([*generate_fragments(ds.PixelData)][1:])
    found = told(syntax.media_type.lower(), data, syntax.uid)
    assert found.syntax == syntax.uid
    assert found.Rows in (0, ds.Rows)
    assert found.Columns in (0, ds.Columns)
