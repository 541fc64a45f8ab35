"""A person whose browser runs no scripts, in a demo shop where nobody else is at work."""

import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import TimeoutError as TooLate

from tests.journeys.person import PATIENCE_MS, PHONE, Person
from tests.processes.running import Up, until


@dataclass
class Plain(Person):
    """Does everything by links and forms."""

    def sends(self, name: str, within: Locator | None = None, *, timeout_ms: int = PATIENCE_MS) -> None:
        """A form, by its button; the page that answers stands there afterwards."""
        button = (within or self.page.locator("main")).get_by_role("button", name=name, exact=True).first
        with (
            self.page.expect_navigation(timeout=timeout_ms),
            self.page.expect_response(lambda answer: answer.request.method == "POST", timeout=timeout_ms),
        ):
            button.tap(timeout=timeout_ms)
        self.look()

    def sends_from_menu(self, name: str, row: Locator) -> None:
        """A button of a row's own menu. When the page refreshes itself the menu closes; then it is opened again."""
        for _ in range(5):
            with suppress(TooLate):
                row.locator("summary").tap()
                self.sends(name, row, timeout_ms=4_000)
                return
        raise AssertionError(f"the menu of {row} does not stay open long enough for {name!r}")

    def looks_until(self, what: Locator, path: str, seconds: float = 240) -> None:
        """Opens a page again and again until it shows something."""
        end = time.monotonic() + seconds
        self.open(path)
        while not what.count():
            assert time.monotonic() < end, f"{path} does not show {what}: {self.page.locator('main').inner_text()}"
            self.page.wait_for_timeout(500)
            self.open(path)

    def asks(self, words: str, button: str) -> None:
        """The search of a list."""
        self.page.locator("main").get_by_role("searchbox").first.fill(words)
        self.submit(button)

    def ticks(self, label: str) -> None:
        self.page.locator("main").get_by_label(re.compile("^" + re.escape(label))).check()

    def picks(self, label: str, option: str) -> None:
        self.page.locator("main").get_by_label(label, exact=True).select_option(option)

    def says(self, text: str | re.Pattern[str]) -> None:
        """What is said once, after a deed."""
        expect(self.page.locator("#toasts")).to_contain_text(text)

    def fill(self, label: str, value: str) -> None:
        self._field(label).fill(value)

    def has_typed(self, label: str, value: str) -> None:
        expect(self._field(label)).to_have_value(value)

    def _field(self, label: str) -> Locator:
        return self.page.locator("main").get_by_label(re.compile(rf"^\s*{re.escape(label)}(\s*\(optional\))?\s*$"))


@contextmanager
def plain_person(browser: Browser, base: str, state: str | None = None) -> Iterator[Plain]:
    """`state`: where a signed-in context was stored; without it nobody is signed in."""
    context = browser.new_context(**PHONE, base_url=base, storage_state=state, java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    person = Plain(page, has_js=False, pictures=None)
    yield person
    context.close()
    assert not person.wrong, "\n".join(person.wrong)


@contextmanager
def nobody_else_at_work(up: Up) -> Iterator[None]:
    """The demo's visitor stands still: no bed is cleared and no job started under the hands of the test."""
    pid = up.pid("demo")
    assert pid is not None
    until(lambda: _stands_still(pid, up), 60, lambda: "the visitor is never between two visits")
    yield
    os.kill(pid, signal.SIGCONT)


def _stands_still(pid: int, up: Up) -> bool:
    """Stopped within a transaction it would keep the database from everybody; then it goes on a little."""
    os.kill(pid, signal.SIGSTOP)
    with closing(sqlite3.connect(up.data_dir / "printfarm.db", timeout=3)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)
            return False
        database.rollback()
    return True
