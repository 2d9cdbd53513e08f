"""Text in pictures: each letter in a font that has it (PS3.18 8.3.5.1.1, PS3.5 6.1)."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dicomweb.pixels import annotation, lettering, pages
from schemas.keywords import DataSet

SIZE = 24
SCRIPTS = {
    "Cyrillic": "Ив", "Greek": "Δω", "Japanese": "山た", "Chinese": "王东", "Korean": "홍길",
    "Arabic": "قب", "Hebrew": "שד", "Thai": "สม",
}  # fmt: skip


def drawn(text: str, columns: int = 200) -> np.ndarray:
    picture = Image.new("L", (columns, lettering.height(text, SIZE) + 12))
    lettering.write(ImageDraw.Draw(picture), (4, 4), text, 255, SIZE)
    return np.asarray(picture)


def needs(text: str) -> None:
    if any(lettering.face_of(letter) == lettering.BUILT_IN for letter in text):
        pytest.skip(f"No font of this system has {text}.")


@pytest.mark.parametrize("script", SCRIPTS)
def test_letters_of_other_scripts_are_no_boxes(script):
    """REND-19: two letters that no font has look the same."""
    one, other = SCRIPTS[script]
    needs(one + other)
    assert not np.array_equal(drawn(one), drawn(other))
    assert not np.array_equal(drawn(one), drawn("\U0010fffd"))


def test_without_fonts_of_the_system_latin_letters_are_drawn(monkeypatch):
    monkeypatch.setattr(lettering, "faces", lambda: (lettering.BUILT_IN,))
    lettering.face_of.cache_clear()
    try:
        assert drawn("Ångström").any()
        assert np.array_equal(drawn("山"), drawn("川"))
    finally:
        lettering.face_of.cache_clear()


def test_arabic_is_joined():
    needs("لنزار")
    assert lettering.width("لنزار", SIZE) < 0.9 * lettering.about("لنزار", SIZE)


def test_hebrew_is_read_from_the_right():
    needs("אב")
    last = drawn("ב")[:, : 4 + int(lettering.width("ב", SIZE)) - 1]
    assert np.array_equal(drawn("אב")[:, : last.shape[1]], last)


def test_a_name_is_written_in_letters_and_in_ideographs():
    """REND-19, PS3.5 6.2.1.2."""
    name = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    ds = DataSet({"00100010": {"vr": "PN", "Value": [name]}})
    assert annotation.lines_of(ds, "patient") == ("Yamada Tarou (山田 太郎)",)


@pytest.mark.parametrize("text", ["胸部CTで右肺上葉に" * 400, "x" * 8_000, "  " + "word " * 2_000])
def test_a_line_of_any_script_is_cut_where_the_page_ends(text):
    begun = time.process_time()
    for page in pages.written(text):
        assert page.pixels[:, pages.A4_COLUMNS - pages.MARGIN // 2 :].min() == 255
    assert time.process_time() - begun < 10
