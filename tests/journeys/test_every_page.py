"""Every kind of page of a lively shop, looked at as people with other eyes, hands and screens do."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.looking.visit import demo_shop, sign_in, walk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # In the dark only what depends on colours: the rest is the same page again.
    "dark": ["color-contrast", "link-in-text-block"],
}
VIOLATIONS = """runOnly => axe.run({runOnly, resultTypes: ["violations"]}).then(found => found.violations.map(
    one => `${one.id}: ${one.help} ${one.nodes.slice(0, 3).map(node => node.target.join(" "))}`))"""
# For who asked for stillness a transition takes a millisecond, yet each element begins its own after the one around it.
SETTLED = """async () => {
  for (let still = 0; still < 3; still++) {
    await new Promise(requestAnimationFrame);
    if (document.getAnimations().some(one => one.playState === "running")) still = -1;
  }
}"""
PAGES_AT_LEAST = 40
WIDTH = "document.documentElement.scrollWidth"
MOVING = """document.getAnimations().filter(
    one => one.playState === "running" && one.effect.getComputedTiming().endTime > 5).length"""


@dataclass
class Seen:
    """What was found on the pages, by what it was sought with."""

    pages: list[str] = field(default_factory=list)
    by_axe: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    cut: list[str] = field(default_factory=list)
    cut_with_large_text: list[str] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)

    def look_at(self, name: str, page: Page) -> None:
        self.pages.append(name)
        if moving := page.evaluate(MOVING):
            self.moving.append(f"{name}: {moving}")
        for width in (320, 640):
            page.set_viewport_size({"width": width, "height": 800})
            if (wide := page.evaluate(WIDTH)) > width:
                self.cut.append(f"{name} at {width}: {wide} px")
        page.evaluate(Axe().axe_script)
        for theme, rules in RULES.items():
            page.emulate_media(color_scheme=theme)
            page.evaluate(SETTLED)
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                self.by_axe[theme] += [f"{name} at {width}: {one}" for one in page.evaluate(VIOLATIONS, rules)]
        page.emulate_media(color_scheme="light")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        if (wide := page.evaluate(WIDTH)) > 1280:
            self.cut_with_large_text.append(f"{name}: {wide} px")


@pytest.fixture(scope="module")
def seen(chromium: Browser, short_tmp: Path) -> Seen:
    """One walk for all tests: to open a page takes as long as to look at it. Its people asked for stillness."""
    seen = Seen()
    with demo_shop(short_tmp / "looked-at") as up:
        state = sign_in(up, chromium)
        context = chromium.new_context(storage_state=state, reduced_motion="reduce")
        for found, page in walk(context, f"http://127.0.0.1:{up.port}"):
            seen.look_at(found.name, page)
        context.close()
    assert len(seen.pages) >= PAGES_AT_LEAST, seen.pages
    return seen


@pytest.mark.parametrize("theme", RULES)
def test_axe_finds_nothing(seen: Seen, theme: str):
    assert not seen.by_axe[theme], "\n".join(seen.by_axe[theme])


def test_nothing_is_cut_at_200_per_cent_or_on_the_narrowest_phone(seen: Seen):
    """1280 px at 200 % is a window of 640 px; 320 px is what WCAG asks for (1.4.10), and a small phone at 112 %."""
    assert not seen.cut


def test_text_of_twice_the_size_stays_on_the_page(seen: Seen):
    """Text alone, twice as large (1.4.4): what people set in the browser's own settings."""
    assert not seen.cut_with_large_text


def test_nothing_moves_for_who_asked_for_stillness(seen: Seen):
    assert not seen.moving
