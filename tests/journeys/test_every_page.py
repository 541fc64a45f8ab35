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


@pytest.mark.parametrize(("theme", "width"), [("light", 390), ("dark", 1280)])
def test_axe_finds_nothing(demo: Shop, theme: str, width: int):
    axe, wrong = Axe(), []
    for one, page in demo.visited(
        color_scheme=theme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    ):
        for violation in axe.run(page, options=RULES).response["violations"]:
            where = [node["target"] for node in violation["nodes"]][:3]
            wrong.append(f"{one.name}: {violation['id']}: {violation['help']} {where}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("width", [320, 640])
def test_nothing_is_cut_at_200_per_cent_or_on_the_narrowest_phone(demo: Shop, width: int):
    """1280 px at 200 % is a window of 640 px; 320 px is what WCAG asks for (1.4.10), and a small phone at 112 %."""
    wide = [
        f"{one.name}: {found} px"
        for one, page in demo.visited(viewport={"width": width, "height": 800})
        if (found := page.evaluate("document.documentElement.scrollWidth")) > width
    ]
    assert not wide, wide


def test_text_of_twice_the_size_stays_on_the_page(demo: Shop):
    """Text alone, twice as large (1.4.4): what people set in the browser's own settings."""
    wide = []
    for one, page in demo.visited(viewport={"width": 1280, "height": 900}):
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        if page.evaluate("document.documentElement.scrollWidth") > 1280:
            wide.append(one.name)
    assert not wide, wide


def test_nothing_moves_for_who_asked_for_stillness(demo: Shop):
    moving = []
    for one, page in demo.visited(reduced_motion="reduce", viewport={"width": 390, "height": 844}):
        still = page.evaluate(
            "document.getAnimations().filter(a => a.playState === 'running' && a.effect.getComputedTiming().endTime > 5).length"
        )
        if still:
            moving.append(f"{one.name}: {still}")
    assert not moving, moving
