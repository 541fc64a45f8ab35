"""Every kind of page of a lively shop, looked at as people with other eyes, hands and screens do."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.looking.visit import Found, demo_shop, every_kind_of_page, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES_AT_LEAST = 40
WIDTH = "document.documentElement.scrollWidth"
MOVING = """document.getAnimations().filter(
    one => one.playState === "running" && one.effect.getComputedTiming().endTime > 5).length"""


@dataclass
class Shop:
    browser: Browser
    base: str
    state: str
    pages: list[Found]

    def visited(self, **context: object) -> Iterator[tuple[Found, Page]]:
        """Each page in turn, in a window of the given kind."""
        window = self.browser.new_context(storage_state=self.state, **context)
        page = window.new_page()
        for one in self.pages:
            page.goto(self.base + one.path)
            yield one, page
        window.close()


@pytest.fixture(scope="module")
def demo(chromium: Browser, short_tmp: Path) -> Iterator[Shop]:
    with demo_shop(short_tmp / "looked-at") as up:
        base, state = f"http://127.0.0.1:{up.port}", sign_in(up, chromium)
        context = chromium.new_context(storage_state=state)
        pages = every_kind_of_page(context, base)
        context.close()
        assert len(pages) >= PAGES_AT_LEAST, [page.name for page in pages]
        yield Shop(chromium, base, state, pages)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(demo: Shop, theme: str):
    """In the dark only what depends on colours: the rest is the same page again."""
    rules = RULES if theme == "light" else {"runOnly": ["color-contrast", "link-in-text-block"]}
    axe, wrong = Axe(), []
    for one, page in demo.visited(color_scheme=theme, reduced_motion="reduce"):
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            for violation in axe.run(page, options=rules).response["violations"]:
                where = [node["target"] for node in violation["nodes"]][:3]
                wrong.append(f"{one.name} at {width}: {violation['id']}: {violation['help']} {where}")
    assert not wrong, "\n".join(wrong)


@dataclass
class Squeezed:
    """What was found on pages in narrow windows, with large text, by people who asked for stillness."""

    cut: list[str]
    cut_with_large_text: list[str]
    moving: list[str]


@pytest.fixture(scope="module")
def squeezed(demo: Shop) -> Squeezed:
    found = Squeezed([], [], [])
    for one, page in demo.visited(reduced_motion="reduce"):
        if moving := page.evaluate(MOVING):
            found.moving.append(f"{one.name}: {moving}")
        for width in (320, 640):
            page.set_viewport_size({"width": width, "height": 800})
            if (wide := page.evaluate(WIDTH)) > width:
                found.cut.append(f"{one.name} at {width}: {wide} px")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        if (wide := page.evaluate(WIDTH)) > 1280:
            found.cut_with_large_text.append(f"{one.name}: {wide} px")
    return found


def test_nothing_is_cut_at_200_per_cent_or_on_the_narrowest_phone(squeezed: Squeezed):
    """1280 px at 200 % is a window of 640 px; 320 px is what WCAG asks for (1.4.10), and a small phone at 112 %."""
    assert not squeezed.cut


def test_text_of_twice_the_size_stays_on_the_page(squeezed: Squeezed):
    """Text alone, twice as large (1.4.4): what people set in the browser's own settings."""
    assert not squeezed.cut_with_large_text


def test_nothing_moves_for_who_asked_for_stillness(squeezed: Squeezed):
    assert not squeezed.moving
