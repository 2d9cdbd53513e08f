"""Random archives, random queries: what is found is what PS3.4 C.2.2.2 says, on both databases."""

from __future__ import annotations

import random
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from pydicom.dataset import Dataset

from dicomweb.settings import Settings
from tests.engine import matching_reference as reference
from tests.make import dataset, part10, related, related_type
from tests.web.conftest import client_of

SEEDS = 2
QUERIES = 200

NAMES = [
    "Meyer^Anna", "Maier^John^^Dr", "Smith^Jane", "Schmidt^Jane", "Doe^John^^^", "",
    "Müller^Käthe", "Yamada^Taro=山田^太郎=やまだ^たろう", "=山田^花子", "Doe^Jane=doe^x",
]  # fmt: skip
IDS = ["P1", "p1", "P1*", "100%", "A_B", "AXB", "", "[1]", "a'b"]
ACCESSIONS = ["A1", "A12", "B\\", "", "a1", "1-2"]
DATES = ["20200101", "20200102", "20200131", "20210615", ""]
TIMES = ["0830", "103000", "1030", "235959.5", "000000", "10", ""]
ZONES = [None, None, "+0100", "-0500"]
MODALITIES = ["CT", "MR", "SR", "PT"]
DESCRIPTIONS = ["CHEST ROUTINE", "chest", "HEAD\u00e9", "", "Knee 50%"]
MAKERS = ["Acme", "ACME corp", None]
STEPS = ["S1", "S2", "S12"]


@dataclass(frozen=True)
class Study:
    instances: list[Dataset]

    @property
    def first(self) -> Dataset:
        return self.instances[0]

    @property
    def modalities(self) -> list[str]:
        return sorted({ds.Modality for ds in self.instances})


def archive(pick: random.Random, count: int = 14) -> list[Study]:
    return [study(pick, number) for number in range(count)]


def study(pick: random.Random, number: int) -> Study:
    shared = {
        "StudyInstanceUID": f"1.2.{number}",
        "PatientName": pick.choice(NAMES),
        "PatientID": pick.choice(IDS),
        "PatientBirthDate": pick.choice(DATES),
        "AccessionNumber": pick.choice(ACCESSIONS).replace("\\", ""),
        "StudyDate": pick.choice(DATES),
        "StudyTime": pick.choice(TIMES),
        "StudyDescription": pick.choice(DESCRIPTIONS),
        "ReferringPhysicianName": pick.choice(NAMES),
        "TimezoneOffsetFromUTC": pick.choice(ZONES),
        "PatientComments": pick.choice(DESCRIPTIONS),
    }
    instances = []
    for series in range(pick.randint(1, 3)):
        own = {
            "SeriesInstanceUID": f"1.2.{number}.{series}",
            "SeriesNumber": pick.choice([None, 1, 2]),
            "Modality": pick.choice(MODALITIES),
            "Manufacturer": pick.choice(MAKERS),
            "KVP": pick.choice([None, "120", "120.0", "80"]),
            "PerformedProcedureStepStartDate": pick.choice(DATES),
            "PerformedProcedureStepStartTime": pick.choice(TIMES),
            "RequestAttributesSequence": requests(pick),
        }
        for instance in range(pick.randint(1, 2)):
            uid = f"1.2.{number}.{series}.{instance}"
            instances.append(dataset(**shared, **own, SOPInstanceUID=uid, InstanceNumber=instance))
    return Study(instances)


def requests(pick: random.Random) -> list[Dataset]:
    items = []
    for _ in range(pick.randint(0, 2)):
        item = Dataset()
        item.ScheduledProcedureStepID = pick.choice(STEPS)
        item.RequestedProcedureID = pick.choice(STEPS)
        item.RequestedProcedureDescription = pick.choice(DESCRIPTIONS)
        items.append(item)
    return items


# Queries ---------------------------------------------------------------------------


def some_text(pick: random.Random, pool: list[str]) -> str:
    """A value as it is, or with a part of it made a wildcard."""
    text = pick.choice([value for value in pool if value])
    kind = pick.randrange(6)
    if kind == 0:
        return text[: pick.randint(1, len(text))] + "*"
    if kind == 1:
        return "*" + text[pick.randrange(len(text)) :]
    if kind == 2:
        at = pick.randrange(len(text))
        return f"*{text[at : at + 4]}*"
    if kind == 3:
        at = pick.randrange(len(text))
        return text[:at] + "?" + text[at + 1 :]
    return text


def some_range(pick: random.Random, pool: list[str]) -> str:
    low, high = sorted(pick.sample([value for value in pool if value], 2))
    return pick.choice([low, f"{low}-{high}", f"{low}-", f"-{high}"])


def some_name(pick: random.Random, _: list[str]) -> str:
    text = some_text(pick, NAMES)
    return text if pick.random() < 0.7 else text.lower()


STUDY_KEYS = {
    "PatientName": (some_name, NAMES),
    "ReferringPhysicianName": (some_name, NAMES),
    "PatientID": (some_text, IDS),
    "AccessionNumber": (some_text, ["A1", "A12", "a1", "1-2"]),
    "StudyDescription": (some_text, DESCRIPTIONS),
    "StudyDate": (some_range, DATES),
    "StudyTime": (some_range, TIMES),
    "PatientBirthDate": (some_range, DATES),
    "PatientComments": (some_text, DESCRIPTIONS),
    "ModalitiesInStudy": (some_text, MODALITIES),
}
SERIES_KEYS = {
    "Modality": (some_text, MODALITIES),
    "SeriesNumber": (lambda pick, pool: pick.choice(pool), ["1", "02"]),
    "Manufacturer": (some_text, ["Acme", "ACME corp"]),
    "KVP": (lambda pick, pool: pick.choice(pool), ["120", "80.0", "1.2e2"]),
    "PerformedProcedureStepStartDate": (some_range, DATES),
    "PerformedProcedureStepStartTime": (some_range, TIMES),
    "RequestAttributesSequence.ScheduledProcedureStepID": (some_text, STEPS),
    "RequestAttributesSequence.RequestedProcedureID": (some_text, STEPS),
    "RequestAttributesSequence.RequestedProcedureDescription": (some_text, DESCRIPTIONS),
}
MULTIPLE = {"ModalitiesInStudy": MODALITIES, "PatientID": IDS}
PAIRS = [
    ("StudyDate", "StudyTime"),
    ("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
]


@dataclass(frozen=True)
class Asked:
    path: str
    keys: dict[str, str]
    fuzzy: bool
    empty: bool
    multiple: bool
    zone: str

    def url(self, page: str = "limit=1000") -> str:
        flags = {"fuzzymatching": self.fuzzy, "emptyvaluematching": self.empty}
        flags["multiplevaluematching"] = self.multiple
        pairs = [f"{key}={quote(value, safe='')}" for key, value in self.keys.items()]
        pairs += [f"{name}=true" for name, given in flags.items() if given]
        pairs += [f"TimezoneOffsetFromUTC={quote(self.zone)}"] if self.zone else []
        return f"{self.path}?{'&'.join([*pairs, page])}"


def some_query(pick: random.Random) -> Asked:
    path = pick.choice(["/studies", "/studies", "/series", "/instances"])
    pool = STUDY_KEYS if path == "/studies" else STUDY_KEYS | SERIES_KEYS
    names = pick.sample(sorted(pool), pick.choice([1, 1, 2, 2, 3]))
    if pick.random() < 0.3:
        names = list(pick.choice(PAIRS[: 1 if path == "/studies" else 2]))
    keys = {name: pool[name][0](pick, pool[name][1]) for name in names}
    empty, multiple = pick.random() < 0.15, pick.random() < 0.15
    if empty:
        name = pick.choice(sorted(set(pool) - {n for n in pool if "." in n}))
        keys[name] = '""'
    if multiple:
        name = pick.choice(sorted(MULTIPLE))
        plain = [value for value in MULTIPLE[name] if value and "*" not in value]
        keys[name] = "\\".join(pick.sample(plain, 2))
    zone = pick.choice(["+0000", "-0300"]) if pick.random() < 0.2 else ""
    fuzzy = pick.random() < 0.3
    for name in {"PatientName", "ReferringPhysicianName"} & set(keys) if fuzzy else ():
        keys[name] = some_sounding_name(pick)
    return Asked(path, keys, fuzzy, empty, multiple, zone)


def some_sounding_name(pick: random.Random) -> str:
    """Whole words, whose keys the reference knows, or beginnings that it has no key for."""
    words = pick.sample(["Meyer", "Schmidt", "John", "Jon", "Mueller", "kathe", "山", "やまだ"], 2)
    return pick.choice(["*{}*", "{}", "{}", "{}^{}", "{} {}"]).format(*words)


# What is to be found ---------------------------------------------------------------


def holds(asked: Asked, ds: Dataset, whole: Study) -> bool:
    """Whether the entity whose first instance is `ds` meets all keys."""
    keys = dict(asked.keys)
    for pair in PAIRS:
        texts = [keys.get(keyword, "") for keyword in pair]
        if texts[0] and '""' not in texts:
            for keyword in pair:
                keys.pop(keyword, None)
            if not reference.in_stretch(*texts, ds, pair, asked.zone):
                return False
    nested = {key: text for key, text in keys.items() if "." in key}
    if nested and not any(item_holds(nested, item) for item in ds.RequestAttributesSequence):
        return False
    return all(
        key_holds(asked, key, text, ds, whole) for key, text in keys.items() if key not in nested
    )


def item_holds(nested: dict[str, str], item: Dataset) -> bool:
    return all(
        reference.matches_text(text, reference.values_of(item, key.split(".")[1]))
        for key, text in nested.items()
    )


def key_holds(asked: Asked, key: str, text: str, ds: Dataset, whole: Study) -> bool:
    held = whole.modalities if key == "ModalitiesInStudy" else reference.values_of(ds, key)
    if asked.empty and text == '""':
        return not held
    if not text.strip("*"):
        return True  # universal matching (C.2.2.2.3, C.2.2.2.4)
    if asked.multiple and "\\" in text:
        return all(reference.matches_text(one, held, listed=False) for one in text.split("\\"))
    if key.endswith("Name"):
        return any(reference.matches_name(text, name, asked.fuzzy) for name in held)
    if key.endswith("Date"):
        return any(reference.in_dates(text, one) for one in held)
    if key.endswith("Time"):
        return any(reference.in_times(text, one) for one in held)
    if key in ("SeriesNumber", "KVP"):
        return any(float(one) == float(text) for one in held)
    return reference.matches_text(text, held)


def expected(asked: Asked, studies: list[Study]) -> set[str]:
    found = set()
    for one in studies:
        firsts = {ds.SeriesInstanceUID: ds for ds in reversed(one.instances)}
        entities = {
            "/studies": {one.first.StudyInstanceUID: one.first},
            "/series": firsts,
            "/instances": {ds.SOPInstanceUID: ds for ds in one.instances},
        }[asked.path]
        found |= {uid for uid, ds in entities.items() if holds(asked, ds, one)}
    return found


UNIQUE = {"/studies": "0020000D", "/series": "0020000E", "/instances": "00080018"}


def uids(answer, path: str) -> list[str]:
    assert answer.status_code in (200, 204), answer.text
    found = answer.json() if answer.status_code == 200 else []
    return [one[UNIQUE[path]]["Value"][0] for one in found]


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_a_search_finds_what_the_standard_says(index_url, archive_folder, seed):
    """QIDO-11, 12, 18, 22..38, 65, 67, 68, 73; FIND-13; PS3.4 C.2.2.2."""
    pick = random.Random(seed)
    studies = archive(pick)
    parts = [part10(ds) for one in studies for ds in one.instances]
    async with client_of(Settings(data=archive_folder, index=index_url)) as client:
        answer = await client.post("/studies", content=related(parts), headers=related_type())
        assert answer.status_code in (200, 202), answer.text
        for _ in range(QUERIES):
            asked = some_query(pick)
            whole = uids(await client.get(asked.url()), asked.path)
            assert len(whole) == len(set(whole)), asked.url()
            assert set(whole) == expected(asked, studies), asked
            await assert_pages(client, asked, whole, pick)


async def assert_pages(client, asked: Asked, whole: list[str], pick: random.Random) -> None:
    """A page is a piece of the whole, and says how much comes after it."""
    limit, offset = pick.randint(1, 4), pick.randint(0, 3)
    answer = await client.get(asked.url(f"limit={limit}&offset={offset}"))
    assert uids(answer, asked.path) == whole[offset : offset + limit], asked.url()
    left = max(0, len(whole) - offset - limit)
    texts = [t for t in answer.headers.get_list("warning") if "additional results" in t]
    assert bool(texts) == bool(left), asked.url()
    if texts and "at least" not in texts[0]:
        assert f"There are {left} additional" in texts[0], asked.url()
