"""Requestor: associations that we ask for, with the peers that are configured."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from dicomweb.settings import Peer, Settings
from dimse_bridge.association import Association
from dimse_bridge.exchange import Gone, Rejected
from dimse_bridge.limits import Limits
from dimse_bridge.negotiation import granted, propose
from dimse_bridge.tls import connecting
from dimse_bridge.wire.commands import Command, Message
from dimse_bridge.wire.items import CONTEXTS_MAX, Role, UserInformation
from dimse_bridge.wire.pdus import AssociateAccept, AssociateRequest
from schemas.services import VERIFICATION
from schemas.syntaxes import EXPLICIT_VR_LE, IMPLICIT_VR_LE, TransferSyntax, syntax_of

CONNECT_SECONDS = 10

Wanted = dict[str, tuple[tuple[TransferSyntax, ...], ...]]
"""By SOP class: lists of transfer syntaxes, a presentation context each."""

NATIVE = (EXPLICIT_VR_LE, IMPLICIT_VR_LE)


class NoAssociation(Exception):  # noqa: N818 - it says what is the case
    """A peer cannot be reached, or does not want us."""


@asynccontextmanager
async def associated(
    settings: Settings,
    title: str,
    peer: Peer,
    wanted: Wanted,
    roles: tuple[Role, ...] = (),
) -> AsyncIterator[Association]:
    """An association with `peer`, which is called `title`; released at the end of the context.

    Raises NoAssociation; in the context Gone, when it breaks.
    """
    association = await open_association(settings, title, peer, wanted, roles)
    try:
        yield association
        if not association.ended:
            await association.release()
    except Gone:
        association.abort()
        raise
    finally:
        if not association.ended:
            association.abort()


async def open_association(
    settings: Settings, title: str, peer: Peer, wanted: Wanted, roles: tuple[Role, ...] = ()
) -> Association:
    """An association with `peer`, to be released by the caller.  Raises NoAssociation."""
    limits = Limits.of(settings)
    user = UserInformation(maximum_length=limits.data_bytes_max, roles=roles)
    request = AssociateRequest(title, settings.ae_title, propose(wanted), user)
    where = f"{title} at {peer.host} port {peer.port}"
    association: Association | None = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS + limits.artim_seconds):
            association = await _connect(settings, peer, limits, request)
            accept = await association.opening()
    except (OSError, ssl.SSLError) as error:
        raise NoAssociation(f"{where} cannot be reached: {error.strerror or error}.") from None
    except (Gone, Rejected) as error:
        raise NoAssociation(f"{where}: {error}") from None
    except TimeoutError:
        if association is not None:
            association.abort()
        raise NoAssociation(f"{where} does not answer.") from None
    assert isinstance(accept, AssociateAccept), "a requestor is answered"
    association.contexts = granted(request, accept)
    return association


async def _connect(
    settings: Settings, peer: Peer, limits: Limits, request: AssociateRequest
) -> Association:
    async with asyncio.timeout(CONNECT_SECONDS):
        _, association = await asyncio.get_running_loop().create_connection(
            lambda: Association(limits, request=request),
            peer.host,
            peer.port,
            ssl=connecting(settings) if peer.tls else None,
        )
    return association


async def echo(settings: Settings, title: str, peer: Peer) -> int:
    """The status of a C-ECHO (PS3.7 9.1.5).  Raises NoAssociation, Gone."""
    async with associated(settings, title, peer, {VERIFICATION.uid: (NATIVE,)}) as association:
        context = next(iter(association.contexts.values()), None)
        if context is None:
            raise NoAssociation(f"{title} does not do Verification.")
        number = association.next_message_id()
        command = Command(Message.C_ECHO, AffectedSOPClassUID=VERIFICATION.uid, MessageID=number)
        response = await association.ask(context.id, command)
        return response.Status or 0


def contexts_for(kinds: Iterable[tuple[str, str]]) -> Wanted:
    """What to propose to send instances of these SOP classes and transfer syntaxes.

    Each as it is stored, in a context of its own, and in the two that every device knows (PS3.5
    10.1).  What goes beyond the places of an association cannot be sent as it is stored, or not at
    all.
    """
    stored: dict[str, list[str]] = {}
    for sop_class, syntax in sorted(kinds):
        stored.setdefault(sop_class, []).append(syntax)
    wanted: Wanted = dict.fromkeys(list(stored)[:CONTEXTS_MAX], (NATIVE,))
    places = CONTEXTS_MAX - len(wanted)
    for uid, syntaxes in stored.items():
        own = [(syntax_of(one),) for one in syntaxes if syntax_of(one) not in NATIVE][:places]
        if uid in wanted and own:
            wanted[uid] = (*own, *wanted[uid])
            places -= len(own)
    return wanted
