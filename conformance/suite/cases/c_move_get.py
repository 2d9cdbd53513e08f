"""C-MOVE and C-GET (PS3.4 C.4.2, C.4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.suite import material
from conformance.suite.answer import Answer
from conformance.suite.case import Case, Check, Kind, Step
from conformance.suite.checks import holds
from conformance.suite.operations import PATIENT_GET, PATIENT_MOVE, Echo, Get, Move

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
J2K = "1.2.840.10008.1.2.4.90"
IDENTIFIER_WRONG = (*range(0xA900, 0xAA00), *range(0xC000, 0xD000))
ALL_FAILED = (0xA702, 0xB000, *range(0xC000, 0xD000))
STUDY = {"StudyInstanceUID": "{ct1.study_uid}"}
SERIES = {**STUDY, "SeriesInstanceUID": "{ct1.series_uid}"}
IMAGE = {**SERIES, "SOPInstanceUID": "{ct2.uid}"}
_J2K = {
    "StudyInstanceUID": "{j2k.study_uid}",
    "SeriesInstanceUID": "{j2k.series_uid}",
    "SOPInstanceUID": "{j2k.uid}",
}


def received(*things: str) -> Check:
    def test(answer: Answer) -> bool:
        wanted = sorted(answer.session.thing(name).uid for name in things)
        return sorted(str(one.SOPInstanceUID) for one in answer.received) == wanted

    return holds(f"{len(things)} objects came, those that were asked for", test)


def counted(completed: int, failed: int = 0) -> Check:
    """The final response counts the sub-operations, where it counts them."""

    def test(answer: Answer) -> bool:
        final = answer.final
        return bool(
            final.get("NumberOfCompletedSuboperations", completed) == completed
            and final.get("NumberOfFailedSuboperations", failed) == failed
        )

    return holds(f"{completed} sub-operations are completed and {failed} failed", test)


_NOTHING_REMAINS = holds(
    "the final response has no Number of Remaining Sub-operations",
    lambda a: "NumberOfRemainingSuboperations" not in a.final,
)
_PENDING = holds(
    "pending responses have all four counts",
    lambda a: all(
        f"NumberOf{name}Suboperations" in response
        for response in a.responses
        if response.Status == 0xFF00
        for name in ("Remaining", "Completed", "Failed", "Warning")
    ),
)


def _failed_list(*things: str) -> Check:
    def test(answer: Answer) -> bool:
        listed = answer.identifiers[-1].FailedSOPInstanceUIDList
        uids = [str(listed)] if isinstance(listed, str) else [str(uid) for uid in listed]
        return sorted(uids) == sorted(answer.session.thing(name).uid for name in things)

    return holds("the failed ones are listed", test)


def _service(name: str, operation: Any, patient_model: str) -> tuple[Case, ...]:
    """What C-MOVE and C-GET have in common."""
    first = f"c-{name}-image"
    item = "MOVE-01, MOVE-03" if name == "move" else "MOVE-01, MOVE-13"
    clause = "PS3.4 C.4.2" if name == "move" else "PS3.4 C.4.3"

    def case(
        id: str,
        says: str,
        item: str,
        operation: Any,
        *checks: Check,
        status: int | tuple[int, ...] = 0,
        kind: Kind = Kind.SHALL,
        on: tuple[str, ...] = (),
    ) -> Case:
        return Case(
            id=f"c-{name}-{id}",
            says=says,
            item=item,
            clause=clause,
            kind=kind,
            needs=(first,),
            on=on,
            request=operation,
            status=status,
            checks=checks,
        )

    def asked(level: str, keys: Mapping[str, str], **more: Any) -> Any:
        return operation(level, keys, **more)

    return (
        Case(
            id=first,
            says="An image is given.",
            item=item,
            clause=clause,
            before=(Step(Echo(), 0),),
            request=asked("IMAGE", IMAGE),
            status=0,
            checks=(received("ct2"),),
        ),
        case("series", "A series is given.", item, asked("SERIES", SERIES), received("ct1", "ct2", "ct3")),
        case("study", "A study is given.", item, asked("STUDY", STUDY), received("ct1", "ct2", "ct3", "sr")),
        case(
            "images", "A list of images is given.", "MOVE-02",
            asked("IMAGE", {**SERIES, "SOPInstanceUID": "{ct1.uid}\\{ct3.uid}"}),
            received("ct1", "ct3"),
        ),
        case(
            "studies", "A list of studies is given.", "MOVE-02",
            asked("STUDY", {"StudyInstanceUID": "{s1.study_uid}\\{s2.study_uid}"}),
            received("s1", "s2"),
        ),
        case(
            "patient", "A patient's objects are given, in the patient root.", "MOVE-02",
            asked("PATIENT", {"PatientID": "{token}-C"}, model=patient_model),
            received("ct1", "ct2", "ct3", "sr"), on=("ct",),
        ),
        case("counts", "The final response counts.", "MOVE-09", asked("STUDY", STUDY), counted(4)),
        case("remaining", "Nothing remains in the final response.", "MOVE-08", asked("STUDY", STUDY), _NOTHING_REMAINS),
        case("pending", "Pending responses count.", "MOVE-09, MOVE-12", asked("STUDY", STUDY), _PENDING),
        case(
            "no-list", "When nothing failed nothing is listed.", "MOVE-10", asked("STUDY", STUDY),
            holds("there is no data set", lambda a: a.final.CommandDataSetType == 0x0101),
        ),
        case(
            "nothing", "What matches nothing is a success.", "MOVE-16",
            asked("STUDY", {"StudyInstanceUID": "{fresh}"}), received(), counted(0),
            kind=Kind.SHOULD,
        ),
        case(
            "no-level", "An identifier without a level is refused.", "MOVE-02",
            asked("", STUDY), received(), status=IDENTIFIER_WRONG,
        ),
        case(
            "no-unique-key", "An identifier without the unique key of its level is refused.",
            "MOVE-02", asked("SERIES", STUDY), received(), status=IDENTIFIER_WRONG,
        ),
        case(
            "no-upper-key", "An identifier without the unique keys above is refused.",
            "MOVE-02, MOVE-17", asked("IMAGE", {"SOPInstanceUID": "{ct1.uid}"}), received(),
            status=IDENTIFIER_WRONG,
        ),
        case(
            "same-data-set", "What is given is what was stored.", "STORE-07",
            asked("IMAGE", IMAGE),
            holds("the pixels are the same",
                  lambda a: a.received[0].PixelData == a.session.thing("ct2").dataset.PixelData),
            holds("the patient is the same",
                  lambda a: a.received[0].PatientName == a.session.thing("ct2").dataset.PatientName),
        ),
    )  # fmt: skip


MOVE = (
    *_service("move", Move, PATIENT_MOVE),
    Case(
        id="c-move-unknown-destination",
        says="An unknown destination is refused, and nothing sent.",
        item="MOVE-04",
        clause="PS3.4 Table C.4-2",
        needs=("c-move-image",),
        request=Move("IMAGE", IMAGE, destination="NOWHERE"),
        status=0xA801,
        checks=(received(),),
    ),
    Case(
        id="c-move-destination-down",
        says="A destination that cannot be reached fails, and is said to.",
        item="MOVE-05, MOVE-07",
        clause="PS3.4 Table C.4-2",
        kind=Kind.SHOULD,
        needs=("c-move-image",),
        request=Move("IMAGE", IMAGE, listening=False),
        status=(0xA702, *range(0xC000, 0xD000), 0xB000),
    ),
    Case(
        id="c-move-destination-refuses",
        says="Objects that the destination refuses are counted as failed.",
        item="MOVE-07, MOVE-09",
        clause="PS3.4 C.4.2.3.1",
        needs=("c-move-image",),
        request=Move("SERIES", SERIES, refused=True),
        status=ALL_FAILED,
        checks=(counted(0, 3),),
    ),
    Case(
        id="c-move-failed-list",
        says="Objects that failed are listed.",
        item="MOVE-10",
        clause="PS3.4 C.4.2.1.4.2",
        needs=("c-move-destination-refuses",),
        request=Move("IMAGE", IMAGE, refused=True),
        status=ALL_FAILED,
        checks=(_failed_list("ct2"),),
    ),
    Case(
        id="c-move-partly",
        says="Objects that the destination has no context for fail, the others go on.",
        item="MOVE-06, MOVE-07",
        clause="PS3.4 C.4.2.3.1",
        needs=("c-move-image",),
        request=Move("STUDY", STUDY, accepts=(material.CT,)),
        status=0xB000,
        checks=(received("ct1", "ct2", "ct3"), counted(3, 1)),
    ),
    Case(
        id="c-move-originator",
        says="A sub-operation names who asked for it.",
        item="STORE-13",
        clause="PS3.7 9.1.1",
        needs=("c-move-image",),
        request=Move("IMAGE", IMAGE),
        status=0,
        checks=(
            holds(
                "Move Originator AE Title and Message ID are there",
                lambda a: (
                    str(a.sub_operations[0].MoveOriginatorApplicationEntityTitle).strip()
                    and a.sub_operations[0].MoveOriginatorMessageID == 6
                ),
            ),
        ),
    ),
    Case(
        id="c-move-decompressed",
        says="A destination that takes Implicit VR alone gets a compressed object decompressed.",
        item="MOVE-15, ASSOC-05",
        clause="PS3.5 10.1",
        needs=("c-move-image",),
        request=Move("IMAGE", _J2K, syntaxes=(IMPLICIT,)),
        status=0,
        checks=(
            received("j2k"),
            holds(
                "its pixels are the picture",
                lambda a: a.received[0].PixelData == material.GRADIENT,
            ),
        ),
    ),
    Case(
        id="c-move-as-stored",
        says="A destination that takes the stored transfer syntax gets it.",
        item="ASSOC-06",
        clause="PS3.5 10.1",
        kind=Kind.SHOULD,
        needs=("c-move-image",),
        request=Move("IMAGE", _J2K),
        status=0,
        checks=(
            holds(
                "it is JPEG 2000",
                lambda a: a.received[0].file_meta.TransferSyntaxUID == J2K,
            ),
        ),
    ),
)

GET = (
    *_service("get", Get, PATIENT_GET),
    Case(
        id="c-get-without-role",
        says="Without the SCP role nothing can be given.",
        item="MOVE-13, ASSOC-09",
        clause="PS3.4 C.4.3",
        needs=("c-get-image",),
        request=Get("IMAGE", IMAGE, roles=False),
        status=(*ALL_FAILED, *IDENTIFIER_WRONG, 0x0122),
        checks=(received(),),
    ),
    Case(
        id="c-get-partly",
        says="Objects without a context fail, the others go on.",
        item="MOVE-14, MOVE-07",
        clause="PS3.4 C.4.3.3.1",
        needs=("c-get-image",),
        request=Get("STUDY", STUDY, classes=(material.CT,)),
        status=0xB000,
        checks=(received("ct1", "ct2", "ct3"), counted(3, 1), _failed_list("sr")),
    ),
    Case(
        id="c-get-decompressed",
        says="Who takes uncompressed objects alone gets a compressed one decompressed.",
        item="MOVE-15",
        clause="PS3.5 10.1",
        needs=("c-get-image",),
        request=Get("IMAGE", _J2K, syntaxes=(EXPLICIT,)),
        status=0,
        checks=(
            received("j2k"),
            holds(
                "its pixels are the picture",
                lambda a: a.received[0].PixelData == material.GRADIENT,
            ),
        ),
    ),
    Case(
        id="c-get-as-stored",
        says="Who takes the stored transfer syntax gets it.",
        item="ASSOC-06",
        clause="PS3.5 10.1",
        kind=Kind.SHOULD,
        needs=("c-get-image",),
        request=Get("IMAGE", _J2K, syntaxes=(J2K,)),
        status=0,
        checks=(received("j2k"),),
    ),
    Case(
        id="c-get-no-originator",
        says="A sub-operation of C-GET names no move originator.",
        item="STORE-13",
        clause="PS3.7 9.1.1",
        needs=("c-get-image",),
        request=Get("IMAGE", IMAGE),
        status=0,
        checks=(
            holds(
                "there is none",
                lambda a: not a.sub_operations[0].MoveOriginatorApplicationEntityTitle,
            ),
        ),
    ),
)
