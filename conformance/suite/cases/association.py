"""Associations, presentation contexts and C-ECHO (PS3.7 9.1.5, D.3; PS3.8 7.1, 9.3)."""

from __future__ import annotations

import struct

from conformance.suite import material
from conformance.suite.answer import Answer
from conformance.suite.case import Case, Kind, Step
from conformance.suite.checks import holds
from conformance.suite.operations import (
    PATIENT_FIND,
    PATIENT_GET,
    PATIENT_MOVE,
    STUDY_FIND,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    Associate,
    Context,
    Echo,
    Raw,
)

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_STORAGE = "1.2.840.10008.5.1.4.1.1."
# fmt: off
CLASSES = {
    "CR": "1", "DX": "1.1", "MG": "1.2", "CT": "2", "enhanced CT": "2.1", "US multi-frame": "3.1",
    "MR": "4", "enhanced MR": "4.1", "US": "6.1", "secondary capture": "7", "12-lead ECG": "9.1.1",
    "presentation state": "11.1", "XA": "12.1", "NM": "20", "raw data": "66", "segmentation": "66.4",
    "VL photographic": "77.1.4", "whole slide": "77.1.6", "basic text SR": "88.11",
    "enhanced SR": "88.22", "comprehensive SR": "88.33", "key object": "88.59", "PDF": "104.1",
    "PET": "128", "RT dose": "481.2", "RT structure set": "481.3", "RT plan": "481.5",
}
# fmt: on
PRINT = "1.2.840.10008.5.1.1.9"
"""Basic Grayscale Print Management: nothing that an archive does."""
REFUSED = -1


def _item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(content)) + content


def _request(called: str = "ANY-SCP", version: int = 1, application: str = "") -> bytes:
    """An A-ASSOCIATE-RQ for Verification (PS3.8 9.3.2)."""
    context = _item(0x30, VERIFICATION.encode()) + _item(0x40, IMPLICIT.encode())
    user = _item(0x51, struct.pack(">L", 16384)) + _item(0x52, b"1.2.3.4")
    body = (
        struct.pack(">HH", version, 0)
        + called.ljust(16).encode()
        + b"SUITE".ljust(16)
        + bytes(32)
        + _item(0x10, (application or "1.2.840.10008.3.1.1.1").encode())
        + _item(0x20, b"\x01\0\0\0" + context)
        + _item(0x50, user)
    )
    return struct.pack(">BBL", 1, 0, len(body)) + body


def _rejected(source: int, reason: int):  # type: ignore[no-untyped-def]
    def test(answer: Answer) -> bool:
        return answer.body[:1] == b"\x03" and tuple(answer.body[8:10]) == (source, reason)

    return test


def _aborted(answer: Answer) -> bool:
    return answer.body[:1] in (b"\x07", b"\x03", b"")


def _accepts(answer: Answer, *classes: str) -> bool:
    return all(answer.contexts.get(uid) for uid in classes)


def _negotiated(name: str, what: str, *classes: str, item: str, kind: Kind = Kind.SHALL) -> Case:
    return Case(
        id=f"association-{name}",
        says=f"{what} is negotiated.",
        item=item,
        clause="PS3.4 C.6",
        kind=kind,
        needs=("echo",),
        request=Associate(tuple(Context(uid) for uid in classes)),
        status=0,
        checks=(holds("the context is accepted", lambda a: _accepts(a, *classes)),),
    )


CASES = (
    Case(
        id="echo",
        says="C-ECHO succeeds.",
        item="ASSOC-13",
        clause="PS3.7 9.1.5",
        request=Echo(),
        status=0,
    ),
    Case(
        id="echo-response",
        says="The response names message, command and SOP class, and has no data set.",
        item="ASSOC-14",
        clause="PS3.7 9.3.5.2",
        needs=("echo",),
        request=Echo(),
        status=0,
        checks=(
            holds("it answers message 77", lambda a: a.final.MessageIDBeingRespondedTo == 77),
            holds("it is a C-ECHO-RSP", lambda a: a.final.CommandField == 0x8030),
            holds("it has no data set", lambda a: a.final.CommandDataSetType == 0x0101),
            holds(
                "the class is Verification, if it is there",
                lambda a: a.final.get("AffectedSOPClassUID", VERIFICATION) == VERIFICATION,
            ),
        ),
    ),
    Case(
        id="echo-small-pdus",
        says="A small maximum length is kept to.",
        item="ASSOC-07",
        clause="PS3.8 D.1",
        needs=("echo",),
        request=Echo(pdu_bytes_max=4096),
        status=0,
    ),
    Case(
        id="echo-unlimited-pdus",
        says="A maximum length of 0 is no limit.",
        item="ASSOC-07",
        clause="PS3.8 D.1.1",
        needs=("echo",),
        request=Echo(pdu_bytes_max=0),
        status=0,
    ),
    Case(
        id="association-implementation",
        says="The acceptor names its implementation.",
        item="ASSOC-08",
        clause="PS3.7 D.3.3.2",
        needs=("echo",),
        request=Associate(),
        status=0,
        checks=(
            holds(
                "there is an Implementation Class UID",
                lambda a: a.association.acceptor.implementation_class_uid,
            ),
            holds(
                "the version name has 16 characters at most",
                lambda a: len(a.association.acceptor.implementation_version_name or "") <= 16,
            ),
        ),
    ),
    Case(
        id="association-maximum-length",
        says="The acceptor names the length it takes.",
        item="ASSOC-07",
        clause="PS3.8 D.1",
        needs=("echo",),
        request=Associate(),
        status=0,
        checks=(
            holds("it is a number", lambda a: a.association.acceptor.maximum_length is not None),
        ),
    ),
    Case(
        id="context-implicit",
        says="Implicit VR Little Endian is accepted for a class that is supported.",
        item="ASSOC-04",
        clause="PS3.5 10.1",
        needs=("echo",),
        request=Associate((Context(material.CT, (IMPLICIT,)),)),
        status=0,
        checks=(holds("it is accepted as such", lambda a: a.contexts[material.CT] == IMPLICIT),),
    ),
    Case(
        id="context-one-syntax",
        says="One of the proposed transfer syntaxes is chosen.",
        item="ASSOC-03",
        clause="PS3.8 9.3.3.2",
        needs=("echo",),
        request=Associate((Context(material.CT, (EXPLICIT, IMPLICIT)),)),
        status=0,
        checks=(
            holds(
                "it is one of the two", lambda a: a.contexts[material.CT] in (EXPLICIT, IMPLICIT)
            ),
        ),
    ),
    Case(
        id="context-unknown-class",
        says="A class that is not supported is refused, the others are accepted.",
        item="ASSOC-03",
        clause="PS3.8 9.3.3.2",
        needs=("echo",),
        request=Associate((Context(PRINT), Context(VERIFICATION))),
        status=0,
        checks=(
            holds("Verification is accepted", lambda a: a.contexts[VERIFICATION]),
            holds(
                "the other is refused, with result 3",
                lambda a: [c.result for c in a.association.rejected_contexts] == [3],
            ),
        ),
    ),
    Case(
        id="context-unknown-syntax",
        says="A transfer syntax that is not supported is refused.",
        item="ASSOC-03",
        clause="PS3.8 9.3.3.2",
        needs=("echo",),
        request=Associate(
            (Context(material.CT, ("1.2.826.0.1.3680043.8.498.8",)), Context(VERIFICATION))
        ),
        status=0,
        checks=(
            holds(
                "it is refused, with result 4",
                lambda a: [c.result for c in a.association.rejected_contexts] == [4],
            ),
        ),
    ),
    Case(
        id="context-real-time-video",
        says="Transfer syntaxes of real-time video are not for storage.",
        item="ENC-16",
        clause="PS3.22",
        kind=Kind.SHOULD,
        needs=("echo",),
        request=Associate(
            (Context(material.CT, ("1.2.840.10008.1.2.7.1",)), Context(VERIFICATION))
        ),
        status=0,
        checks=(holds("it is refused", lambda a: a.contexts[material.CT] is None),),
    ),
    Case(
        id="context-128",
        says="An association of 128 presentation contexts is accepted.",
        item="ASSOC-16",
        clause="PS3.8 7.1.1.13",
        kind=Kind.SHOULD,
        needs=("echo",),
        request=Associate(
            tuple(
                Context(f"{_STORAGE}{number}" if number < 128 else VERIFICATION, (IMPLICIT,))
                for number in range(1, 129)
            )
        ),
        status=0,
        checks=(holds("Verification is accepted", lambda a: a.contexts[VERIFICATION]),),
    ),
    *(
        Case(
            id=f"context-{name.replace(' ', '-')}",
            says=f"Storage of {name} is accepted.",
            item="STORE-12",
            clause="PS3.4 B.5",
            kind=Kind.SHOULD,
            needs=("echo",),
            request=Associate((Context(_STORAGE + suffix), Context(VERIFICATION))),
            status=0,
            checks=(
                holds(
                    "the context is accepted",
                    lambda a, uid=_STORAGE + suffix: _accepts(a, uid),  # type: ignore[misc]
                ),
            ),
        )
        for name, suffix in CLASSES.items()
    ),
    *(
        Case(
            id=f"context-syntax-{name.replace(' ', '-')}",
            says=f"{name} is accepted for storing.",
            item="STORE-12, ENC-01",
            clause="PS3.5 10",
            kind=Kind.SHOULD,
            needs=("echo",),
            request=Associate((Context(material.CT, (uid,)), Context(VERIFICATION))),
            status=0,
            checks=(holds("the context is accepted", lambda a: _accepts(a, material.CT)),),
        )
        for name, uid in (
            ("JPEG baseline", "1.2.840.10008.1.2.4.50"),
            ("JPEG lossless", "1.2.840.10008.1.2.4.70"),
            ("JPEG-LS", "1.2.840.10008.1.2.4.80"),
            ("JPEG 2000", "1.2.840.10008.1.2.4.90"),
            ("HTJ2K", "1.2.840.10008.1.2.4.201"),
            ("RLE", "1.2.840.10008.1.2.5"),
            ("deflated", "1.2.840.10008.1.2.1.99"),
            ("big endian", "1.2.840.10008.1.2.2"),
        )
    ),
    _negotiated("find", "C-FIND in both roots", PATIENT_FIND, STUDY_FIND, item="FIND-01"),
    _negotiated("move", "C-MOVE in both roots", PATIENT_MOVE, STUDY_MOVE, item="MOVE-01"),
    _negotiated("get", "C-GET in both roots", PATIENT_GET, STUDY_GET, item="MOVE-01"),
    Case(
        id="association-role",
        says="The SCP role that is asked for with C-GET is granted.",
        item="ASSOC-09",
        clause="PS3.7 D.3.3.4",
        needs=("association-get",),
        request=Associate((Context(STUDY_GET), Context(material.CT, scp=True))),
        status=0,
        checks=(
            holds(
                "the context is accepted with the role",
                lambda a: any(
                    c.abstract_syntax == material.CT and c.as_scp
                    for c in a.association.accepted_contexts
                ),
            ),
        ),
    ),
    Case(
        id="association-no-role",
        says="A role that is not asked for is not granted.",
        item="ASSOC-09",
        clause="PS3.7 D.3.3.4",
        needs=("association-get",),
        request=Associate((Context(STUDY_GET), Context(material.CT))),
        status=0,
        checks=(
            holds(
                "no context has the role",
                lambda a: not any(c.as_scp for c in a.association.accepted_contexts),
            ),
        ),
    ),
    Case(
        id="association-other-called",
        says="An unknown called AE title is rejected, or any title is welcome.",
        item="ASSOC-02",
        clause="PS3.8 9.3.4",
        kind=Kind.MAY,
        needs=("echo",),
        request=Associate(called="NOBODY"),
        status=(0, REFUSED),
    ),
    Case(
        id="association-application-context",
        says="Another application context is rejected: permanently, by the user, as not supported.",
        item="ASSOC-01",
        clause="PS3.8 9.3.4",
        needs=("echo",),
        request=Raw(_request(application="1.2.3")),
        status=0,
        checks=(
            holds(
                "it is A-ASSOCIATE-RJ with source 1 and reason 2, or 1 and 7 for the title",
                lambda a: _rejected(1, 2)(a) or _rejected(1, 7)(a),
            ),
        ),
    ),
    Case(
        id="association-protocol-version",
        says="Another version of the protocol is rejected.",
        item="ASSOC-02",
        clause="PS3.8 9.3.2",
        needs=("echo",),
        request=Raw(_request(version=2)),
        status=0,
        checks=(
            holds(
                "it is A-ASSOCIATE-RJ with source 2 and reason 2",
                lambda a: _rejected(2, 2)(a),
            ),
        ),
    ),
    Case(
        id="association-unknown-pdu",
        says="A PDU of an unknown type ends the connection.",
        item="ASSOC-12",
        clause="PS3.8 9.2",
        needs=("echo",),
        request=Raw(b"\x99\x00\x00\x00\x00\x04abcd"),
        status=0,
        checks=(holds("it is A-ABORT or closed", _aborted),),
        then=(Step(Echo(), 0),),
    ),
    Case(
        id="association-unexpected-pdu",
        says="Data before an association end the connection.",
        item="ASSOC-12",
        clause="PS3.8 9.2",
        needs=("echo",),
        request=Raw(b"\x04\x00\x00\x00\x00\x06\x00\x00\x00\x02\x01\x03"),
        status=0,
        checks=(holds("it is A-ABORT or closed", _aborted),),
        then=(Step(Echo(), 0),),
    ),
    Case(
        id="association-hostile-length",
        says="A request that says it is four gigabytes long ends the connection.",
        item="ASSOC-15",
        clause="PS3.8 9.2",
        kind=Kind.SHOULD,
        needs=("echo",),
        request=Raw(b"\x01\x00\xff\xff\xff\xff" + bytes(200_000)),
        status=0,
        checks=(holds("it is A-ABORT, rejected or closed", _aborted),),
        then=(Step(Echo(), 0),),
    ),
)
