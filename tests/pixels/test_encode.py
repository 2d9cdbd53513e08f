"""Formats, geometry, profiles, annotation: each an Image -> Image step or the end of them."""

from __future__ import annotations

import io
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from dicomweb.pixels import annotation, geometry, profiles
from dicomweb.pixels.encode import BY_MEDIA_TYPE, FORMATS, animated, encoded
from dicomweb.pixels.image import Image
from dicomweb.pixels.profiles import profile_of, profiled
from schemas.reasons import Refused
from schemas.view import Profile, Region, Size

Y, X = np.mgrid[:48, :80]
GREY = Image((X * 3).astype(np.uint8))
COLOUR = Image(np.stack([X * 3, Y * 5, 255 - X], axis=-1).astype(np.uint8))
DECODERS = {
    "image/jp2": imagecodecs.jpeg2k_decode,
    "image/jph": imagecodecs.jpeg2k_decode,
    "image/jxl": imagecodecs.jpegxl_decode,
}


def decoded(data: bytes, media_type: str, *, colour: bool) -> np.ndarray:
    if media_type in DECODERS:
        return DECODERS[media_type](data)
    return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB" if colour else "L"))


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.media_type)
@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_what_is_encoded_is_the_picture(format, image):
    """REND-02, REND-07: every row of FORMATS, at the best quality."""
    found = decoded(encoded(image, format, 100), format.media_type, colour=image.is_colour)
    assert found.shape == image.pixels.shape
    exact = not format.lossy or format.media_type in DECODERS
    palette = format.media_type == "image/gif" and image.is_colour
    assert np.abs(found.astype(int) - image.pixels).max() <= (24 if palette else 0 if exact else 5)


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.media_type)
def test_quality_is_of_formats_that_lose_something(format):
    """REND-21: less of it is smaller; lossless formats pass it over."""
    noise = Image(np.random.default_rng(1).integers(0, 256, (64, 64), np.uint8))
    low, high = (len(encoded(noise, format, quality)) for quality in (10, 95))
    assert low < high if format.lossy else low == high


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_jpeg_is_baseline(image):
    """REND-03: one SOF0, nothing progressive."""
    data = encoded(image, BY_MEDIA_TYPE["image/jpeg"], 90)
    markers = {data[at + 1] for at in range(len(data) - 1) if data[at] == 0xFF} - {0}
    assert markers & {0xC0, 0xC1, 0xC2, 0xC9, 0xCA} == {0xC0}


@pytest.mark.parametrize("length", [0, 1, 65_519, 150_000], ids="{} bytes of profile".format)
@pytest.mark.parametrize("quality", [1, 24, 50, 90, 100])
@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_jpeg_is_what_pillow_makes(image, quality, length):
    """REND-03, REND-31: an ICC profile in as many segments as it needs (ISO 15076-1 B.4)."""
    profile = np.random.default_rng(1).bytes(length)
    file = io.BytesIO()
    told = {"icc_profile": profile} if profile else {}
    Pillow.fromarray(image.pixels).save(file, "JPEG", quality=quality, subsampling=0, **told)
    with_it = Image(image.pixels, profile)
    assert encoded(with_it, BY_MEDIA_TYPE["image/jpeg"], quality) == file.getvalue()


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_png_holds_a_profile(image):
    """REND-31: and no reader finds fault with it."""
    profile = np.random.default_rng(1).bytes(150_000)
    data = encoded(Image(image.pixels, profile), BY_MEDIA_TYPE["image/png"], 90)
    with Pillow.open(io.BytesIO(data)) as picture:
        picture.verify()
        assert picture.info["icc_profile"] == profile


@pytest.mark.parametrize("subtype, brand", [("jp2", b"jp2 "), ("jph", b"jph ")])
def test_jp2_and_jph_have_their_boxes(subtype, brand):
    """REND-04."""
    data = encoded(COLOUR, BY_MEDIA_TYPE[f"image/{subtype}"], 90)
    assert data[4:8] == b"jP  "
    assert data[16:24] == b"ftyp" + brand
    assert data.index(b"jp2h") < data.index(b"jp2c")


def test_a_gif_moves():
    """REND-05: the frames, and how long each is shown."""
    frames = [Image(np.full((8, 8), level, np.uint8)) for level in (0, 100, 200)]
    with Pillow.open(io.BytesIO(animated(frames, BY_MEDIA_TYPE["image/gif"], 40))) as picture:
        assert (picture.n_frames, picture.info["duration"], picture.info["loop"]) == (3, 40, 0)


def test_a_side_longer_than_the_format_takes_is_refused():
    with pytest.raises(Refused) as refused:
        encoded(Image(np.zeros((1, 16_384), np.uint8)), BY_MEDIA_TYPE["image/webp"], 90)
    assert refused.value.reason.http == 413


# Geometry --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, expected",
    [
        (Size(200, 200), (200, 100)),
        (Size(10, 10), (10, 5)),
        (Size(300, 40), (80, 40)),
        (Size(None, 25), (50, 25)),
        (Size(20, None), (20, 10)),
        (Size(1, 1), (1, 1)),
        (None, (100, 50)),
    ],
)
def test_the_picture_is_as_large_as_fits_and_keeps_its_shape(size, expected):
    """REND-22, REND-27, URI-14."""
    image = Image(np.zeros((50, 100), np.uint8))
    for found in (geometry.viewed(image, size, None), geometry.shrunk(image, size)):
        assert (found.columns, found.rows) == expected


def test_a_thumbnail_is_made_of_means():
    noise = np.random.default_rng(2).integers(0, 256, (64, 96), np.uint8)
    means = noise.reshape(32, 2, 48, 2).mean(axis=(1, 3))
    found = geometry.shrunk(Image(noise), Size(48, 48)).pixels.astype(int)
    assert found.shape == means.shape
    assert np.abs(found - means).max() <= 0.5


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("side", [7, 20, 33, 79, 80, 200])
def test_a_thumbnail_looks_as_the_picture_scaled_with_care(image, side):
    """REND-44: in a size that divides its own or does not, and in a larger one."""
    expected = geometry.viewed(image, Size(side, side), None).pixels.astype(int)
    found = geometry.shrunk(image, Size(side, side)).pixels.astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 2


def test_a_region_is_cut_out_exactly():
    """REND-22, REND-23."""
    found = geometry.viewed(GREY, Size(30, 20), Region(10, 5, 30, 20))
    assert (found.pixels == GREY.pixels[5:25, 10:40]).all()
    rest = geometry.viewed(GREY, None, Region(70, 40))
    assert (rest.pixels == GREY.pixels[40:, 70:]).all()


def test_a_region_of_parts_is_cut_out():
    """URI-15: the lower right quarter."""
    found = geometry.viewed(GREY, None, Region(0.5, 0.5, 0.5, 0.5, relative=True))
    assert (found.pixels == GREY.pixels[24:, 40:]).all()


def test_negative_sides_turn_the_region_over():
    """REND-24."""
    whole = Region(0, 0, 80, 48, flipped_horizontally=True)
    assert (geometry.viewed(COLOUR, None, whole).pixels == COLOUR.pixels[:, ::-1]).all()
    whole = Region(0, 0, 80, 48, flipped_vertically=True)
    assert (geometry.viewed(COLOUR, None, whole).pixels == COLOUR.pixels[::-1]).all()


def test_what_lies_outside_is_cut_and_nothing_left_is_refused():
    """REND-26, documented: partly outside is clipped."""
    found = geometry.viewed(GREY, None, Region(70, 40, 100, 100))
    assert (found.columns, found.rows) == (10, 8)
    for region in (Region(80, 0), Region(0, 48), Region(500, 500, 10, 10)):
        with pytest.raises(Refused) as refused:
            geometry.viewed(GREY, None, region)
        assert refused.value.reason.http == 400


@pytest.mark.parametrize("degrees, expected", [(90, [[3, 1], [4, 2]]), (180, [[4, 3], [2, 1]])])
def test_a_picture_is_turned_clockwise(degrees, expected):
    """REND-37, PS3.3 C.10.6."""
    image = Image(np.array([[1, 2], [3, 4]], np.uint8))
    assert geometry.rotated(image, degrees).pixels.tolist() == expected
    assert geometry.rotated(geometry.rotated(image, degrees), -degrees).pixels.tolist() == [
        [1, 2],
        [3, 4],
    ]


# Profiles --------------------------------------------------------------------------

WITH_PROFILES = [format for format in FORMATS if format.takes_profile]
SPACES = [Profile.SRGB, Profile.ADOBE_RGB, Profile.ROMM_RGB, Profile.DISPLAY_P3]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.value)
def test_a_profile_is_one_that_lcms_reads(space):
    """REND-31: what is embedded is the profile of the space."""
    found = ImageCms.ImageCmsProfile(io.BytesIO(profile_of(space)))
    assert found.profile.xcolor_space.strip() == "RGB"
    red = found.profile.red_colorant[0]
    expected = {"srgb": 0.436, "adobergb": 0.6097, "rommrgb": 0.7977, "displayp3": 0.5151}
    assert red[0] == pytest.approx(expected[space.value], abs=0.002)


def adobe_rgb(red: int, green: int, blue: int) -> list[float]:
    """sRGB to Adobe RGB by IEC 61966-2-1 and the primaries of both."""
    light = np.array([red, green, blue]) / 255
    linear = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    from_xyz = np.array(
        [[2.0414, -0.5649, -0.3447], [-0.9693, 1.8760, 0.0416], [0.0134, -0.1184, 1.0154]]
    )
    return list(np.clip(from_xyz @ to_xyz @ linear, 0, 1) ** (1 / 2.19921875) * 255)


@pytest.mark.parametrize("colour", [(80, 90, 215), (200, 30, 40), (10, 240, 120), (128, 128, 128)])
def test_a_named_space_converts_the_pixels(colour):
    """REND-31, against the definition of the spaces."""
    image = Image(np.array([[colour]], np.uint8))
    found = profiled(image, Profile.ADOBE_RGB).pixels[0, 0]
    assert np.abs(found - np.array(adobe_rgb(*colour))).max() <= 3


@pytest.mark.parametrize("format", WITH_PROFILES, ids=lambda f: f.media_type)
def test_a_profile_is_in_the_file_and_none_where_none_is_asked(format):
    """REND-31, REND-33: APP2, iCCP, ICCP, a box."""
    own = Image(COLOUR.pixels, profile_of(Profile.ADOBE_RGB))
    name = b"Compatible with Adobe RGB"
    yes = encoded(profiled(own, Profile.OWN), format, 90)
    no = encoded(profiled(own, Profile.NONE), format, 90)
    if format.media_type in DECODERS:
        assert name in yes
        assert name not in no
    else:
        assert name in Pillow.open(io.BytesIO(yes)).info["icc_profile"]
        assert "icc_profile" not in Pillow.open(io.BytesIO(no)).info


def test_grey_and_colours_without_a_profile_are_srgb():
    """REND-33: else a well-known one."""
    for image in (GREY, COLOUR):
        found = profiled(image, Profile.OWN)
        assert found.profile == profile_of(Profile.SRGB)
        assert (found.pixels == image.in_colour().pixels).all()


def test_a_profile_that_is_none_is_refused():
    for profile in (b"none", bytes(200), profile_of(Profile.SRGB)[:100]):
        with pytest.raises(Refused):
            profiled(Image(COLOUR.pixels, profile), Profile.SRGB)


# Annotation ------------------------------------------------------------------------


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_text_is_burned_in_where_it_belongs(image):
    """REND-19: patient at the upper left, technique at the lower left."""
    blank = image.with_pixels(np.zeros_like(image.pixels))
    patient = annotation.annotated(blank, ("Doe",), ()).pixels
    technique = annotation.annotated(blank, (), ("CT",)).pixels
    assert patient[:24].any()
    assert not patient[24:].any()
    assert technique[24:].any()
    assert not technique[:24].any()
    assert not blank.pixels.any()


def test_a_profile_and_a_turned_picture_are_new_pictures():
    """Steps are Image -> Image: what they are given stays as it was."""
    before = COLOUR.pixels.copy()
    profiles.profiled(COLOUR, Profile.ROMM_RGB)
    geometry.rotated(COLOUR, 90)
    geometry.viewed(COLOUR, Size(10, 10), Region(1, 1, 5, 5, flipped_vertically=True))
    assert (COLOUR.pixels == before).all()


def test_the_first_picture_loads_nothing_from_disk():
    """Issue 6: on a machine with much to do that took half a minute, with all who ask waiting."""
    command = [sys.executable, "-m", "tests.pixels.first_picture"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
