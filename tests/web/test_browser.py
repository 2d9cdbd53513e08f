"""The study browser's files over HTTP: cached, compressed, closed to scripts that are not ours."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from pydicom.datadict import keyword_for_tag

import dicomweb
from dicomweb.settings import Settings
from dicomweb.web.browser import PAGES
from tests.web.conftest import client_of

UI = Path(dicomweb.__file__).parent / "ui"


@pytest.fixture
async def site(archive_folder):
    """The server, at its root instead of at its service root."""
    async with client_of(Settings(data=archive_folder)) as client:
        client.base_url = "http://archive.test/"
        yield client


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_is_the_one_document_and_no_script_stands_in_it(site, page):
    """SEC-11: what runs is named by its address; names of patients cannot become code."""
    answer = await site.get(page)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", answer.text)


async def test_the_page_is_asked_for_again_and_its_files_are_not(site):
    page = await site.get("/")
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'(?:href|src)="(ui/[^"]+)"', page.text)
    assert len(named) == 4, "each is a round trip before anything is to be seen"
    for name in named:
        file = await site.get(f"/{name}")
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]


async def test_what_has_not_changed_is_not_sent_again(site):
    etag = (await site.get("/")).headers["etag"]
    again = await site.get("/", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


async def test_files_travel_compressed_where_that_is_accepted(site):
    page = (await site.get("/")).text
    (name,) = set(re.findall(r'"(ui/[^"]+/main\.js)"', page))
    async with site.stream("GET", f"/{name}", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        sent = b"".join([chunk async for chunk in answer.aiter_raw()])
    plain = await site.get(f"/{name}", headers={"Accept-Encoding": "identity"})
    assert gzip.decompress(sent) == plain.content
    assert len(sent) < len(plain.content) / 2
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "path", ["/ui/", "/ui/../settings.py", "/ui/%2e%2e/app.py", "/nothing", "/study/1.2"]
)
async def test_there_is_nothing_but_the_files(site, path):
    assert (await site.get(path)).status_code == 404


async def test_pages_are_only_read(site):
    answer = await site.post("/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert (await site.head("/")).content == b""


async def test_the_dictionary_names_every_attribute(site):
    page = (await site.get("/")).text
    (folder,) = set(re.findall(r"ui/[0-9a-f]{16}/", page))
    listed = (await site.get(f"/{folder}dictionary.json")).json()
    assert listed["00100010"] == ["PN", "PatientName", "Patient's Name"]
    assert len(listed) > 4000


def test_the_tags_the_browser_reads_are_those_of_the_standard():
    """PS3.6: the browser's own table of tags holds no slip."""
    rows = re.findall(r'^  (\w+): "([0-9A-F]{8})",$', (UI / "tags.js").read_text(), re.MULTILINE)
    assert len(rows) > 50
    assert {keyword_for_tag(int(tag, 16)) for _, tag in rows} == {keyword for keyword, _ in rows}
    assert all(keyword_for_tag(int(tag, 16)) == keyword for keyword, tag in rows)


def test_the_browsers_scripts_make_no_markup_of_text():
    """SEC-11: no way from a value to markup is taken anywhere."""
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
    scripts = list(UI.glob("*.js"))
    assert len(scripts) > 10
    assert not [script.name for script in scripts if re.search(ways, script.read_text())]
