"""A peer that does exactly what a test says, also what no real one would: PDUs over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dimse_bridge.wire import messages, pdus
from dimse_bridge.wire.commands import Command, Message, decode
from dimse_bridge.wire.items import Proposal, UserInformation
from dimse_bridge.wire.pdus import (
    HEAD_LENGTH,
    AssociateAccept,
    AssociateRequest,
    Data,
    Pdu,
    ReleaseRequest,
    ReleaseResponse,
)

SECONDS_MAX = 300
"""Of a whole test: it only ends what would hang for ever."""

CT = "1.2.840.10008.5.1.4.1.1.2"
VERIFICATION = "1.2.840.10008.1.1"
PATIENT_FIND, PATIENT_MOVE, PATIENT_GET = (f"1.2.840.10008.5.1.4.1.2.1.{n}" for n in (1, 2, 3))
STUDY_FIND, STUDY_MOVE, STUDY_GET = (f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 2, 3))
COMMITMENT = "1.2.840.10008.1.20.1"
NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


def contexts(*wanted: str | tuple[str, Sequence[str]]) -> tuple[Proposal, ...]:
    """Presentation contexts 1, 3, 5...; in the two usual syntaxes unless others are given."""
    pairs = [(one, NATIVE) if isinstance(one, str) else one for one in wanted]
    return tuple(Proposal(2 * n + 1, uid, tuple(some)) for n, (uid, some) in enumerate(pairs))


def encoded(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = syntax == ImplicitVRLittleEndian
    write_dataset(buffer, ds)
    return buffer.getvalue()


def read(data: bytes, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    return read_dataset(BytesIO(data), syntax == ImplicitVRLittleEndian, True)


@dataclass(slots=True)
class Peer:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    accepted: AssociateAccept | None = None
    maximum_length: int = 16384
    received: list[tuple[Command, bytes | None]] = field(default_factory=list)

    def put(self, *some: Pdu) -> None:
        self.writer.write(b"".join(map(pdus.build, some)))

    async def pdu(self) -> Pdu | None:
        """The next one that comes; None when the connection is closed."""
        try:
            head = await self.reader.readexactly(HEAD_LENGTH)
            body = await self.reader.readexactly(int.from_bytes(head[2:], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return pdus.parse(head[0], memoryview(body))

    async def associate(
        self,
        *proposals: Proposal,
        called: str = "DICOMWEB",
        calling: str = "TESTER",
        **user: Any,
    ) -> Pdu | None:
        """What the archive answers to a request of these contexts."""
        asked = UserInformation(**{"maximum_length": self.maximum_length, **user})
        self.put(AssociateRequest(called, calling, proposals, asked))
        answer = await self.pdu()
        if isinstance(answer, AssociateAccept):
            self.accepted = answer
        return answer

    def send(self, command: Command, data: bytes | None = None, context: int = 1) -> None:
        assert self.accepted is not None, "it is associated"
        length = self.accepted.user.maximum_length
        self.writer.writelines(messages.frame_command(context, command, length))
        if data is not None:
            self.writer.writelines(messages.frame(context, data, length))

    async def message(self) -> tuple[Command, bytes | None]:
        """The next message: its command set and data set."""
        command, data = b"", b""
        while True:
            pdu = await self.pdu()
            assert isinstance(pdu, Data), f"a message comes, not {pdu}"
            assert sum(len(one.data) + 6 for one in pdu.fragments) <= self.maximum_length
            for fragment in pdu.fragments:
                if fragment.command:
                    command += fragment.data
                else:
                    data += fragment.data
                if fragment.last and not (fragment.command and decode(command).has_data_set):
                    return decode(command), data if decode(command).has_data_set else None

    async def ask(
        self, command: Command, data: bytes | None = None, context: int = 1
    ) -> tuple[Command, bytes | None]:
        self.send(command, data, context)
        return await self.message()

    async def all(
        self, command: Command, data: bytes | None = None, context: int = 1
    ) -> list[tuple[Command, bytes | None]]:
        """All responses to a request, up to the one that is not pending."""
        self.send(command, data, context)
        responses = [await self.message()]
        while (responses[-1][0].Status or 0) & 0xFF00 == 0xFF00:
            responses.append(await self.message())
        return responses

    async def release(self) -> None:
        self.put(ReleaseRequest())
        assert await self.pdu() == ReleaseResponse()
        await self.close()

    async def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def connected(port: int, **values: Any) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer = Peer(reader, writer, **values)
    try:
        async with asyncio.timeout(SECONDS_MAX):
            yield peer
    finally:
        writer.close()


@asynccontextmanager
async def associated(
    port: int, *wanted: str | tuple[str, Sequence[str]], maximum_length: int = 16384, **user: Any
) -> AsyncIterator[Peer]:
    """A peer with an association; `wanted` are its contexts."""
    async with connected(port, maximum_length=maximum_length) as peer:
        answer = await peer.associate(*contexts(*wanted), **user)
        assert isinstance(answer, AssociateAccept), f"it was accepted, not {answer}"
        yield peer


ECHO = Command(Message.C_ECHO, AffectedSOPClassUID=VERIFICATION, MessageID=1)


def store_of(ds: Dataset, message_id: int = 1, **more: Any) -> Command:
    values: dict[str, Any] = {
        "AffectedSOPClassUID": ds.SOPClassUID,
        "AffectedSOPInstanceUID": ds.SOPInstanceUID,
        "MessageID": message_id,
        "Priority": 0,
        "CommandDataSetType": 1,
    }
    return Command(Message.C_STORE, **(values | more))
