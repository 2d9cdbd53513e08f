"""Real files through associations: each that STOW-RS takes goes in, and comes out as it was."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from dicomweb.engine import parsing
from dicomweb.engine.parsing import Read, Source
from dicomweb.settings import Settings
from dimse_bridge.wire.commands import Command, Message
from dimse_bridge.wire.items import Role
from schemas.syntaxes import BY_UID
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.peer import NATIVE, STUDY_GET, Peer, associated, encoded
from tests.real_files import shown
from tests.test_corpus import STORED

AT_ONCE = 50


async def went_in(peer: Peer, read: Read, data: bytes) -> int | None:
    values = read.values
    command = Command(
        Message.C_STORE,
        AffectedSOPClassUID=values["SOPClassUID"],
        AffectedSOPInstanceUID=values["SOPInstanceUID"],
        MessageID=1,
        Priority=0,
        CommandDataSetType=1,
    )
    response, _ = await peer.ask(command, data, context=3)
    return response.Status


async def came_out(peer: Peer, read: Read) -> bytes | None:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "IMAGE"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(identifier, keyword, read.values[keyword])
    command = Command(
        Message.C_GET, AffectedSOPClassUID=STUDY_GET, MessageID=2, Priority=0, CommandDataSetType=1
    )
    peer.send(command, encoded(identifier))
    store, data = await peer.message()
    if store.CommandField != Message.C_STORE:
        return None
    response = Command(
        0x8001,
        AffectedSOPClassUID=store.AffectedSOPClassUID,
        MessageIDBeingRespondedTo=store.MessageID,
        Status=0,
    )
    peer.send(response, context=3)
    final, _ = await peer.message()
    assert final.Status == 0
    return data


@pytest.mark.filterwarnings("ignore:Invalid value for VR", "ignore:The value length")
@pytest.mark.parametrize("begin", range(0, len(STORED), AT_ONCE))
async def test_real_files_go_in_and_come_out_as_they_were(tmp_path, begin):
    """STORE-07, STORE-12, ENC-01, OBJ-01, OBJ-03..15: data sets, whatever is odd about them."""
    wrong = []
    async with door_of(Settings(data=tmp_path, duplicates="replace")) as archive:
        for path in STORED[begin : begin + AT_ONCE]:
            content = path.read_bytes()
            read = parsing.read(Source(content))
            data = content[read.location.offset :]
            sop_class, syntax = read.values["SOPClassUID"], read.location.syntax.uid
            assert syntax in BY_UID
            roles = (Role(sop_class, scu=True, scp=True),)
            wanted = ((STUDY_GET, NATIVE), (sop_class, [syntax]))
            async with associated(archive.port, *wanted, roles=roles) as peer:
                status = await went_in(peer, read, data)
                if status not in (0, 0xB007) or await came_out(peer, read) != data:
                    wrong.append((shown(path), status))
    assert wrong == []
