"""Random data sets and random damage: the same as pydicom, and never anything but a refusal."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from part10_bytes import data_set_of
from pydicom_reference import differences, parsed, value_of
from random_data_sets import damaged, data_sets, read_back, written

from schemas.dicom_json import encode
from schemas.part10 import locate
from schemas.reasons import Refused
from schemas.reencoding import Span, size_of, to_explicit_little_endian
from schemas.syntaxes import EXPLICIT_VR_BE, EXPLICIT_VR_LE, IMPLICIT_VR_LE
from tests.real_files import SHIPPED

NATIVE = [EXPLICIT_VR_LE, IMPLICIT_VR_LE, EXPLICIT_VR_BE]
RELAXED = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
SECONDS_MAX = 5


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable()
    with warnings.catch_warnings(action="ignore"):
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.name)
@RELAXED
@given(ds=data_sets())
def test_a_random_data_set_says_what_pydicom_says(syntax, ds):
    """ENC-17, ENC-19, JSON-12 to JSON-17."""
    data = written(ds, syntax)
    ours = encode(data, 0, len(data), syntax)
    assert [*differences(read_back(data, syntax), parsed(ours), ours, data)] == []
    assert ours.problems == ()


@RELAXED
@given(ds=data_sets())
def test_a_random_data_set_says_the_same_in_every_encoding(ds):
    said = set()
    for syntax in NATIVE:
        data = written(ds, syntax)
        ours = encode(data, 0, len(data), syntax)
        bulk = tuple((path, value_of(each, data)) for path, each in ours.bulk.items())
        said.add((ours.json, bulk))
    assert len(said) == 1


FILES = [
    "CT_small.dcm",
    "rtplan.dcm",
    "test-SR.dcm",
    "nested_priv_SQ.dcm",
    "UN_sequence.dcm",
    "MR_small_bigendian.dcm",
    "JPEG2000.dcm",
    "../charset_files/chrSQEncoding.dcm",
    "../charset_files/chrH32.dcm",
]


@pytest.mark.parametrize("name", FILES)
@RELAXED
@given(seed=st.integers(0, 2**32))
def test_damage_is_refused_or_made_the_best_of(name, seed):
    """ENC-22, ENC-26, ENC-30."""
    data = damaged((SHIPPED / "test_files" / name).read_bytes(), seed)
    begun = time.perf_counter()
    with contextlib.suppress(Refused):
        location = locate(data)
        ours = encode(data, location.offset, len(data), location.syntax)
        parsed(ours)
        assert all(
            at + length <= len(data) for bulk in ours.bulk.values() for at, length in bulk.ranges
        )
        pieces = to_explicit_little_endian(data, location.offset, len(data), location.syntax)
        assert size_of(pieces) < 4 * len(data) + 1_000
    assert time.perf_counter() - begun < SECONDS_MAX


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_anywhere_is_refused_or_shorter(name):
    data, start, syntax = data_set_of(SHIPPED / "test_files" / name)
    whole = encode(data, start, len(data), syntax)
    for end in range(start, min(len(data), start + 3_000), 7):
        with contextlib.suppress(Refused):
            part = encode(data, start, end, syntax)
            assert len(part.json) <= len(whole.json)
            assert part.end <= end


@given(st.binary(max_size=200), st.sampled_from(NATIVE))
def test_any_bytes_are_a_data_set_or_refused(data, syntax):
    with contextlib.suppress(Refused):
        parsed(encode(data, 0, len(data), syntax))
        for piece in to_explicit_little_endian(data, 0, len(data), syntax):
            assert isinstance(piece, bytes | Span)
