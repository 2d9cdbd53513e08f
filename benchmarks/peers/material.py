"""Objects for the peers: templates from which fresh ones are made by putting in fresh UIDs."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

from pydicom import dcmread

from benchmarks import search_index
from tests.make import dataset, part10

_CHANCE = random.Random()
_DIGITS = 38
BOUNDARY = "bench"
CONTENT_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
EARLIER = "19990101"
"""Before the dates of `search_index`, so that no search by date finds what is stored besides."""
MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.7.3"

Pieces = tuple[bytes, ...]
"""Bytes one after the other; what copies share is one object."""


def uid() -> str:
    """A fresh UID that is as long as every other one of these."""
    return f"2.25.{_CHANCE.randrange(10 ** (_DIGITS - 1), 10**_DIGITS)}"


@dataclass(frozen=True, slots=True)
class Template:
    """One object; its copies differ in their UIDs alone and share their pixels."""

    head: bytes
    pixels: bytes
    frame: bytes
    """The pixels of one frame; all have the same."""
    uids: tuple[str, str, str]
    """Of study, series and instance."""

    @property
    def size_bytes(self) -> int:
        return len(self.head) + len(self.pixels)

    def copy(self, study: str, series: str, instance: str) -> Pieces:
        head = self.head
        for old, new in zip(self.uids, (study, series, instance), strict=True):
            head = head.replace(old.encode(), new.encode())
        return head, self.pixels

    def copies(self, count: int) -> list[Pieces]:
        """So many instances of one fresh series."""
        study, series = uid(), uid()
        return [self.copy(study, series, uid()) for _ in range(count)]


def template(rows: int, columns: int, frames: int = 1, **attributes: Any) -> Template:
    """A greyscale image of 16 bits with noise for pixels and a header of some length."""
    uids = uid(), uid(), uid()
    frame = random.Random(1).randbytes(rows * columns * 2)
    pixels = frame * frames if frames > 1 else frame
    ds = dataset(
        StudyInstanceUID=uids[0],
        SeriesInstanceUID=uids[1],
        SOPInstanceUID=uids[2],
        StudyDate=EARLIER,
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
        PixelData=pixels,
        **attributes,
    )
    block = ds.private_block(0x0009, "BENCH", create=True)
    for element in range(60):
        block.add_new(element, "LO", f"private value {element}")
    return Template(part10(ds)[: -len(pixels)], pixels, frame, uids)


@cache
def ct() -> Template:
    """A CT slice of 512 KiB."""
    return template(512, 512)


@cache
def small() -> Template:
    """8 KB in all."""
    return template(50, 64)


@cache
def multi_frame() -> Template:
    """100 MB in 200 frames."""
    return template(512, 512, 200, SOPClassUID=MULTI_FRAME)


def study(number: int, of: int, instance: int = 1) -> bytes:
    """A small instance of study `number` of so many, as `search_index` has them."""
    told = search_index.attributes(number, search_index.is_planted(number, of))
    series = f"{told['StudyInstanceUID']}.1"
    uids = {"SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.{instance}"}
    return part10(dataset(**told, **uids, InstanceNumber=instance))


def studies(of: int) -> Iterator[bytes]:
    """One instance of each; the first study has a series of a thousand."""
    for number in range(1, of + 1):
        yield study(number, of)
    for instance in range(2, search_index.SAMPLED + 1):
        yield study(1, of, instance)


def instance_uid(pieces: Pieces) -> str:
    """The SOP Instance UID of a copy."""
    meta = dcmread(BytesIO(b"".join(pieces)), stop_before_pixels=True)
    return str(meta.SOPInstanceUID)


def body(instances: Iterable[Sequence[bytes]]) -> Pieces:
    """A multipart body in pieces, so that the client copies no pixels."""
    delimiter = f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    pieces = []
    for head, *rest in instances:
        pieces += [delimiter + head, *rest]
    return (*pieces, f"\r\n--{BOUNDARY}--\r\n".encode())
