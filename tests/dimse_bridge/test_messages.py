"""Command sets and messages: encoded, cut into fragments, put together again (PS3.7 6.3, E)."""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.dsutils import encode as reference_encode

from dimse_bridge.exchange import response_to
from dimse_bridge.wire import messages, pdus
from dimse_bridge.wire.commands import NO_DATA_SET, Command, Message, Template, decode, encode
from dimse_bridge.wire.envelopes import Envelopes
from dimse_bridge.wire.items import Malformed
from dimse_bridge.wire.messages import Assembler, Begun, Piece
from dimse_bridge.wire.pdus import HEAD_LENGTH, Fragment

CT = "1.2.840.10008.5.1.4.1.1.2"
STORE = Command(
    Message.C_STORE,
    AffectedSOPClassUID=CT,
    MessageID=7,
    Priority=0,
    CommandDataSetType=1,
    AffectedSOPInstanceUID="1.2.3",
    MoveOriginatorApplicationEntityTitle="WORKSTATION",
    MoveOriginatorMessageID=9,
)
FAILED = Command(
    0x8001,
    MessageIDBeingRespondedTo=7,
    Status=0xA900,
    OffendingElement=0x00080018,
    ErrorComment="It is another one.",
)


@pytest.mark.parametrize("command", [STORE, FAILED], ids=["request", "response"])
def test_a_command_set_is_read_back(command):
    assert decode(encode(command)) == command


@pytest.mark.parametrize("command", [STORE, FAILED], ids=["request", "response"])
def test_a_command_set_is_what_pydicom_makes_of_it(command):
    """ASSOC-14: Implicit VR Little Endian, ascending, with its group length (PS3.7 6.3.1)."""
    ds = Dataset()
    for keyword in Command.__slots__:
        value = getattr(command, keyword)
        if value is not None:
            setattr(ds, keyword, value)
    ds.CommandGroupLength = len(reference_encode(ds, True, True))
    assert encode(command) == reference_encode(ds, True, True)


def test_pydicom_reads_the_group_length():
    """ASSOC-14: PS3.7 E.1."""
    encoded = encode(STORE)
    ds = dcmread(BytesIO(encoded), force=True)
    assert ds.CommandGroupLength == len(encoded) - 12


def test_a_response_has_the_numbers_of_its_request():
    """ASSOC-14: (0000,0120), (0000,0002), and (0000,0800) = 0101H without a data set."""
    response = response_to(STORE, 0)
    assert response.CommandField == 0x8001
    assert response.MessageIDBeingRespondedTo == STORE.MessageID
    assert response.AffectedSOPClassUID == CT
    assert response.CommandDataSetType == NO_DATA_SET


MALFORMED = {
    "nothing": b"",
    "without a command field": encode(STORE)[:12],
    "cut": encode(STORE)[:-3],
    "of another group": b"\x08\0\0\1\2\0\0\0\1\0",
    "a number of four bytes": b"\0\0\0\1\4\0\0\0\1\0\0\0",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_command_set_is_malformed(data):
    """ASSOC-15."""
    with pytest.raises(Malformed):
        decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_set_or_malformed(data):
    """ASSOC-15."""
    with contextlib.suppress(Malformed):
        assert isinstance(decode(data), Command)


def test_a_template_is_what_its_command_would_be():
    template = Template(STORE, "MessageID", "AffectedSOPInstanceUID")
    other = replace(STORE, MessageID=8, AffectedSOPInstanceUID="1.2.3.45")
    assert template.encode(8, "1.2.3.45") == encode(other)
    assert template.encode(7, "1.2.3") == encode(STORE)


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 3]), st.integers(1, 3000), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.integers(20, 1500),
)
def test_envelopes_hold_what_is_put_into_them(turns, maximum_length):
    """ASSOC-07: the same PDUs as are made of bytes, from turn to turn."""
    envelopes = Envelopes(maximum_length)
    for number, (context_id, size, last) in enumerate(turns):
        length = min(size, envelopes.capacity_bytes)
        data = random.Random(number).randbytes(length)
        at = 0
        for gap in envelopes.gaps(length):
            gap[:] = data[at : at + len(gap)]
            at += len(gap)
        assert at == length
        expected = messages.frame(context_id, data, maximum_length, last=last)
        assert bytes(envelopes.sealed(context_id, length, last=last)) == b"".join(expected)


def fragments_of(framed: list[messages.Framed]) -> list[Fragment]:
    data, found = b"".join(framed), []
    while data:
        length = int.from_bytes(data[2:6], "big")
        pdu = pdus.parse(data[0], memoryview(data)[HEAD_LENGTH : HEAD_LENGTH + length])
        assert isinstance(pdu, pdus.Data)
        found += pdu.fragments
        data = data[HEAD_LENGTH + length :]
    return found


def happened(fragments: list[Fragment]) -> list[messages.Happened]:
    assembler = Assembler()
    taken = (assembler.take(fragment) for fragment in fragments)
    return [one for one in taken if one is not None]


@given(st.binary(max_size=3000), st.integers(20, 4000))
def test_a_message_is_put_together_again(data, maximum_length):
    """ASSOC-07: fragments of at most what the peer takes (PS3.8 D.1)."""
    framed = messages.frame_command(5, STORE, maximum_length)
    framed += messages.frame(5, data, maximum_length)
    fragments = fragments_of(framed)
    assert all(len(one.data) + 6 <= maximum_length for one in fragments)
    begun, *pieces = happened(fragments)
    assert begun == Begun(5, STORE)
    assert b"".join(piece.data for piece in pieces if isinstance(piece, Piece)) == data
    assert [piece.last for piece in pieces if isinstance(piece, Piece)].count(True) == 1


@given(st.lists(st.binary(min_size=1, max_size=500), min_size=1, max_size=5))
def test_a_data_set_may_be_sent_as_it_is_read(chunks):
    framed = messages.frame_command(1, STORE, 128)
    for number, chunk in enumerate(chunks):
        framed += messages.frame(1, chunk, 128, last=number == len(chunks) - 1)
    _, *pieces = happened(fragments_of(framed))
    assert b"".join(piece.data for piece in pieces if isinstance(piece, Piece)) == b"".join(chunks)


def test_without_a_maximum_fragments_have_a_length_that_is_ours():
    """ASSOC-07: 0 is any length."""
    fragments = fragments_of(messages.frame(1, bytes(300_000), 0))
    assert max(len(one.data) for one in fragments) == messages.FRAGMENT_BYTES_MAX


COMMAND, PIECE = Fragment(1, encode(STORE), True, True), Fragment(1, b"", False, False)
OUT_OF_ORDER = {
    "data before its command": [PIECE],
    "a command within the data": [COMMAND, PIECE, COMMAND],
    "another context": [COMMAND, Fragment(3, b"", False, False)],
    "another context within a command": [
        Fragment(1, b"", True, False),
        Fragment(3, b"", True, True),
    ],
    "a command without end": [Fragment(1, bytes(40_000), True, False)] * 2,
}


@pytest.mark.parametrize("fragments", OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_fragments_out_of_order_are_malformed(fragments):
    """ASSOC-15: PS3.7 6.3.1."""
    with pytest.raises(Malformed):
        happened(fragments)


def test_the_transfer_syntax_of_commands_is_implicit():
    """ASSOC-14: whatever was negotiated for the data set."""
    ds = dcmread(BytesIO(encode(STORE)), force=True)
    assert ds.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian) == ImplicitVRLittleEndian
    assert ds.AffectedSOPInstanceUID == "1.2.3"
