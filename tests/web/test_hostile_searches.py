"""Searches that nobody means well, byte by byte over a socket, to a server in its own process."""

from __future__ import annotations

import socket
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import pytest

from tests.make import part10, related, related_type
from tests.process import serving
from tests.web.test_qido import HOSTILE, instances

ANSWER_SECONDS = 60
RESOURCES = [
    "/studies", "/series", "/instances", "/patients", "/patients/P2/studies",
    "/studies/1.2.1/series", "/studies/1.2.1/instances", "/studies/1.2.1/series/1.2.1.1/instances",
]  # fmt: skip

FRAMES = "/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/frames/{}"
LONG = [f"{name}={'x' * 10_000}" for name in (
    "PatientName", "PatientID", "StudyDate", "StudyTime", "StudyInstanceUID", "ModalitiesInStudy",
    "0008002A", "PatientComments", "RequestAttributesSequence.ScheduledProcedureStepID", "KVP",
    "includefield", "orderby", "limit", "offset", "fuzzymatching", "TimezoneOffsetFromUTC",
    "00230010", "nothing",
)] + ["x" * 10_000, "x" * 10_000 + "=1", "PatientName=" + "%C3%A9" * 10_000]  # fmt: skip
MANY = [
    "&".join(f"{group:04X}{element:04X}=1" for group in (0x10, 0x18) for element in range(2, 252)),
    "&".join(f"PatientName=x{n}" for n in range(500)),
    "&".join(f"limit={n}" for n in range(500)),
    "&".join(["includefield=00081030"] * 500),
    "&".join(f"00{n % 90 + 9:02d}0010=C{n}" for n in range(500)),
    "&".join(f"{n}=" for n in range(500)),
    "&" * 500,
]
MALFORMED = [
    b"/studies?%", b"/studies?%zz=%zz", b"/studies?PatientName=%", b"/studies?PatientName=%E4",
    b"/studies?PatientName=\xe4\xff", b"/studies?\xff=\xff", b"/studies?PatientName=\xc3\xa9*",
    b"/studies?%00=%00", b"/studies??", b"/studies?=?=", b"/studies?a=b=c&;;=;", b"/studies?#",
    b"/studies/%/series", b"/studies/%00/series", b"/studies/%FF/series", b"/studies/1..2/series",
    b"/studies/1.2.1%2Fseries", b"/studies/../studies", b"/patients/%/studies",
    b"/patients/%FF/studies", b"/patients/%00/studies", b"/patients//studies",
    b"/patients/%2F/studies", b"/patients/" + b"x" * 10_000 + b"/studies",
    b"/studies/" + b"1." * 5_000 + b"1/series", b"/studies?" + b"x" * 60_000,
    b"/studies?StudyInstanceUID=%5C", b"/studies?StudyInstanceUID=,,,", b"/series?0020000E=1.2.",
    b"/instances?00280010=-1", b"/instances?InstanceNumber=99999999999999999999999",
    b"/instances?InstanceNumber=-9223372036854775809", b"/studies?limit=9223372036854775808",
    b"/studies?offset=9223372036854775808&limit=1",
]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def address(request, tmp_path_factory):
    """Host, port and root of a server with two studies, on each database."""
    folder = tmp_path_factory.mktemp("hostile")
    flags = []
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        flags = ["--index", url]
    with serving(folder, *flags) as running:
        parts = urlsplit(running.url)
        connection = HTTPConnection(parts.hostname, parts.port, timeout=ANSWER_SECONDS)
        body = related([part10(ds) for ds in instances()])
        connection.request("POST", f"{parts.path}/studies", body, related_type())
        answer = connection.getresponse()
        assert answer.status in (200, 202), answer.read()
        connection.close()
        yield parts.hostname, parts.port, parts.path.encode()
        assert not [
            line for line in running.said if "Traceback" in line or '"level":"error"' in line
        ]


def status_of(address, target: bytes) -> int:
    """The status of a GET whose target is sent as it is."""
    host, port, root = address
    with socket.create_connection((host, port), timeout=ANSWER_SECONDS) as client:
        client.sendall(
            b"GET " + root + target + b" HTTP/1.1\r\nHost: archive\r\nConnection: close\r\n\r\n"
        )
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 "), (target[:80], answer[:80])
    return int(answer[9:12])


def assert_answered(address, targets: list[bytes]) -> None:
    for target in targets:
        status = status_of(address, target)
        assert status in (200, 204, 400, 404, 413, 414), (target[:120], status)
    assert status_of(address, b"/studies") == 200


@pytest.mark.parametrize("resource", RESOURCES)
def test_values_of_ten_thousand_characters_and_five_hundred_parameters(address, resource):
    """NEG-59, 61, 70; QIDO-09: refused, or answered within bounds."""
    asked = [quote(text, safe="%=&.,*?") for text in (*LONG, *MANY)]
    assert_answered(address, [f"{resource}?{text}".encode() for text in asked])


@pytest.mark.parametrize("resource", ["/studies", "/instances"])
def test_injections_and_patterns_are_plain_text_to_the_database(address, resource):
    """QIDO-73."""
    asked = [quote(text, safe="%=&*?.,+-^") for text in HOSTILE]
    assert_answered(address, [f"{resource}?{text}".encode() for text in asked])


def test_targets_that_are_no_urls_are_refused(address):
    """NEG-59, 61, 65."""
    assert_answered(address, MALFORMED)


@pytest.mark.parametrize("text", [t for t in LONG if t.split("=")[0] in ("limit", "StudyDate")])
def test_a_value_that_is_none_is_refused_not_passed_over(address, text):
    """QIDO-09."""
    assert status_of(address, f"/studies?{text}".encode()) == 400


@pytest.mark.parametrize("target", ["/studies?limit={}", "/studies?offset={}", FRAMES])
def test_a_number_with_too_many_digits_is_told_how_many_it_may_have(address, target):
    host, port, root = address
    with closing(HTTPConnection(host, port, timeout=ANSWER_SECONDS)) as connection:
        connection.request("GET", root.decode() + target.format("9" * 19))
        answer = connection.getresponse()
        assert answer.status == 400
        assert b"at most 18 digits" in answer.read()
