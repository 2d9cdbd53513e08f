"""What a client leaves unsaid is bounded: the size of a head and of trailers, and their time."""

from __future__ import annotations

import socket

import httpx
import pytest

from dicomweb.web.patience import HEAD_BYTES_MAX
from tests.make import instance, related, related_type
from tests.process import serving

SECONDS_MAX = 30
STORE = b"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("connected"), "--idle-timeout-seconds", "2") as running:
        yield running


def connected(server) -> socket.socket:
    host, _, port = server.url.split("/")[2].partition(":")
    return socket.create_connection((host, int(port)), SECONDS_MAX)


def answer_to(server, *pieces: bytes) -> bytes:
    """What comes until the server closes, however much of the pieces it takes."""
    with connected(server) as connection:
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while some := connection.recv(65536):
                received += some
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has closed while there was still something to be said.
        return received


@pytest.mark.parametrize(
    "begin, more",
    [
        pytest.param(b"GET /dicom-web/studies?x=", b"x" * 65536, id="a query"),
        pytest.param(b"GET / HTTP/1.1\r\nX: ", b"x" * 65536, id="one header"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 9000, id="many headers"),
        pytest.param(STORE + b"\r\n2\r\nab\r\n0\r\nX: ", b"x" * 65536, id="a trailer"),
        pytest.param(STORE + b"\r\n2\r\nab\r\n0\r\n", b"X: y\r\n" * 9000, id="many trailers"),
    ],
)
def test_a_head_without_end_is_given_up(server, begin, more):
    """NEG-70, SEC-13 (RFC 6585 5): 431, where nothing else is being said."""
    taken = 3 * HEAD_BYTES_MAX // len(more)  # What comes in one read with a body is not counted.
    received = answer_to(server, begin, *([more] * taken))
    assert not received or received.startswith((b"HTTP/1.1 431", b"HTTP/1.1 4"))
    assert httpx.get(f"{server.url}/studies").status_code == 204


@pytest.mark.parametrize("begin", [b"", b"GET /dicom-web/stu", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_is_given_up(server, begin):
    """SEC-13: connections that say nothing do not stay."""
    received = answer_to(server, begin)
    assert received == b"" or received.startswith(b"HTTP/1.1 408")
    assert (received == b"") is (begin == b"")


def test_a_connection_is_used_again_and_its_next_head_is_bounded_too(server):
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    received = answer_to(server, whole, whole, whole, whole[:30])
    assert received.count(b"HTTP/1.1 200") == 3
    assert received.count(b"HTTP/1.1 408") == 1


def test_a_long_query_and_a_large_body_are_none_of_that(server):
    query = "StudyInstanceUID=" + ",".join(f"1.2.3.{number}" for number in range(4_000))
    assert httpx.get(f"{server.url}/studies?{query}").status_code in (204, 400)
    large = instance(Rows=1024, Columns=1024, PixelData=bytes(2 * 1024 * 1024))
    sent = httpx.post(
        f"{server.url}/studies", content=related([large]), headers=related_type(), timeout=60
    )
    assert sent.status_code == 200
