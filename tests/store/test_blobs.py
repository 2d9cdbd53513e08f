"""What every store of blobs owes: written once, read exactly, and all of it there after a crash."""

import asyncio
import errno
import os
import random
import resource
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomweb.store.blobs import BlobTooShort, NoBlob, is_name
from dicomweb.store.extents import CHUNK_BYTES
from dicomweb.store.files import BUFFERS_MAX, INLINE_BYTES_MAX
from dicomweb.store.filesystem import (
    EXTENT_BYTES_MIN,
    NAMES_PER_QUESTION,
    WRITE_BACK_BYTES,
    Filesystem,
    rest_of,
)
from schemas.reasons import OUT_OF_RESOURCES, Refused

DIGITS = b"0123456789"
NOWHERE = "0" * 32


def no_links(source, destination):
    """What os.link does on a file system without links."""
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source, None, destination)


STORES = {
    "files, linked": Filesystem,
    "files, renamed": lambda root: Filesystem(root, link=no_links),
}


@pytest.fixture(params=STORES)
def open_store(request, tmp_path):
    """Opens the same store again and again, as processes do that use the same folder."""
    opened = []

    def open_one():
        opened.append(STORES[request.param](tmp_path / "objects"))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def blobs(open_store):
    return open_store()


@pytest.fixture
def files(tmp_path):
    """Gives the paths of all files below the root, locks left out."""

    def found():
        below = (path for path in (tmp_path / "objects").rglob("*") if path.is_file())
        return [path for path in below if path.name != "lock"]

    return found


def out_of_the_page_cache(path):
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def put(store, *buffers):
    """The name under which an object of these buffers is kept."""
    (name,) = store.put([buffers])
    return name


async def whole(stream):
    return b"".join([chunk async for chunk in stream])


async def everything(names):
    return set(names)


async def nothing(names):
    return set()


# Written and read ---------------------------------------------------------------------------


async def test_a_range_is_read_exactly(blobs):
    name = put(blobs, DIGITS)
    assert await blobs.read(name, 2, 3) == b"234"
    assert await blobs.read(name, 10, 0) == b""


@pytest.mark.parametrize("cold", [False, True], ids=["cached", "cold"])
@pytest.mark.parametrize("size_bytes", [1, CHUNK_BYTES + 1, INLINE_BYTES_MAX + 1])
async def test_read_and_stream_and_open_give_the_same(blobs, size_bytes, cold):
    data = random.Random(size_bytes).randbytes(size_bytes + 20)
    name = put(blobs, data)
    asked, expected = (name, 10, size_bytes), data[10:-10]
    for read in (blobs.read(*asked), whole(blobs.stream(*asked))):
        if cold:
            out_of_the_page_cache(blobs.path(name))
        assert await read == expected
    with blobs.open(name) as blob:
        assert blob.read(10, size_bytes) == expected
        assert blob.buffer[10:-10] == expected


@pytest.mark.parametrize("cold", [False, True], ids=["cached", "cold"])
async def test_an_extent_is_those_bytes_in_a_file(blobs, cold):
    data = random.Random(1).randbytes(CHUNK_BYTES + EXTENT_BYTES_MIN)
    name = put(blobs, data)
    if cold:
        out_of_the_page_cache(blobs.path(name))
    extent = blobs.extent(name, 10, len(data) - 20)
    if extent is None:
        pytest.skip("this system cannot tell what the page cache has")
    assert extent.is_cached(0, len(extent)) is not cold
    await extent.fetch(0, len(extent))
    assert extent.is_cached(0, len(extent))
    assert os.pread(extent.fileno(), len(extent), extent.offset) == data[10:-10]
    part = extent.some(7, 70_000)
    assert os.pread(part.fileno(), len(part), part.offset) == data[17:70_010]
    blobs.delete(name)
    assert await whole(extent) == data[10:-10]


async def test_an_extent_reaches_no_further_than_its_blob(blobs):
    name = put(blobs, bytes(EXTENT_BYTES_MIN))
    assert blobs.extent(name, 0, EXTENT_BYTES_MIN - 1) is None, "so little is sooner read"
    with pytest.raises(BlobTooShort):
        blobs.extent(name, 1, EXTENT_BYTES_MIN)
    with pytest.raises(NoBlob):
        blobs.extent(NOWHERE, 0, EXTENT_BYTES_MIN)


@pytest.mark.parametrize("cold", [False, True], ids=["cached", "cold"])
@pytest.mark.parametrize("size_bytes", [1, 70_000, INLINE_BYTES_MAX + 1])
async def test_buffers_are_filled_one_after_the_other(blobs, size_bytes, cold):
    data = random.Random(2).randbytes(size_bytes + 20)
    name = put(blobs, data)
    if cold:
        out_of_the_page_cache(blobs.path(name))
    into = memoryview(bytearray(size_bytes))
    step = size_bytes // (2 * BUFFERS_MAX) + 1
    await blobs.read_into(name, 10, [into[at : at + step] for at in range(0, size_bytes, step)])
    assert into == data[10 : size_bytes + 10]
    with pytest.raises(BlobTooShort):
        await blobs.read_into(name, 21, [into])
    with pytest.raises(NoBlob):
        await blobs.read_into("0" * 32, 0, [into])


async def test_what_is_half_in_the_page_cache_is_read_whole(blobs):
    data = random.Random(0).randbytes(INLINE_BYTES_MAX)
    name = put(blobs, data)
    out_of_the_page_cache(blobs.path(name))
    await blobs.read(name, 0, 4096)
    assert await blobs.read(name, 0, len(data)) == data


@given(
    st.lists(st.binary(max_size=50) | st.binary(max_size=50).map(memoryview), max_size=20),
    st.integers(1, 60),
)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_written_is_read_back(blobs, buffers, chunk_bytes):
    data = b"".join(buffers)
    staged = blobs.stage()
    staged.write(buffers[:5])
    staged.write(buffers[5:])
    assert staged.size_bytes == len(data)
    name = staged.keep()
    assert asyncio.run(whole(blobs.stream(name, 0, len(data), chunk_bytes))) == data


def test_more_buffers_than_one_system_call_takes_are_written(blobs):
    name = put(blobs, *[b"ab"] * (2 * BUFFERS_MAX + 1))
    with blobs.open(name) as blob:
        assert blob.size_bytes == 2 * (2 * BUFFERS_MAX + 1)


@given(st.lists(st.binary(max_size=5)), st.data())
def test_a_write_cut_short_goes_on_where_it_stopped(buffers, data):
    whole = b"".join(buffers)
    written = data.draw(st.integers(0, len(whole)))
    assert b"".join(rest_of(buffers, written)) == whole[written:]


def test_a_large_object_is_written_as_it_comes(blobs):
    staged, piece = blobs.stage(), bytes(WRITE_BACK_BYTES // 2 + 1)
    for _ in range(5):
        staged.write([piece])
    assert os.pread(staged.fileno(), 1, staged.size_bytes - 1) == b"\0"
    with blobs.open(staged.keep()) as blob:
        assert blob.size_bytes == 5 * len(piece)


def test_an_empty_blob_has_an_empty_buffer(blobs):
    with blobs.open(put(blobs)) as blob:
        assert (blob.size_bytes, blob.buffer, blob.read(0, 0)) == (0, b"", b"")


def test_a_view_of_the_buffer_outlives_the_context(blobs):
    with blobs.open(put(blobs, DIGITS)) as blob:
        view = memoryview(blob.buffer)[2:5]
    assert bytes(view) == b"234"


@pytest.mark.parametrize("offset, length", [(8, 3), (10, 1), (100, 1), (0, INLINE_BYTES_MAX + 1)])
async def test_a_blob_that_ends_too_early_is_told(blobs, offset, length):
    name = put(blobs, DIGITS)
    with pytest.raises(BlobTooShort):
        await blobs.read(name, offset, length)
    with pytest.raises(BlobTooShort):
        await whole(blobs.stream(name, offset, length))
    with blobs.open(name) as blob, pytest.raises(BlobTooShort):
        blob.read(offset, length)


def test_several_are_put_at_once_and_all_are_there(blobs, files):
    names = blobs.put([[DIGITS, b"1"], [], [DIGITS, b"3"]])
    assert len(set(names)) == 3
    for name, data in zip(names, (DIGITS + b"1", b"", DIGITS + b"3"), strict=True):
        with blobs.open(name) as blob:
            assert blob.read(0, len(data)) == data
            assert blob.size_bytes == len(data)
    blobs.settle(names)
    assert len(files()) == 3


# Names --------------------------------------------------------------------------------------


def test_the_store_chooses_the_name(blobs, files):
    name = put(blobs, DIGITS)
    assert is_name(name)
    assert name != put(blobs, DIGITS)
    assert blobs.path(name).endswith(f"/{name[:2]}/{name}.dcm")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(NOWHERE, id="unknown"),
        pytest.param("", id="empty"),
        pytest.param("../" * 10 + "etc/passwd", id="a path"),
        pytest.param("A" * 32, id="capitals"),
        pytest.param("0" * 32 + "\n", id="a line end"),
        pytest.param("\u0660" * 32, id="digits that are not ASCII"),
    ],
)
async def test_there_is_no_such_blob(blobs, name):
    with pytest.raises(NoBlob):
        await blobs.read(name, 0, 1)
    with pytest.raises(NoBlob):
        await whole(blobs.stream(name, 0, 1))
    with pytest.raises(NoBlob):
        blobs.open(name)


async def test_what_is_there_is_there_until_it_is_deleted(blobs):
    name = put(blobs, DIGITS)
    assert await blobs.is_there(name)
    blobs.settle([name])
    blobs.delete(name)
    assert not await blobs.is_there(name)


@pytest.mark.parametrize(
    "change",
    [
        lambda blobs, name: blobs.settle([name]),
        lambda blobs, name: blobs.withdraw([name]),
        lambda blobs, name: blobs.delete(name),
    ],
    ids=["settle", "withdraw", "delete"],
)
def test_only_names_become_paths(blobs, tmp_path, change):
    (tmp_path / "mine.dcm").touch()
    with pytest.raises(NoBlob):
        change(blobs, "../../mine")
    assert (tmp_path / "mine.dcm").exists()


# The life of a blob -------------------------------------------------------------------------


def test_a_settled_blob_is_one_file(blobs, files):
    name = put(blobs, DIGITS)
    assert len(files()) == 2
    blobs.settle([name])
    assert [str(path) for path in files()] == [blobs.path(name)]
    assert list(blobs.list()) == [name]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda blobs: blobs.withdraw([put(blobs, DIGITS)]), id="withdrawn"),
        pytest.param(lambda blobs: blobs.stage().discard(), id="discarded"),
    ],
)
def test_of_a_blob_given_up_nothing_is_left(blobs, files, end):
    end(blobs)
    assert files() == []


def test_discarding_what_is_kept_changes_nothing(blobs):
    staged = blobs.stage()
    name = staged.keep()
    staged.discard()
    assert list(blobs.list()) == [name]


def test_discarding_twice_is_harmless(blobs, files):
    staged = blobs.stage()
    staged.discard()
    staged.discard()
    assert files() == []


def test_discarding_while_a_thread_writes_harms_no_other_blob(blobs):
    def write_until_discarded(staged):
        while True:
            staged.write([b"mine"])

    with ThreadPoolExecutor(4) as threads:
        for _ in range(50):
            staged = blobs.stage()
            writing = threads.submit(write_until_discarded, staged)
            staged.write([b"begun"])
            staged.discard()
            name = put(blobs, DIGITS)
            with pytest.raises(AssertionError, match="discarded"):
                writing.result()
            with blobs.open(name) as blob:
                assert blob.buffer[:] == DIGITS


def test_a_deleted_blob_is_gone_and_may_be_deleted_again(blobs, files):
    name = put(blobs, DIGITS)
    blobs.settle([name])
    blobs.delete(name)
    blobs.delete(name)
    assert files() == []


async def test_a_blob_deleted_meanwhile_is_streamed_to_its_end(blobs):
    name = put(blobs, DIGITS)
    stream = blobs.stream(name, 0, 10, chunk_bytes=4)
    first = await anext(stream)
    blobs.delete(name)
    assert first + await whole(stream) == DIGITS


def test_other_files_are_not_listed(blobs, tmp_path):
    blobs.settle([name := put(blobs, DIGITS)])
    for other in ("readme.txt", f"{name[:2]}/{NOWHERE}", f"{name[:2]}/notes.dcm"):
        (tmp_path / "objects" / other).touch()
    assert list(blobs.list()) == [name]


def test_patients_data_is_not_for_others(blobs, tmp_path):
    path = blobs.path(put(blobs, DIGITS))
    assert stat.S_IMODE(os.stat(path).st_mode) & 0o027 == 0
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) & 0o027 == 0
    assert stat.S_IMODE(os.stat(tmp_path / "objects").st_mode) & 0o027 == 0


def test_threads_may_write_at_the_same_time(blobs):
    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(lambda _: put(blobs, DIGITS), range(64)))
    assert set(blobs.list()) == names


# Streams and files left open ----------------------------------------------------------------


def open_files():
    return sorted(os.listdir("/proc/self/fd"))


@pytest.fixture
async def no_file_stays_open(blobs):
    await blobs.read(put(blobs, DIGITS), 0, 10)
    before = len(open_files())
    yield
    blobs.close()
    assert len(open_files()) == before - 1, "the lock is closed, and what was open beside it"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
@pytest.mark.usefixtures("no_file_stays_open")
class TestNoFileStaysOpen:
    async def test_when_the_consumer_goes_away(self, blobs):
        stream = blobs.stream(put(blobs, DIGITS), 0, 10, chunk_bytes=1)
        await anext(stream)
        await stream.aclose()

    async def test_when_the_task_is_cancelled_while_a_thread_reads(self, blobs):
        name = put(blobs, bytes(INLINE_BYTES_MAX * 4))
        reads = [asyncio.create_task(blobs.read(name, 0, INLINE_BYTES_MAX * 4)) for _ in range(40)]
        await asyncio.sleep(0)
        for read in reads:
            read.cancel()
        ended = await asyncio.gather(*reads, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended)

    async def test_when_an_extent_is_not_sent(self, blobs):
        blobs.extent(put(blobs, bytes(EXTENT_BYTES_MIN)), 0, EXTENT_BYTES_MIN)

    async def test_when_the_blob_is_too_short(self, blobs):
        with pytest.raises(BlobTooShort):
            await blobs.read(put(blobs, DIGITS), 0, 11)

    def test_when_a_blob_is_opened_and_mapped(self, blobs):
        with blobs.open(put(blobs, DIGITS)) as blob:
            assert blob.buffer[0] == DIGITS[0]

    def test_when_blobs_are_kept_or_discarded(self, blobs):
        blobs.stage().keep()
        blobs.stage().discard()


async def test_a_long_stream_lets_others_have_a_turn(blobs):
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    name = put(blobs, bytes(16 * 1024 * 1024))
    task = asyncio.create_task(other())
    async for _ in blobs.stream(name, 0, 16 * 1024 * 1024):
        pass
    task.cancel()
    assert turns >= 3


# No room ------------------------------------------------------------------------------------


@pytest.fixture
def room():
    """Limits how large a file may get, which is as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size_bytes: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_room_it_is_refused_and_nothing_is_left(blobs, files, room):
    room(100_000)
    with pytest.raises(Refused) as refused:
        put(blobs, bytes(60_000), bytes(60_000))
    assert refused.value.reason is OUT_OF_RESOURCES
    assert files() == []


def test_when_room_ends_in_the_middle_nothing_is_left(blobs, files, room):
    staged = blobs.stage()
    staged.write([bytes(60_000)])
    room(100_000)
    with pytest.raises(Refused):
        staged.write([bytes(60_000)])
    staged.discard()
    assert files() == []


def test_a_failure_of_another_kind_is_raised_as_it_is_and_nothing_is_left(tmp_path, files):
    def failing(source, destination):
        raise OSError(errno.EIO, "the disk is broken")

    blobs = Filesystem(tmp_path / "objects", link=failing)
    with pytest.raises(OSError, match="broken"):
        put(blobs, DIGITS)
    assert files() == []
    blobs.close()


# After a crash ------------------------------------------------------------------------------

CHILD = """
import errno, os, sys, threading
from dicomweb.store.filesystem import Filesystem

def no_links(source, destination):
    raise OSError(errno.ENOTSUP, "no links here")

root, index_path, linking, what = sys.argv[1:]
blobs = Filesystem(root, **({} if linking == "linked" else {"link": no_links}))
index = os.open(index_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def record(name):
    os.write(index, name.encode() + b"\\n")
    os.fsync(index)

def say(*words):
    os.write(1, " ".join(words).encode() + b"\\n")

def store_for_ever(data):
    while True:
        for recorded in (True, True, False):
            (name,) = blobs.put([[data, data]])
            say("kept")
            if recorded:
                record(name)
                say("recorded", name)
                blobs.settle([name])
            else:
                blobs.withdraw([name])
        staged = blobs.stage()
        for _ in range(4):
            staged.write([data])
            say("written")
        record(name := staged.keep())
        say("recorded", name)
        blobs.settle([name])
        blobs.stage().discard()

if what == "store":
    for size in (10, 100_000):
        threading.Thread(target=store_for_ever, args=(os.urandom(size),)).start()
else:
    say(*blobs.put([[b"0123456789"]]))
    sys.stdin.read()
"""


class Child:
    """Another process that uses the same folder, and an index that is a file of names."""

    def __init__(self, folder, linking, what):
        self.root, self._index = folder / "objects", folder / "index"
        arguments = [str(self.root), str(self._index), linking, what]
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=os.getcwd(),
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.says = iter(self._process.stdout.readline, b"")

    def kill(self):
        """As kill -9; gives what it said and nobody has heard yet."""
        self._process.kill()
        with self._process:
            return list(self.says)

    def recorded(self):
        return set(self._index.read_text().split()) if self._index.exists() else set()


@pytest.fixture(params=["linked", "renamed"])
def start(request, tmp_path):
    started = []

    def start_one(what):
        started.append(Child(tmp_path, request.param, what))
        return started[-1]

    yield start_one
    for child in started:
        child.kill()


def staging_folders(root):
    return sorted((root / ".staging").iterdir())


@pytest.mark.parametrize("seed", range(6))
async def test_after_a_kill_exactly_the_recorded_blobs_remain(start, files, seed):
    child, chance = start("store"), random.Random(seed)
    heard = [next(child.says) for _ in range(chance.randrange(1, 150))]
    heard += child.kill()
    acknowledged = {line.split()[1].decode() for line in heard if line.startswith(b"recorded")}

    async def on_record(names):
        return child.recorded().intersection(names)

    blobs = Filesystem(child.root)
    await blobs.recover(on_record)
    assert acknowledged <= child.recorded()
    assert {path.stem for path in files()} == set(blobs.list()) == child.recorded()
    assert len(staging_folders(child.root)) == 1, "the folder of the process that recovers"
    for name in blobs.list():
        with blobs.open(name) as blob:
            assert blob.size_bytes in (20, 40, 200_000, 400_000)
    blobs.close()
    assert staging_folders(child.root) == []


async def test_a_living_process_is_left_alone(start):
    child = start("wait")
    name = next(child.says).decode().strip()
    blobs = Filesystem(child.root)
    await blobs.recover(nothing)
    assert list(blobs.list()) == [name]
    child.kill()
    await blobs.recover(nothing)
    assert list(blobs.list()) == []
    blobs.close()


async def test_what_is_staged_while_another_recovers_stays(open_store):
    mine, other = open_store(), open_store()
    name, staged = put(mine, DIGITS), mine.stage()
    staged.write([DIGITS])
    await other.recover(nothing)
    await mine.recover(nothing)
    kept = staged.keep()
    assert set(mine.list()) == {name, kept}


@pytest.mark.parametrize(
    "on_record, left", [(everything, 2), (nothing, 0)], ids=["recorded", "not recorded"]
)
async def test_a_process_that_ended_dead_promises_is_recovered(
    open_store, tmp_path, files, on_record, left
):
    dead = open_store()
    for _ in range(2):
        put(dead, DIGITS)
    dead.close()
    later = open_store()
    assert len(staging_folders(tmp_path / "objects")) == 2
    await later.recover(on_record)
    assert len(files()) == len(list(later.list())) == left
    assert len(staging_folders(tmp_path / "objects")) == 1


async def test_processes_that_start_at_once_recover_each_folder_once(open_store, files):
    dead = open_store()
    names = [put(dead, DIGITS) for _ in range(NAMES_PER_QUESTION + 1)]
    dead.close()
    asked = []

    async def on_record(some):
        assert len(some) <= NAMES_PER_QUESTION
        asked.extend(some)
        return set(names[::2]).intersection(some)

    await asyncio.gather(*(open_store().recover(on_record) for _ in range(4)))
    assert sorted(asked) == sorted(names)
    assert {path.stem for path in files()} == set(names[::2])


async def test_a_withdrawal_that_fails_is_made_up_for_at_the_next_start(open_store):
    dead = open_store()
    in_the_way = dead.path(name := put(dead, DIGITS))
    os.unlink(in_the_way)
    os.mkdir(in_the_way)
    with pytest.raises(OSError, match="dcm"):
        dead.withdraw([name])
    os.rmdir(in_the_way)
    dead.close()
    asked = []

    async def on_record(names):
        asked.extend(names)
        return set()

    await open_store().recover(on_record)
    assert asked == [name]


async def test_when_the_index_fails_nothing_is_removed_and_the_next_start_recovers(open_store):
    dead = open_store()
    name = put(dead, DIGITS)
    dead.close()

    async def failing(names):
        raise ConnectionError

    later = open_store()
    with pytest.raises(ConnectionError):
        await later.recover(failing)
    assert list(later.list()) == [name]
    await later.recover(nothing)
    assert list(later.list()) == []


async def test_a_process_that_died_while_it_opened_leaves_nothing(blobs, tmp_path):
    (tmp_path / "objects" / ".staging" / NOWHERE).mkdir()
    await blobs.recover(nothing)
    assert len(staging_folders(tmp_path / "objects")) == 1


def test_stores_open_while_others_sweep(tmp_path):
    """Between making its folder and locking it, a process looks dead; it must not be harmed."""

    def live(_):
        store = Filesystem(tmp_path / "objects")
        asyncio.run(store.recover(nothing))
        store.settle([name := put(store, DIGITS)])
        asyncio.run(store.recover(nothing))
        store.close()
        return name

    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(live, range(100)))
    last = Filesystem(tmp_path / "objects")
    assert set(last.list()) == names
    last.close()
    assert staging_folders(tmp_path / "objects") == []
