"""Decoders nobody here wrote: dcmtk, GDCM, and pydicom for what they lack."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from imagecodecs import jpeg2k_decode
from pydicom.encaps import generate_frames

_P = "1.2.840.10008.1.2"
_DCMTK = {
    "dcmdjpeg": (".4.50", ".4.51", ".4.53", ".4.55", ".4.57", ".4.70"),
    "dcmdjpls": (".4.80", ".4.81"),
    "dcmdrle": (".5",),
    "dcmconv": (".1.99",),
}
_GDCM = (".4.90", ".4.91")
_OPENJPEG = (".4.201", ".4.202", ".4.203")
"""Read by OpenJPEG here, which is no part of our way: HTJ2K is OpenJPH's business there."""


def values(path: Path, scratch: Path) -> np.ndarray:
    """All Pixel Sample Values of a file: frames x rows x columns (x 3); colours are RGB.

    Skips where the decoder is not installed.
    """
    ds = pydicom.dcmread(path)
    suffix = ds.file_meta.TransferSyntaxUID.removeprefix(_P)
    if suffix in _OPENJPEG:
        count = int(ds.get("NumberOfFrames", 1) or 1)
        return np.stack(
            [jpeg2k_decode(f) for f in generate_frames(ds.PixelData, number_of_frames=count)]
        )
    native = path
    if command := _command(suffix, path, scratch / "native.dcm"):
        native = scratch / "native.dcm"
        native.unlink(missing_ok=True)
        run(*command)
    found = pydicom.dcmread(native).pixel_array
    many = int(ds.get("NumberOfFrames", 1) or 1) > 1
    return found if many else found[np.newaxis]


def _command(suffix: str, given: Path, wanted: Path) -> list[str]:
    for tool, suffixes in _DCMTK.items():
        if suffix in suffixes:
            return [tool, str(given), str(wanted)]
    return ["gdcmconv", "--raw", str(given), str(wanted)] if suffix in _GDCM else []


def run(tool: str, *arguments: str) -> None:
    """Runs a tool of Debian's packages; skips where there is none."""
    if shutil.which(tool) is None:
        package = "libgdcm-tools" if tool.startswith("gdcm") else "dcmtk"
        pytest.skip(f"{tool} is not installed; it comes with Debian's package {package}.")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{tool}: {done.stdout}{done.stderr}"
