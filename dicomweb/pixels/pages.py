"""Pages: PDF documents, texts, waveforms and contours as pictures, and pictures as PDF."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pypdfium2  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from dicomweb.pixels import lettering
from dicomweb.pixels.image import Image
from schemas.reasons import UNRENDERABLE, Refused

PAGES_MAX = 500
"""Pages of a PDF whose text is read."""
WRITTEN_PAGES_MAX = 40
"""Pages that a text is written on; they are in memory together."""
GOES_ON = "(The text goes on; as text/plain there is all of it.)"
PAGE_SIDE = 1_600
"""The longer side of a page as a picture."""
_PDFIUM = threading.Lock()
"""PDFium is for one thread at a time."""

A4_COLUMNS, A4_ROWS = 1_131, 1_600
MARGIN = 80
TEXT_SIZE = 20
LINE_ROWS = 28
INDENT_MAX = 40
"""Of lines that go on."""


def page(pdf: bytes, index: int = 0) -> Image:
    """A page of a PDF; Refused (UNRENDERABLE) where there is none."""
    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(pdf)
            try:
                one = document[index]
                scale = PAGE_SIDE / max(*one.get_size(), 1)
                picture = one.render(scale=scale).to_numpy()
                return Image(np.ascontiguousarray(picture[..., 2::-1]))
            finally:
                document.close()
        except (pypdfium2.PdfiumError, IndexError, ValueError) as error:
            raise Refused(UNRENDERABLE, f"The document is no PDF: {error}.") from None


def texts(pdf: bytes) -> list[str]:
    """The text of each page; Refused (UNRENDERABLE) where it is no PDF."""
    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(pdf)
            try:
                count = min(len(document), PAGES_MAX)
                return [document[index].get_textpage().get_text_bounded() for index in range(count)]
            finally:
                document.close()
        except (pypdfium2.PdfiumError, ValueError) as error:
            raise Refused(UNRENDERABLE, f"The document is no PDF: {error}.") from None


def written(text: str) -> Iterator[Image]:
    """The pages that a plain text fills."""
    width = A4_COLUMNS - 2 * MARGIN
    lines = [piece for line in text.splitlines() for piece in _wrapped(line, width)]
    rows = (A4_ROWS - 2 * MARGIN) // LINE_ROWS
    if len(lines) > rows * WRITTEN_PAGES_MAX:
        lines = [*lines[: rows * WRITTEN_PAGES_MAX - 1], GOES_ON]
    for begin in range(0, len(lines), rows):
        drawing = Pillow.new("L", (A4_COLUMNS, A4_ROWS), 255)
        draw = ImageDraw.Draw(drawing)
        for number, line in enumerate(lines[begin : begin + rows]):
            lettering.write(draw, (MARGIN, MARGIN + number * LINE_ROWS), line, 0, TEXT_SIZE)
        yield Image(np.asarray(drawing))


def _wrapped(line: str, width: int) -> Iterator[str]:
    """Pieces of a line that fit; continued ones are indented as the first is.

    What does not fit on a line of its own, as in scripts without spaces, is cut anywhere.
    """
    indent = line[: len(line) - len(line.lstrip())][:INDENT_MAX]
    piece, used, fresh = indent, lettering.about(indent, TEXT_SIZE), True
    again = f"{indent}  "
    for word in line.split():
        wanted = lettering.about(f" {word}", TEXT_SIZE)
        if not fresh and used + wanted > width:
            yield piece
            piece, used, fresh = again, lettering.about(again, TEXT_SIZE), True
        piece, used = (piece, used) if fresh else (piece + " ", used)
        if used + wanted <= width:
            piece, used, fresh = piece + word, used + wanted, False
            continue
        for letter in word:
            used += lettering.about(letter, TEXT_SIZE)
            if used > width:
                yield piece
                piece, used = again, lettering.about(again + letter, TEXT_SIZE)
            piece += letter
        fresh = False
    yield piece


def pdf(images: Sequence[Image]) -> bytes:
    """The pictures as the pages of a PDF."""
    file = io.BytesIO()
    first, *rest = (image.pillow() for image in images)
    first.save(file, "PDF", save_all=True, append_images=rest, resolution=137)
    return file.getvalue()


STRIP_ROWS = 120
PLOT_COLUMNS = 1_600
LABEL_COLUMNS = 160


def plotted(channels: Sequence[tuple[str, NDArray[np.float64]]]) -> Image:
    """Curves one below the other, all of one time axis and one scale of values.

    Each column shows the least and the largest of the samples that fall into it, so that no peak is
    lost.
    """
    drawing = Pillow.new("RGB", (PLOT_COLUMNS, max(1, len(channels)) * STRIP_ROWS), (255, 255, 255))
    draw = ImageDraw.Draw(drawing)
    for x in range(LABEL_COLUMNS, PLOT_COLUMNS, 24):
        draw.line((x, 0, x, drawing.height), (255, 228, 225))
    for y in range(0, drawing.height, 24):
        draw.line((LABEL_COLUMNS, y, PLOT_COLUMNS, y), (255, 228, 225))
    span = max((float(np.ptp(samples)) for _, samples in channels if samples.size), default=0) or 1
    for number, (name, samples) in enumerate(channels):
        top = number * STRIP_ROWS
        lettering.write(draw, (8, top + 8), name[:22], (60, 60, 60), 18)
        lows, highs = _columns(samples, PLOT_COLUMNS - LABEL_COLUMNS)
        middle = (float(samples.max()) + float(samples.min())) / 2 if samples.size else 0.0
        scale = (STRIP_ROWS - 12) / span
        before = None
        for x, (low, high) in enumerate(zip(lows, highs, strict=True), LABEL_COLUMNS):
            y0 = top + STRIP_ROWS / 2 - (high - middle) * scale
            y1 = top + STRIP_ROWS / 2 - (low - middle) * scale
            if before is not None:
                y0, y1 = min(y0, before[1]), max(y1, before[0])
            draw.line((x, y0, x, y1), (20, 20, 90))
            before = y0, y1
    return Image(np.asarray(drawing))


def _columns(
    samples: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and largest of the samples in each column; fewer samples are spread out."""
    if samples.size <= columns:
        places = np.linspace(0, max(samples.size - 1, 0), columns)
        spread = np.interp(places, np.arange(samples.size), samples)
        return spread, spread
    edges = np.linspace(0, samples.size, columns, endpoint=False).astype(np.intp)
    return np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)


Contours = Sequence[tuple[Sequence[tuple[float, float, float]], tuple[int, int, int], bool]]


def outlined(contours: Contours, side: int = 800) -> Image:
    """Contours seen along the patient's axis: points, colour, whether closed."""
    every = np.array([point[:2] for points, _, _ in contours for point in points], float)
    drawing = Pillow.new("RGB", (side, side))
    if every.size:
        low, span = every.min(axis=0), max(float(np.ptp(every, axis=0).max()), 1e-6)
        scale, margin = (side - 40) / span, 20
        shift = (side - 40 - np.ptp(every, axis=0) * scale) / 2 + margin
        draw = ImageDraw.Draw(drawing)
        for points, colour, closed in contours:
            corners = (np.array([p[:2] for p in points]) - low) * scale + shift
            placed = [tuple(corner) for corner in np.nan_to_num(corners).clip(-side, 2 * side)]
            draw.line([*placed, placed[0]] if closed else placed, fill=colour, width=1)
    return Image(np.asarray(drawing))
