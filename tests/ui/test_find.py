"""Find: the search box, the fields, the levels, the address, pages, pictures, CSV."""

from __future__ import annotations

import re

import pytest

from tests.process import serving
from tests.ui import material
from tests.ui.conftest import PHONE, picture


def names(page) -> list[str]:
    page.wait_for_selector('.results[aria-busy="false"]')
    return page.locator(".results tbody .who .main").all_text_contents()


def search(page, text: str) -> list[str]:
    """Types into the box as people do; the names that are found."""
    page.fill("#q", text)
    page.wait_for_function(
        "(text) => new URLSearchParams(location.search).get('q') === text", arg=text
    )
    return names(page)


@pytest.fixture(scope="module")
def start(browser, site):
    """The start page, for one search after another."""
    page = browser.new_page()
    page.goto(site.root)
    yield page
    page.close()


@pytest.mark.parametrize(
    "text, found",
    [
        pytest.param("phantom", ["Phantom, Ada"] * 2, id="a name"),
        pytest.param("ada phantom", ["Phantom, Ada"] * 2, id="a name the other way round"),
        pytest.param("PH1", ["Phantom, Ada"] * 2, id="a patient ID"),
        pytest.param("ACC77", ["Phantom, Ada"], id="a part of an accession number"),
        pytest.param("phantom 2024", ["Phantom, Ada"], id="a name and a year"),
        pytest.param("phantom mr", ["Phantom, Ada"], id="a name and a modality"),
        pytest.param("2023-06-07", ["Yamada, Tarou (山田, 太郎, やまだ, たろう)"], id="a date"),
        pytest.param(
            "山田", ["Yamada, Tarou (山田, 太郎, やまだ, たろう)"], id="a name in its own script"
        ),
        pytest.param("PatientSex:O PatientID:SL1", [], id="any attribute by keyword"),
        pytest.param("00100020:SL1", ["Slide, Sam"], id="any attribute by tag"),
        pytest.param("nobody", [], id="nobody"),
    ],
)
def test_one_box_understands_what_people_type(start, text, found):
    assert search(start, text) == found


def test_names_that_sound_alike_are_found_when_none_is_as_typed(open_page, site):
    page = open_page(f"{site.root}?q=fantom")
    assert names(page) == ["Phantom, Ada"] * 2
    assert "These names are like it." in page.inner_text(".notices")


def test_the_address_holds_the_search_so_that_it_can_be_sent(open_page, site):
    page = open_page(site.root)
    search(page, "phantom")
    page.click("text=Filters")
    page.fill("#field-StudyDescription", "plain")
    page.wait_for_url(re.compile("StudyDescription=plain"))
    other = open_page(page.url)
    assert names(other) == ["Phantom, Ada"]
    assert other.input_value("#q") == "phantom"
    assert other.input_value("#field-StudyDescription") == "plain"


def test_any_attribute_of_the_standard_is_a_field(open_page, site):
    page = open_page(site.root)
    page.click("text=Filters")
    page.click("text=Any other attribute")
    page.wait_for_selector("#keywords option >> nth=4000", state="attached")
    page.fill("[aria-label=Attribute]", "PatientBirthDate")
    page.fill("[aria-label='Value of the attribute']", "19800229")
    page.wait_for_url(re.compile("PatientBirthDate=19800229"))
    assert names(page) == ["Phantom, Ada"] * 2
    picture(page, "find-filters")


def test_results_overtaken_by_typing_are_dropped(open_page, site):
    page = open_page(site.root)
    page.locator("#q").press_sequentially("phantom", delay=20)
    page.wait_for_url(re.compile("q=phantom$"))
    assert names(page) == ["Phantom, Ada"] * 2


def test_patients_lead_to_studies_to_series_to_images(open_page, site):
    page = open_page(f"{site.root}?level=patients&q=phantom")
    assert names(page) == ["Phantom, Ada"]
    picture(page, "find-patients")
    page.click(".results tbody a")
    page.wait_for_selector(".list-studies")
    assert names(page) == ["Phantom, Ada"] * 2
    page.click(".results tbody a >> nth=0")
    page.wait_for_selector("h1:has-text('Phantom, Ada')")
    picture(page, "study")
    page.click("text=Images of Axial 5 mm")
    page.wait_for_selector(f".images li >> nth={material.SLICES - 1}")
    page.wait_for_selector(".tree li")
    picture(page, "series")
    assert page.locator(".crumbs li").count() == 3


@pytest.mark.parametrize("level", ["series", "instances"])
def test_series_and_images_are_searched_everywhere(open_page, site, level):
    page = open_page(f"{site.root}?level={level}&q=yamada")
    assert names(page) == ["Yamada, Tarou (山田, 太郎, やまだ, たろう)"]


def test_a_column_sorts(open_page, site):
    page = open_page(f"{site.root}?q=phantom")
    names(page)
    page.click("th button:has-text('Date')")
    page.wait_for_url(re.compile("sort=StudyDate"))
    names(page)
    dates = page.locator(".results tbody .when .main").all_text_contents()
    assert dates == ["5 Apr 2021", "10 Mar 2024"]
    assert page.get_attribute("th.when", "aria-sort") == "ascending"
    assert page.evaluate("document.activeElement.innerText").startswith("Date"), "the focus stays"


def test_thumbnails_are_asked_for_only_in_sight(open_page, site):
    page = open_page(site.root, viewport={"width": 1280, "height": 400})
    page.wait_for_selector(".results tbody img")
    rows = page.locator(".results tbody tr").count()
    assert 0 < page.locator(".results tbody img").count() < rows
    picture(page, "find-thumbnails")


def test_the_list_is_saved_as_csv(open_page, site):
    page = open_page(f"{site.root}?q=phantom")
    names(page)
    with page.expect_download() as download:
        page.click("text=CSV")
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("PatientName,PatientID,")
    assert [line.split(",")[0] for line in lines[1:]] == ["Phantom^Ada"] * 2


def test_what_is_not_found_and_what_cannot_be_asked_says_what_to_do(open_page, site):
    page = open_page(f"{site.root}?q=nobody")
    assert page.inner_text(".empty h2") == "No studies match"
    picture(page, "find-nothing")
    page = open_page(f"{site.root}?StudyTime=noon")
    page.wait_for_selector(".empty.bad")
    assert "StudyTime" in page.inner_text(".empty.bad")
    picture(page, "find-error")


def test_a_name_with_markup_in_it_is_a_name(open_page, site):
    """SEC-11: in the list, in the study, in the viewer, in the metadata."""
    page = open_page(f"{site.root}?q={material.SCRIPT}")
    assert names(page) == [material.SCRIPT_NAME]
    picture(page, "find-script")
    page.click(".results tbody a")
    page.wait_for_selector("main.study h1")
    assert page.inner_text("h1") == material.SCRIPT_NAME
    page.click("text=Open in the viewer")
    page.wait_for_selector(".pane[data-shown]")
    assert material.SCRIPT_NAME in page.inner_text(".corner.nw")
    page.keyboard.press("m")
    page.wait_for_selector(".tree li")
    assert material.SCRIPT_NAME in page.inner_text(".tree")
    assert not page.evaluate("document.querySelector('.tree img, .tree iframe, .rail iframe')")


def test_the_keyboard_is_enough(open_page, site):
    page = open_page(site.root)
    names(page)
    page.keyboard.press("/")
    page.keyboard.type("phantom")
    page.wait_for_url(re.compile("q=phantom$"))
    assert names(page) == ["Phantom, Ada"] * 2
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 2
    page.keyboard.press("v")
    page.wait_for_selector(".pane[data-shown]")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    picture(page, "keys")


def test_the_requests_are_there_to_be_copied_as_curl(open_page, site):
    page = open_page(f"{site.root}?q=PH1")
    names(page)
    page.click("#requests")
    line = page.inner_text("dialog li code >> nth=0")
    assert line.startswith("curl -s -H 'Accept: application/dicom+json' ")
    picture(page, "requests")
    page.click("dialog li button >> nth=0")
    page.wait_for_selector("#said:text-is('Copied')", state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == line


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_search_on_a_desk_and_on_a_phone(open_page, site, scheme):
    page = open_page(site.root, scheme)
    names(page)
    picture(page, f"find-{scheme}")
    phone = open_page(site.root, scheme, **PHONE)
    names(phone)
    picture(phone, f"find-phone-{scheme}")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pages_follow_one_another_while_one_scrolls(open_page, tmp_path):
    material.stored(tmp_path / "data", tmp_path / "files", material.many())
    with serving(tmp_path / "data", "--dimse-port", "0") as running:
        page = open_page(running.url.removesuffix("dicom-web"))
        assert len(names(page)) == 50
        assert page.inner_text(".tally") == f"{material.PAGES_OF_STUDIES} studies"
        for rows in (100, material.PAGES_OF_STUDIES):
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            page.wait_for_selector(f".results tbody tr >> nth={rows - 1}")
        page.wait_for_selector("text=That is all.")
        assert len(set(names(page))) == material.PAGES_OF_STUDIES
        opened = page.locator(".results tbody a >> nth=90")
        opened.click()
        page.wait_for_selector("main.study h1")
        page.go_back()
        assert len(names(page)) >= 100, "the list is as long again"
        page.wait_for_function("scrollY > 3000")
        assert opened.evaluate("(link) => link === document.activeElement")


def test_the_list_is_asked_for_once_and_while_the_page_is_on_its_way(open_page, site):
    asked: list[str] = []
    page = open_page("about:blank")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.root)
    names(page)
    searches = [url for url in asked if "/dicom-web/" in url and "/thumbnail" not in url]
    assert len(searches) == 1
    assert asked.index(searches[0]) < asked.index(
        next(url for url in asked if url.endswith("mark.svg"))
    )
    assert not [url for url in asked if re.search("(fields|interpret|viewer|study)", url)]


def test_an_empty_archive_says_how_to_fill_it(open_page, tmp_path):
    with serving(tmp_path, "--dimse-port", "0") as running:
        page = open_page(running.url.removesuffix("dicom-web"))
        page.wait_for_selector("text=The archive is empty")
        picture(page, "find-empty")
