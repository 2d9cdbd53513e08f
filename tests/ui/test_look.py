"""Look: the viewer, from one slice to slides, and the requests it makes for that."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG4HP41

from tests.make import dataset, part10
from tests.real_files import CORPUS
from tests.ui import material
from tests.ui.conftest import PHONE, picture


def view(open_page, site, *arguments, **parameters):
    page = open_page(f"{site.root}view?{urlencode(parameters)}", *arguments)
    page.wait_for_selector(".pane[data-shown], .document")
    return page


@pytest.fixture
def ct(open_page, site):
    return view(open_page, site, study=material.CT)


def corner(page, where: str, pane: int = 0) -> str:
    return page.locator(".pane").nth(pane).locator(f".corner.{where}").inner_text()


def place(page, pane: int = 0) -> int:
    """The number of the image that is shown."""
    found = re.search(r"(\d+) / \d+", corner(page, "sw", pane))
    return int(found[1]) if found else 0


def shown(page, pane: int = 0) -> str:
    return page.locator(".pane").nth(pane).get_attribute("data-shown") or ""


def until(page, slice_number: int, pane: int = 0) -> None:
    """Waits for a slice of the CT to be drawn."""
    key = f"{material.CT_SERIES}.{slice_number}/1"
    page.locator(".pane").nth(pane).and_(page.locator(f'[data-shown="{key}"]')).wait_for()


def pixels(page) -> list[int]:
    """Grey levels along the middle row of the first pane."""
    return page.evaluate(
        """() => {
          const canvas = document.querySelector('.pane canvas');
          const row = canvas.getContext('2d').getImageData(0, canvas.height >> 1, canvas.width, 1);
          return Array.from(row.data).filter((_, at) => at % 4 === 0);
        }"""
    )


def drawn(page) -> None:
    """What was done has been drawn: what a frame asks for is there in the frame after it."""
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")


def answered(page, part: str, count: int) -> None:
    """Waits until so many addresses with a part have been answered."""
    page.wait_for_function(
        """([part, count]) => performance.getEntriesByType('resource')
          .filter((one) => one.name.includes(part) && one.responseEnd).length >= count""",
        arg=[part, count],
    )


def drag(page, across: int, down: int) -> None:
    box = page.locator(".pane canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across / 2, y + down / 2)
    page.mouse.move(x + across, y + down)
    page.mouse.up()
    drawn(page)


def test_a_series_opens_with_its_stored_window_and_its_text(ct):
    assert corner(ct, "nw").split("\n") == ["Phantom, Ada", "PH1"]
    assert "Head plain" in corner(ct, "ne")
    assert corner(ct, "se").startswith("W 80 C 40")
    assert place(ct) == 1
    picture(ct, "view-ct")


def test_the_stack_is_scrolled_by_keys_wheel_and_slider(ct):
    ct.keyboard.press("ArrowDown")
    until(ct, 2)
    ct.mouse.move(700, 400)
    ct.mouse.wheel(0, 120)
    ct.wait_for_selector(f'.pane:not([data-shown="{material.CT_SERIES}.2/1"])')
    ct.keyboard.press("End")
    until(ct, material.SLICES)
    ct.keyboard.press("PageUp")
    until(ct, material.SLICES - 10)
    ct.locator(".slider").fill("3")
    until(ct, 3)
    ct.keyboard.press("Home")
    until(ct, 1)


def test_images_ahead_in_the_direction_of_travel_are_there_before_they_are_looked_at(
    open_page, site
):
    asked: list[str] = []
    page = open_page(site.root)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.root}view?study={material.CT}")
    answered(page, "/frames/", 13)
    frames = [url for url in asked if "/frames/" in url]
    numbers = [int(re.search(r"(\d+)/frames", url)[1]) for url in frames]
    assert numbers[0] == 1
    assert sorted(numbers) == list(range(1, 14)), "twelve ahead, none twice, and not the rest"
    metadata = [url for url in asked if url.endswith("/metadata")]
    assert len(metadata) == 1, "one request describes a series"


def test_the_window_follows_the_hand_and_presets(ct):
    drag(ct, 100, 0)
    assert re.match(r"W 1\d\d C 40", corner(ct, "se"))
    bright = max(pixels(ct))
    ct.keyboard.press("2")
    drawn(ct)
    assert corner(ct, "se").startswith("W 1800 C 400")
    assert bright == 255
    options = ct.locator("select option").all_inner_texts()
    assert [option.split("  ")[-1] for option in options][1:] == [
        *("Brain", "Bone", "Full range", "Without extremes"),
        *("Soft tissue", "Lung", "Bone", "Brain", "Liver", "Mediastinum"),
    ]
    ct.keyboard.press("0")
    drawn(ct)
    assert corner(ct, "se").startswith("W 80 C 40")


def test_inverted_black_is_white(ct):
    before = pixels(ct)
    ct.keyboard.press("i")
    drawn(ct)
    inside = len(before) // 2
    assert pixels(ct)[inside] == 255 - before[inside]


def test_grey_levels_are_those_of_the_standard(ct):
    """PS3.3 C.11.2.1.2: the window function of the values, to one level."""
    ct.keyboard.press("2")
    drawn(ct)
    levels = pixels(ct)
    values = material.head(0, 1)[material.SIZE // 2]
    values = [min(4095, max(0, int(value + 1024))) - 1024 for value in values]
    expected = [round(min(255, max(0, ((v - 399.5) / 1799 + 0.5) * 255))) for v in values]
    middle, scale = len(levels) / 2, 700 / material.SIZE
    for column in (20, 40, 64, 90, 110):
        at = int(middle + (column + 0.5 - material.SIZE / 2) * scale)
        assert abs(levels[at] - expected[column]) <= 12, (
            "neighbours are blended where it is enlarged"
        )


def test_it_is_zoomed_moved_turned_and_put_back(ct):
    fitted = corner(ct, "se").split("\n")[1]
    ct.keyboard.press("+")
    ct.keyboard.press("r")
    ct.keyboard.press("h")
    ct.keyboard.press("p")
    drag(ct, 60, 40)
    assert corner(ct, "se").split("\n")[1] != fitted
    picture(ct, "view-turned")
    ct.keyboard.press("Backspace")
    drawn(ct)
    assert corner(ct, "se").split("\n")[1] == fitted
    ct.keyboard.press("a")
    drawn(ct)
    assert corner(ct, "se").split("\n")[1] == "100 %"


def test_a_length_is_measured_in_millimetres(ct):
    ct.keyboard.press("a")
    ct.keyboard.press("l")
    drag(ct, 40, 30)
    assert ct.get_attribute(".pane", "data-measured") == "75.0 mm"
    picture(ct, "view-measure")


def test_the_value_under_the_pointer_is_told(ct):
    box = ct.locator(".pane canvas").bounding_box()
    ct.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    drawn(ct)
    value, unit, _, *place = corner(ct, "sw").split("\n")[0].replace(",", "").split()
    assert unit == "HU"
    column, row = (int(number) for number in place)
    assert abs(int(value) - material.head(0, 1)[row, column]) <= 1


def test_it_plays(ct):
    """What was shown is collected in the page: each frame is there for a moment only."""
    ct.evaluate(
        """() => {
          const pane = document.querySelector('.pane');
          window.seen = new Set();
          new MutationObserver(() => window.seen.add(pane.dataset.shown))
            .observe(pane, { attributes: true, attributeFilter: ['data-shown'] });
        }"""
    )
    ct.fill("[aria-label='Frames a second']", "30")
    ct.click("#play")
    ct.wait_for_function("() => window.seen.size >= 8")
    assert ct.get_attribute("#play", "aria-pressed") == "true"
    ct.click("#play")
    assert ct.get_attribute("#play", "aria-pressed") == "false"


def test_two_studies_of_one_patient_stand_side_by_side_and_scroll_together(open_page, site):
    page = open_page(f"{site.root}study?uid={material.CT}")
    page.click("text=Side by side")
    page.wait_for_selector(".pane[data-shown] >> nth=1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    until(page, 3)
    page.wait_for_selector(f'[data-shown="{material.PRIOR}.1.3/1"]')
    assert [place(page, pane) for pane in (0, 1)] == [3, 3]
    picture(page, "view-prior")
    page.click("#link")
    page.keyboard.press("ArrowDown")
    until(page, 4)
    assert [place(page, pane) for pane in (0, 1)] == [4, 3]


def test_series_of_one_space_scroll_together_by_place(open_page, site):
    """PS3.3 C.7.4.1.1.1: within one frame of reference, places are the same place."""
    page = view(open_page, site, study=material.PLACES, panes=2)
    panes = page.locator(".pane")
    for pane, apart in enumerate(("1.1/1", "2.1/1")):
        panes.nth(pane).and_(page.locator(f'[data-shown="{material.PLACES}.{apart}"]')).wait_for()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    for pane, there in enumerate(("1.5/1", "2.3/1")):
        panes.nth(pane).and_(page.locator(f'[data-shown="{material.PLACES}.{there}"]')).wait_for()
    assert [corner(page, "sw", pane).split("\n")[0] for pane in (0, 1)] == ["5 / 12", "3 / 6"]


def test_up_to_four_panes(ct):
    ct.keyboard.press("g")
    ct.keyboard.press("4")
    assert ct.locator(".pane").count() == 4
    picture(ct, "view-four")
    ct.keyboard.press("g")
    ct.keyboard.press("1")
    assert ct.locator(".pane").count() == 1


def test_metadata_is_there_with_a_search_inside_it(ct):
    ct.keyboard.press("m")
    ct.wait_for_selector(".tree li")
    ct.fill("[aria-label='Find in the metadata']", "rescale")
    ct.wait_for_selector(".found:has-text('found')")
    names = ct.locator(".tree .match .name").all_inner_texts()
    assert names == ["Rescale Intercept", "Rescale Slope"]
    picture(ct, "view-metadata")


def test_text_on_the_image_is_turned_off(ct):
    ct.keyboard.press("t")
    assert not ct.locator(".corner.nw").is_visible()


def test_an_image_is_saved_as_dicom_png_and_jpeg(ct, site):
    ct.click("#save")
    picture(ct, "view-save")
    heads = {"DICOM": b"\0" * 128 + b"DICM", "PNG": b"\x89PNG", "JPEG": b"\xff\xd8"}
    for label, head in heads.items():
        if not ct.locator(".menu").is_visible():
            ct.click("#save")
        with ct.expect_download() as download:
            ct.click(f".menu >> text=/^{label}$/")
        assert download.value.path().read_bytes().startswith(head)


def test_a_study_is_saved_as_a_zip(open_page, site):
    page = open_page(f"{site.root}study?uid={material.PRIOR}")
    with page.expect_download() as download:
        page.click("text=Download zip")
    assert download.value.path().read_bytes().startswith(b"PK")


def test_the_address_names_the_image_that_is_shown(open_page, site, ct):
    ct.keyboard.press("End")
    until(ct, material.SLICES)
    ct.wait_for_url(re.compile(rf"instance={re.escape(material.CT_SERIES)}\.{material.SLICES}\b"))
    other = open_page(ct.url)
    until(other, material.SLICES)


def first_study(page, site, query: str) -> str:
    answer = page.request.get(f"{site.service}/studies?{query}")
    return answer.json()[0]["0020000D"]["Value"][0]


@pytest.mark.parametrize(
    "name, query, there",
    [
        ("multi-frame", "ModalitiesInStudy=US&PatientID=204", ".pane[data-shown]"),
        ("slide", "ModalitiesInStudy=SM", ".slide"),
        ("pdf", "ModalitiesInStudy=DOC", ".document iframe"),
        ("report", "ModalitiesInStudy=SR", ".report"),
        ("ecg", "ModalitiesInStudy=ECG", ".wave svg"),
        ("compressed", "ModalitiesInStudy=MR&PatientID=4MR1", ".pane[data-shown]"),
    ],
)
def test_every_kind_opens_in_its_own_way(open_page, site, name, query, there):
    page = open_page(site.root)
    page.goto(f"{site.root}view?study={first_study(page, site, query)}")
    page.wait_for_selector(there)
    picture(page, f"view-{name}")


def test_a_slide_is_panned_and_zoomed_by_tiles(open_page, site):
    asked: list[str] = []
    page = open_page(site.root)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.root}view?study={material.SLIDE}")
    page.wait_for_selector(".slide")
    answered(page, "/frames/", material.TILES[0] * material.TILES[1])
    tiles = [url for url in asked if "/frames/" in url]
    assert len(tiles) == len(set(tiles)) == material.TILES[0] * material.TILES[1]
    asked.clear()
    page.focus(".slide")
    before = page.inner_text(".slide .corner")
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    drawn(page)
    assert page.inner_text(".slide .corner") != before
    assert not [url for url in asked if "/frames/" in url], "tiles that are there are not asked for"


def test_the_viewer_on_a_phone_is_scrolled_by_a_finger(open_page, site):
    page = open_page(f"{site.root}view?study={material.CT}", **PHONE)
    page.wait_for_selector(".pane[data-shown]")
    assert page.get_attribute("#tool-scroll", "aria-pressed") == "true"
    drag(page, 0, 200)
    page.wait_for_function(
        "() => Number(/(\\d+) \\//.exec(document.querySelector('.corner.sw').innerText)[1]) > 3"
    )
    picture(page, "view-phone")


BRIGHT = """() => {
  const canvas = document.querySelector('.pane canvas');
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let [sum, across, down] = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] < 30) continue;
    sum += 1;
    across += (at / 4) % width;
    down += Math.floor(at / 4 / width);
  }
  return [across / sum / devicePixelRatio, down / sum / devicePixelRatio];
}"""
"""The middle of what is not black, in pixels of the page."""


def zoomed(page) -> int:
    return int(re.search(r"(\d+) %", corner(page, "se"))[1])


def test_two_fingers_zoom_and_move_the_image(open_page, site):
    page = open_page(f"{site.root}view?study={material.CT}", **PHONE)
    page.wait_for_selector(".pane[data-shown]")
    hands = page.context.new_cdp_session(page)
    box = page.locator(".pane canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def fingers(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x + dx, "y": y + dy, "id": n} for n, (dx, dy) in enumerate(places)]
        hands.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fitted, at = zoomed(page), page.evaluate(BRIGHT)
    fingers("touchStart", (-40, 0), (40, 0))
    for moved in (10, 20, 30):
        fingers("touchMove", (-40 + moved, 2 * moved), (40 + moved, 2 * moved))
    fingers("touchEnd")
    drawn(page)
    assert page.evaluate(BRIGHT) == pytest.approx([at[0] + 30, at[1] + 60], abs=2)
    assert zoomed(page) == fitted
    fingers("touchStart", (-40, 0), (40, 0))
    for apart in (50, 60, 70, 80):
        fingers("touchMove", (-apart, 0), (apart, 0))
    fingers("touchEnd")
    drawn(page)
    assert zoomed(page) == pytest.approx(fitted * 2, abs=2)
    assert place(page) == 1, "two fingers do not scroll"
    picture(page, "view-pinched")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="Videos and more are in the corpus, not in pydicom")
def test_every_real_file_opens(open_page, tmp_path):
    """No file of the corpus leaves the viewer without something to look at or a sentence."""
    from tests.process import serving

    folders = ["documents-waveforms", "microscopy"]
    material.stored_from(tmp_path / "data", [CORPUS / name for name in folders])
    with serving(tmp_path / "data", "--dimse-port", "0") as running:
        page = open_page(running.url.removesuffix("dicom-web"))
        series = page.request.get(f"{running.url}/series?limit=100").json()
        assert len(series) > 5
        empty = []
        for one in series:
            study, uid = (one[tag]["Value"][0] for tag in ("0020000D", "0020000E"))
            page.goto(f"{page.url.split('/view')[0].rstrip('/')}/view?study={study}&series={uid}")
            try:
                page.wait_for_selector(".pane[data-shown], .document, .note.bad")
            except Exception:
                empty.append(uid)
        assert not empty


RECORD = """async () => {
  const type = "video/mp4;codecs=avc1.42E01E";
  if (!MediaRecorder.isTypeSupported(type)) return null;
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
  const context = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: type });
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  recorder.start();
  for (let at = 0; at < 20; at += 1) {
    context.fillStyle = `hsl(${at * 18} 70% 50%)`;
    context.fillRect(0, 0, 160, 120);
    await new Promise(requestAnimationFrame);
  }
  await new Promise((resolve) => {
    recorder.onstop = resolve;
    recorder.stop();
  });
  return Array.from(new Uint8Array(await new Blob(pieces).arrayBuffer()));
}"""


def test_a_video_plays(open_page, site):
    """PS3.5 8.2.7: a film of Chromium's own making, as an object of MPEG-4 AVC."""
    page = open_page(site.root)
    film = page.evaluate(RECORD)
    if not film:
        pytest.skip("This Chromium records no H.264, of which the film would be made")
    ds = dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.4.1",
        PatientName="Film^Fay",
        Modality="XC",
        Rows=120,
        Columns=160,
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_PARTIAL_420",
        PlanarConfiguration=0,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        NumberOfFrames=20,
        FrameTime=40,
        PixelData=encapsulate([bytes(film)]),
    )
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    stored = page.request.post(
        f"{site.service}/studies",
        data=part10(ds, MPEG4HP41),
        headers={"Content-Type": "application/dicom"},
    )
    assert stored.status == 200
    page.goto(f"{site.root}view?study={ds.StudyInstanceUID}")
    page.wait_for_selector("video")
    page.evaluate("document.querySelector('video').muted = true")
    page.evaluate("() => document.querySelector('video').play()")
    assert page.evaluate("document.querySelector('video').videoWidth") == 160
    picture(page, "view-video")
