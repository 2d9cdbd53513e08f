"""The cache: bounded, forgetful, and never wrong."""

from __future__ import annotations

import os
import stat

import pytest

from dicomweb.store.blobs import NoBlob, new_name
from dicomweb.store.cache import SWEPT_FRACTION, Cache

BOUND = 80_000
VALUE = bytes(1000)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path, BOUND)


def size_of(folder) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_what_was_written_is_read(cache):
    blob = new_name()
    cache.write(blob, "1-1.2.3", VALUE)
    assert cache.read(blob, "1-1.2.3") == VALUE
    assert cache.read(blob, "2-1.2.3") is None
    assert cache.read(new_name(), "1-1.2.3") is None


def test_others_do_not_get_at_it(tmp_path):
    folder = tmp_path / "cache"
    Cache(folder, BOUND).write(new_name(), "1", VALUE)
    assert {stat.S_IMODE(path.stat().st_mode) & 0o027 for path in (folder, *folder.iterdir())} == {
        0
    }


def test_it_never_holds_more_than_its_bound(cache, tmp_path):
    for number in range(150):
        cache.write(new_name(), str(number), VALUE)
        assert size_of(tmp_path) <= BOUND


def test_what_was_read_lately_outlives_what_was_not(cache, tmp_path):
    used, idle = new_name(), new_name()
    for blob in (used, idle):
        cache.write(blob, "1", VALUE)
    for path in tmp_path.rglob("*-1"):
        os.utime(path, (1, 1))
    for _ in range(BOUND // len(VALUE)):
        assert cache.read(used, "1") == VALUE
        cache.write(new_name(), "1", VALUE)
    assert cache.read(used, "1") == VALUE
    assert cache.read(idle, "1") is None


def test_what_is_too_large_is_not_kept(cache):
    blob = new_name()
    cache.write(blob, "1", bytes(BOUND // SWEPT_FRACTION + 1))
    assert cache.read(blob, "1") is None


def test_a_bound_of_nothing_keeps_nothing(tmp_path):
    cache = Cache(tmp_path, 0)
    cache.write(new_name(), "1", b"x")
    assert size_of(tmp_path) == 0


def test_a_half_written_file_is_not_believed(cache, tmp_path):
    blob = new_name()
    cache.write(blob, "1", VALUE)
    (path,) = tmp_path.rglob(f"{blob}-1")
    for broken in (b"", path.read_bytes()[:-1], path.read_bytes()[:-1] + b"x"):
        path.write_bytes(broken)
        assert cache.read(blob, "1") is None


def test_nothing_is_left_of_a_blob_that_is_forgotten(cache, tmp_path):
    """SEC: what is deleted is gone, whatever was made of it."""
    gone, stays = new_name(), new_name()
    for blob in (gone, stays):
        for detail in ("1", "2"):
            cache.write(blob, detail, VALUE)
    cache.forget(gone)
    assert not list(tmp_path.rglob(f"{gone}*"))
    assert cache.read(stays, "2") == VALUE


def test_a_disk_that_refuses_is_no_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    cache = Cache(tmp_path / "file", BOUND)
    cache.write(new_name(), "1", VALUE)
    assert cache.read(new_name(), "1") is None


def test_a_name_that_is_none_leads_nowhere(cache):
    with pytest.raises(NoBlob):
        cache.read("../../etc", "passwd")
