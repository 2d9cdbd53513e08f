"""WADO-URI for pictures and texts (PS3.18 9.5)."""

from __future__ import annotations

import io
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from tests.web.test_documents import report
from tests.web.test_presentation import expected, picture, state
from tests.web.test_rendered import colours, frames, image, pixels, server, store

assert server, "a fixture"


def url(ds, **parameters: str) -> str:
    asked = {
        "requestType": "WADO",
        "studyUID": ds.StudyInstanceUID,
        "seriesUID": ds.SeriesInstanceUID,
        "objectUID": ds.SOPInstanceUID,
    } | parameters
    return "http://archive.test/wado?" + "&".join(f"{n}={quote(v)}" for n, v in asked.items())


async def ask(server, ds, accept="*/*", **parameters: str):
    return await server.get(url(ds, **parameters), headers={"Accept": accept})


PNG = {"contentType": "image/png"}


async def test_without_a_content_type_it_is_a_jpeg(server):
    """URI-04, URI-22, URI-25, RUL-25: of an image of several frames too; of a report HTML."""
    for ds, kind in ((image(), "image/jpeg"), (frames(3), "image/jpeg"), (report(), "text/html")):
        stored = await store(server, ds)
        answer = await ask(server, ds)
        assert answer.headers["content-type"].partition(";")[0] == kind
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert answer.headers["content-location"] == stored + "/rendered"
        request = server.build_request("GET", url(ds))
        del request.headers["accept"]
        assert (await server.send(request)).headers["content-type"].partition(";")[0] == kind


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/gif"])
async def test_the_content_type_is_one_of_those_named(server, kind):
    """URI-05, URI-20, URI-23."""
    ds = image()
    await store(server, ds)
    assert (await ask(server, ds, contentType=kind)).headers["content-type"] == kind
    several = await ask(server, ds, contentType=f"text/x-foo,{kind}")
    assert several.headers["content-type"] == kind


async def test_a_report_is_text_in_the_character_set_asked_for(server):
    """URI-20, URI-23: contentType and charset."""
    ds = report(PatientName="Müller^Jürgen", ContentSequence=None)
    await store(server, ds)
    for kind in ("text/html", "text/plain", "text/xml"):
        answer = await ask(server, ds, contentType=kind)
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    answer = await ask(server, ds, contentType="text/plain", charset="ISO-8859-1")
    assert answer.headers["content-type"] == "text/plain; charset=iso-8859-1"
    assert "Müller" in answer.content.decode("iso-8859-1")


@pytest.mark.parametrize(
    "parameters, status",
    [
        ({"contentType": "image/x-foo"}, 406),
        ({"contentType": "text/html"}, 406),
        ({"contentType": "image/png;charset=utf-8"}, 400),
        ({"contentType": "image/jpeg;transfer-syntax=1.2.840.10008.1.2.4.50"}, 400),
        ({"contentType": "application/dicom,image/jpeg"}, 400),
        ({"requestType": "wado"}, 400),
        ({"anonymize": "yes"}, 501),
        ({"anonymize": "no"}, 400),
        ({"windowCenter": "40"}, 400),
        ({"windowCenter": "40", "windowWidth": "x"}, 400),
        ({"region": "0.6,0,0.5,1"}, 400),
        ({"rows": "0"}, 400),
        ({"imageQuality": "0"}, 400),
        ({"imageAnnotation": "1!"}, 400),
        ({"frameNumber": "1"}, 400),
        ({"presentationUID": "1.2"}, 400),
        ({"presentationSeriesUID": "1.2"}, 400),
        ({"presentationSeriesUID": "1.2", "presentationUID": "1.3"}, 400),
        ({"presentationSeriesUID": "x", "presentationUID": "1.3"}, 400),
        ({"seriesUID": "1.2.3.4"}, 404),
    ],
    ids=str,
)
async def test_what_is_asked_wrongly_is_refused(server, parameters, status):
    """URI-01, URI-03, URI-06 to URI-08, URI-12 to URI-19."""
    ds = image()
    await store(server, ds)
    answer = await ask(server, ds, **parameters)
    assert answer.status_code == status
    assert answer.text


async def test_a_frame_is_named_by_its_number(server):
    """URI-13."""
    ds = frames(3)
    await store(server, ds)
    levels = [
        int(pixels(await ask(server, ds, frameNumber=str(n), **PNG))[0, 0]) for n in (1, 2, 3)
    ]
    assert levels == sorted(set(levels))
    for wrong in ("0", "4", "1,2", "x", ""):
        assert (await ask(server, ds, frameNumber=wrong)).status_code == 400


async def test_several_frames_are_one_picture(server):
    """URI-21, RUL-25: never parts; the middle one, or a GIF of all."""
    ds = frames(3)
    await store(server, ds)
    still = pixels(await ask(server, ds, **PNG))
    assert (still == pixels(await ask(server, ds, frameNumber="2", **PNG))).all()
    with Image.open(io.BytesIO((await ask(server, ds, contentType="image/gif")).content)) as gif:
        assert gif.n_frames == 3


async def test_rows_and_columns_are_the_most_there_may_be(server):
    """URI-14."""
    ds = colours()
    await store(server, ds)
    for parameters, shape in (
        ({"columns": "32"}, (16, 32)),
        ({"rows": "4"}, (4, 8)),
        ({"rows": "100", "columns": "8"}, (4, 8)),
    ):
        assert pixels(await ask(server, ds, **PNG, **parameters)).shape[:2] == shape


async def test_a_region_is_in_parts_of_the_image(server):
    """URI-15."""
    ds = colours()
    await store(server, ds)
    whole = pixels(await ask(server, ds, **PNG))
    found = pixels(await ask(server, ds, region="0.5,0.5,1,1", **PNG))
    assert (found == whole[4:, 8:]).all()


async def test_a_window_is_center_and_width(server):
    """URI-16."""
    ds = picture()
    await store(server, ds)
    found = pixels(await ask(server, ds, windowCenter="1000", windowWidth="2000", **PNG))
    assert np.abs(found - expected()).max() <= 0.5


async def test_annotation_and_quality_have_their_effect(server):
    """URI-17, URI-18, URI-20."""
    noise = np.random.default_rng(1).integers(0, 4096, 128 * 128).astype("<u2").tobytes()
    ds = image(Rows=128, Columns=128, PixelData=noise)
    await store(server, ds)
    plain = await ask(server, ds, **PNG)
    for name in ("imageAnnotation", "annotation"):
        assert (pixels(await ask(server, ds, **PNG, **{name: "patient"})) != pixels(plain)).any()
    warned = await ask(server, ds, imageAnnotation="foo", **PNG)
    assert warned.content == plain.content
    assert warned.headers["warning"].endswith("not supported: foo")
    low, high = [len((await ask(server, ds, imageQuality=q)).content) for q in ("10", "95")]
    assert low < high
    assert (await ask(server, ds, foo="1", **PNG)).content == plain.content


async def test_an_image_is_shown_under_a_presentation_state(server):
    """URI-19: with size, region, quality and annotation; not with a window or a frame."""
    ds, other = picture(), picture()
    made = state(ds, ImageHorizontalFlip="Y")
    await store(server, ds, other, made)
    named = {
        "presentationSeriesUID": made.SeriesInstanceUID,
        "presentationUID": made.SOPInstanceUID,
    }
    other.StudyInstanceUID = ds.StudyInstanceUID
    found = pixels(await ask(server, ds, **named, **PNG))
    assert np.abs(found - expected()[:, ::-1]).max() <= 0.5
    half = pixels(await ask(server, ds, region="0,0,0.5,1", **named, **PNG))
    assert (half == found[:, :10]).all()
    assert pixels(await ask(server, ds, columns="10", **named, **PNG)).shape == (6, 10)
    for wrong in (
        {"windowCenter": "1", "windowWidth": "2"},
        {"frameNumber": "1"},
        {"presentationUID": ds.SOPInstanceUID, "presentationSeriesUID": ds.SeriesInstanceUID},
    ):
        assert (await ask(server, ds, **(named | wrong))).status_code == 400


async def test_a_state_of_another_image_is_refused(server):
    """URI-19."""
    ds = picture()
    other = picture(StudyInstanceUID=ds.StudyInstanceUID)
    made = state(ds)
    await store(server, ds, other, made)
    named = {
        "presentationSeriesUID": made.SeriesInstanceUID,
        "presentationUID": made.SOPInstanceUID,
    }
    assert (await ask(server, other, **named)).status_code == 400
