"""Retrieving over the web: metadata, frames, instances, series, pictures; a viewer opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx

from benchmarks.client import Client
from benchmarks.peers import material
from benchmarks.peers.fetching import JSON, WHOLE, Fault, Get, fetched
from benchmarks.peers.figures import NGINX, Goal, Measure
from benchmarks.peers.held import Held, Series, stored
from benchmarks.peers.operation import Operation, Wrong, times
from benchmarks.peers.rounds import Run, together

FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"
JPEG = "image/jpeg"
JPEG_BYTES_MIN = 10_000
"""Noise cannot be made smaller."""
VIEWER_CONNECTIONS = 6
FRESH = 5
"""Series whose metadata is read for the first time, in one round."""
NEEDED = ("7FE00010", "00280010", "00200032", "00091000", "00281053")
"""Elements of metadata that viewers need, and a private one."""


# Whether an answer is right -------------------------------------------------------


def _other_pixels(held: Held, _: str, answer: httpx.Response) -> str:
    return "" if held.images.pixels in answer.content else "has other pixels"


def _misses_instances(held: Held, _: str, answer: httpx.Response) -> str:
    count, needed = answer.content.count(held.images.pixels), len(held.images.instances)
    return "" if count == needed else f"has {count} of {needed} instances"


def _no_jpeg(_: Held, __: str, answer: httpx.Response) -> str:
    is_jpeg = answer.content.startswith(b"\xff\xd8\xff")
    return "" if is_jpeg and len(answer.content) > JPEG_BYTES_MIN else "is no picture"


def _tells_less(of: Callable[[Held], Sequence[Series]]) -> Fault:
    """The metadata of each instance has to be there, with the elements that viewers need."""

    def fault(held: Held, _: str, answer: httpx.Response) -> str:
        told = answer.json()
        uids = [one["00080018"]["Value"][0] for one in told]
        if sorted(uids) != sorted(uid for one in of(held) for uid in one.instances):
            return "tells of other instances than are there"
        if not all(tag in one for one in told for tag in NEEDED):
            return "leaves out elements"
        return ""

    return fault


# The operations -------------------------------------------------------------------


def _first_read(name: str, count: int, path: Callable[[Series], str]) -> Operation:
    """Metadata that nobody has asked for: each round stores series of its own."""

    def fresh(held: Held) -> list[Series]:
        study = material.uid()
        return [stored(held.server, material.small(), study=study) for _ in range(count)]

    def prepare(held: Held) -> Run:
        made = [path(fresh(held)[-1]) for _ in range(FRESH)]
        client = Client(held.server.url)

        def run() -> int:
            for one in made:
                status, _ = client.get(one, JSON)
                assert status == 200, status
            client.close()
            return len(made)

        return run

    def check(held: Held) -> None:
        made = fresh(held)
        answer = fetched(held, path(made[-1]), JSON)
        if fault := _tells_less(lambda _: made)(held, "", answer):
            raise Wrong(fault)

    return Operation("metadata", name, times(50), prepare, check, rounds_max=3, grows=True)


def _viewer() -> Operation:
    """Metadata, then all frames over as many connections as a browser opens."""

    def prepare(held: Held) -> Run:
        connections = [Client(held.server.url) for _ in range(VIEWER_CONNECTIONS)]

        def run() -> int:
            status, _ = connections[0].get(f"{held.images.path}/metadata", JSON)
            assert status == 200, status
            paths = iter(_frames(held))

            def work(connection: Client) -> int:
                for path in paths:
                    status, _ = connection.get(path, FRAME)
                    assert status == 200, status
                connection.close()
                return 0

            together(work, connections)
            return 1

        return run

    def check(held: Held) -> None:
        for path in _frames(held):
            if fault := _other_pixels(held, path, fetched(held, path, FRAME)):
                raise Wrong(fault)

    name = f"a viewer opens a series of 100, {VIEWER_CONNECTIONS} connections"
    return Operation("viewer", name, times(8), prepare, check)


def _frames(held: Held) -> list[str]:
    return [f"{path}/frames/1" for path in held.images.paths]


def _instances(held: Held) -> list[str]:
    return held.images.paths


def _series(held: Held) -> list[str]:
    return [held.images.path]


def _pictures(held: Held) -> list[str]:
    return [f"{path}/rendered" for path in held.images.paths]


def _series_metadata(held: Held) -> list[str]:
    return [f"{held.images.path}/metadata"]


def _study_metadata(held: Held) -> list[str]:
    return [f"/studies/{held.study[0].study}/metadata"]


NEAR_NGINX = (*times(10), Goal(NGINX, 0.6, (Measure.THROUGHPUT,)))

SERIES_METADATA = Get(
    "metadata",
    "metadata of a series of 100, again",
    times(20),
    _series_metadata,
    JSON,
    _tells_less(lambda held: [held.images]),
    again=True,
)
STUDY_METADATA = Get(
    "metadata",
    "metadata of a study of 300, again",
    times(20),
    _study_metadata,
    JSON,
    _tells_less(lambda held: held.study),
    again=True,
)
ONE_FRAME = Get("frames", "frame, 512 KB", NEAR_NGINX, _frames, FRAME, _other_pixels)
ONE_INSTANCE = Get("instances", "instance, 514 KB", NEAR_NGINX, _instances, WHOLE, _other_pixels)
ONE_SERIES = Get("series", "series of 100, 51 MB", times(8), _series, WHOLE, _misses_instances)
RENDERED = Get(
    *("rendered", "rendered as JPEG, each with another window", times(4)),
    *(_pictures, JPEG, _no_jpeg),
    suffix="?window=40.{n:06},400,linear",
)
RENDERED_AGAIN = Get(
    "rendered", "rendered as JPEG, again", times(4), _pictures, JPEG, _no_jpeg, again=True
)


def operations() -> tuple[Operation, ...]:
    return (
        _first_read("metadata of a series of 100, first read", 1, lambda s: f"{s.path}/metadata"),
        SERIES_METADATA.operation(limited=True, grows=True),
        SERIES_METADATA.operation(limited=True, connections=8),
        _first_read(
            "metadata of a study of 300, first read", 3, lambda s: f"/studies/{s.study}/metadata"
        ),
        STUDY_METADATA.operation(),
        ONE_FRAME.operation(limited=True, grows=True),
        ONE_FRAME.operation(limited=True, connections=8),
        ONE_INSTANCE.operation(limited=True, grows=True),
        ONE_INSTANCE.operation(limited=True, connections=8),
        ONE_SERIES.operation(),
        _viewer(),
        RENDERED.operation(),
        RENDERED_AGAIN.operation(),
    )
