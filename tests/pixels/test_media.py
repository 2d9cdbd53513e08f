"""What compressed images say of themselves, told of real ones: frames out of real DICOM files."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import generate_frames

from dicomweb.pixels import media
from schemas.reasons import NOT_AS_STATED, TRANSFER_SYNTAX, Refused
from schemas.syntaxes import BY_UID, syntax_of
from tests.real_files import real_files, shown

DESCRIBED = ("image/jpeg", "image/jls", "image/jp2", "image/jpx", "image/jphc", "image/jxl")
P = "1.2.840.10008.1.2"

MISLABELLED = {"sample-op.dcm"}
"""It says JPEG lossless and holds JPEG baseline."""
BROKEN = {"emri_small_jpeg_2k_lossless_too_short.dcm", "JPEG2000-embedded-sequence-delimiter.dcm"}
"""The pixel data of one is cut, that of the other is no image."""


def source(data: bytes, offset: int, length: int) -> bytes:
    return data[offset : offset + length]


def told(media_type: str, data: bytes, stated: str | None = None) -> media.Media:
    return media.read(media_type, partial(source, data), len(data), stated)


def compressed() -> list[Path]:
    """Real files whose pixel data is of a codec that describes itself."""
    found = []
    for path in real_files():
        with warnings.catch_warnings(action="ignore"):
            try:
                ds = pydicom.dcmread(path, stop_before_pixels=True)
                syntax = BY_UID.get(str(ds.file_meta.get("TransferSyntaxUID", "")))
            except Exception:
                continue
        if syntax is not None and syntax.media_type in DESCRIBED and "Rows" in ds:
            if path.name in BROKEN:
                continue
            found.append(path)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", compressed(), ids=shown)
def test_a_frame_of_a_real_file_says_what_its_header_says(path):
    """STOW-24, STOW-26."""
    ds = pydicom.dcmread(path)
    syntax = syntax_of(ds.file_meta.TransferSyntaxUID)
    if not ds["PixelData"].is_undefined_length:
        pytest.skip("The pixel data is not encapsulated.")
    frames = int(ds.get("NumberOfFrames") or 1)
    frame = next(generate_frames(ds.PixelData, number_of_frames=frames))
    found = told(syntax.media_type, frame)
    assert media.fits(syntax.uid, found.syntax) or path.name in MISLABELLED, found.syntax
    assert told(syntax.media_type, frame, syntax.uid).syntax in (syntax.uid, found.syntax)
    assert (found.Rows, found.Columns) == (ds.Rows, ds.Columns)
    if found.SamplesPerPixel:
        assert found.SamplesPerPixel == ds.SamplesPerPixel
        assert found.BitsStored <= ds.BitsAllocated


GREY = np.arange(64 * 48, dtype=np.uint8).reshape(64, 48)
COLOUR = np.stack([GREY, GREY.T.reshape(64, 48), 255 - GREY], axis=-1)
DEEP = GREY.astype(np.uint16) * 16

MADE = {
    "JPEG baseline, grey": ("image/jpeg", imagecodecs.jpeg8_encode(GREY), ".4.50", "MONOCHROME2"),
    "JPEG baseline, colour": (
        "image/jpeg",
        imagecodecs.jpeg8_encode(COLOUR, subsampling="422"),
        ".4.50",
        "YBR_FULL_422",
    ),
    "JPEG baseline, chroma of full size": (
        "image/jpeg",
        imagecodecs.jpeg8_encode(COLOUR, subsampling="444"),
        ".4.50",
        "YBR_FULL",
    ),
    "JPEG lossless": ("image/jpeg", imagecodecs.ljpeg_encode(DEEP), ".4.57", "MONOCHROME2"),
    "JPEG-LS": ("image/jls", imagecodecs.jpegls_encode(DEEP), ".4.80", "MONOCHROME2"),
    "JPEG-LS, near": (
        "image/jls",
        imagecodecs.jpegls_encode(GREY, level=2),
        ".4.81",
        "MONOCHROME2",
    ),
    "JPEG 2000": (
        "image/jp2",
        imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", reversible=True, mct=True),
        ".4.90",
        "YBR_RCT",
    ),
    "JPEG 2000, untransformed": (
        "image/jp2",
        imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", reversible=True, mct=False),
        ".4.90",
        "RGB",
    ),
    "JPEG 2000, lossy": (
        "image/jp2",
        imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", level=30, reversible=False, mct=True),
        ".4.91",
        "YBR_ICT",
    ),
    "JPEG XL": (
        "image/jxl",
        imagecodecs.jpegxl_encode(GREY, lossless=True),
        ".4.110",
        "MONOCHROME2",
    ),
    "JPEG XL, lossy": ("image/jxl", imagecodecs.jpegxl_encode(COLOUR, distance=2), ".4.112", "XYB"),
}


@pytest.mark.parametrize("media_type, data, suffix, colour", MADE.values(), ids=MADE)
def test_an_image_says_its_syntax_and_its_description(media_type, data, suffix, colour):
    """STOW-24, STOW-26, NEG-35."""
    found = told(media_type, data)
    assert found.syntax == P + suffix
    assert (found.Rows, found.Columns) == (64, 48)
    assert found.PhotometricInterpretation == colour
    assert found.SamplesPerPixel == (1 if colour == "MONOCHROME2" else 3)


def test_the_bits_of_a_deep_image_are_told():
    """STOW-24."""
    found = told("image/jls", imagecodecs.jpegls_encode(DEEP))
    assert (found.BitsAllocated, found.BitsStored, found.PixelRepresentation) == (16, 16, 0)


def test_the_boxes_of_a_jp2_file_are_taken_off():
    """STOW-26."""
    data = imagecodecs.jpeg2k_encode(GREY, codecformat="jp2", reversible=True)
    found = told("image/jp2", data)
    codestream = data[found.begin : found.begin + found.length]
    assert codestream.startswith(b"\xff\x4f\xff\x51")
    assert np.array_equal(imagecodecs.jpeg2k_decode(codestream), GREY)


@pytest.mark.parametrize(
    "stated, expected",
    [
        (".4.91", ".4.91"),  # may hold a reversible image
        (".4.90", ".4.90"),
        (".4.50", ".4.90"),  # another codec altogether
        (".4.93", ".4.93"),
        ("-nonsense", ".4.90"),
    ],
)
def test_a_syntax_is_believed_as_far_as_the_image_bears_it_out(stated, expected):
    """NEG-34: the image is nearer to the truth than its label."""
    data = imagecodecs.jpeg2k_encode(GREY, codecformat="j2k", reversible=True)
    assert told("image/jp2", data, P + stated).syntax == P + expected


def test_run_length_encoding_says_nothing_of_itself():
    assert told("image/dicom-rle", bytes(64)) == media.Media(P + ".5")


@pytest.mark.parametrize("media_type", DESCRIBED)
@pytest.mark.parametrize("data", [b"", b"\xff", b"%PDF-1.7 and more", bytes(100)])
def test_what_is_no_such_image_is_refused(media_type, data):
    """STOW-28."""
    with pytest.raises(Refused) as refused:
        told(media_type, data)
    assert refused.value.reason is NOT_AS_STATED


@pytest.mark.parametrize("stated", [None, P + ".4.50"])
def test_an_image_of_a_type_that_no_syntax_has_is_refused(stated):
    with pytest.raises(Refused) as refused:
        told("image/webp", b"RIFF", stated)
    assert refused.value.reason is TRANSFER_SYNTAX


@given(
    st.sampled_from([(media_type, data) for media_type, data, *_ in MADE.values()]),
    st.data(),
)
def test_a_damaged_image_is_told_of_or_refused(image, data):
    """STOW-59: never anything but an answer."""
    media_type, whole = image
    at = data.draw(st.integers(0, min(len(whole), 300)))
    junk = data.draw(st.binary(max_size=8))
    damaged = whole[:at] + junk + whole[at + len(junk) :]
    for cut in (damaged, damaged[:at]):
        try:
            found = told(media_type, cut)
        except Refused:
            continue
        assert found.syntax in BY_UID
