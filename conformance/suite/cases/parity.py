"""One archive behind two doors: what one takes in the other gives (BRIDGE)."""

from __future__ import annotations

from dataclasses import replace

from conformance.suite.answer import Answer, value
from conformance.suite.case import Case, Http, Kind, Step
from conformance.suite.cases.c_store import FAILURES, copy_of, image, keys
from conformance.suite.cases.store import one, posted
from conformance.suite.checks import (
    DICOM,
    JSON,
    OCTETS,
    holds,
    payload,
    syntax,
)
from conformance.suite.operations import Find, Get, Store

EXPLICIT = "1.2.840.10008.1.2.1"


def _same_on_both(answer: Answer) -> bool:
    row = answer.session.answers[0].rows[0]
    found = answer.identifiers[0]
    return (
        str(found.PatientID) == value(row, "00100020")
        and str(found.StudyDate) == value(row, "00080020")
        and str(found.AccessionNumber) == value(row, "00080050")
        and str(found.PatientName).split("=")[0] == value(row, "00100010")["Alphabetic"]
        and str(found.NumberOfStudyRelatedInstances) == str(value(row, "00201208"))
    )


_ASKED = {
    "StudyInstanceUID": "{ct1.study_uid}",
    "PatientID": "",
    "PatientName": "",
    "StudyDate": "",
    "AccessionNumber": "",
    "NumberOfStudyRelatedInstances": "",
}

_CASES = (
    Case(
        id="parity-store-then-qido",
        says="What C-STORE took in is found on the web at once.",
        item="BRIDGE-01",
        clause="PS3.18 10.6",
        request=Store(image()),
        status=0,
        then=(
            Step(
                lambda s: f"GET {s.sent[0].series}/instances",
                200,
                (holds("it is there", lambda a: len(a.rows) == 1),),
            ),
        ),
    ),
    Case(
        id="parity-store-then-wado",
        says="What C-STORE took in is retrieved on the web, its pixels as they were.",
        item="BRIDGE-01",
        clause="PS3.18 10.4",
        needs=("parity-store-then-qido",),
        request=Store(image()),
        status=0,
        then=(
            Step(
                lambda s: Http(f"GET {s.sent[0].instance}", DICOM),
                200,
                (
                    holds(
                        "the data set is the one sent",
                        lambda a: a.files[0] == a.session.sent[0].dataset,
                    ),
                ),
            ),
        ),
    ),
    Case(
        id="parity-implicit-on-the-web",
        says="What C-STORE took in in Implicit VR goes out in Explicit VR on the web.",
        item="NEG-28, BRIDGE-01",
        clause="PS3.18 8.7.3",
        needs=("parity-store-then-qido",),
        request=Store(image("1.2.840.10008.1.2")),
        status=0,
        then=(
            Step(
                lambda s: Http(f"GET {s.sent[0].instance}", f"{DICOM}; transfer-syntax=*"),
                200,
                (
                    syntax(EXPLICIT),
                    holds(
                        "the data set is the one sent",
                        lambda a: a.files[0] == a.session.sent[0].dataset,
                    ),
                ),
            ),
        ),
    ),
    Case(
        id="parity-store-then-frames",
        says="Frames of what C-STORE took in are given on the web.",
        item="BRIDGE-01",
        clause="PS3.18 10.4.1.1.6",
        needs=("parity-store-then-qido",),
        request=Store(copy_of("rle")),
        status=0,
        then=(
            Step(
                lambda s: Http(f"GET {s.sent[0].instance}/frames/1", OCTETS),
                200,
                (holds("it is decoded", lambda a: len(payload(a)) == 96),),
            ),
        ),
    ),
    Case(
        id="parity-store-then-metadata",
        says="Metadata of what C-STORE took in are given on the web.",
        item="BRIDGE-01",
        clause="PS3.18 10.4.1.1.2",
        needs=("parity-store-then-qido",),
        request=Store(copy_of("kanji")),
        status=0,
        then=(
            Step(
                lambda s: Http(f"GET {s.sent[0].instance}/metadata", JSON),
                200,
                (
                    holds(
                        "the name is converted",
                        lambda a: value(a.rows[0], "00100010")["Ideographic"] == "山田^太郎",
                    ),
                ),
            ),
        ),
    ),
    Case(
        id="parity-stow-then-find",
        says="What STOW took in is found by C-FIND at once.",
        item="BRIDGE-01",
        clause="PS3.4 C.4.1",
        request=posted(one),
        then=(
            Step(
                lambda s: Find("IMAGE", keys(s)),
                0,
                (holds("it is there", lambda a: len(a.identifiers) == 1),),
            ),
        ),
    ),
    Case(
        id="parity-stow-then-get",
        says="What STOW took in is given by C-GET, as it was.",
        item="BRIDGE-01",
        clause="PS3.4 C.4.3",
        needs=("parity-stow-then-find",),
        request=posted(one),
        then=(
            Step(
                lambda s: Get("IMAGE", keys(s)),
                0,
                (
                    holds(
                        "the pixels are those sent",
                        lambda a: a.received[0].PixelData == a.session.sent[0].dataset.PixelData,
                    ),
                ),
            ),
        ),
    ),
    Case(
        id="parity-same-values",
        says="Both doors say the same of a study.",
        item="BRIDGE-01",
        clause="PS3.4 C.4.1",
        request="GET /studies?StudyInstanceUID={ct1.study_uid}",
        then=(Step(Find("STUDY", _ASKED), 0, (holds("the values agree", _same_on_both),)),),
    ),
    Case(
        id="parity-retrieve-both",
        says="A study that is found has a URL, and an AE title.",
        item="BRIDGE-05",
        clause="PS3.4 C.4.1.1.3.2",
        kind=Kind.SHOULD,
        request="GET /studies?StudyInstanceUID={ct1.study_uid}",
        checks=(holds("there is a URL", lambda a: value(a.rows[0], "00081190")),),
        then=(
            Step(
                Find("STUDY", {"StudyInstanceUID": "{ct1.study_uid}"}),
                0,
                (holds("there is an AE title", lambda a: a.identifiers[0].get("RetrieveAETitle")),),
            ),
        ),
    ),
    Case(
        id="parity-no-study",
        says="An object without a study is refused at both doors.",
        item="BRIDGE-02, STORE-15",
        clause="PS3.4 B.2.3",
        kind=Kind.SHOULD,
        request=Store(image(StudyInstanceUID=None)),
        status=FAILURES,
        then=(
            Step(
                posted(lambda s: s.sent),
                (400, 409),
            ),
        ),
    ),
    Case(
        id="parity-duplicate",
        says="What came through one door is the same object at the other.",
        item="STORE-15, STOW-33",
        clause="PS3.4 B.2.3",
        kind=Kind.SHOULD,
        request=posted(one),
        then=(
            Step(Store(lambda s: s.sent), 0),
            Step(
                lambda s: f"GET {s.sent[0].study}/instances",
                200,
                (holds("it is there once", lambda a: len(a.rows) == 1),),
            ),
        ),
    ),
)

CASES = tuple(replace(case, both_doors=True) for case in _CASES)
