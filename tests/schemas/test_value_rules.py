"""Values that machines read are told of where they are not as their VR has to be (PS3.5 6.2)."""

from __future__ import annotations

import pytest
from part10_bytes import explicit, item

from schemas.dicom_json import encode
from schemas.reasons import NOT_AS_SOP_CLASS
from schemas.syntaxes import EXPLICIT_VR_LE
from schemas.value_rules import VALUE_RULES

RIGHT = {
    "AS": ["018M", "", "001D\\100Y"],
    "DA": ["20240131", "", "2024.01.31", "20240131\\20240201 ", " 20240131"],
    "DS": ["1", "-1.5", "+.5", "1.", "1e-7", " 1.5 \\2 ", "0.33333333333333331483"],
    "DT": ["2024", "20240131", "20240131235960.123456+0100", "2024-0500"],
    "IS": ["1", "-12", " 7 ", "+5\\-5", "\\", "000"],
    "TM": ["10", "1011", "101112.5", "10:11:12", "235960", "101112\0"],
}
WRONG = {
    "AS": ["18M", "018", "old"],
    "DA": ["20241301", "20240132", "2024", "today", "20240101-20240202", "1"],
    "DS": ["one", "1,5", "1.5.2", "NaN", "--1"],
    "DT": ["24", "20241301", "20240131 10"],
    "IS": ["1.0", "1e3", "one", "- 1"],
    "TM": ["25", "1060", "10.5", "noon"],
}


@pytest.mark.parametrize("vr, value", [(vr, v) for vr, values in RIGHT.items() for v in values])
def test_a_value_as_it_has_to_be_is_let_pass(vr, value):
    assert VALUE_RULES[vr](value.encode())


@pytest.mark.parametrize("vr, value", [(vr, v) for vr, values in WRONG.items() for v in values])
def test_another_value_is_told_of(vr, value):
    assert not VALUE_RULES[vr](value.encode())


def problems(data: bytes):
    return encode(data, 0, len(data), EXPLICIT_VR_LE).problems


@pytest.mark.parametrize("again", [1, 2], ids=["at first", "and again"])
def test_a_bad_value_is_a_problem_of_its_attribute_however_deep(again):
    """STOW-37, STOW-51: also where the same bytes were met before."""
    within = explicit(0x00080020, "DA", b"20249999")
    data = explicit(0x00081032, "SQ", item(within))
    for _ in range(again):
        (problem,) = problems(data)
    assert problem == "StudyDate has a value that is no DA."
    assert (problem.tags, problem.reason) == ((0x00080020,), NOT_AS_SOP_CLASS)


def test_an_odd_length_is_a_problem():
    (problem,) = problems(explicit(0x00100020, "LO", b"ABC"))
    assert (problem, problem.tags) == ("PatientID has an odd length.", (0x00100020,))


@pytest.mark.parametrize("vr", VALUE_RULES)
def test_a_long_value_is_gone_through_once(vr):
    """STOW-59: no rule takes longer than its value is long."""
    assert not VALUE_RULES[vr](b"1\\" * 30_000 + b"x")
    assert not VALUE_RULES[vr](b" " * 60_000 + b"x")
