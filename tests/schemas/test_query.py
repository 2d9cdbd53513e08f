"""Paths, moments and sounds: the small grammars that a query is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import paths, phonetics, values
from schemas.attributes import Level
from schemas.query import Form, Manner, attribute_at, key_terms, terms
from schemas.reasons import Refused

PATHS = {
    "PatientID": ("PatientID",),
    "00100020": ("PatientID",),
    "0020000d": ("StudyInstanceUID",),
    "00400275.00400009": ("RequestAttributesSequence", "ScheduledProcedureStepID"),
    "OtherPatientIDsSequence.PatientID": ("OtherPatientIDsSequence", "PatientID"),
}


@pytest.mark.parametrize("text, keywords", PATHS.items())
def test_a_path_is_of_keywords_and_tags(text, keywords):
    """QIDO-11, QIDO-12."""
    assert paths.parse(text, {}) == paths.of(*keywords)


@pytest.mark.parametrize("text", ["patientid", "0010ZZ20", "limit", "", ".", "PatientID.", "a..b"])
def test_what_has_not_the_form_of_a_name_is_none(text):
    """RUL-18."""
    assert paths.parse(text, {}) is None


def test_a_private_attribute_is_known_by_its_creator_whatever_the_block():
    """QIDO-21."""
    known = paths.parse("00231001", {(0x0023, 0x10): "A.B"})
    assert known == paths.parse("00237701", {(0x0023, 0x77): "A.B"})
    assert known is not None
    assert paths.parse(paths.name(known), {}) == known
    with pytest.raises(Refused):
        paths.parse("00231001", {})


@given(st.text(max_size=60))
def test_any_text_is_a_path_or_none_or_refused(text):
    try:
        found = paths.parse(text, {})
    except Refused:
        return
    assert found is None or paths.parse(paths.name(found), {}) == found


MOMENTS = {
    "2020": ("20200101000000.000000", "20201231235959.999999"),
    "202002": ("20200201000000.000000", "20200229235959.999999"),
    "20200101120000+0100": ("20200101110000.000000", "20200101110000.999999"),
    "20200101-0500": ("20200101050000.000000", "20200102045959.999999"),
    "20201301": None,
    "20200101+2500": None,
    "x": None,
}


@pytest.mark.parametrize("text, covered", MOMENTS.items())
def test_a_date_time_covers_what_its_precision_says_in_utc(text, covered):
    """QIDO-30."""
    span = values.moment(text)
    assert (span and (span.first, span.last)) == covered


SOUNDS = [("MEYER", "MAIER"), ("SMITH", "SCHMIDT"), ("CATHERINE", "KATHRYN"),
          ("STEPHEN", "STEVEN"), ("PHILIP", "FILIP"), ("MULLER", "MUELLER")]  # fmt: skip


@pytest.mark.parametrize("one, other", SOUNDS)
def test_names_that_sound_alike_have_one_key(one, other):
    """QIDO-36."""
    assert phonetics.key(one) == phonetics.key(other) != ""


@given(st.text(max_size=20))
def test_every_word_has_a_key_of_digits_or_none(word):
    """Other scripts have none, and break nothing."""
    key = phonetics.key(word)
    assert key == "" or key.isdecimal()


def test_keys_of_the_table_of_postel():
    known = {"WIKIPEDIA": "3412", "BREITKREUZ": "172478", "XAVER": "4837", "CHARLES": "4758"}
    assert {word: phonetics.key(word) for word in known} == known


def test_what_a_manner_changes():
    """FIND-14, QIDO-29, 34, 35: flags and negotiated bytes say one thing."""
    levels = frozenset(Level)
    day, hour = paths.of("StudyDate"), paths.of("StudyTime")
    keys = {day: "20200101-20200103", hour: "10-12"}
    (together,) = terms(keys, levels)
    assert together.form is Form.WITHIN
    apart = terms(keys, levels, Manner(combined=False))
    assert [term.form for term in apart] == [Form.BETWEEN, Form.BETWEEN]
    birth = paths.of("PatientBirthDate")
    (empty,) = key_terms(birth, attribute_at(birth, levels), '""', Manner(empty_values=True))
    assert empty.form is Form.EMPTY
    modalities = paths.of("ModalitiesInStudy")
    both = key_terms(
        modalities, attribute_at(modalities, levels), "CT\\SR", Manner(multiple_values=True)
    )
    assert [term.values for term in both] == [("CT",), ("SR",)]
