"""One archive, two doors: the same question has the same answer, the same object the same bytes.

What is asked is generated: values that are stored, parts of them, patterns, ranges, lists, and what
is not there, at every level, some at a time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from dicomweb.engine.entries import text_of
from dicomweb.settings import Settings
from dimse_bridge.wire.commands import Command, Message
from dimse_bridge.wire.items import Extended, Role
from schemas.attributes import ATTRIBUTES, Computed, Level, Match
from schemas.part10 import locate
from tests.dimse_bridge.conftest import door_of
from tests.dimse_bridge.peer import CT, STUDY_FIND, STUDY_GET, associated, encoded, read, store_of
from tests.make import dataset, part10, related, related_type

QUESTIONS = 200
KEYS_MAX = 4
SEED = 20

NAMES = [
    *("Müller^Jörg", "Mueller^Georg", "Smith^Anna", "SMITH^JOHN"),
    *("Yamada^Tarou=山田^太郎", "^", ""),
]
WORDS = ["Head", "head", "Thorax 2 mm", "Schädel", "a*b", "100%", "x_y", ""]
DATES = ["20231231", "20240101", "20240229", "20241115", ""]
TIMES = ["000000", "101112", "1011", "101112.5", "235959.999999", ""]
MODALITIES = ["CT", "MR", "US", "SR"]

LEVELS = {
    Level.STUDY: ("STUDY", "/studies", "StudyInstanceUID"),
    Level.SERIES: ("SERIES", "/series", "SeriesInstanceUID"),
    Level.INSTANCE: ("IMAGE", "/instances", "SOPInstanceUID"),
}
MATCHED = {
    level: [
        attribute
        for attribute in ATTRIBUTES
        if attribute.level <= level and attribute.match is not Match.NONE and not attribute.sequence
    ]
    for level in LEVELS
}
RETURNED = (Computed.SERIES_IN_STUDY, Computed.INSTANCES_IN_STUDY, Computed.MODALITIES)


def instances(random: random.Random) -> Iterator[Dataset]:
    """Forty, in a dozen studies of a handful of patients; study and series say one thing each."""
    for study in range(12):
        about = {
            "PatientName": random.choice(NAMES),
            "PatientID": f"P{random.randrange(5)}",
            "PatientBirthDate": random.choice(DATES),
            "PatientSex": random.choice(["F", "M", "O", ""]),
            "StudyInstanceUID": f"1.2.{study}",
            "StudyDate": random.choice(DATES),
            "StudyTime": random.choice(TIMES),
            "StudyID": random.choice(WORDS)[:16],
            "StudyDescription": random.choice(WORDS),
            "AccessionNumber": random.choice(["A1", "A12", "a1", ""]),
            "ReferringPhysicianName": random.choice(NAMES),
        }
        for series in range(random.randrange(1, 4)):
            of_series = {
                "SeriesInstanceUID": f"1.2.{study}.{series}",
                "Modality": random.choice(MODALITIES),
                "SeriesNumber": series,
                "SeriesDescription": random.choice(WORDS),
                "SeriesDate": random.choice(DATES),
                "SeriesTime": random.choice(TIMES),
                "BodyPartExamined": random.choice(["HEAD", "CHEST", ""]),
                "Laterality": random.choice(["L", "R", ""]),
            }
            for number in range(random.randrange(1, 3)):
                uid = f"1.2.{study}.{series}.{number}"
                yield dataset(
                    **about, **of_series, SOPInstanceUID=uid, InstanceNumber=number, PixelData=None
                )


def text(element: DataElement | None) -> str:
    """The values of an element as the door to the web has them."""
    if element is None or element.value is None:
        return ""
    several = element.value if element.VM > 1 else [element.value]
    return "\\".join(str(value) for value in several)


def asked(random: random.Random, match: Match, stored: list[str]) -> str:
    """A value to ask with, made of one that is stored."""
    missing = {Match.NUMBER: "77", Match.DATE: "19991231", Match.TIME: "0303"}.get(match, "9.9")
    value = random.choice(stored) if random.random() < 0.9 else missing
    other = random.choice(stored)
    match match:
        case Match.UID:
            return "\\".join({value, other})
        case Match.DATE | Match.TIME if value and random.random() < 0.6:
            first, last = sorted((value, other or value))
            return random.choice([f"{first}-{last}", f"{first}-", f"-{last}"])
        case Match.DATE | Match.TIME | Match.NUMBER:
            return value
        case Match.NAME if value:
            patterns = [value, value.lower(), f"{value[:3]}*", f"*{value[-3:]}", "?" + value[1:]]
            return random.choice(patterns)
        case _ if value:
            cut = random.randrange(len(value))
            begin, end = value[:cut], value[cut:]
            return random.choice([value, begin + "*", "*" + end, begin + "?" + end[1:]])
    return ""


Question = tuple[Level, dict[str, str]]


def questions(random: random.Random, stored: list[Dataset]) -> Iterator[Question]:
    for _ in range(QUESTIONS):
        level = random.choice(list(LEVELS))
        keys: dict[str, str] = {}
        for attribute in random.sample(MATCHED[level], random.randrange(1, KEYS_MAX + 1)):
            keyword = attribute.keyword
            source = "Modality" if keyword == "ModalitiesInStudy" else keyword
            values = sorted({text(ds.get_item(source) and ds[source]) for ds in stored})
            keys[keyword] = asked(random, attribute.match, values)
        yield level, keys


@pytest.fixture
async def doors(index_url, archive_folder):
    """The same objects, half of them sent through either door."""
    made = list(instances(random.Random(SEED)))
    async with door_of(Settings(data=archive_folder, index=index_url)) as archive:
        async with associated(archive.port, CT) as peer:
            for number, ds in enumerate(made):
                if number % 2:
                    response, _ = await peer.ask(store_of(ds, number), encoded(ds))
                    assert response.Status == 0
                else:
                    body, headers = related([part10(ds)]), related_type()
                    answer = await archive.web.post("/studies", content=body, headers=headers)
                    assert answer.status_code == 200
        yield archive, made


async def through_the_web(archive, level: Level, keys: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Answers by UID."""
    _, path, unique = LEVELS[level]
    query = "&".join(
        f"{keyword}={quote(value.replace(chr(92), ',') if keyword.endswith('UID') else value)}"
        for keyword, value in keys.items()
    )
    answer = await archive.web.get(f"{path}?{query}")
    assert answer.status_code in (200, 204), answer.text
    found = answer.json() if answer.status_code == 200 else []
    tag = next(a.tag for a in ATTRIBUTES if a.keyword == unique)
    return {one[tag]["Value"][0]: one for one in found}


async def through_an_association(peer, level: Level, keys: dict[str, str]) -> dict[str, Dataset]:
    name, _, unique = LEVELS[level]
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = name
    setattr(identifier, unique, "")
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    command = Command(
        Message.C_FIND,
        AffectedSOPClassUID=STUDY_FIND,
        MessageID=1,
        Priority=0,
        CommandDataSetType=1,
    )
    *pending, (final, _) = await peer.all(command, encoded(identifier))
    assert final.Status == 0, final
    answers = [read(data) for _, data in pending]
    return {str(answer[unique].value): answer for answer in answers}


@pytest.mark.filterwarnings("ignore:Invalid value for VR", "ignore:The value length")
async def test_two_hundred_questions_have_the_same_answers_through_both_doors(doors):
    """FIND-13, BRIDGE-01, BRIDGE-03: what is found, and what is said of it."""
    archive, made = doors
    extended = (Extended(STUDY_FIND, b"\1\1"),)
    found_something = 0
    async with associated(archive.port, STUDY_FIND, extended=extended) as peer:
        for level, keys in questions(random.Random(SEED), made):
            web = await through_the_web(archive, level, keys)
            found = await through_an_association(peer, level, keys)
            assert set(web) == set(found), (level, keys)
            found_something += bool(web)
            for uid, answer in found.items():
                for attribute in MATCHED[level]:
                    member = web[uid].get(attribute.tag)
                    if attribute.keyword in keys and member is not None:
                        assert text(answer[attribute.keyword]) == text_of(member), (keys, uid)
    # A test of nothing but empty answers would test nothing.
    assert found_something > QUESTIONS // 4


async def test_objects_are_the_same_byte_for_byte_through_both_doors(doors):
    """BRIDGE-01, STORE-07, MOVE-13: whichever door they came in by."""
    archive, made = doors
    got: dict[str, bytes] = {}
    roles = (Role(CT, scu=False, scp=True),)
    async with associated(archive.port, STUDY_GET, CT, roles=roles) as peer:
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "STUDY"
        identifier.StudyInstanceUID = sorted({ds.StudyInstanceUID for ds in made})
        peer.send(
            Command(
                Message.C_GET,
                AffectedSOPClassUID=STUDY_GET,
                MessageID=1,
                Priority=0,
                CommandDataSetType=1,
            ),
            encoded(identifier),
        )
        while (message := await peer.message())[0].CommandField == Message.C_STORE or (
            message[0].Status == 0xFF00
        ):
            command, data = message
            if command.CommandField == Message.C_STORE:
                got[command.AffectedSOPInstanceUID] = data
                peer.send(
                    Command(
                        0x8001,
                        AffectedSOPClassUID=CT,
                        MessageIDBeingRespondedTo=command.MessageID,
                        Status=0,
                    ),
                    context=3,
                )
    assert set(got) == {ds.SOPInstanceUID for ds in made}
    for ds in made:
        url = f"/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances"
        answer = await archive.web.get(
            f"{url}/{ds.SOPInstanceUID}", headers={"Accept": "application/dicom; transfer-syntax=*"}
        )
        whole = answer.content
        assert whole[locate(whole).offset :] == got[ds.SOPInstanceUID] == encoded(ds)
