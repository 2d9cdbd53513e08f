"""Frames become the arrays that other decoders make of them, and hostile ones nothing."""

from __future__ import annotations

import struct
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels import pixel_array

from dicomweb.pixels.codecs import native, rle
from dicomweb.pixels.codecs.table import CODECS, decode, decoded, undecodable
from dicomweb.pixels.description import PixelDescription, description_of, stored_values
from schemas.reasons import UNDECODABLE, Refused
from schemas.syntaxes import BY_UID, EXPLICIT_VR_LE, SYNTAXES
from tests import independent
from tests.pixels.stored import stored

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
_P = "1.2.840.10008.1.2"
JPEG, JPEG_LOSSLESS, JPEG_LS = BY_UID[_P + ".4.50"], BY_UID[_P + ".4.70"], BY_UID[_P + ".4.80"]
J2K, HTJ2K, JXL = BY_UID[_P + ".4.90"], BY_UID[_P + ".4.201"], BY_UID[_P + ".4.110"]
RLE, DEFLATED_FRAME = BY_UID[_P + ".5"], BY_UID[_P + ".8.1"]

GREY = PixelDescription(16, 24, 1, 8, 1, "MONOCHROME2", 8, 7)
GRADIENT = np.add.outer(np.arange(16), np.arange(24)).astype("u1")
STREAMS = {
    JPEG: imagecodecs.jpeg8_encode(GRADIENT),
    JPEG_LOSSLESS: imagecodecs.jpeg8_encode(GRADIENT, lossless=True, predictor=1),
    JPEG_LS: imagecodecs.jpegls_encode(GRADIENT),
    J2K: imagecodecs.jpeg2k_encode(GRADIENT, level=0, reversible=True, codecformat="J2K"),
    HTJ2K: imagecodecs.htj2k_encode(GRADIENT, reversible=True),
    JXL: imagecodecs.jpegxl_encode(GRADIENT, lossless=True),
    RLE: rle.encode(GRADIENT, GREY),
    DEFLATED_FRAME: native.deflate(GRADIENT, GREY),
    EXPLICIT_VR_LE: GRADIENT.tobytes(),
}
by_stream = pytest.mark.parametrize("syntax", STREAMS, ids=lambda syntax: syntax.name)

# fmt: off
OF_PYDICOM = (
    "SC_rgb_dcmtk_+eb+cr", "SC_rgb_dcmtk_+eb+cy+n1", "SC_rgb_dcmtk_+eb+cy+np",
    "SC_rgb_dcmtk_+eb+cy+s4", "SC_rgb_jpeg_dcmtk", "SC_rgb_jpeg_app14_dcmd",
    "SC_rgb_small_odd", "SC_rgb_small_odd_big_endian", "SC_rgb_small_odd_jpeg",
    "SC_rgb_rle_16bit_2frame", "SC_rgb_rle_32bit_2frame", "SC_ybr_full_422_uncompressed",
    "MR_small_RLE", "MR_small_bigendian", "rtdose_rle", "examples_ybr_color",
    "examples_palette", "liver_1frame", "liver_expb_1frame", "JPEG2000", "examples_jpeg2k",
    "J2K_pixelrep_mismatch", "693_J2KI", "SC_rgb_gdcm_KY",
)
"""What pydicom decodes with Pillow and numpy."""
OF_DCMTK = (
    "JPGExtended", "JPEG-lossy", "MR_small_jpeg_ls_lossless", "JPEGLSNearLossless_08",
    "JPEGLSNearLossless_16", "SC_rgb_jls_lossy_sample", "SC_rgb_jls_lossy_line",
    "SC_rgb_jpeg_gdcm", "GDCMJ2K_TextGBR",
)
"""What it does not; dcmtk and GDCM do."""
# fmt: on
FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def by_others(path: Path, tmp_path: Path) -> list[np.ndarray]:
    if path.stem in OF_DCMTK:
        return list(independent.values(path, tmp_path))
    ds = pydicom.dcmread(path)
    frames = min(3, int(ds.get("NumberOfFrames", 1) or 1))
    return [pixel_array(ds, index=index) for index in range(frames)]


def as_rgb(pixels, description):
    """By the matrix of ITU-R BT.601, as PS3.3 C.7.6.3.1.2 has it."""
    if description.PhotometricInterpretation != "YBR_FULL":
        return pixels
    y, cb, cr = (pixels[..., sample].astype(float) for sample in range(3))
    cb, cr = cb - 128, cr - 128
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
    return np.clip(np.round(rgb), 0, 255).astype("u1")


@pytest.mark.parametrize("name", OF_PYDICOM + OF_DCMTK)
@pytest.mark.filterwarnings("ignore")
def test_frames_are_what_others_decode(name, tmp_path):
    """ENC-05, 08, 28, 29, WADO-47: bit for bit, but for the rounding of lossy colours."""
    found = stored(FILES / f"{name}.dcm")
    native_form = decoded(found.syntax, found.description)
    by_others(FILES / f"{name}.dcm", tmp_path)
    loss = 2 if "YBR" in found.description.PhotometricInterpretation else 0
    for mine, theirs in zip(
        found.decoded(), by_others(FILES / f"{name}.dcm", tmp_path), strict=False
    ):
        values = as_rgb(stored_values(mine, native_form), native_form)
        assert values.shape == theirs.shape
        assert np.abs(values.astype(int) - theirs).max() <= loss


@by_stream
def test_shape_and_dtype_are_those_described(syntax):
    """Whatever the codec: rows x columns (x samples), the smallest integer of Bits Allocated."""
    pixels = decode(STREAMS[syntax], syntax, GREY)
    assert (pixels.shape, pixels.dtype) == (GREY.shape, np.dtype("u1"))
    assert np.abs(pixels.astype(int) - GRADIENT).max() <= (0 if syntax.lossless else 8)


@pytest.mark.parametrize("syntax", [JPEG_LS, J2K, HTJ2K], ids=lambda syntax: syntax.name)
def test_what_the_header_says_of_the_sign_counts(syntax):
    """PS3.5 8.2.3: JPEG-LS knows no sign; others are written with the wrong one."""
    encode = {
        JPEG_LS: lambda p: imagecodecs.jpegls_encode(p),
        J2K: lambda p: imagecodecs.jpeg2k_encode(p, level=0, reversible=True, codecformat="J2K"),
        HTJ2K: lambda p: imagecodecs.htj2k_encode(p, reversible=True),
    }[syntax]
    signed = (GRADIENT.astype("i2") - 20) * 100
    description = replace(GREY, BitsAllocated=16, BitsStored=16, HighBit=15, PixelRepresentation=1)
    pixels = decode(encode(signed.view("u2")), syntax, description)
    assert pixels.dtype == np.dtype("i2")
    assert (pixels == signed).all()


def test_a_smaller_codestream_fills_larger_cells():
    """ENC-28: 8 bits in cells of 16, as many writers leave it."""
    pixels = decode(STREAMS[JPEG_LS], JPEG_LS, replace(GREY, BitsAllocated=16))
    assert pixels.dtype == np.dtype("u2")
    assert (pixels == GRADIENT).all()


@pytest.mark.parametrize("bits, dtype", [(1, "u1"), (8, "u1"), (12, "u2"), (16, "u2"), (32, "u4")])
@given(data=st.data())
def test_native_cells_of_any_size(bits, dtype, data):
    """ENC-28, WADO-31: the first pixel is the least significant (PS3.5 8.1.1)."""
    cells = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=6, max_size=6))
    whole = sum(cell << n * bits for n, cell in enumerate(cells))
    description = replace(GREY, Rows=2, Columns=3, BitsAllocated=bits, BitsStored=bits)
    found = decode(whole.to_bytes((6 * bits + 7) // 8, "little"), EXPLICIT_VR_LE, description)
    assert found.dtype == np.dtype(dtype)
    assert found.ravel().tolist() == cells


def test_planes_are_put_together():
    """Planar Configuration 1 (PS3.3 C.7.6.3.1.3) is gone once decoded."""
    planes = np.arange(18, dtype="u1").reshape(3, 2, 3)
    description = PixelDescription(2, 3, 3, 8, 1, "RGB", 8, 7, PlanarConfiguration=1)
    assert (
        decode(planes.tobytes(), EXPLICIT_VR_LE, description) == planes.transpose(1, 2, 0)
    ).all()
    assert decoded(EXPLICIT_VR_LE, description).PlanarConfiguration == 0


@pytest.mark.parametrize(
    "element, dtype", [("FloatPixelData", "f4"), ("DoubleFloatPixelData", "f8")]
)
def test_floating_point_pixels(element, dtype):
    """WADO-46, OBJ-13: their header need not state Bits Allocated."""
    values = np.linspace(-1, 1, 6, dtype=dtype).reshape(2, 3)
    description = PixelDescription(2, 3, 1, 0, 1, "MONOCHROME2", element=element)
    assert (decode(values.tobytes(), EXPLICIT_VR_LE, description) == values).all()


def test_overlays_in_unused_bits_are_kept_and_can_be_taken_away():
    """WADO-50."""
    description = replace(GREY, Rows=1, Columns=2, BitsAllocated=16, BitsStored=12, HighBit=11)
    cells = decode(struct.pack("<2H", 0xF123, 0x0456), EXPLICIT_VR_LE, description)
    assert cells.tolist() == [[0xF123, 0x0456]]
    assert stored_values(cells, description).tolist() == [[0x123, 0x456]]
    signed = replace(description, PixelRepresentation=1)
    cells = decode(struct.pack("<2H", 0x0FFF, 0x0001), EXPLICIT_VR_LE, signed)
    assert stored_values(cells, signed).tolist() == [[-1, 1]]


def test_jpeg_xl_gives_what_the_jpeg_in_it_gives():
    """ENC-13: .111 holds a JPEG file, bit for bit."""
    rgb = np.stack([GRADIENT, GRADIENT[::-1], GRADIENT * 2], axis=-1)
    inside = imagecodecs.jpeg8_encode(rgb, level=95)
    description = replace(GREY, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422")
    found = decode(imagecodecs.jpegxl_encode_jpeg(inside), BY_UID[_P + ".4.111"], description)
    expected = decode(inside, JPEG, description)
    assert np.abs(found.astype(int) - expected).max() <= 4


@pytest.mark.skipif(not CORPUS.is_dir(), reason="The corpus of real files is not there.")
@pytest.mark.parametrize(
    "name, syntax",
    [("deflated-frame/liver_deflate.dcm", ".8.1"), ("jpeg-xl/will-jxl.dcm", ".4.111")],
)
def test_new_syntaxes_as_others_write_them(name, syntax):
    """ENC-12, ENC-13, OBJ-11: nobody else here reads them; the pictures have to make sense."""
    found = stored(CORPUS / "transfer-syntax" / name, frames_max=30)
    assert found.syntax.uid == _P + syntax
    arrays = found.decoded()
    assert {array.shape for array in arrays} == {found.description.shape}
    assert any(array.any() for array in arrays)


def made_of(frame: bytes, syntax) -> np.ndarray:
    """The pixels of a frame; zeros where there is a sentence instead.  All else is a crash."""
    try:
        return decode(frame, syntax, GREY)
    except Refused as refused:
        assert str(refused).startswith("The frame cannot be decoded: ")  # noqa: PT017
        return np.zeros(GREY.shape, "u1")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="The corpus of real files is not there.")
@pytest.mark.parametrize("name", ["CT1_JPH", "NM1_JPH", "US1_JPH", "htj2k_lossless_parity.dcm"])
def test_htj2k_is_what_openjph_makes_of_it(name):
    """ENC-13: OpenJPEG decodes it here; OpenJPH is the reference."""
    found = stored(CORPUS / "transfer-syntax" / "htj2k" / name)
    for frame, mine in zip(found.frames, found.decoded(), strict=True):
        assert (imagecodecs.htj2k_decode(frame, planar=False) == mine).all()


# What cannot be decoded ------------------------------------------------------------


@by_stream
def test_a_cut_frame_is_an_error(syntax):
    """ENC-30: at every tenth of it and near its end; nothing is made up for what is missing."""
    stream = STREAMS[syntax]
    for length in (*(len(stream) * tenth // 10 for tenth in range(9)), len(stream) - 5):
        with pytest.raises(Refused) as refused:
            decode(stream[:length], syntax, GREY)
        assert refused.value.reason is UNDECODABLE
        assert refused.value.detail.startswith("The frame cannot be decoded: ")


CUT_SECONDS_MAX = 1.0


@by_stream
def test_a_cut_frame_costs_nothing(syntax):
    """ENC-30: wherever it is cut; processor time, some decoders count to four thousand million."""
    stream = STREAMS[syntax]
    begun = time.thread_time()
    for length in range(len(stream)):
        made_of(stream[:length], syntax)
        made_of(stream[:length] + b"\xff\xd9", syntax)
    assert time.thread_time() - begun < CUT_SECONDS_MAX


@by_stream
def test_a_frame_of_another_size_than_the_header_says_is_an_error(syntax):
    """ENC-30: neither cut nor padded to fit."""
    for other in (
        replace(GREY, Rows=17),
        replace(GREY, Columns=25),
        replace(GREY, SamplesPerPixel=3),
    ):
        with pytest.raises(Refused, match=r"cannot be decoded"):
            decode(STREAMS[syntax], syntax, other)


BOMB_BYTES_MAX = 1024 * 1024


def enlarged(syntax) -> bytes:
    """The same codestream, saying that it has 60,000 x 60,000 pixels."""
    stream = bytearray(STREAMS[syntax])
    if syntax in (J2K, HTJ2K):
        at = stream.index(b"\xff\x51") + 6
        stream[at : at + 8] = struct.pack(">II", 60_000, 60_000)
    else:
        markers = (b"\xff\xc0", b"\xff\xc3", b"\xff\xf7")
        at = min(found for marker in markers if (found := stream.find(marker)) > 0) + 5
        stream[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    return bytes(stream)


@pytest.mark.parametrize(
    "syntax", [JPEG, JPEG_LOSSLESS, JPEG_LS, J2K, HTJ2K], ids=lambda syntax: syntax.name
)
def test_a_codestream_that_claims_to_be_huge_is_not_believed(syntax):
    """ENC-30: it is refused before a decoder makes room for it."""
    tracemalloc.start()
    with pytest.raises(Refused, match="60000 x 60000"):
        decode(enlarged(syntax), syntax, GREY)
    assert tracemalloc.get_traced_memory()[1] < BOMB_BYTES_MAX
    tracemalloc.stop()


@pytest.mark.parametrize("syntax", [RLE, DEFLATED_FRAME], ids=lambda syntax: syntax.name)
def test_what_grows_without_end_stops_at_the_size_of_the_frame(syntax):
    """ENC-30: runs and deflate streams can be far longer than their frame."""
    bomb = np.zeros((4096, 4096), "u1")
    encode = {RLE: rle.encode, DEFLATED_FRAME: native.deflate}[syntax]
    stream = encode(bomb, GREY)
    tracemalloc.start()
    assert not made_of(stream, syntax).any()
    assert tracemalloc.get_traced_memory()[1] < BOMB_BYTES_MAX
    tracemalloc.stop()


def test_what_no_memory_holds_is_not_tried():
    """ENC-30: the header can claim too much as well."""
    huge = replace(GREY, Rows=65_535, Columns=65_535)
    assert undecodable(J2K, huge)
    with pytest.raises(Refused, match="larger than is decoded here"):
        decode(STREAMS[J2K], J2K, huge)


@given(noise=st.binary(max_size=200), syntax=st.sampled_from(list(STREAMS)))
def test_noise_is_an_error_and_no_crash(noise, syntax):
    """ENC-30."""
    stream = STREAMS[syntax]
    for frame in (noise, stream[:40] + noise):
        assert made_of(frame, syntax).shape == GREY.shape


# The table ---------------------------------------------------------------------------


def test_every_transfer_syntax_has_a_codec_or_says_it_has_none():
    """ENC-01, ENC-06, ENC-07."""
    assert CODECS.keys() == {syntax.uid for syntax in SYNTAXES}
    video = [syntax for syntax in SYNTAXES if syntax.video]
    assert all("no decoder" in undecodable(syntax, GREY) for syntax in video)
    for suffix in (".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.90", ".4.201", ".4.110", ".5"):
        assert CODECS[_P + suffix].decode is not None


def test_a_description_survives_its_text():
    assert description_of(GREY.to_text()) == GREY
    assert description_of("") is None
