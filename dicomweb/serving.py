"""Serving: the archive's two doors on their sockets, each in processes of its own that share it."""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import wait
from typing import Any

import uvicorn

from dicomweb import logs
from dicomweb.allocator import keep_freed_memory
from dicomweb.app import create_app
from dicomweb.counters import Counters
from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings
from dicomweb.store.opening import SQLITE_SCHEME, is_for_all_to_read, open_index
from dicomweb.store.trouble import UnusableIndex
from dicomweb.web.connection import Connection
from dicomweb.web.requests import PREFIX
from dimse_bridge.door import open_door
from dimse_bridge.server import Listening
from dimse_bridge.server import serving as associations
from dimse_bridge.tls import accepting

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
"""Longer than the pauses of a viewer between two series, so that its connections stay."""
SHUTDOWN_SECONDS = 10
"""What a request that is under way gets to end in when the server is told to stop."""

STOPPING = (signal.SIGINT, signal.SIGTERM)

_log = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Serves until told to stop; the exit status.

    The DIMSE door is a process of its own, as is each of several workers: all state that matters is
    in the index and the blobs.
    """
    if is_for_all_to_read(settings.index_url):
        path = settings.index_url.removeprefix(SQLITE_SCHEME)
        _log.warning("%s can be read by every user of this machine; chmod o-r ends that", path)
    counters = Counters()
    with ExitStack() as sockets:
        listening = sockets.enter_context(_listening(settings, settings.port))
        ports = {settings.dimse_port: False, settings.dimse_tls_port: True}
        doors = [
            (sockets.enter_context(_listening(settings, port)), tls)
            for port, tls in ports.items()
            if port
        ]
        if settings.workers == 1 and not doors:
            return _work(settings, listening, counters)
        asyncio.run(_try(settings))
        jobs: list[_Job] = [(_work, listening)] * settings.workers
        if doors:
            jobs.append((_take_associations, doors))
        return _supervise(settings, jobs, counters)


async def _try(settings: Settings) -> None:
    """Opens the index once, so that one that cannot be is said once and not by every process."""
    await (await open_index(settings.index_url)).close()


def _listening(settings: Settings, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server(
            (settings.host, port), family=family, backlog=BACKLOG, reuse_port=False
        )
    except OSError as error:
        where = f"{settings.host} port {port}"
        raise OSError(error.errno, f"It cannot listen at {where}: {error.strerror}") from None
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.set_inheritable(True)
    return listening


def _url(settings: Settings, listening: socket.socket, scheme: str = "http") -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listening.getsockname()[1]}"


def _work(settings: Settings, listening: socket.socket, counters: Counters) -> int:
    """One process: opens the archive, serves the socket, closes the archive."""
    return _run(settings, _serve(settings, listening, counters))


def _take_associations(
    settings: Settings, doors: Sequence[tuple[socket.socket, bool]], counters: Counters
) -> int:
    """The process of the DIMSE door."""
    return _run(settings, _serve_associations(settings, doors, counters))


def _run(settings: Settings, serving: Coroutine[Any, Any, int]) -> int:
    keep_freed_memory()
    # What is loaded stays.  To look through it takes the collector a tenth of a second, in which
    # nobody is answered, every few thousand requests.
    gc.collect()
    gc.freeze()
    logs.configure(settings.log, settings.log_level)
    try:
        with asyncio.Runner(loop_factory=_event_loop()) as runner:
            return runner.run(serving)
    finally:
        logging.shutdown()


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class _Server(uvicorn.Server):
    """A server that ends by returning.

    uvicorn's own raises the signal that stopped it again, which would end the process before the
    archive is closed.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with _when_stopped(lambda: self.handle_exit(signal.SIGTERM, None)):
            yield


@contextmanager
def _when_stopped(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` on a signal to stop, and when the process that supervises this one is gone."""
    loop = asyncio.get_running_loop()
    parent = multiprocessing.parent_process()
    before = {signal.getsignal(number) for number in STOPPING}
    for number in STOPPING:
        loop.add_signal_handler(number, stop)
    if any(isinstance(handler, _Early) and handler.told for handler in before):
        loop.call_soon(stop)
    if parent is not None:
        loop.add_reader(parent.sentinel, stop)
    try:
        yield
    finally:
        # It is being told: to hear it again must not end what closes the archive.
        for number in STOPPING:
            loop.add_signal_handler(number, _hear_nothing)
        if parent is not None:
            loop.remove_reader(parent.sentinel)


def _hear_nothing() -> None:
    pass


class _Early:
    """What hears a signal to stop while a process still opens its archive.

    It opens it to the end, and then closes it as it should.
    """

    def __init__(self) -> None:
        self.told = False

    def __call__(self, *_: object) -> None:
        self.told = True


async def _serve_associations(
    settings: Settings, doors: Sequence[tuple[socket.socket, bool]], counters: Counters
) -> int:
    stopped = asyncio.Event()
    async with open_archive(settings) as archive:
        listening = [Listening(one, accepting(settings) if tls else None) for one, tls in doors]
        async with associations(open_door(archive, counters), listening):
            for one, tls in doors:
                where = _url(settings, one, "dicom-tls" if tls else "dicom")
                _log.info("Serving %s as %s", where, settings.ae_title)
            with _when_stopped(stopped.set):
                await stopped.wait()
    return 0


async def _serve(settings: Settings, listening: socket.socket, counters: Counters) -> int:
    async with open_archive(settings) as archive:
        app = create_app(archive, counters)
        _log.info("Serving %s, data in %s", _url(settings, listening) + PREFIX, settings.data)
        server = _Server(
            uvicorn.Config(
                app,
                http=_http(settings),
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        await server.serve(sockets=[listening])
        return 0 if server.started else 1


def _http(settings: Settings) -> Any:
    """What makes a connection, as uvicorn wants it."""
    return partial(Connection, head_seconds=settings.idle_timeout_seconds)


_Job = tuple[Callable[[Settings, Any, Counters], int], Any]
"""What a process does, and with which sockets."""


def _supervise(settings: Settings, jobs: Sequence[_Job], counters: Counters) -> int:
    """Starts the processes and waits; when one dies, all stop: half a server is hard to notice."""
    # A copy of this process has its modules loaded, and shares most of its memory: a second less of
    # processor time than one that begins anew, half the memory.  Nothing is left of opening the
    # index, neither thread nor connection, that a copy would lack.
    multiprocessing.set_start_method("fork" if sys.platform == "linux" else "spawn", force=True)
    workers = [
        multiprocessing.Process(
            target=_do_and_exit, args=(job, settings, counters), name=f"worker-{number}"
        )
        for number, job in enumerate(jobs)
    ]
    gc.collect()
    gc.freeze()  # the collector of a copy would else write to every page
    for worker in workers:
        worker.start()

    def stop(*_: object) -> None:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()

    for number in STOPPING:
        signal.signal(number, stop)
    wait([worker.sentinel for worker in workers])
    stop()
    for worker in workers:
        worker.join()
    # One that was still starting ends by the signal itself: that is what it was told to do.
    codes = {abs(worker.exitcode or 0) for worker in workers} - {signal.SIGTERM}
    return max(codes, default=0)


def _do_and_exit(job: _Job, settings: Settings, counters: Counters) -> None:
    early = _Early()
    for number in STOPPING:
        signal.signal(number, early)
    work, sockets = job
    try:
        sys.exit(work(settings, sockets, counters))
    except (UnusableIndex, OSError) as error:
        sys.exit(f"dicomweb: {error}")
