"""PDUs and their items: what is built is parsed again, what is not one is malformed (PS3.8 9.3)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom import pdu as reference

from dimse_bridge.wire import pdus
from dimse_bridge.wire.items import (
    Answer,
    CommonExtended,
    Extended,
    Identity,
    Malformed,
    Proposal,
    Role,
    UserInformation,
)
from dimse_bridge.wire.pdus import (
    HEAD_LENGTH,
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Data,
    Fragment,
    ReleaseRequest,
    ReleaseResponse,
)

CT, VERIFICATION = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.1"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"

REQUEST = AssociateRequest(
    "DICOMWEB",
    "MODALITY",
    (Proposal(1, CT, (EXPLICIT, IMPLICIT)), Proposal(3, VERIFICATION, (IMPLICIT,))),
    UserInformation(
        16384,
        window=(10, 10),
        roles=(Role(CT, scu=False, scp=True),),
        extended=(Extended(CT, b"\2\0\3\0"),),
        common_extended=(CommonExtended("1.2.3", "1.2.840.10008.4.2", ("1.2.4",)),),
        identity=Identity(2, True, b"user", b"secret"),
    ),
)
ACCEPT = AssociateAccept(
    "DICOMWEB",
    "MODALITY",
    (Answer(1, 0, EXPLICIT), Answer(3, 3, IMPLICIT)),
    UserInformation(0, roles=(Role(CT, scu=False, scp=True),), identity_response=b""),
)
PDUS = {
    "request": REQUEST,
    "accept": ACCEPT,
    "reject": AssociateReject(1, 1, 7),
    "data": Data((Fragment(1, b"abcd", True, True), Fragment(1, b"", False, True))),
    "release": ReleaseRequest(),
    "released": ReleaseResponse(),
    "abort": Abort(2, 6),
}


def parsed(data: bytes) -> Any:
    return pdus.parse(data[0], memoryview(data)[HEAD_LENGTH:])


@pytest.mark.parametrize("pdu", PDUS.values(), ids=PDUS)
def test_what_is_built_is_parsed_again(pdu):
    assert parsed(pdus.build(pdu)) == pdu


def test_another_implementation_reads_our_request():
    """ASSOC-08, ASSOC-10: PS3.8 9.3.2, by pynetdicom."""
    read = reference.A_ASSOCIATE_RQ()
    read.decode(pdus.build(REQUEST))
    user = read.user_information
    assert (read.called_ae_title, read.calling_ae_title) == ("DICOMWEB", "MODALITY")
    assert [item.abstract_syntax for item in read.presentation_context] == [CT, VERIFICATION]
    assert user.maximum_length == 16384
    assert user.async_ops_window.max_operations_invoked == 10
    assert user.role_selection[CT].scp_role
    assert user.user_identity.secondary_field == b"secret"
    assert user.implementation_class_uid == UserInformation().implementation_class_uid
    assert len(user.implementation_version_name) <= 16
    assert read.encode() == pdus.build(REQUEST)


def test_another_implementation_reads_our_acceptance():
    """PS3.8 9.3.3, by pynetdicom."""
    read = reference.A_ASSOCIATE_AC()
    read.decode(pdus.build(ACCEPT))
    assert [item.result for item in read.presentation_context] == [0, 3]
    assert read.encode() == pdus.build(ACCEPT)


MALFORMED = {
    "a request without its fixed part": (1, bytes(10)),
    "an item longer than the PDU": (1, bytes(68) + b"\x10\0\0\x05abc"),
    "a context of an even number": (
        1,
        bytes(68) + b"\x20\0\0\x10\2\0\0\0\x30\0\0\x011\x40\0\0\x012\0",
    ),
    "a context without transfer syntax": (1, bytes(68) + b"\x20\0\0\x09\1\0\0\0\x30\0\0\x011"),
    "data of nothing": (4, b""),
    "a value shorter than its head": (4, b"\0\0\0\1\1\3"),
    "a value longer than its PDU": (4, b"\0\0\0\xff\1\3"),
    "an abort of three bytes": (7, bytes(3)),
    "a release of five bytes": (5, bytes(5)),
}


@pytest.mark.parametrize("kind, body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_pdu_is_malformed(kind, body):
    """ASSOC-12: PS3.8 9.3.1."""
    with pytest.raises(Malformed):
        pdus.parse(kind, memoryview(body))


def test_two_contexts_of_one_number_are_malformed():
    """PS3.8 9.3.2.2: the number identifies the context."""
    twice = AssociateRequest("A", "B", (REQUEST.contexts[0],) * 2, UserInformation())
    with pytest.raises(Malformed, match="same number"):
        parsed(pdus.build(twice))


@pytest.mark.parametrize("kind", [0, 8, 0x10, 0xFF])
def test_there_are_seven_types(kind):
    with pytest.raises(Malformed):
        pdus.length_max(kind, 1000)


@given(st.integers(1, 7), st.binary(max_size=300))
def test_any_bytes_are_a_pdu_or_malformed(kind, body):
    """ASSOC-12, ASSOC-15."""
    with contextlib.suppress(Malformed):
        pdus.parse(kind, memoryview(body))


@given(st.data())
def test_a_damaged_request_is_a_request_or_malformed(data):
    """ASSOC-15: no damage is an error of ours."""
    whole = bytearray(pdus.build(REQUEST))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(HEAD_LENGTH, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = whole[: data.draw(st.integers(HEAD_LENGTH, len(whole)))]
    with contextlib.suppress(Malformed):
        assert isinstance(parsed(bytes(cut)), AssociateRequest)


uids = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,4}){1,6}", fullmatch=True)


@given(
    st.lists(
        st.builds(
            Fragment,
            st.integers(0, 255),
            st.binary(max_size=60),
            st.booleans(),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_fragments_are_read_back(fragments):
    assert parsed(pdus.build(Data(tuple(fragments)))) == Data(tuple(fragments))


def proposing(listed):
    proposals = tuple(
        Proposal(2 * number + 1, abstract, tuple(syntaxes))
        for number, (abstract, syntaxes) in enumerate(listed)
    )
    return AssociateRequest("A", "B", proposals, UserInformation())


@given(st.lists(st.tuples(uids, st.lists(uids, min_size=1, max_size=4)), max_size=8))
def test_contexts_are_read_back(listed):
    request = proposing(listed)
    assert parsed(pdus.build(request)) == request


def test_up_to_128_contexts_are_read_back():
    """ASSOC-16: PS3.8 7.1.1.13."""
    request = proposing([(f"1.2.{n}", [f"1.3.{n}.{m}" for m in range(40)]) for n in range(128)])
    assert parsed(pdus.build(request)) == request
