"""Blobs as plain files: `<root>/<first two digits of the name>/<name>.dcm`.

Every process stages in a folder of its own, `<root>/.staging/<uuid>`, in which it holds a lock as
long as it lives.  A file is staged there under its name, linked to its final place when it is kept,
and the staged name goes only when the row is committed: the staged names of a dead process are
therefore exactly the promises it did not finish.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap
from types import TracebackType

from dicomweb.store.blobs import (
    Bytes,
    OnRecord,
    checked_name,
    is_name,
    new_name,
)
from dicomweb.store.extents import CHUNK_BYTES, TURN_BYTES, Extent, can_tell
from dicomweb.store.files import BUFFERS_MAX, File, open_file, read
from dicomweb.store.modes import FILE_MODE, FOLDER_MODE
from schemas.reasons import OUT_OF_RESOURCES, Refused

EXTENT_BYTES_MIN = 64 * 1024
"""Less is sooner copied than sent by the kernel from the file."""
READ_THREADS = 8
"""Reads that wait for the disk at the same time."""
WRITE_BACK_BYTES = 8 * 1024 * 1024
"""The disk begins to write whenever so much has come, so that the sync at the end is short."""
NAMES_PER_QUESTION = 500
"""How many blobs `recover` asks the index about at once."""

FOLDER_DIGITS = 2
"""Of a name, by which it has its folder."""

_STAGING = ".staging"
_LOCK = "lock"
_MARK = ".kept"
"""Where files cannot be linked, a file so called stands for the staged name that was renamed."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LINKLESS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_SYNC_FILE_RANGE_WRITE = 2

_log = logging.getLogger(__name__)


class Filesystem:
    """A BlobStore in the folder `root`, which is made if need be.

    Any number of processes may use the same folder.  `link` is os.link or what stands in for it; a
    file system on which it fails is served with a marker file and a rename.
    """

    def __init__(
        self, root: str | os.PathLike[str], *, link: Callable[[str, str], None] = os.link
    ) -> None:
        self._root = os.path.abspath(root)
        self._link = link
        self._linking = True
        self._all_staging = f"{self._root}/{_STAGING}"
        _make_folder(self._all_staging)
        self._rows: set[str] = set()
        """Of folders that are there: all whose names have the same first digit."""
        self._staging, self._lock = _own_folder(self._all_staging)
        self._threads = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="blobs")
        self._tells_cached = can_tell(self._lock)

    def close(self) -> None:
        """Ends this process's use; what is not settled is left to the next start."""
        self._threads.shutdown()
        lock, self._lock = self._lock, -1
        if lock >= 0:
            _remove_folder(self._staging)
            os.close(lock)

    # Writing: in a worker thread ------------------------------------------------

    def put(self, objects: Sequence[Sequence[Bytes]]) -> list[str]:
        """Stages, writes and keeps each.  Raises Refused(OUT_OF_RESOURCES), and keeps none then.

        All are written before the first is synced: the disk then writes them together, and one
        commit of the file system's journal does for all (a third of the CPU time of ten syncs that
        each find something to do).  They lie in one folder, which is synced once.
        """
        digits = new_name()[:FOLDER_DIGITS]
        files: dict[str, int] = {}
        try:
            for buffers in objects:
                name = digits + new_name()[FOLDER_DIGITS:]
                files[name] = fileno = _create(self.staged_path(name))
                for begin in range(0, len(buffers), BUFFERS_MAX):
                    _write(fileno, buffers[begin : begin + BUFFERS_MAX])
                self.give_final_name(name)
            if len(files) > 1:
                for fileno in files.values():
                    _start_write_back(fileno, 0, 0)
            for fileno in files.values():
                os.fsync(fileno)
            if files:
                self.sync_folder(digits)
        except BaseException as error:
            self.withdraw(list(files))
            _refuse_if_full(error)
            raise
        finally:
            for fileno in files.values():
                os.close(fileno)
        return list(files)

    def stage(self) -> StagedFile:
        """A new file to write to.  Raises Refused(OUT_OF_RESOURCES)."""
        return StagedFile(self, new_name())

    def settle(self, names: Sequence[str]) -> None:
        """Their rows are committed: only the record of the unfinished promise goes."""
        for name in names:
            staged = self.staged_path(name)
            if not _remove(staged):
                _remove(staged + _MARK)

    def withdraw(self, names: Sequence[str]) -> None:
        """Their rows are not committed: each file goes, then the record that it was promised."""
        for name in names:
            staged = self.staged_path(name)
            for path in (self.path(name), staged, staged + _MARK):
                _remove(path)

    def delete(self, name: str) -> None:
        """Removes the file; one that is gone already is no error."""
        _remove(self.path(name))

    def list(self) -> Iterator[str]:
        """Names of all files in their final places; others' files are passed over."""
        for folder in _entries(self._root):
            if len(folder) == FOLDER_DIGITS:
                for entry in _entries(f"{self._root}/{folder}"):
                    name = entry.removesuffix(".dcm")
                    if is_name(name) and name != entry:
                        yield name

    def path(self, name: str) -> str:
        """Where the blob lies.  Raises NoBlob for what is no name of ours."""
        checked_name(name)
        return f"{self._root}/{name[:FOLDER_DIGITS]}/{name}.dcm"

    def staged_path(self, name: str) -> str:
        """Where this process stages it.  Raises NoBlob for what is no name of ours."""
        return f"{self._staging}/{checked_name(name)}"

    def give_final_name(self, name: str) -> None:
        """Puts a staged file in its place, in a folder that is not synced yet."""
        staged, final = self.staged_path(name), self.path(name)
        if name[0] not in self._rows:
            _make_row(self._root, name[0])
            self._rows.add(name[0])
        if not (self._linking and self._linked(staged, final)):
            os.close(os.open(staged + _MARK, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE))
            _sync_folder(self._staging)
            os.rename(staged, final)

    def sync_folder(self, digits: str) -> None:
        """Makes the names in a folder durable, which the sync of a file does not promise."""
        _sync_folder(f"{self._root}/{digits}")

    def _linked(self, staged: str, final: str) -> bool:
        try:
            self._link(staged, final)
        except OSError as error:
            if error.errno not in _LINKLESS:
                raise
            self._linking = False
        return self._linking

    # Reading: on the event loop -------------------------------------------------

    async def is_there(self, name: str) -> bool:
        """Whether there is a blob of this name; costs less on the event loop than a hop."""
        return os.access(self.path(name), os.F_OK)

    async def read(self, name: str, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`.  Raises NoBlob, BlobTooShort."""
        return await File(self.path(name), self._threads).read(offset, length)

    async def read_into(self, name: str, offset: int, buffers: Sequence[memoryview]) -> None:
        """Fills `buffers` with what lies from `offset` on.  Raises NoBlob, BlobTooShort."""
        await File(self.path(name), self._threads).read_into(offset, buffers)

    async def stream(
        self, name: str, offset: int, length: int, chunk_bytes: int = CHUNK_BYTES
    ) -> AsyncIterator[bytes]:
        """The same in chunks of at most `chunk_bytes`.  Raises as `read`."""
        file = File(self.path(name), self._threads)
        end, turn = offset + length, offset + TURN_BYTES
        for begin in range(offset, end, chunk_bytes):
            yield await file.read(begin, min(chunk_bytes, end - begin))
            if begin >= turn:
                turn = begin + TURN_BYTES
                await asyncio.sleep(0)

    def extent(self, name: str, offset: int, length: int) -> Extent | None:
        """Those bytes where they lie.  Raises NoBlob, BlobTooShort."""
        if length < EXTENT_BYTES_MIN or not self._tells_cached:
            return None
        return File(self.path(name), self._threads).extent(offset, length)

    def at_once(self, name: str, offset: int, length: int) -> bytes | Extent | None:
        """Those bytes, or where they lie.  Raises NoBlob, BlobTooShort."""
        extent = self.extent(name, offset, length)
        if extent is not None:
            return extent
        return File(self.path(name), self._threads).cached(offset, length)

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return os.access(self.path(name), os.R_OK)

    def file(self, name: str) -> str | None:
        """Its path from the root, for another program to read."""
        return os.path.abspath(self.path(name))

    def open(self, name: str) -> OpenFile:
        """Random access, for a worker thread.  Raises NoBlob."""
        return OpenFile(self.path(name))

    # After a crash --------------------------------------------------------------

    async def recover(self, on_record: OnRecord) -> None:
        """Finishes the promises of processes that died; those of the living are left alone."""
        for folder in await asyncio.to_thread(_entries, self._all_staging):
            await self._recover_folder(f"{self._all_staging}/{folder}", on_record)

    async def _recover_folder(self, folder: str, on_record: OnRecord) -> None:
        lock = await asyncio.to_thread(_lock_of_the_dead, folder)
        if lock is None:
            return
        try:
            names = await asyncio.to_thread(_unfinished, folder)
            for begin in range(0, len(names), NAMES_PER_QUESTION):
                asked = names[begin : begin + NAMES_PER_QUESTION]
                await asyncio.to_thread(self._finish, folder, asked, await on_record(asked))
            await asyncio.to_thread(_remove_folder, folder)
        finally:
            os.close(lock)

    def _finish(self, folder: str, names: Sequence[str], on_record: set[str]) -> None:
        for name in names:
            if name not in on_record:
                _remove(self.path(name))
            _remove(f"{folder}/{name}")
            _remove(f"{folder}/{name}{_MARK}")
        kept = len(on_record.intersection(names))
        _log.info("A process died with %d blobs unfinished, %d of them on record", len(names), kept)


class StagedFile:
    """A `Staged` blob: an open file in the staging folder.

    It may be discarded while another thread still writes to it, for someone who went away: that
    thread must not find its file closed, and the next one opened in its place.
    """

    def __init__(self, store: Filesystem, name: str) -> None:
        self._store = store
        self._name = name
        self._turn = threading.RLock()
        self._written_back = 0
        self.size_bytes = 0
        self._fileno = -1
        with self._or_nothing():
            self._fileno = _create(store.staged_path(name))

    def fileno(self) -> int:
        """Open for reading too, until it is kept or discarded."""
        return self._fileno

    def write(self, buffers: Sequence[Bytes]) -> None:
        """Appends `buffers`.  Raises Refused(OUT_OF_RESOURCES), and then nothing is left."""
        with self._or_nothing():
            assert self._fileno >= 0, "It is kept or discarded already."
            for begin in range(0, len(buffers), BUFFERS_MAX):
                self.size_bytes += _write(self._fileno, buffers[begin : begin + BUFFERS_MAX])
            fresh = self.size_bytes - self._written_back
            if fresh >= WRITE_BACK_BYTES:
                _start_write_back(self._fileno, self._written_back, fresh)
                self._written_back = self.size_bytes

    def keep(self) -> str:
        """Makes it durable under its name, which is given.  Raises as `write`."""
        with self._or_nothing():
            assert self._fileno >= 0, "It is kept or discarded already."
            self._store.give_final_name(self._name)
            os.fsync(self._fileno)
            self._store.sync_folder(self._name[:FOLDER_DIGITS])
            self._close()
        return self._name

    def discard(self) -> None:
        """Removes it, unless it is kept or discarded already."""
        with self._turn:
            if self._fileno >= 0:
                self._close()
                self._store.withdraw([self._name])

    def _close(self) -> None:
        fileno, self._fileno = self._fileno, -1
        os.close(fileno)

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        with self._turn:
            try:
                yield
            except BaseException as error:
                self.discard()
                _refuse_if_full(error)
                raise


class OpenFile:
    """An `OpenBlob`: a file, mapped when `buffer` is asked for.

    A disk that fails under a mapped file kills the process; `read` raises OSError.
    """

    def __init__(self, path: str) -> None:
        self._fileno = open_file(path)
        self._map: mmap | None = None
        self.size_bytes = os.fstat(self._fileno).st_size

    @property
    def buffer(self) -> bytes | mmap:
        """All of it; a slice is a copy."""
        if self._map is None and self.size_bytes:
            self._map = mmap(self._fileno, 0, access=ACCESS_READ)
        return self._map or b""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes.  Raises BlobTooShort."""
        return read(self._fileno, offset, length)

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._fileno)
        if self._map is not None:
            # A memoryview of it that somebody still holds keeps it mapped until that one goes.
            with suppress(BufferError):
                self._map.close()


def _create(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)


def _refuse_if_full(error: BaseException) -> None:
    if isinstance(error, OSError) and error.errno in _FULL:
        raise Refused(OUT_OF_RESOURCES) from error


def _write(fileno: int, buffers: Sequence[Bytes]) -> int:
    """Writes all of at most BUFFERS_MAX buffers; gives their size."""
    size_bytes = sum(map(len, buffers))
    written = 0
    while written < size_bytes:
        written += os.writev(fileno, rest_of(buffers, written) if written else buffers)
    return written


def rest_of(buffers: Sequence[Bytes], skipped: int) -> Sequence[Bytes]:
    """What follows the first bytes of `buffers`: a system call may write less than it is given."""
    for index, buffer in enumerate(buffers):
        if skipped < len(buffer):
            return [memoryview(buffer)[skipped:], *buffers[index + 1 :]]
        skipped -= len(buffer)
    return []


def _start_write_back(fileno: int, offset: int, length: int) -> None:
    """Has the disk begin to write, without waiting; only a hint, so failing does not matter.

    A length of 0: all that follows.
    """
    if _sync_file_range is not None:
        _sync_file_range(fileno, offset, length, _SYNC_FILE_RANGE_WRITE)


def _load_sync_file_range() -> Callable[[int, int, int, int], int] | None:
    function = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return function


_sync_file_range = _load_sync_file_range()


def _remove(path: str) -> bool:
    """Whether there was something to remove."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def _entries(folder: str) -> list[str]:
    """What is in the folder; nothing, if it is none."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync_folder(path: str) -> None:
    fileno = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fileno)
    finally:
        os.close(fileno)


def _make_folder(path: str) -> None:
    """Makes a folder and those above it, durably; one that is there may have just been made."""
    above = os.path.dirname(path)
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileNotFoundError:
        _make_folder(above)
        with suppress(FileExistsError):
            os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    _sync_folder(above)


def _make_row(root: str, digit: str) -> None:
    """Makes, durably, the folders of blobs whose names begin with `digit`.

    One after another, when a blob first needs it, each would cost a sync of its own, and the first
    thousand instances be half as dear again; all of them at once take 15 ms of a small archive.
    """
    for number in range(16 ** (FOLDER_DIGITS - 1)):
        with suppress(FileExistsError):
            os.mkdir(f"{root}/{digit}{number:0{FOLDER_DIGITS - 1}x}", FOLDER_MODE)
    _sync_folder(root)


# The folders in .staging: whoever holds the lock in one may do with it as he likes ----------------


def _own_folder(all_staging: str) -> tuple[str, int]:
    """A new folder and the lock on it."""
    while True:
        folder = f"{all_staging}/{new_name()}"
        os.mkdir(folder, FOLDER_MODE)
        # Between the two calls it looks like a dead process's and may be swept away: then another.
        lock = _lock_of_the_dead(folder)
        if lock is not None:
            return folder, lock


def _lock_of_the_dead(folder: str) -> int | None:
    """The lock on the folder, unless a living process has it or the folder is gone."""
    path = f"{folder}/{_LOCK}"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), os.stat(path)):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def _unfinished(folder: str) -> list[str]:
    """Names of the blobs staged in it and not settled."""
    return sorted({name for e in _entries(folder) if is_name(name := e.removesuffix(_MARK))})


def _remove_folder(folder: str) -> None:
    """Removes the folder, unless there is something in it besides the lock."""
    _remove(f"{folder}/{_LOCK}")
    try:
        os.rmdir(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            raise
