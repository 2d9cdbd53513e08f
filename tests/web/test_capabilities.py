"""Retrieve Capabilities in WADL and OpenAPI: valid, complete, and true of the running server."""

from __future__ import annotations

from xml.etree import ElementTree

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    status_code_conformance,
)

from dicomweb.settings import Settings
from dicomweb.web.described import KINDS, MEANINGS, kind_of
from dicomweb.web.routes import BESIDE, TRANSACTIONS
from tests.make import instance, related, related_type
from tests.process import serving
from tests.web.conftest import client_of

BOUNDED = settings(
    max_examples=4,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
WADL = "application/vnd.sun.wadl+xml"
NAMESPACE = "{http://wadl.dev.java.net/2009/02}"


@pytest.fixture
async def server(archive_folder):
    async with client_of(Settings(data=archive_folder, allow_delete=True)) as client:
        yield client


def described(document: bytes) -> set[tuple[str, str]]:
    """Method and path of everything that a WADL names."""
    found = set()

    def walk(element, path):
        for child in element:
            if child.tag == NAMESPACE + "resource":
                walk(child, f"{path}/{child.get('path').strip('/')}")
            elif child.tag == NAMESPACE + "method":
                found.add((child.get("name"), path.rstrip("/")))

    (resources,) = ElementTree.fromstring(document)
    walk(resources, "")
    return found


def paths_of(transactions) -> set[tuple[str, str]]:
    return {(t.method, t.path.replace(":path}", "}")) for t in transactions}


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
async def test_the_service_root_describes_every_transaction_in_wadl(server, method):
    """CAP-01, CAP-04 (PS3.18 8.9, Annex H)."""
    answer = await server.request(method, "/", headers={"Accept": WADL})
    assert answer.headers["content-type"] == WADL
    assert described(answer.content) == paths_of(TRANSACTIONS)


async def test_the_base_of_the_wadl_is_the_service_root(server):
    """CAP-04 (PS3.18 Annex H)."""
    answer = await server.options("/", headers={"Accept": WADL})
    (resources,) = ElementTree.fromstring(answer.content)
    assert resources.get("base") == "http://archive.test/dicom-web/"


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
async def test_the_openapi_description_is_valid_and_whole(server, path):
    """CAP-11."""
    answer = await server.get(path, headers={"Accept": "application/json"})
    document = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    operations = {
        (method.upper(), path.rstrip("/"))
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert operations == paths_of(TRANSACTIONS)


async def test_what_accepts_anything_gets_wadl(server):
    """CAP-02 (PS3.18 8.9.4)."""
    assert (await server.options("/")).headers["content-type"] == WADL


async def test_the_description_is_not_given_as_a_picture(server):
    """CAP-02 (PS3.18 8.9.1.3)."""
    assert (await server.options("/", headers={"Accept": "image/png"})).status_code == 406


async def test_a_strict_server_wants_an_accept_header(archive_folder):
    """CAP-02, RUL-01 (PS3.18 8.9.1.3)."""
    async with client_of(Settings(data=archive_folder, strict=True)) as client:
        request = client.build_request("OPTIONS", "/")
        del request.headers["accept"]
        assert (await client.send(request)).status_code == 406


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
async def test_a_description_that_is_known_is_not_sent_again(server, method):
    """CAP-03 (PS3.18 8.9.3.1)."""
    first = await server.request(method, "/")
    again = await server.request(method, "/", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


async def test_a_preflight_of_the_root_is_no_request_for_a_description(server):
    """CAP-07."""
    headers = {"Origin": "https://viewer.example", "Access-Control-Request-Method": "GET"}
    answer = await server.options("/", headers=headers)
    assert answer.status_code == 204


async def test_what_is_switched_off_is_not_described(archive_folder):
    """CAP-04, CAP-08 (PS3.18 Annex H)."""
    async with client_of(Settings(data=archive_folder)) as client:
        answer = await client.options("/", headers={"Accept": WADL})
    assert "DELETE" not in {method for method, _ in described(answer.content)}


async def test_the_keys_of_a_search_are_described_by_level(server):
    """QIDO-18 (PS3.18 Table 10.6.1-4)."""
    paths = (await server.get("/openapi.json")).json()["paths"]
    named = {
        path: {parameter["name"] for parameter in item["get"]["parameters"]}
        for path, item in paths.items()
        if "get" in item
    }
    assert {"StudyDate", "Modality", "SOPClassUID"} <= named["/instances"]
    assert "StudyDate" not in named["/studies/{study}/series"]
    assert {"PatientName", "Modality"} <= named["/studies/{study}/series"]


def test_every_transaction_is_of_a_kind_whose_statuses_have_a_meaning():
    for transaction in (*TRANSACTIONS, *BESIDE):
        assert kind_of(transaction) in KINDS
    assert {status for kind in KINDS.values() for status in kind.statuses} <= set(MEANINGS)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A real server with one study in it, and its own description of itself."""
    with serving(tmp_path_factory.mktemp("described"), "--allow-delete") as server:
        one = related([instance(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4")])
        answer = httpx.post(f"{server.url}/studies", content=one, headers=related_type())
        assert answer.status_code == 200
        yield schemathesis.openapi.from_url(f"{server.url}/openapi.json")


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_request_finds_an_error_or_a_status_that_is_not_described(running, mode):
    """CAP-05: schemathesis asks every operation, with what it takes and with what it does not."""
    for found in running.get_all_operations():
        operation = found.ok()

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            answer = case.call(timeout=20)
            case.validate_response(answer, checks=CHECKS)

        ask()
