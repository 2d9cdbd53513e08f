"""Builders: DICOM objects and request bodies, whole and small, for tests to be made of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from pydicom import dcmwrite
from pydicom.datadict import dictionary_VR, tag_for_keyword
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


Part = tuple[dict[str, str], bytes]
"""Headers and data of a part."""


def message(parts: Iterable[Part], boundary: str = BOUNDARY) -> bytes:
    """A multipart/related body of parts that differ."""
    written = b""
    for headers, data in parts:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        written += f"\r\n--{boundary}\r\n{lines}\r\n".encode() + data
    return written + f"\r\n--{boundary}--\r\n".encode()


def metadata(*data_sets: Dataset, **bulk: str) -> Part:
    """A part of DICOM JSON; `bulk` are BulkDataURIs by keyword, in place of what there is."""
    objects = []
    for ds in data_sets:
        told = ds.to_json_dict()
        for keyword, uri in bulk.items():
            told[f"{tag_for_keyword(keyword):08X}"] = {
                "vr": dictionary_VR(keyword).rpartition(" ")[2],
                "BulkDataURI": uri,
            }
        objects.append(dict(sorted(told.items())))
    return {"Content-Type": "application/dicom+json"}, json.dumps(objects).encode()


def bulk(location: str, data: bytes, content_type: str = "application/octet-stream") -> Part:
    """A part that holds a bulk value."""
    return {"Content-Type": content_type, "Content-Location": location}, data
