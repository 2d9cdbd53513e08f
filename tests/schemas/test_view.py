"""What a rendered request asks for (PS3.18 8.3.5.1, 9.5.1.2): the grammar of each parameter."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reasons import Refused
from schemas.view import (
    Profile,
    Region,
    Size,
    View,
    Window,
    WindowFunction,
    parse_uri_view,
    parse_view,
)


def view(**parameters: str) -> View:
    return parse_view(parameters).view


def test_nothing_asked_is_the_picture_as_it_is():
    """REND-27, REND-19: no viewport no scaling, no annotation by default."""
    assert view() == View()
    assert view(unknown="1", Viewport="2") == View()


@pytest.mark.parametrize(
    "text, size, region",
    [
        ("200,100", Size(200, 100), None),
        ("10,20,1,2,3,4", Size(10, 20), Region(1, 2, 3, 4)),
        ("10,20,1.5,2.25", Size(10, 20), Region(1.5, 2.25)),
        ("10,20,,,30,40", Size(10, 20), Region(0, 0, 30, 40)),
        ("10,20,,5", Size(10, 20), Region(0, 5)),
        ("10,20,7", Size(10, 20), Region(7, 0)),
        ("10,20,0,0,-3,4", Size(10, 20), Region(0, 0, 3, 4, flipped_horizontally=True)),
        ("10,20,0,0,3,-4", Size(10, 20), Region(0, 0, 3, 4, flipped_vertically=True)),
        ("10,20,,,-3,-4", Size(10, 20), Region(0, 0, 3, 4, True, True)),
    ],
)
def test_a_viewport_is_a_size_and_perhaps_a_region(text, size, region):
    """REND-22, REND-23 (elided values), REND-24 (negative sides turn it over)."""
    asked = view(viewport=text)
    assert (asked.size, asked.region) == (size, region)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 10",
        "0,10",
        "-5,5",
        "a,b",
        "10,10,1,2,3,4,5",
        "1e9,1e9",
        "99999,1",
        "10,10,",
        "10,10,1,",
        "10,10,x",
        "10,10,-1",
        "10,10,0,0,0,5",
        "10,10,nan",
        "10,10,inf",
        "10, 10",
        "1.5,2",
        "10",
    ],
)
def test_an_ill_formed_viewport_is_refused(text):
    """REND-25, NEG-59."""
    with pytest.raises(Refused) as refused:
        view(viewport=text)
    assert refused.value.reason.http == 400


def test_a_thumbnail_has_a_size_alone():
    """REND-40, REND-46."""
    assert parse_view({"viewport": "64,64"}, region_allowed=False).view.size == Size(64, 64)
    with pytest.raises(Refused):
        parse_view({"viewport": "64,64,0,0"}, region_allowed=False)


@pytest.mark.parametrize("function", WindowFunction)
def test_a_window_is_center_width_and_function(function):
    """REND-28."""
    assert view(window=f"-40.5,400,{function.value}").window == Window(-40.5, 400, function)


NO_WINDOWS = """
    40 40,400 40,400,LINEAR 40,400,linear,1 a,1,linear 40,,linear 1,2,exact 40,0,linear 40,-1,linear
    40,0.5,linear 40,0,sigmoid 40,0,linear-exact ,,
"""


@pytest.mark.parametrize("text", ["", *NO_WINDOWS.split()])
def test_any_other_window_is_refused(text):
    """REND-28."""
    with pytest.raises(Refused) as refused:
        view(window=text)
    assert refused.value.reason.http == 400


def test_a_window_of_width_one_is_linear():
    """REND-15: w = 1 is legal for LINEAR."""
    assert view(window="40,1,linear").window == Window(40, 1)


@pytest.mark.parametrize("text", ["0", "101", "5.5", "abc", "", "-1", "1e1", "99999999999"])
def test_quality_is_one_to_a_hundred(text):
    """REND-21."""
    assert view(quality="1").quality == 1
    assert view(quality="100").quality == 100
    with pytest.raises(Refused):
        view(quality=text)


@pytest.mark.parametrize("text", ["", "123!", "12%", "patient,", ",", "pa tient"])
def test_an_annotation_that_is_no_keyword_is_refused(text):
    """REND-20."""
    with pytest.raises(Refused) as refused:
        view(annotation=text)
    assert refused.value.reason.http == 400


def test_keywords_that_are_not_ours_are_told_apart():
    """REND-19, REND-20, RUL-24."""
    asked = parse_view({"annotation": "foo,technique,patient,bar,foo"})
    assert asked.view.annotations == ("patient", "technique")
    assert asked.unsupported_annotations == ("foo", "bar")


@pytest.mark.parametrize("profile", Profile)
def test_a_profile_is_one_of_the_names(profile):
    """REND-31."""
    assert view(iccprofile=profile.value).profile is profile
    for text in ("", "SRGB", "maybe"):
        with pytest.raises(Refused):
            view(iccprofile=text)


@given(st.dictionaries(st.sampled_from(["viewport", "window", "quality", "annotation"]), st.text()))
def test_any_text_is_a_view_or_refused(parameters):
    """NEG-59: never a crash."""
    for parse in (parse_view, parse_uri_view):
        with contextlib.suppress(Refused):
            assert isinstance(parse(parameters).view, View)


def uri(**parameters: str) -> View:
    return parse_uri_view(parameters).view


def test_wado_uri_has_its_own_names():
    """URI-14 to URI-18."""
    asked = uri(
        rows="100", columns="50", windowCenter="40", windowWidth="400", imageQuality="70",
        region="0.5,0.25,1,1", imageAnnotation="patient",
    )  # fmt: skip
    assert asked == View(
        window=Window(40, 400),
        size=Size(50, 100),
        region=Region(0.5, 0.25, 0.5, 0.75, relative=True),
        quality=70,
        annotations=("patient",),
    )
    assert uri(columns="100").size == Size(100, None)
    assert uri(rows="100").size == Size(None, 100)


@pytest.mark.parametrize(
    "parameters",
    [
        {"windowCenter": "40"},
        {"windowWidth": "40"},
        {"windowCenter": "a", "windowWidth": "40"},
        {"windowCenter": "40", "windowWidth": "0"},
        {"region": "0.6,0,0.5,1"},
        {"region": "0,0.5,1,0.5"},
        {"region": "0,0,1"},
        {"region": "0,0,1,1.1"},
        {"region": "-0.1,0,1,1"},
        {"region": "0,0,1,x"},
        {"rows": "0"},
        {"columns": "-1"},
        {"imageQuality": "0"},
        {"imageQuality": "101"},
        {"imageAnnotation": ""},
    ],
    ids=str,
)
def test_what_wado_uri_does_not_allow_is_refused(parameters):
    """URI-14, URI-15, URI-16, URI-17, URI-18: 400."""
    with pytest.raises(Refused) as refused:
        uri(**parameters)
    assert refused.value.reason.http == 400
