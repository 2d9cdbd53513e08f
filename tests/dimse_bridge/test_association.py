"""Associations over a socket: who may come, what is granted, how they end (PS3.8, PS3.7 D)."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from dataclasses import replace

import pytest

from dicomweb.settings import Peer as Known
from dicomweb.settings import Settings
from dimse_bridge.wire import pdus
from dimse_bridge.wire.commands import Command, Message, encode
from dimse_bridge.wire.items import (
    CommonExtended,
    Extended,
    Identity,
    Proposal,
    Role,
    UserInformation,
)
from dimse_bridge.wire.pdus import (
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Data,
    Fragment,
    ReleaseRequest,
    ReleaseResponse,
)
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.peer import (
    COMMITMENT,
    CT,
    ECHO,
    PATIENT_FIND,
    STUDY_GET,
    VERIFICATION,
    associated,
    connected,
    contexts,
)

ECHO_CONTEXT = contexts(VERIFICATION)
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
JPEG = "1.2.840.10008.1.2.4.50"


async def answered(port, *proposals, **values):
    async with connected(port) as peer:
        return await peer.associate(*(proposals or ECHO_CONTEXT), **values)


# Echo ------------------------------------------------------------------------------


async def test_an_echo_is_answered(archive):
    """ASSOC-13, ASSOC-14: PS3.7 9.1.5, 9.3.5."""
    async with associated(archive.port, VERIFICATION) as peer:
        response, data = await peer.ask(ECHO)
        assert response == Command(
            0x8030, AffectedSOPClassUID=VERIFICATION, MessageIDBeingRespondedTo=1, Status=0
        )
        assert data is None
        await peer.release()


@pytest.mark.parametrize(
    "changed, status",
    [
        pytest.param({"AffectedSOPClassUID": CT}, 0x0122, id="SOP class"),
        pytest.param({"MessageID": None}, 0x0212, id="no number"),
        pytest.param({"CommandField": Message.C_FIND}, 0x0211, id="another operation"),
        pytest.param({"CommandField": 0x0140}, 0x0211, id="N-CREATE"),
    ],
)
async def test_what_is_no_echo_is_refused(archive, changed, status):
    """ASSOC-13: 0122, 0211, 0212 (PS3.7 9.1.5.1.4)."""
    async with associated(archive.port, VERIFICATION) as peer:
        response, _ = await peer.ask(replace(ECHO, **changed))
        assert response.Status == status
        assert (await peer.ask(ECHO))[0].Status == 0


# Acceptance and rejection ------------------------------------------------------------


async def test_another_application_context_is_rejected(archive):
    """ASSOC-01: 1/1/2 (PS3.8 9.3.4)."""
    async with connected(archive.port) as peer:
        user = UserInformation()
        peer.put(AssociateRequest("DICOMWEB", "A", ECHO_CONTEXT, user, application_context="1.2.3"))
        assert await peer.pdu() == AssociateReject(1, 1, 2)


async def test_another_protocol_version_is_rejected(archive):
    """ASSOC-02: 1/2/2."""
    async with connected(archive.port) as peer:
        user = UserInformation()
        peer.put(AssociateRequest("DICOMWEB", "A", ECHO_CONTEXT, user, protocol_version=2))
        assert await peer.pdu() == AssociateReject(1, 2, 2)


async def test_who_calls_another_is_rejected(archive):
    """ASSOC-02: called AE title not recognized, 1/1/7."""
    assert await answered(archive.port, called="SOMEBODY") == AssociateReject(1, 1, 7)


async def test_only_peers_may_call_when_that_is_set(archive_folder):
    """ASSOC-02: calling AE title not recognized, 1/1/3."""
    peers = {"FRIEND": Known(host="127.0.0.1", port=104)}
    settings = Settings(data=archive_folder, accept_unknown_peers=False, peers=peers)
    async with door_of(settings) as archive:
        assert await answered(archive.port, calling="STRANGER") == AssociateReject(1, 1, 3)
        assert isinstance(await answered(archive.port, calling="FRIEND"), AssociateAccept)


async def test_associations_have_a_limit_in_total_and_for_a_peer(archive_folder):
    """ASSOC-02: congestion 2/3/1, local limit 2/3/2."""
    settings = Settings(
        data=archive_folder, dimse_associations_max=2, dimse_associations_per_peer_max=1
    )
    async with (
        door_of(settings) as archive,
        associated(archive.port, VERIFICATION, calling="ONE") as one,
    ):
        assert await answered(archive.port, calling="ONE") == AssociateReject(2, 3, 1)
        async with associated(archive.port, VERIFICATION, calling="TWO"):
            assert await answered(archive.port, calling="THREE") == AssociateReject(2, 3, 2)
        await one.release()
        assert isinstance(await answered(archive.port, calling="THREE"), AssociateAccept)


async def test_each_context_is_answered_for_itself(archive):
    """ASSOC-03: PS3.8 9.3.3.2; one transfer syntax each."""
    answer = await answered(
        archive.port,
        Proposal(1, VERIFICATION, (IMPLICIT,)),
        Proposal(3, "1.2.840.10008.5.1.1.9", (IMPLICIT,)),
        Proposal(5, CT, ("1.2.3.4",)),
        Proposal(7, CT, (IMPLICIT, JPEG, EXPLICIT)),
    )
    assert isinstance(answer, AssociateAccept)
    assert [(one.id, one.result) for one in answer.contexts] == [(1, 0), (3, 3), (5, 4), (7, 0)]
    assert answer.contexts[3].transfer_syntax == JPEG


@pytest.mark.parametrize("sop_class", [VERIFICATION, CT, PATIENT_FIND, STUDY_GET, COMMITMENT])
async def test_implicit_little_endian_alone_is_enough(archive, sop_class):
    """ASSOC-04: PS3.5 10.1."""
    answer = await answered(archive.port, Proposal(1, sop_class, (IMPLICIT,)))
    assert (answer.contexts[0].result, answer.contexts[0].transfer_syntax) == (0, IMPLICIT)


@pytest.mark.parametrize(
    "proposed, chosen",
    [
        ((IMPLICIT, EXPLICIT), EXPLICIT),
        ((IMPLICIT, "1.2.840.10008.1.2.2"), "1.2.840.10008.1.2.2"),
        ((JPEG, EXPLICIT), JPEG),
        ((EXPLICIT, JPEG), EXPLICIT),
    ],
)  # fmt: skip
async def test_the_sender_chooses_the_syntax_but_explicit_goes_before_implicit(
    archive, proposed, chosen
):
    """ASSOC-06."""
    answer = await answered(archive.port, Proposal(1, CT, proposed))
    assert answer.contexts[0].transfer_syntax == chosen


async def test_128_contexts_are_answered(archive):
    """ASSOC-16: odd numbers up to 255 (PS3.8 7.1.1.13)."""
    proposals = [Proposal(number, CT, (EXPLICIT,)) for number in range(1, 256, 2)]
    answer = await answered(archive.port, *proposals)
    assert [one.id for one in answer.contexts] == list(range(1, 256, 2))
    assert {one.result for one in answer.contexts} == {0}


async def test_the_archive_says_what_it_is(archive):
    """ASSOC-08: PS3.7 D.3.3.2."""
    answer = await answered(archive.port)
    assert answer.user.implementation_class_uid.startswith("2.25.")
    assert 1 <= len(answer.user.implementation_version_name) <= 16


async def test_the_maximum_length_is_told_and_kept_to(archive):
    """ASSOC-07: PS3.7 D.3.3.1; a longer P-DATA-TF is an invalid PDU."""
    async with associated(archive.port, VERIFICATION) as peer:
        length = peer.accepted.user.maximum_length
        assert length == archive.door.limits.data_bytes_max
        peer.put(Data((Fragment(1, bytes(length + 2), False, False),)))
        assert await peer.pdu() == Abort(2, 6)


async def test_one_operation_at_a_time_is_what_is_negotiated(archive):
    """ASSOC-10: answered only when asked, 1/1 (PS3.7 D.3.3.3)."""
    assert (await answered(archive.port, window=(10, 10))).user.window == (1, 1)
    assert (await answered(archive.port)).user.window is None


@pytest.mark.parametrize(
    "sop_class, proposed, granted",
    [
        (CT, (False, True), (False, True)),
        (CT, (True, True), (True, True)),
        (CT, (True, False), (True, False)),
        (VERIFICATION, (True, True), (True, False)),
        (COMMITMENT, (True, False), (True, False)),
    ],
)
async def test_roles_are_granted_as_proposed_and_never_more(archive, sop_class, proposed, granted):
    """ASSOC-09: PS3.7 D.3.3.4."""
    scu, scp = proposed
    answer = await answered(
        archive.port, *contexts(sop_class), roles=(Role(sop_class, scu=scu, scp=scp),)
    )
    assert answer.user.roles == (Role(sop_class, *granted),)


async def test_without_a_proposed_role_none_is_answered(archive):
    """ASSOC-09."""
    assert (await answered(archive.port, *contexts(CT, VERIFICATION))).user.roles == ()


@pytest.mark.parametrize(
    "sop_class, offered, answer",
    [
        (PATIENT_FIND, b"\1", b"\1"),
        (PATIENT_FIND, b"\1\1\1", b"\1\1\1"),
        (PATIENT_FIND, b"\0\1\0", b"\0\1\0"),
        (STUDY_GET, b"\1", b"\1"),
        (STUDY_GET, b"\1\1", b"\1\0"),
        (CT, b"\2\0\3\0\0\0", b"\2\0\3\0\0\0"),
        (CT, b"\1\0", b"\2\0"),
    ],
)
async def test_extended_negotiation_says_what_both_can_do(archive, sop_class, offered, answer):
    """FIND-14, FIND-15, MOVE-17, STORE-08: PS3.4 C.5.1.1, C.5.2.1, B.3.1."""
    accepted = await answered(
        archive.port, *contexts(sop_class), extended=(Extended(sop_class, offered),)
    )
    assert accepted.user.extended == (Extended(sop_class, answer),)


async def test_what_was_not_offered_is_not_answered(archive):
    """FIND-15: no sub-item for a SOP class that had none, or that is not there."""
    offers = (Extended("1.2.840.10008.5.1.4.31", b"\1"),)
    accepted = await answered(archive.port, *contexts(PATIENT_FIND), extended=offers)
    assert accepted.user.extended == ()


async def test_a_private_sop_class_is_storage_when_it_says_so(archive_folder):
    """STORE-09, OBJ-15: PS3.4 B.4.1.2; leniently every private one is."""
    private = contexts("1.2.826.0.1.3680043.9.9")
    says = CommonExtended("1.2.826.0.1.3680043.9.9", "1.2.840.10008.4.2")
    async with door_of(Settings(data=archive_folder, strict=True)) as strict:
        assert (await answered(strict.port, *private)).contexts[0].result == 3
        accepted = await answered(strict.port, *private, common_extended=(says,))
        assert accepted.contexts[0].result == 0
    async with door_of(Settings(data=archive_folder)) as lenient:
        assert (await answered(lenient.port, *private)).contexts[0].result == 0


async def test_real_time_video_is_not_for_storage(archive):
    """ENC-16: SMPTE ST 2110, result 4."""
    proposal = Proposal(1, CT, ("1.2.840.10008.1.2.7.1",))
    assert (await answered(archive.port, proposal)).contexts[0].result == 4


# User identity -------------------------------------------------------------------------

USER = Identity(2, True, b"jane", b"secret")


@pytest.fixture
async def guarded(archive_folder):
    """An archive that wants to know who its users are."""
    settings = Settings(
        data=archive_folder, credentials={"jane": "secret"}, dimse_user_required=True
    )
    async with door_of(settings) as one:
        yield one


async def test_a_user_with_the_right_password_may_come(guarded):
    """ASSOC-11, SEC-04: PS3.7 D.3.3.7; the positive response that was asked for is given."""
    assert (await answered(guarded.port, identity=USER)).user.identity_response == b""
    quiet = Identity(2, False, b"jane", b"secret")
    assert (await answered(guarded.port, identity=quiet)).user.identity_response is None


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param(Identity(2, True, b"jane", b"guess"), id="a wrong password"),
        pytest.param(Identity(2, True, b"joe", b"secret"), id="an unknown user"),
        pytest.param(Identity(1, True, b"jane"), id="a name without password"),
        pytest.param(Identity(3, True, b"ticket"), id="a kind that is not known"),
        pytest.param(None, id="nobody"),
    ],
)
async def test_no_other_user_may(guarded, identity):
    """ASSOC-11: rejected without a reason to learn from, 1/1/1."""
    assert await answered(guarded.port, identity=identity) == AssociateReject(1, 1, 1)


async def test_without_credentials_nobody_is_checked(archive):
    """ASSOC-11: types 1 and 2 are answered; others are passed over and not answered."""
    for kind, response in ((1, b""), (2, b""), (5, None)):
        answer = await answered(archive.port, identity=Identity(kind, True, b"x"))
        assert answer.user.identity_response == response


async def test_a_request_that_is_recalled_is_answered_as_the_first_time(archive):
    """ASSOC-03, ASSOC-09: with its roles and features; titles are each one's own."""
    user = {"roles": (Role(CT, scu=False, scp=True),), "extended": (Extended(STUDY_GET, b"\1"),)}
    answers = [
        await answered(archive.port, *contexts(CT, STUDY_GET), calling=title, **user)
        for title in ("ONE", "ONE", "OTHER")
    ]
    assert answers[0] == answers[1] == replace(answers[2], calling="ONE")
    assert len(archive.door.granted) == 2


async def test_no_password_is_recalled(guarded):
    """ASSOC-11: nor who may come with it."""
    for _ in range(2):
        assert isinstance(await answered(guarded.port, identity=USER), AssociateAccept)
    assert guarded.door.granted == {}


# The end of it -------------------------------------------------------------------------


async def test_a_silent_connection_is_closed(archive_folder):
    """ASSOC-12: ARTIM (PS3.8 9.1.5)."""
    async with (
        door_of(Settings(data=archive_folder), artim_seconds=0.05) as archive,
        connected(archive.port) as peer,
    ):
        assert await peer.pdu() is None


async def test_an_idle_association_is_aborted(archive_folder):
    """ASSOC-15."""
    async with (
        door_of(Settings(data=archive_folder), idle_seconds=0.1) as archive,
        associated(archive.port, VERIFICATION) as peer,
    ):
        assert await peer.pdu() == Abort(0, 0)


async def test_a_malformed_command_aborts_only_its_association(archive):
    """ASSOC-15."""
    async with (
        associated(archive.port, VERIFICATION) as good,
        associated(archive.port, VERIFICATION) as bad,
    ):
        bad.put(Data((Fragment(1, b"\xff" * 20, True, True),)))
        assert await bad.pdu() == Abort(2, 6)
        assert (await good.ask(ECHO))[0].Status == 0


@pytest.mark.parametrize(
    "fragment",
    [
        pytest.param(Fragment(99, encode(ECHO), True, True), id="a context that was not granted"),
        pytest.param(Fragment(1, b"data", False, True), id="data without a command"),
        pytest.param(
            Fragment(1, encode(Command(0x8030, MessageIDBeingRespondedTo=5)), True, True),
            id="a response to nothing",
        ),
    ],
)
async def test_what_cannot_be_a_message_aborts(archive, fragment):
    """ASSOC-15."""
    async with associated(archive.port, VERIFICATION) as peer:
        peer.put(Data((fragment,)))
        assert await peer.pdu() == Abort(2, 6)


async def test_an_unrecognized_pdu_aborts(archive):
    """ASSOC-12: source 2, reason 1."""
    async with associated(archive.port, VERIFICATION) as peer:
        peer.writer.write(b"\x42\0\0\0\0\0")
        assert await peer.pdu() == Abort(2, 1)


async def test_a_second_request_aborts(archive):
    """ASSOC-12: source 2, reason 2."""
    async with associated(archive.port, VERIFICATION) as peer:
        assert await peer.associate(*ECHO_CONTEXT) == Abort(2, 2)


async def test_a_cancel_of_nothing_changes_nothing(archive):
    """PS3.7 9.3.2.3: there is no response to a C-CANCEL."""
    async with associated(archive.port, PATIENT_FIND, VERIFICATION) as peer:
        peer.send(Command(Message.C_CANCEL, MessageIDBeingRespondedTo=1))
        assert (await peer.ask(ECHO, context=3))[0].Status == 0


async def test_a_request_cut_into_bytes_is_answered(archive):
    """ASSOC-12."""
    async with connected(archive.port) as peer:
        request = AssociateRequest("DICOMWEB", "A", ECHO_CONTEXT, UserInformation())
        for byte in pdus.build(request):
            peer.writer.write(bytes((byte,)))
            await peer.writer.drain()
            await asyncio.sleep(0)
        assert isinstance(await peer.pdu(), AssociateAccept)


async def test_what_was_asked_before_a_release_is_answered_before_it(archive):
    async with associated(archive.port, VERIFICATION) as peer:
        peer.send(ECHO)
        peer.put(ReleaseRequest())
        assert (await peer.message())[0].Status == 0
        assert await peer.pdu() == ReleaseResponse()


async def test_associations_are_logged_in_one_line_and_counted(archive, caplog):
    """The issue's own: peer, services, counts, bytes, seconds; and no patient in it."""
    with caplog.at_level("INFO", "dimse_bridge.associations"):
        async with associated(archive.port, VERIFICATION, calling="MODALITY") as peer:
            await peer.ask(ECHO)
            await peer.release()
            assert await peer.pdu() is None
        await ended(archive)
    (line,) = caplog.messages
    assert line.startswith("MODALITY at 127.0.0.1 released: 1 echoed, ")
    metrics = (await archive.web.get("http://archive.test/metrics")).text
    assert "dicomweb_dimse_associations_total 1\n" in metrics
    assert "dicomweb_dimse_echo_total 1\n" in metrics
    assert "dicomweb_dimse_associations_open 0\n" in metrics


async def ended(archive) -> None:
    async with asyncio.timeout(30):
        while archive.door.associations:
            await asyncio.sleep(0)


@pytest.mark.skipif(shutil.which("echoscu") is None, reason="echoscu comes with Debian's dcmtk.")
async def test_dcmtk_echoes(archive):
    """ASSOC-13."""
    command = ["echoscu", "-v", "-aec", "DICOMWEB", "127.0.0.1", str(archive.port)]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "Received Echo Response (Success)" in done.stdout + done.stderr
