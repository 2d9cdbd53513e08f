"""Lettering: text in a picture, each letter in the first font that has it.

Pillow brings a font of Latin letters.  For other scripts those of the system are taken where it has
some; what no font has is drawn as a box.  Arabic is joined, and right-to-left text turned, where
Pillow has Raqm, as its packages do.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Fill = int | tuple[int, int, int]

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/Library/Fonts",
    "/System/Library/Fonts",
    "C:/Windows/Fonts",
)
FILES = (
    "NotoSans-Regular.ttf", "DejaVuSans.ttf", "NotoSansCJK-Regular.ttc",
    "NotoSansCJKjp-Regular.otf", "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf",
    "NotoSansThai-Regular.ttf", "NotoSansDevanagari-Regular.ttf", "LiberationSans-Regular.ttf",
    "FreeSans.ttf", "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf", "wqy-microhei.ttc",
    "ipag.ttf",
    "NanumGothic.ttf", "Arial Unicode.ttf", "arial.ttf", "meiryo.ttc", "msyh.ttc", "malgun.ttf",
    "unifont.otf", "unifont.ttf",
)  # fmt: skip
"""Those of many letters that are free or come with a system, the better looking first."""
FILES_LOOKED_AT_MAX = 50_000
BUILT_IN = ""
LETTERS_REMEMBERED = 50_000
_PROBE_SIZE = 16
_NO_LETTER = "\U0010fffd"
"""For private use, where no font has anything: it is drawn as what is missing is."""


@lru_cache(maxsize=1)
def faces() -> tuple[str, ...]:
    """Paths of the fonts there are, in the order they are asked; the built-in one first."""
    there: dict[str, str] = {}
    for path in islice(_files(), FILES_LOOKED_AT_MAX):
        there.setdefault(path.name, str(path))
    return (BUILT_IN, *(there[name] for name in FILES if name in there))


def _files() -> Iterator[Path]:
    for folder in FOLDERS:
        for place, _, names in os.walk(Path(folder).expanduser()):
            yield from (Path(place, name) for name in names)


@lru_cache(maxsize=64)
def _font(face: str, size: int) -> Font:
    return ImageFont.load_default(size) if face == BUILT_IN else ImageFont.truetype(face, size)


@lru_cache(maxsize=LETTERS_REMEMBERED)
def _looks(face: str, letter: str) -> bytes:
    mask = _font(face, _PROBE_SIZE).getmask(letter, mode="L")
    return repr(mask.size).encode() + bytes(mask)


def has(face: str, letter: str) -> bool:
    """Whether a font has a letter; one that cannot be read has none."""
    try:
        return _looks(face, letter) != _looks(face, _NO_LETTER)
    except OSError:
        return False


@lru_cache(maxsize=LETTERS_REMEMBERED)
def face_of(letter: str) -> str:
    """The first font that has a letter; the built-in one, whose box stands for it, if none has."""
    return next((face for face in faces() if has(face, letter)), BUILT_IN)


def _runs(line: str) -> Iterator[tuple[str, str]]:
    """Pieces of a line, each in one font; what joins or separates letters goes with them."""
    if line.isascii():
        if line:
            yield BUILT_IN, line
        return
    face, piece = BUILT_IN, ""
    for letter in line:
        stays = letter.isspace() or unicodedata.category(letter)[0] in "MC"
        wanted = face if piece and (stays or _keeps(face, letter)) else face_of(letter)
        if piece and wanted != face:
            yield face, piece
            piece = ""
        face, piece = wanted, piece + letter
    if piece:
        yield face, piece


def _keeps(face: str, letter: str) -> bool:
    """Whether a letter stays in the font of those before it; letters of the first go back to it."""
    return has(face, letter) and (face == BUILT_IN or not letter.isascii() or not letter.isalnum())


def line_rows(size: int) -> int:
    """From one line to the next."""
    return round(size * 1.35)


def width(line: str, size: int) -> float:
    """Columns that one line takes."""
    return sum(_font(face, size).getlength(piece) for face, piece in _runs(line))


@lru_cache(maxsize=LETTERS_REMEMBERED)
def _advance(letter: str, size: int) -> float:
    return _font(face_of(letter), size).getlength(letter)


def about(text: str, size: int) -> float:
    """Columns that a text takes, letter by letter, as if none were moved nearer to the next."""
    return sum(_advance(letter, size) for letter in text)


def height(text: str, size: int) -> int:
    """Rows that some lines take."""
    return line_rows(size) * (text.count("\n") + 1)


def write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    fill: Fill,
    size: int,
    *,
    outline: Fill | None = None,
) -> None:
    """Lines of text with their upper left corner at `place`, outlined where that has a colour."""
    stroke = max(1, size // 12) if outline is not None else 0
    for number, line in enumerate(text.split("\n")):
        x, baseline = place[0], place[1] + number * line_rows(size) + size
        for face, piece in _runs(line):
            font = _font(face, size)
            draw.text(
                (x, baseline), piece, fill, font, "ls", stroke_width=stroke, stroke_fill=outline
            )
            x += font.getlength(piece)
