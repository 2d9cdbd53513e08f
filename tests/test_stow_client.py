"""Storing over STOW-RS: what is sent, and what becomes of each answer a server may give."""

from __future__ import annotations

import asyncio
import contextlib
import email
import io
import json
import socket
import sys
from dataclasses import dataclass, field

import pytest

from dicomweb import stow_client
from dicomweb.sources import Source, find
from dicomweb.stow_client import NotSent, Unreachable, send, studies_url
from tests.make import instance

DICOM_JSON = "application/dicom+json"


@dataclass
class Peer:
    """A small STOW-RS server that gives one answer to all."""

    status: str = "200 OK"
    body: bytes = b""
    reads: bool = True
    """Whether it takes the body of a request before it answers."""
    url: str = ""
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                line, _, rest = head.partition("\r\n")
                headers = dict(email.message_from_string(rest).items())
                size = int(headers["Content-Length"]) if self.reads else 0
                self.received.append((line, headers, await reader.readexactly(size)))
                if self.status:
                    length = f"Content-Length: {len(self.body)}\r\n"
                    answer = f"HTTP/1.1 {self.status}\r\nContent-Type: {DICOM_JSON}\r\n{length}\r\n"
                    writer.write(answer.encode() + self.body)
                    await writer.drain()
                if not self.reads:
                    writer.write_eof()
                    await reader.read()
                if not (self.reads and self.status):
                    break
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def running(**facts):
    peer = Peer(**facts)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/dicom-web"
    try:
        yield peer
    finally:
        server.close()
        await asyncio.gather(*peer.serving)


def source(data: bytes, size_bytes: int | None = None) -> Source:
    size_bytes = len(data) if size_bytes is None else size_bytes
    return Source("one", size_bytes, True, lambda: io.BytesIO(data))


async def answer_to(data: bytes = b"DICM", **facts) -> str:
    """What is said of an instance that is not stored; "" if it is."""
    async with running(**facts) as peer, stow_client.client() as http:
        try:
            await send(http, peer.url, source(data))
        except NotSent as refused:
            return str(refused)
    return ""


def failed(**item) -> bytes:
    tags = {"code": "00081197", "comment": "00000902"}
    values = {tags[name]: {"Value": [value]} for name, value in item.items()}
    return json.dumps({"00081198": {"vr": "SQ", "Value": [values]}}).encode()


@pytest.mark.parametrize("tail", ["", "/", "/studies", "/studies/"])
def test_the_url_is_a_service_root_or_says_studies_itself(tail):
    assert studies_url("http://host/dicom-web" + tail) == "http://host/dicom-web/studies"


@pytest.mark.parametrize(
    "data",
    [instance(), b"", b"\r\n--x--\r\n" * 100_000],
    ids=["an instance", "nothing", "many blocks"],
)
async def test_a_request_is_one_part_of_known_length(data):
    """PS3.18 10.5.1 and 8.6.1.2.1."""
    async with running() as peer, stow_client.client() as http:
        await send(http, peer.url, source(data))
    ((line, headers, body),) = peer.received
    whole = email.message_from_bytes(b"Content-Type: %s\n\n" % headers["Content-Type"].encode())
    boundary = whole.get_param("boundary").encode()
    assert line == "POST /dicom-web/studies HTTP/1.1"
    assert (whole.get_content_type(), whole.get_param("type"), headers["Accept"]) == (
        "multipart/related",
        "application/dicom",
        DICOM_JSON,
    )
    head = b"--%s\r\nContent-Type: application/dicom\r\n\r\n" % boundary
    assert body == head + data + b"\r\n--%s--\r\n" % boundary


async def test_a_connection_serves_one_instance_after_the_other(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(instance())
    async with running() as peer, stow_client.client() as http:
        for found in find([tmp_path]):
            await send(http, peer.url, found)
    assert len(peer.received) == 2


STORED = {
    "200": {},
    "200 with JSON": {"body": b'{"00081199": {"vr": "SQ", "Value": [{}]}}'},
    "202, which warns": {"status": "202 Accepted", "body": b"{}"},
    "an empty Failed SOP Sequence": {"body": b'{"00081198": {"vr": "SQ"}}'},
    "200 with XML": {"body": b"<NativeDicomModel/>"},
    "200 with JSON of another form": {"body": b'[["00081198"], {"00081198": 3}]'},
    "200 with JSON too deep": {"body": b"[" * 100_000},
}


@pytest.mark.parametrize("facts", STORED.values(), ids=STORED)
async def test_an_instance_is_stored_unless_the_server_says_no(facts):
    assert await answer_to(**facts) == ""


REFUSED = {
    "code and comment": (
        {"status": "409 Conflict", "body": failed(code=0x0111, comment="It is there.")},
        "It is there. (0111)",
    ),
    "code that is known": ({"body": failed(code=0xC122)}, "Transfer syntax not supported. (C122)"),
    "code that is not": ({"body": failed(code=0xA7FF)}, "The server refused it. (A7FF)"),
    "no code": ({"body": failed()}, "The server refused it."),
    "in a list": ({"body": b"[%s]" % failed(code=0x0110)}, "(0110)"),
    "other failures": (
        {"body": failed(code=0xA700).replace(b"00081198", b"0008119A")},
        "no room. (A700)",
    ),
    "202 that failed": ({"status": "202 Accepted", "body": failed(code=0x0122)}, "(0122)"),
    "an item of another form": ({"body": b'{"00081198": {"Value": [7]}}'}, "refused it"),
    "a code of another form": ({"body": failed(code={"a": 1})}, "The server refused it."),
    "status and words": (
        {"status": "413 Too Large", "body": b"At most\n1 GiB."},
        "413 Too Large: At most 1 GiB.",
    ),
    "status alone": ({"status": "503 Busy"}, "503 Busy: no further word"),
    "a redirection": ({"status": "307 Elsewhere"}, "307 Elsewhere"),
    "words that steer a terminal": (
        {"status": "500 Oh", "body": b"\x1b[2J\x9bgone"},
        "500 Oh: [2J",
    ),
}


@pytest.mark.parametrize("facts, said", REFUSED.values(), ids=REFUSED)
async def test_what_a_server_refuses_has_its_reason(facts, said):
    answer = await answer_to(**facts)
    assert said in answer
    assert answer.isprintable()


async def test_long_words_are_cut():
    assert len(await answer_to(status="500 Oh", body=b"no " * 10**6)) < 320


async def test_an_answer_beyond_the_limit_is_left_unread(monkeypatch):
    monkeypatch.setattr(stow_client, "ANSWER_BYTES_MAX", 1000)
    assert (await answer_to(status="500 Oh", body=b"no " * 10**7)).startswith("500 Oh: no no")


async def test_an_answer_before_the_end_of_the_request_is_heard():
    facts = {"status": "413 Too Large", "body": b"Enough.", "reads": False}
    assert await answer_to(b"x" * 1000, **facts) == "413 Too Large: Enough."


async def test_a_connection_that_breaks_concerns_one_instance():
    assert (await answer_to(status="")).startswith("The connection broke: ")


@pytest.mark.parametrize("size_bytes", [3, 5], ids=["longer", "shorter"])
async def test_a_file_that_changed_its_size_is_not_stored(size_bytes):
    async with running() as peer, stow_client.client() as http:
        with pytest.raises(NotSent, match="size"):
            await send(http, peer.url, source(b"four", size_bytes))
        await send(http, peer.url, source(b"four"))
    assert [body.count(b"four") for _, _, body in peer.received] == [1]


async def test_a_file_that_is_gone_says_so_and_the_next_is_sent(tmp_path):
    (tmp_path / "gone").write_bytes(b"x")
    (gone,) = find([tmp_path])
    (tmp_path / "gone").unlink()
    async with running() as peer, stow_client.client() as http:
        with pytest.raises(FileNotFoundError):
            await send(http, peer.url, gone)
        await send(http, peer.url, source(b"next"))
    assert len(peer.received) == 1


@pytest.mark.parametrize(
    "url",
    ["http://me:s3cret@127.0.0.1:1/x", "ftp://127.0.0.1/x", "127.0.0.1/x", "http://[/x"],
    ids=["nobody listens", "another scheme", "no scheme", "no URL"],
)
async def test_no_server_is_told_from_a_refusal(url):
    async with stow_client.client() as http:
        with pytest.raises(Unreachable, match="cannot be reached: ") as error:
            await send(http, url, source(b"x"))
    assert "s3cret" not in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems answer when a backlog is full.")
async def test_a_server_that_takes_no_connection_is_unreachable(monkeypatch):
    """A full backlog stands for an address where packets vanish."""
    monkeypatch.setattr(stow_client, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        address = listening.getsockname()
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(address)
            async with stow_client.client() as http:
                with pytest.raises(Unreachable, match="ConnectTimeout"):
                    await send(http, f"http://127.0.0.1:{address[1]}", source(b"x"))
