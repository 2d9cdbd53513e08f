"""`python -m benchmarks.transcoding`: frames over HTTP in other syntaxes, against the bare codecs.

The limit is what the codec library alone takes for the same frames in this process; both sides are
processor time, so that a busy machine moves them together.  Nothing is kept by the server's cache.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom.encaps import encapsulate

from benchmarks.__main__ import cpu_seconds
from benchmarks.client import Client
from tests.make import dataset, part10, related, related_type
from tests.process import serving

ROWS = COLUMNS = 512
ROUNDS = 3
_P = "1.2.840.10008.1.2"

Codec = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    stored: str
    """Transfer syntax, without what all begin with."""
    store: Codec
    wanted: str
    bare: Codec
    """What the library does with a stored frame."""


def _native(pixels: np.ndarray) -> bytes:
    return pixels.tobytes()


def _pixels(frame: bytes) -> np.ndarray:
    return np.frombuffer(frame, "<u2").reshape(ROWS, COLUMNS)


def _j2k(pixels: np.ndarray) -> bytes:
    stream = imagecodecs.jpeg2k_encode(
        pixels, level=0, reversible=True, codecformat="J2K", bitspersample=12, numthreads=1
    )
    return bytes(stream)


def _htj2k(pixels: np.ndarray) -> bytes:
    return bytes(imagecodecs.htj2k_encode(pixels, reversible=True, tlm=True))


def _jpeg_ls(pixels: np.ndarray) -> bytes:
    return bytes(imagecodecs.jpegls_encode(pixels, out=2 * pixels.nbytes))


CASES = (
    Case("HTJ2K to pixels", ".4.201", _htj2k, ".1", imagecodecs.htj2k_decode),
    Case("JPEG-LS to pixels", ".4.80", _jpeg_ls, ".1", imagecodecs.jpegls_decode),
    Case("JPEG 2000 to pixels", ".4.90", _j2k, ".1", imagecodecs.jpeg2k_decode),
    Case("pixels to HTJ2K", ".1", _native, ".4.201", lambda frame: _htj2k(_pixels(frame))),
    Case("pixels to JPEG-LS", ".1", _native, ".4.80", lambda frame: _jpeg_ls(_pixels(frame))),
    Case("pixels to JPEG 2000", ".1", _native, ".4.90", lambda frame: _j2k(_pixels(frame))),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.transcoding", description=__doc__)
    parser.add_argument("--frames", type=int, default=20, help="of 512 x 512 x 12 bits")
    arguments = parser.parse_args()
    pictures = [_picture(number) for number in range(arguments.frames)]
    print(f"{'processor time of one frame':34} {'ours ms':>9} {'bare ms':>9} {'ratio':>7}")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "--max-cache-bytes", "0") as server,
    ):
        client = Client(server.url)
        for number, case in enumerate(CASES):
            frames = [bytes(case.store(picture)) for picture in pictures]
            path = _put(client, number, case, frames)
            ours, bare = _measured(client, server.process.pid, path, case, frames)
            print(f"{case.name:34} {ours * 1000:9.3f} {bare * 1000:9.3f} {bare / ours:7.2f}")
        client.close()


def _picture(number: int) -> np.ndarray:
    """A disc with noise on it, about as compressible as a CT slice."""
    y, x = np.ogrid[:ROWS, :COLUMNS]
    disc = (((x - 256) ** 2 + (y - 256) ** 2) < 200**2) * 1000
    noise = np.random.default_rng(number).normal(0, 20, (ROWS, COLUMNS))
    picture: np.ndarray = np.clip(disc + noise + 200, 0, 4095).astype("u2")
    return picture


def _put(client: Client, number: int, case: Case, frames: list[bytes]) -> str:
    uids = {
        "StudyInstanceUID": "1.2.9",
        "SeriesInstanceUID": "1.2.9.1",
        "SOPInstanceUID": f"1.2.9.1.{number}",
    }
    ds = dataset(**uids, Rows=ROWS, Columns=COLUMNS, NumberOfFrames=len(frames))
    ds.BitsStored, ds.HighBit = 12, 11
    compressed = case.stored != ".1"
    ds.PixelData = encapsulate(frames) if compressed else b"".join(frames)
    ds["PixelData"].VR = "OB" if compressed else "OW"
    ds["PixelData"].is_undefined_length = compressed
    status, _ = client.post(
        "/studies",
        related_type()["Content-Type"],
        (related([part10(ds, _P + case.stored)]),),
    )
    assert status == 200, status
    return f"/studies/1.2.9/series/1.2.9.1/instances/1.2.9.1.{number}/frames"


def _measured(
    client: Client, pid: int, path: str, case: Case, frames: list[bytes]
) -> tuple[float, float]:
    """Seconds of one frame, of the server and of the library."""
    accept = f"multipart/related; type=*/*; transfer-syntax={_P}{case.wanted}"
    ours = bare = 0.0
    for _ in range(ROUNDS):
        begun = cpu_seconds(pid)
        for number in range(1, len(frames) + 1):
            status, _ = client.get(f"{path}/{number}", accept)
            assert status == 200, status
        ours += cpu_seconds(pid) - begun
        thread = time.thread_time()
        for frame in frames:
            case.bare(frame)
        bare += time.thread_time() - thread
    return ours / (ROUNDS * len(frames)), bare / (ROUNDS * len(frames))


if __name__ == "__main__":
    main()
