"""The upper layer without I/O: however bytes arrive, and whatever arrives in whichever state."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimse_bridge.wire import pdus
from dimse_bridge.wire.layer import LOST, UpperLayer
from dimse_bridge.wire.pdus import (
    Abort,
    AssociateReject,
    Data,
    Fragment,
    ReleaseRequest,
    ReleaseResponse,
)
from dimse_bridge.wire.states import State
from tests.dimse_bridge.test_pdus import ACCEPT, PDUS, REQUEST

DATA = Data((Fragment(1, b"0123456789", True, True),))
TALK = [REQUEST, DATA, DATA, ReleaseRequest()]
WIRE = b"".join(pdus.build(pdu) for pdu in TALK)


def acceptor(*, data_bytes_max: int = 1000) -> UpperLayer:
    layer = UpperLayer(requestor=False, data_bytes_max=data_bytes_max)
    layer.connected()
    return layer


def requestor() -> UpperLayer:
    layer = UpperLayer(requestor=True, data_bytes_max=1000)
    layer.connected(REQUEST)
    return layer


def established(layer: UpperLayer) -> UpperLayer:
    if layer.state is State.AWAITING_REQUEST:
        layer.receive(pdus.build(REQUEST))
        layer.accept(ACCEPT)
    else:
        layer.receive(pdus.build(ACCEPT))
    layer.outgoing()
    assert layer.state is State.ESTABLISHED
    return layer


def sent(layer: UpperLayer) -> list[object]:
    return [pdus.parse(data[0], memoryview(data)[6:]) for data in layer.outgoing()]


def heard(layer: UpperLayer, data: bytes, step: int) -> list[object]:
    told = []
    for at in range(0, len(data), step):
        for one in layer.receive(data[at : at + step]):
            told.append(one)
            if one == REQUEST:
                layer.accept(ACCEPT)
    return told


@pytest.mark.parametrize("step", [len(WIRE), 7, 1], ids=["whole", "pieces", "byte by byte"])
def test_an_association_is_the_same_however_its_bytes_arrive(step):
    layer = acceptor()
    # Whole, the data would come before the request is answered: no peer may do that.
    first = len(pdus.build(REQUEST))
    told = heard(layer, WIRE[:first], step) + heard(layer, WIRE[first:], step)
    assert told == TALK
    assert layer.state is State.AWAITING_LOCAL_RELEASE


LARGE = Data((
    Fragment(1, bytes(range(256)) * 300, False, False),
    Fragment(1, b"", False, False),
    Fragment(1, b"the rest", False, True),
))  # fmt: skip


@pytest.mark.parametrize("step", [1_000_000, 70_000, 4096, 7, 1])
def test_a_long_pdu_is_told_of_in_pieces_that_come_to_the_same(step):
    """A data set is not held up until the longest of PDUs is there."""
    layer = established(acceptor(data_bytes_max=200_000))
    wire = pdus.build(LARGE) + pdus.build(DATA)
    *pieces, last = heard(layer, wire, step)
    fragments = [fragment for piece in pieces for fragment in piece.fragments]
    assert b"".join(one.data for one in fragments) == b"".join(one.data for one in LARGE.fragments)
    assert [one.last for one in fragments] == [False] * (len(fragments) - 1) + [True]
    assert last == DATA


@pytest.mark.parametrize("wrong", [b"\0\0\0\1\1\0", b"\0\0\xff\xff\1\0"], ids=["short", "long"])
def test_what_is_wrong_in_the_middle_of_a_long_pdu_aborts(wrong):
    """ASSOC-12, ASSOC-15: a length that does not fit, once the first pieces are told of."""
    layer = established(acceptor(data_bytes_max=200_000))
    wire = pdus.build(LARGE)
    first, at = LARGE.fragments[0], 12
    layer.receive(wire[:at])
    assert layer.receive(first.data)
    assert layer.receive(wrong) == [Abort(2, 6)]
    assert layer.receive(bytes(100_000)) == []


@pytest.mark.parametrize("cut", range(1, len(pdus.build(DATA))))
def test_a_cut_pdu_tells_nothing(cut):
    layer = established(acceptor())
    assert layer.receive(pdus.build(DATA)[:cut]) == []
    assert layer.receive(pdus.build(DATA)[cut:]) == [DATA]


def test_what_trails_an_abort_is_not_read():
    layer = established(acceptor())
    assert layer.receive(pdus.build(Abort(0, 0)) + b"\xff" * 40) == [Abort(0, 0)]
    assert layer.closes


def test_a_silent_connection_is_closed_when_artim_runs_out():
    """ASSOC-12: PS3.8 9.1.5."""
    layer = acceptor()
    assert layer.artim_runs
    layer.expire()
    assert layer.closes
    assert layer.state is State.IDLE


def test_artim_stops_with_the_request():
    layer = acceptor()
    layer.receive(pdus.build(REQUEST))
    assert not layer.artim_runs


def test_a_release_is_answered_and_artim_waits_for_the_close():
    layer = established(acceptor())
    assert layer.receive(pdus.build(ReleaseRequest())) == [ReleaseRequest()]
    layer.respond_to_release()
    assert sent(layer) == [ReleaseResponse()]
    assert layer.artim_runs
    assert layer.lost() == []
    assert not layer.artim_runs


def test_a_requestor_releases():
    layer = established(requestor())
    layer.release()
    assert sent(layer) == [ReleaseRequest()]
    assert layer.receive(pdus.build(ReleaseResponse())) == [ReleaseResponse()]
    assert layer.closes


def test_data_may_still_come_after_a_release_request():
    layer = established(requestor())
    layer.release()
    assert layer.receive(pdus.build(DATA)) == [DATA]


def test_both_release_at_the_same_time():
    """ASSOC-12: release collision, PS3.8 7.2.2.7; the requestor answers first."""
    one, other = established(requestor()), established(acceptor())
    one.release()
    other.release()
    to_other, to_one = b"".join(one.outgoing()), b"".join(other.outgoing())
    assert one.receive(to_one) == other.receive(to_other) == [ReleaseRequest()]
    assert one.state is State.COLLISION_REQUESTOR_LOCAL
    assert other.state is State.COLLISION_ACCEPTOR
    one.respond_to_release()
    assert other.receive(b"".join(one.outgoing())) == [ReleaseResponse()]
    other.respond_to_release()
    assert one.receive(b"".join(other.outgoing())) == [ReleaseResponse()]
    assert one.closes


def test_a_rejected_requestor_closes():
    layer = requestor()
    rejected = AssociateReject(1, 1, 7)
    assert layer.receive(pdus.build(rejected)) == [rejected]
    assert layer.closes


@pytest.mark.parametrize("name", PDUS)
def test_only_a_request_may_come_first(name):
    """ASSOC-12: PS3.8 Table 9-10, Sta2."""
    layer = acceptor()
    told = layer.receive(pdus.build(PDUS[name]))
    if name == "request":
        assert layer.state is State.AWAITING_LOCAL_RESPONSE
    else:
        assert told == []
        assert layer.closes or sent(layer) == [Abort(2, 2)]


UNEXPECTED = [name for name in PDUS if name not in ("data", "release", "abort")]


@pytest.mark.parametrize("name", UNEXPECTED)
def test_an_unexpected_pdu_aborts_an_association(name):
    """ASSOC-12: source 2, reason 2 (PS3.8 Table 9-26)."""
    layer = established(acceptor())
    assert layer.receive(pdus.build(PDUS[name])) == [Abort(2, 2)]
    assert sent(layer) == [Abort(2, 2)]
    assert layer.state is State.AWAITING_CLOSE
    assert layer.artim_runs


@pytest.mark.parametrize(
    "data, reason",
    [
        pytest.param(b"\x09\0\0\0\0\0", 1, id="an unrecognized type"),
        pytest.param(b"\x04\0\0\0\x10\0", 6, id="longer than we take"),
        pytest.param(b"\x05\0\0\0\0\1\0", 6, id="a release of one byte"),
        pytest.param(b"\x04\0\0\0\0\6\0\0\0\1\1\3", 6, id="a value without a head"),
    ],
)
def test_a_malformed_pdu_aborts_an_association(data, reason):
    """ASSOC-12, ASSOC-15: A-ABORT reasons 1 and 6."""
    layer = established(acceptor())
    assert layer.receive(data + bytes(0x1000 - 6)) == [Abort(2, reason)]
    assert sent(layer) == [Abort(2, reason)]


def test_a_lost_connection_is_told():
    layer = established(acceptor())
    assert layer.lost() == [LOST]
    assert layer.lost() == []


def test_after_our_abort_nothing_is_heard():
    layer = established(acceptor())
    layer.abort()
    assert sent(layer) == [Abort(0, 0)]
    assert layer.receive(pdus.build(DATA)) == []
    layer.abort()
    assert sent(layer) == []


OPERATIONS = st.lists(
    st.one_of(
        st.sampled_from([pdus.build(pdu) for pdu in PDUS.values()]),
        st.binary(max_size=40),
        st.sampled_from(["expire", "abort", "lost"]),
    ),
    max_size=12,
)


@settings(max_examples=200)
@given(OPERATIONS, st.booleans())
def test_whatever_comes_leaves_a_state_of_the_table(operations, is_requestor):
    """ASSOC-12, ASSOC-15: fuzzed; no order of PDUs, bytes and events is an error of ours."""
    layer = requestor() if is_requestor else acceptor()
    for operation in operations:
        told = getattr(layer, operation)() if isinstance(operation, str) else None
        told = layer.receive(operation) if isinstance(operation, bytes) else told
        for one in told or []:
            if one == REQUEST and layer.state is State.AWAITING_LOCAL_RESPONSE:
                layer.accept(ACCEPT)
            if isinstance(one, ReleaseRequest) and layer.state is State.AWAITING_LOCAL_RELEASE:
                layer.respond_to_release()
        layer.outgoing()
    assert layer.state in State
    assert not (layer.artim_runs and layer.state is State.ESTABLISHED)
