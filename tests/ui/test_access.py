"""Access: axe-core finds no serious fault on any page, light on a desk and dark on a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python import sync_playwright as axe

from tests.ui import material
from tests.ui.conftest import PHONE

PAGES = {
    "the studies": ("", ".list-studies tbody tr"),
    "the patients": ("?level=patients", ".list-patients tbody tr"),
    "the filters": ("?StudyDescription=plain", ".finder .badge"),
    "nothing found": ("?q=nobody", ".empty"),
    "a study": (f"study?uid={material.CT}", ".cards li"),
    "a series": (f"study?uid={material.CT}&series={material.CT_SERIES}", ".tree li"),
    "the viewer": (f"view?study={material.CT}&panes=2", ".pane[data-shown]"),
    "adding": ("add", ".drop"),
    "the status": ("status", ".summary"),
}
SERIOUS = {"serious", "critical"}


def faults(page) -> list[str]:
    """What axe-core holds to be serious, with where it is."""
    # axe-core comes in as the browser's own, past the policy that keeps foreign scripts out.
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_no_serious_fault(open_page, site, name, scheme):
    address, there = PAGES[name]
    options = PHONE if scheme == "dark" else {}
    page = open_page(site.root + address, scheme, **options)
    page.wait_for_selector(there)
    page.wait_for_load_state("networkidle")
    assert faults(page) == []


@pytest.mark.parametrize("opener", ["#help", "#requests"])
def test_no_serious_fault_in_what_opens_over_a_page(open_page, site, opener):
    page = open_page(site.root)
    page.wait_for_selector(".list-studies")
    page.click(opener)
    page.wait_for_selector("dialog[open]")
    assert faults(page) == []
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_nothing_moves_while_a_page_fills(open_page, site):
    """Cumulative Layout Shift, as browsers measure it."""
    page = open_page(site.root)
    page.wait_for_load_state("networkidle")
    moved = page.evaluate(
        """() => new Promise((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
          }).observe({ type: 'layout-shift', buffered: true });
          setTimeout(() => resolve(sum), 100);
        })"""
    )
    assert moved < 0.1
