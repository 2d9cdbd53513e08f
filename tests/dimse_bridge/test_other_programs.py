"""The programs of dcmtk and GDCM, as Debian packages them, at the door."""

from __future__ import annotations

import asyncio
import shutil
import socket
from contextlib import asynccontextmanager

import pytest
from pydicom.filereader import dcmread

from dicomweb.settings import Peer as Known
from dicomweb.settings import Settings
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.peer import encoded
from tests.make import dataset, part10, related, related_type

STUDY = [
    dataset(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", InstanceNumber=n)
    for n in (1, 2, 3)
]
KEYS = ["-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.1"]
SECONDS_MAX = 60

needs_dcmtk = pytest.mark.skipif(
    shutil.which("dcmrecv") is None, reason="It comes with Debian's package dcmtk."
)
needs_gdcm = pytest.mark.skipif(
    shutil.which("gdcmscu") is None, reason="gdcmscu comes with Debian's package libgdcm-tools."
)


async def said(*command: str) -> tuple[int | None, str]:
    """Exit status of a program, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode("latin_1")


def at(archive) -> list[str]:
    return ["-aec", "DICOMWEB", "127.0.0.1", str(archive.port)]


async def stored(archive) -> None:
    for ds in STUDY:
        body = related([part10(ds)])
        assert (await archive.web.post("/studies", content=body, headers=related_type())).is_success


async def counter(archive, name: str) -> int:
    metrics = (await archive.web.get("http://archive.test/metrics")).text
    return int(metrics.partition(f"\ndicomweb_dimse_{name} ")[2].partition("\n")[0])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def receiving(tmp_path, *program: str):
    """A receiver of dcmtk's that writes to `tmp_path / "out"`, and an archive that knows it."""
    port, out = free_port(), tmp_path / "out"
    out.mkdir()
    process = await asyncio.create_subprocess_exec(
        *program, "-od", str(out), str(port), cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    peers = {"RECEIVER": Known(host="127.0.0.1", port=port)}
    try:
        await listening(port)
        async with door_of(Settings(data=tmp_path / "data", peers=peers)) as archive:
            yield archive, out
    finally:
        process.kill()
        await process.wait()


async def listening(port: int) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


PROFILE = """\
[[TransferSyntaxes]]
[Native]
TransferSyntax1 = LittleEndianExplicit
[[PresentationContexts]]
[Images]
PresentationContext1 = CTImageStorage\\Native
[[Profiles]]
[Ours]
PresentationContexts = Images
"""
"""What dcmrecv accepts."""


@needs_dcmtk
@pytest.mark.parametrize(
    "program",
    [("dcmrecv", "-aet", "RECEIVER", "-xf", "profile", "Ours"), ("storescp", "+xa", "--fork")],
    ids=["dcmrecv", "storescp"],
)
async def test_dcmtk_receives_what_is_moved(tmp_path, program):
    """MOVE-03, ASSOC-07: dcmrecv, and storescp with a process for each association."""
    (tmp_path / "profile").write_text(PROFILE)
    async with receiving(tmp_path, *program) as (archive, out):
        await stored(archive)
        status, text = await said("movescu", "-d", "-S", *KEYS, "-aem", "RECEIVER", *at(archive))
        assert status == 0, text
        assert text.count("Completed Suboperations       : 3") == 1
        got = {str(dcmread(path).SOPInstanceUID) for path in out.iterdir()}
        assert got == {ds.SOPInstanceUID for ds in STUDY}


@needs_dcmtk
async def test_dcmtk_moves_a_study_to_itself(tmp_path):
    """MOVE-03: movescu is requester and destination; it has room for one association."""
    port, out = free_port(), tmp_path / "out"
    out.mkdir()
    peers = {"MOVESCU": Known(host="127.0.0.1", port=port)}
    async with door_of(Settings(data=tmp_path / "data", peers=peers)) as archive:
        await stored(archive)
        for _ in range(2):
            status, text = await said(
                "movescu", "-S", *KEYS, "-od", str(out), "+P", str(port), *at(archive)
            )
            assert status == 0, text
    assert len(list(out.iterdir())) == 3


@needs_dcmtk
async def test_dcmtk_sends_a_folder(archive, tmp_path):
    """STORE-01, STORE-14: dcmsend, which proposes what the files need."""
    folder = tmp_path / "to be sent"
    folder.mkdir()
    for number, ds in enumerate(STUDY):
        (folder / f"{number}.dcm").write_bytes(part10(ds))
    status, text = await said("dcmsend", "+sd", *at(archive), str(folder))
    assert status == 0, text
    assert len((await archive.web.get("/studies/1.2.1/instances")).json()) == 3
    assert await counter(archive, "associations_total") == 1


@needs_dcmtk
async def test_nobody_can_shut_the_archive_down(archive):
    """ASSOC-03: termscu proposes dcmtk's private SOP class for that, and nothing comes of it."""
    await said("termscu", *at(archive))
    status, text = await said("echoscu", "-ppc", "128", "-pts", "38", *at(archive))
    assert status == 0, text
    assert await counter(archive, "echo_total") == 1


@needs_dcmtk
async def test_dcmtk_gets_by_small_and_by_large_pdus(archive, tmp_path):
    """MOVE-13, ASSOC-07: getscu takes 4096 bytes at a time, or 128 KB."""
    await stored(archive)
    for length in ("4096", "131072"):
        out = tmp_path / length
        out.mkdir()
        status, text = await said(
            "getscu", "-S", "+xe", *KEYS, "-pdu", length, "-od", str(out), *at(archive)
        )
        assert status == 0, text
        got = {ds.SOPInstanceUID: encoded(ds) for ds in map(dcmread, out.iterdir())}
        assert got == {ds.SOPInstanceUID: encoded(ds) for ds in STUDY}


@needs_gdcm
async def test_gdcm_finds(archive):
    """FIND-01: another implementation's identifier; what counts is what it was answered.

    Debian's gdcmscu falls over its own feet after each release, with every peer.
    """
    await stored(archive)
    where = ["--call", "DICOMWEB", "127.0.0.1", str(archive.port)]
    await said("gdcmscu", "--find", "--patientroot", "--patient", *where, "--key", "10,20,P1")
    assert await counter(archive, "find_total") == 1
    assert await counter(archive, "find_answers_total") == 1
