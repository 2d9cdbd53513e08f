"""Custom attributes: declared while the archive runs, filled in from stored metadata."""

from __future__ import annotations

import asyncio

import pytest

from dicomweb.__main__ import main
from dicomweb.engine import customs
from dicomweb.settings import Settings
from dicomweb.store import custom
from dicomweb.store.opening import open_index
from schemas.attributes import Level
from schemas.reasons import Refused
from tests.make import dataset, part10, related, related_type
from tests.web.conftest import client_of

STUDY = "0020000D"


async def store(client, **attributes) -> None:
    ds = dataset(**attributes)
    block = ds.private_block(0x0023, "AcmeCompany", create=True)
    block.add_new(1, "LO", f"of {ds.StudyInstanceUID}")
    answer = await client.post("/studies", content=related([part10(ds)]), headers=related_type())
    assert answer.status_code == 200, answer.text


async def found(client, question: str) -> tuple[list[str], bool]:
    """The studies, and whether metadata had to be read for them."""
    answer = await client.get(f"/studies?{question}")
    assert answer.status_code in (200, 204), answer.text
    studies = [one[STUDY]["Value"][0] for one in answer.json()] if answer.content else []
    return studies, any("not indexed" in t for t in answer.headers.get_list("warning"))


async def declare(index, text: str, level: Level = Level.STUDY) -> None:
    async for _ in customs.fill(index, await customs.declare(index, customs.path_of(text), level)):
        pass


@pytest.fixture
async def both(index_url, archive_folder):
    """A served archive of three studies, and another process's view of its index."""
    async with client_of(Settings(data=archive_folder, index=index_url)) as client:
        for number in range(1, 4):
            await store(
                client,
                StudyInstanceUID=f"1.2.{number}",
                StationName=f"CT{number % 2}",
                OperatorsName=f"Doe^Op{number}",
                KVP=str(100 + number),
                StudyTime=f"0{number}",
            )
        index = await open_index(index_url)
        yield client, index
        await index.close()


async def test_a_custom_attribute_is_found_by_index_old_and_new(both):
    client, index = both
    assert await found(client, "StationName=CT1") == (["1.2.3", "1.2.1"], True)
    await declare(index, "StationName")
    assert await found(client, "StationName=CT1") == (["1.2.3", "1.2.1"], False)
    await store(client, StudyInstanceUID="1.2.4", StationName="CT1", StudyTime="04")
    assert await found(client, "StationName=C?1&limit=2") == (["1.2.4", "1.2.3"], False)
    assert await found(client, "StationName=CT9") == ([], False)


async def test_every_form_of_matching_works_by_index_as_it_does_without(both):
    client, index = both
    questions = ["OperatorsName=doe^op2", "OperatorsName=DOE*", "KVP=102.0", "KVP=7", "KVP=103",
                 "OperatorsName=%22%22&emptyvaluematching=true", "StationName=*1",
                 "OperatorsName=op&fuzzymatching=true", "OperatorsName=doe^op1="]  # fmt: skip
    before = [(await found(client, question))[0] for question in questions]
    for attribute in ("OperatorsName", "KVP", "StationName"):
        await declare(index, attribute)
    assert [(await found(client, question))[0] for question in questions] == before
    assert before[0] == ["1.2.2"]


async def test_private_attributes_and_those_of_items_can_be_declared(both):
    client, index = both
    await declare(index, "00231001{AcmeCompany}")
    asked = "00230010=AcmeCompany&00231001=of 1.2.2"
    assert await found(client, asked) == (["1.2.2"], False)
    await declare(index, "RequestAttributesSequence.RequestedProcedureDescription", Level.SERIES)
    answer = await client.get("/series?00400275.00321060=x")
    assert answer.status_code == 204
    assert "warning" not in answer.headers


async def test_what_was_broken_off_is_taken_up_again(both, monkeypatch):
    """A search does not use it before it is complete; two processes fill in together."""
    client, index = both
    monkeypatch.setattr(custom, "_STATEMENTS", {d: one_at_once() for d in custom.DIALECTS})
    declared = await customs.declare(index, customs.path_of("StationName"), Level.STUDY)
    async for step in customs.fill(index, declared):
        assert step.filled == 1
        break
    assert [c.complete for c in await customs.listed(index)] == [False]
    assert await found(client, "StationName=CT1") == (["1.2.3", "1.2.1"], True)
    again = await customs.declare(index, customs.path_of("StationName"), Level.STUDY)
    assert (again.id, again.filled) == (declared.id, 1)

    async def finish() -> list[int]:
        return [step.filled async for step in customs.fill(index, again)]

    steps = await asyncio.gather(finish(), finish())
    assert sorted({at for one in steps for at in one}) == [2, 3]
    assert await found(client, "StationName=CT1") == (["1.2.3", "1.2.1"], False)


def one_at_once():
    made = custom._Statements()
    made.headers = {level: headers.limit(1) for level, headers in made.headers.items()}
    return made


async def test_what_is_removed_leaves_nothing(both):
    client, index = both
    await declare(index, "StationName")
    assert await customs.withdraw(index, customs.path_of("StationName"), Level.STUDY)
    assert not await customs.withdraw(index, customs.path_of("StationName"), Level.STUDY)
    assert await customs.listed(index) == []
    assert await found(client, "StationName=CT1") == (["1.2.3", "1.2.1"], True)


@pytest.mark.parametrize(
    "text", ["PatientID", "PixelData", "NumberOfStudyRelatedSeries", "nonsense", ""]
)
async def test_what_cannot_be_declared_is_refused(both, text):
    with pytest.raises(Refused):
        await declare(both[1], text)


@pytest.mark.usefixtures("root_logger_restored")
def test_the_command_adds_lists_and_removes(tmp_path, capsys):
    data = ["--data", str(tmp_path)]
    assert main(["index", "add", "StationName", *data]) == 0
    assert main(["index", "add", "00231001{Acme}", "--level", "instance", "--vr", "SH", *data]) == 0
    capsys.readouterr()
    assert main(["index", "list", *data]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "StationName  study  SH  100%",
        "00230001{Acme}  instance  SH  100%",
    ]
    assert main(["index", "remove", "StationName", *data]) == 0
    assert main(["index", "remove", "StationName", *data]) == 1
    assert main(["index", "add", "nonsense", *data]) == 2
    assert "no attribute's tag" in capsys.readouterr().err
