"""PNG and GIF become native frames, nothing of their pixels lost (PS3.18 Table 10.5.2-1)."""

from __future__ import annotations

from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dicomweb.pixels import pictures
from schemas.reasons import NOT_AS_STATED, TOO_LARGE, Refused

GREY = np.arange(12 * 10, dtype=np.uint8).reshape(12, 10)
COLOUR = np.stack([GREY, GREY + 1, 255 - GREY], axis=-1)
ALPHA = np.full((12, 10, 1), 7, np.uint8)


def frames(media_type: str, data: bytes) -> list[pictures.Picture]:
    def source(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    return [*pictures.frames(media_type, source, len(data))]


def array(picture: pictures.Picture) -> np.ndarray:
    samples = (3,) if picture.SamplesPerPixel == 3 else ()
    shape = (picture.Rows, picture.Columns, *samples)
    return np.frombuffer(picture.pixels, f"<u{picture.BitsAllocated // 8}").reshape(shape)


@pytest.mark.parametrize(
    "sent, expected",
    [
        pytest.param(GREY, GREY, id="grey"),
        pytest.param(COLOUR, COLOUR, id="colour"),
        pytest.param(GREY.astype(np.uint16) * 257, GREY.astype(np.uint16) * 257, id="16 bits"),
        pytest.param(COLOUR.astype(np.uint16) * 9, COLOUR.astype(np.uint16) * 9, id="48 bits"),
        pytest.param(np.concatenate([COLOUR, ALPHA], -1), COLOUR, id="alpha is dropped"),
        pytest.param(np.concatenate([GREY[..., None], ALPHA], -1), GREY, id="grey with alpha"),
    ],
)
def test_a_png_keeps_every_pixel(sent, expected):
    """STOW-25, STOW-27."""
    (picture,) = frames("image/png", imagecodecs.png_encode(sent))
    assert np.array_equal(array(picture), expected)


def test_a_palette_is_expanded():
    """STOW-27."""
    image = Image.fromarray(COLOUR).quantize(16)
    file = BytesIO()
    image.save(file, "PNG")
    (picture,) = frames("image/png", file.getvalue())
    assert np.array_equal(array(picture), np.asarray(image.convert("RGB")))


def animation(disposal: int) -> tuple[bytes, list[np.ndarray]]:
    """Three frames, of which two change a few pixels only, and what each looks like."""
    palette = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255] + [0] * 756
    images = []
    for number in range(3):
        image = Image.new("P", (10, 12), 1 if number == 0 else 0)
        image.putpalette(palette)
        if number:
            image.putpixel((number, number), 2)
        images.append(image)
    file = BytesIO()
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], transparency=0, disposal=disposal
    )
    shown = np.zeros((3, 12, 10, 3), np.uint8)
    shown[:, :, :, 0] = 255
    for number in (1, 2):
        for pixel in range(1, number + 1):
            shown[number, pixel, pixel] = (0, 255, 0)
    return file.getvalue(), [*shown]


def test_an_animation_gives_its_composed_frames():
    """STOW-27: what a browser shows, not the differences that are stored."""
    data, expected = animation(disposal=1)
    for picture, shown in zip(frames("image/gif", data), expected, strict=True):
        assert np.array_equal(array(picture), shown)


@pytest.mark.parametrize("media_type", pictures.TYPES)
@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"GIF89a\1\0\1\0\0\0\0,"])
def test_what_is_no_picture_is_refused(media_type, data):
    with pytest.raises(Refused) as refused:
        frames(media_type, data)
    assert refused.value.reason is NOT_AS_STATED


def test_a_picture_that_would_become_gigabytes_is_refused_before_it_does():
    """STOW-59: 30 bytes can claim four gigapixels."""
    png = bytearray(imagecodecs.png_encode(GREY))
    png[16:24] = b"\0\1\0\0\0\1\0\0"
    gif = b"GIF89a\xff\xff\xff\xff\0\0\0"
    for media_type, data in (("image/png", bytes(png)), ("image/gif", gif)):
        with pytest.raises(Refused) as refused:
            frames(media_type, data)
        assert refused.value.reason is TOO_LARGE


@given(st.sampled_from(["image/png", "image/gif"]), st.data())
def test_a_damaged_picture_is_read_or_refused(media_type, data):
    """STOW-59."""
    whole = imagecodecs.png_encode(COLOUR) if media_type == "image/png" else animation(1)[0]
    at = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=6))
    reasons = set()
    for damaged in (whole[:at], whole[:at] + junk + whole[at + len(junk) :]):
        try:
            assert frames(media_type, damaged)
        except Refused as refused:
            reasons.add(refused.reason)
    assert reasons <= {NOT_AS_STATED, TOO_LARGE}
