"""Serving: the archive's HTTP door on a socket, in one process or in several that share it."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

import uvicorn

from dicomweb import logs
from dicomweb.allocator import keep_freed_memory
from dicomweb.app import create_app
from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings
from dicomweb.store.index import UnusableIndex
from dicomweb.web.routes import PREFIX

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
"""Longer than the pauses of a viewer between two series, so that its connections stay."""
SHUTDOWN_SECONDS = 10
"""What a request that is under way gets to end in when the server is told to stop."""

STOPPING = (signal.SIGINT, signal.SIGTERM)

_log = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Serves until told to stop; the exit status.

    With several workers each is a process of its own on the same socket: all state that matters is
    in the index and the blobs.
    """
    with _listening(settings) as listening:
        if settings.workers == 1:
            return _work(settings, listening)
        return _supervise(settings, listening)


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.create_server(
        (settings.host, settings.port), family=family, backlog=BACKLOG, reuse_port=False
    )
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.set_inheritable(True)
    return listening


def _url(settings: Settings, listening: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listening.getsockname()[1]}{PREFIX}"


def _work(settings: Settings, listening: socket.socket) -> int:
    """One process: opens the archive, serves the socket, closes the archive."""
    keep_freed_memory()
    logs.configure(settings.log, settings.log_level)
    with asyncio.Runner(loop_factory=_event_loop()) as runner:
        return runner.run(_serve(settings, listening))


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
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in STOPPING:
                loop.remove_signal_handler(number)


async def _serve(settings: Settings, listening: socket.socket) -> int:
    async with open_archive(settings) as archive:
        _log.info("Serving %s, data in %s", _url(settings, listening), settings.data)
        server = _Server(
            uvicorn.Config(
                create_app(archive),
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


def _supervise(settings: Settings, listening: socket.socket) -> int:
    """Starts the workers and waits; when one dies, all stop: half a server is hard to notice."""
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_work_and_exit, args=(settings, listening), name=f"worker-{number}")
        for number in range(settings.workers)
    ]
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


def _work_and_exit(settings: Settings, listening: socket.socket) -> None:
    try:
        sys.exit(_work(settings, listening))
    except UnusableIndex as error:
        sys.exit(f"dicomweb: {error}")
