"""Content codings of JSON and XML, by Accept-Encoding (RFC 9110 12.5.3)."""

from __future__ import annotations

import asyncio
import gzip

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.web.codings import CODED_AT_ONCE_BYTES_MAX, CODERS, coded, coding_of
from tests.make import instance
from tests.web.asking import OHIF_FRAME, PATH, SERIES_PATH, STUDY_PATH, ids, put

READ = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}
XML = {"Accept": 'multipart/related; type="application/dicom+xml"'}


@pytest.mark.parametrize(
    "header, expected",
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("br;q=1.0, gzip;q=0.5", "br"),
        ("GZIP;Q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "gzip"),
        ("gzip;q=0.2, identity;q=0.8", None),
        ("gzip;q=banana, br", "br"),
    ],
)
def test_the_coding_a_client_likes_best(header, expected):
    """NEG-56."""
    assert coding_of(header) == expected


@pytest.mark.parametrize("coding", CODERS)
@given(data=st.binary(max_size=5000))
def test_what_is_coded_is_read_back(coding, data):
    assert READ[coding](asyncio.run(coded(data, coding, asyncio.to_thread))) == data


@pytest.mark.parametrize("coding", CODERS)
@pytest.mark.parametrize("more", [0, 1])
async def test_what_is_long_is_coded_in_a_thread(coding, more):
    data = bytes(CODED_AT_ONCE_BYTES_MAX + more)
    ran = []

    async def run(work):
        ran.append(work)
        return await asyncio.to_thread(work)

    assert READ[coding](await coded(data, coding, run)) == data
    assert len(ran) == more


@given(st.text())
def test_any_header_gives_a_coding_or_none(text):
    assert coding_of(text) in (None, *CODERS)


@pytest.mark.parametrize("coding", CODERS)
@pytest.mark.parametrize(
    "path, headers",
    [
        (f"{SERIES_PATH}/metadata", {}),
        (f"{STUDY_PATH}/metadata", XML),
        ("/instances", {}),
    ],
    ids=["metadata", "XML", "search"],
)
async def test_json_and_xml_are_coded(sqlite_server, coding, path, headers):
    """NEG-55, NEG-56: also the second time, when the answer is remembered."""
    await put(sqlite_server, *(instance(**ids(number)) for number in range(1, 6)))
    plain = await sqlite_server.get(path, headers=headers | {"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    for _ in range(3):
        async with sqlite_server.stream(
            "GET", path, headers=headers | {"Accept-Encoding": coding}
        ) as got:
            raw = b"".join([piece async for piece in got.aiter_raw()])
        assert got.headers["content-encoding"] == coding
        assert got.headers.get("content-length", str(len(raw))) == str(len(raw))
        body = READ[coding](raw)
        if headers:
            assert (
                body.count(b"<NativeDicomModel") == plain.content.count(b"<NativeDicomModel") == 5
            )
        else:
            assert body == plain.content


async def test_pixels_are_sent_as_they_are(sqlite_server):
    """They do not get smaller, and clients ask for ranges of them."""
    await put(sqlite_server, instance(**ids(1)))
    answer = await sqlite_server.get(
        f"{PATH}/frames/1", headers=OHIF_FRAME | {"Accept-Encoding": "gzip"}
    )
    assert "content-encoding" not in answer.headers
