"""`dicomweb serve`, `peers` and `send` as a user runs them, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import httpx
import pytest
from pydicom.data import get_testdata_file

from dicomweb.settings import Peer, Settings
from dimse_bridge.requestor import echo
from dimse_bridge.wire.pdus import AssociateAccept, AssociateReject
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.peer import VERIFICATION, connected, contexts
from tests.process import free_port, serving

STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
WHOLE = (
    f"{STUDY}/1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
    "/1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
)


async def dicomweb(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dicomweb", *map(str, arguments)]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture
async def known(tmp_path):
    """An archive that receives, and the settings file of one that knows it as STATION."""
    async with door_of(Settings(data=tmp_path / "theirs", ae_title="STATION")) as there:
        closed = free_port()
        file = tmp_path / "dicomweb.toml"
        file.write_text(
            f'data = "{tmp_path / "ours"}"\n'
            f'[peers.STATION]\nhost = "127.0.0.1"\nport = {there.port}\n'
            f'[peers.NOBODY]\nhost = "127.0.0.1"\nport = {closed}\n'
        )
        yield there, file


async def test_peers_are_listed_and_tried(known):
    there, file = known
    listed = await dicomweb("peers", "list", "--config", file)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["NOBODY", "STATION"]
    one = await dicomweb("peers", "echo", "STATION", "--config", file)
    assert one.returncode == 0
    assert f"STATION  127.0.0.1:{there.port}  status 0000 in " in one.stdout
    every = await dicomweb("peers", "echo", "--config", file)
    assert every.returncode == 1
    assert "NOBODY at 127.0.0.1" in every.stdout
    assert "cannot be reached" in every.stdout


async def test_a_study_is_sent_from_the_shell(known):
    """STORE-13: without a Move Originator; what cannot be done is said in a sentence."""
    there, file = known
    path = get_testdata_file("CT_small.dcm", download=False)
    assert (await dicomweb("store", path, "--config", file)).returncode == 0
    sent = await dicomweb("send", "STATION", STUDY, "--config", file)
    assert (sent.returncode, sent.stderr) == (0, "1 sent, 0 not sent\n")
    assert len((await there.web.get("/studies")).json()) == 1
    again = await dicomweb("send", "STATION", WHOLE, "--config", file)
    assert again.stderr == "1 sent, 0 not sent\n"
    for arguments, said in (
        (("NOBODY", STUDY), "cannot be reached"),
        (("SOMEBODY", STUDY), "NOBODY, STATION"),
    ):
        failed = await dicomweb("send", *arguments, "--config", file)
        assert failed.returncode in (1, 2)
        assert said in failed.stderr
        assert "Traceback" not in failed.stderr


async def test_serve_opens_both_doors(tmp_path):
    """The issue's own: the DIMSE door is a process of its own, and is counted at /metrics."""
    port = free_port()
    with serving(tmp_path, "--dimse-port", str(port)) as server:
        async with connected(port) as peer:
            assert isinstance(await peer.associate(*contexts(VERIFICATION)), AssociateAccept)
            await peer.release()
        root = server.url.removesuffix("/dicom-web")
        async with httpx.AsyncClient() as http, asyncio.timeout(30):
            while "associations_total 1\n" not in (await http.get(f"{root}/metrics")).text:
                await asyncio.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0


async def test_the_dimse_door_ends_when_the_server_is_killed(tmp_path):
    port = free_port()
    with serving(tmp_path, "--dimse-port", str(port)) as server:
        async with connected(port) as peer:
            assert isinstance(await peer.associate(*contexts(VERIFICATION)), AssociateAccept)
            server.kill()
            # The association gets a moment to end; nobody new is let in.
            await peer.release()
            assert await peer.pdu() is None
        async with asyncio.timeout(30):
            while await is_listening(port):
                await asyncio.sleep(0.05)


async def is_listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_a_port_in_use_is_said_in_a_sentence(tmp_path, known):
    there, _ = known
    done = await dicomweb("serve", "--data", tmp_path, "--port", 0, "--dimse-port", there.port)
    assert done.returncode == 2
    assert f"127.0.0.1 port {there.port}" in done.stderr
    assert "Traceback" not in done.stderr


async def test_credentials_and_peers_may_be_in_the_environment(known, tmp_path):
    there, _ = known
    peers = f'{{"STATION": {{"host": "127.0.0.1", "port": {there.port}}}}}'
    done = await dicomweb(
        "peers", "echo", "STATION", DICOMWEB_PEERS=peers, DICOMWEB_CREDENTIALS='{"jane": "secret"}'
    )
    assert done.returncode == 0
    shown = await dicomweb("settings", DICOMWEB_CREDENTIALS='{"jane": "secret"}')
    assert "jane" in shown.stdout
    assert "secret" not in shown.stdout
    bad = await dicomweb("settings", DICOMWEB_CREDENTIALS='{"jane": ["secret"]}')
    assert bad.returncode == 2
    assert "secret" not in bad.stderr


async def test_an_archive_calls_itself_by_its_title(known):
    there, _ = known
    settings = Settings(ae_title="CALLER")
    assert await echo(settings, "STATION", Peer(host="127.0.0.1", port=there.port)) == 0
    async with connected(there.port) as peer:
        answer = await peer.associate(*contexts(VERIFICATION), called="DICOMWEB")
        assert isinstance(answer, AssociateReject)
