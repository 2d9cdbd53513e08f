"""A day of a hospital in ten minutes: clients do at random what clients do, and nothing gets lost.

They store, search, retrieve, have pictures rendered, delete, and do the same over associations.
Whatever was acknowledged is at the end fetched and compared byte for byte, and what was deleted has
to be gone.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.peers import dcmtk, material, watch
from benchmarks.peers.ledger import Entry, Ledger, digest
from benchmarks.peers.load import ANSWERED
from benchmarks.peers.material import Template
from benchmarks.peers.servers import Server
from benchmarks.peers.watch import Seen

CLIENTS = 6
HELD_BYTES_MAX = 2**30
"""Beyond this a client deletes instead of storing."""
WRONG_MAX = 20
"""Complaints that are kept; the rest is only counted."""
WHOLE = "application/dicom; transfer-syntax=*"
FRAME = "application/octet-stream; transfer-syntax=*"
JSON = "application/dicom+json"
GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it."""

    seconds: float
    done: dict[str, int]
    """Operations by name."""
    instances_stored: int
    instances_held: int
    """At the end, each of them compared."""
    instances_deleted: int
    bytes_stored: int
    lost: list[str]
    """Instances that were acknowledged and are not there byte for byte."""
    undead: list[str]
    """Instances that were deleted and are there."""
    wrong: list[str]
    """Answers that were not what they ought to be, or were none."""
    wrong_count: int
    seen: list[Seen]


@dataclass(slots=True)
class Soak:
    """What the clients share."""

    server: Server
    scratch: Path
    ledger: Ledger = field(default_factory=Ledger)
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    wrong_count: int = 0
    stored: int = 0
    stored_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def complain(self, what: str) -> None:
        with self.lock:
            self.wrong_count += 1
            if len(self.wrong) < WRONG_MAX:
                self.wrong.append(what)

    def count(self, name: str) -> None:
        with self.lock:
            self.done[name] += 1

    def acknowledge(self, entries: Sequence[Entry]) -> None:
        with self.lock:
            self.stored += len(entries)
            self.stored_bytes += sum(entry.size_bytes for entry in entries)
        self.ledger.add(entries)


@dataclass(frozen=True, slots=True)
class Client:
    """One of them, with its connection and its own chance."""

    soak: Soak
    http: httpx.Client
    chance: random.Random

    def work(self, until: float) -> None:
        while time.monotonic() < until:
            weights = [deed.weight for deed in DEEDS]
            (deed,) = self.chance.choices(DEEDS, weights)
            if deed.stores and self.soak.ledger.size_bytes > HELD_BYTES_MAX:
                deed = DELETE
            try:
                what = deed.do(self)
            except (httpx.HTTPError, OSError, subprocess.SubprocessError) as failure:
                what = f"{type(failure).__name__}: {failure}"
            if what:
                self.soak.complain(f"{deed.name}: {what}")
            self.soak.count(deed.name)

    def get(self, path: str, accept: str) -> httpx.Response:
        return self.http.get(self.soak.server.url + path, headers={"Accept": accept})


# What a client does: each tells what was wrong, or nothing -------------------------


def _made(client: Client, *, of_data_set: bool) -> tuple[list[Entry], list[bytes]]:
    """Some instances of a fresh series, and their files."""
    weights = [weight for weight, *_ in TEMPLATES]
    ((_, template, most),) = client.chance.choices(TEMPLATES, weights)
    files, entries = [], []
    study, series = material.uid(), material.uid()
    for _ in range(client.chance.randint(1, most)):
        uid = material.uid()
        file = b"".join(template.copy(study, series, uid))
        told = digest(file, of_data_set=of_data_set)
        entries.append(Entry(study, series, uid, len(file), template.frame, told, of_data_set))
        files.append(file)
    return entries, files


def _stow(client: Client) -> str:
    entries, files = _made(client, of_data_set=False)
    answer = client.http.post(
        f"{client.soak.server.url}/studies",
        content=b"".join(material.body([file] for file in files)),
        headers={"Content-Type": material.CONTENT_TYPE, "Accept": JSON},
    )
    told = answer.json().get("00081199", {}).get("Value", []) if answer.content else []
    acknowledged = {one["00081155"]["Value"][0] for one in told}
    client.soak.acknowledge([entry for entry in entries if entry.instance in acknowledged])
    return "" if len(acknowledged) == len(entries) else f"{answer.status_code} {answer.text[:200]}"


def _c_store(client: Client) -> str:
    entries, files = _made(client, of_data_set=True)
    with tempfile.TemporaryDirectory(dir=client.soak.scratch) as folder:
        for number, file in enumerate(files):
            (Path(folder) / f"{number}").write_bytes(file)
        dcmtk.run([[*dcmtk.calling("storescu", client.soak.server), "+sd", folder]])
    client.soak.acknowledge(entries)
    return ""


def _asked(
    client: Client,
    path: Callable[[Entry], str],
    accept: str,
    right: Callable[[Entry, httpx.Response], bool],
) -> str:
    """A question about some instance; it may have been deleted since it was chosen."""
    entry = client.soak.ledger.any(client.chance)
    if entry is None:
        return ""
    answer = client.get(path(entry), accept)
    if answer.status_code == 200 and right(entry, answer):
        return ""
    return "" if not client.soak.ledger.holds(entry) else f"{answer.status_code} {path(entry)}"


def _search(client: Client) -> str:
    return _asked(
        client,
        lambda entry: f"/studies?StudyInstanceUID={entry.study}",
        JSON,
        lambda entry, answer: answer.json()[0]["0020000D"]["Value"] == [entry.study],
    )


def _page(client: Client) -> str:
    answer = client.get(f"/studies?limit=50&offset={client.chance.randrange(200)}", JSON)
    return "" if answer.status_code in ANSWERED else f"{answer.status_code} {answer.text[:200]}"


def _metadata(client: Client) -> str:
    return _asked(
        client,
        lambda entry: f"/studies/{entry.study}/series/{entry.series}/metadata",
        JSON,
        lambda entry, answer: entry.instance in answer.text,
    )


def _instance(client: Client) -> str:
    return _asked(
        client,
        lambda entry: entry.path,
        WHOLE,
        lambda entry, answer: entry.is_held_by(answer.content),
    )


def _frame(client: Client) -> str:
    return _asked(
        client,
        lambda entry: f"{entry.path}/frames/1",
        FRAME,
        lambda entry, answer: answer.content == entry.frame,
    )


def _rendered(client: Client) -> str:
    width = client.chance.choice((64, 128, 256))
    return _asked(
        client,
        lambda entry: f"{entry.path}/rendered?viewport={width},{width}",
        "image/jpeg",
        lambda _, answer: answer.content.startswith(b"\xff\xd8\xff"),
    )


def _associated(client: Client, program: str, level: str, *options: str) -> str:
    entry = client.soak.ledger.any(client.chance)
    if entry is None:
        return ""
    keys = [f"QueryRetrieveLevel={level}", f"StudyInstanceUID={entry.study}"]
    if level == "SERIES":
        keys.append(f"SeriesInstanceUID={entry.series}")
    asked = [word for key in keys for word in ("-k", key)]
    said = dcmtk.said([*dcmtk.calling(program, client.soak.server), "-S", *options, *asked])
    found = dcmtk.ANSWER in said if program == "findscu" else "Completed Suboperations" in said
    return "" if found or not client.soak.ledger.holds(entry) else f"nothing of {entry.path}"


def _c_find(client: Client) -> str:
    return _associated(client, "findscu", "STUDY")


def _c_get(client: Client) -> str:
    return _associated(client, "getscu", "SERIES", "--ignore")


def _delete(client: Client) -> str:
    taken = client.soak.ledger.take_series(client.chance)
    if not taken:
        return ""
    series = f"/studies/{taken[0].study}/series/{taken[0].series}"
    status = client.http.delete(client.soak.server.url + series).status_code
    client.soak.ledger.deleted(taken)
    return "" if status in (200, 204) else f"{status} {series}"


@dataclass(frozen=True, slots=True)
class Deed:
    name: str
    weight: int
    do: Callable[[Client], str]
    stores: bool = False


DELETE = Deed("delete a series", 3, _delete)
DEEDS = (
    Deed("STOW", 15, _stow, stores=True),
    Deed("C-STORE", 4, _c_store, stores=True),
    Deed("search for a study", 20, _search),
    Deed("a page of studies", 5, _page),
    Deed("series metadata", 10, _metadata),
    Deed("instance", 20, _instance),
    Deed("frame", 20, _frame),
    Deed("rendered", 10, _rendered),
    Deed("C-FIND", 3, _c_find),
    Deed("C-GET of a series", 2, _c_get),
    DELETE,
)
TEMPLATES: tuple[tuple[int, Template, int], ...] = (
    (6, material.small(), 30),
    (3, material.ct(), 10),
    (1, material.template(512, 512, 20, SOPClassUID=material.MULTI_FRAME), 1),
)
"""What is stored: how often, and how many instances at most in a series."""


# The whole ------------------------------------------------------------------------


def run(server: Server, seconds: int) -> Soaked:
    """So long; then everything is compared."""
    with tempfile.TemporaryDirectory() as scratch:
        soak = Soak(server, Path(scratch))
        clients = [
            Client(soak, httpx.Client(timeout=60), random.Random(number))
            for number in range(CLIENTS)
        ]
        with watch.watching(server.processes) as seen, ThreadPoolExecutor(CLIENTS) as threads:
            begun = time.monotonic()
            list(threads.map(lambda client: client.work(begun + seconds), clients))
    held, gone = soak.ledger.held(), soak.ledger.gone()
    with ThreadPoolExecutor(CLIENTS) as threads:
        there = list(threads.map(lambda entry: _is_there(clients[0], entry), held))
        dead = list(threads.map(lambda entry: _is_gone(clients[0], entry), gone))
    for client in clients:
        client.http.close()
    return Soaked(
        seconds,
        dict(soak.done),
        soak.stored,
        len(held),
        len(gone),
        soak.stored_bytes,
        [entry.path for entry, found in zip(held, there, strict=True) if not found],
        [entry.path for entry, is_dead in zip(gone, dead, strict=True) if not is_dead],
        soak.wrong,
        soak.wrong_count,
        seen,
    )


def _is_there(client: Client, entry: Entry) -> bool:
    answer = client.get(entry.path, WHOLE)
    return answer.status_code == 200 and entry.is_held_by(answer.content)


def _is_gone(client: Client, entry: Entry) -> bool:
    return client.get(entry.path, WHOLE).status_code in GONE
