"""Frames through every codec and back: equal where nothing is lost, close where something is."""

from __future__ import annotations

from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dicomweb.pixels.codecs.table import CODECS, decode, decoded, encode, encoded, unencodable
from dicomweb.pixels.description import PixelDescription
from dicomweb.pixels.transcoding import transcoding, wanted_of
from schemas.reasons import NOT_ACCEPTABLE, UNDECODABLE, Refused
from schemas.syntaxes import BY_UID, EXPLICIT_VR_LE

_P = "1.2.840.10008.1.2"
ENCODERS = [codec for codec in CODECS.values() if codec.encoder is not None]
LOSSLESS = [codec.syntax for codec in ENCODERS if not codec.encoder.method]
LOSSY = [codec.syntax for codec in ENCODERS if codec.encoder.method]
JPEG, J2K, J2K_ANY = BY_UID[_P + ".4.50"], BY_UID[_P + ".4.90"], BY_UID[_P + ".4.91"]
JXL_OF_JPEG, HTJ2K_RPCL, RLE = BY_UID[_P + ".4.111"], BY_UID[_P + ".4.202"], BY_UID[_P + ".5"]

GREY = PixelDescription(16, 24, 1, 8, 1, "MONOCHROME2", 8, 7)
KINDS = {
    "grey 8": GREY,
    "grey 12 in 16": replace(GREY, BitsAllocated=16, BitsStored=12, HighBit=11),
    "grey 16": replace(GREY, BitsAllocated=16, BitsStored=16, HighBit=15),
    "signed 16": replace(GREY, BitsAllocated=16, BitsStored=16, HighBit=15, PixelRepresentation=1),
    "signed 8": replace(GREY, PixelRepresentation=1),
    "grey 32": replace(GREY, BitsAllocated=32, BitsStored=32, HighBit=31),
    "one bit": replace(GREY, BitsAllocated=1, BitsStored=1, HighBit=0),
    "palette": replace(GREY, PhotometricInterpretation="PALETTE COLOR"),
    "RGB": replace(GREY, SamplesPerPixel=3, PhotometricInterpretation="RGB"),
    "YBR": replace(GREY, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL"),
    "RGB 16": replace(
        GREY,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
    ),
    "floats": replace(GREY, BitsAllocated=32, element="FloatPixelData"),
}
by_syntax = pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name)
by_lossy = pytest.mark.parametrize("syntax", LOSSY, ids=lambda syntax: syntax.name)
by_kind = pytest.mark.parametrize("kind", KINDS)


def there_and_back(pixels, syntax, description):
    frame = encode(pixels, syntax, description)
    result = encoded(syntax, description)
    assert decoded(syntax, result).PhotometricInterpretation in (
        description.PhotometricInterpretation,
        "RGB",
    )
    return decode(frame, syntax, result)


@by_syntax
@by_kind
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_lossless_means_every_bit(syntax, kind, data):
    """ENC-05, 08, 12, 13, 29; WADO-50: any cells, also those no header should allow."""
    rows, columns = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    description = replace(KINDS[kind], Rows=rows, Columns=columns)
    if unencodable(syntax, description):
        return
    noise = data.draw(st.booleans())
    if noise:
        seed = data.draw(st.integers(0, 1000))
        raw = np.random.default_rng(seed).bytes(description.array_bytes)
        pixels = np.frombuffer(raw, description.dtype).reshape(description.shape)
    else:
        pixels = data.draw(arrays.arrays(description.dtype, description.shape))
    if description.bits == 1:
        pixels = pixels & 1
    assert there_and_back(pixels, syntax, description).tobytes() == pixels.tobytes()


def picture(description: PixelDescription) -> np.ndarray:
    """Something smooth with an edge, over the whole range of Bits Stored."""
    rows, columns = description.Rows, description.Columns
    ramp = np.add.outer(np.linspace(0, 0.7, rows), np.linspace(0, 0.25, columns))
    ramp[rows // 3 : rows // 2] += 0.05
    if description.SamplesPerPixel == 3:
        ramp = np.stack([ramp, ramp[::-1], ramp * 0.5], axis=-1)
    values = ramp * (2**description.BitsStored - 1)
    if description.PixelRepresentation == 1:
        values -= 2 ** (description.BitsStored - 1)
    return values.astype(description.dtype)


def decibels(pixels, found) -> float:
    error = np.sqrt(np.mean((pixels.astype(float) - found) ** 2))
    peak = max(255.0, float(pixels.max()) - float(pixels.min()))
    return float("inf") if error == 0 else 20 * np.log10(peak / error)


@by_lossy
@by_kind
def test_lossy_means_close(syntax, kind):
    """ENC-09: 45 dB for wavelets, which are made for 50; 33 dB for JPEG with shared chrominance."""
    description = replace(KINDS[kind], Rows=120, Columns=90)
    if unencodable(syntax, description) or kind == "YBR":
        return
    pixels = picture(description)
    found = there_and_back(pixels, syntax, description)
    assert decibels(pixels, found) > (33 if syntax is JPEG else 45)


def test_bright_pixels_do_not_wrap_around():
    """Lossy HTJ2K goes beyond the range at edges: what is too bright must not turn dark."""
    syntax = BY_UID[_P + ".4.203"]
    edges = np.where(np.add.outer(np.arange(64), np.arange(64)) // 8 % 2, 255, 0).astype("u1")
    description = replace(GREY, Rows=64, Columns=64)
    found = there_and_back(edges, syntax, description)
    assert np.abs(found.astype(int) - edges).max() < 64


@by_kind
def test_what_does_not_fit_has_a_sentence(kind):
    """ENC-08, NEG-29: and what fits has none."""
    for codec in CODECS.values():
        why = unencodable(codec.syntax, KINDS[kind])
        assert (why == "") or (why.endswith(".") and codec.syntax.name in why)
    fits = [s.uid.removeprefix(_P) for s in LOSSLESS + LOSSY if not unencodable(s, KINDS[kind])]
    native = ["", ".1", ".1.99"]
    if kind == "floats":
        assert fits == native
    elif kind == "one bit":
        assert fits == [*native, ".1.98", ".8.1"]
    elif kind == "palette":
        assert not {".4.50", ".4.91", ".4.203"} & set(fits)
    elif kind == "grey 32":
        assert fits == [*native, ".1.98", ".5", ".8.1"]
    else:
        assert {".4.70", ".4.80", ".4.90", ".4.201", ".4.202", ".5"} <= set(fits)


def test_photometric_interpretation_follows_the_codestream():
    """ENC-08: PS3.5 8.2.1 to 8.2.4."""
    interpretations = {
        codec.syntax.uid.removeprefix(_P): encoded(codec.syntax, KINDS["RGB"])
        for codec in ENCODERS
        if not unencodable(codec.syntax, KINDS["RGB"])
    }
    found = {uid: one.PhotometricInterpretation for uid, one in interpretations.items()}
    wavelets = {".4.90": "YBR_RCT", ".4.201": "YBR_RCT", ".4.202": "YBR_RCT"}
    lossy = {".4.91": "YBR_ICT", ".4.203": "YBR_ICT", ".4.50": "YBR_FULL_422"}
    assert found == dict.fromkeys(found, "RGB") | wavelets | lossy
    assert encoded(J2K, KINDS["YBR"]).PhotometricInterpretation == "YBR_FULL"
    assert encoded(J2K, GREY).PhotometricInterpretation == "MONOCHROME2"


def test_a_j2k_codestream_states_bits_stored():
    """PS3.5 8.2.4, unless a frame has something beyond them (WADO-50)."""
    description = KINDS["grey 12 in 16"]
    pixels = picture(description)
    precision = {11: b"\x0b", 15: b"\x0f"}
    for expected, cells in ((11, pixels), (15, pixels | 0x8000)):
        frame = encode(cells, J2K, description)
        at = frame.index(b"\xff\x51")
        assert frame[at + 40 : at + 41] == precision[expected]


def test_htj2k_of_rpcl_keeps_its_rules():
    """ENC-13: progression by resolution, tile-part lengths, a lowest resolution of 64 or less."""
    large = replace(GREY, Rows=40, Columns=5000)
    frame = encode(np.zeros(large.shape, "u1"), HTJ2K_RPCL, large)
    style = frame.index(b"\xff\x52\x00")
    assert frame[style + 5] == 2
    assert 5000 / 2 ** frame[style + 9] <= 64
    assert b"\xff\x55" in frame[: frame.index(b"\xff\x90")]


def test_rle_segments_are_in_the_order_of_annex_g():
    """ENC-29: by sample, the most significant byte first; each segment has an even length."""
    description = replace(KINDS["RGB 16"], Rows=1, Columns=1)
    frame = encode(np.array([[[0x0102, 0x0304, 0x0506]]], "u2"), RLE, description)
    header = np.frombuffer(frame[:64], "<u4")
    assert header[0] == 6
    assert [frame[at + 1] for at in header[1:7]] == [1, 2, 3, 4, 5, 6]
    assert len(frame) % 2 == 0
    assert not (header % 2).any()


# Ways from one syntax to another ---------------------------------------------------------


def test_jpeg_inside_jpeg_xl_comes_back_bit_for_bit():
    """ENC-13: .50 to .111 and back, without being decoded."""
    inside = bytes(imagecodecs.jpeg8_encode(picture(replace(GREY, Rows=90, Columns=70)), level=80))
    wrapped = transcoding(JPEG, JXL_OF_JPEG, GREY).frame(inside)
    assert transcoding(JXL_OF_JPEG, JPEG, GREY).frame(wrapped) == inside
    with pytest.raises(Refused) as refused:
        transcoding(JXL_OF_JPEG, JPEG, GREY).frame(wrapped[:50])
    assert refused.value.reason is UNDECODABLE


def test_a_lossless_codestream_is_legal_where_loss_is_allowed():
    """PS3.5 A.4.4: what is stored in .90 is given in .91 as it is, and not called derived."""
    way = transcoding(J2K, J2K_ANY, GREY)
    assert way.is_copy
    assert not way.method
    assert way.frame(b"as it is") == b"as it is"


def test_nothing_is_lost_twice():
    """NEG-27: what was lossy is not compressed with loss again."""
    for stored in (JPEG, J2K_ANY):
        assert not [way for way in wanted_of(stored, GREY) if way.method]
    with pytest.raises(Refused, match="is not compressed with loss again") as refused:
        transcoding(J2K_ANY, JPEG, GREY)
    assert refused.value.reason is NOT_ACCEPTABLE


def test_what_is_stored_comes_first_and_what_loses_something_last():
    for stored in (EXPLICIT_VR_LE, J2K, RLE):
        ways = wanted_of(stored, GREY)
        assert ways[0].wanted is stored
        methods = [way.method for way in ways]
        assert methods == sorted(methods, key=bool)


def test_where_nothing_is_known_of_the_pixels_they_stay_as_they_are():
    ways = wanted_of(J2K, None)
    assert all(way.is_copy for way in ways)
    with pytest.raises(Refused, match="as they are stored"):
        transcoding(J2K, EXPLICIT_VR_LE, None)
