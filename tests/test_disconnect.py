"""A client that goes away in the middle of an upload leaves nothing behind."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.make import instance, related, related_type
from tests.process import serving

LARGE_BYTES = 4 * 1024**2
LARGE = {"Rows": 2048, "Columns": 1024, "PixelData": bytes(LARGE_BYTES)}
TRIES_MAX = 5_000


def send_and_go(url: str, head: str, body: bytes) -> None:
    """Sends what there is and closes the connection, whatever the server thinks of it."""
    split = urlsplit(url)
    with socket.create_connection((split.hostname, split.port)) as connection:
        lines = [f"POST {split.path}/studies HTTP/1.1", f"Host: {split.netloc}", head]
        lines.append(f"Content-Type: {related_type()['Content-Type']}")
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def staged(data: Path) -> list[Path]:
    """What lies in staging folders, their locks aside."""
    found = (data / "objects" / ".staging").glob("*/*")
    return [path for path in found if path.name != "lock"]


CUTS = {"in the header": 2_000, "in the pixels": 3_000_000, "after the first instance": 4_200_000}


@pytest.mark.parametrize("cut_bytes", CUTS.values(), ids=CUTS)
def test_a_client_that_goes_away_leaves_no_part_of_what_it_sent(tmp_path, cut_bytes):
    """STOW-36, STOW-60: only what came in whole is there, and no staged file is left."""
    body = related([instance(**LARGE), instance(**LARGE)])
    with serving(tmp_path) as server, httpx.Client(base_url=server.url) as http:
        send_and_go(server.url, f"Content-Length: {len(body)}", body[:cut_bytes])
        for _ in range(TRIES_MAX):
            http.get("/instances")
            if any('"status":499' in line for line in server.said) and not staged(tmp_path):
                break
        answer = http.get("/instances")
        found = len(answer.json()) if answer.status_code == 200 else 0
        assert found == (1 if cut_bytes > LARGE_BYTES else 0)
        assert staged(tmp_path) == []
