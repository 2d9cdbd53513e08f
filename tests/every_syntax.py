"""One stored object asked for in every transfer syntax, and each answer read by other decoders."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from dicomweb.pixels.codecs.table import CODECS
from schemas.syntaxes import EXPLICIT_VR_LE, TransferSyntax
from tests import independent

ELE = EXPLICIT_VR_LE.uid
ENCODED = tuple(codec.syntax for codec in CODECS.values() if codec.encoder is not None)
"""What we say that we can encode."""
WAVELET_DECIBELS_MIN = 44
JPEG_DECIBELS_MIN = 26
"""JPEG's chrominance is shared between pixels: sharp edges between colours suffer."""

Get = Callable[[str], tuple[int, bytes]]
"""Status and body of a retrieval of the object with this Accept header."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one transfer syntax."""

    syntax: TransferSyntax
    decibels: float | None
    """Of the worst frame, infinite where all are equal; None: 406."""


def accept(uid: str) -> str:
    return f"application/dicom; transfer-syntax={uid}"


def every_syntax(get: Get, scratch: Path) -> list[Told]:
    """Each syntax we can encode, its answers checked; AssertionError where one is wrong.

    The reference is the object in Explicit VR Little Endian, read by pydicom.
    """
    status, native = get(accept(ELE))
    if status == 406:
        return []
    assert status == 200, native
    with warnings.catch_warnings(action="ignore"):
        reference = _values(native, EXPLICIT_VR_LE, scratch)
        known = _complaints(scratch / "given.dcm")
        _, stored = get(accept("*"))
        (scratch / "given.dcm").write_bytes(stored)
        known |= _complaints(scratch / "given.dcm")
        return [_one(get, syntax, native, reference, known, scratch) for syntax in ENCODED]


def _values(data: bytes, syntax: TransferSyntax, scratch: Path) -> np.ndarray:
    path = scratch / "given.dcm"
    path.write_bytes(data)
    assert pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID == syntax.uid
    return independent.values(path, scratch)


def _one(
    get: Get,
    syntax: TransferSyntax,
    native: bytes,
    reference: np.ndarray,
    known: set[str],
    scratch: Path,
) -> Told:
    status, data = get(accept(syntax.uid))
    if status == 406:
        assert data.strip().endswith(b".")
        return Told(syntax, None)
    assert status == 200, (syntax.name, status, data[:200])
    found = _values(data, syntax, scratch)
    assert _complaints(scratch / "given.dcm") <= known, syntax.name
    before, after = (pydicom.dcmread(BytesIO(one)) for one in (native, data))
    if after.PhotometricInterpretation == "YBR_FULL" and ".4.20" in syntax.uid:
        found = pydicom.pixels.convert_color_space(found, "YBR_FULL", "RGB")
    assert found.shape == reference.shape, (syntax.name, found.shape, reference.shape)
    if syntax.lossless:
        assert np.array_equal(found, reference, equal_nan=reference.dtype.kind == "f"), syntax.name
        assert after.SOPInstanceUID == before.SOPInstanceUID
        return Told(syntax, float("inf"))
    decibels = min(map(_decibels, reference, found))
    least = JPEG_DECIBELS_MIN if syntax.media_type == "image/jpeg" else WAVELET_DECIBELS_MIN
    assert decibels > least, (syntax.name, decibels)
    if after.SOPInstanceUID != before.SOPInstanceUID:
        _derived(before, after)
    return Told(syntax, decibels)


def _decibels(reference: np.ndarray, found: np.ndarray) -> float:
    """Peak signal to noise ratio, the peak being the range of values, 255 at least."""
    error = np.sqrt(np.mean((reference.astype(float) - found) ** 2))
    peak = max(255.0, float(reference.max()) - float(reference.min()))
    return float("inf") if error == 0 else float(20 * np.log10(peak / error))


def _derived(before: Dataset, after: Dataset) -> None:
    """ENC-09: all that PS3.3 C.7.6.1.1 wants of what lost something."""
    assert after.SOPInstanceUID == after.file_meta.MediaStorageSOPInstanceUID
    assert after.SOPInstanceUID.startswith("2.25.")
    assert after.LossyImageCompression == "01"
    assert after.ImageType[0] == "DERIVED"
    assert after["LossyImageCompressionRatio"].VM == after["LossyImageCompressionMethod"].VM
    (source,) = after.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == before.SOPInstanceUID
    (code,) = after.DerivationCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113040", "DCM")
    assert after.DerivationDescription


def _complaints(path: Path) -> set[str]:
    """What dcmtk has to say against any element of it, but for names it is too old to know."""
    done = subprocess.run(
        ["dcmdump", "--load-all", str(path)], capture_output=True, check=False, errors="replace"
    )
    return {line for line in done.stderr.splitlines() if "unknown" not in line.lower()}
