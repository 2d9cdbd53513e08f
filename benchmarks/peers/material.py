"""Objects for the peers: templates from which fresh ones are made by putting in fresh UIDs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from tests.make import dataset, part10

_CHANCE = random.Random()
_DIGITS = 38
BOUNDARY = "bench"
CONTENT_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'

NAMES = ("SMITH", "GARCIA", "MULLER", "ROSSI", "TANAKA", "NOVAK", "SILVA", "KIM", "ALI", "JENSEN")
FIRST_NAMES = ("ANNA", "JOHN", "MARIA", "PETER", "YUKI", "OMAR", "LENA", "PAULO")


def uid() -> str:
    """A fresh UID that is as long as every other one of these."""
    return f"2.25.{_CHANCE.randrange(10 ** (_DIGITS - 1), 10**_DIGITS)}"


@dataclass(frozen=True, slots=True)
class Template:
    """One object; its copies differ in their UIDs alone."""

    data: bytes
    study: str
    series: str
    instance: str

    def copy(self, *, study: str, series: str, instance: str) -> bytes:
        copied = self.data
        for old, new in ((self.study, study), (self.series, series), (self.instance, instance)):
            copied = copied.replace(old.encode(), new.encode())
        return copied

    def copies(self, count: int) -> list[bytes]:
        """So many instances of one fresh series."""
        study, series = uid(), uid()
        return [self.copy(study=study, series=series, instance=uid()) for _ in range(count)]


def template(rows: int, columns: int, frames: int = 1, **attributes: Any) -> Template:
    """A greyscale image of 16 bits with noise for pixels and a header of some length."""
    uids = uid(), uid(), uid()
    ds = dataset(
        StudyInstanceUID=uids[0],
        SeriesInstanceUID=uids[1],
        SOPInstanceUID=uids[2],
        ImagePositionPatient=[-250, -250, 1.25],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[0.9765625, 0.9765625],
        RescaleSlope=1,
        RescaleIntercept=-1024,
        WindowCenter=[40, 300],
        WindowWidth=[400, 1500],
        Manufacturer="Bench",
        Rows=rows,
        Columns=columns,
        NumberOfFrames=frames if frames > 1 else None,
        PixelData=random.Random(1).randbytes(rows * columns * 2) * frames,
        **attributes,
    )
    block = ds.private_block(0x0009, "BENCH", create=True)
    for element in range(60):
        block.add_new(element, "LO", f"private value {element}")
    return Template(part10(ds), *uids)


MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.7.3"


def ct() -> Template:
    """A CT slice of 512 KiB."""
    return template(512, 512)


def small() -> Template:
    """8 KB in all."""
    return template(32, 60)


def multi_frame() -> Template:
    """100 MB in 200 frames."""
    return template(512, 512, 200, SOPClassUID=MULTI_FRAME)


def study(number: int) -> bytes:
    """The one small instance of study `number`, of a made-up person."""
    chance = random.Random(number)
    name = f"{chance.choice(NAMES)}^{chance.choice(FIRST_NAMES)}"
    day = f"{chance.randrange(2000, 2025)}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
    return part10(
        dataset(
            StudyInstanceUID=uid(),
            SeriesInstanceUID=uid(),
            SOPInstanceUID=uid(),
            PatientName=name,
            PatientID=f"P{number // 2}",
            AccessionNumber=f"A{number}",
            StudyDate=day,
            StudyDescription=f"STUDY {number % 97}",
            Modality=chance.choice(("CT", "MR", "US", "CR")),
        )
    )


def body(instances: Sequence[bytes]) -> tuple[bytes, ...]:
    """A multipart body in pieces, so that the client copies nothing."""
    head = f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    pieces = chain.from_iterable((head, data) for data in instances)
    return (*pieces, f"\r\n--{BOUNDARY}--\r\n".encode())
