"""What every store of blobs gives, whatever keeps them: the protocol, its names, its failures.

A blob is written once, under a name the store chooses, and never changed.  It is made durable
first, then its row is committed, and that row is the promise; in between, the store remembers that
the promise is unfinished (`keep` ... `settle` or `withdraw`), so that `recover` can finish it after
a crash.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from mmap import mmap
from types import TracebackType
from typing import Protocol, TypeAlias

from dicomweb.store.extents import CHUNK_BYTES, Extent

Bytes: TypeAlias = bytes | bytearray | memoryview
OnRecord: TypeAlias = Callable[[Sequence[str]], Awaitable[set[str]]]
"""Which of these blobs have a committed row."""

_NAME = re.compile(r"[0-9a-f]{32}")


class NoBlob(Exception):  # noqa: N818 - it says what is the case, as Refused does
    """The store has no blob of this name."""


class BlobTooShort(Exception):  # noqa: N818
    """A blob ends before what was asked of it: it is not the one that the index describes."""


def new_name() -> str:
    """A name no blob has: 32 hexadecimal digits that owe nothing to what is stored."""
    return uuid.uuid4().hex


def is_name(text: str) -> bool:
    """Whether a store could have chosen this name."""
    return _NAME.fullmatch(text) is not None


def checked_name(text: str) -> str:
    """The text, if it is the name of a blob; to be asked before it becomes part of a path.

    Raises NoBlob.
    """
    if not is_name(text):
        raise NoBlob(f"{text[:40]!r} is not the name of a blob.")
    return text


class Staged(Protocol):
    """A blob being written: used by one thread at a time, and kept or discarded at the end."""

    @property
    def size_bytes(self) -> int:
        """How much was written so far."""

    def fileno(self) -> int:
        """An open file of what was written so far, to pread or map; not after `keep`."""

    def write(self, buffers: Sequence[Bytes]) -> None:
        """Appends `buffers`.  Raises Refused(OUT_OF_RESOURCES), and then nothing of it is left."""

    def keep(self) -> str:
        """Makes it durable and gives its name; the promise is unfinished.  Raises as `write`."""

    def discard(self) -> None:
        """Removes it; harmless at any time.  Once it is kept, only `withdraw` undoes it."""


class OpenBlob(Protocol):
    """Random access to one blob, for a worker thread; a context manager."""

    @property
    def size_bytes(self) -> int: ...

    @property
    def buffer(self) -> bytes | mmap:
        """All of it, of which only what is touched is read; not after the end of the context."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes.  Raises BlobTooShort."""

    def __enter__(self) -> OpenBlob: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class BlobStore(Protocol):
    """Where blobs are kept.  What is not async may wait for a disk: call it in a worker thread.

    Every method that takes a name raises NoBlob for what `is_name` denies.
    """

    async def is_there(self, name: str) -> bool:
        """Whether there is a blob of this name."""

    async def read(self, name: str, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`.  Raises NoBlob, BlobTooShort."""

    async def read_into(self, name: str, offset: int, buffers: Sequence[memoryview]) -> None:
        """Fills `buffers`, one after the other, with what lies from `offset` on.  Raises as `read`.

        Whoever gives up waiting for it gives up the buffers too: they may still be written to.
        """

    def stream(
        self, name: str, offset: int, length: int, chunk_bytes: int = CHUNK_BYTES
    ) -> AsyncIterator[bytes]:
        """The same in chunks of at most `chunk_bytes`, of which one is held at a time.

        A blob deleted meanwhile is still streamed to its end.  Raises as `read`.
        """

    def extent(self, name: str, offset: int, length: int) -> Extent | None:
        """The same bytes as they lie in a file, for the kernel to send; waits for no disk but that
        of the folder.  None where they lie in none, or are sooner read.  Raises as `read`.

        A blob deleted meanwhile is still there to its end.
        """

    def at_once(self, name: str, offset: int, length: int) -> bytes | Extent | None:
        """The same bytes as an extent, or themselves where they lie in memory; waits for nothing.
        None where that cannot be had.  Raises as `read`.
        """

    def has(self, name: str) -> bool:
        """Whether it is there; does not wait longer than `extent` does."""

    def open(self, name: str) -> OpenBlob:
        """Random access.  Raises NoBlob."""

    def file(self, name: str) -> str | None:
        """Its path, for another program to read; None where it is in no file of this machine."""

    def put(self, objects: Sequence[Sequence[Bytes]]) -> list[str]:
        """Stages, writes and keeps several at once, which small ones are cheaper by; their names.

        Raises as `Staged.keep`, and then nothing is left of any.
        """

    def stage(self) -> Staged:
        """A new blob, to be written piece by piece.  Raises Refused(OUT_OF_RESOURCES)."""

    def settle(self, names: Sequence[str]) -> None:
        """The rows of kept blobs are committed: the promises are finished."""

    def withdraw(self, names: Sequence[str]) -> None:
        """The rows of kept blobs were not committed: nothing of the blobs is left."""

    def delete(self, name: str) -> None:
        """Removes a blob whose row is gone; one that is gone already is no error."""

    def list(self) -> Iterator[str]:
        """Names of all blobs, of those with an unfinished promise too, in no useful order."""

    async def recover(self, on_record: OnRecord) -> None:
        """Finishes what processes that died have left: a blob without a row is removed."""

    def close(self) -> None:
        """Ends the use of the store by this process, whose promises should be finished by now."""
