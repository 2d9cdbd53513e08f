"""A file read through a window is read as its bytes are."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.engine import window
from dicomweb.engine.window import Window

DATA = bytes(range(256)) * 300 + b"needle" + bytes(100)


@pytest.fixture(scope="module")
def file():
    with tempfile.TemporaryFile() as opened:
        opened.write(DATA)
        opened.flush()
        yield opened


@given(st.lists(st.tuples(st.integers(0, len(DATA) + 9), st.integers(0, 40_000)), max_size=9))
def test_slices_are_those_of_the_bytes(file, cuts):
    """STOW-59: whatever is asked for, in whatever order."""
    window = Window(file.fileno())
    assert len(window) == len(DATA)
    for begin, length in cuts:
        assert window[begin : begin + length] == DATA[begin : begin + length]


@pytest.mark.parametrize("start", [0, 76_799, 76_800, 76_801, len(DATA)])
@pytest.mark.parametrize("end", [0, 76_805, 76_806, len(DATA), len(DATA) + 5])
def test_what_is_sought_is_found_where_it_is(file, start, end, monkeypatch):
    """Also where it lies across two of the pieces that are searched."""
    monkeypatch.setattr(window, "SEARCHED_BYTES", 76_803)
    assert Window(file.fileno()).find(b"needle", start, end) == DATA.find(b"needle", start, end)
