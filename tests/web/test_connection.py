"""The connection itself: whole answers, whatever the client does with its end of it."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.make import dataset, instance, part10, related, related_type
from tests.process import Running, serving

SECONDS_MAX = 30
FRAMES = 24
FRAME_BYTES = 1024 * 1024
"""More in all than a socket holds, so that a client that does not read stops the server."""
AT = "/studies/1.2.9/series/1.2.9.1"
SMALL, LARGE = f"{AT}/instances/1.2.9.1.1", f"{AT}/instances/1.2.9.1.2"
WHOLE = "application/dicom; transfer-syntax=*"
PARTS = 'multipart/related; type="application/dicom"; transfer-syntax=*'


def one(uid, frames, size_bytes):
    return part10(
        dataset(
            StudyInstanceUID="1.2.9",
            SeriesInstanceUID="1.2.9.1",
            SOPInstanceUID=uid,
            Rows=512,
            Columns=size_bytes // frames // 1024,
            NumberOfFrames=frames,
            PixelData=random.Random(frames).randbytes(size_bytes),
        )
    )


@dataclass(frozen=True, slots=True)
class Held:
    running: Running
    data: Path
    small: bytes
    large: bytes

    @property
    def url(self):
        return self.running.url

    def connect(self):
        split = urlsplit(self.url)
        return socket.create_connection((split.hostname, split.port), timeout=SECONDS_MAX)

    def asks(self, path, accept=WHOLE, *lines, method="GET", version="1.1"):
        split = urlsplit(self.url)
        head = [f"{method} {split.path}{path} HTTP/{version}", f"Host: {split.netloc}"]
        return "\r\n".join([*head, f"Accept: {accept}", *lines, "", ""]).encode()

    def open_files(self):
        return len(os.listdir(f"/proc/{self.running.process.pid}/fd"))

    def objects_open(self):
        """How many stored objects the server has open."""
        found = 0
        for name in os.listdir(folder := f"/proc/{self.running.process.pid}/fd"):
            try:
                found += "/objects/" in os.readlink(f"{folder}/{name}").replace("/.staging/", "/")
            except FileNotFoundError:
                continue
        return found - 1  # the lock of its staging folder


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    data = tmp_path_factory.mktemp("connections")
    small = one("1.2.9.1.1", 1, 512 * 1024)
    large = one("1.2.9.1.2", FRAMES, FRAMES * FRAME_BYTES)
    with serving(data, "--allow-delete") as running:
        for instance in (small, large):
            body, kind = related([instance]), related_type()
            assert httpx.post(running.url + "/studies", content=body, headers=kind).is_success
        yield Held(running, data, small, large)


def answer(file, *, has_body=True):
    """One answer: status, headers, body as it was before it was cut into chunks."""
    status = int(file.readline().split()[1])
    headers = {}
    while line := file.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    if not has_body:
        return status, headers, b""
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(file.readline(), 16):
            body += file.read(size)
            assert file.read(2) == b"\r\n"
        assert file.read(2) == b"\r\n"
        return status, headers, body
    if "content-length" in headers:
        return status, headers, file.read(int(headers["content-length"]))
    return status, headers, file.read()


def eventually(true):
    deadline = time.monotonic() + SECONDS_MAX
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_pipelined_requests_are_answered_in_order(held):
    """RFC 9112 9.3.2; files, bytes and problems one after the other on one connection."""
    asked = [
        held.asks(SMALL),
        held.asks(AT + "/metadata", "application/dicom+json"),
        held.asks(LARGE),
        held.asks(SMALL, method="HEAD"),
        held.asks("/studies/no-uid"),
        held.asks(SMALL + "/frames/1", "application/octet-stream"),
        held.asks(AT, PARTS),
        held.asks(SMALL),
    ]
    with held.connect() as connection, connection.makefile("rb") as file:
        connection.sendall(b"".join(asked))
        assert answer(file)[2] == held.small
        assert answer(file)[2].count(b'"00080018"') == 2
        assert answer(file)[2] == held.large
        status, headers, _ = answer(file, has_body=False)
        assert (status, int(headers["content-length"])) == (200, len(held.small))
        assert answer(file)[0] == 400
        assert answer(file)[2] == held.small[-512 * 1024 :]
        series = answer(file)[2]
        assert held.small in series
        assert held.large in series
        assert answer(file)[2] == held.small


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("accept", [WHOLE, PARTS], ids=["length told", "length not told"])
def test_a_connection_that_is_to_be_closed_is_closed_after_all_was_sent(held, version, accept):
    """RFC 9112 9.6; HTTP/1.0 knows no chunks (6.1)."""
    path = SMALL if accept == WHOLE else AT
    close = () if version == "1.0" else ("Connection: close",)
    with held.connect() as connection, connection.makefile("rb") as file:
        connection.sendall(held.asks(path, accept, *close, version=version))
        status, headers, body = answer(file)
        assert (status, headers["connection"]) == (200, "close")
        assert ("transfer-encoding" in headers) == (version == "1.1" and accept == PARTS)
        assert (body == held.small) if accept == WHOLE else (held.large in body)
        assert file.read() == b""


def test_a_client_that_reads_little_by_little_gets_all(held):
    with held.connect() as connection, connection.makefile("rb", buffering=0) as file:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        connection.sendall(held.asks(LARGE))
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += file.read(100)
        body = bytearray(received[end + 4 :])
        while len(body) < len(held.large):
            body += file.read(100_000)
        assert body == held.large


@pytest.mark.parametrize("path, accept", [(LARGE, WHOLE), (AT, PARTS)], ids=["one", "series"])
def test_a_client_that_reads_nothing_holds_up_nobody_and_when_it_goes_nothing_stays(
    held, path, accept
):
    """Its answer waits in its file; when the client is gone, the file is closed."""
    eventually(lambda: held.objects_open() == 0)
    stuck = [held.connect() for _ in range(8)]
    for connection in stuck:
        connection.sendall(held.asks(path, accept))
    eventually(lambda: held.objects_open() >= len(stuck))
    headers = {"Accept": WHOLE}
    assert httpx.get(held.url + SMALL, headers=headers).content == held.small
    for connection in stuck:
        connection.close()
    eventually(lambda: held.objects_open() == 0)
    assert not any('"level":"error"' in line for line in held.running.said)


def test_what_is_no_request_gets_no_answer_into_the_one_before(held):
    """Its reader would take it for bytes of the object."""
    with held.connect() as connection:
        connection.sendall(held.asks(LARGE))
        received = connection.recv(65536)
        connection.sendall(b"\0\1\2 nonsense\r\n\r\n")
        while piece := connection.recv(65536):
            received += piece
    _, _, body = received.partition(b"\r\n\r\n")
    assert held.large.startswith(body)


@pytest.mark.parametrize(
    "sent, status",
    [
        (b"\0\1\2 nonsense\r\n\r\n", 400),
        (b"GET /dicom-web/studies/\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://other.test/dicom-web/nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /dicom-web/%2e%2e/secret?a#b HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET //dicom-web/studies HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ],
    ids=["no HTTP", "no ASCII", "a whole URL", "a fragment", "two slashes"],
)
def test_odd_targets_are_told_as_what_they_are(held, sent, status):
    with held.connect() as connection, connection.makefile("rb") as file:
        connection.sendall(sent)
        assert answer(file)[0] == status


def test_a_target_may_be_percent_encoded(held):
    """RFC 3986 6.2.2.2: an escaped unreserved character is that character."""
    with held.connect() as connection, connection.makefile("rb") as file:
        connection.sendall(held.asks(SMALL.replace("studies", "%73tudies").replace(".", "%2E")))
        assert answer(file)[2] == held.small


def test_what_the_page_cache_has_lost_is_sent_all_the_same(held):
    for file in held.data.glob("objects/*/*.dcm"):
        number = os.open(file, os.O_RDONLY)
        os.fsync(number)
        os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(number)
    headers = {"Accept": WHOLE}
    assert httpx.get(held.url + LARGE, headers=headers, timeout=SECONDS_MAX).content == held.large


@pytest.mark.parametrize("begin, end", [(0, 1), (70_000, 20_000_000), (3, len("0123")), (9, None)])
def test_ranges_of_an_object_are_those_bytes(held, begin, end):
    """NEG-74, RFC 9110 14."""
    said = f"bytes={begin}-{'' if end is None else end - 1}"
    with httpx.Client(headers={"Accept": WHOLE, "Range": said}, timeout=SECONDS_MAX) as http:
        found = http.get(held.url + LARGE)
        assert found.status_code == 206
        assert found.content == held.large[begin:end]
        several = http.get(held.url + LARGE, headers={"Range": f"{said}, 1000000-1900000"})
        assert held.large[begin:end] in several.content
        assert held.large[1_000_000:1_900_001] in several.content


def test_an_object_that_is_deleted_while_it_is_sent_is_sent_to_its_end(held):
    copy = one("1.2.9.1.3", FRAMES, FRAMES * FRAME_BYTES)
    gone = f"{AT}/instances/1.2.9.1.3"
    assert httpx.post(
        held.url + "/studies", content=related([copy]), headers=related_type()
    ).is_success
    with held.connect() as connection, connection.makefile("rb") as file:
        connection.sendall(held.asks(gone))
        eventually(lambda: held.objects_open() == 1)
        assert httpx.delete(held.url + gone).status_code == 204
        assert httpx.get(held.url + gone).status_code == 410
        assert answer(file)[2] == copy
        connection.sendall(held.asks(gone))
        assert answer(file)[0] == 410


# Requests that are known ---------------------------------------------------------------------


def test_the_same_request_again_gets_the_same_answer_and_a_line_in_the_log(held):
    """The first is worked out, the others are remembered."""
    path = SMALL + "/frames/1"
    asked = held.asks(path, "application/octet-stream")
    lines = [f'"path":"/dicom-web{path}"', '"sent_bytes":524288', '"transaction":"Retrieve frames"']

    def told():
        return sum(all(part in line for part in lines) for line in held.running.said)

    before = told()
    with held.connect() as connection, connection.makefile("rb") as file:
        found = []
        for _ in range(5):
            connection.sendall(asked)
            found.append(answer(file))
        connection.sendall(asked[:70])
        connection.sendall(asked[70:])
        found.append(answer(file))
        connection.sendall(asked + asked)
        found += [answer(file), answer(file)]
    for _, headers, _ in found:
        assert headers.pop("date")
    assert all(one == found[0] for one in found)
    assert found[0][2] == held.small[-512 * 1024 :]
    eventually(lambda: told() == before + len(found))


def test_what_differs_in_a_header_is_another_request(held):
    """NEG-01, NEG-52, NEG-74: what is remembered of one is not given for the other."""
    with held.connect() as connection, connection.makefile("rb") as file:

        def ask(*lines, accept=WHOLE, method="GET"):
            connection.sendall(held.asks(SMALL, accept, *lines, method=method))
            return answer(file, has_body=method == "GET")

        _, headers, whole = ask()
        assert ask()[2] == whole == held.small
        assert ask("Range: bytes=0-9")[0] == 206
        assert ask("Range: bytes=0-9")[2] == whole[:10]
        known = f"If-None-Match: {headers['etag']}"
        for _ in range(3):
            connection.sendall(held.asks(SMALL, WHOLE, known))
            status, told, _ = answer(file, has_body=False)
            assert (status, told["etag"]) == (304, headers["etag"])
        assert ask(known, method="HEAD")[0] == 304
        assert ask(method="HEAD")[1]["content-length"] == str(len(whole))
        assert ask(accept=PARTS)[1]["content-type"].startswith("multipart/related")
        assert ask(accept="image/x-unknown")[0] == 406
        assert ask("Connection: close")[2] == whole
        assert file.read() == b""


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_remembered_ends_with_the_next_commit(tmp_path, workers):
    """QIDO-01, WADO-13: a search and metadata are of what is there now, in every process; what is
    deleted is gone in every process.
    """
    kind, uids = related_type(), {"StudyInstanceUID": "1.2.8", "SeriesInstanceUID": "1.2.8.1"}
    at = "/studies/1.2.8/series/1.2.8.1"
    flags = ("--workers", str(workers), "--allow-delete")
    with serving(tmp_path, *flags) as running, contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=running.url, timeout=SECONDS_MAX))
            for _ in range(6)
        ]

        def all_say(path, accept, seen):
            return all(
                seen(client.get(path, headers={"Accept": accept}))
                for client in clients
                for _ in range(3)
            )

        for number in range(1, 4):
            made = instance(**uids, SOPInstanceUID=f"1.2.8.1.{number}")
            assert clients[0].post("/studies", content=related([made]), headers=kind).is_success
            for path in ("/instances?StudyInstanceUID=1.2.8", f"{at}/metadata"):
                assert all_say(
                    path, "application/dicom+json", lambda a, n=number: len(a.json()) == n
                )
        for path in (f"{at}/instances/1.2.8.1.1", f"{at}/instances/1.2.8.1.1/frames/1"):
            assert all_say(path, "*/*", lambda a: a.status_code == 200)
        assert clients[0].delete(f"{at}/instances/1.2.8.1.1").status_code == 204
        for path in (f"{at}/instances/1.2.8.1.1", f"{at}/instances/1.2.8.1.1/frames/1"):
            assert all_say(path, "*/*", lambda a: a.status_code == 410)
        assert all_say(f"{at}/metadata", "application/dicom+json", lambda a: len(a.json()) == 2)


def test_garbage_after_a_request_is_no_part_of_what_is_known(held):
    """Else a request that carries some would once be refused and once be answered."""
    asked = held.asks(SMALL)
    with held.connect() as connection, connection.makefile("rb") as file:
        for _ in range(2):
            connection.sendall(asked)
            assert answer(file)[2] == held.small
    for _ in range(2):
        with held.connect() as connection, connection.makefile("rb") as file:
            connection.sendall(asked + b"\0\1\2\r\n\r\n")
            assert answer(file)[0] == 400


def test_a_series_whose_client_is_gone_is_not_read_to_its_end(held):
    """What nobody reads costs nothing more."""
    path = f'"path":"/dicom-web{AT}"'

    def told():
        return sum(path in line for line in held.running.said)

    before = told()
    with held.connect() as connection:
        connection.sendall(held.asks(AT, PARTS))
        connection.recv(1000)
    eventually(lambda: told() == before + 1)
    eventually(lambda: held.objects_open() == 0)
    assert not any('"level":"error"' in line for line in held.running.said)
