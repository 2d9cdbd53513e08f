"""What is written is true: generated tables are current, the README's examples run as pasted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image

from conformance import statement
from conformance.suite.__main__ import _parser
from dicomweb.app import create_app
from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings
from dicomweb.web.routes import BESIDE, TRANSACTIONS
from schemas.reasons import MESSAGE_STATUSES
from tests.process import serving

README = (statement.ROOT / "README.md").read_text()
HOST = "127.0.0.1:8080"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_statement_is_what_the_tables_say():
    """If this fails: python -m conformance.statement"""
    assert (statement.ROOT / "conformance" / "STATEMENT.md").read_text() == statement.statement()


async def test_the_server_gives_the_statement_as_a_page(archive_folder):
    """CONF-12."""
    async with open_archive(Settings(data=archive_folder)) as archive:
        transport = httpx.ASGITransport(app=create_app(archive))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            answer = await client.get("/conformance")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    headings = re.findall(r"<h[1-6]>(.*?)</h", answer.text)
    assert headings == re.findall(r"^#+ (.*)$", statement.statement(), re.MULTILINE)


def test_the_statement_has_the_sections_of_the_template():
    """CONF-01 (PS3.2 Annex N)."""
    headings = re.findall(r"^#+ (N\.[\d.]+)", statement.statement(), re.MULTILINE)
    assert headings == sorted(headings, key=lambda n: [int(i) for i in n.strip("N.").split(".")])
    assert {"N.1", "N.5.2", "N.5.3", "N.6", "N.7.3.2", "N.7.3.3", "N.8"} <= {
        heading.rstrip(".") for heading in headings
    }


def test_the_statement_names_every_status_that_a_message_can_have():
    """CONF-07."""
    told = statement.statuses()
    assert all(f"| {reason.code:04X} |" in told for reason in MESSAGE_STATUSES)


def test_the_readme_has_the_tables_as_they_are():
    """If this fails: python -m conformance.statement"""
    assert statement.readme(README) == README


@pytest.mark.parametrize("file", ["README.md", "conformance/README.md"])
def test_the_flags_of_the_suite_that_are_told_of_are_there(file):
    text = (statement.ROOT / file).read_text()
    told = {flag for line in _of_the_suite(text) for flag in re.findall(r"--[a-z][a-z-]+", line)}
    assert {"--dimse", "--destination", "--strict", "--only", "--json", "--html", "--list"} <= told
    assert told <= set(re.findall(r"--[a-z][a-z-]+", _parser().format_help()))


def _of_the_suite(text: str) -> list[str]:
    """The lines about it: all of its own README, one paragraph of the other."""
    begin, end = text.find("A **test suite"), text.find("## How it is built")
    return (text[begin:end] if begin > 0 else text).splitlines()


def test_every_setting_has_help_and_is_documented():
    for name, field in Settings.model_fields.items():
        assert (field.description or "").endswith(".")
        assert f"| {name} |" in README


def test_every_transaction_names_its_clause():
    assert all(
        t.clause == "ours" or t.clause.startswith(("PS3.18 8.9", "PS3.18 10."))
        for t in TRANSACTIONS
    )
    assert all(t.clause.startswith("PS3.18 9.") for t in BESIDE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("readme")) as running:
        yield running


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the virtual environment where the README has it."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


def pasted(example: str, server) -> str:
    """The example with the address of the server that runs here."""
    return example.replace(HOST, server.url.split("/")[2])


def run(command: list[str], workplace) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=workplace, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def said_in_the_shell(server, workplace):
    """What the shell examples say, in one shell, one after the other, as a reader pastes them."""
    script = [pasted(block, server) for block in blocks("sh") if HOST in block]
    assert len(script) >= 6
    return run(["bash", "-euo", "pipefail", "-c", "\n".join(script)], workplace).stdout


def test_the_shell_examples_work_when_pasted(said_in_the_shell, workplace):
    assert '"Alphabetic":"CompressedSamples^CT1"' in said_in_the_shell
    assert (workplace / "ct.dcm").stat().st_size == 39206
    assert (workplace / "pixels.raw").stat().st_size == 128 * 128 * 2
    for name, size in (("ct.jpg", (300, 300)), ("thumbnail.jpg", (128, 128))):
        with Image.open(workplace / name) as picture:
            assert (picture.format, picture.size) == ("JPEG", size)


@pytest.mark.usefixtures("said_in_the_shell")
def test_the_python_example_works_when_pasted(server, workplace):
    """With dicomweb-client: search, retrieve, frames, metadata, bulk data, store."""
    (example,) = blocks("python")
    done = run([sys.executable, "-c", pasted(example, server)], workplace)
    assert done.stdout == "CompressedSamples^CT1 32768 True\n"
