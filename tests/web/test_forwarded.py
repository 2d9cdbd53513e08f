"""The URL we are known by: what proxies say, if they are believed, and what is made of it."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.app import create_app
from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings
from dicomweb.web.forwarded import Origin, Trusted, origin
from tests.make import dataset, part10
from tests.web.asking import IDS, PATH, parts, put

OURS = Trusted.parse("10.0.0.0/8, 192.168.7.1, ::1")
PEER = "10.1.1.1"


@pytest.mark.parametrize(
    "headers, expected",
    [
        ({}, Origin()),
        ({"forwarded": "for=1.2.3.4;proto=https;host=pacs.example"}, ("https", "pacs.example")),
        ({"forwarded": 'Host="pacs.example:8443"; Proto=HTTPS'}, ("https", "pacs.example:8443")),
        (
            {"forwarded": "host=evil, for=6.6.6.6;host=pacs.example;proto=https"},
            ("https", "pacs.example"),
        ),
        (
            {"forwarded": "for=6.6.6.6;host=outer;proto=https, for=10.2.2.2;host=inner"},
            ("https", "outer"),
        ),
        ({"forwarded": 'for="[::1]:4711";host=outer'}, ("", "outer")),
        (
            {"x-forwarded-proto": "https", "x-forwarded-host": "pacs.example"},
            ("https", "pacs.example"),
        ),
        (
            {
                "x-forwarded-proto": "https",
                "x-forwarded-host": "pacs.example",
                "x-forwarded-port": "8443",
            },
            ("https", "pacs.example:8443"),
        ),
        (
            {
                "x-forwarded-proto": "https",
                "x-forwarded-host": "pacs.example",
                "x-forwarded-port": "443",
            },
            ("https", "pacs.example"),
        ),
        (
            {"x-forwarded-host": "evil, pacs.example", "x-forwarded-for": "6.6.6.6"},
            ("", "pacs.example"),
        ),
        (
            {"x-forwarded-host": "evil, outer, inner", "x-forwarded-for": "6.6.6.6, 10.2.2.2"},
            ("", "outer"),
        ),
        (
            {"x-forwarded-host": "pacs.example", "x-forwarded-prefix": "/imaging/"},
            ("", "pacs.example", "/imaging"),
        ),
        (
            {
                "x-forwarded-host": "a b",
                "x-forwarded-proto": "gopher",
                "x-forwarded-prefix": "//x?",
            },
            Origin(),
        ),
        ({"forwarded": "nonsense;;=,,"}, Origin()),
    ],
)
def test_what_a_trusted_proxy_says_counts(headers, expected):
    """NEG-80: the outermost of the proxies that are trusted; nothing of what is no URL."""
    wanted = expected if isinstance(expected, Origin) else Origin(*expected)
    assert origin(headers, PEER, OURS) == wanted


@pytest.mark.parametrize("peer", ["11.0.0.1", "192.168.7.2", None, "not an address"])
def test_nobody_else_is_believed(peer):
    """NEG-80, SEC: a client that says so cannot have itself sent elsewhere."""
    headers = {"forwarded": "host=evil", "x-forwarded-host": "evil"}
    assert origin(headers, peer, OURS) == Origin()
    assert origin(headers, peer, Trusted.parse("*")).authority == "evil"


@pytest.mark.parametrize(
    "host", ["10.9.9.9", "::ffff:10.9.9.9", "10.9.9.9:4711", "[::1]:80", "::1"]
)
def test_addresses_are_known_however_they_are_written(host):
    assert host in OURS


@given(st.text(), st.text())
def test_any_header_gives_an_origin(forwarded, listed):
    for headers in (
        {"forwarded": forwarded},
        {"x-forwarded-host": listed, "x-forwarded-for": forwarded},
    ):
        found = origin(headers, PEER, OURS)
        assert not {" ", "\r", "\n", '"', "/", "@"} & set(found.authority)


async def test_behind_a_proxy_every_url_is_the_clients(archive_folder):
    """NEG-64, NEG-80, OHIF/Viewers#3374: metadata, parts, searches and what was stored."""
    told = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "pacs.example:8443",
        "X-Forwarded-Prefix": "/a/b/c",
    }
    root = "https://pacs.example:8443/a/b/c/dicom-web"
    async with open_archive(Settings(data=archive_folder, trusted_proxies="127.0.0.1")) as archive:
        transport = httpx.ASGITransport(app=create_app(archive))
        base = "http://inner.test/dicom-web"
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=told) as proxied:
            stored = await put(proxied, part10(dataset(**IDS)))
            (item,) = stored.json()["00081199"]["Value"]
            (metadata,) = (await proxied.get(PATH + "/metadata")).json()
            ((headers, _),) = parts(await proxied.get(PATH))
            (found,) = (await proxied.get("/studies")).json()
        async with httpx.AsyncClient(transport=transport, base_url=base) as direct:
            (seen,) = (await direct.get(PATH + "/metadata")).json()
    assert item["00081190"]["Value"] == [root + PATH]
    assert metadata["7FE00010"]["BulkDataURI"] == f"{root}{PATH}/bulkdata/7FE00010"
    assert headers["Content-Location"] == root + PATH
    assert found["00081190"]["Value"][0].startswith(root + "/studies/")
    assert seen["7FE00010"]["BulkDataURI"].startswith("http://inner.test/dicom-web/")


async def test_an_application_that_is_mounted_knows_where(archive_folder):
    """NEG-64: the service root may be below any path."""
    async with open_archive(Settings(data=archive_folder)) as archive:
        transport = httpx.ASGITransport(app=create_app(archive), root_path="/imaging")
        base = "http://archive.test/imaging/dicom-web"
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            await put(client, part10(dataset(**IDS)))
            ((headers, _),) = parts(await client.get(PATH))
    assert headers["Content-Location"] == base + PATH
