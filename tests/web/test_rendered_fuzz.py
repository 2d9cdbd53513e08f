"""Headers changed at random: a picture, or a reason why there is none; never a crash (REND-12)."""

from __future__ import annotations

import random

import pytest

from dicomweb.settings import Settings
from tests.make import part10, related, related_type
from tests.web.conftest import client_of
from tests.web.test_documents import ecg, report, structure_set
from tests.web.test_presentation import picture, state
from tests.web.test_rendered import ask, colours, frames, image
from tests.web.test_slides import sparse
from tests.web.test_underlay import segmentation, slices

CHANGES = 25
ANSWERS = {200, 206, 400, 404, 406, 413, 500}
QUESTIONS = (
    "/rendered",
    "/thumbnail",
    "/frames/1/rendered?annotation=patient,technique&iccprofile=srgb",
    "/rendered?underlay=yes&viewport=50,50",
)


def objects() -> list[bytes]:
    shown = picture()
    (ct,) = slices(1)
    made = [
        image(), colours(), frames(3), shown, state(shown), report(), ecg(), structure_set(),
        sparse([3, 1, 2]), ct, segmentation(ct, [0]),
    ]  # fmt: skip
    return [part10(ds) for ds in made]


@pytest.fixture
async def server(archive_folder):
    """Takes the changed objects in place of those they were made of."""
    async with client_of(Settings(data=archive_folder, duplicates="replace")) as client:
        yield client


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_a_header_says_there_is_an_answer(server, seed):
    """Issue 6, bounded: the bytes before the pixels are changed, some of them to what is large."""
    chance = random.Random(seed)
    files = objects()
    await server.post("/studies", content=related(files), headers=related_type())
    rendered = 0
    for _ in range(CHANGES):
        changed = bytearray(chance.choice(files))
        for _ in range(chance.choice((1, 2, 4, 8))):
            place = chance.randrange(300, min(len(changed), 3_000))
            changed[place] = chance.choice((0, 1, 0x31, 0x7F, 0xFF, chance.randrange(256)))
        answer = await server.post(
            "/studies", content=related([bytes(changed)]), headers=related_type()
        )
        for stored in answer.json().get("00081199", {}).get("Value", []):
            for question in QUESTIONS:
                found = await ask(server, stored["00081190"]["Value"][0] + question, "*/*")
                assert found.status_code in ANSWERS
                rendered += found.status_code == 200
    assert rendered > CHANGES, "most of what is changed can still be shown"
