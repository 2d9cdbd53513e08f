"""Storing, over the web and over associations: what is checked is that all can be found after."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.client import Client
from benchmarks.peers import dcmtk, material
from benchmarks.peers.fetching import JSON, WHOLE, fetched
from benchmarks.peers.figures import BARE, ORTHANC, Goal, Measure
from benchmarks.peers.held import Held
from benchmarks.peers.limits import Limits
from benchmarks.peers.material import Template
from benchmarks.peers.operation import Operation, Wrong
from benchmarks.peers.rounds import Run, Side, together

LARGE_BYTES = 10**7
ROUNDS_MAX_OF_LARGE = 3
GOALS = (Goal(ORTHANC, 3), Goal(BARE, 0.4, (Measure.THROUGHPUT,)))


def stow(
    template: Template, clients: int, per_request: int, requests: int, *, grows: bool = False
) -> Operation:
    """So many requests, from as many clients at a time, each on a connection of its own."""

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

        return lambda: together(work, connections)

    def check(held: Held) -> None:
        (pieces,) = template.copies(1)
        client = Client(held.server.url)
        status, _ = client.post("/studies", material.CONTENT_TYPE, material.body([pieces]))
        client.close()
        if status != 200:
            raise Wrong(f"is answered {status}")
        _is_there(held, pieces)

    def limit(_: Held, limits: Limits) -> Side:
        return limits.writing(lambda: template.copies(per_request * requests), clients)

    name = f"STOW, {_size(template)}, {_of(clients, 'client')}, {per_request} a request"
    rounds_max = ROUNDS_MAX_OF_LARGE if template.size_bytes > LARGE_BYTES else 99
    return Operation("stow", name, GOALS, prepare, check, limit, rounds_max, grows)


def c_store(template: Template, associations: int, instances: int) -> Operation:
    """So many instances over as many associations at a time."""

    def prepare(held: Held) -> Run:
        folder = Path(tempfile.mkdtemp(dir=held.scratch))
        commands = []
        for association in range(associations):
            part = folder / str(association)
            part.mkdir()
            for number, pieces in enumerate(template.copies(instances // associations)):
                (part / f"{number}").write_bytes(b"".join(pieces))
            commands.append([*dcmtk.calling("storescu", held.server), "+sd", str(part)])

        def run() -> int:
            dcmtk.run(commands)
            return instances

        return run

    def check(held: Held) -> None:
        (pieces,) = template.copies(1)
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"".join(pieces))
            file.flush()
            dcmtk.run([[*dcmtk.calling("storescu", held.server), file.name]])
        _is_there(held, pieces)

    def limit(_: Held, limits: Limits) -> Side:
        return limits.writing(lambda: template.copies(instances), associations)

    name = f"C-STORE, {_size(template)}, {_of(associations, 'association')}"
    return Operation("c-store", name, GOALS, prepare, check, limit)


def c_store_beside_storescp(template: Template, instances: int) -> Operation:
    """The same over one association, which is what storescp takes at a time."""
    operation = c_store(template, 1, instances)

    def limit(held: Held, limits: Limits) -> Side:
        return limits.receiving(lambda server: operation.prepare(replace(held, server=server)))

    name = f"{operation.name}, beside storescp"
    return replace(operation, name=name, goals=(), limit=limit)


def _is_there(held: Held, pieces: material.Pieces) -> None:
    """Raises Wrong if the instance cannot be fetched with the pixels it had."""
    uid = material.instance_uid(pieces)
    found = fetched(held, f"/instances?SOPInstanceUID={uid}", JSON).json()
    if [one["00080018"]["Value"] for one in found] != [[uid]]:
        raise Wrong("what was stored is not found")
    study, series = (found[0][tag]["Value"][0] for tag in ("0020000D", "0020000E"))
    path = f"/studies/{study}/series/{series}/instances/{uid}"
    if pieces[-1] not in fetched(held, path, WHOLE).content:
        raise Wrong("what was stored is fetched with other pixels")


def _size(template: Template) -> str:
    size = template.size_bytes
    return f"{size / 1e6:.0f} MB" if size >= 10**6 else f"{size // 1024} KB"


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("s" if count > 1 else "")


def operations() -> tuple[Operation, ...]:
    ct, small, multi_frame = material.ct(), material.small(), material.multi_frame()
    return (
        stow(ct, 1, 1, 50),
        stow(ct, 1, 10, 10, grows=True),
        stow(ct, 8, 1, 80),
        stow(ct, 8, 10, 16),
        stow(small, 1, 1, 100),
        stow(small, 1, 10, 20, grows=True),
        stow(small, 8, 1, 160),
        stow(small, 8, 10, 32),
        stow(multi_frame, 1, 1, 1),
        stow(multi_frame, 1, 10, 1),
        stow(multi_frame, 8, 1, 8),
        c_store(ct, 1, 60),
        c_store_beside_storescp(ct, 60),
        c_store(ct, 4, 120),
    )
