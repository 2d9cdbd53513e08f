"""`python -m benchmarks.browser`: how long people wait for the study browser, in Chromium.

With 10,000 studies in the archive: from the address to the rows of the study list, with an empty
cache and with the files of the page in it; and from the click to the first picture of a CT series.
The limit is the same browser loading a page without content (/healthz) and drawing it.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.make import instance
from tests.process import serving
from tests.ui import material
from tests.ui.conftest import CHROMIUM, FLAGS

STUDIES = 10_000
ROUNDS = 7


def studies() -> Iterator[bytes]:
    for number in range(STUDIES):
        yield instance(
            PatientName=f"Many^{number:05}",
            PatientID=f"M{number:05}",
            StudyDate=f"{2009 + number % 15}{number % 12 + 1:02}{number % 28 + 1:02}",
            StudyDescription="One of many",
            PixelData=None,
            Rows=None,
            Columns=None,
        )


def waited(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def one_round(browser: Browser, root: str) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    figures = {
        "limit: a page without content": waited(lambda: page.goto(f"{root}healthz")),
        "study list, empty cache": waited(lambda: rows_at(page, root)),
        "study list, files cached": waited(lambda: rows_at(page, f"{root}?q=page")),
    }
    page.goto(f"{root}study?uid={material.CT}")
    page.wait_for_selector(".cards li")
    page.wait_for_load_state("networkidle")

    def opened() -> None:
        page.click(".cards a.stretched")
        page.wait_for_selector(".pane[data-shown]")

    figures["first picture of a series"] = waited(opened)
    context.close()
    return figures


def rows_at(page: Page, address: str) -> None:
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".results[aria-busy='false'] :is(tbody tr, .empty)")


def main() -> None:
    if CHROMIUM is None:
        sys.exit("Chromium is not installed: Debian's package chromium has it")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        material.stored(data, Path(folder, "many"), studies())
        material.stored(data, Path(folder, "few"), material.everything())
        with serving(data, "--dimse-port", "0") as running, sync_playwright() as playwright:
            launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            root = re.sub("dicom-web$", "", running.url)
            rounds = [one_round(launched, root) for _ in range(ROUNDS)]
            launched.close()
    limit = statistics.median(one["limit: a page without content"] for one in rounds)
    print(f"{'':34} {'ms':>7} {'x limit':>8}")
    for name in rounds[0]:
        median = statistics.median(one[name] for one in rounds)
        print(f"{name:34} {median * 1000:7.0f} {median / limit:8.1f}")


if __name__ == "__main__":
    main()
