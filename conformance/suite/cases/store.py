"""STOW-RS: instances are stored, each is answered for (PS3.18 10.5, Annex I)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)

from conformance.suite import material, multipart
from conformance.suite.answer import Answer, value
from conformance.suite.case import Body, Case, Check, Http, Kind, Step
from conformance.suite.checks import (
    DICOM,
    JSON,
    XML,
    a_body,
    count,
    header,
    holds,
    media_type,
    no_header,
    syntax,
)
from conformance.suite.material import Thing
from conformance.suite.session import Session

FAILED, STORED, OTHERS, URL = "00081198", "00081199", "0008119A", "00081190"
FAILURE, WARNING = "00081197", "00081196"

Made = Sequence[Thing]
Maker = Callable[[Session], Made]
"""What makes the objects of one request; `session.sent` remembers them."""


def _image(session: Session, **attributes: Any) -> Thing:
    return Thing(material.image(session.token, PatientID=f"{session.token}-W", **attributes))


def one(session: Session) -> Made:
    return [_image(session)]


def three(session: Session) -> Made:
    shared = {"StudyInstanceUID": session.fresh(), "SeriesInstanceUID": session.fresh()}
    return [_image(session, **shared, InstanceNumber=number) for number in (1, 2, 3)]


def two_studies(session: Session) -> Made:
    return [_image(session), _image(session)]


@dataclass(frozen=True, slots=True)
class Form:
    """How the objects are put into a request."""

    type: str = "application/dicom"
    quoted: bool = True
    boundary: str = "suite-boundary"
    before: bytes = b""
    after: bytes = b""
    part_type: str | None = "application/dicom"
    more: Callable[[Session], Iterable[bytes]] = lambda s: ()
    """Contents of further parts, after the objects."""


PLAIN = Form()


def _body(maker: Maker, form: Form = PLAIN) -> Callable[[Session], Body]:
    def body(session: Session) -> Body:
        things = list(maker(session))
        session.sent[:] = things
        headers = {} if form.part_type is None else {"Content-Type": form.part_type}
        contents = [*(thing.file for thing in things), *form.more(session)]
        written, content_type = multipart.write(
            [(headers, content) for content in contents],
            form.type,
            boundary=form.boundary,
            quoted=form.quoted,
            before=form.before,
            after=form.after,
        )
        return Body(written, content_type)

    return body


def posted(maker: Maker, form: Form = PLAIN, path: str = "/studies", **more: Any) -> Http:
    return Http(f"POST {path}", JSON, body=_body(maker, form), **more)


def again(session: Session) -> Made:
    """The objects of the request before."""
    return list(session.sent)


def changed(session: Session) -> Made:
    """The object of the request before with another name for the manufacturer."""
    dataset = deepcopy(session.sent[0].dataset)
    dataset.Manufacturer = "Another"
    return [Thing(dataset)]


# Checks of the Store Instances Response Module (Table I.1-1) ---------------------------------


def stored(number: int) -> Check:
    def test(answer: Answer) -> bool:
        uids = [value(item, "00081155") for item in answer.row.get(STORED, {}).get("Value", [])]
        return len(uids) == number and set(uids) <= {thing.uid for thing in answer.session.sent}

    return holds(f"{number} of the objects are in the Referenced SOP Sequence", test)


def failed(number: int, *reasons: int) -> Check:
    def test(answer: Answer) -> bool:
        items = answer.row.get(FAILED, {}).get("Value", [])
        codes = {value(item, FAILURE) for item in items}
        return len(items) == number and (not reasons or any(r in codes for r in reasons))

    named = f" for reason {' or '.join(f'{reason:04X}' for reason in reasons)}" if reasons else ""
    return holds(f"{number} of the objects are in the Failed SOP Sequence{named}", test)


def failed_within(*ranges: range) -> Check:
    def test(answer: Answer) -> bool:
        items = answer.row.get(FAILED, {}).get("Value", [])
        items += answer.row.get(OTHERS, {}).get("Value", [])
        return bool(items) and all(
            any(value(item, FAILURE) in codes for codes in ranges) for item in items
        )

    return holds("the Failure Reason is of the kind it should be", test)


def others(number: int) -> Check:
    return holds(
        f"{number} failures without an instance are in the Other Failures Sequence",
        lambda a: len(a.row.get(OTHERS, {}).get("Value", [])) == number,
    )


def no_sequence(tag: str) -> Check:
    return holds(f"there is no {tag}", lambda a: tag not in a.row)


MISMATCH = range(0xA900, 0xAA00)
NOT_UNDERSTOOD = range(0xC000, 0xD000)
PROCESSING = range(0x0110, 0x0111)


def retrieved(*checks: Check, number: int = 0, accept: str = DICOM) -> Step:
    """What was stored can be retrieved."""
    return Step(lambda s: Http(f"GET {s.sent[number].instance}", accept), 200, checks)


def _same_bytes(answer: Answer) -> bool:
    return answer.files[0] == answer.session.sent[0].dataset


REQUESTS = (
    Case(
        id="store",
        says="An instance is stored, and can be retrieved.",
        item="STOW-01, STOW-02, STOW-38",
        clause="PS3.18 10.5.1",
        request=posted(one),
        checks=(media_type(JSON), stored(1)),
        then=(retrieved(holds("it is the one stored", _same_bytes)),),
    ),
    Case(
        id="store-several",
        says="Several instances are stored, one part each.",
        item="STOW-02, STOW-30",
        clause="PS3.18 10.5.4",
        request=posted(three),
        checks=(stored(3),),
        then=(Step(lambda s: f"GET {s.sent[0].series}/instances", 200, (count(3),)),),
    ),
    Case(
        id="store-several-studies",
        says="Instances of several studies are stored in one request.",
        item="STOW-01, STOW-47",
        clause="PS3.18 10.5.1.1",
        request=posted(two_studies),
        checks=(stored(2),),
    ),
    Case(
        id="store-in-study",
        says="Instances are stored in the study that the URL names.",
        item="STOW-01",
        clause="PS3.18 10.5.1.1",
        before=(Step(posted(one)),),
        request=lambda s: posted(_same_study, path=s.sent[0].study),
        checks=(stored(1),),
    ),
    Case(
        id="store-in-other-study",
        says="An instance of another study than the URL names is refused.",
        item="STOW-32, STOW-41",
        clause="PS3.18 10.5.1.1.1",
        request=posted(one, path="/studies/{fresh}"),
        status=409,
        checks=(failed(1), failed_within(MISMATCH, PROCESSING)),
        then=(Step(lambda s: f"GET {s.sent[0].study}", 404),),
    ),
    Case(
        id="store-in-study-mixed",
        says="Of instances of two studies, the URL's are stored and the others refused.",
        item="STOW-32, STOW-39",
        clause="PS3.18 10.5.1.1.1",
        before=(Step(posted(one)),),
        request=lambda s: posted(_same_and_another, path=s.sent[0].study),
        status=202,
        checks=(failed(1), holds("one is stored", lambda a: len(a.row[STORED]["Value"]) == 1)),
    ),
    Case(
        id="store-single",
        says="An instance as the whole body is stored.",
        item="STOW-07",
        clause="PS3.18 B.21",
        kind=Kind.MAY,
        request=Http("POST /studies", JSON, body=lambda s: _alone(s)),
        checks=(stored(1),),
        tolerated=(415,),
    ),
    Case(
        id="store-unquoted",
        says="The type parameter may be unquoted.",
        item="STOW-12, NEG-19",
        clause="PS3.18 8.7.1",
        request=posted(one, Form(quoted=False)),
        checks=(stored(1),),
    ),
    Case(
        id="store-preamble",
        says="Text before the first part and after the last is skipped.",
        item="STOW-12",
        clause="PS3.18 8.6.1.2",
        request=posted(one, Form(before=b"a preamble\r\n", after=b"an epilogue")),
        checks=(stored(1),),
    ),
    Case(
        id="store-boundary",
        says="A boundary may be 70 characters long and hold what is allowed.",
        item="STOW-12, NEG-51",
        clause="PS3.18 8.6.1.2.1",
        request=posted(one, Form(boundary="a'()+_,-./:=?" + "z" * 57)),
        checks=(stored(1),),
    ),
    Case(
        id="store-chunked",
        says="A body may be sent in chunks.",
        item="STOW-10",
        clause="PS3.18 10.5.1.2",
        request=posted(three, chunked=True),
        checks=(stored(3),),
        tolerated=(411,),
    ),
    Case(
        id="store-part-without-type",
        says="A part without a Content-Type is taken for what the message says, or refused.",
        item="STOW-13",
        clause="PS3.18 8.6.1.2",
        kind=Kind.SHOULD,
        request=posted(one, Form(part_type=None)),
        status=(200, 202, 400, 409),
    ),
    Case(
        id="store-no-content-type",
        says="A body without a Content-Type is not supported.",
        item="STOW-09",
        clause="PS3.18 10.5.1.2",
        request=Http("POST /studies", JSON, body=b"anything"),
        status=415,
        tolerated=(400,),
    ),
    Case(
        id="store-text",
        says="Text is not a media type of Store.",
        item="STOW-09, STOW-42",
        clause="PS3.18 10.5.3.1",
        request=Http("POST /studies", JSON, {"Content-Type": "text/plain"}, b"text"),
        status=415,
        checks=(a_body,),
    ),
    Case(
        id="store-zip",
        says="Zip is not a media type of Store.",
        item="STOW-42",
        clause="PS3.18 10.5.3.1",
        request=Http("POST /studies", JSON, {"Content-Type": "application/zip"}, b"PK"),
        status=415,
    ),
    Case(
        id="store-no-boundary",
        says="multipart without a boundary is malformed.",
        item="STOW-09",
        clause="PS3.18 10.5.1.2",
        request=Http(
            "POST /studies",
            JSON,
            {"Content-Type": 'multipart/related; type="application/dicom"'},
            b"--x\r\n\r\n--x--",
        ),
        status=400,
        tolerated=(415,),
    ),
    Case(
        id="store-empty",
        says="An empty body is malformed.",
        item="STOW-11",
        clause="PS3.18 10.5.1.4",
        request=Http(
            "POST /studies",
            JSON,
            {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'},
            b"",
        ),
        status=400,
    ),
    Case(
        id="store-no-parts",
        says="A body without parts is malformed.",
        item="NEG-52, STOW-11",
        clause="PS3.18 8.6.1.2",
        request=Http(
            "POST /studies",
            JSON,
            {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'},
            b"--x--\r\n",
        ),
        status=400,
    ),
    Case(
        id="store-garbage",
        says="What is no DICOM is refused.",
        item="STOW-14, STOW-40",
        clause="PS3.18 10.5.3.1",
        request=posted(lambda s: [], Form(more=lambda s: [b"This is not DICOM." * 20])),
        status=400,
        tolerated=(409,),
    ),
    Case(
        id="store-garbage-beside-good",
        says="Beside what is no DICOM, what is gets stored.",
        item="STOW-14, STOW-36, STOW-39, STOW-50",
        clause="PS3.18 10.5.3.1",
        request=posted(one, Form(more=lambda s: [b"This is not DICOM." * 20])),
        status=202,
        checks=(stored(1), others(1)),
        then=(retrieved(),),
    ),
    Case(
        id="store-accept-xml",
        says="The answer comes in XML when that is asked for.",
        item="STOW-45, RUL-15",
        clause="PS3.18 10.5.4",
        request=Http("POST /studies", XML, body=_body(one)),
        checks=(media_type("multipart application/dicom+xml", "application/dicom+xml"),),
    ),
    Case(
        id="store-no-accept",
        says="Without an Accept header it is stored and answered in JSON, or neither.",
        item="RUL-01",
        clause="PS3.18 10.5.1.2",
        kind=Kind.SHOULD,
        request=Http("POST /studies", None, body=_body(one)),
        checks=(media_type(JSON), stored(1)),
        tolerated=(406,),
    ),
    Case(
        id="store-accept-any",
        says="What accepts anything is answered in JSON.",
        item="STOW-45, NEG-03",
        clause="PS3.18 10.5.4",
        request=Http("POST /studies", body=_body(one)),
        checks=(media_type(JSON),),
    ),
)


def _same_study(session: Session) -> Made:
    study = session.sent[0].study_uid
    return [_image(session, StudyInstanceUID=study)]


def _same_and_another(session: Session) -> Made:
    return [*_same_study(session), _image(session)]


def _alone(session: Session) -> Body:
    session.sent[:] = one(session)
    return Body(session.sent[0].file, "application/dicom")


def _with(**attributes: Any) -> Maker:
    return lambda s: [_image(s, **attributes)]


def _as(uid: str) -> Maker:
    return lambda s: [Thing(_image(s).dataset, uid)]


def _big_endian(session: Session) -> Made:
    dataset = material.capture(session.token, PatientID=f"{session.token}-W")
    return [Thing(dataset, ExplicitVRBigEndian)]


def _other_study_same_uid(session: Session) -> Made:
    dataset = deepcopy(session.sent[0].dataset)
    dataset.StudyInstanceUID = session.fresh()
    dataset.SeriesInstanceUID = session.fresh()
    return [Thing(dataset)]


def _first_and_last_good(session: Session) -> Made:
    good = three(session)
    bad = _image(session, StudyInstanceUID=None)
    return [good[0], bad, good[1]]


BEHAVIOUR = (
    Case(
        id="store-twice",
        says="The same instance again is a success and changes nothing.",
        item="STOW-33, RUL-14",
        clause="PS3.18 10.5.2",
        kind=Kind.SHOULD,
        before=(Step(posted(one)),),
        request=posted(again),
        checks=(stored(1),),
        then=(Step(lambda s: f"GET {s.sent[0].study}/instances", 200, (count(1),)),),
    ),
    Case(
        id="store-other-content",
        says="Another content under a known UID is refused or replaces it; there are never two.",
        item="STOW-33, RUL-14",
        clause="PS3.18 10.5.2",
        kind=Kind.SHOULD,
        before=(Step(posted(one)),),
        request=posted(changed),
        status=(200, 202, 409),
        then=(Step(lambda s: f"GET {s.sent[0].study}/instances", 200, (count(1),)),),
    ),
    Case(
        id="store-uid-in-other-study",
        says="A known SOP Instance UID in another study is refused.",
        item="STOW-34",
        clause="PS3.18 10.5.2",
        kind=Kind.SHOULD,
        before=(Step(posted(one)),),
        request=posted(_other_study_same_uid),
        status=409,
        tolerated=(200, 202),
    ),
    *(
        Case(
            id=f"store-without-{keyword}",
            says=f"An object without {keyword} is refused.",
            item="STOW-35, STOW-41",
            clause="PS3.18 10.5.3.1",
            kind=Kind.SHOULD,
            request=posted(_with(**{keyword: None})),
            status=409,
            tolerated=(400,),
            checks=(failed_within(MISMATCH, NOT_UNDERSTOOD, PROCESSING),),
        )
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
    ),
    Case(
        id="store-empty-patient",
        says="An object without patient ID and name is stored.",
        item="OBJ-17",
        clause="PS3.3 C.7",
        kind=Kind.SHOULD,
        request=posted(_with(PatientName="")),
        checks=(stored(1),),
    ),
    Case(
        id="store-good-bad-good",
        says="A bad instance costs no other: the good ones are stored.",
        item="STOW-36, STOW-39",
        clause="PS3.18 10.5.3.1",
        kind=Kind.SHOULD,
        request=posted(_first_and_last_good),
        status=202,
        then=(retrieved(), retrieved(number=2)),
    ),
    Case(
        id="store-implicit",
        says="Implicit VR is stored, or refused as a transfer syntax.",
        item="NEG-78, RUL-10",
        clause="PS3.18 8.6.2.1",
        request=posted(_as(ImplicitVRLittleEndian)),
        status=(200, 202, 400, 409),
    ),
    Case(
        id="store-implicit-by-the-letter",
        says="Implicit VR is refused as a transfer syntax.",
        item="RUL-10, STOW-52",
        clause="PS3.18 8.6.2.1",
        strict_only=True,
        request=posted(_as(ImplicitVRLittleEndian)),
        status=409,
        checks=(failed(1, 0xC122),),
    ),
    Case(
        id="store-big-endian",
        says="Big endian is stored, or refused as a transfer syntax.",
        item="RUL-10",
        clause="PS3.18 8.6.2.1",
        request=posted(_big_endian),
        status=(200, 202, 400, 409),
    ),
    Case(
        id="store-private-class",
        says="A private SOP class is stored, or refused as a class.",
        item="OBJ-15, STOW-52",
        clause="PS3.4 B.4.1.2",
        request=posted(_with(SOPClassUID="1.2.826.0.1.3680043.8.498.1")),
        status=(200, 202, 409),
    ),
    Case(
        id="store-no-storage-class",
        says="A class that is no storage class is refused.",
        item="STOW-41, STOW-52, NEG-71",
        clause="PS3.18 10.5.3.1",
        kind=Kind.SHOULD,
        request=posted(_with(SOPClassUID="1.2.840.10008.1.1")),
        status=409,
        checks=(failed(1, 0x0122, 0xA900),),
        tolerated=(200, 202),
    ),
    Case(
        id="store-file-meta-wins",
        says="The file meta says how a part is encoded, whatever its Content-Type says.",
        item="NEG-34",
        clause="PS3.18 8.7.9",
        request=posted(
            lambda s: [_j2k(s)],
            Form(part_type="application/dicom; transfer-syntax=1.2.840.10008.1.2.1"),
        ),
        checks=(stored(1),),
        then=(retrieved(syntax(JPEG2000Lossless), accept=f"{DICOM}; transfer-syntax=*"),),
    ),
    Case(
        id="store-level-2",
        says="Private attributes and all others survive.",
        item="STOW-57",
        clause="PS3.4 B.4.1",
        request=posted(lambda s: [_private(s)]),
        checks=(stored(1),),
        then=(retrieved(holds("the data set is the one sent", _same_bytes)),),
    ),
    Case(
        id="store-joins-study",
        says="An instance joins the study it belongs to.",
        item="STOW-30, QIDO-58",
        clause="PS3.18 10.5.2",
        before=(Step(posted(one)),),
        request=posted(_same_study),
        then=(
            Step(
                lambda s: f"GET /studies?StudyInstanceUID={s.sent[0].study_uid}",
                200,
                (
                    holds(
                        "the study has 2 series and 2 instances",
                        lambda a: (
                            [str(value(a.rows[0], t)) for t in ("00201206", "00201208")]
                            == ["2", "2"]
                        ),
                    ),
                ),
            ),
        ),
    ),
)


def _j2k(session: Session) -> Thing:
    thing = session.thing("j2k")
    dataset = deepcopy(thing.dataset)
    dataset.SOPInstanceUID = session.fresh()
    dataset.StudyInstanceUID = session.fresh()
    dataset.SeriesInstanceUID = session.fresh()
    return Thing(dataset, thing.syntax)


def _private(session: Session) -> Thing:
    thing = _image(session)
    block = thing.dataset.private_block(0x0031, "SUITE", create=True)
    block.add_new(0x01, "OB", b"\x01\x02\x03\x04")
    return thing


MODULE = (
    Case(
        id="store-url-of-study",
        says="The answer names the study, at a URL that retrieves it.",
        item="STOW-47",
        clause="PS3.18 Table I.1-1",
        request=posted(one),
        checks=(
            holds(
                "Retrieve URL is the study's",
                lambda a: value(a.row, URL, "").endswith(a.session.sent[0].study),
            ),
        ),
        then=(Step(lambda s: f"GET {value(s.answer.row, URL)}", 200),),
    ),
    Case(
        id="store-url-of-many",
        says="Retrieve URL is there, be it empty, for several studies.",
        item="STOW-47",
        clause="PS3.18 Table I.1-1",
        request=posted(two_studies),
        checks=(holds("it is there", lambda a: URL in a.row),),
    ),
    Case(
        id="store-items",
        says="Each instance that was stored is named, with its class and a URL that retrieves it.",
        item="STOW-48",
        clause="PS3.18 Table I.1-1",
        request=posted(one),
        checks=(
            holds(
                "class, UID and URL are there",
                lambda a: {"00081150", "00081155", URL} <= set(value(a.row, STORED)),
            ),
        ),
        then=(Step(lambda s: f"GET {value(value(s.answer.row, STORED), URL)}", 200),),
    ),
    Case(
        id="store-no-failed-sequence",
        says="When nothing failed there is no Failed SOP Sequence, not even an empty one.",
        item="STOW-49",
        clause="PS3.18 Table I.1-1",
        request=posted(one),
        checks=(no_sequence(FAILED), no_sequence(OTHERS)),
    ),
    Case(
        id="store-no-stored-sequence",
        says="When nothing was stored there is no Referenced SOP Sequence.",
        item="STOW-48",
        clause="PS3.18 Table I.1-1",
        request=posted(one, path="/studies/{fresh}"),
        status=409,
        checks=(no_sequence(STORED),),
    ),
    Case(
        id="store-failed-item",
        says="Each instance that failed is named, with its class and the reason.",
        item="STOW-49",
        clause="PS3.18 Table I.1-1",
        request=posted(one, path="/studies/{fresh}"),
        status=409,
        checks=(
            holds(
                "class, UID and reason are there",
                lambda a: {"00081150", "00081155", FAILURE} <= set(value(a.row, FAILED)),
            ),
            holds(
                "the reason is a US",
                lambda a: value(a.row, FAILED)[FAILURE]["vr"] == "US",
            ),
        ),
    ),
    Case(
        id="store-object-or-array",
        says="The module is one DICOM JSON object.",
        item="STOW-46, RUL-16",
        clause="PS3.18 F.2.1",
        kind=Kind.SHOULD,
        request=posted(one),
        checks=(holds("it is an object", lambda a: isinstance(a.json, dict)),),
    ),
    Case(
        id="store-ordered",
        says="The module's attributes stand in the order of their tags.",
        item="JSON-03, STOW-44",
        clause="PS3.18 F.2.2",
        request=posted(one),
        checks=(holds("tags ascend", lambda a: list(a.row) == sorted(a.row)),),
    ),
    Case(
        id="store-location",
        says="A new resource is named by a Location that retrieves it.",
        item="STOW-53",
        clause="PS3.18 10.5.3.2",
        request=posted(one),
        checks=(header("location", "/studies/"),),
        then=(Step(lambda s: f"GET {s.absolute(s.answer.headers['location'])}", 200),),
    ),
    Case(
        id="store-failure-explained",
        says="A failure is explained, in a Warning header or the body.",
        item="STOW-54, NEG-69",
        clause="PS3.18 10.5.3.2",
        kind=Kind.SHOULD,
        request=posted(one, path="/studies/{fresh}"),
        status=409,
        checks=(holds("it is explained", lambda a: a.warnings or a.body),),
    ),
    Case(
        id="store-json-type",
        says="The answer's type is DICOM JSON and nothing more, as clients compare it.",
        item="STOW-45",
        clause="PS3.18 10.5.4",
        kind=Kind.SHOULD,
        request=posted(one),
        checks=(
            holds(
                "it is application/dicom+json",
                lambda a: (
                    a.headers["content-type"].replace(" ", "").lower()
                    in (JSON, f"{JSON};charset=utf-8")
                ),
            ),
            no_header("content-encoding"),
        ),
    ),
)

CASES = (*REQUESTS, *BEHAVIOUR, *MODULE)
