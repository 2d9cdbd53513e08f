"""Negotiation: an A-ASSOCIATE-RQ becomes an answer and the contexts it grants (PS3.7 D.3).

Pure: who may come, and what is supported, is told by a Policy.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from dimse_bridge.wire import items
from dimse_bridge.wire.items import (
    Answer,
    Extended,
    Identity,
    IdentityType,
    Proposal,
    Result,
    Role,
    UserInformation,
)
from dimse_bridge.wire.pdus import (
    APPLICATION_CONTEXT,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    build,
)
from schemas.services import STORAGE_SERVICE, Service, SopClass, sop_class_of
from schemas.syntaxes import BY_UID, EXPLICIT_VR_BE, EXPLICIT_VR_LE, IMPLICIT_VR_LE, TransferSyntax

PERMANENT, TRANSIENT = 1, 2
USER, ACSE, PRESENTATION = 1, 2, 3

# Result, source and reason of a rejection (PS3.8 Table 9-21).
NO_REASON = AssociateReject(PERMANENT, USER, 1)
APPLICATION_CONTEXT_UNKNOWN = AssociateReject(PERMANENT, USER, 2)
CALLING_UNKNOWN = AssociateReject(PERMANENT, USER, 3)
CALLED_UNKNOWN = AssociateReject(PERMANENT, USER, 7)
PROTOCOL_VERSION_UNKNOWN = AssociateReject(PERMANENT, ACSE, 2)
CONGESTION = AssociateReject(TRANSIENT, PRESENTATION, 1)
LIMIT_EXCEEDED = AssociateReject(TRANSIENT, PRESENTATION, 2)

WINDOW = (1, 1)
"""One operation at a time is what we invoke and perform (PS3.7 D.3.3.3)."""

_LAST_RESORTS = (EXPLICIT_VR_BE.uid, IMPLICIT_VR_LE.uid)
_MESSAGE_SYNTAXES = (EXPLICIT_VR_LE.uid, IMPLICIT_VR_LE.uid)
"""Of identifiers, the best first."""

FIND_FEATURES = bytes((1, 1, 1, 1, 0, 1, 1))
"""What C-FIND can do, a byte each (PS3.4 C.5.1.1): relational queries, combined date-time matching,
fuzzy matching of names, timezone adjustment, matching of empty values and of multiple values; but
it has no enhanced multi-frame image conversion.
"""
RETRIEVE_FEATURES = bytes((1, 0))
"""What C-MOVE and C-GET can do (PS3.4 C.5.2.1): relational retrieval, but no conversion."""
STORE_FEATURES = bytes((2, 0, 3, 0, 0, 0))
"""PS3.4 B.3.1: level 2, everything is kept; signatures survive, bit for bit; nothing is coerced."""

_FEATURES = {
    Service.FIND: FIND_FEATURES,
    Service.MOVE: RETRIEVE_FEATURES,
    Service.GET: RETRIEVE_FEATURES,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may come, and how strictly the standard is read."""

    ae_title: str
    callers: frozenset[str] | None = None
    """AE titles that may call; None: any."""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Passwords by user name."""
    user_required: bool = False
    strict: bool = False
    data_bytes_max: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """A presentation context that was granted."""

    id: int
    sop_class: SopClass
    syntax: TransferSyntax
    peer_is_scu: bool = True
    peer_is_scp: bool = False
    features: bytes = b""
    """Of the extended negotiation: what both ends can do, a byte each."""

    def has(self, feature: int) -> bool:
        """Whether the feature with this number, counted from one, was negotiated."""
        return len(self.features) >= feature and self.features[feature - 1] == 1


RELATIONAL, COMBINED_DATE_TIME, FUZZY_NAMES, TIMEZONE = 1, 2, 3, 4
EMPTY_VALUES, MULTIPLE_VALUES = 6, 7
"""Numbers of features (PS3.4 C.5.1.1)."""


@dataclass(frozen=True, slots=True)
class Granted:
    accept: AssociateAccept
    encoded: bytes = field(repr=False)
    """The PDU of it."""
    contexts: Mapping[int, Context]


def negotiate(request: AssociateRequest, policy: Policy) -> Granted | AssociateReject:
    """What `policy` makes of `request`."""
    refused = _refusal(request, policy)
    if refused is not None:
        return refused
    contexts: dict[int, Context] = {}
    answers = []
    for proposal in request.contexts:
        answer, context = _answer(proposal, request.user, policy)
        answers.append(answer)
        if context is not None:
            contexts[proposal.id] = context
    user = UserInformation(
        maximum_length=policy.data_bytes_max,
        window=WINDOW if request.user.window is not None else None,
        roles=_roles(request.user, contexts),
        extended=_extended(request.user, contexts),
        identity_response=_identity_response(request.user.identity),
    )
    accept = AssociateAccept(request.called, request.calling, tuple(answers), user)
    return Granted(accept, build(accept), contexts)


def _refusal(request: AssociateRequest, policy: Policy) -> AssociateReject | None:
    if not request.protocol_version & 1:
        return PROTOCOL_VERSION_UNKNOWN
    if request.application_context != APPLICATION_CONTEXT:
        return APPLICATION_CONTEXT_UNKNOWN
    if request.called != policy.ae_title:
        return CALLED_UNKNOWN
    if policy.callers is not None and request.calling not in policy.callers:
        return CALLING_UNKNOWN
    return None if _is_welcome(request.user.identity, policy) else NO_REASON


def _is_welcome(identity: Identity | None, policy: Policy) -> bool:
    """PS3.7 D.3.3.7: of the kinds of identity we know those with a user name."""
    if identity is None or identity.type not in tuple(IdentityType):
        return not policy.user_required
    if not policy.credentials:
        return True
    name = identity.primary.decode("utf-8", "replace")
    password = policy.credentials.get(name)
    if password is None or identity.type == IdentityType.USERNAME:
        return False
    return hmac.compare_digest(password.encode(), identity.secondary)


def _identity_response(identity: Identity | None) -> bytes | None:
    """Empty for user names; not given to a kind of identity we do not know (PS3.7 D.3.3.7.2)."""
    if identity is None or not identity.response_requested:
        return None
    return b"" if identity.type in tuple(IdentityType) else None


def _answer(
    proposal: Proposal, user: UserInformation, policy: Policy
) -> tuple[Answer, Context | None]:
    sop_class = sop_class_of(
        proposal.abstract_syntax,
        storage=_says_storage(proposal.abstract_syntax, user),
        strict=policy.strict,
    )
    if sop_class is None:
        return _refused(proposal, Result.ABSTRACT_SYNTAX_NOT_SUPPORTED), None
    syntax = _syntax(sop_class, proposal.transfer_syntaxes)
    if syntax is None:
        return _refused(proposal, Result.TRANSFER_SYNTAXES_NOT_SUPPORTED), None
    role = _role(sop_class, user)
    context = Context(
        proposal.id,
        sop_class,
        syntax,
        peer_is_scu=role.scu,
        peer_is_scp=role.scp,
        features=_features(sop_class, user),
    )
    return Answer(proposal.id, Result.ACCEPTED, syntax.uid), context


def _refused(proposal: Proposal, result: Result) -> Answer:
    """The transfer syntax of a refusal is not looked at, but has to be one (PS3.8 9.3.3.2)."""
    return Answer(proposal.id, result, proposal.transfer_syntaxes[0])


def _says_storage(uid: str, user: UserInformation) -> bool:
    return any(
        common.SOPClassUID == uid and common.ServiceClassUID == STORAGE_SERVICE
        for common in user.common_extended
    )


def _syntax(sop_class: SopClass, proposed: tuple[str, ...]) -> TransferSyntax | None:
    """An object comes as its sender likes best, but explicit little endian before the others."""
    if sop_class.service is not Service.STORE:
        return next((BY_UID[uid] for uid in _MESSAGE_SYNTAXES if uid in proposed), None)
    known = [uid for uid in proposed if uid in BY_UID]
    known.sort(key=lambda uid: uid in _LAST_RESORTS and 1 + _LAST_RESORTS.index(uid))
    return BY_UID[known[0]] if known else None


def _role(sop_class: SopClass, user: UserInformation) -> Role:
    """What is granted of what is proposed; without a proposal the requestor is SCU (D.3.3.4)."""
    proposed = next((role for role in user.roles if role.SOPClassUID == sop_class.uid), None)
    if proposed is None:
        return Role(sop_class.uid, scu=True, scp=False)
    can_be_scp = sop_class.service is Service.STORE
    return Role(sop_class.uid, scu=proposed.scu, scp=proposed.scp and can_be_scp)


def _roles(user: UserInformation, contexts: Mapping[int, Context]) -> tuple[Role, ...]:
    granted = {context.sop_class.uid: context for context in contexts.values()}
    return tuple(
        Role(uid, granted[uid].peer_is_scu, granted[uid].peer_is_scp)
        for uid in dict.fromkeys(role.SOPClassUID for role in user.roles)
        if uid in granted
    )


def _features(sop_class: SopClass, user: UserInformation) -> bytes:
    """A byte for each that was offered and that we know; a shorter offer is taken as it is."""
    offered = next(
        (one.information for one in user.extended if one.SOPClassUID == sop_class.uid), None
    )
    if offered is None:
        return b""
    if sop_class.service is Service.STORE:
        return STORE_FEATURES[: len(offered)]
    able = _FEATURES.get(sop_class.service, b"")
    return bytes(asked & can for asked, can in zip(offered, able, strict=False))


def _extended(user: UserInformation, contexts: Mapping[int, Context]) -> tuple[Extended, ...]:
    granted = {c.sop_class.uid: c.features for c in contexts.values() if c.features}
    return tuple(
        Extended(uid, granted[uid])
        for uid in dict.fromkeys(one.SOPClassUID for one in user.extended)
        if uid in granted
    )


# As requestor --------------------------------------------------------------------


def propose(
    wanted: Mapping[str, tuple[tuple[TransferSyntax, ...], ...]],
) -> tuple[Proposal, ...]:
    """A presentation context for each list of transfer syntaxes of each SOP class."""
    listed = [(uid, syntaxes) for uid, several in wanted.items() for syntaxes in several]
    assert len(listed) <= items.CONTEXTS_MAX, "an association has so many contexts"
    return tuple(
        Proposal(2 * number + 1, uid, tuple(syntax.uid for syntax in syntaxes))
        for number, (uid, syntaxes) in enumerate(listed)
    )


def granted(request: AssociateRequest, accept: AssociateAccept) -> dict[int, Context]:
    """The contexts that the acceptor granted; one it made up is passed over."""
    proposed = {proposal.id: proposal for proposal in request.contexts}
    contexts = {}
    for answer in accept.contexts:
        proposal = proposed.get(answer.id)
        if proposal is None or answer.result != Result.ACCEPTED:
            continue
        if answer.transfer_syntax not in proposal.transfer_syntaxes:
            continue
        sop_class = sop_class_of(proposal.abstract_syntax, storage=True)
        syntax = BY_UID.get(answer.transfer_syntax)
        syntax = syntax or TransferSyntax(answer.transfer_syntax, answer.transfer_syntax, "")
        assert sop_class is not None, "with storage there is always a row"
        contexts[answer.id] = Context(
            answer.id, sop_class, syntax, peer_is_scu=False, peer_is_scp=True
        )
    return contexts
