"""`python -m benchmarks.slow`: the server's memory while a large study goes to a slow client.

The client takes the study at a rate of its own; the most memory that the server had resident is
told before and after, next to the bytes sent.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import time
from pathlib import Path

from benchmarks.client import Client
from tests.make import dataset, part10, related_type
from tests.process import serving
from tests.test_memory import peak_bytes

INSTANCE_BYTES = 64 * 1024**2
TAKEN_BYTES = 1024**2
BOUNDARY = "slow"
MEBIBYTE = 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow", description=__doc__)
    parser.add_argument("--gibibytes", type=float, default=5, help="size of the study")
    parser.add_argument("--rate", type=float, default=200, help="MiB a second that are taken")
    arguments = parser.parse_args()
    count = max(1, round(arguments.gibibytes * 1024**3 / INSTANCE_BYTES))
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        store(server.url, count)
        before = peak_bytes(server.process.pid)
        begun = time.perf_counter()
        sent = take(server.url, arguments.rate * MEBIBYTE)
        seconds = time.perf_counter() - begun
        after = peak_bytes(server.process.pid)
    print(
        f"{sent / MEBIBYTE:.0f} MiB sent in {seconds:.1f} s; the server's peak was "
        f"{before / MEBIBYTE:.1f} MiB before and {after / MEBIBYTE:.1f} MiB after"
    )


def store(url: str, count: int) -> None:
    """One series of instances with pixels that are all zero, each in a request of its own."""
    client = Client(url)
    pixels = bytes(INSTANCE_BYTES)
    for number in range(count):
        ds = dataset(
            StudyInstanceUID="1.2.8",
            SeriesInstanceUID="1.2.8.1",
            SOPInstanceUID=f"1.2.8.1.{number}",
            Rows=4096,
            Columns=8192,
        )
        ds.PixelData = pixels
        head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = (head, part10(ds), f"\r\n--{BOUNDARY}--\r\n".encode())
        status, _ = client.post("/studies", related_type(boundary=BOUNDARY)["Content-Type"], body)
        assert status == 200, status
    client.close()


def take(url: str, bytes_per_second: float) -> int:
    """Takes the study at that rate; how many bytes came."""
    host, _, port = url.split("/")[2].partition(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(
            f"GET /dicom-web/studies/1.2.8 HTTP/1.1\r\nHost: {host}:{port}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        received, begun = 0, time.perf_counter()
        while data := slow.recv(TAKEN_BYTES):
            received += len(data)
            ahead = received / bytes_per_second - (time.perf_counter() - begun)
            if ahead > 0:
                time.sleep(ahead)
    return received


if __name__ == "__main__":
    main()
