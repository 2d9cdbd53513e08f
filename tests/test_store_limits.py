"""Clients that are slow or gone, disks that are full: what they hold is freed, and it is told."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from dicomweb.settings import Settings
from tests.make import bulk, dataset, instance, message, metadata, related, related_type
from tests.process import serving
from tests.test_disconnect import staged
from tests.web.conftest import client_of

LARGE = {"Rows": 2048, "Columns": 1024, "PixelData": bytes(4 * 1024**2)}
SECONDS_MAX = 30


def head(url: str, length: int) -> bytes:
    split = urlsplit(url)
    lines = [f"POST {split.path}/studies HTTP/1.1", f"Host: {split.netloc}"]
    lines += [f"Content-Length: {length}", f"Content-Type: {related_type()['Content-Type']}"]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_client_that_stops_sending_is_given_up(tmp_path):
    """STOW-59, NEG-70: within the timeout it is told, its connection closed, its staging gone."""
    body = related([instance(**LARGE)])
    with serving(tmp_path, "--idle-timeout-seconds", "1") as server:
        split = urlsplit(server.url)
        address = split.hostname, split.port
        with socket.create_connection(address, timeout=SECONDS_MAX) as connection:
            connection.sendall(head(server.url, len(body)) + body[:3_000_000])
            told = b""
            while piece := connection.recv(65536):  # until the server closes it
                told += piece
        assert told.startswith(b"HTTP/1.1 408 ")
        assert b"Nothing came for 1 seconds." in told
        assert staged(tmp_path) == []
        assert httpx.get(server.url + "/instances").status_code == 204


def test_a_client_that_is_only_slow_is_served(tmp_path):
    """STOW-10, STOW-59: it is silence that counts, not slowness."""
    body = related([instance()])
    cuts = [0, 50, 51, 400, len(body) - 3, len(body)]
    with serving(tmp_path, "--idle-timeout-seconds", "2") as server:
        split = urlsplit(server.url)
        address = split.hostname, split.port
        with socket.create_connection(address, timeout=SECONDS_MAX) as connection:
            connection.sendall(head(server.url, len(body)))
            begun = time.monotonic()
            for begin, end in pairwise(cuts):
                # Each waits for the server to have been silent a while, as a socket's timeout does.
                connection.settimeout(0.6)
                with contextlib.suppress(TimeoutError):
                    connection.recv(1)
                connection.sendall(body[begin:end])
            connection.settimeout(SECONDS_MAX)
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
            assert time.monotonic() - begun > 2


def test_a_body_in_chunks_of_any_size_is_stored(tmp_path):
    """STOW-10: Transfer-Encoding: chunked, and nothing known of its length."""
    body = related([instance()])
    with serving(tmp_path) as server:
        for size in (1, 7, len(body)):
            pieces = (body[at : at + size] for at in range(0, len(body), size))
            answer = httpx.post(server.url + "/studies", content=pieces, headers=related_type())
            assert answer.status_code == 200


def test_a_request_that_says_it_is_too_large_is_refused_before_it_comes(tmp_path):
    """NEG-70."""
    with serving(tmp_path, "--max-request-bytes", "1000") as server:
        split = urlsplit(server.url)
        address = split.hostname, split.port
        with socket.create_connection(address, timeout=SECONDS_MAX) as connection:
            connection.sendall(head(server.url, 10**12))
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.fixture
def small_disk(tmp_path):
    """A folder with room for 16 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("A small disk needs the right to mount one, which root on Linux has.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_is_told_and_nothing_half_stored_is_left(small_disk):
    """STOW-43, STOW-52: 507 and A700, as an instance and as a message; then there is room again."""
    filler = small_disk / "filler"
    async with client_of(Settings(data=small_disk)) as server:
        filler.write_bytes(bytes(12 * 1024**2))
        whole = await server.post(
            "/studies", content=related([instance(**LARGE)]), headers=related_type()
        )
        parts = [metadata(dataset(), PixelData="p"), bulk("p", LARGE["PixelData"])]
        composed = await server.post(
            "/studies", content=message(parts), headers=related_type("application/dicom+json")
        )
        for answer in (whole, composed):
            assert answer.status_code == 507
            module = answer.json()
            (item,) = module.get("00081198", module.get("0008119A"))["Value"]
            assert item["00081197"]["Value"] == [0xA700]
        assert staged(small_disk) == []
        filler.unlink()
        answer = await server.post(
            "/studies", content=related([instance(**LARGE)]), headers=related_type()
        )
        assert answer.status_code == 200


async def test_a_disk_that_fills_up_with_small_instances_never_fails_otherwise(small_disk):
    """STOW-43, STOW-60: objects or index, whichever has no room first; what was told is there."""
    statuses, stored = [], 0
    async with client_of(Settings(data=small_disk)) as server:
        (small_disk / "filler").write_bytes(bytes(13 * 1024**2))
        while 507 not in statuses[-3:] or len(statuses) < 20:
            sent = related([instance(PixelData=bytes(40_000)) for _ in range(4)])
            answer = await server.post("/studies", content=sent, headers=related_type())
            statuses.append(answer.status_code)
            stored += len(answer.json().get("00081199", {}).get("Value", ()))
        assert set(statuses) <= {200, 202, 507}
        (small_disk / "filler").unlink()
        assert len((await server.get("/instances")).json()) == stored
    blobs = [*(small_disk / "objects").glob("??/*.dcm")]
    assert len(blobs) == stored
    assert staged(Path(small_disk)) == []
