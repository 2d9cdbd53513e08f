"""Size costs no memory: an object of 2 GB goes in and comes out, and the server stays as small."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.make import BOUNDARY, dataset, part10, related, related_type
from tests.process import serving

SIZE_BYTES = 2 * 1024**3
BLOCK = bytes(1024 * 1024)
RISE_BYTES_MAX = 64 * 1024**2
IDS = {"StudyInstanceUID": "1.2.7", "SeriesInstanceUID": "1.2.7.1", "SOPInstanceUID": "1.2.7.1.1"}
ROWS = COLUMNS = 16384


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had resident (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def large_object():
    """A CT of 4 frames of 512 MiB, piece by piece; only its header is ever whole."""
    header = part10(
        dataset(**IDS, Rows=ROWS, Columns=COLUMNS, NumberOfFrames=4, PixelData=b"")
    ).removesuffix(b"\0\0\0\0")
    yield header + SIZE_BYTES.to_bytes(4, "little")
    for _ in range(SIZE_BYTES // len(BLOCK)):
        yield BLOCK


def body():
    yield f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    yield from large_object()
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.skipif(sys.platform != "linux", reason="Resident memory is read from Linux's /proc.")
def test_an_instance_of_two_gigabytes_goes_through_in_bounded_memory(tmp_path):
    """WADO-11, STOW-59: parsed as a stream, stored as a stream, sent as a stream."""
    with serving(tmp_path) as server, httpx.Client(base_url=server.url, timeout=300) as http:
        http.get("/studies")
        before = peak_bytes(server.process.pid)
        answer = http.post("/studies", content=body(), headers=related_type())
        assert answer.status_code == 200, answer.text
        url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
        received = 0
        with http.stream("GET", url, headers={"Accept": "application/dicom"}) as whole:
            for chunk in whole.iter_raw():
                received += len(chunk)
        assert received > SIZE_BYTES
        with http.stream("GET", url + "/frames/3") as frame:
            assert sum(len(chunk) for chunk in frame.iter_raw()) > SIZE_BYTES // 4
        assert peak_bytes(server.process.pid) - before < RISE_BYTES_MAX


FRAMES = 48
SYNTAXES = ("1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1.99")


@pytest.mark.skipif(sys.platform != "linux", reason="Resident memory is read from Linux's /proc.")
def test_frames_are_transcoded_in_bounded_memory(tmp_path):
    """WADO-11: of 96 MiB of frames a few are there at a time, whatever they become."""
    ds = dataset(**IDS, Rows=1024, Columns=1024, NumberOfFrames=FRAMES)
    ds.PixelData = bytes(FRAMES * 1024 * 1024 * 2)
    with serving(tmp_path) as server, httpx.Client(base_url=server.url, timeout=300) as http:
        answer = http.post("/studies", content=related([part10(ds)]), headers=related_type())
        url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
        http.get(url + "/frames/1", headers={"Accept": "image/dicom-rle"})
        before = peak_bytes(server.process.pid)
        for syntax in SYNTAXES:
            wanted = {"Accept": f"application/dicom; transfer-syntax={syntax}"}
            with http.stream("GET", url, headers=wanted) as whole:
                assert sum(len(chunk) for chunk in whole.iter_raw()) > FRAMES
                assert whole.status_code == 200
        assert peak_bytes(server.process.pid) - before < RISE_BYTES_MAX


INSTANCES, INSTANCE_BYTES = 24, 8 * 1024**2
SIPS = 8
"""Reads of a client that then takes the rest: enough for the server to have filled every buffer."""


def study():
    """Instances of one series, a part each, made as they are sent."""
    for number in range(INSTANCES):
        ds = dataset(**IDS | {"SOPInstanceUID": f"1.2.7.1.{number}"}, Rows=2048, Columns=2048)
        ds.PixelData = bytes(INSTANCE_BYTES)
        yield f"\r\n--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + part10(ds)
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.skipif(sys.platform != "linux", reason="Resident memory is read from Linux's /proc.")
@pytest.mark.parametrize("accept", ["multipart/related; type=application/dicom", "application/zip"])
def test_a_study_waits_for_a_slow_client(tmp_path, accept):
    """WADO-11: what the client has not taken yet lies on the disk, not in memory."""
    with serving(tmp_path) as server, httpx.Client(base_url=server.url, timeout=300) as http:
        assert http.post("/studies", content=study(), headers=related_type()).status_code == 200
        http.get("/studies/1.2.7/series/1.2.7.1/instances/1.2.7.1.0", headers={"Accept": accept})
        before = peak_bytes(server.process.pid)
        host, _, port = server.url.split("/")[2].partition(":")
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect((host, int(port)))
            slow.sendall(
                f"GET /dicom-web/studies/1.2.7 HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            received = 0
            for _ in range(SIPS):
                received += len(slow.recv(4096))
                assert http.get("/studies").status_code == 200
            assert peak_bytes(server.process.pid) - before < RISE_BYTES_MAX // 4
            while data := slow.recv(1 << 20):
                received += len(data)
        assert received > INSTANCES * INSTANCE_BYTES
        assert peak_bytes(server.process.pid) - before < RISE_BYTES_MAX // 4
