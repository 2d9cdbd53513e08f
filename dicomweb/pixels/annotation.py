"""Annotation: text burned into a finished picture (PS3.18 8.3.5.1.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from dicomweb.pixels import lettering
from dicomweb.pixels.image import Image
from schemas.keywords import DataSet

LINE_CHARACTERS_MAX = 64


def lines_of(ds: DataSet, keyword: str) -> tuple[str, ...]:
    """What `patient` or `technique` stands for; lines without a value are left out."""
    lines = {"patient": _patient, "technique": _technique}[keyword](ds)
    return tuple(line[:LINE_CHARACTERS_MAX] for line in lines if line)


def _patient(ds: DataSet) -> list[str]:
    groups = [*ds.text("PatientName").split("="), ""][:2]
    spoken, written = (" ".join(group.replace("^", " ").split()) for group in groups)
    name = f"{spoken} ({written})" if spoken and written else spoken or written
    born = _date(ds.text("PatientBirthDate"))
    who = " ".join(part for part in (born, ds.text("PatientSex"), ds.text("PatientAge")) if part)
    return [name, ds.text("PatientID"), who]


def _technique(ds: DataSet) -> list[str]:
    when = " ".join(
        part for part in (_date(ds.text("StudyDate")), _time(ds.text("StudyTime"))) if part
    )
    exposure = [
        f"{ds.text(keyword)} {unit}"
        for keyword, unit in (
            ("KVP", "kV"),
            ("XRayTubeCurrent", "mA"),
            ("ExposureTime", "ms"),
            ("SliceThickness", "mm"),
            ("RepetitionTime", "ms TR"),
            ("EchoTime", "ms TE"),
        )
        if ds.text(keyword)
    ]
    return [
        " ".join(part for part in (ds.text("Modality"), ds.text("StationName")) if part),
        when,
        ds.text("SeriesDescription"),
        " ".join(exposure[:3]),
        " ".join(exposure[3:]),
    ]


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() else text


def _time(text: str) -> str:
    return f"{text[:2]}:{text[2:4]}" if text[:4].isdigit() and len(text) >= 4 else ""


def annotated(image: Image, patient: Sequence[str], technique: Sequence[str]) -> Image:
    """The picture with what is said of the patient at its upper left, of the technique below it.

    The letters are as large as a picture of this size bears, and outlined, so that they can be
    read on white and on black.
    """
    if not patient and not technique:
        return image
    drawing = image.pillow()
    draw = ImageDraw.Draw(drawing)
    size = max(8, min(image.rows, image.columns) // 32)
    white, black = ((255, 255, 255), (0, 0, 0)) if image.is_colour else (255, 0)
    margin = size // 2

    def write(top: float, text: str) -> None:
        lettering.write(draw, (margin, top), text, white, size, outline=black)

    if patient:
        write(margin, "\n".join(patient))
    if technique:
        text = "\n".join(technique)
        write(image.rows - margin - lettering.height(text, size), text)
    return image.drawn(drawing)


def placard(title: str, side: int = 256) -> Image:
    """A sheet with a word on it: what stands for an object that has no picture of its own."""
    drawing = Pillow.new("L", (side, side), 24)
    draw = ImageDraw.Draw(drawing)
    left, top, right, bottom = side // 4, side // 8, side - side // 4, side - side // 8
    corner = side // 8
    outline = [(left, top), (right - corner, top), (right, top + corner), (right, bottom)]
    draw.polygon([*outline, (left, bottom)], fill=60, outline=200, width=max(1, side // 96))
    draw.line([(right - corner, top), (right - corner, top + corner), (right, top + corner)], 200)
    size = max(10, side // 9)
    place = (side - lettering.width(title, size)) / 2, (side - lettering.height(title, size)) / 2
    lettering.write(draw, place, title, 230, size)
    return Image(np.asarray(drawing))
