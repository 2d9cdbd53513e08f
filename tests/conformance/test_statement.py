"""What the statement says of associations is true of the running server."""

from __future__ import annotations

import pytest
from pynetdicom import AE, build_context

from schemas.services import SOP_CLASSES
from schemas.syntaxes import EXPLICIT_VR_LE, IMPLICIT_VR_LE, SYNTAXES
from tests.process import free_port, serving

CT = "1.2.840.10008.5.1.4.1.1.2"
CONTEXTS_MAX = 128


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    port = free_port()
    with serving(tmp_path_factory.mktemp("stated"), "--dimse-port", str(port)):
        yield port


def accepted(port: int, contexts) -> set[tuple[str, str]]:
    """Of these pairs of classes and syntaxes, those that the server accepts."""
    proposed = [build_context(abstract, syntaxes) for abstract, syntaxes in contexts]
    association = AE().associate("127.0.0.1", port, proposed, ae_title="DICOMWEB")
    assert association.is_established
    found = {
        (str(context.abstract_syntax), str(context.transfer_syntax[0]))
        for context in association.accepted_contexts
    }
    association.release()
    return found


def test_every_sop_class_that_is_stated_is_accepted(port):
    """CONF-08, STORE-12 (PS3.2 N.5.2)."""
    uids = [row.uid for row in SOP_CLASSES]
    both = [EXPLICIT_VR_LE.uid, IMPLICIT_VR_LE.uid]
    taken: set[str] = set()
    for at in range(0, len(uids), CONTEXTS_MAX):
        asked = [(uid, both) for uid in uids[at : at + CONTEXTS_MAX]]
        taken |= {abstract for abstract, _ in accepted(port, asked)}
    assert taken == set(uids)


def test_every_transfer_syntax_that_is_stated_is_accepted_for_storing(port):
    """CONF-02, ENC-01 (PS3.2 N.5.1)."""
    uids = [row.uid for row in SYNTAXES]
    taken = accepted(port, [(CT, [uid]) for uid in uids])
    assert {syntax for _, syntax in taken} == set(uids)
