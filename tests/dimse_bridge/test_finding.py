"""C-FIND: every question is answered by the engine that answers QIDO-RS (PS3.4 C.4.1, C.2.2)."""

from __future__ import annotations

import asyncio
import shutil
import subprocess

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from dicomweb.engine.delete import delete
from dicomweb.settings import Settings
from dimse_bridge.wire.commands import Command, Message
from dimse_bridge.wire.items import Extended
from schemas.attributes import ATTRIBUTES, Level, Match
from schemas.identifiers import Selection, Uid
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.peer import (
    CT,
    PATIENT_FIND,
    STUDY_FIND,
    associated,
    encoded,
    read,
    store_of,
)
from tests.make import dataset

ONLY_FIND = "1.2.840.10008.5.1.4.1.2.3.1"


def key(level: str, **keys) -> Dataset:
    ds = Dataset()
    if level:
        ds.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(ds, keyword, value)
    return ds


def find_of(sop_class: str, message_id: int = 1) -> Command:
    return Command(
        Message.C_FIND,
        AffectedSOPClassUID=sop_class,
        MessageID=message_id,
        Priority=0,
        CommandDataSetType=1,
    )


async def stored(archive, *datasets: Dataset) -> None:
    async with associated(archive.port, CT) as peer:
        for number, ds in enumerate(datasets):
            assert (await peer.ask(store_of(ds, number + 1), encoded(ds)))[0].Status == 0


async def found(archive, identifier, sop_class=STUDY_FIND, features=None, status=None, syntax=None):
    """The data sets of the answers; the final status is checked, the pending ones if told."""
    extended = () if features is None else (Extended(sop_class, features),)
    context = sop_class if syntax is None else (sop_class, [syntax])
    async with associated(archive.port, context, extended=extended) as peer:
        data = identifier if isinstance(identifier, bytes) else encoded(identifier)
        responses = await peer.all(find_of(sop_class), data)
        final, nothing = responses.pop()
        assert (final.Status, nothing) == (0, None)
        statuses = {response.Status for response, _ in responses}
        assert status is None or statuses == {status}
        return [read(data, syntax or "1.2.840.10008.1.2.1") for _, data in responses]


async def refused(archive, identifier, sop_class=STUDY_FIND):
    async with associated(archive.port, sop_class) as peer:
        ((response, data),) = await peer.all(find_of(sop_class), encoded(identifier))
        assert data is None
        return response


SMITH = dataset(
    StudyInstanceUID="1.2.1",
    SeriesInstanceUID="1.2.1.1",
    SOPInstanceUID="1.2.1.1.1",
    PatientName="Smith^Anna",
    PatientID="S1",
    AccessionNumber="A100",
    StudyDate="20240110",
    StudyTime="223000",
    StudyDescription="Head",
    SeriesDescription="Axial",
)
SECOND = dataset(
    StudyInstanceUID="1.2.1",
    SeriesInstanceUID="1.2.1.2",
    SOPInstanceUID="1.2.1.2.1",
    PatientName="Smith^Anna",
    PatientID="S1",
    AccessionNumber="A100",
    StudyDate="20240110",
    StudyTime="223000",
    Modality="MR",
    SeriesNumber=2,
)
MUELLER = dataset(
    StudyInstanceUID="1.2.2",
    SeriesInstanceUID="1.2.2.1",
    SOPInstanceUID="1.2.2.1.1",
    PatientName="Müller^Jörg",
    PatientID="M1",
    AccessionNumber="",
    StudyDate="20240112",
    StudyTime="010000",
    SpecificCharacterSet="ISO_IR 192",
)
YAMADA = dataset(
    StudyInstanceUID="1.2.3",
    SeriesInstanceUID="1.2.3.1",
    SOPInstanceUID="1.2.3.1.1",
    PatientName="Yamada^Tarou=山田^太郎",
    PatientID="Y1",
    StudyDate="20240115",
    StudyTime="120000",
)
ALL = (SMITH, SECOND, MUELLER, YAMADA)


@pytest.fixture
async def four(served):
    await stored(served, *ALL)
    return served


@pytest.fixture
async def few(archive):
    await stored(archive, *ALL)
    return archive


def uids(answers) -> set[str]:
    return {str(answer.StudyInstanceUID) for answer in answers}


# Matching ----------------------------------------------------------------------------

QUESTIONS = {
    "no keys match everything": ({}, {"1.2.1", "1.2.2", "1.2.3"}),
    "a single value": ({"PatientID": "S1"}, {"1.2.1"}),
    "a list of UIDs": ({"StudyInstanceUID": ["1.2.1", "1.2.3"]}, {"1.2.1", "1.2.3"}),
    "a star": ({"PatientName": "*m*"}, {"1.2.1", "1.2.2", "1.2.3"}),
    "a question mark": ({"PatientID": "?1"}, {"1.2.1", "1.2.2", "1.2.3"}),
    "only stars": ({"PatientID": "*"}, {"1.2.1", "1.2.2", "1.2.3"}),
    "a date": ({"StudyDate": "20240112"}, {"1.2.2"}),
    "a range of dates": ({"StudyDate": "20240111-20240115"}, {"1.2.2", "1.2.3"}),
    "an open range": ({"StudyDate": "-20240110"}, {"1.2.1"}),
    "a range of times": ({"StudyTime": "1100-1300"}, {"1.2.3"}),
    "a modality of the study": ({"ModalitiesInStudy": "MR"}, {"1.2.1"}),
    "one of several modalities": ({"ModalitiesInStudy": ["MR", "US"]}, {"1.2.1"}),
    "names without case": ({"PatientName": "SMITH^ANNA"}, {"1.2.1"}),
    "nothing": ({"PatientID": "NOBODY"}, set()),
    "two keys": ({"PatientID": "S1", "StudyDate": "20240112"}, set()),
    "what is not indexed": ({"PatientSex": "F", "PatientID": "Y1"}, {"1.2.3"}),
}


@pytest.mark.parametrize("keys, expected", QUESTIONS.values(), ids=QUESTIONS)
async def test_studies_are_matched(few, keys, expected):
    """FIND-04, FIND-13, FIND-22: C.2.2.2."""
    assert uids(await found(few, key("STUDY", **{"StudyInstanceUID": ""} | keys))) == expected


async def test_both_databases_answer(four):
    """FIND-01, FIND-02, FIND-13: every level of both roots."""
    assert len(await found(four, key("PATIENT", PatientID=""), PATIENT_FIND)) == 3
    assert len(await found(four, key("STUDY", StudyInstanceUID=""))) == 3
    series = key("SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="")
    assert len(await found(four, series)) == 2
    above = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.2"}
    (answer,) = await found(four, key("IMAGE", **above, SOPInstanceUID=""))
    assert answer.SOPInstanceUID == "1.2.1.2.1"


async def test_patient_and_study_only_is_answered_too(few):
    """FIND-01: retired, and old devices know nothing else."""
    assert len(await found(few, key("PATIENT", PatientID="", PatientName=""), ONLY_FIND)) == 3
    (answer,) = await found(few, key("STUDY", PatientID="M1", StudyInstanceUID=""), ONLY_FIND)
    assert answer.StudyInstanceUID == "1.2.2"
    assert (await refused(few, key("SERIES", StudyInstanceUID="1.2.1"), ONLY_FIND)).Status == 0xA900


REQUIRED = [
    attribute.keyword
    for attribute in ATTRIBUTES
    if attribute.level in (Level.PATIENT, Level.STUDY)
    and attribute.match is not Match.NONE
    and attribute.computed is None
]


@pytest.mark.parametrize("keyword", REQUIRED)
async def test_every_key_of_a_study_is_matched_and_returned(few, keyword):
    """FIND-04, FIND-07: T-2b."""
    value = str(SMITH.get(keyword) or "")
    answers = await found(few, key("STUDY", **{"StudyInstanceUID": ""} | {keyword: value}))
    assert "1.2.1" in uids(answers)
    assert all(keyword in answer for answer in answers)


async def test_the_issuer_of_the_request_may_speak_implicitly(few):
    """ASSOC-04: question and answers in Implicit VR Little Endian."""
    identifier = encoded(key("STUDY", PatientName="smith*", StudyDate=""), ImplicitVRLittleEndian)
    (answer,) = await found(few, identifier, syntax=ImplicitVRLittleEndian)
    assert (answer.PatientName, answer.StudyDate) == ("Smith^Anna", "20240110")


# Hierarchy ---------------------------------------------------------------------------------

BAD = {
    "no level": (key("", PatientID="S1"), STUDY_FIND),
    "an unknown level": (key("FRAME"), STUDY_FIND),
    "patients in the study root": (key("PATIENT", PatientID=""), STUDY_FIND),
    "a series without its study": (key("SERIES", SeriesInstanceUID=""), STUDY_FIND),
    "an instance without its series": (key("IMAGE", StudyInstanceUID="1.2.1"), STUDY_FIND),
    "a list above": (key("SERIES", StudyInstanceUID=["1.2.1", "1.2.2"]), STUDY_FIND),
    "an empty study above": (key("SERIES", StudyInstanceUID="", SeriesNumber=""), PATIENT_FIND),
}


@pytest.mark.parametrize("identifier, sop_class", BAD.values(), ids=BAD)
@pytest.mark.filterwarnings("ignore:Invalid value")
async def test_what_the_sop_class_does_not_allow_is_refused(archive, identifier, sop_class):
    """FIND-02, FIND-03, FIND-11: A900, no identifier."""
    response = await refused(archive, identifier, sop_class)
    assert response.Status == 0xA900
    assert response.ErrorComment


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("keys", [{"StudyDate": "20240101-x"}, {"StudyInstanceUID": "1.2.*"}])
async def test_a_value_that_its_vr_has_not_is_refused(archive, keys):
    """FIND-11: A900."""
    assert (await refused(archive, key("STUDY", **keys))).Status == 0xA900


async def test_what_is_no_data_set_is_not_understood(archive):
    """FIND-11: Cxxx."""
    async with associated(archive.port, STUDY_FIND) as peer:
        response, data = await peer.ask(find_of(STUDY_FIND), b"\x08\x00\x52\x00CS\xff\xff1")
        assert response.Status & 0xF000 == 0xC000
        assert data is None


async def test_by_the_letter_the_patient_is_named_and_keys_are_of_the_level(archive_folder):
    """FIND-03: strict; leniently both are let pass (RUL-38)."""
    nameless = key("STUDY", StudyInstanceUID="", AccessionNumber="A100")
    above = key("SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="", AccessionNumber="A100")
    async with door_of(Settings(data=archive_folder, strict=True)) as strict:
        await stored(strict, *ALL)
        assert (await refused(strict, nameless, PATIENT_FIND)).Status == 0xA900
        assert (await refused(strict, above)).Status == 0xA900
        whole = key("STUDY", PatientID="S1", StudyInstanceUID="")
        assert uids(await found(strict, whole, PATIENT_FIND)) == {"1.2.1"}
    async with door_of(Settings(data=archive_folder)) as lenient:
        assert uids(await found(lenient, nameless, PATIENT_FIND)) == {"1.2.1"}
        assert len(await found(lenient, above)) == 2


async def test_a_relational_query_has_keys_of_any_level(four):
    """FIND-14, FIND-16: only when it is negotiated."""
    identifier = key("IMAGE", PatientID="S1", SOPInstanceUID="", Modality="")
    answers = await found(four, identifier, features=b"\1")
    assert {str(answer.SOPInstanceUID) for answer in answers} == {"1.2.1.1.1", "1.2.1.2.1"}
    assert {answer.Modality for answer in answers} == {"CT", "MR"}
    assert (await refused(four, identifier)).Status == 0xA900


# What was negotiated ----------------------------------------------------------------------------


async def test_date_and_time_are_one_range_only_when_negotiated(few):
    """FIND-14, BRIDGE-03: independent without byte 2, one stretch of time with it."""
    days = {"StudyInstanceUID": "", "StudyDate": "20240110-20240112"}
    identifier = key("STUDY", **days, StudyTime="2200-0200")
    assert uids(await found(few, key("STUDY", **days, StudyTime="2200-2359"))) == {"1.2.1"}
    assert uids(await found(few, identifier, features=b"\0\1")) == {"1.2.1", "1.2.2"}
    web = await few.web.get("/studies?StudyDate=20240110-20240112&StudyTime=2200-0200")
    assert len(web.json()) == 2


async def test_names_are_found_by_their_sound_only_when_negotiated(few):
    """FIND-14: byte 3."""
    identifier = key("STUDY", StudyInstanceUID="", PatientName="Anna Smyth")
    assert uids(await found(few, identifier)) == set()
    assert uids(await found(few, identifier, features=b"\0\0\1")) == {"1.2.1"}


async def test_the_zone_of_the_question_counts_only_when_negotiated(archive):
    """FIND-14, FIND-23: byte 4; it is never matched."""
    moment = {"StudyDate": "20240101", "StudyTime": "230000", "TimezoneOffsetFromUTC": "+0100"}
    await stored(archive, dataset(StudyInstanceUID="1.2.5", **moment))
    asked = {"StudyDate": "20240102", "StudyTime": "0000-0200", "TimezoneOffsetFromUTC": "+0300"}
    identifier = key("STUDY", StudyInstanceUID="", **asked)
    assert uids(await found(archive, identifier)) == set()
    assert uids(await found(archive, identifier, features=b"\0\1\0\1")) == {"1.2.5"}


async def test_empty_and_several_values_are_matched_only_when_negotiated(few):
    """FIND-14: bytes 6 and 7 (2024)."""
    empty = key("STUDY", StudyInstanceUID="", AccessionNumber='""')
    assert uids(await found(few, empty)) == set()
    assert uids(await found(few, empty, features=b"\0\0\0\0\0\1")) == {"1.2.2"}
    both = key("STUDY", StudyInstanceUID="", ModalitiesInStudy=["CT", "MR"])
    assert uids(await found(few, both)) == {"1.2.1", "1.2.2", "1.2.3"}
    assert uids(await found(few, both, features=b"\0\0\0\0\0\0\1")) == {"1.2.1"}


async def test_an_empty_required_key_is_matched_by_anything_by_the_letter(tmp_path):
    """FIND-21: RUL-21, on in strict mode only."""
    identifier = key("STUDY", StudyInstanceUID="", AccessionNumber="A100")
    for strict, expected in ((False, {"1.2.1"}), (True, {"1.2.1", "1.2.2"})):
        async with door_of(Settings(data=tmp_path / str(strict), strict=strict)) as archive:
            await stored(archive, SMITH, MUELLER)
            assert uids(await found(archive, identifier)) == expected


# Answers ---------------------------------------------------------------------------------------


async def test_an_answer_has_what_was_asked_for_and_no_more(few):
    """FIND-07, FIND-09, FIND-10: and level, Retrieve AE Title, Instance Availability."""
    (answer,) = await found(few, key("STUDY", StudyInstanceUID="1.2.1", PatientName=""))
    assert [element.keyword for element in answer] == [
        "QueryRetrieveLevel",
        "RetrieveAETitle",
        "InstanceAvailability",
        "PatientName",
        "StudyInstanceUID",
    ]
    assert answer.QueryRetrieveLevel == "STUDY"
    assert answer.RetrieveAETitle == "DICOMWEB"
    assert answer.InstanceAvailability == "ONLINE"


async def test_what_has_no_value_comes_back_empty(few):
    """FIND-08."""
    identifier = key("STUDY", StudyInstanceUID="1.2.2", AccessionNumber="", StudyDescription="")
    (answer,) = await found(few, identifier, status=0xFF00)
    assert answer["AccessionNumber"].is_empty
    assert answer["StudyDescription"].is_empty


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"SeriesDescription": ""}, id="a level below"),
        pytest.param({"SeriesDescription": "Axial"}, id="a level below, to be matched"),
        pytest.param({"NumberOfStudyRelatedSeries": "2"}, id="a count to be matched"),
        pytest.param({"RetrieveURL": ""}, id="what only the web has"),
    ],
)
async def test_a_key_that_is_not_supported_is_told(few, keys):
    """FIND-05, FIND-06: FF01; not returned, and nothing is matched by it."""
    identifier = key("STUDY", StudyInstanceUID="1.2.1", **keys)
    (answer,) = await found(few, identifier, status=0xFF01)
    assert answer.StudyInstanceUID == "1.2.1"
    assert "SeriesDescription" not in answer


async def test_a_private_key_is_not_supported(few):
    """FIND-05, FIND-06."""
    identifier = key("STUDY", StudyInstanceUID="1.2.1")
    identifier.add_new(0x00110010, "LO", "OURS")
    identifier.add_new(0x00111001, "LO", "x")
    (answer,) = await found(few, identifier, status=0xFF01)
    assert 0x00111001 not in answer


async def test_what_no_row_is_declared_for_is_returned_all_the_same(archive):
    """FIND-05, FIND-06, FIND-20: any attribute of the level that objects have; FF00."""
    extra = {"StudyComments": "Seen", "PatientAge": "050Y"}
    await stored(archive, dataset(StudyInstanceUID="1.2.6", **extra))
    identifier = key("STUDY", StudyInstanceUID="1.2.6", StudyComments="", PatientAge="")
    (answer,) = await found(archive, identifier, status=0xFF00)
    assert (answer.StudyComments, answer.PatientAge) == ("Seen", "050Y")


async def test_counts_and_modalities_are_returned(few):
    """FIND-19: as many as there are."""
    identifier = key(
        "STUDY",
        StudyInstanceUID="1.2.1",
        ModalitiesInStudy="",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
    )
    (answer,) = await found(few, identifier, status=0xFF00)
    assert sorted(answer.ModalitiesInStudy) == ["CT", "MR"]
    assert (answer.NumberOfStudyRelatedSeries, answer.NumberOfStudyRelatedInstances) == (2, 2)
    patient = key(
        "PATIENT",
        PatientID="S1",
        NumberOfPatientRelatedStudies="",
        NumberOfPatientRelatedSeries="",
        NumberOfPatientRelatedInstances="",
    )
    (answer,) = await found(few, patient, PATIENT_FIND, status=0xFF00)
    assert answer.NumberOfPatientRelatedStudies == 1
    assert answer.NumberOfPatientRelatedSeries == answer.NumberOfPatientRelatedInstances == 2
    series = key("SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1",
                 NumberOfSeriesRelatedInstances="")  # fmt: skip
    (answer,) = await found(few, series, status=0xFF00)
    assert answer.NumberOfSeriesRelatedInstances == 1


async def test_an_instance_tells_its_class_and_its_syntaxes(few):
    """FIND-20: C.6.1.1.5."""
    identifier = key(
        "IMAGE",
        StudyInstanceUID="1.2.1",
        SeriesInstanceUID="1.2.1.1",
        SOPInstanceUID="",
        SOPClassUID="",
        AvailableTransferSyntaxUID="",
        InstanceNumber="",
    )
    (answer,) = await found(few, identifier, status=0xFF00)
    assert answer.SOPClassUID == CT
    assert "1.2.840.10008.1.2.1" in answer.AvailableTransferSyntaxUID
    assert answer.InstanceNumber == 1


async def test_a_sequence_is_matched_and_returned_by_its_items(archive):
    """FIND-13: C.2.2.2.6; of an item what was asked for."""
    item = key("", RequestedProcedureID="R1", ScheduledProcedureStepID="S1")
    await stored(archive, dataset(StudyInstanceUID="1.2.7", RequestAttributesSequence=[item]))
    for asked, count in (("R1", 1), ("R2", 0), ("", 1)):
        identifier = key(
            "SERIES",
            StudyInstanceUID="1.2.7",
            SeriesInstanceUID="",
            RequestAttributesSequence=[key("", RequestedProcedureID=asked)],
        )
        answers = await found(archive, identifier)
        assert len(answers) == count
        for answer in answers:
            (got,) = answer.RequestAttributesSequence
            assert [element.keyword for element in got] == ["RequestedProcedureID"]


# Character sets ----------------------------------------------------------------------------------

CHARSETS = {
    "Latin-1": ("ISO_IR 100", "Müller^J*"),
    "UTF-8": ("ISO_IR 192", "Müller^J*"),
    "UTF-8, Japanese": ("ISO_IR 192", "*=山田*"),
    "code extensions, Japanese": (["", "ISO 2022 IR 87"], "*=山田*"),
}


@pytest.mark.parametrize("terms, name", CHARSETS.values(), ids=CHARSETS)
async def test_a_question_in_any_character_set_is_understood(few, terms, name):
    """FIND-17: (0008,0005) of the request; C.4.1.1.3.1."""
    identifier = key("STUDY", SpecificCharacterSet=terms, PatientName=name, StudyInstanceUID="")
    (answer,) = await found(few, identifier)
    assert answer.PatientName in ("Müller^Jörg", "Yamada^Tarou=山田^太郎")


@pytest.mark.parametrize(
    "study, asked, answered",
    [
        pytest.param("1.2.1", None, None, id="ASCII needs none"),
        pytest.param("1.2.1", "ISO_IR 192", None, id="whatever the question had"),
        pytest.param("1.2.2", None, "ISO_IR 100", id="Latin-1 where that has it"),
        pytest.param("1.2.2", "ISO_IR 192", "ISO_IR 192", id="that of the question, if it has it"),
        pytest.param("1.2.3", None, "ISO_IR 192", id="UTF-8 has everything"),
        pytest.param("1.2.3", "ISO_IR 100", "ISO_IR 192", id="when that of the question has not"),
    ],
)
async def test_an_answer_is_in_the_smallest_set_that_has_it(few, study, asked, answered):
    """FIND-07, FIND-17, FIND-18: every text can be decoded by what is declared."""
    identifier = key("STUDY", StudyInstanceUID=study, PatientName="")
    if asked is not None:
        identifier.SpecificCharacterSet = asked
    (answer,) = await found(few, identifier)
    assert answer.get("SpecificCharacterSet") == answered
    names = {"1.2.1": "Smith^Anna", "1.2.2": "Müller^Jörg", "1.2.3": "Yamada^Tarou=山田^太郎"}
    assert answer.PatientName == names[study]


# Streaming and the end ---------------------------------------------------------------------------


@pytest.fixture
async def many(archive):
    """250 studies of one instance, on record and nowhere else needed."""
    studies = (dataset(StudyInstanceUID=f"1.3.{n}", PixelData=None) for n in range(250))
    await stored(archive, *studies)
    return archive


async def test_all_answers_come_page_after_page(many):
    """FIND-22: each once."""
    answers = await found(many, key("STUDY", StudyInstanceUID=""))
    assert len(answers) == len(uids(answers)) == 250


async def test_a_cancel_is_heeded_within_a_row(many):
    """FIND-12: FE00, without an identifier."""
    async with associated(many.port, STUDY_FIND) as peer:
        peer.send(find_of(STUDY_FIND, 9), encoded(key("STUDY", StudyInstanceUID="")))
        await peer.message()
        peer.send(Command(Message.C_CANCEL, MessageIDBeingRespondedTo=9))
        count = 1
        while (response := (await peer.message())[0]).Status == 0xFF00:
            count += 1
        assert response.Status == 0xFE00
        assert count < 250
        # The association goes on.
        responses = await peer.all(find_of(STUDY_FIND, 10), encoded(key("STUDY", PatientID="X")))
        assert [response.Status for response, _ in responses] == [0]


async def test_a_requester_that_goes_away_ends_it(many):
    async with associated(many.port, STUDY_FIND) as peer:
        peer.send(find_of(STUDY_FIND), encoded(key("STUDY", StudyInstanceUID="")))
        await peer.message()
        peer.writer.transport.abort()
    async with asyncio.timeout(30):
        while many.door.associations:
            await asyncio.sleep(0.001)


async def test_stow_and_c_store_are_found_through_both_doors(four):
    """BRIDGE-01, BRIDGE-05: equal attributes; Retrieve AE Title and Retrieve URL are both true."""
    (web,) = (await four.web.get("/studies?StudyInstanceUID=1.2.2")).json()
    identifier = key("STUDY", StudyInstanceUID="1.2.2", PatientName="", StudyTime="")
    (answer,) = await found(four, identifier)
    assert web["00100010"]["Value"][0]["Alphabetic"] == answer.PatientName
    assert web["00080030"]["Value"][0] == answer.StudyTime
    assert (await four.web.get(web["00081190"]["Value"][0] + "/metadata")).status_code == 200
    assert answer.RetrieveAETitle == four.door.policy.ae_title


async def test_what_is_deleted_is_not_found(four):
    """BRIDGE-06."""
    await delete(four.door.archive, Selection(Uid("1.2.1")))
    assert uids(await found(four, key("STUDY", StudyInstanceUID=""))) == {"1.2.2", "1.2.3"}


@pytest.mark.skipif(shutil.which("findscu") is None, reason="findscu comes with Debian's dcmtk.")
async def test_dcmtk_finds(few):
    """FIND-01: findscu, in both roots, with a cancel."""
    where = ["-aec", "DICOMWEB", "127.0.0.1", str(few.port)]
    for root, keys in (
        ("-S", ["QueryRetrieveLevel=STUDY", "StudyInstanceUID", "PatientName=smith*"]),
        ("-P", ["QueryRetrieveLevel=PATIENT", "PatientID", "PatientName=smith*"]),
    ):
        command = ["findscu", "-v", root, *(x for k in keys for x in ("-k", k)), *where]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0
        assert "Smith^Anna" in said
        assert "Find Response: 1 (Pending)" in said
    command = ["findscu", "-v", "--cancel", "1", "-S", "-k", "QueryRetrieveLevel=STUDY", *where]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
