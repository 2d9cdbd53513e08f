"""Put in: files, folders, zip archives; what is refused and why; going on where it stopped."""

from __future__ import annotations

import zipfile
from itertools import count

import pytest

from tests.make import instance
from tests.process import serving
from tests.ui import material
from tests.ui.conftest import PHONE, picture


@pytest.fixture
def own(tmp_path):
    """An empty server of the test's own."""
    with serving(tmp_path / "data", "--dimse-port", "0") as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for the files of one test after another."""
    with serving(tmp_path_factory.mktemp("data"), "--dimse-port", "0") as running:
        yield running


STUDIES = count(1)


@pytest.fixture
def files(tmp_path):
    """A few slices, a text, and something that only claims to be DICOM."""
    folder = tmp_path / "files"
    study = f"1.2.9.{next(STUDIES)}"
    slices = [instance(StudyInstanceUID=study, SOPInstanceUID=f"{study}.{n}") for n in range(1, 9)]
    material.written(folder, iter(slices))
    (folder / "notes.txt").write_text("not an image")
    (folder / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"nothing of use")
    return folder


def add_page(open_page, own, *arguments, **options):
    return open_page(own.url.removesuffix("dicom-web") + "add", *arguments, **options)


def finished(page, words: str) -> None:
    page.wait_for_selector(f".headline-text:text-is('{words}')")


def test_a_folder_is_stored_and_each_file_answered_for(open_page, own, files):
    page = add_page(open_page, own)
    picture(page, "add-before")
    page.set_input_files("input[type=file][webkitdirectory]", files)
    finished(page, "8 files stored")
    assert "1 refused · 1 passed over" in page.inner_text(".whole")
    assert page.inner_text("tr[data-state=passed] .detail") == "It is no DICOM."
    assert page.inner_text("tr[data-state=refused] .path").endswith("broken.dcm")
    assert page.inner_text("tr[data-state=refused] .detail") != ""
    picture(page, "add-done")
    page.click("text=To the studies")
    page.wait_for_selector(".list-studies")
    assert page.inner_text(".tally") == "1 study"


def test_a_zip_is_stored_without_being_unpacked_first(open_page, server, files, tmp_path):
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for number, path in enumerate(sorted(files.glob("0*.dcm"))):
            packed = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            zipped.write(path, f"images/{path.name}", packed)
    page = add_page(open_page, server)
    page.set_input_files("input[type=file]:not([webkitdirectory])", archive)
    finished(page, "8 files stored")


def test_what_is_dropped_on_the_page_is_stored(open_page, server, files):
    page = add_page(open_page, server)
    content = list((files / "000.dcm").read_bytes())
    transfer = page.evaluate_handle(
        """bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], 'dropped.dcm'));
          return transfer;
        }""",
        content,
    )
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    finished(page, "1 file stored")


def test_what_the_archive_holds_is_not_sent_again(open_page, server, files):
    page = add_page(open_page, server)
    page.set_input_files("input[type=file][webkitdirectory]", files)
    finished(page, "8 files stored")
    again = add_page(open_page, server)
    posted = []
    again.on("request", lambda request: posted.append(request) if request.method == "POST" else 0)
    again.set_input_files("input[type=file][webkitdirectory]", files)
    finished(again, "0 files stored")
    assert "8 there already" in again.inner_text(".whole")
    assert len(posted) == 1, "only what the server refused before is tried again"


def test_after_a_lost_connection_what_is_missing_is_sent(open_page, server, files):
    page = add_page(open_page, server)
    lost = {"left": 3}

    def cut(route):
        if route.request.method == "POST" and lost["left"]:
            lost["left"] -= 1
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/dicom-web/studies", cut)
    # What is there while it waits is gone soon: it is collected in the page.
    page.evaluate(
        """() => {
          window.said = '';
          new MutationObserver(() => (window.said += document.querySelector('main').textContent))
            .observe(document.querySelector('main'), { subtree: true, childList: true });
        }"""
    )
    page.set_input_files("input[type=file][webkitdirectory]", files)
    finished(page, "8 files stored")
    assert "the connection was lost" in page.evaluate("window.said")
    assert lost["left"] == 0


def test_an_upload_goes_on_while_another_page_is_looked_at(open_page, server, files):
    page = add_page(open_page, server)
    page.set_input_files("input[type=file][webkitdirectory]", files)
    page.click("text=Status")
    page.click("header >> text=Add")
    finished(page, "8 files stored")


def test_the_page_on_a_phone_in_the_dark(open_page, server, files):
    page = add_page(open_page, server, "dark", **PHONE)
    page.set_input_files("input[type=file]:not([webkitdirectory])", files / "000.dcm")
    finished(page, "1 file stored")
    picture(page, "add-phone-dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_status_page_shows_what_came_and_what_was_refused(open_page, own, files):
    page = add_page(open_page, own)
    page.set_input_files("input[type=file][webkitdirectory]", files)
    finished(page, "8 files stored")
    page.click("header >> text=Status")
    page.wait_for_selector(".summary")
    assert page.inner_text(".fact:has-text('Objects') dd").startswith("8")
    assert page.locator("[aria-label='Came last'] li").count() == 1
    assert page.locator("[aria-label='Refused last'] li").count() == 1
    assert page.locator("rect.day:not(.none)").count() == 1
    assert page.inner_text(".bars tbody th") == "CT"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        picture(page, f"status-{scheme}")
    phone = open_page(page.url, **PHONE)
    phone.wait_for_selector(".summary")
    picture(phone, "status-phone")
