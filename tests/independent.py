"""Decoders nobody here wrote: dcmtk, GDCM, OpenJPEG, djxl; pydicom and zlib for what they lack."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from imagecodecs import jpeg2k_decode
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRLittleEndian

_P = "1.2.840.10008.1.2"
_PACKAGES = {"gdcmconv": "libgdcm-tools", "djxl": "libjxl-tools"}
"""Of Debian; everything else is in dcmtk."""


def values(path: Path, scratch: Path) -> np.ndarray:
    """All Pixel Sample Values of a file: frames x rows x columns (x 3); colours are RGB.

    Skips where the decoder is not installed.
    """
    ds = pydicom.dcmread(path)
    read = _READERS.get(ds.file_meta.TransferSyntaxUID.removeprefix(_P))
    if read is not None:
        return read(ds, path, scratch)
    return _array(ds)


def _array(ds: Dataset) -> np.ndarray:
    """By pydicom, of native pixel data."""
    ds.setdefault("PixelRepresentation", 0)
    found = pixel_array(ds)
    return found if _count(ds) > 1 else found[np.newaxis]


def _count(ds: Dataset) -> int:
    return int(ds.get("NumberOfFrames", 1) or 1)


def _frames(ds: Dataset) -> list[bytes]:
    return list(generate_frames(ds.PixelData, number_of_frames=_count(ds)))


Reader = Callable[[Dataset, Path, Path], np.ndarray]


def _by_tool(tool: str, *options: str) -> Reader:
    def read(ds: Dataset, path: Path, scratch: Path) -> np.ndarray:
        native = scratch / "native.dcm"
        native.unlink(missing_ok=True)
        run(tool, *options, str(path), str(native))
        return _array(pydicom.dcmread(native))

    return read


def _by_openjpeg(ds: Dataset, path: Path, scratch: Path) -> np.ndarray:
    """HTJ2K, which OpenJPH has encoded; colours that are no RGB stay."""
    return np.stack([jpeg2k_decode(frame) for frame in _frames(ds)])


def _by_djxl(ds: Dataset, path: Path, scratch: Path) -> np.ndarray:
    found = []
    for frame in _frames(ds):
        (scratch / "frame.jxl").write_bytes(frame)
        suffix = "ppm" if ds.SamplesPerPixel == 3 else "pgm"
        run("djxl", str(scratch / "frame.jxl"), str(scratch / f"frame.{suffix}"))
        found.append(_portable_map(scratch / f"frame.{suffix}", ds))
    return np.stack(found)


def _portable_map(path: Path, ds: Dataset) -> np.ndarray:
    _, _, _, data = path.read_bytes().split(b"\n", 3)
    shape = (ds.Rows, ds.Columns, 3)[: 3 if ds.SamplesPerPixel == 3 else 2]
    return np.frombuffer(data, ">u2" if ds.BitsAllocated == 16 else "u1").reshape(shape)


def _by_pydicom(unpack: Callable[[bytes], bytes]) -> Reader:
    """Frames that are native once unpacked, each on its own."""

    def read(ds: Dataset, path: Path, scratch: Path) -> np.ndarray:
        found = []
        for frame in map(unpack, _frames(ds)):
            one = Dataset(ds)
            one.file_meta = pydicom.dataset.FileMetaDataset()
            one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            one.PixelData = frame + bytes(len(frame) % 2)
            one["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
            one["PixelData"].is_undefined_length = False
            one.NumberOfFrames = 1
            found.append(pixel_array(one))
        return np.stack(found)

    return read


_READERS: dict[str, Reader] = {
    **dict.fromkeys((".4.50", ".4.51", ".4.53", ".4.55", ".4.57", ".4.70"), _by_tool("dcmdjpeg")),
    **dict.fromkeys((".4.80", ".4.81"), _by_tool("dcmdjpls")),
    **dict.fromkeys((".4.90", ".4.91"), _by_tool("gdcmconv", "--raw")),
    **dict.fromkeys((".4.201", ".4.202", ".4.203"), _by_openjpeg),
    ".4.110": _by_djxl,
    ".5": _by_tool("dcmdrle"),
    ".1.99": _by_tool("dcmconv", "+te"),
    ".1.98": _by_pydicom(bytes),
    ".8.1": _by_pydicom(lambda frame: zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame)),
}
"""By transfer syntax, without what all of them begin with; the rest is native."""


def run(tool: str, *arguments: str) -> None:
    """Runs a tool of Debian's packages; skips where there is none."""
    if shutil.which(tool) is None:
        package = _PACKAGES.get(tool, "dcmtk")
        pytest.skip(f"{tool} is not installed; it comes with Debian's package {package}.")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{tool}: {done.stdout}{done.stderr}"
