"""TLS: associations that nobody listens in to, and peers who prove who they are (PS3.15 B.9)."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from contextlib import asynccontextmanager
from random import randbytes

import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from dicomweb.engine.archive import open_archive
from dicomweb.settings import Peer as Known
from dicomweb.settings import Settings
from dimse_bridge.door import open_door
from dimse_bridge.requestor import NoAssociation, echo
from dimse_bridge.server import Listening, serving
from dimse_bridge.tls import accepting, connecting
from dimse_bridge.wire.commands import Command, Message
from tests.dimse_bridge.certificates import certified
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.devices import device
from tests.dimse_bridge.peer import (
    CT,
    NATIVE,
    STUDY_MOVE,
    VERIFICATION,
    associated,
    encoded,
    store_of,
)
from tests.make import dataset

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl makes the certificates; it is in every Debian."
)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return certified(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    return certified(tmp_path_factory.mktemp("foreign"))


@asynccontextmanager
async def over_tls(settings: Settings):
    """The port of an archive that speaks TLS."""
    async with open_archive(settings) as archive:
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        async with serving(open_door(archive), [Listening(listening, accepting(settings))]):
            yield port


def peer_at(port: int) -> Known:
    return Known(host="127.0.0.1", port=port, tls=True)


async def test_an_archive_echoes_another_over_tls(ours, tmp_path):
    """ASSOC-13: over TLS too; each shows its certificate."""
    async with over_tls(ours.settings(tmp_path)) as port:
        assert await echo(ours.settings(tmp_path), "DICOMWEB", peer_at(port)) == 0


async def test_who_has_no_certificate_of_the_authority_is_sent_away(ours, foreign, tmp_path):
    """PS3.15 B.9: client certificates."""
    async with over_tls(ours.settings(tmp_path)) as port:
        for settings in (
            Settings(data=tmp_path, tls_authorities=str(ours.authority)),
            foreign.settings(tmp_path).model_copy(update={"tls_authorities": str(ours.authority)}),
        ):
            with pytest.raises(NoAssociation):
                await echo(settings, "DICOMWEB", peer_at(port))
        assert await echo(ours.settings(tmp_path), "DICOMWEB", peer_at(port)) == 0


async def test_without_authorities_anybody_may_come_over_tls(ours, tmp_path):
    async with over_tls(ours.settings(tmp_path, authority=False)) as port:
        settings = Settings(data=tmp_path, tls_authorities=str(ours.authority))
        assert await echo(settings, "DICOMWEB", peer_at(port)) == 0


async def test_we_do_not_talk_to_a_peer_whose_authority_we_do_not_know(ours, foreign, tmp_path):
    async with over_tls(foreign.settings(tmp_path, authority=False)) as port:
        with pytest.raises(NoAssociation, match="cannot be reached"):
            await echo(ours.settings(tmp_path), "DICOMWEB", peer_at(port))


async def test_who_speaks_in_the_clear_is_not_heard(ours, tmp_path):
    async with over_tls(ours.settings(tmp_path)) as port:
        plain = Known(host="127.0.0.1", port=port)
        with pytest.raises(NoAssociation):
            await echo(ours.settings(tmp_path), "DICOMWEB", plain)


@pytest.mark.parametrize("make", [accepting, connecting])
def test_the_profile_is_that_of_bcp_195(ours, tmp_path, make):
    """SEC-01, CONF-10: TLS 1.2 and newer, forward secrecy, authenticated encryption."""
    context = make(ours.settings(tmp_path))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    ciphers = [cipher for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"]
    assert ciphers
    assert all(cipher["aead"] for cipher in ciphers)
    assert all("DHE" in cipher["name"] for cipher in ciphers)


async def test_a_device_of_another_make_is_reached_over_tls(ours, tmp_path):
    """As requestor: pynetdicom accepts."""
    theirs = accepting(ours.settings(tmp_path))
    with device([(VERIFICATION, NATIVE)], tls=theirs) as there:
        assert await echo(ours.settings(tmp_path), "DESTINATION", peer_at(there.port)) == 0


@pytest.mark.skipif(shutil.which("echoscu") is None, reason="echoscu comes with Debian's dcmtk.")
async def test_dcmtk_echoes_over_tls(ours, foreign, tmp_path):
    """ASSOC-13: with a certificate of the authority, and with none of it."""
    async with over_tls(ours.settings(tmp_path)) as port:
        for one, success in ((ours, True), (foreign, False)):
            process = await asyncio.create_subprocess_exec(
                "echoscu", "+tls", str(one.key), str(one.certificate), "+cf", str(ours.authority),
                "-aec", "DICOMWEB", "127.0.0.1", str(port),
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert (await process.wait() == 0) is success


async def test_bytes_that_were_tampered_with_end_the_connection(ours, tmp_path):
    """SEC-03 (PS3.15 B.9): an integrity failure; nothing of it is taken for a PDU."""
    settings = ours.settings(tmp_path)
    async with over_tls(settings) as port:
        plain = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = connecting(settings).wrap_bio(*plain, server_hostname="127.0.0.1")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def until_done(step):
            while True:
                try:
                    step()
                except ssl.SSLWantReadError:
                    writer.write(plain[1].read())
                    plain[0].write(await asyncio.wait_for(reader.read(65536), 20))
                else:
                    writer.write(plain[1].read())
                    return

        await until_done(client.do_handshake)
        client.write(b"\x01\x00\x00\x00\x00\x04\x00\x01\x00\x00")
        record = bytearray(plain[1].read())
        record[-1] ^= 1
        writer.write(record)
        rest = await asyncio.wait_for(reader.read(), 20)
        plain[0].write(rest)
        plain[0].write_eof()
        with pytest.raises(ssl.SSLError):
            client.read()
        writer.close()


async def test_large_objects_go_to_a_destination_over_tls(ours, tmp_path):
    """MOVE-03, ASSOC-07: several turns of each, byte for byte."""
    sent = [dataset(StudyInstanceUID="1.2.1", PixelData=randbytes(2_500_002)) for _ in range(2)]
    with device([(CT, NATIVE)], tls=accepting(ours.settings(tmp_path))) as there:
        known = {"DESTINATION": peer_at(there.port)}
        settings = ours.settings(tmp_path).model_copy(update={"peers": known})
        async with door_of(settings) as archive, associated(archive.port, CT, STUDY_MOVE) as peer:
            for number, ds in enumerate(sent):
                assert (await peer.ask(store_of(ds, number), encoded(ds)))[0].Status == 0
            identifier = Dataset()
            identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", "1.2.1"
            move = Command(
                Message.C_MOVE, AffectedSOPClassUID=STUDY_MOVE, MessageID=9, Priority=0,
                CommandDataSetType=1, MoveDestination="DESTINATION",
            )  # fmt: skip
            *_, (final, _) = await peer.all(move, encoded(identifier), context=3)
    assert (final.Status, final.NumberOfCompletedSuboperations) == (0, 2)
    assert there.data_sets == [encoded(ds) for ds in sent]


@pytest.mark.skipif(shutil.which("storescu") is None, reason="storescu comes with Debian's dcmtk.")
async def test_dcmtk_stores_and_finds_over_tls(ours, tmp_path):
    """STORE-01, FIND-01: whole objects, in records of TLS."""
    secured = ["+tls", str(ours.key), str(ours.certificate), "+cf", str(ours.authority)]
    path = get_testdata_file("CT_small.dcm", download=False)
    asked = ["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID", "-d"]
    async with over_tls(ours.settings(tmp_path)) as port:
        where = ["-aec", "DICOMWEB", "127.0.0.1", str(port)]
        for command in (
            ["storescu", *secured, *where, path],
            ["findscu", *secured, *asked, *where],
        ):
            process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            said, _ = await process.communicate()
            assert process.returncode == 0, said
    assert said.count(b"0xff00: Pending") == 1
    assert b"1CT1" in said
