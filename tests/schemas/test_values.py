"""Values as the index compares them, and what a query's texts mean (PS3.4 C.2.2.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import paths, values
from schemas.attributes import ATTRIBUTES, Level, Match, answered, at
from schemas.query import Form, Term, attribute_at, key_terms
from schemas.reasons import FAILURES, REQUEST_FAILURES, WARNINGS, Refused
from schemas.syntaxes import BY_UID, SYNTAXES

ALL = frozenset(Level)


def asked(keyword: str, text: str) -> Term | None:
    path = paths.of(keyword)
    found = key_terms(path, attribute_at(path, ALL), text)
    assert len(found) <= 1
    return found[0] if found else None


NAMES = {
    "Doe^Jane": "DOE^JANE",
    "doe^jane^^^": "DOE^JANE",
    " Müller^Käthe ": "MULLER^KATHE",
    "ＤＯＥ^Ｊ": "DOE^J",
    "Yamada^Tarou=山田^太郎=": "YAMADA^TAROU=山田^太郎",
    "Łoś^Søren": "LOS^SOREN",
    "がが^はは": "がが^はは",
    "=山田": "=山田",
    "": "",
}


@pytest.mark.parametrize("sent, folded", NAMES.items())
def test_names_are_folded_by_case_width_and_accent(sent, folded):
    """QIDO-24, QIDO-38."""
    assert values.name(sent) == folded


@given(st.text())
def test_a_folded_name_is_folded_no_further(text):
    once = values.name(text)
    assert values.name(once) == once


DATES = {"20240229": "20240229", "2024.02.29": "20240229", "20241301": "", "2024": "", "x": ""}
TIMES = {
    "1030": "103000.000000",
    "10": "100000.000000",
    "103015.5": "103015.500000",
    "10:30:15": "103015.000000",
    "2400": "",
    "1060": "",
    "": "",
}


@pytest.mark.parametrize("sent, compared", DATES.items())
def test_dates_have_one_form(sent, compared):
    assert values.date(sent) == compared


@pytest.mark.parametrize("sent, compared", TIMES.items())
def test_times_have_one_form(sent, compared):
    """QIDO-28: by meaning, not by text."""
    assert values.time(sent) == compared


@given(st.times())
def test_a_time_is_within_what_its_own_text_covers(time):
    for text in (f"{time:%H}", f"{time:%H%M}", f"{time:%H%M%S}", f"{time:%H%M%S.%f}"):
        assert values.time(text) <= f"{time:%H%M%S.%f}" <= values.time_end(text)


TERMS = [
    ("StudyDate", "20200101-", Form.BETWEEN, ("20200101", None)),
    ("StudyDate", "20200101", Form.BETWEEN, ("20200101", "20200101")),
    ("StudyTime", "10-1130", Form.BETWEEN, ("100000.000000", "113059.999999")),
    ("StudyInstanceUID", "1.2\\1.3,1.2", Form.ONE_OF, ("1.2", "1.3")),
    ("PatientID", " P1 ", Form.ONE_OF, ("P1",)),
    ("PatientID", "A\\B", Form.ONE_OF, ("A", "B")),
    ("PatientID", "P*", Form.LIKE, ("P*",)),
    ("PatientName", "doe*", Form.NAMED, ("DOE*",)),
    ("ModalitiesInStudy", "CT\\MR,US", Form.ONE_OF, ("CT", "MR", "US")),
    ("SeriesNumber", "007", Form.ONE_OF, (7,)),
]


@pytest.mark.parametrize("keyword, text, form, expected", TERMS)
def test_what_a_text_asks_of_an_attribute(keyword, text, form, expected):
    """QIDO-14, 23, 25, 27, 28, 33."""
    found = asked(keyword, text)
    assert (found.form, found.values) == (form, expected)


@pytest.mark.parametrize(
    "keyword, text", [("PatientID", ""), ("PatientID", "*"), ("PatientName", "**")]
)
def test_what_asks_nothing_is_no_term(keyword, text):
    """QIDO-26, and a lone wildcard (PS3.4 C.2.2.2.4)."""
    assert asked(keyword, text) is None


@given(st.sampled_from([a for a in ATTRIBUTES if a.match is not Match.NONE]), st.text(max_size=50))
def test_any_text_is_a_term_or_nothing_or_refused(attribute, text):
    try:
        found = key_terms(attribute.path, attribute, text)
    except Refused as refused:
        assert refused.detail.endswith(".")  # noqa: PT017
    else:
        assert all(term.attribute is attribute for term in found)


# The tables -------------------------------------------------------------------------


def test_codes_are_unique():
    codes = [reason.code for reason in (*FAILURES, *WARNINGS)]
    assert len(set(codes)) == len(codes)
    assert all(reason.meaning.endswith(".") for reason in (*FAILURES, *WARNINGS, *REQUEST_FAILURES))


def test_transfer_syntaxes_are_unique():
    assert len(BY_UID) == len(SYNTAXES)


def test_every_attribute_is_of_the_data_dictionary_and_once_at_its_level():
    for level in Level:
        tags = [attribute.tag for attribute in at(level)]
        assert tags == sorted(set(tags))
        assert [a.tag for a in answered(level)] == sorted({a.tag for a in answered(level)})
