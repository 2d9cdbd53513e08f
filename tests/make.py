"""Builders: DICOM objects and request bodies, whole and small, for tests to be made of."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
BOUNDARY = "a-boundary"


def dataset(**attributes: Any) -> Dataset:
    """A CT slice of 4 x 4 pixels of its own study, unless `attributes` say otherwise.

    An attribute that is None is left out.
    """
    ds = Dataset()
    values = {
        "SOPClassUID": CT_IMAGE,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "SpecificCharacterSet": "ISO_IR 192",
        "StudyDate": "20240102",
        "StudyTime": "101112",
        "AccessionNumber": "A1",
        "Modality": "CT",
        "ReferringPhysicianName": "House^Gregory",
        "PatientName": "Doe^Jane",
        "PatientID": "P1",
        "PatientBirthDate": "19700101",
        "PatientSex": "F",
        "StudyID": "S1",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 4,
        "Columns": 4,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": bytes(range(32)),
    } | attributes
    for keyword, value in values.items():
        if value is not None:
            setattr(ds, keyword, value)
    if "PixelData" in ds:
        ds["PixelData"].VR = "OW"
    return ds


def part10(ds: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The Part 10 file of a data set."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", CT_IMAGE)
    meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = transfer_syntax
    whole = Dataset(ds)
    whole.file_meta = meta
    file = BytesIO()
    syntax = UID(transfer_syntax)
    dcmwrite(
        file,
        whole,
        enforce_file_format=True,
        implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian,
    )
    return file.getvalue()


def instance(**attributes: Any) -> bytes:
    """The Part 10 file of `dataset(**attributes)`."""
    return part10(dataset(**attributes))


def related(
    parts: Iterable[bytes], content_type: str = "application/dicom", boundary: str = BOUNDARY
) -> bytes:
    """A multipart/related body."""
    head = f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode()
    return b"".join(head + part for part in parts) + f"\r\n--{boundary}--\r\n".encode()


def related_type(type: str = "application/dicom", boundary: str = BOUNDARY) -> dict[str, str]:
    """The header that announces `related`."""
    return {"Content-Type": f'multipart/related; type="{type}"; boundary={boundary}'}
