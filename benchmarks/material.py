"""What is stored and fetched: a series of CT slices with a header as long as real ones."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.make import dataset, part10, related_type

ROWS = COLUMNS = 512
PRIVATE_ELEMENTS = 60
BOUNDARY = "bench"


@dataclass(frozen=True, slots=True)
class Series:
    StudyInstanceUID: str
    SeriesInstanceUID: str
    SOPInstanceUIDs: tuple[str, ...]
    slices: tuple[bytes, ...]

    @property
    def content_type(self) -> str:
        return related_type(boundary=BOUNDARY)["Content-Type"]

    def body(self, slices: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """A multipart body in pieces, so that the client copies nothing."""
        head = f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        pieces = [piece for data in slices for piece in (head, data)]
        return (*pieces, f"\r\n--{BOUNDARY}--\r\n".encode())


def ct_series(instances: int) -> Series:
    """One study, one series, noise for pixels, about 120 elements in a header."""
    study, series = generate_uid(), generate_uid()
    noise = random.Random(1)
    uids = tuple(generate_uid() for _ in range(instances))
    slices = tuple(_slice(study, series, uid, number, noise) for number, uid in enumerate(uids, 1))
    return Series(study, series, uids, slices)


def _slice(study: str, series: str, uid: str, number: int, noise: random.Random) -> bytes:
    ds = dataset(
        StudyInstanceUID=study,
        SeriesInstanceUID=series,
        SOPInstanceUID=uid,
        InstanceNumber=number,
        ImagePositionPatient=[-250, -250, number * 1.25],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[0.9765625, 0.9765625],
        SliceLocation=number * 1.25,
        RescaleSlope=1,
        RescaleIntercept=-1024,
        WindowCenter=[40, 300],
        WindowWidth=[400, 1500],
        KVP=120,
        Manufacturer="Bench",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        Rows=ROWS,
        Columns=COLUMNS,
        PixelData=noise.randbytes(ROWS * COLUMNS * 2),
    )
    ds.ReferencedImageSequence = [_reference() for _ in range(3)]
    block = ds.private_block(0x0009, "BENCH", create=True)
    for element in range(PRIVATE_ELEMENTS):
        block.add_new(element, "LO", f"private value {element}")
    return part10(ds)


def _reference() -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    reference.ReferencedSOPInstanceUID = generate_uid()
    return reference
