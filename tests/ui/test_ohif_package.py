"""OHIF, as npm publishes it, beside the archive: its files, its configuration, its pictures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.process import serving
from tests.ui import material
from tests.ui.conftest import Site, picture

DIST = Path(os.environ.get("DICOMWEB_TEST_OHIF", Path(__file__).parents[2] / "ohif" / "dist"))

published = pytest.mark.skipif(
    not (DIST / "index.html").is_file(), reason="No OHIF there: make ohif fetches it into ohif/dist"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The shape of a build, without its content, and the archive beside it."""
    above = tmp_path_factory.mktemp("built")
    folder = above / "ohif"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>OHIF</title>")
    (folder / "app.bundle.1.js").write_text("1")
    (folder / "app-config.js").write_text("window.config = 'another server';")
    with serving(above / "data", "--dimse-port", "0", "--ohif", str(folder)) as running:
        yield running.url.removesuffix("dicom-web")


@pytest.mark.parametrize("path", ["ohif/", "ohif/viewer", "ohif/local/x"])
def test_views_of_the_viewer_are_its_page(built, path):
    answer = httpx.get(built + path)
    assert answer.text == "<title>OHIF</title>"
    assert answer.headers["cross-origin-embedder-policy"] == "require-corp"


@pytest.mark.parametrize("path", ["app.bundle.1.js", "ohif/app.bundle.1.js"])
def test_its_files_are_where_a_build_looks_for_them(built, path):
    answer = httpx.get(built + path)
    assert answer.text == "1"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["app-config.js", "ohif/app-config.js"])
def test_it_is_told_of_this_archive_and_no_other(built, path):
    text = httpx.get(built + path).text
    assert "another server" not in text
    assert 'window.location.origin + "/dicom-web"' in text


def test_the_browser_stays_what_is_at_the_root(built):
    page = httpx.get(built).text
    assert 'data-ohif="ohif/viewer"' in page
    assert "unsafe-inline" not in httpx.get(built).headers["content-security-policy"]


def test_nothing_outside_its_folder_is_given(built):
    for path in ("ohif/../../data/index.sqlite", "..%2fdata%2findex.sqlite", "nothing.js"):
        answer = httpx.get(built + path)
        assert answer.status_code == 404 or answer.text == "<title>OHIF</title>"


def test_a_folder_without_a_build_is_said_at_the_start(tmp_path):
    command = [sys.executable, "-m", "dicomweb", "serve", "--port", "0", "--dimse-port", "0"]
    folders = ["--data", str(tmp_path / "data"), "--ohif", str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, *folders], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "holds no index.html" in done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def with_ohif(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    material.stored(data, tmp_path_factory.mktemp("files"), material.everything())
    with serving(data, "--dimse-port", "0", "--ohif", str(DIST)) as running:
        yield Site(running.url.removesuffix("dicom-web"), running.url, data)


DRAWN_TRIES = 40


def until_drawn(page) -> None:
    """Waits until there is something to see in the middle of the viewer, which is black before."""
    for _ in range(DRAWN_TRIES):
        shot = page.screenshot(clip={"x": 400, "y": 200, "width": 500, "height": 450})
        grey = np.asarray(Image.open(BytesIO(shot)).convert("L"))
        if (grey > 25).mean() > 0.02:
            return
        page.wait_for_timeout(500)
    raise AssertionError("Nothing was drawn.")


@published
def test_its_study_list_shows_the_studies(open_page, with_ohif):
    page = open_page(f"{with_ohif.root}ohif/")
    page.wait_for_selector("text=Head plain", timeout=30_000)
    picture(page, "ohif-list")


@published
@pytest.mark.parametrize(
    "name, query",
    [
        ("stack", f"StudyInstanceUID={material.CT}"),
        ("multi-frame", "ModalitiesInStudy=US&PatientID=204"),
        ("compressed", "ModalitiesInStudy=MR&PatientID=4MR1"),
    ],
)
def test_it_shows(open_page, with_ohif, name, query):
    page = open_page(with_ohif.root)
    found = page.request.get(f"{with_ohif.service}/studies?{query}").json()
    study = found[0]["0020000D"]["Value"][0]
    with page.expect_response(re.compile(r"/frames/\d+"), timeout=30_000) as frame:
        page.goto(f"{with_ohif.root}ohif/viewer?StudyInstanceUIDs={study}")
    assert frame.value.status == 200
    page.wait_for_selector(".cornerstone-canvas", timeout=30_000)
    until_drawn(page)
    picture(page, f"ohif-{name}")


@published
def test_it_shows_a_slide(open_page, with_ohif):
    page = open_page(with_ohif.root)
    with page.expect_response(re.compile(r"/frames/\d+"), timeout=30_000) as tile:
        page.goto(f"{with_ohif.root}ohif/microscopy?StudyInstanceUIDs={material.SLIDE}")
    assert tile.value.status == 200
    until_drawn(page)
    picture(page, "ohif-slide")


@published
def test_a_study_opens_in_it_by_one_click(open_page, with_ohif):
    page = open_page(f"{with_ohif.root}study?uid={material.CT}")
    with page.context.expect_page() as opened:
        page.click("text=OHIF")
    assert opened.value.url.endswith(f"ohif/viewer?StudyInstanceUIDs={material.CT}")
