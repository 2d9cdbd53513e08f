"""Debian's Chromium, driven by Playwright, against a server started as a user starts it.

Each test's pictures are kept in tests/ui/screenshots, for people to look at.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright import sync_api

from tests.process import serving
from tests.ui import material

CHROMIUM = shutil.which("chromium")
SCREENSHOTS = Path(__file__).parent / "screenshots"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LIMIT_MILLISECONDS = 60_000
"""Of one wait: long, for a machine that has other things to do."""
PICTURE_MILLISECONDS = 10_000
"""For the small pictures in a screenshot: people look at it, no test does."""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def browser():
    """Of a module: its event loop would be in the way of the asynchronous tests of others."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: Debian's package chromium has it")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield launched
        launched.close()


@dataclass(frozen=True, slots=True)
class Site:
    root: str
    """With a slash at its end."""
    service: str
    data: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    """A server with phantoms and real files in it."""
    data = tmp_path_factory.mktemp("data")
    material.stored(data, tmp_path_factory.mktemp("files"), material.everything())
    with serving(data, "--dimse-port", "0") as running:
        yield Site(running.url.removesuffix("dicom-web"), running.url, data)


@pytest.fixture
def open_page(browser):
    """Opens addresses; at the end nothing may have gone wrong in any of the pages."""
    contexts, wrong = [], []

    def open(url: str, scheme: str = "light", **options):
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(color_scheme=scheme, accept_downloads=True, **options)
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(LIMIT_MILLISECONDS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on(
            "console",
            lambda message: (
                wrong.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        page.goto(url)
        return page

    yield open
    for context in contexts:
        context.close()
    assert not wrong


THUMBNAILS = """() => [...document.querySelectorAll('.thumb')].every((one) => {
  const { height, bottom, right, top, left } = one.getBoundingClientRect();
  const seen = height && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  return !seen || one.querySelector('img');
})"""


def picture(page, name: str) -> None:
    """Keeps what the page looks like, once nothing of it is on its way any more, or never mind."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.wait_for_load_state("networkidle")
    with suppress(sync_api.TimeoutError):
        page.wait_for_function(THUMBNAILS, timeout=PICTURE_MILLISECONDS)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
