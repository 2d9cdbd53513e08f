"""Reports, encapsulated documents, waveforms, structure sets as texts and pictures (OBJ-05..07)."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from dicomweb.pixels import pages
from dicomweb.pixels.image import Image as Picture
from tests.make import dataset
from tests.web.test_presentation import items
from tests.web.test_rendered import ask, image, parts, pixels, server, store

assert server, "a fixture"

PICTURES = ["image/jpeg", "image/png"]
HTML = "text/html"


def code(meaning: str, value: str = "1") -> list[Dataset]:
    return items({"CodeValue": value, "CodingSchemeDesignator": "99X", "CodeMeaning": meaning})


def content(kind: str, name: str, **attributes) -> Dataset:
    (item,) = items(
        {"RelationshipType": "CONTAINS", "ValueType": kind, "ConceptNameCodeSequence": code(name)}
        | attributes
    )
    return item


IMAGE = generate_uid()


def report(**attributes) -> Dataset:
    """A report with an item of every kind of value."""
    measured = items(
        {"NumericValue": "12.5", "MeasurementUnitsCodeSequence": code("millimeter", "mm")}
    )
    reference = items(
        {"ReferencedSOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "ReferencedSOPInstanceUID": IMAGE}
    )
    evidence = items(
        {
            "StudyInstanceUID": "1.2.3",
            "ReferencedSeriesSequence": items(
                {"SeriesInstanceUID": "1.2.4", "ReferencedSOPSequence": reference}
            ),
        }
    )
    finding = content(
        "TEXT", "Finding", TextValue="A nodule <b>&</b> 胸部", ObservationDateTime="20240102030405"
    )
    tree = [
        content("CONTAINER", "Findings", ContentSequence=[
            finding,
            content("NUM", "Diameter", MeasuredValueSequence=measured),
            content("CODE", "Site", ConceptCodeSequence=code("Lung")),
            content("DATE", "When", Date="20240105"),
            content("PNAME", "Who", PersonName="House^Gregory"),
            content("UIDREF", "Which", UID="1.2.99"),
            content("IMAGE", "Seen in", ReferencedSOPSequence=reference),
            content("SCOORD", "Outline", GraphicType="POLYLINE", GraphicData=[1.0, 2.0, 3.0, 4.0]),
            content("TEXT", "Again", ReferencedContentItemIdentifier=[1, 1, 2]),
        ]),
    ]  # fmt: skip
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33", "Modality": "SR", "PixelData": None,
        "Rows": None, "Columns": None, "ValueType": "CONTAINER", "CompletionFlag": "COMPLETE",
        "VerificationFlag": "VERIFIED", "ConceptNameCodeSequence": code("Chest CT Report"),
        "VerifyingObserverSequence": items(
            {"VerifyingObserverName": "Wilson^James", "VerificationDateTime": "20240106"}
        ),
        "ContentSequence": tree, "CurrentRequestedProcedureEvidenceSequence": evidence,
    }  # fmt: skip
    return dataset(**(values | attributes))


SAID = [
    "Chest CT Report", "Doe, Jane", "COMPLETE", "VERIFIED", "Wilson, James", "Findings", "Finding",
    "2024-01-02 03:04:05", "12.5 mm", "Lung", "2024-01-05", "House, Gregory", "1.2.99", IMAGE,
    "1, 2, 3, 4", "see item 1.1.2", "胸部",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["html", "plain", "xml"])
async def test_a_report_says_all_that_is_in_it(server, kind):
    """REND-06, OBJ-05: codes, measurements, references, dates, flags, by-reference items."""
    answer = await ask(server, await store(server, report()) + "/rendered", f"text/{kind}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"text/{kind}; charset=utf-8"
    for said in SAID:
        assert said in answer.text
    if kind == "xml":
        assert ElementTree.fromstring(answer.content).tag == "document"


async def test_the_default_of_a_text_is_html(server):
    """REND-06, NEG-03, NEG-04."""
    url = await store(server, report()) + "/rendered"
    for accept in ("*/*", "text/*", "text/html,application/xhtml+xml,*/*;q=0.8"):
        assert (await ask(server, url, accept)).headers["content-type"].startswith("text/html")


async def test_nothing_in_a_report_becomes_markup(server):
    """SEC: what is stored is not trusted."""
    answer = await ask(server, await store(server, report()) + "/rendered", HTML)
    assert "<b>" not in answer.text
    assert "A nodule &lt;b&gt;&amp;&lt;/b&gt;" in answer.text
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


async def test_a_reference_leads_to_the_image(server):
    """OBJ-05."""
    answer = await ask(server, await store(server, report()) + "/rendered", HTML)
    path = f"/dicom-web/studies/1.2.3/series/1.2.4/instances/{IMAGE}/rendered"
    assert f'href="http://archive.test{path}"' in answer.text


async def test_the_character_set_is_the_one_asked_for(server):
    """NEG-40 to NEG-44: of the media type, then the parameter, then Accept-Charset; else UTF-8."""
    western = report(PatientName="Müller^Jürgen", ContentSequence=None)
    url = await store(server, western) + "/rendered"

    async def charset(query="", accept="text/plain", **headers):
        answer = await ask(server, url + query, accept, **headers)
        assert answer.status_code == 200
        name = answer.headers["content-type"].partition("charset=")[2]
        assert "Müller" in answer.content.decode(name)
        return name

    assert await charset() == "utf-8"
    assert await charset(accept="text/plain;charset=ISO-8859-1") == "iso-8859-1"
    assert await charset("?charset=ISO-8859-1") == "iso-8859-1"
    assert await charset("?charset=UTF-8", "text/plain;charset=iso-8859-1") == "iso-8859-1"
    assert await charset("?charset=x-klingon") == "utf-8"
    assert await charset(**{"Accept-Charset": "x, ISO-8859-15;q=0.5"}) == "iso-8859-15"
    assert await charset(accept='text/plain;charset="ISO_IR 100"') == "iso-8859-1"
    japanese = await store(server, report()) + "/rendered"
    assert (await ask(server, japanese, "text/plain;charset=ISO-8859-1")).status_code == 406


@pytest.mark.parametrize("accept", [*PICTURES, "application/pdf"])
async def test_a_report_is_also_pages(server, accept):
    """REND-07: our addition."""
    answer = await ask(server, await store(server, report()) + "/rendered", accept)
    assert answer.headers["content-type"] == accept
    if accept == "application/pdf":
        assert pages.page(answer.content).pixels.min() < 128
    else:
        assert pixels(answer).min() < 128


async def test_a_study_of_images_and_reports_is_both(server):
    """NEG-16: each part in what suits it."""
    told = report()
    url = await store(server, told, image(StudyInstanceUID=told.StudyInstanceUID))
    accept = 'multipart/related;type="image/png", multipart/related;type="text/html"'
    answer = await ask(server, url.partition("/series")[0] + "/rendered", accept)
    assert answer.status_code == 200
    kinds = {head["content-type"].partition(";")[0] for head, _ in await parts(answer)}
    assert "image/png" in kinds
    narrow = 'multipart/related;type="text/html"'
    answer = await ask(server, url.partition("/series")[0] + "/rendered", narrow)
    assert (answer.status_code, len(await parts(answer))) == (206, 1)


async def test_a_key_object_selection_is_a_text(server):
    """REND-06, OBJ-05."""
    told = report(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.59", Modality="KO")
    answer = await ask(server, await store(server, told) + "/rendered", "text/plain")
    assert IMAGE in answer.text


# Encapsulated documents ------------------------------------------------------------


def encapsulated(sop: str, media_type: str, data: bytes, **attributes) -> Dataset:
    return dataset(
        SOPClassUID=f"1.2.840.10008.5.1.4.1.1.104.{sop}", Modality="DOC", PixelData=None, Rows=None,
        Columns=None, MIMETypeOfEncapsulatedDocument=media_type, DocumentTitle="A letter",
        EncapsulatedDocument=data, EncapsulatedDocumentLength=len(data), **attributes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return pages.pdf([Picture(np.full((40, 30), 99, np.uint8))] * 2)


async def test_a_pdf_is_given_as_it_is(server, pdf):
    """OBJ-06, REND-06, REND-07."""
    url = await store(server, encapsulated("1", "application/pdf", pdf)) + "/rendered"
    answer = await ask(server, url, "application/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == pdf
    html = await ask(server, url, "*/*")
    assert html.headers["content-type"].startswith("text/html")
    assert "rendered?accept=application/pdf" in html.text
    assert "A letter" in (await ask(server, url, "text/plain")).text
    assert pixels(await ask(server, url)).shape[:2] == (1600, 1200)


async def test_the_thumbnail_of_a_pdf_is_its_first_page(server, pdf):
    """REND-47."""
    url = await store(server, encapsulated("1", "application/pdf", pdf)) + "/thumbnail"
    found = pixels(await ask(server, url))
    assert found.shape[:2] == (256, 192)
    assert abs(int(found[100, 100].mean()) - 99) <= 3


CDA = """<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Discharge</title><component><structuredBody>
<component><section><title>History</title><text><paragraph>Fell &amp; rose.</paragraph>
<table><tbody><tr><td>Pulse</td><td>72</td></tr></tbody></table></text>
<component><section><title>Earlier</title><text>None</text></section></component>
</section></component></structuredBody></component></ClinicalDocument>"""


async def test_a_cda_is_read_and_given_as_it_is(server):
    """OBJ-06, REND-06."""
    url = await store(server, encapsulated("2", "text/XML", CDA.encode())) + "/rendered"
    assert (await ask(server, url, "text/xml")).text == CDA
    for kind in ("text/plain", "text/html"):
        answer = await ask(server, url, kind)
        for said in ("Discharge", "History", "Pulse 72", "Earlier", "None"):
            assert said in answer.text
    assert "Fell & rose." in (await ask(server, url, "text/plain")).text
    assert (await ask(server, url, "image/png")).status_code == 200


async def test_a_cda_that_nests_without_end_is_cut(server):
    """Issue 6, bounded."""
    deep = "<section><title>More</title>" * 500 + "</section>" * 500
    cda = CDA.replace("<title>Discharge</title>", "<title>Discharge</title>" + deep)
    url = await store(server, encapsulated("2", "text/xml", cda.encode())) + "/rendered"
    for kind in ("text/html", "text/plain"):
        answer = await ask(server, url, kind)
        assert answer.status_code == 200
        assert 0 < answer.text.count("More") < 100


BOMB = """<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>&b;</title></ClinicalDocument>"""


@pytest.mark.parametrize(
    "sop, media_type, data",
    [
        ("1", "application/pdf", b"%PDF-1.4 and no more"),
        ("1", "application/pdf", b""),
        ("2", "text/xml", b"<ClinicalDocument"),
        ("2", "text/xml", BOMB.encode()),
    ],
    ids=["cut PDF", "no PDF", "cut CDA", "entities"],
)
async def test_a_document_that_is_none_is_an_error(server, sop, media_type, data):
    """REND-12, and issue 6: entities are not read."""
    url = await store(server, encapsulated(sop, media_type, data))
    answer = await ask(server, url + "/rendered", HTML)
    assert answer.status_code == 500
    assert answer.text
    assert (await ask(server, url + "/thumbnail")).status_code == 200


async def test_a_model_is_a_text_with_a_link(server):
    """OBJ-06: STL, OBJ, MTL."""
    url = await store(server, encapsulated("3", "model/stl", b"solid x" * 300))
    answer = await ask(server, url + "/rendered", "*/*")
    assert "STL model" in answer.text
    link = answer.text.partition('href="')[2].partition('"')[0]
    file = await ask(server, link, "application/octet-stream")
    assert file.content.startswith(b"solid x")
    assert (await ask(server, url + "/rendered", "image/png")).status_code == 406


# Waveforms and structure sets ------------------------------------------------------


def ecg(**attributes) -> Dataset:
    time = np.arange(500) / 100
    samples = np.stack([np.sin(time * 6) * 1000, np.cos(time * 6) * 400], axis=1).astype("<i2")
    unit = {"ChannelSensitivityUnitsSequence": code("microvolt", "uV")}
    channels = items(
        *(
            {"ChannelLabel": name, "ChannelSensitivity": 2} | unit
            for name in ("Lead I", "Lead II")
        )
    )  # fmt: skip
    values = {
        "NumberOfWaveformChannels": 2, "NumberOfWaveformSamples": 500, "SamplingFrequency": 100,
        "WaveformBitsAllocated": 16, "WaveformSampleInterpretation": "SS",
        "ChannelDefinitionSequence": channels,
    }  # fmt: skip
    (group,) = items(values | attributes)
    group.add_new("WaveformData", "OW", samples.tobytes())
    return dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.9.1.1", Modality="ECG", PixelData=None, Rows=None,
        Columns=None, WaveformSequence=[group],
    )  # fmt: skip


async def test_a_waveform_is_plotted(server):
    """OBJ-07: our addition, documented; each channel in its strip."""
    url = await store(server, ecg())
    found = pixels(await ask(server, url + "/rendered"))
    assert found.shape == (240, 1600, 3)
    dark = (found.sum(axis=2) < 200)[:, 200:]
    assert dark[:120].any()
    assert dark[120:].any()
    heights = [np.ptp(np.argwhere(half)[:, 0]) for half in (dark[:120], dark[120:])]
    assert heights[0] / heights[1] == pytest.approx(2.5, rel=0.1), "one scale for all"
    assert "-1998 to 1998 uV, 5 s at 100 Hz" in (await ask(server, url + "/rendered", HTML)).text
    assert pixels(await ask(server, url + "/thumbnail")).shape[1] == 256


@pytest.mark.parametrize(
    "attributes",
    [
        {"NumberOfWaveformSamples": 2**31 - 1},
        {"NumberOfWaveformChannels": 65535},
        {"NumberOfWaveformChannels": 0},
        {"WaveformSampleInterpretation": "XX"},
    ],
    ids=str,
)
async def test_a_waveform_that_is_not_whole_is_an_error(server, attributes):
    """Issue 6, bounded."""
    answer = await ask(server, await store(server, ecg(**attributes)) + "/rendered")
    assert answer.status_code == 500


def structure_set() -> Dataset:
    contours = items(
        *(
            {
                "ContourGeometricType": "CLOSED_PLANAR", "NumberOfContourPoints": 4,
                "ContourData": [0, 0, z, 10, 0, z, 10, 10, z, 0, 10, z],
            }
            for z in (1, 2)
        )
    )  # fmt: skip
    return dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", Modality="RTSTRUCT", PixelData=None, Rows=None,
        Columns=None, StructureSetLabel="Plan 1",
        StructureSetROISequence=items(
            {"ROINumber": 7, "ROIName": "Bladder", "ROIGenerationAlgorithm": "MANUAL"}
        ),
        RTROIObservationsSequence=items(
            {"ReferencedROINumber": 7, "RTROIInterpretedType": "ORGAN"}
        ),
        ROIContourSequence=items(
            {"ReferencedROINumber": 7, "ROIDisplayColor": [255, 0, 0], "ContourSequence": contours}
        ),
    )  # fmt: skip


async def test_a_structure_set_is_a_list_and_a_drawing(server):
    """OBJ-09: our addition, documented."""
    url = await store(server, structure_set()) + "/rendered"
    answer = await ask(server, url, "*/*")
    for said in ("Plan 1", "Bladder", "ORGAN", "MANUAL", "255, 0, 0"):
        assert said in answer.text
    found = pixels(await ask(server, url))
    assert {tuple(int(v) for v in colour) for colour in found[found.any(axis=2)]} == {(255, 0, 0)}


async def test_a_plan_is_not_rendered(server):
    """OBJ-09, REND-11: category Other."""
    plan = dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5", Modality="RTPLAN", PixelData=None, Rows=None
    )
    url = await store(server, plan)
    assert (await ask(server, url + "/rendered", "*/*")).status_code == 406
    with Image.open(io.BytesIO((await ask(server, url + "/thumbnail")).content)) as placard:
        assert placard.size == (256, 256)
