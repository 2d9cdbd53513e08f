"""The DIMSE half: operations on one server, through pynetdicom."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)
from pynetdicom import AE, _config, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from conformance.suite import material
from conformance.suite.answer import Answer
from conformance.suite.case import NotSetUp
from conformance.suite.material import Thing
from conformance.suite.operations import (
    NATIVE,
    VERIFICATION,
    Associate,
    Context,
    Echo,
    Find,
    Get,
    Move,
    Operation,
    Raw,
    Store,
)

if TYPE_CHECKING:
    from conformance.suite.session import Session

TIMEOUT_SECONDS = 20
STORAGE = (
    material.CT,
    material.MR,
    material.SC,
    material.SC_BIT,
    material.SC_BYTE,
    material.SC_WORD,
    material.ECG,
    material.RAW_DATA,
    material.BASIC_TEXT_SR,
    material.PDF,
)
SYNTAXES = (
    *NATIVE,
    RLELossless,
    JPEGBaseline8Bit,
    JPEG2000Lossless,
    DeflatedExplicitVRLittleEndian,
)
REFUSED = -1
"""The status of an association or context that was not accepted."""
NO_RESPONSE = -2
"""The status of a request that was never answered."""


ABORT_SECONDS_MAX = 5
"""How long an association of ours may take to end."""


@dataclass
class Receiver:
    """What the move destination does, and what has come to it."""

    refused: bool = False
    requests: list[C_STORE] = field(default_factory=list)
    objects: list[Dataset] = field(default_factory=list)

    def take(self, event: Any) -> int:
        self.requests.append(event.request)
        received = event.dataset
        received.file_meta = event.file_meta
        self.objects.append(received)
        return 0xA700 if self.refused else 0x0000


@dataclass
class Dimse:
    """One server as its peers know it."""

    called: str
    host: str
    port: int
    calling: str = "SUITE"
    destination: str = ""
    """The AE title by which the server knows this suite's own Storage SCP; empty: no C-MOVE."""
    destination_port: int = 0

    _server: Any = field(default=None, init=False)
    """The Storage SCP, kept from one C-MOVE to the next: to end one takes half a second."""
    _receiver: Receiver = field(default_factory=Receiver, init=False)

    def __post_init__(self) -> None:
        _config.ENFORCE_UID_CONFORMANCE = False

    def close(self) -> None:
        """End the Storage SCP, if one was needed, and the associations that it has."""
        if self._server is not None:
            self._part()
            self._server.shutdown()
            self._server = None

    def fill(self, session: Session, things: Sequence[Thing]) -> str:
        """Store things of the material; what went wrong, or nothing."""
        answer = self.perform(session, Store(things))
        if answer.status != 0:
            return f"A C-STORE of the material was answered {answer.status:04X}."
        return ""

    def perform(self, session: Session, operation: Operation) -> Answer:
        match operation:
            case Raw():
                return self._raw(session, operation)
            case Associate():
                return self._associate(session, operation)
            case Echo():
                return self._echo(session, operation)
            case Store():
                return self._store(session, operation)
            case Find():
                return self._find(session, operation)
            case Move():
                return self._move(session, operation)
            case Get():
                return self._get(session, operation)

    # Associations --------------------------------------------------------------------

    def _open(
        self,
        answer: Answer,
        contexts: Sequence[Context],
        *,
        called: str = "",
        pdu_bytes_max: int = 16382,
        handlers: Sequence[Any] = (),
    ) -> Association:
        ae = AE(self.calling)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = TIMEOUT_SECONDS
        ae.connection_timeout = TIMEOUT_SECONDS
        negotiated: list[Any] = []
        # Each is a context of its own, even of one class: that decides per transfer syntax.
        ae.requested_contexts = [build_context(c.abstract, list(c.syntaxes)) for c in contexts]
        for context in contexts:
            if context.scp:
                negotiated.append(build_role(context.abstract, scp_role=True))
            if context.extended is not None:
                extended = SOPClassExtendedNegotiation()
                extended.sop_class_uid = UID(context.abstract)
                extended.service_class_application_information = context.extended
                negotiated.append(extended)

        def collect(event: Any) -> None:
            command = event.message.command_set
            if command.get("CommandField", 0) & 0x8000:
                answer.responses.append(Dataset(command))

        association = ae.associate(
            self.host,
            self.port,
            ae_title=called or self.called,
            max_pdu=pdu_bytes_max,
            ext_neg=negotiated,
            evt_handlers=[(evt.EVT_DIMSE_RECV, collect), *handlers],
        )
        answer.association = association
        answer.contexts = dict.fromkeys(context.abstract for context in contexts)
        for accepted in association.accepted_contexts:
            answer.contexts[str(accepted.abstract_syntax)] = str(accepted.transfer_syntax[0])
        if not association.is_established:
            answer.status = REFUSED
        return association

    def _associate(self, session: Session, asked: Associate) -> Answer:
        answer = Answer(session, 0)
        association = self._open(
            answer, asked.contexts, called=asked.called, pdu_bytes_max=asked.pdu_bytes_max
        )
        _release(association)
        return answer

    def _raw(self, session: Session, asked: Raw) -> Answer:
        answer = Answer(session, 0)
        try:
            with socket.create_connection((self.host, self.port), TIMEOUT_SECONDS) as connection:
                connection.sendall(asked.content)
                while received := connection.recv(65536):
                    answer.body += received
                    if received[:1] in (b"\x02", b"\x03", b"\x07"):
                        break
        except ConnectionResetError:
            pass
        except OSError as error:
            raise NotSetUp(f"{self.host}:{self.port}: {error}.") from None
        return answer

    # Services ------------------------------------------------------------------------

    def _echo(self, session: Session, asked: Echo) -> Answer:
        answer = Answer(session, 0)
        association = self._open(answer, [Context(VERIFICATION)], pdu_bytes_max=asked.pdu_bytes_max)
        if association.is_established:
            association.send_c_echo(msg_id=77)
        return _finished(association, answer)

    def _store(self, session: Session, asked: Store) -> Answer:
        answer = Answer(session, 0)
        things = asked.things(session) if callable(asked.things) else asked.things
        pairs = dict.fromkeys((str(t.dataset.SOPClassUID), str(t.syntax)) for t in things)
        contexts = [Context(abstract, (syntax,)) for abstract, syntax in pairs]
        association = self._open(answer, contexts)
        if association.is_established:
            accepted = {
                (str(c.abstract_syntax), str(c.transfer_syntax[0])): c.context_id
                for c in association.accepted_contexts
            }
            for number, thing in enumerate(things, 1):
                context = accepted.get((str(thing.dataset.SOPClassUID), str(thing.syntax)))
                if context is None:
                    answer.status = REFUSED
                    break
                _send(association, number, context, thing, asked)
        return _finished(association, answer)

    def _find(self, session: Session, asked: Find) -> Answer:
        answer = Answer(session, 0)
        association = self._open(answer, [Context(asked.model, extended=asked.extended)])
        if association.accepted_contexts:
            identifier = _identifier(session, asked.level, asked.keys)
            if asked.character_set:
                identifier.SpecificCharacterSet = asked.character_set
            responses = association.send_c_find(identifier, asked.model, msg_id=5)
            for number, (_, found) in enumerate(responses):
                if found is not None:
                    answer.identifiers.append(found)
                if asked.cancelled and number == 0:
                    association.send_c_cancel(5, query_model=asked.model)
        else:
            answer.status = REFUSED
        return _finished(association, answer)

    def _move(self, session: Session, asked: Move) -> Answer:
        if not self.destination:
            raise NotSetUp("C-MOVE needs --destination AET@port, known to the server.")
        answer = Answer(session, 0)
        receiver = self._receiver = Receiver(asked.refused)
        if asked.listening:
            self._listen(asked)
        else:
            self.close()
        association = self._open(answer, [Context(asked.model)])
        if association.accepted_contexts:
            identifier = _identifier(session, asked.level, asked.keys)
            to = asked.destination or self.destination
            for _, found in association.send_c_move(identifier, to, asked.model, msg_id=6):
                if found is not None:
                    answer.identifiers.append(found)
        else:
            answer.status = REFUSED
        return _finished(association, answer, receiver)

    def _listen(self, asked: Move) -> None:
        """Have the Storage SCP take what `asked` says."""
        syntaxes = list(asked.syntaxes or SYNTAXES)
        contexts = [build_context(abstract, syntaxes) for abstract in asked.accepts or STORAGE]
        if self._server is None:
            address = "127.0.0.1" if self.host in ("127.0.0.1", "localhost") else ""
            self._server = AE(self.destination).start_server(
                (address, self.destination_port),
                block=False,
                contexts=contexts,
                evt_handlers=[(evt.EVT_C_STORE, lambda event: self._receiver.take(event))],
            )
        self._part()
        self._server.contexts = contexts

    def _part(self) -> None:
        """End what another case's C-MOVE opened, which would be taken for this one's."""
        for association in self._server.active_associations:
            association.abort()
            association.join(ABORT_SECONDS_MAX)

    def _get(self, session: Session, asked: Get) -> Answer:
        answer = Answer(session, 0)
        receiver = Receiver()
        storage = [
            Context(abstract, asked.syntaxes, scp=asked.roles)
            for abstract in asked.classes or STORAGE
        ]
        association = self._open(
            answer,
            [Context(asked.model), *storage],
            handlers=[(evt.EVT_C_STORE, receiver.take)],
        )
        if answer.contexts.get(asked.model):
            identifier = _identifier(session, asked.level, asked.keys)
            for _, found in association.send_c_get(identifier, asked.model, msg_id=7):
                if found is not None:
                    answer.identifiers.append(found)
        else:
            answer.status = REFUSED
        return _finished(association, answer, receiver)


def _identifier(session: Session, level: str, keys: Mapping[str, str | bytes]) -> Dataset:
    identifier = Dataset()
    if level:
        identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        filled = session.filled(value) if isinstance(value, str) else value
        if keyword.endswith("Sequence"):
            setattr(identifier, keyword, [_items(filled)])
        else:
            setattr(identifier, keyword, filled or None)
    return identifier


def _items(text: str | bytes) -> Dataset:
    """An item of keys written as Keyword=value, with commas between."""
    item = Dataset()
    for pair in str(text).split(","):
        keyword, _, value = pair.partition("=")
        setattr(item, keyword, value)
    return item


def _send(association: Association, number: int, context: int, thing: Thing, asked: Store) -> None:
    """One C-STORE with the command set exactly as wanted."""
    request = C_STORE()
    request.MessageID = number
    request.Priority = 2
    request.AffectedSOPClassUID = UID(asked.affected_class or thing.dataset.SOPClassUID)
    request.AffectedSOPInstanceUID = UID(asked.affected_uid or thing.uid)
    request.DataSet = BytesIO(_data_set(thing.file))
    association._reactor_checkpoint.clear()
    try:
        association.dimse.send_msg(request, context)
        association.dimse.get_msg(block=True)
    finally:
        association._reactor_checkpoint.set()


def _data_set(file: bytes) -> bytes:
    """What follows the file meta information, whose length its first element holds (PS3.10 7.1)."""
    (length,) = struct.unpack("<L", file[140:144])
    return file[144 + length :]


def _finished(association: Association, answer: Answer, receiver: Receiver | None = None) -> Answer:
    """Release, and say how it ended: the worst status of all final responses."""
    _release(association)
    if receiver is not None:
        answer.received = receiver.objects
        answer.sub_operations = receiver.requests
    finals = [
        int(command.Status)
        for command in answer.responses
        if "Status" in command and command.Status not in (0xFF00, 0xFF01)
    ]
    if finals:
        answer.status = max(finals)
    elif answer.status == 0:
        answer.status = NO_RESPONSE
    return answer


def _release(association: Association) -> None:
    if association.is_established:
        association.release()
