"""What every server is asked to do: one row each, with the ratio that is the goal."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from benchmarks.client import Client
from benchmarks.peers import material
from benchmarks.peers.material import Template
from benchmarks.peers.servers import AE_TITLE, DESTINATION, Server

FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"
WHOLE = 'multipart/related; type="application/dicom"; transfer-syntax=*'
JSON = "application/dicom+json"
VIEWER_CONNECTIONS = 6

DCMTK = {"TCP_NODELAY": "1", "TCP_BUFFER_LENGTH": "2097152", "PATH": os.environ.get("PATH", "")}
"""Without these dcmtk waits 40 ms for an acknowledgement after each instance."""

Run = Callable[[], int]
"""Does the work; how many operations it was."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one server holds for the operations that read."""

    server: Server
    study: str
    series: str
    instances: tuple[str, ...]
    pixels: bytes
    """Of one frame; all have the same."""

    @property
    def path(self) -> str:
        return f"/studies/{self.study}/series/{self.series}"

    def instance(self, number: int) -> str:
        return f"{self.path}/instances/{self.instances[number % len(self.instances)]}"


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    goal: float
    """How many times less processor time than the peer is aimed at; 0: none is set."""
    prepare: Callable[[Held], Run]
    """What is not timed: makes the objects, opens the connections, checks an answer once."""
    rounds: int = 5
    first: bool = False
    """Whether only the first answer counts: then nothing may have been asked before."""


# Storing -------------------------------------------------------------------------


def _stow(template: Template, clients: int, per_request: int, requests: int) -> Operation:
    def prepare(held: Held) -> Run:
        connections = [Client(held.server.url) for _ in range(clients)]
        bodies = iter([material.body(template.copies(per_request)) for _ in range(requests)])

        def work(connection: Client) -> int:
            done = 0
            for one in bodies:
                status, _ = connection.post("/studies", material.CONTENT_TYPE, one)
                assert status == 200, status
                done += per_request
            connection.close()
            return done

        return lambda: sum(_together(work, connections))

    size = len(template.data)
    shown = f"{size / 1e6:.0f} MB" if size >= 10**6 else f"{size // 1024} KB"
    name = f"STOW, {shown}, {_of(clients, 'client')}, {per_request} a request"
    return Operation(name, 3, prepare)


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("s" if count > 1 else "")


def _together(work: Callable[[Client], int], connections: Sequence[Client]) -> Iterable[int]:
    with ThreadPoolExecutor(len(connections)) as threads:
        return list(threads.map(work, connections))


def _c_store(template: Template, associations: int, instances: int) -> Operation:
    def prepare(held: Held) -> Run:
        folder = tempfile.TemporaryDirectory()
        commands = []
        for association in range(associations):
            part = Path(folder.name) / str(association)
            part.mkdir()
            for number, data in enumerate(template.copies(instances // associations)):
                (part / f"{number}").write_bytes(data)
            commands.append([*_dcmtk("storescu", held), "+sd", str(part)])

        def run() -> int:
            with folder:
                _run(commands)
            return instances

        return run

    return Operation(f"C-STORE, {_of(associations, 'association')}", 3, prepare)


def _dcmtk(program: str, held: Held) -> list[str]:
    port = str(held.server.dimse_port)
    return [program, "-aet", "BENCH", "-aec", AE_TITLE, "127.0.0.1", port]


def _said(command: Sequence[str]) -> str:
    """What a program of dcmtk tells when it is asked to tell all."""
    done = subprocess.run(
        [command[0], "-d", *command[1:]], env=DCMTK, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


def _run(commands: Sequence[Sequence[str]]) -> None:
    """All of them at once; each has to succeed."""
    running = [
        subprocess.Popen(command, env=DCMTK, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for command in commands
    ]
    for process in running:
        _, said = process.communicate()
        assert process.returncode == 0, said[-2000:]


# Searching and retrieving over the web --------------------------------------------


def _get(
    name: str,
    goal: float,
    path: Callable[[Held, int], str],
    accept: str,
    check: Callable[[Held, httpx.Response], bool],
    times: int,
) -> Operation:
    def prepare(held: Held) -> Run:
        url = held.server.url + path(held, 0)
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        answer = httpx.get(url, headers=headers, timeout=120)
        assert answer.status_code == 200, (url, answer.status_code, answer.text[:200])
        assert check(held, answer), (held.server.name, name)
        client = Client(held.server.url)

        def run() -> int:
            for number in range(times):
                status, length = client.get(path(held, number), accept)
                assert (status, length) == (200, len(answer.content)), (status, length)
            return times

        return run

    return Operation(name, goal, prepare)


def _first_metadata() -> Operation:
    """Each round stores a series of its own, whose metadata nobody has asked for."""

    def prepare(held: Held) -> Run:
        fresh = stored(held.server, material.ct(), 100)
        return _get(
            "", 0, lambda _, __: f"{fresh.path}/metadata", JSON, lambda *_: True, 1
        ).prepare(fresh)

    return Operation("metadata of a series of 100, first read", 50, prepare, rounds=3, first=True)


def _is_the_instance(held: Held, answer: httpx.Response) -> bool:
    return held.pixels in answer.content


def _holds_all(held: Held, answer: httpx.Response) -> bool:
    uids = {one["00080018"]["Value"][0] for one in answer.json()}
    return uids == set(held.instances)


def _is_a_jpeg(_: Held, answer: httpx.Response) -> bool:
    return answer.content.startswith(b"\xff\xd8\xff")


def _viewer() -> Operation:
    """Metadata, then all frames over as many connections as a browser opens."""

    def prepare(held: Held) -> Run:
        connections = [Client(held.server.url) for _ in range(VIEWER_CONNECTIONS)]

        def run() -> int:
            connections[0].get(f"{held.path}/metadata", JSON)
            numbers = iter(range(len(held.instances)))

            def work(connection: Client) -> int:
                for number in numbers:
                    status, _ = connection.get(f"{held.instance(number)}/frames/1", FRAME)
                    assert status == 200, status
                return 1

            _together(work, connections)
            return 1

        return run

    return Operation("a viewer opens a series, 6 connections", 8, prepare)


QUERIES: tuple[tuple[str, str], ...] = (
    ("the newest 50", "/studies?limit=50"),
    ("name by prefix", "/studies?PatientName=SMITH*&limit=50"),
    ("name by infix", "/studies?PatientName=*ANAK*&limit=50"),
    ("dates and modality", "/studies?StudyDate=20100101-20101231&ModalitiesInStudy=MR&limit=50"),
    ("accession number", "/studies?AccessionNumber=A77"),
    ("patient ID", "/studies?PatientID=P33"),
    ("series of a study", "/studies/{study}/series"),
    ("instances of a series", "/studies/{study}/series/{series}/instances?limit=200"),
    ("deep page", "/studies?limit=50&offset=500"),
    ("study by UID", "/studies?StudyInstanceUID={study}"),
)


def _query(name: str, path: str) -> Operation:
    def asked(held: Held, _: int) -> str:
        return path.format(study=held.study, series=held.series)

    return _get(f"QIDO, {name}", 50, asked, JSON, lambda _, answer: bool(answer.json()), 10)


# Searching and retrieving over associations ---------------------------------------


def _echo() -> Operation:
    def prepare(held: Held) -> Run:
        command = _dcmtk("echoscu", held)

        def run() -> int:
            for _ in range(20):
                _run([command])
            return 20

        return run

    return Operation("association, C-ECHO, release", 1, prepare)


def _c_find(name: str, keys: Callable[[Held], Sequence[str]], answers: int) -> Operation:
    def prepare(held: Held) -> Run:
        asked = [word for key in keys(held) for word in ("-k", key)]
        command = [*_dcmtk("findscu", held), "-S", *asked]
        assert _said(command).count("Pending") >= answers
        command += ["--repeat", "20"]

        def run() -> int:
            _run([command])
            return 20

        return run

    return Operation(f"C-FIND, {name}", 1, prepare)


def _retrieving(name: str, program: str, *options: str) -> Operation:
    def prepare(held: Held) -> Run:
        keys = [
            "QueryRetrieveLevel=SERIES",
            f"StudyInstanceUID={held.study}",
            f"SeriesInstanceUID={held.series}",
        ]
        asked = [word for key in keys for word in ("-k", key)]
        command = [*_dcmtk(program, held), "-S", *options, *asked]
        told = _COMPLETED.findall(_said(command))
        assert [int(one) for one in told][-1:] == [len(held.instances)], told

        def run() -> int:
            _run([command])
            return len(held.instances)

        return run

    return Operation(name, 3, prepare, rounds=3)


_COMPLETED = re.compile(r"Completed Suboperations *: *([0-9]+)")
_STUDY_KEYS = ("QueryRetrieveLevel=STUDY", "PatientName", "PatientID", "StudyDate")


def operations() -> tuple[Operation, ...]:
    """All of them, in the order they are run: those that read first."""
    ct, small = material.ct(), material.small()
    large = replace(_stow(material.multi_frame(), 1, 1, 1), rounds=3)
    return (
        *(_query(name, path) for name, path in QUERIES),
        _first_metadata(),
        _get(
            "metadata of a series, again",
            20,
            lambda h, _: f"{h.path}/metadata",
            JSON,
            _holds_all,
            3,
        ),
        _get("instance, 512 KB", 10, lambda h, n: h.instance(n), WHOLE, _is_the_instance, 100),
        _get(
            "frame, 512 KB",
            10,
            lambda h, n: f"{h.instance(n)}/frames/1",
            FRAME,
            _is_the_instance,
            100,
        ),
        _get("series of 100 instances", 8, lambda h, _: h.path, WHOLE, _is_the_instance, 1),
        _viewer(),
        _get(
            "rendered as JPEG",
            4,
            lambda h, n: f"{h.instance(n)}/rendered",
            "image/jpeg",
            _is_a_jpeg,
            20,
        ),
        _echo(),
        _c_find("study by UID", lambda h: (*_STUDY_KEYS, f"StudyInstanceUID={h.study}"), 1),
        _c_find(
            "50 answers",
            lambda _: (*_STUDY_KEYS, "StudyInstanceUID", "StudyDate=20110101-20110214"),
            2,
        ),
        _retrieving("C-GET of a series", "getscu", "--ignore"),
        _retrieving("C-MOVE of a series", "movescu", "-aem", DESTINATION),
        _stow(ct, 1, 1, 50),
        _stow(ct, 1, 10, 10),
        _stow(ct, 8, 1, 80),
        _stow(ct, 8, 10, 16),
        _stow(small, 1, 10, 20),
        _stow(small, 8, 1, 160),
        large,
        _c_store(ct, 1, 60),
        _c_store(ct, 4, 120),
    )


def stored(server: Server, template: Template, count: int) -> Held:
    """A fresh series of so many instances."""
    study, series = material.uid(), material.uid()
    uids = tuple(material.uid() for _ in range(count))
    client = Client(server.url)
    for begin in range(0, count, 10):
        some = [
            template.copy(study=study, series=series, instance=one)
            for one in uids[begin : begin + 10]
        ]
        status, _ = client.post("/studies", material.CONTENT_TYPE, material.body(some))
        assert status == 200, status
    client.close()
    pixels = template.data[-512 * 512 * 2 :]
    return Held(server, study, series, uids, pixels)


def store_studies(server: Server, count: int) -> None:
    """Studies of one small instance each, for the searches."""
    client = Client(server.url)
    for begin in range(0, count, 50):
        some = [material.study(number) for number in range(begin, min(count, begin + 50))]
        status, _ = client.post("/studies", material.CONTENT_TYPE, material.body(some))
        assert status == 200, status
    client.close()
