"""The frames of a DICOM object as the engine finds them: bytes, transfer syntax, description."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dicomweb.engine.parsing import Source, read
from dicomweb.pixels.codecs.table import decode
from dicomweb.pixels.description import PixelDescription, Pixels
from dicomweb.pixels.frames import FrameIndex, align, whole_words
from schemas.json_values import swapped
from schemas.syntaxes import TransferSyntax


@dataclass(frozen=True, slots=True)
class Stored:
    syntax: TransferSyntax
    description: PixelDescription
    frames: list[bytes]

    def decoded(self) -> list[Pixels]:
        return [decode(frame, self.syntax, self.description) for frame in self.frames]


def stored(data: bytes | Path, frames_max: int = 3) -> Stored:
    """The first frames of a Part 10 file that is not deflated."""
    data = data.read_bytes() if isinstance(data, Path) else data
    found = read(Source(data))
    layout, description = found.layout, found.pixels
    assert layout.frames is not None
    assert description is not None
    frames = [
        _frame(data, layout.frames, number, layout.bulk[layout.pixels].word)
        for number in range(1, min(layout.frames.frame_count, frames_max) + 1)
    ]
    return Stored(found.location.syntax, description, frames)


def _frame(data: bytes, index: FrameIndex, number: int, word: int) -> bytes:
    if not index.frame_bits:
        return b"".join(data[at : at + length] for at, length in index.ranges(number))
    ((at, length),), skipped = whole_words(index, number, word)
    frame = swapped(data[at : at + length], word)[skipped:]
    return align(frame, index.bit_shift(number), index.frame_bits)
