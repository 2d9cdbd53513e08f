"""Rendering, against the bare decode + encode of the same pixels in the same libraries, in one run.

The bare side holds the frame in memory and the finished grey levels as well: it decodes the one and
encodes the other, and neither reads a file nor maps a value.  What is asked for is never cached,
but for the figures that say so.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import generate_uid

from benchmarks.client import Client
from tests.make import dataset, part10, related, related_type
from tests.process import serving

ROUNDS = 3
CLIENTS = 16
THUMBNAIL_SERIES = 500
_P = "1.2.840.10008.1.2"
NATIVE, JPEG, J2K, HTJ2K = (_P + suffix for suffix in (".1", ".4.50", ".4.90", ".4.201"))


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of picture, ours and bare."""

    name: str
    files: list[bytes]
    path: Callable[[int], str]
    """Below the service root, of request n; no two alike."""
    bare: Callable[[], object]
    times: int


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    alone_seconds: float
    many_seconds: float
    cpu_seconds: float
    bare_seconds: float
    bare_cpu_seconds: float

    def row(self) -> str:
        milliseconds = (
            self.alone_seconds, self.many_seconds, self.cpu_seconds, self.bare_seconds,
            self.bare_cpu_seconds,
        )  # fmt: skip
        figures = " ".join(f"{seconds * 1000:9.2f}" for seconds in milliseconds)
        ratios = (
            self.bare_seconds / self.alone_seconds,
            self.bare_seconds / self.many_seconds,
            self.bare_cpu_seconds / self.cpu_seconds,
        )
        return f"{self.name:26} {figures}   " + " ".join(f"{ratio:6.2f}" for ratio in ratios)


HEAD = (
    f"{'milliseconds a picture':26} {'1 client':>9} {f'{CLIENTS} of them':>9} {'our cpu':>9} "
    f"{'bare':>9} {'bare cpu':>9}   {'1':>6} {CLIENTS:6d} {'cpu':>6}"
)


def texture(rows: int, columns: int, bits: int) -> np.ndarray:
    """As smooth and as noisy as a radiograph: what codecs are made for."""
    y, x = np.mgrid[:rows, :columns]
    waves = np.sin(x / 37) + np.cos(y / 23) + np.sin((x + y) / 91) + 3
    noise = np.random.default_rng(1).normal(0, 0.01, (rows, columns))
    smooth: np.ndarray = (waves / 6 + noise).clip(0, 1) * ((1 << bits) - 1)
    return smooth.astype(np.uint16)


def jpeg(grey: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=90, subsampling=0)
    return file.getvalue()


def radiograph(
    name: str, rows: int, columns: int, syntax: str, times: int, number: Iterator[int]
) -> Case:
    """A grey image of 12 bits, asked for with another window each time."""
    stored = texture(rows, columns, 12)
    grey = (stored >> 4).astype(np.uint8)
    encoders = {
        J2K: lambda: imagecodecs.jpeg2k_encode(stored, level=0, codecformat="j2k", reversible=True),
        HTJ2K: lambda: imagecodecs.htj2k_encode(stored, reversible=True),
    }
    # OpenJPEG decodes both: of OpenJPH the errors are lost (dicomweb.pixels.codecs.jpeg2000).
    decoders = dict.fromkeys(encoders, imagecodecs.jpeg2k_decode)
    frame = bytes(encoders[syntax]()) if syntax in encoders else stored.tobytes()
    ds = dataset(
        Rows=rows, Columns=columns, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096,
        PixelData=encapsulate([frame]) if syntax in encoders else frame,
    )  # fmt: skip
    if syntax in encoders:
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
    decode = decoders.get(syntax, lambda data: np.frombuffer(data, "<u2").reshape(rows, columns))

    def bare() -> None:
        decode(frame)
        jpeg(grey)

    def path(_: int) -> str:
        center = 2048 + next(number) / 1000
        return f"{path_of(ds)}/rendered?window={center},4096,linear"

    return Case(name, [part10(ds, syntax)], path, bare, times)


def path_of(ds) -> str:  # type: ignore[no-untyped-def]
    return (
        f"/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}"
        f"/instances/{ds.SOPInstanceUID}"
    )


def slide(times: int) -> Case:
    """One 256-pixel tile after the other of a level of 10,000."""
    y, x = np.mgrid[:256, :256]
    tile = np.stack([x, y, (x + y) // 2], axis=-1).astype(np.uint8)
    frame = jpeg(tile)
    ds = dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6", Modality="SM", Rows=256, Columns=256,
        SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", PlanarConfiguration=0,
        BitsAllocated=8, BitsStored=8, HighBit=7, NumberOfFrames=10_000,
        TotalPixelMatrixColumns=25_600, TotalPixelMatrixRows=25_600,
        DimensionOrganizationType="TILED_FULL", PixelData=encapsulate([frame] * 10_000),
    )  # fmt: skip
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True

    def bare() -> None:
        decoded = imagecodecs.jpeg8_decode(frame)
        jpeg(decoded)

    def path(n: int) -> str:
        left, top = n % 100 * 256, n // 100 % 100 * 256
        return f"{path_of(ds)}/rendered?viewport=256,256,{left},{top},256,256"

    return Case("256-px tile of a slide", [part10(ds, JPEG)], path, bare, times)


def thumbnails() -> Case:
    """Of series of one slice of 256 x 256 each."""
    study, stored = generate_uid(), texture(256, 256, 12)
    grey = (stored >> 4).astype(np.uint8)
    each = [
        dataset(
            StudyInstanceUID=study, Rows=256, Columns=256, BitsStored=12, HighBit=11,
            PixelData=stored.tobytes(), WindowCenter=2048, WindowWidth=4096,
        )
        for _ in range(THUMBNAIL_SERIES)
    ]  # fmt: skip

    def bare() -> None:
        small = Image.fromarray(grey).resize((128, 128), Image.Resampling.BICUBIC, reducing_gap=1)
        jpeg(np.asarray(small))

    def path(n: int) -> str:
        ds = each[n % THUMBNAIL_SERIES]
        return f"/studies/{study}/series/{ds.SeriesInstanceUID}/thumbnail?viewport=128,128"

    return Case("thumbnail of a series", [part10(ds) for ds in each], path, bare, 40)


def measure(case: Case, url: str, pid: int, cpu_seconds: Callable[[int], float]) -> Result:
    """All but the bare side over HTTP; numbers of requests run on, so that none comes twice."""
    asked = count()
    client = Client(url)
    many = [Client(url) for _ in range(CLIENTS)]
    alone, together, bare, bare_cpu, ours_cpu = [], [], [], [], []

    def some(who: Client, times: int) -> None:
        for _ in range(times):
            status, _ = who.get(case.path(next(asked)), "image/jpeg")
            assert status == 200, status

    some(client, 1)
    with ThreadPoolExecutor(CLIENTS) as threads:
        for _ in range(ROUNDS):
            cpu, begun = cpu_seconds(pid), time.perf_counter()
            some(client, case.times)
            alone.append((time.perf_counter() - begun) / case.times)
            ours_cpu.append((cpu_seconds(pid) - cpu) / case.times)
            begun = time.perf_counter()
            each = max(1, case.times // CLIENTS)
            list(threads.map(some, many, repeat(each)))
            together.append((time.perf_counter() - begun) / (CLIENTS * each))
            cpu, begun = time.process_time(), time.perf_counter()
            for _ in range(case.times):
                case.bare()
            bare.append((time.perf_counter() - begun) / case.times)
            bare_cpu.append((time.process_time() - cpu) / case.times)
    for one_client in (client, *many):
        one_client.close()
    medians = (statistics.median(side) for side in (alone, together, ours_cpu, bare, bare_cpu))
    return Result(case.name, *medians)


def cached(case: Case, url: str, pid: int, cpu_seconds: Callable[[int], float]) -> str:
    """The same picture again and again."""
    client, times = Client(url), 500
    path = case.path(0)
    client.get(path, "image/jpeg")
    cpu, begun = cpu_seconds(pid), time.perf_counter()
    for _ in range(times):
        client.get(path, "image/jpeg")
    wall = (time.perf_counter() - begun) / times
    cpu = (cpu_seconds(pid) - cpu) / times
    client.close()
    return f"{case.name + ', cached':26} {wall * 1000:9.2f} {'':9} {cpu * 1000:9.2f}"


def pictures(folder: Path, cpu_seconds: Callable[[int], float]) -> Iterator[str]:
    """The lines of the table, each as it is measured."""
    number = count()
    cases = [
        radiograph("CT 512 x 512", 512, 512, NATIVE, 150, number),
        radiograph("DX 3000 x 2500", 3000, 2500, NATIVE, 16, number),
        radiograph("JPEG 2000, 512 x 512", 512, 512, J2K, 32, number),
        radiograph("HTJ2K, 512 x 512", 512, 512, HTJ2K, 96, number),
        slide(150),
        thumbnails(),
    ]
    yield HEAD
    with serving(folder / "pictures") as ours:
        client = Client(ours.url)
        for case in cases:
            for begin in range(0, len(case.files), 20):
                body = related(case.files[begin : begin + 20])
                status, _ = client.post("/studies", related_type()["Content-Type"], (body,))
                assert status == 200, status
        for case in cases:
            yield measure(case, ours.url, ours.process.pid, cpu_seconds).row()
        yield cached(cases[0], ours.url, ours.process.pid, cpu_seconds)
        yield cached(cases[-1], ours.url, ours.process.pid, cpu_seconds)
        client.close()
