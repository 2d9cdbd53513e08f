"""Synthetic objects, made anew for every run: fresh UIDs, and a token in every identifier.

Nothing here is of a real patient.  All patient IDs, accession numbers and study IDs begin with the
token of the run, so that a search by them finds nothing else, however full the archive is.
"""

from __future__ import annotations

import struct
import uuid
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
SC = "1.2.840.10008.5.1.4.1.1.7"
SC_BIT, SC_BYTE, SC_WORD = SC + ".1", SC + ".2", SC + ".3"
ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
RAW_DATA = "1.2.840.10008.5.1.4.1.1.66"
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"

ROWS, COLUMNS = 6, 8
GRADIENT_ROWS = GRADIENT_COLUMNS = 16

# 16 x 16: (8x + 7y) mod 256 as JPEG 2000 reversible; (16x, 16y, 128) as JPEG baseline 4:2:0.
J2K_CODESTREAM = b64decode(
    "/0//UQApAAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAABBwEB/1IADAAAAAEAAQQEAAH/XAAHQEBISFD/"
    "ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAABTAAH/k9+BmBIrZtcPdGkGh1ffVfrV"
    "rOaWtsaQZC23YIpTavlQk42dPYPKUv3UDDaeJaqBKNpvXuFDn8D5AkB8IgA2oZnPPaYu1//Z"
)
JPEG_CODESTREAM = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsL"
    "EBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"
    "FBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAQABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABwj/xAAZEAAB"
    "BQAAAAAAAAAAAAAAAAAABgcjMqH/xAAVAQEBAAAAAAAAAAAAAAAAAAACBP/EABsRAAIBBQAAAAAAAAAAAAAAAAAGIgUH"
    "MTJR/9oADAMBAAIRAxEAPwCVUo1NIcGZJtTSHBiSbU0hwZko1NIcK6y4ZkG2z7pPh//Z"
)
GRADIENT = bytes((8 * x + 7 * y) % 256 for y in range(16) for x in range(16))
PDF_DOCUMENT = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n"
    + b"% long enough to be bulk data\n" * 1000
    + b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def fresh_uid() -> str:
    """A UID of a UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of the material, and where a server has it once it is stored."""

    dataset: Dataset
    syntax: str = ExplicitVRLittleEndian

    @property
    def file(self) -> bytes:
        return file_of(self.dataset, self.syntax)

    @property
    def study_uid(self) -> str:
        return str(self.dataset.StudyInstanceUID)

    @property
    def series_uid(self) -> str:
        return str(self.dataset.SeriesInstanceUID)

    @property
    def uid(self) -> str:
        return str(self.dataset.SOPInstanceUID)

    @property
    def study(self) -> str:
        return f"/studies/{self.study_uid}"

    @property
    def series(self) -> str:
        return f"{self.study}/series/{self.series_uid}"

    @property
    def instance(self) -> str:
        return f"{self.series}/instances/{self.uid}"


def file_of(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The Part 10 file of a data set that is already encoded as `syntax` wants it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CT)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", fresh_uid())
    meta.TransferSyntaxUID = UID(syntax)
    whole = Dataset(dataset)
    whole.file_meta = meta
    file, uid = BytesIO(), UID(syntax)
    encoding: dict[str, bool] = {"implicit_vr": False, "little_endian": True}
    if not uid.is_private and uid.is_transfer_syntax:
        encoding = {"implicit_vr": uid.is_implicit_VR, "little_endian": uid.is_little_endian}
    dcmwrite(file, whole, enforce_file_format=True, **encoding)
    return file.getvalue()


def item(**attributes: Any) -> Dataset:
    """A data set of these attributes; those that are None are left out."""
    made = Dataset()
    for keyword, value in attributes.items():
        if value is not None:
            setattr(made, keyword, value)
    return made


def code(value: str, scheme: str, meaning: str) -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def words(count: int, start: int = 0) -> bytes:
    return struct.pack(f"<{count}H", *(start + 16 * number for number in range(count)))


def image(token: str, **attributes: Any) -> Dataset:
    """A CT slice of 6 x 8 pixels of 16 bits, of its own study, with these `attributes`."""
    values: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SOPClassUID": CT,
        "SOPInstanceUID": fresh_uid(),
        "StudyDate": "20240102",
        "StudyTime": "101112",
        "AccessionNumber": f"{token}A",
        "Modality": "CT",
        "Manufacturer": "Conformance",
        "ReferringPhysicianName": "House^Gregory",
        "PatientName": f"{token}^Suite",
        "PatientID": f"{token}-0",
        "PatientBirthDate": "19700101",
        "PatientSex": "O",
        "StudyInstanceUID": fresh_uid(),
        "SeriesInstanceUID": fresh_uid(),
        "StudyID": f"{token}0",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "FrameOfReferenceUID": fresh_uid(),
        "PositionReferenceIndicator": "",
        "ImagePositionPatient": [0, 0, 0],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [1, 1],
        "SliceThickness": 1,
        "KVP": 120,
        "AcquisitionNumber": 1,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "PixelData": words(ROWS * COLUMNS),
    } | attributes
    made = item(**values)
    if "PixelData" in made:
        made["PixelData"].VR = "OW" if made.get("BitsAllocated", 8) > 8 else "OB"
    return made


def capture(token: str, **attributes: Any) -> Dataset:
    """A secondary capture of 8 bits, 6 x 8 pixels."""
    values: dict[str, Any] = {
        "SOPClassUID": SC,
        "Modality": "OT",
        "ImageType": ["DERIVED", "SECONDARY"],
        "ConversionType": "SYN",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelData": bytes(range(ROWS * COLUMNS)),
    }
    return image(token, **(values | _NOT_OF_CT | attributes))


_NOT_OF_CT: dict[str, Any] = dict.fromkeys(
    ("KVP", "AcquisitionNumber", "RescaleIntercept", "RescaleSlope", "SliceThickness")
)
NO_IMAGE: dict[str, Any] = _NOT_OF_CT | dict.fromkeys(
    (
        "ImageType",
        "FrameOfReferenceUID",
        "PositionReferenceIndicator",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelData",
    )
)


def rle(frame: bytes, bytes_each: int) -> bytes:
    """One frame in RLE (PS3.5 Annex G), all of it in literal runs."""
    segments = []
    for byte in reversed(range(bytes_each)):
        plane = frame[byte::bytes_each]
        runs = [plane[at : at + 128] for at in range(0, len(plane), 128)]
        segment = b"".join(bytes([len(run) - 1]) + run for run in runs)
        segments.append(segment + bytes(len(segment) % 2))
    offsets = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    header = struct.pack("<16L", len(segments), *offsets, *([0] * (15 - len(segments))))
    return header + b"".join(segments)


# The things -------------------------------------------------------------------------


def _ct(token: str) -> dict[str, Thing]:
    shared = {
        "StudyInstanceUID": fresh_uid(),
        "PatientID": f"{token}-C",
        "AccessionNumber": f"{token}C",
        "StudyID": f"{token}C",
        "StudyDescription": f"{token} THORAX",
    }
    series = {
        "SeriesInstanceUID": fresh_uid(),
        "FrameOfReferenceUID": fresh_uid(),
        "SeriesNumber": 2,
        "SeriesDescription": "Axial",
        "PerformedProcedureStepStartDate": "20240103",
        "PerformedProcedureStepStartTime": "080910",
        "RequestAttributesSequence": [
            item(ScheduledProcedureStepID=f"{token}SA", RequestedProcedureID=f"{token}R1"),
            item(ScheduledProcedureStepID=f"{token}SB", RequestedProcedureID=f"{token}R2"),
        ],
    }
    slices = {
        f"ct{number}": Thing(
            image(
                token,
                **shared,
                **series,
                InstanceNumber=number,
                ImagePositionPatient=[0, 0, number],
                WindowCenter=376,
                WindowWidth=752,
                PixelData=words(ROWS * COLUMNS, start=number),
            )
        )
        for number in (1, 2, 3)
    }
    report = image(
        token,
        **NO_IMAGE,
        **shared,
        SOPClassUID=BASIC_TEXT_SR,
        Modality="SR",
        SeriesNumber=3,
        PerformedProcedureStepStartDate="20240109",
        PerformedProcedureStepStartTime="131415",
        ContentDate="20240104",
        ContentTime="111213",
        CompletionFlag="COMPLETE",
        VerificationFlag="UNVERIFIED",
        ValueType="CONTAINER",
        ContinuityOfContent="SEPARATE",
        ConceptNameCodeSequence=[code("11528-7", "LN", "Radiology Report")],
        ContentSequence=[
            item(
                RelationshipType="CONTAINS",
                ValueType="TEXT",
                ConceptNameCodeSequence=[code("121071", "DCM", "Finding")],
                TextValue=f"{token} no finding <b>&",
            )
        ],
    )
    return slices | {"sr": Thing(report)}


def _search(token: str) -> dict[str, Thing]:
    """Five small studies of four patients, for matching.

    No required key is empty: by the letter an empty one matches anything (PS3.4 C.2.2.1.2).
    """
    small = {"Rows": 2, "Columns": 2, "PixelData": bytes(8)}
    rows = (
        # who, name, date, time, accession, modality, physician
        ("S1", "Alpha^Anna", "20200115", "093000", "A1", "CT", "House^Gregory"),
        ("S2", "Beta^Berta", "20200706", "030000", "A2", "MR", "Wilson^James"),
        ("S2", "Beta^Berta", "20200705", "090000", "B3", "CT", "House^Gregory"),
        (
            "S4",
            "Ärger^Über=山田^太郎=やまだ^たろう",
            "20200708",
            "120000.5",
            "A4",
            "CT",
            "Wilson^James",
        ),
        ("T%_", "Doe, Jr.^Joe", "20201231", "1030", "A5", "CT", "Cuddy^Lisa"),
    )
    return {
        f"s{number}": Thing(
            image(
                token,
                **small,
                SOPClassUID=MR if modality == "MR" else CT,
                PatientID=f"{token}-{who}",
                PatientName=name.replace("^", f"{token}^", 1),
                PatientBirthDate=None if who == "S1" else "19800203",
                StudyDate=date,
                StudyTime=time,
                AccessionNumber=f"{token}{accession}",
                StudyID=f"{token}ID{number}",
                Modality=modality,
                ReferringPhysicianName=physician,
                SeriesNumber=10 + number,
                InstanceNumber=20 + number,
            )
        )
        for number, (who, name, date, time, accession, modality, physician) in enumerate(rows, 1)
    }


def _pages(token: str) -> dict[str, Thing]:
    small = {"Rows": 2, "Columns": 2, "PixelData": bytes(8), "PatientID": f"{token}-P"}
    return {f"p{number}": Thing(image(token, **small)) for number in range(1, 8)}


def _frames(token: str) -> dict[str, Thing]:
    bytes_each = ROWS * COLUMNS
    frames = [bytes((number * 40 + at) % 256 for at in range(bytes_each)) for number in range(4)]
    wide = [words(bytes_each, start=number) for number in range(3)]
    return {
        "mf": Thing(
            capture(
                token,
                SOPClassUID=SC_BYTE,
                NumberOfFrames=4,
                FrameIncrementPointer=0x00181063,
                FrameTime=40,
                PixelData=b"".join(frames),
            )
        ),
        "rle": Thing(
            capture(
                token,
                SOPClassUID=SC_WORD,
                NumberOfFrames=3,
                FrameIncrementPointer=0x00181063,
                FrameTime=40,
                BitsAllocated=16,
                BitsStored=16,
                HighBit=15,
                PixelData=encapsulate([rle(frame, 2) for frame in wide], has_bot=False),
            ),
            RLELossless,
        ),
        "bits": Thing(
            capture(
                token,
                SOPClassUID=SC_BIT,
                Rows=3,
                Columns=3,
                NumberOfFrames=2,
                FrameIncrementPointer=0x00181063,
                FrameTime=40,
                BitsAllocated=1,
                BitsStored=1,
                HighBit=0,
                PixelData=b"\xab\xcd\x02\x00",
            )
        ),
    }


def _gradient(token: str, pixels: bytes, syntax: str, **attributes: Any) -> Thing:
    size = {"Rows": GRADIENT_ROWS, "Columns": GRADIENT_COLUMNS}
    return Thing(capture(token, **size, **attributes, PixelData=pixels), syntax)


def _compressed(token: str) -> dict[str, Thing]:
    half = len(J2K_CODESTREAM) // 4 * 2
    halves = [J2K_CODESTREAM[:half], J2K_CODESTREAM[half:]]
    odd_end = [fragment + bytes(len(fragment) % 2) for fragment in halves]
    in_two = b"\xfe\xff\x00\xe0\x00\x00\x00\x00" + b"".join(
        b"\xfe\xff\x00\xe0" + struct.pack("<L", len(fragment)) + fragment for fragment in odd_end
    )
    return {
        "j2k": _gradient(token, encapsulate([J2K_CODESTREAM]), JPEG2000Lossless),
        "j2k_in_two": _gradient(token, in_two, JPEG2000Lossless),
        "jpeg": _gradient(
            token,
            encapsulate([JPEG_CODESTREAM]),
            JPEGBaseline8Bit,
            SamplesPerPixel=3,
            PlanarConfiguration=0,
            PhotometricInterpretation="YBR_FULL_422",
            LossyImageCompression="01",
            LossyImageCompressionRatio=2,
            LossyImageCompressionMethod="ISO_10918_1",
        ),
    }


def _pictures(token: str) -> dict[str, Thing]:
    rows = [bytes([16 * at, 8 * row, 200]) for row in range(ROWS) for at in range(COLUMNS)]
    colours = {
        f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16]
        for name in ("Red", "Green", "Blue")
    }
    tables = {
        f"{name}PaletteColorLookupTableData": words(256, start=at)
        for at, name in enumerate(("Red", "Green", "Blue"))
    }
    return {
        "ramp": Thing(
            image(
                token,
                Rows=16,
                Columns=16,
                RescaleSlope=2,
                RescaleIntercept=-100,
                PixelData=struct.pack("<256H", *range(256)),
            )
        ),
        "inverse": Thing(
            capture(
                token,
                PhotometricInterpretation="MONOCHROME1",
                Rows=16,
                Columns=16,
                PixelData=bytes(range(256)),
            )
        ),
        "rgb": Thing(
            capture(
                token,
                SamplesPerPixel=3,
                PlanarConfiguration=0,
                PhotometricInterpretation="RGB",
                PixelData=b"".join(rows),
            )
        ),
        "palette": Thing(
            capture(token, PhotometricInterpretation="PALETTE COLOR", **colours, **tables)
        ),
    }


def _documents(token: str) -> dict[str, Thing]:
    document = {"ContentDate": "20240102", "ContentTime": "101112"}
    waveform = item(
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=1,
        NumberOfWaveformSamples=1000,
        SamplingFrequency=500,
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        WaveformData=words(1000),
    )
    waveform["WaveformData"].VR = "OW"
    return {
        "pdf": Thing(
            image(
                token,
                **NO_IMAGE,
                **document,
                SOPClassUID=PDF,
                Modality="DOC",
                ConversionType="WSD",
                BurnedInAnnotation="NO",
                DocumentTitle=f"{token} document",
                ConceptNameCodeSequence=[],
                MIMETypeOfEncapsulatedDocument="application/pdf",
                EncapsulatedDocument=PDF_DOCUMENT + bytes(len(PDF_DOCUMENT) % 2),
                EncapsulatedDocumentLength=len(PDF_DOCUMENT),
            )
        ),
        "ecg": Thing(
            image(
                token,
                **NO_IMAGE,
                SOPClassUID=ECG,
                Modality="ECG",
                AcquisitionDateTime="20240102101112",
                WaveformSequence=[waveform],
            )
        ),
        "raw": Thing(
            image(
                token,
                **NO_IMAGE,
                **document,
                SOPClassUID=RAW_DATA,
                Modality="OT",
                CreatorVersionUID=fresh_uid(),
            )
        ),
    }


def _texts(token: str) -> dict[str, Thing]:
    """Character sets, each in a study of its own."""
    made = {
        "latin": image(
            token,
            SpecificCharacterSet="ISO_IR 100",
            PatientID=f"{token}-L",
            PatientName=f"{token}Müller^Jürgen",
            StudyDescription="Schädel",
        ),
        "kanji": image(
            token,
            SpecificCharacterSet=["", "ISO 2022 IR 87"],
            PatientID=f"{token}-K",
            PatientName=f"{token}Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        "cyrillic": image(
            token,
            SpecificCharacterSet="ISO_IR 144",
            PatientID=f"{token}-Y",
            PatientName=f"{token}Люкceмбypг^Иван",
        ),
        "chinese": image(
            token,
            SpecificCharacterSet="GB18030",
            PatientID=f"{token}-G",
            PatientName="Wang^XiaoDong=王^小东",
            # The second byte of this character in GB18030 is 5C, a backslash (JSON-21).
            StudyDescription="\u4e57 tail",
        ),
    }
    return {name: Thing(dataset) for name, dataset in made.items()}


def _values(token: str) -> dict[str, Thing]:
    """An attribute of (nearly) every VR, empty values, nesting, private blocks, no numbers."""
    every = image(
        token,
        PatientID=f"{token}-V",
        InstitutionAddress="Street \\ Town",  # ST
        PatientComments="line one\r\nline two \\ no separator",  # LT
        PatientAge="042Y",  # AS
        PatientWeight="70.500",  # DS
        OtherPatientNames=["A^B", "", "C^D"],  # PN
        ImageComments="",  # empty LT
        RetrieveAETitle=["ONE", "TWO"],  # AE
        AcquisitionDateTime="20240102101112.5+0100",  # DT
        EffectiveEchoTime=1.5,  # FD
        RecommendedDisplayFrameRateInFloat=12.5,  # FL
        ReferencedStudySequence=[],  # empty SQ
        ReferencedImageSequence=[
            item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.2.3"),
            Dataset(),
        ],
        FrameIncrementPointer=0x00181063,  # AT
        LongCodeValue="long",  # UC
        URNCodeValue="urn:lex:us",  # UR
        TextValue="Ü" * 20,  # UT
        RedPaletteColorLookupTableDescriptor=[256, 0, 16],  # US
    )
    every.add_new(0x00089459, "FL", 12.5)
    every.add_new(0x00720082, "SV", [2**53 + 1, -1])
    every.add_new(0x00720083, "UV", 2**64 - 1)
    every.add_new(0x0072007C, "SL", -5)
    every.add_new(0x0072007E, "SS", -6)
    every.add_new(0x00720078, "UL", 4_000_000_000)
    every.add_new(0x00720067, "OF", struct.pack("<2f", 1.5, -2))
    every.add_new(0x00720073, "OD", struct.pack("<d", 2.5))
    every.add_new(0x00720075, "OL", struct.pack("<2L", 1, 2))
    every.add_new(0x00720081, "OV", struct.pack("<Q", 2**63))
    every.add_new(0x00720065, "OB", b"\x01\x02")
    every.add_new(0x00720069, "OW", b"\x02\x01")
    every.add_new(0x0072006D, "UN", b"\x00\xff")
    first = every.private_block(0x0029, "SUITE ONE", create=True)
    first.add_new(0x01, "LO", f"{token} private")
    second = every.private_block(0x0029, "SUITE TWO", create=True)
    second.add_new(0x01, "SQ", [item(PatientComments="inside")])
    return {
        "every": Thing(every),
        "nan": Thing(image(token, PatientID=f"{token}-N", EffectiveEchoTime=float("nan"))),
        "bare": Thing(
            capture(
                token,
                PatientID="",
                PatientName="",
                PatientBirthDate="",
                PatientSex="",
                StudyDate="",
                StudyTime="",
                AccessionNumber="",
                ReferringPhysicianName="",
                StudyID="",
                SeriesNumber=None,
                InstanceNumber=None,
            )
        ),
    }


def _encodings(token: str) -> dict[str, Thing]:
    return {
        "deflated": Thing(image(token), DeflatedExplicitVRLittleEndian),
    }


def _implicit(token: str) -> dict[str, Thing]:
    return {"implicit": Thing(image(token, PatientID=f"{token}-I"), ImplicitVRLittleEndian)}


GROUPS: dict[str, Callable[[str], dict[str, Thing]]] = {
    "ct": _ct,
    "search": _search,
    "pages": _pages,
    "frames": _frames,
    "compressed": _compressed,
    "pictures": _pictures,
    "documents": _documents,
    "texts": _texts,
    "values": _values,
    "encodings": _encodings,
    "implicit": _implicit,
}
"""Things that are stored together, when the first of them is asked for."""

BY_DIMSE = frozenset({"implicit"})
"""Groups that only the DIMSE door can take in: no implicit VR on the web (PS3.18 8.6.2.1)."""


def new_token() -> str:
    """Nine characters that no other run has: all identifiers begin with it."""
    return "C" + uuid.uuid4().hex[:8].upper()


def make(token: str) -> tuple[dict[str, Thing], dict[str, str]]:
    """All things by name, and the group of each."""
    things: dict[str, Thing] = {}
    groups: dict[str, str] = {}
    for group, maker in GROUPS.items():
        made = maker(token)
        things |= made
        groups |= dict.fromkeys(made, group)
    return things, groups


def names(group: str, groups: dict[str, str]) -> Sequence[str]:
    return [name for name, of in groups.items() if of == group]
