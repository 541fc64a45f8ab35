"""A person with a phone: finds things by their words, and notices what a careful eye would notice on every page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.journeys.own_browser import own_browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
PATIENCE_MS = 30_000


@dataclass
class Person:
    """`page` is what they look at; `wrong` collects script errors, breaches of the policy and pages that are too wide."""

    window: ClassVar[dict[str, Any]] = PHONE

    page: Page
    has_js: bool
    pictures: Path | None
    wrong: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    _taken: int = 0

    def open(self, path: str) -> None:
        self.page.goto(path)
        self.look()

    def look(self, name: str = "") -> None:
        """Look at the page as it is now."""
        self.page.wait_for_load_state()
        width = self.page.evaluate("document.documentElement.scrollWidth")
        if width > self.window["viewport"]["width"]:
            self.wrong.append(f"{self.page.url} is {width} px wide")
        if self.pictures is not None:
            self._taken += 1
            label = name or re.sub(r"[^a-z]+", "-", self.page.url.split("/", 3)[3].split("?")[0]).strip("-") or "start"
            self.page.screenshot(path=self.pictures / f"{self._taken:02}-{label[:40]}.png", full_page=True)

    def menu(self, word: str) -> None:
        """By the bar at the bottom; what does not stand there is behind More."""
        bar = self.page.get_by_role("navigation", name="Main, short")
        link = bar.get_by_role("link", name=word, exact=True)
        if not link.count():
            bar.get_by_role("button", name="More").tap()
            link = self.page.locator("#shell-more").get_by_role("link", name=word, exact=True)
        self._go(link)

    def follow(self, name: str | re.Pattern[str], within: Locator | None = None) -> None:
        self._go((within or self.page.locator("main")).get_by_role("link", name=name).first)

    def submit(self, name: str) -> None:
        """A button that leads to another page, with or without scripts."""
        self._go(self.page.locator("main").get_by_role("button", name=name, exact=True).first)

    def press(self, name: str) -> None:
        """A button whose answer is swapped into the page that stands there; without scripts it is a form like any other."""
        button = self.page.locator("main").get_by_role("button", name=name, exact=True).first
        if not self.has_js:
            self._go(button)
            return
        with self.staying():
            button.tap()
            expect(self.page.locator(".htmx-request")).to_have_count(0)

    def _go(self, what: Locator) -> None:
        with self.page.expect_navigation():
            what.tap()
        self.look()

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).fill(value)

    def choose(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(value)

    def unfold(self, word: str) -> None:
        self.page.locator("main summary").get_by_text(word, exact=True).tap()

    def put(self, label: str, file: Path) -> None:
        self.page.get_by_label(label, exact=True).set_input_files(file)

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="More").tap()
        self._go(self.page.locator("#shell-more").get_by_role("button", name="Sign out"))

    def sees(self, text: str | re.Pattern[str], within_ms: int = PATIENCE_MS) -> None:
        """Soon, without doing anything: by a push, or by the refresh of a page without scripts."""
        expect(self.page.locator("main")).to_contain_text(text, timeout=within_ms)

    @contextmanager
    def staying(self) -> Iterator[None]:
        """What happens in here must reach the page without loading it again; without scripts it may reload itself."""
        before = len(self.documents)
        yield
        if self.has_js and len(self.documents) != before:
            self.wrong.append(f"the page was loaded again: {self.documents[before:]}")


Someone = TypeVar("Someone", bound=Person)


@contextmanager
def person_at(
    browser: Browser,
    url: str,
    *,
    has_js: bool,
    pictures: Path | None = None,
    kind: type[Someone] = Person,  # type: ignore[assignment]
) -> Iterator[Someone]:
    """Gives a person of the kind; afterwards nothing may have been wrong on any page they saw."""
    with own_browser(browser) as own:
        page = own.new_context(**kind.window, base_url=url, java_script_enabled=has_js).new_page()
        page.set_default_timeout(PATIENCE_MS)
        person = kind(page, has_js, pictures)
        _listen(person)
        try:
            yield person
        except BaseException as error:
            print(f"{page.url}: {error}", flush=True)  # noqa: T201 (a browser that hangs while it closes would hide it)
            if pictures is not None:
                page.screenshot(path=pictures / "when-it-failed.png", full_page=True)
            raise
    assert not person.wrong, "\n".join(person.wrong)


def _listen(person: Person) -> None:
    page = person.page

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            person.wrong.append(f"{page.url}: {message.text}")

    page.on("pageerror", lambda error: person.wrong.append(f"{page.url}: {error}"))
    page.on("console", heard)
    page.on("request", lambda asked: person.documents.append(asked.url) if asked.is_navigation_request() else None)
