"""Values that no one expects, stored and found on both databases."""

from __future__ import annotations

import json

import pytest
from pydicom.dataset import Dataset

from tests.make import dataset, instance, part10, related, related_type

pytestmark = pytest.mark.filterwarnings("ignore:The value length", "ignore:Invalid value")


async def put(server, *parts):
    return await server.post("/studies", content=related(parts), headers=related_type())


async def test_a_nul_inside_a_value_is_left_out_of_the_index(server):
    """PostgreSQL's texts hold none; the object keeps it, and a search finds what is left."""
    answer = await put(server, instance(PatientName="Doe\0^Jane"))
    assert answer.status_code == 200
    assert (await server.get("/studies?PatientName=Doe^Jane")).status_code == 200


async def test_a_value_too_long_for_an_index_key_is_stored_and_found(server):
    """PostgreSQL's index keys end at 2,700 bytes."""
    long = "山" * 5000
    answer = await put(server, instance(PatientID=long, AccessionNumber=long[:3000]))
    assert answer.status_code == 200
    (found,) = (await server.get("/studies?AccessionNumber=" + long[:1000] + "*")).json() or [None]
    assert found["00100020"]["Value"] == [long]


async def test_bulk_data_in_what_a_search_answers_leads_to_the_instance(server):
    """WADO-19: also inside RequestAttributesSequence, which series results hold."""
    item = Dataset()
    item.ScheduledProcedureStepID = "SPS1"
    item.add_new(0x00110010, "LO", "OURS")
    item.add_new(0x00111001, "OB", bytes(5000))
    ds = dataset()
    ds.RequestAttributesSequence = [item]
    await put(server, part10(ds))
    (found,) = json.loads((await server.get("/series")).content)
    uri = found["00400275"]["Value"][0]["00111001"]["BulkDataURI"]
    answer = await server.get(uri, headers={"Accept": "application/octet-stream"})
    assert answer.content == bytes(5000)


async def test_an_empty_patient_id_makes_each_study_a_patient_of_its_own(server):
    """Two unidentified people are not to be taken for one; STOW takes them (clients.md 68)."""
    await put(server, instance(PatientID=""), instance(PatientID=None))
    assert len((await server.get("/patients")).json()) == 2


async def test_studies_of_one_patient_are_counted_together(server):
    await put(server, instance(PatientID="P9"), instance(PatientID="P9"))
    (patient,) = (await server.get("/patients?PatientID=P9")).json()
    assert patient["00201200"]["Value"] == [2]
    assert patient["00201204"]["Value"] == [2]


async def test_studies_of_one_patient_id_show_the_names_they_were_sent_with(server):
    names = ["Doe^Jane", "Roe^Richard"]
    await put(server, *(instance(PatientID="P9", PatientName=name) for name in names))
    found = (await server.get("/studies?PatientID=P9")).json()
    assert sorted(f["00100010"]["Value"][0]["Alphabetic"] for f in found) == names
