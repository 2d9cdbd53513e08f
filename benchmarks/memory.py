"""`python -m benchmarks.memory`: what storing costs in resident memory.

An instance of 5 GB, and a request of 2,000 instances, as multipart/related; the same 5 GB as
metadata with a part of bulk data.  The figure is the rise of the server's peak (VmHWM, Linux) over
what it has after its first requests.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from pydicom.uid import generate_uid

from tests.make import BOUNDARY, dataset, instance, metadata, part10, related_type
from tests.process import serving
from tests.test_memory import BLOCK, peak_bytes

GIGABYTE = 10**9
MEBIBYTE = 1024**2
RISE_BYTES_MAX = 64 * MEBIBYTE
SLICE_BYTES = 512 * 1024
DICOM, JSON = "application/dicom", "application/dicom+json"


def octets(size_bytes: int) -> Iterator[bytes]:
    for _ in range(size_bytes // len(BLOCK)):
        yield BLOCK


def large_instance(size_bytes: int) -> Iterator[bytes]:
    """A multipart body of one instance, of which only the header is ever whole."""
    size_bytes -= size_bytes % len(BLOCK)
    # Encapsulated, since a native value ends at 4 GiB: fragments of one block each.
    header = part10(dataset(PixelData=None), "1.2.840.10008.1.2.4.70")
    yield f"--{BOUNDARY}\r\nContent-Type: {DICOM}\r\n\r\n".encode() + header
    yield b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\0\0\0\0"
    for block in octets(size_bytes):
        yield b"\xfe\xff\x00\xe0" + len(block).to_bytes(4, "little")
        yield block
    yield b"\xfe\xff\xdd\xe0\0\0\0\0" + f"\r\n--{BOUNDARY}--\r\n".encode()


def large_message(size_bytes: int) -> Iterator[bytes]:
    """The same as metadata and two frames of bulk data."""
    headers, text = metadata(dataset(Rows=1, Columns=1, NumberOfFrames=2), PixelData="p")
    yield f"--{BOUNDARY}\r\nContent-Type: {headers['Content-Type']}\r\n\r\n".encode() + text
    octet_stream = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.5"
    for _ in range(2):
        head = f"\r\n--{BOUNDARY}\r\nContent-Type: {octet_stream}\r\nContent-Location: p\r\n\r\n"
        yield head.encode()
        yield from octets(size_bytes // 2)
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def many_instances(count: int) -> Iterator[bytes]:
    """A multipart body of CT slices of one series."""
    series = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    pixels = {"Rows": 512, "Columns": 512, "PixelData": bytes(SLICE_BYTES)}
    uid = generate_uid()[:50].rstrip(".0")
    stem = instance(**series, **pixels, SOPInstanceUID=f"{uid}.10000")
    for number in range(count):
        yield f"\r\n--{BOUNDARY}\r\nContent-Type: {DICOM}\r\n\r\n".encode()
        yield stem.replace(f"{uid}.10000".encode(), f"{uid}.{number + 10000}".encode())
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def measure(name: str, body: Iterator[bytes], type: str, pid: int, http: httpx.Client) -> bool:
    before, begun, sent = peak_bytes(pid), time.perf_counter(), 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        for piece in body:
            sent += len(piece)
            yield piece

    answer = http.post("/studies", content=counted(), headers=related_type(type))
    seconds, rise = time.perf_counter() - begun, peak_bytes(pid) - before
    stored = len(answer.json().get("00081199", {}).get("Value", ()))
    print(
        f"{name:28} {sent / GIGABYTE:6.2f} GB  {stored:5} stored  {answer.status_code}  "
        f"{seconds:6.1f} s  resident memory +{rise / MEBIBYTE:.1f} MiB",
        flush=True,
    )
    if answer.status_code not in (200, 202):
        print(json.dumps(answer.json())[:400])
    return answer.status_code in (200, 202) and rise < RISE_BYTES_MAX


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--bytes", type=int, default=5 * GIGABYTE)
    parser.add_argument("--parts", type=int, default=2_000)
    parser.add_argument("--folder", help="where the archive is put; it needs room for all of it")
    told = parser.parse_args()
    bodies = {
        "one instance": (large_instance(told.bytes), DICOM),
        "metadata and bulk data": (large_message(told.bytes), JSON),
        f"{told.parts} parts": (many_instances(told.parts), DICOM),
    }
    within = []
    for name, (body, type) in bodies.items():
        with (
            tempfile.TemporaryDirectory(dir=told.folder) as folder,
            serving(Path(folder)) as server,
            httpx.Client(base_url=server.url, timeout=600) as http,
        ):
            for _ in range(3):
                http.post("/studies", content=b"".join(many_instances(1)), headers=related_type())
            http.get("/studies")
            within.append(measure(name, body, type, server.process.pid, http))
    print(f"The limit is {RISE_BYTES_MAX // MEBIBYTE} MiB: {'kept' if all(within) else 'BROKEN'}")
    return 0 if all(within) else 1


if __name__ == "__main__":
    raise SystemExit(main())
