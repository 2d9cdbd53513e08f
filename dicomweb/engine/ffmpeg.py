"""Ffmpeg: the program that makes films of pictures and pictures of films, run with bounds.

Each run is a process with a limit of time, memory and output, that does not outlive what it is
for; the event loop only passes bytes on.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

from schemas.reasons import BUSY, PICTURE_TOO_LARGE, UNRENDERABLE, Refused

AT_ONCE = 2
WAITING_MAX = 32
"""Runs that wait for their turn; whoever comes then is told to come again."""
SECONDS_MAX = 120.0
MEMORY_BYTES_MAX = 4 * 1024**3
"""Of addresses; what it uses of them is a fraction."""
OUTPUT_BYTES_MAX = 32 * 1024 * 1024
"""Of a film; that much of it is kept with the pictures."""
STILL_BYTES_MAX = 256 * 1024 * 1024
TOO_LONG = (
    f"The film would have more than {OUTPUT_BYTES_MAX} bytes; ask for fewer frames, for a smaller "
    "viewport or for less quality."
)
SAID_BYTES_MAX = 400
"""Of what it complains of."""
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    program: str
    """Its path."""
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _waiting: set[object] = field(default_factory=set)

    async def still(self, command: Sequence[str]) -> bytes:
        """What it writes to its standard output; Refused (UNRENDERABLE) if that is nothing."""
        async with self._running(command, stdin=DEVNULL, stdout=PIPE) as (process, said):
            assert process.stdout is not None, "it is a pipe"
            found = bytearray()
            while data := await process.stdout.read(CHUNK_BYTES):
                found += data
                if len(found) > STILL_BYTES_MAX:
                    raise Refused(PICTURE_TOO_LARGE, f"A frame has over {STILL_BYTES_MAX} bytes.")
            if await process.wait() or not found:
                raise Refused(UNRENDERABLE, f"ffmpeg gives no such frame.  {await said}".rstrip())
            return bytes(found)

    async def film(self, command: Sequence[str], frames: AsyncIterator[bytes]) -> bytes:
        """What it makes of the frames on its standard input; {output} stands for where it goes."""
        with tempfile.TemporaryFile() as file:  # has no name: it is gone even after kill -9
            output = f"/dev/fd/{file.fileno()}"
            told = [output if word == OUTPUT else word for word in command]
            fds = (file.fileno(),)
            async with self._running(told, stdin=PIPE, stdout=DEVNULL, fds=fds) as (process, said):
                assert process.stdin is not None, "it is a pipe"
                with suppress(BrokenPipeError, ConnectionResetError):
                    async for frame in frames:
                        process.stdin.write(frame)
                        await process.stdin.drain()
                process.stdin.close()
                if await process.wait():
                    if os.fstat(file.fileno()).st_size >= OUTPUT_BYTES_MAX:
                        raise Refused(PICTURE_TOO_LARGE, TOO_LONG)
                    raise Refused(UNRENDERABLE, f"ffmpeg makes no film of it.  {await said}")
            return await asyncio.to_thread(_read, file)

    @asynccontextmanager
    async def _running(
        self, command: Sequence[str], *, stdin: int, stdout: int, fds: tuple[int, ...] = ()
    ) -> AsyncIterator[tuple[Process, asyncio.Task[str]]]:
        """The process, and the task that listens to its complaints; it is over at the end."""
        async with self._turn():
            process = await asyncio.create_subprocess_exec(
                self.program, *command, stdin=stdin, stdout=stdout, stderr=PIPE, pass_fds=fds
            )
            said = asyncio.create_task(_said(process))
            try:
                _limit(process)
                async with asyncio.timeout(SECONDS_MAX):
                    yield process, said
            except TimeoutError:
                raise Refused(
                    PICTURE_TOO_LARGE, f"ffmpeg takes longer than {SECONDS_MAX:.0f} seconds."
                ) from None
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
                said.cancel()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if len(self._waiting) >= WAITING_MAX:
            raise Refused(BUSY)
        ticket = object()
        self._waiting.add(ticket)
        try:
            async with self._turns:
                yield
        finally:
            self._waiting.discard(ticket)


OUTPUT = "{output}"


def found(program: str) -> Ffmpeg | None:
    """The program by its name or path; None where it is not installed, or not wanted."""
    path = shutil.which(program) if program else None
    return Ffmpeg(path) if path else None


def _limit(process: Process) -> None:
    """What it may take, where the system has such limits for others (Linux)."""
    try:
        import resource
    except ImportError:
        return
    limits = (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, int(2 * SECONDS_MAX)),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES_MAX),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, most in limits if hasattr(resource, "prlimit") else ():
        with suppress(OSError):
            resource.prlimit(process.pid, kind, (most, most))


async def _said(process: Process) -> str:
    """The beginning of its complaints; the rest is read, so that it does not wait, and dropped."""
    assert process.stderr is not None, "it is a pipe"
    kept = b""
    while data := await process.stderr.read(CHUNK_BYTES):
        kept = (kept + data)[:SAID_BYTES_MAX]
    return " ".join(kept.decode("utf-8", "replace").split())


def _read(file: IO[bytes]) -> bytes:
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size, 0)
