"""Every real image as this server shows it, against dcmtk, or pydicom where dcmtk cannot.

Grey levels differ by one at most, colours by two; what differs by how much is written to
build/picture-differences.tsv.  The window is the one that either would choose, found again here.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut

from tests.independent import values
from tests.make import related, related_type
from tests.process import serving
from tests.real_files import real_files, shown

_P = "1.2.840.10008.1.2"
TOOLS = {
    "dcm2pnm": ("", ".1", ".2", ".1.99", ".5"),
    "dcmj2pnm": (".4.50", ".4.51", ".4.53", ".4.55", ".4.57", ".4.70"),
    "dcml2pnm": (".4.80", ".4.81"),
}
WRITTEN = Path("build") / "picture-differences.tsv"

REFUSED = {
    "2026-05-26-oob-monochrome-65535.dcm": 500,
    "NM1_JPH-not-encapsulated": 500,
    "JPEG2000-embedded-sequence-delimiter.dcm": 500,
}
"""Images that are broken, and the status that says so."""

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
NOT_COMPARABLE = {
    "GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm": "pydicom cannot read it",
    "MultiframeWindowing.dcm": "without Pixel Representation others do not show it",
    "badVR.dcm": "others do not read its Number of Frames",
    "SC_rgb_jpeg.dcm": "dcmtk does not read its Image Type, which has no VR",
    "liver_rle.dcm": "no other decoder takes RLE of one bit",
    "liver_deflate.dcm": "no other decoder takes deflated frames",
    "will-jxl.dcm": "no other decoder takes JPEG XL",
}


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    data = tmp_path_factory.mktemp("pictures")
    with (
        serving(data, "--duplicates", "replace") as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def differences() -> Iterator[list[str]]:
    """Lines of what was compared, written down in the end."""
    lines: list[str] = []
    yield lines
    WRITTEN.parent.mkdir(exist_ok=True)
    with WRITTEN.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


@pytest.mark.parametrize("path", real_files(), ids=shown)
@pytest.mark.filterwarnings("ignore")
def test_a_real_image_is_shown_as_others_show_it(http, path, tmp_path, differences):
    """REND-08, REND-13 to REND-16; issue 6: the largest difference is one grey level."""
    sent = path.read_bytes()
    answer = http.post("/studies", content=related([sent]), headers=related_type())
    stored = answer.json().get("00081199", {}).get("Value")
    if not stored:
        return  # tests/test_corpus.py says why.
    url = stored[0]["00081190"]["Value"][0]
    if path.name in REFUSED:
        answer = http.get(url + "/rendered", headers={"Accept": "image/png"})
        assert answer.status_code == REFUSED[path.name]
        return
    answer = http.get(url + "/frames/1/rendered", headers={"Accept": "image/png"})
    ds = pydicom.dcmread(io.BytesIO(sent), force=True) if answer.status_code != 200 else None
    if ds is not None:
        assert not any(ds.get(keyword) for keyword in PIXELS), answer.text
        return
    if path.name in NOT_COMPARABLE:
        pytest.skip(NOT_COMPARABLE[path.name])
    ours = np.asarray(Image.open(io.BytesIO(answer.content)))
    ds = pydicom.dcmread(io.BytesIO(sent), force=True)
    theirs, peer = reference(path, ds, tmp_path)
    if ours.ndim == 2 and theirs.ndim == 3:
        theirs = theirs[..., 0]
    assert ours.shape == theirs.shape
    largest = int(np.abs(ours.astype(int) - theirs).max())
    differences.append(f"{shown(path)}\t{largest}\t{peer}")
    assert largest <= (1 if ours.ndim == 2 else 2), peer


def reference(path: Path, ds: Dataset, scratch: Path) -> tuple[np.ndarray, str]:
    """The first frame as somebody else shows it, and who that is."""
    suffix = ds.file_meta.get("TransferSyntaxUID", "").removeprefix(_P)
    tool = next((name for name, suffixes in TOOLS.items() if suffix in suffixes), None)
    grouped = "SharedFunctionalGroupsSequence" in ds or "PerFrameFunctionalGroupsSequence" in ds
    bits = ds.get("BitsAllocated", 0)
    if tool and shutil.which(tool) and not grouped and 1 < bits <= 16 and "PixelData" in ds:
        found = by_dcmtk(tool, path, ds, scratch)
        if found is not None:
            return found, tool
    return by_pydicom(path, ds, scratch), "pydicom"


def window_of(ds: Dataset) -> tuple[float, float] | None:
    """The first Window Center and Width that can be ones, of the frame's groups first."""
    for place in (*groups(ds, "FrameVOILUTSequence"), ds):
        centers, widths = (
            np.atleast_1d(place.get(keyword) if place.get(keyword) not in (None, "") else [])
            for keyword in ("WindowCenter", "WindowWidth")
        )
        for center, width in zip(centers, widths, strict=False):
            if float(width) >= 1:
                return float(center), float(width)
    return None


def groups(ds: Dataset, keyword: str) -> Iterator[Dataset]:
    for sequence in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        items = ds.get(sequence) or []
        if items and items[0].get(keyword):
            yield items[0][keyword].value[0]


def by_dcmtk(tool: str, path: Path, ds: Dataset, scratch: Path) -> np.ndarray | None:
    """None where dcmtk cannot show it."""
    options: list[str] = []
    if "PALETTE" not in ds.PhotometricInterpretation and ds.get("SamplesPerPixel", 1) == 1:
        window = window_of(ds)
        if window is not None:
            options = ["+Ww", *map(str, window)]
        elif ds.get("VOILUTSequence"):
            options = ["+Wl", "1"]
        elif ds.BitsStored > 8:
            low, high = extremes(ds, modality_values(path, ds, scratch))
            options = ["+Ww", str((low + high) / 2 + 0.5), str(high - low + 1)]
    wanted = scratch / "wanted.pnm"
    command = [tool, "-q", "+F", "1", *options, str(path), str(wanted)]
    subprocess.run(command, capture_output=True, check=False)
    return np.asarray(Image.open(wanted)).astype(int) if wanted.exists() else None


def modality_values(path: Path, ds: Dataset, scratch: Path) -> np.ma.MaskedArray:
    """The first frame in modality units; padding is masked."""
    stored = values(path, scratch)[0]
    place = next(groups(ds, "PixelValueTransformationSequence"), ds)
    masked = np.ma.masked_array(stored)
    for prefix in ("", "Float", "DoubleFloat"):
        first = ds.get(f"{prefix}PixelPaddingValue")
        if first is not None:
            last = ds.get(f"{prefix}PixelPaddingRangeLimit", first)
            low, high = sorted((first, last))
            masked = np.ma.masked_where((stored >= low) & (stored <= high), stored)
    return np.ma.masked_array(apply_modality_lut(stored, place), np.ma.getmaskarray(masked))


def extremes(ds: Dataset, found: np.ma.MaskedArray) -> tuple[float, float]:
    return float(found.min()), float(found.max())


def by_pydicom(path: Path, ds: Dataset, scratch: Path) -> np.ndarray:
    """Decoded by others, modality and VOI LUTs by pydicom, the window by its formula here."""
    if ds.get("SamplesPerPixel", 1) > 1:
        stored = values(path, scratch)[0]
        return (stored >> (ds.BitsStored - 8) if ds.BitsStored > 8 else stored).astype(int)
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(values(path, scratch)[0], ds).astype(int) >> 8
    found = modality_values(path, ds, scratch)
    window = window_of(ds)
    if window is None and ds.get("VOILUTSequence"):
        table = ds.VOILUTSequence[0]
        entries = apply_voi_lut(found.data, ds)
        light = entries / ((1 << int(table.LUTDescriptor[2])) - 1)
    elif window is not None:
        center, width = window
        if found.dtype.kind == "f" and "PixelData" not in ds:
            center, width = center + 0.5, width + 1
        light = (found.data - (center - 0.5)) / max(width - 1, 1e-9) + 0.5
    else:
        low, high = extremes(ds, found)
        if "PixelData" in ds and ds.BitsStored <= 8:
            low, high = 0.0, float((1 << ds.BitsStored) - 1)
            if ds.get("SegmentationType") == "FRACTIONAL":
                high = float(ds.MaximumFractionalValue)
            elif ds.get("SegmentationType") == "LABELMAP":
                high = float(max(item.SegmentNumber for item in ds.SegmentSequence))
        light = (found.data - low) / ((high - low) or 1)
    light = np.clip(light, 0, 1)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        light = 1 - light
    light = np.where(np.ma.getmaskarray(found), 0, light)
    return np.rint(light * 255).astype(int)
