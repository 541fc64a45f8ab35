"""A person at a desk who has a keyboard and nothing else, and who must always see where they are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from playwright.sync_api import Locator, expect

from tests.journeys.person import PATIENCE_MS, Person

DESK = {"viewport": {"width": 1280, "height": 800}}
MOST_STOPS = 150
LOOK_AGAIN_MS = 200
# "" when the person sees where they are, else what is wrong. The ring may be drawn around what the control stands in
# (.drop, .choice). The target of the skip link is the page itself and has no ring.
WHAT_IS_WRONG = """() => {
  const at = document.activeElement;
  const name = at && `<${at.localName}> ${(at.innerText || at.name || at.id || "").trim().slice(0, 60)}`;
  if (!at || at === document.body) return "nothing has the focus";
  if (at.id === "main") return "";
  const hasRing = (one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 && style.opacity !== "0";
  };
  let ringed = at;
  while (ringed && !hasRing(ringed)) ringed = ringed.parentElement;
  if (!ringed) return `${name} has no ring`;
  const box = ringed.getClientRects()[0];
  if (!box || !box.width || !box.height) return `${name} takes no room`;
  const [wide, high] = [innerWidth, innerHeight];
  const above = box.top < -1, below = box.bottom > high + 1;
  if (box.left < -1 || box.right > wide + 1) return `${name} lies beside the window`;
  if (box.height > high ? box.bottom < 0 || box.top > high : above || below) return `${name} lies above or below the window`;
  const [left, right, top, bottom] = [box.left + 3, box.right - 3, Math.max(box.top, 0) + 3, Math.min(box.bottom, high) - 3];
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  for (const [px, py] of [[x, y], [x, top], [x, bottom], [left, y], [right, y]]) {
    const hit = document.elementFromPoint(px, py);
    const over = hit && !ringed.contains(hit) && !hit.contains(ringed);
    if (over) return `${name} is hidden behind <${hit.localName} class="${hit.getAttribute("class") || ""}">`;
  }
  return "";
}"""

# A push may bring the control anew between finding it and asking it: what is out of the page has no place among the stops.
WHICH_WAY = """one => {
  const at = document.activeElement;
  if (!one.isConnected) return "replaced";
  if (one === at) return "here";
  return at.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING ? "Shift+Tab" : "Tab";
}"""


class KeyboardPerson(Person):
    """Reaches everything by Tab, Shift+Tab, the skip link or a key of the menu; looks at each stop where the focus is."""

    window: ClassVar[dict[str, Any]] = DESK
    keys: ClassVar[dict[str, str]] = {"Queue": "q", "Printers": "p", "Uploads": "u", "Filaments": "f", "Spools": "s"}

    def sees_the_focus(self) -> None:
        """Where it is, within a moment: pages scroll, and toasts leave."""
        wrong = ""
        for _ in range(PATIENCE_MS // LOOK_AGAIN_MS):
            wrong = self.page.evaluate(WHAT_IS_WRONG)
            if not wrong:
                return
            self.page.wait_for_timeout(LOOK_AGAIN_MS)
        raise AssertionError(f"{self.page.url}: {wrong}")

    def key(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, what: Locator) -> None:
        """Forwards or backwards, whichever leads there; past the menus by the skip link."""
        expect(what).to_be_visible()
        if (
            self._is_nowhere()
            and self.page.locator("a.skip").count()
            and what.evaluate("one => one.closest('#main') !== null")
        ):
            self._skip_the_menus()
        for _ in range(MOST_STOPS):
            way = what.evaluate(WHICH_WAY)
            if way == "here":
                return
            if way != "replaced":
                self.key(way)
                self.sees_the_focus()
        raise AssertionError(f"{self.page.url}: {what} is not reached by Tab")

    def _is_nowhere(self) -> bool:
        return bool(self.page.evaluate("document.activeElement === document.body"))

    def _skip_the_menus(self) -> None:
        self.key("Tab")
        expect(self.page.get_by_role("link", name="Skip to the page")).to_be_focused()
        self.sees_the_focus()
        self.key("Enter")
        expect(self.page.locator("#main")).to_be_focused()

    def menu(self, word: str) -> None:
        with self.page.expect_navigation():
            self.key("g", self.keys[word])
        self.look()

    def _go(self, what: Locator) -> None:
        self.reach(what)
        with self.page.expect_navigation():
            self.key("Enter")
        self.look()

    def press(self, name: str) -> None:
        self.reach(self.page.locator("main").get_by_role("button", name=name, exact=True).first)
        with self.staying():
            self.key("Space")
            expect(self.page.locator(".htmx-request")).to_have_count(0)

    def fill(self, label: str, value: str) -> None:
        field = self.page.get_by_label(label, exact=True)
        self.reach(field)
        self.key("Control+A")
        self.page.keyboard.type(value)
        expect(field).to_have_value(re.compile(re.escape(value), re.IGNORECASE))

    def choose(self, label: str, value: str) -> None:
        field = self.page.get_by_label(label, exact=True)
        self.reach(field)
        self.key("Home")
        for _ in range(field.locator("option").count()):
            if field.input_value() == value:
                return
            self.key("ArrowDown")
        expect(field).to_have_value(value)

    def unfold(self, word: str) -> None:
        summary = self.page.locator("main summary").filter(has_text=re.compile(rf"^\s*{word}\s*$"))
        self.reach(summary)
        self.key("Enter")
        expect(summary.locator("xpath=..")).to_have_attribute("open", "")

    def put(self, label: str, file: Path) -> None:
        # The browser hears of it while we are on our way, which takes longer than one answer.
        with self.page.expect_file_chooser(timeout=4 * PATIENCE_MS) as chooser:
            self.reach(self.page.get_by_label(label, exact=True))
            self.key("Enter")
        chooser.value.set_files(file)

    def sign_out(self) -> None:
        menu = self.page.locator("details.person")
        self.reach(menu.locator("summary"))
        self.key("Enter")
        self._go(menu.get_by_role("button", name="Sign out"))

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Besides: what is swapped meanwhile never takes the focus away."""
        was_nowhere = self._is_nowhere()
        with super().staying():
            yield
        if not was_nowhere:
            self.sees_the_focus()
