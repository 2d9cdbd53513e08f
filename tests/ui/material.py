"""What the browser's tests look at: phantoms of every kind, and real files that pydicom ships."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from tests.make import instance
from tests.real_files import SHIPPED

ROOT = "1.2.826.0.1.3680043.10.1411"
CT, PRIOR, SCRIPT, SLIDE, DOCUMENT, JAPANESE, PLACES = (f"{ROOT}.{n}" for n in range(1, 8))
CT_SERIES = f"{CT}.1"
SCRIPT_NAME = "<script>alert(1)</script>"
SLICES, PAGES_OF_STUDIES = 24, 120
SIZE = 128
TILE, TILES = 64, (5, 4)
SHIPPED_FILES = (
    "examples_ybr_color.dcm",
    "examples_rgb_color.dcm",
    "waveform_ecg.dcm",
    "test-SR.dcm",
    "MR_small_jp2klossless.dcm",
    "CT_small.dcm",
)

_PHANTOM = {"PatientName": "Phantom^Ada", "PatientID": "PH1", "PatientBirthDate": "19800229"}


def everything() -> Iterator[bytes]:
    """Part 10 files, to be stored."""
    yield from _ct()
    yield from _prior()
    yield from _places()
    yield from _odd()
    yield _slide()
    yield _document()
    for name in SHIPPED_FILES:
        yield (SHIPPED / "test_files" / name).read_bytes()


def many() -> Iterator[bytes]:
    """Studies enough for more than two pages."""
    for number in range(PAGES_OF_STUDIES):
        yield instance(
            PatientName=f"Page^Number {number:03}",
            PatientID=f"PAGE{number:03}",
            StudyDate=f"2019{number % 12 + 1:02}{number % 28 + 1:02}",
            StudyDescription="One of many",
        )


def head(level: int, pixel: float) -> np.ndarray:
    """A slice of a head in Hounsfield units: air, bone, brain, a bright spot that moves."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    shape = 0.9 - 0.35 * abs(level / SLICES - 0.5)
    radius = np.hypot(x / 0.8, y) / shape
    values = np.full((SIZE, SIZE), -1000.0)
    values[radius < 1] = 900
    values[radius < 0.92] = 35
    values[np.hypot((x - 0.14) / 0.5, y + 0.1) < 0.28 * shape] = 8
    values[np.hypot((x + 0.14) / 0.5, y + 0.1) < 0.28 * shape] = 8
    angle = 2 * np.pi * level / SLICES
    values[np.hypot(x - 0.45 * np.cos(angle), y - 0.45 * np.sin(angle)) < 0.07] = 70
    noise = np.random.default_rng(level).normal(0, 4, values.shape)
    return values + noise * pixel


def _ct() -> Iterator[bytes]:
    for level in range(SLICES):
        values = np.clip(head(level, 1) + 1024, 0, 4095).astype("<u2")
        yield instance(
            **_PHANTOM,
            StudyInstanceUID=CT,
            SeriesInstanceUID=CT_SERIES,
            SOPInstanceUID=f"{CT_SERIES}.{level + 1}",
            StudyDate="20240310",
            StudyDescription="Head plain",
            SeriesDescription="Axial 5 mm",
            AccessionNumber="ACC7781",
            ReferringPhysicianName="House^Gregory",
            InstitutionName="General Hospital",
            InstanceNumber=level + 1,
            Rows=SIZE,
            Columns=SIZE,
            BitsStored=12,
            HighBit=11,
            RescaleSlope=1,
            RescaleIntercept=-1024,
            WindowCenter=[40, 400],
            WindowWidth=[80, 1800],
            WindowCenterWidthExplanation=["Brain", "Bone"],
            PixelSpacing=[1.5, 1.5],
            SliceThickness=5,
            SliceLocation=level * 5.0,
            ImagePositionPatient=[-96, -96, level * 5.0],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            FrameOfReferenceUID=f"{CT}.9",
            PixelData=values.tobytes(),
        )


def _prior() -> Iterator[bytes]:
    for level in range(12):
        values = np.clip((head(level * 2, 2) + 60) * 8, 0, 1500).astype("<u2")
        yield instance(
            **_PHANTOM,
            SOPClassUID="1.2.840.10008.5.1.4.1.1.4",
            StudyInstanceUID=PRIOR,
            SeriesInstanceUID=f"{PRIOR}.1",
            SOPInstanceUID=f"{PRIOR}.1.{level + 1}",
            StudyDate="20210405",
            StudyDescription="Head MR",
            SeriesDescription="T2 axial",
            Modality="MR",
            InstanceNumber=level + 1,
            Rows=SIZE,
            Columns=SIZE,
            PixelSpacing=[1.5, 1.5],
            ImagePositionPatient=[-96, -96, level * 10.0],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelData=values.tobytes(),
        )


def _places() -> Iterator[bytes]:
    """Two series of one frame of reference: slices every 5 mm, and every 10 mm."""
    for series, apart in ((1, 5.0), (2, 10.0)):
        for level in range(int(60 / apart)):
            yield instance(
                PatientName="Place^Paul",
                PatientID="PL1",
                StudyInstanceUID=PLACES,
                SeriesInstanceUID=f"{PLACES}.{series}",
                SOPInstanceUID=f"{PLACES}.{series}.{level + 1}",
                StudyDate="20220203",
                SeriesNumber=series,
                SeriesDescription=f"Every {apart:.0f} mm",
                InstanceNumber=level + 1,
                ImagePositionPatient=[0, 0, level * apart],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                FrameOfReferenceUID=f"{PLACES}.9",
            )


def _odd() -> Iterator[bytes]:
    yield instance(
        StudyInstanceUID=SCRIPT,
        PatientName=SCRIPT_NAME,
        PatientID="<b>X1</b>",
        StudyDescription="<img src=x onerror=alert(2)>",
        SeriesDescription="<iframe src=javascript:alert(3)>",
        StudyDate="20250101",
    )
    yield instance(
        StudyInstanceUID=JAPANESE,
        PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう",
        PatientID="J1",
        StudyDate="20230607",
        Modality="US",
    )
    yield instance(PatientName="Nothing^Known", PatientID="N1", StudyDate=None, Modality="")


def _slide() -> bytes:
    """A tissue of two colours, in tiles that fill the matrix."""
    across, down = TILES
    y, x = np.mgrid[0 : down * TILE, 0 : across * TILE]
    matrix = np.full((down * TILE, across * TILE, 3), 240, np.uint8)
    tissue = np.hypot((x - 160) / 1.3, y - 128) < 100 + 8 * np.sin(x / 7.0)
    matrix[tissue] = (214, 120, 178)
    matrix[tissue & ((x // 6 + y // 5) % 4 == 0)] = (110, 60, 150)
    tiles = [
        matrix[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        for row in range(down)
        for column in range(across)
    ]
    return instance(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6",
        StudyInstanceUID=SLIDE,
        PatientName="Slide^Sam",
        PatientID="SL1",
        Modality="SM",
        StudyDate="20240501",
        ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        Rows=TILE,
        Columns=TILE,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        NumberOfFrames=len(tiles),
        TotalPixelMatrixColumns=across * TILE,
        TotalPixelMatrixRows=down * TILE,
        DimensionOrganizationType="TILED_FULL",
        PixelRepresentation=0,
        InstanceNumber=1,
        FrameOfReferenceUID=f"{SLIDE}.9",
        ContainerIdentifier="S1",
        LossyImageCompression="00",
        BurnedInAnnotation="NO",
        VolumetricProperties="VOLUME",
        ImagedVolumeWidth=0.16,
        ImagedVolumeHeight=0.128,
        ImagedVolumeDepth=1.0,
        ImageOrientationSlide=[0, -1, 0, -1, 0, 0],
        TotalPixelMatrixFocalPlanes=1,
        TotalPixelMatrixOriginSequence=[
            _item(XOffsetInSlideCoordinateSystem=20.0, YOffsetInSlideCoordinateSystem=40.0)
        ],
        NumberOfOpticalPaths=1,
        OpticalPathSequence=[
            _item(
                OpticalPathIdentifier="1",
                OpticalPathDescription="Brightfield",
                IlluminationTypeCodeSequence=[_code("111744", "DCM", "Brightfield illumination")],
                IlluminationColorCodeSequence=[_code("11744", "DCM", "Full Spectrum")],
            )
        ],
        SpecimenDescriptionSequence=[
            _item(
                SpecimenIdentifier="S1",
                SpecimenUID=f"{SLIDE}.8",
                SpecimenPreparationSequence=[],
            )
        ],
        AcquisitionContextSequence=[],
        SharedFunctionalGroupsSequence=[
            _item(
                PixelMeasuresSequence=[_item(PixelSpacing=[0.0005, 0.0005], SliceThickness=0.001)],
                OpticalPathIdentificationSequence=[_item(OpticalPathIdentifier="1")],
            )
        ],
        PixelData=b"".join(tile.tobytes() for tile in tiles),
    )


def _item(**attributes: object) -> Dataset:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
    b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
    b"4 0 obj<</Length 44>>stream\nBT /F 24 Tf 40 100 Td (A report, on paper) Tj ET \n"
    b"endstream endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def _document() -> bytes:
    return instance(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1",
        StudyInstanceUID=DOCUMENT,
        PatientName="Paper^Pat",
        PatientID="DOC1",
        Modality="DOC",
        StudyDate="20240502",
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocument=PDF + b"\0" * (len(PDF) % 2),
        PixelData=None,
        Rows=None,
        Columns=None,
    )


def stored(data: Path, folder: Path, files: Iterator[bytes]) -> None:
    """Stores the files in an archive, as a user does: they lie in a folder."""
    written(folder, files)
    stored_from(data, [folder])


def stored_from(data: Path, folders: list[Path]) -> None:
    """Stores what is in the folders; some of it may be refused."""
    command = [sys.executable, "-m", "dicomweb", "store", "--data", str(data), *map(str, folders)]
    done = subprocess.run(command, check=False, capture_output=True, cwd=Path(__file__).parents[2])
    assert done.returncode in (0, 1), done.stderr.decode()


def written(folder: Path, files: Iterator[bytes]) -> list[Path]:
    """The files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, content in enumerate(files):
        path = folder / f"{number:03}.dcm"
        path.write_bytes(content)
        paths.append(path)
    return paths
