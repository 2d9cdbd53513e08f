"""What is said when something cannot be done (PS3.18 8.5), and to whom in what form."""

from __future__ import annotations

from html import unescape

import pytest

from tests.make import instance
from tests.web.asking import ELE, IDS, PATH, put

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept, content_type",
    [
        ("*/*", "text/plain; charset=utf-8"),
        ("application/json", "application/json"),
        ("application/dicom+json, application/json", "application/json"),
        (CHROME, "text/html; charset=utf-8"),
        ("image/png", "text/html; charset=utf-8"),
        ("multipart/related; type=application/dicom", "text/html; charset=utf-8"),
    ],
)
async def test_a_problem_is_told_as_the_client_takes_it(sqlite_server, accept, content_type):
    """NEG-69, NEG-73: a page where nothing was named that we could say it in."""
    for path, status in (("/studies/9.9", 404), ("/studies/a!", 400), ("/nothing", 404)):
        answer = await sqlite_server.get(path, headers={"Accept": accept})
        assert answer.status_code == status
        assert answer.headers["content-type"] == content_type
        assert "such" in answer.text or "UID" in answer.text
    deleted = await sqlite_server.delete("/studies", headers={"Accept": accept})
    assert (deleted.status_code, deleted.headers["content-type"]) == (405, content_type)


@pytest.mark.parametrize(
    "path, there",
    [
        ("/studies/1.2.5", "application/zip"),
        (PATH, f"application/dicom; transfer-syntax={ELE}"),
        (f"{PATH}/metadata", 'multipart/related; type="application/dicom+xml"'),
        (f"{PATH}/frames/1", f"application/octet-stream; transfer-syntax={ELE}"),
        (f"{PATH}/bulkdata/7FE00010", 'multipart/related; type="application/octet-stream"'),
        ("/studies", "application/dicom+json"),
    ],
)
async def test_406_lists_what_there_is(sqlite_server, path, there):
    """NEG-08, NEG-69: in words that can be sent back as an Accept header."""
    await put(sqlite_server, instance(**IDS))
    refused = await sqlite_server.get(path, headers={"Accept": "image/x-foo"})
    assert refused.status_code == 406
    assert there in unescape(refused.text)
    assert (await sqlite_server.get(path, headers={"Accept": there})).status_code == 200


async def test_nothing_of_what_was_asked_can_break_out_of_the_page(sqlite_server):
    answer = await sqlite_server.get("/studies/<script>", headers={"Accept": CHROME})
    assert answer.status_code == 400
    assert "<script>" not in answer.text


async def test_a_long_url_is_no_trouble(sqlite_server):
    """NEG-70: handled, or refused as too long; never a failure of ours."""
    answer = await sqlite_server.get("/studies?PatientName=" + "x" * 20_000)
    assert answer.status_code in (204, 400, 414)
