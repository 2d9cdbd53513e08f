"""The real OHIF shows what this server holds: a stack, a multi-frame, a compressed series."""

from __future__ import annotations

import functools
import http.server
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from tests.chromium import browser, chromium
from tests.make import dataset, part10, related, related_type
from tests.process import serving

DIST = os.environ.get("DICOMWEB_TEST_OHIF", "")
pytestmark = [
    pytest.mark.skipif(
        not Path(DIST, "index.html").is_file(),
        reason="There is no OHIF: npm pack @ohif/app, unpack it, and let DICOMWEB_TEST_OHIF name "
        "its folder package/dist.",
    ),
    pytest.mark.skipif(chromium() is None, reason="apt-get install chromium brings the browser."),
]
SIZE = 256
VIEWPORT = (300, 130, 1220, 690)
"""Where OHIF shows the picture, without its texts at the edges."""


def configuration(url: str) -> str:
    roots = dict.fromkeys(("qidoRoot", "wadoRoot", "wadoUriRoot"), url)
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "ours",
        "configuration": {
            **roots,
            "name": "ours",
            "friendlyName": "ours",
            "qidoSupportsIncludeField": True,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "supportsFuzzyMatching": True,
            "supportsWildcard": True,
            "omitQuotationForMultipartRequest": True,
        },
    }
    told = {
        "routerBasename": None,
        "extensions": [],
        "modes": [],
        "showStudyList": True,
        "maxNumberOfWebWorkers": 1,
        "defaultDataSourceName": "ours",
        "dataSources": [source],
    }
    return f"window.config = {json.dumps(told)};"


class Viewer(http.server.SimpleHTTPRequestHandler):
    """OHIF's files; whatever is none of them is its page, which looks at the path itself."""

    configuration = ""

    def do_GET(self) -> None:
        if self.path == "/app-config.js":
            body = self.configuration.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        if not Path(self.translate_path(self.path)).is_file():
            self.path = "/index.html"
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def viewer(url: str) -> Iterator[str]:
    handler = type("Configured", (Viewer,), {"configuration": configuration(url)})
    made = functools.partial(handler, directory=DIST)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), made) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def disc(shift: int) -> numpy.ndarray:
    """A bright disc with a ramp across it."""
    y, x = numpy.mgrid[:SIZE, :SIZE] - SIZE // 2
    return numpy.where((x - shift) ** 2 + y**2 < 100**2, 2000 + 8 * x, 0).astype("<u2")


def picture(**others: object) -> dict[str, object]:
    return {
        "Rows": SIZE,
        "Columns": SIZE,
        "PixelSpacing": [1, 1],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "WindowCenter": 2000,
        "WindowWidth": 2400,
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        **others,
    }


def stack() -> list[bytes]:
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    return [
        part10(
            dataset(
                **uids,
                **picture(
                    InstanceNumber=number,
                    ImagePositionPatient=[0, 0, number],
                    PixelData=disc(number).tobytes(),
                ),
            )
        )
        for number in range(1, 6)
    ]


def multi_frame() -> list[bytes]:
    frames = b"".join(disc(number).tobytes() for number in range(4))
    shown = picture(ImagePositionPatient=[0, 0, 0], NumberOfFrames=4, PixelData=frames)
    xa = "1.2.840.10008.5.1.4.1.1.12.1"
    return [part10(dataset(SOPClassUID=xa, Modality="XA", **shown))]


def compressed() -> list[bytes]:
    return [Path(get_testdata_file("examples_ybr_color.dcm", download=False)).read_bytes()]


def shows_something(seen: Image.Image) -> bool:
    """Many shades where the picture belongs; while it loads there is black."""
    shades = seen.crop(VIEWPORT).histogram()
    return sum(count > 50 for count in shades) > 60


@pytest.mark.parametrize("material", [stack, multi_frame, compressed], ids=lambda m: m.__name__)
def test_ohif_shows_it(tmp_path, material):
    """WADO-51, CAP-07; clients.md 1b: metadata and frames, from a page of another origin."""
    with serving(tmp_path / "data", "--cors-origins", "*") as server, viewer(server.url) as page:
        answer = httpx.post(
            f"{server.url}/studies", content=related(material()), headers=related_type()
        )
        study = answer.json()["00081190"]["Value"][0].rpartition("/")[2]
        with browser(tmp_path / "profile") as chrome:
            seen = chrome.look(f"{page}/viewer?StudyInstanceUIDs={study}", shows_something)
    seen.save(tmp_path / "seen.png")
    assert shows_something(seen)
