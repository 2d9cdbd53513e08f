"""CORS: pages that may use the server from a browser can, also where it answers with an error."""

from __future__ import annotations

import pytest

from dicomweb.settings import Settings
from tests.make import instance
from tests.web.asking import IDS, PATH, put
from tests.web.conftest import client_of

VIEWER = "https://viewer.example"
EXPOSED = ("Content-Location", "Location", "Warning", "Content-Range", "ETag", "Retry-After")


@pytest.fixture
async def open_to_any(archive_folder):
    async with client_of(Settings(data=archive_folder, cors_origins="*")) as client:
        yield client


@pytest.fixture
async def open_to_viewer(archive_folder):
    async with client_of(
        Settings(data=archive_folder, cors_origins=f"{VIEWER}, https://b")
    ) as client:
        yield client


@pytest.mark.parametrize("path", ["/studies", PATH, "/studies/9.9", "/studies/a!", "/nowhere"])
async def test_every_answer_may_be_read(open_to_any, path):
    """CAP-07, OHIF/Viewers#517: 200, 204, 404 and 400 alike, with the headers clients read."""
    await put(open_to_any, instance(**IDS))
    answer = await open_to_any.get(path, headers={"Origin": VIEWER})
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert set(EXPOSED) <= set(exposed)


@pytest.mark.parametrize("path", ["/studies", f"{PATH}/bulkdata/7FE00010", "/nowhere"])
async def test_a_preflight_is_no_question_for_capabilities(open_to_any, path):
    """CAP-07, CAP-06: no Accept header is wanted of it."""
    asked = {
        "Origin": VIEWER,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "accept, authorization, range",
    }
    request = open_to_any.build_request("OPTIONS", path, headers=asked)
    del request.headers["accept"]
    answer = await open_to_any.send(request)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "accept, authorization, range"


async def test_only_the_origins_named_are_let_in(open_to_viewer):
    """And nothing that a cache keeps of one answers the other."""
    for origin, allowed in ((VIEWER, VIEWER), ("https://b", "https://b"), ("https://evil", None)):
        answer = await open_to_viewer.get("/studies", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "Origin" in answer.headers["vary"]
    refused = await open_to_viewer.options(
        "/studies", headers={"Origin": "https://evil", "Access-Control-Request-Method": "GET"}
    )
    assert "access-control-allow-origin" not in refused.headers


async def test_by_default_no_page_is_let_in(server):
    answer = await server.get("/studies", headers={"Origin": VIEWER})
    assert not [name for name in answer.headers if name.startswith("access-control")]
