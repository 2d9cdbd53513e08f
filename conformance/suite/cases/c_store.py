"""C-STORE (PS3.4 B, PS3.7 9.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from conformance.suite import material
from conformance.suite.answer import Answer
from conformance.suite.case import Case, Kind, Step
from conformance.suite.checks import holds
from conformance.suite.material import Thing
from conformance.suite.operations import Find, Get, Store
from conformance.suite.session import Session

Maker = Callable[[Session], Sequence[Thing]]
MISMATCH = range(0xA900, 0xAA00)
NOT_UNDERSTOOD = range(0xC000, 0xD000)
FAILURES = (*range(0xA700, 0xA800), *MISMATCH, *NOT_UNDERSTOOD, 0x0110, 0x0117, 0x0122)


def image(syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> Maker:
    """A fresh image; `session.sent` remembers it."""

    def make(session: Session) -> Sequence[Thing]:
        dataset = material.image(session.token, PatientID=f"{session.token}-D", **attributes)
        session.sent[:] = [Thing(dataset, syntax)]
        return session.sent

    return make


def copy_of(name: str) -> Maker:
    """A thing of the material under fresh UIDs."""

    def make(session: Session) -> Sequence[Thing]:
        thing = session.thing(name)
        dataset = deepcopy(thing.dataset)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(dataset, keyword, session.fresh())
        if dataset.PatientID:
            dataset.PatientID = f"{session.token}-D"
        session.sent[:] = [Thing(dataset, thing.syntax)]
        return session.sent

    return make


def _again(session: Session) -> Sequence[Thing]:
    return session.sent


def _changed(session: Session) -> Sequence[Thing]:
    dataset = deepcopy(session.sent[0].dataset)
    dataset.Manufacturer = "Another"
    return [Thing(dataset)]


def keys(session: Session) -> dict[str, str]:
    """The unique keys of what was sent last."""
    sent = session.sent[0]
    return {
        "StudyInstanceUID": sent.study_uid,
        "SeriesInstanceUID": sent.series_uid,
        "SOPInstanceUID": sent.uid,
    }


def _found(number: int) -> Step:
    return Step(
        lambda s: Find("IMAGE", keys(s)),
        0,
        (holds(f"{number} are found", lambda a: len(a.identifiers) == number),),
    )


def _stored(name: str, says: str, maker: Maker, item: str, kind: Kind = Kind.SHALL) -> Case:
    return Case(
        id=f"c-store-{name}",
        says=says,
        item=item,
        clause="PS3.4 B.2.3",
        kind=kind,
        needs=("c-store",) if name else (),
        request=Store(maker),
        status=0,
        then=(_found(1),),
    )


def _refused(name: str, says: str, operation: Store, item: str, *statuses: int) -> Case:
    return Case(
        id=f"c-store-{name}",
        says=says,
        item=item,
        clause="PS3.4 Table B.2-1",
        needs=("c-store",),
        request=operation,
        status=statuses or FAILURES,
        then=(_found(0),),
    )


def _same(answer: Answer) -> bool:
    received = deepcopy(answer.received[0])
    sent = answer.session.sent[0].dataset
    return [element.tag for element in received] == [element.tag for element in sent] and all(
        received[element.tag].value == element.value for element in sent
    )


CASES = (
    Case(
        id="c-store",
        says="An object is stored, and found at once.",
        item="STORE-01",
        clause="PS3.4 B.2.3",
        request=Store(image()),
        status=0,
        then=(_found(1),),
    ),
    _stored(
        "implicit", "An object in Implicit VR is stored.", image(ImplicitVRLittleEndian), "STORE-12"
    ),
    _stored(
        "deflated",
        "A deflated object is stored.",
        image(DeflatedExplicitVRLittleEndian),
        "STORE-12, ENC-10",
        Kind.SHOULD,
    ),
    _stored(
        "big-endian",
        "An object in big endian is stored.",
        image(ExplicitVRBigEndian),
        "STORE-12",
        Kind.MAY,
    ),
    _stored("rle", "An object in RLE is stored.", copy_of("rle"), "STORE-12", Kind.SHOULD),
    _stored("jpeg", "An object in JPEG is stored.", copy_of("jpeg"), "STORE-12", Kind.SHOULD),
    _stored("j2k", "An object in JPEG 2000 is stored.", copy_of("j2k"), "STORE-12", Kind.SHOULD),
    _stored("report", "A report is stored.", copy_of("sr"), "STORE-12, OBJ-05"),
    _stored("document", "A document is stored.", copy_of("pdf"), "STORE-12, OBJ-06", Kind.SHOULD),
    _stored("waveform", "A waveform is stored.", copy_of("ecg"), "STORE-12, OBJ-07", Kind.SHOULD),
    _stored(
        "large",
        "An object of many PDUs is stored.",
        image(Rows=512, Columns=512, PixelData=bytes(512 * 512 * 2)),
        "ASSOC-07",
    ),
    _stored(
        "bare", "An object without patient ID is stored.", copy_of("bare"), "OBJ-17", Kind.SHOULD
    ),
    Case(
        id="c-store-response",
        says="The response names message, class and instance.",
        item="ASSOC-14",
        clause="PS3.7 9.3.1.2",
        needs=("c-store",),
        request=Store(image()),
        status=0,
        checks=(
            holds("it answers message 1", lambda a: a.final.MessageIDBeingRespondedTo == 1),
            holds("it is a C-STORE-RSP", lambda a: a.final.CommandField == 0x8001),
            holds(
                "the instance is the one sent, if it is there",
                lambda a: (
                    a.final.get("AffectedSOPInstanceUID", a.session.sent[0].uid)
                    == a.session.sent[0].uid
                ),
            ),
        ),
    ),
    Case(
        id="c-store-twice",
        says="The same object again is a success, and is there once.",
        item="STORE-15, STOW-33",
        clause="PS3.4 B.2.3",
        kind=Kind.SHOULD,
        needs=("c-store",),
        before=(Step(Store(image()), 0),),
        request=Store(_again),
        status=0,
        then=(_found(1),),
    ),
    Case(
        id="c-store-other-content",
        says="Another content under a known UID is refused or replaces it; there are never two.",
        item="STORE-15, STOW-33",
        clause="PS3.4 B.2.3",
        kind=Kind.SHOULD,
        needs=("c-store",),
        before=(Step(Store(image()), 0),),
        request=Store(_changed),
        status=(0, 0x0111, 0x0110, *MISMATCH, *NOT_UNDERSTOOD, 0xB000, 0xB007),
        then=(_found(1),),
    ),
    _refused(
        "other-instance",
        "A data set of another instance than the command's is refused.",
        Store(image(), affected_uid="1.2.3.4.5.6.7"),
        "STORE-06",
    ),
    _refused(
        "other-class",
        "A data set of another class than the command's is refused.",
        Store(image(), affected_class=material.MR),
        "STORE-03",
    ),
    Case(
        id="c-store-no-study",
        says="An object without a study is refused.",
        item="STORE-03, STOW-35",
        clause="PS3.4 Table B.2-1",
        needs=("c-store",),
        request=Store(image(StudyInstanceUID=None)),
        status=FAILURES,
    ),
    Case(
        id="c-store-failure-explained",
        says="A failure comes with a comment of at most 64 characters.",
        item="STORE-05",
        clause="PS3.4 B.2.3",
        kind=Kind.SHOULD,
        needs=("c-store-other-instance",),
        request=Store(image(), affected_uid="1.2.3.4.5.6.7"),
        status=FAILURES,
        checks=(
            holds(
                "there is one",
                lambda a: 0 < len(str(a.final.get("ErrorComment", ""))) <= 64,
            ),
        ),
    ),
    Case(
        id="c-store-level-2",
        says="Every attribute survives, private ones too.",
        item="STORE-07",
        clause="PS3.4 B.4.1",
        needs=("c-store", "c-get-image"),
        request=Store(copy_of("every")),
        status=0,
        then=(
            Step(
                lambda s: Get("IMAGE", keys(s), syntaxes=(ExplicitVRLittleEndian,)),
                0,
                (holds("the data set is the one sent", _same),),
            ),
        ),
    ),
    Case(
        id="c-store-several",
        says="Objects of several studies are stored on one association.",
        item="STORE-14",
        clause="PS3.4 B.4",
        kind=Kind.SHOULD,
        needs=("c-store",),
        request=Store(lambda s: [*tuple(image()(s)), *image()(s)]),
        status=0,
        checks=(holds("both are answered", lambda a: len(a.responses) == 2),),
    ),
)
