"""The browser in Firefox: one walk from a search to the metadata, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ui import material
from tests.ui.conftest import SCREENSHOTS
from tests.ui.firefox import FIREFOX, Firefox, firefox

pytestmark = pytest.mark.skipif(
    FIREFOX is None, reason="Firefox is not installed: Debian's package firefox-esr has it"
)
FOUND = "document.querySelector('.results[aria-busy=false] tbody')"
SHOWN = "document.querySelector('.pane').dataset.shown"


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with firefox(tmp_path_factory.mktemp("firefox")) as window:
        yield window


@pytest.fixture
def window(started) -> Iterator[Firefox]:
    started.size(1280, 800)
    yield started
    started.run("localStorage.clear()")


PICTURED = """[...document.querySelectorAll('.thumb')].every((one) =>
    one.querySelector('img') || one.getBoundingClientRect().top > innerHeight)"""
"""Each small picture in sight is there: all that these pages show have one."""
DRAWN = """[...document.querySelectorAll('.slide canvas')].every((one) => one.getContext('2d')
    .getImageData(one.width / 2, one.height / 2, 1, 1).data[1] < 200)"""
"""The tissue in the middle of a slide is not as light as the glass around it."""


def picture(window: Firefox, name: str) -> None:
    """Keeps what the page looks like, once the pictures that it has asked for are there."""
    window.until(PICTURED)
    window.until(DRAWN)
    window.picture(SCREENSHOTS / f"firefox-{name}.png")


def names(window: Firefox) -> object:
    return window.run(
        "[...document.querySelectorAll('.results tbody .who .main')].map((one) => one.textContent)"
    )


def slice_shown(window: Firefox, number: int) -> None:
    window.until(f"{SHOWN} === '{material.CT_SERIES}.{number}/1'")


def corner(window: Firefox, where: str) -> str:
    return str(window.run(f"document.querySelector('.corner.{where}').innerText"))


def test_studies_are_found_as_they_are_typed_and_one_is_opened(window, site):
    window.goto(site.root)
    window.until(f"{FOUND}.rows.length > 5")
    picture(window, "find")
    window.type("/", "phantom")
    window.until("location.search === '?q=phantom'")
    window.until(FOUND)
    assert names(window) == ["Phantom, Ada"] * 2
    window.type("ArrowDown", "Enter")
    window.until("document.querySelector('.cards li img')")
    assert window.run("document.querySelector('h1').innerText") == "Phantom, Ada"
    picture(window, "study")


def test_the_stack_is_scrolled_and_its_window_follows_the_hand(window, site):
    window.goto(f"{site.root}view?study={material.CT}")
    slice_shown(window, 1)
    assert corner(window, "se").startswith("W 80 C 40")
    window.type("ArrowDown")
    slice_shown(window, 2)
    window.wheel(".pane", 120)
    window.until(f"Number({SHOWN}.match(/(\\d+)\\/1$/)[1]) > 2")
    window.type("End")
    slice_shown(window, material.SLICES)
    window.drag(".pane canvas", 100, 0)
    window.until("/^W 1\\d\\d C 40/.test(document.querySelector('.corner.se').innerText)")
    picture(window, "view")


def test_metadata_is_there_with_a_search_inside_it(window, site):
    window.goto(f"{site.root}view?study={material.CT}")
    slice_shown(window, 1)
    window.type("m")
    window.click("[aria-label='Find in the metadata']")
    window.type("rescale")
    window.until("document.querySelectorAll('.tree .match').length === 2")
    picture(window, "metadata")


@pytest.mark.parametrize(
    "address, there, name",
    [
        (f"study?uid={material.CT}", ".cards li img", "study"),
        (f"study?uid={material.CT}&series={material.CT_SERIES}", ".tree li", "series"),
        (f"view?study={material.SLIDE}", ".slide", "slide"),
        ("add", ".drop", "add"),
        ("status", ".summary", "status"),
    ],
)
def test_every_page_fits_a_phone_in_the_dark(window, site, address, there, name):
    window.size(500, 844)
    window.goto(f"{site.root}add")
    window.run("localStorage.setItem('theme', 'dark')")
    window.goto(site.root + address)
    window.until(f"document.querySelector('{there}')")
    assert window.run("document.documentElement.scrollWidth <= innerWidth")
    assert window.run("getComputedStyle(document.body).backgroundColor") in (
        "rgb(14, 18, 22)",
        "rgb(0, 0, 0)",
    )
    picture(window, f"phone-dark-{name}")
