"""`./dev screenshots`: every kind of page of the demo at three widths in both themes, into screenshots/ (not committed).

With names as arguments only pages whose name contains one of them: `./dev screenshots queue spool`.
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from tests.looking.visit import Found, demo_shop, every_kind_of_page, sign_in
from tests.processes.running import Up
from tests.support.chromium import find

FOLDER = Path(__file__).parents[2] / "screenshots"
WIDTHS = {360: 780, 768: 1024, 1280: 900}
THEMES = ("light", "dark")
LIVELY_AFTER_S = 25  # by then the demo's first prints have ended, and others run
SETTLED_AFTER_MS = 250
TALLEST = 4000


def main(wanted: list[str]) -> int:
    """Returns the exit status."""
    chromium = find()
    if chromium is None:
        print("There is no Chromium on this machine; `./dev browser` fetches one.", file=sys.stderr)
        return 1
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="pf-") as folder:
        browser = playwright.chromium.launch(**chromium.options)
        with demo_shop(Path(folder)) as up:
            taken = _of_the_shop(browser, up, wanted)
        with Up(Path(folder) / "new") as new:
            new.wait_for("PrintFarm is ready", 60)
            taken += _take(browser, f"http://127.0.0.1:{new.port}", None, [Found("set-up", "/")], wanted)
        browser.close()
    print(f"{taken} pictures in {FOLDER}")
    return 0


def _of_the_shop(browser: Browser, up: Up, wanted: list[str]) -> int:
    base, state = f"http://127.0.0.1:{up.port}", sign_in(up, browser)
    time.sleep(LIVELY_AFTER_S)
    context = browser.new_context(storage_state=state)
    pages = every_kind_of_page(context, base)
    context.close()
    taken = _take(browser, base, state, pages, wanted)
    return taken + _take(browser, base, None, [Found("sign-in", "/sign-in")], wanted)


def _take(browser: Browser, base: str, state: str | None, pages: list[Found], wanted: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    taken = 0
    for width, height in WIDTHS.items():
        for theme in THEMES:
            context = browser.new_context(
                storage_state=state, viewport={"width": width, "height": height}, color_scheme=theme
            )
            page = context.new_page()
            for one in pages:
                if wanted and not any(word in one.name for word in wanted):
                    continue
                page.set_viewport_size({"width": width, "height": height})
                page.goto(base + one.path)
                page.wait_for_timeout(SETTLED_AFTER_MS)
                if "wall" not in one.name:  # a window as tall as the page: bars stay at their edges
                    whole = page.evaluate("document.documentElement.scrollHeight")
                    page.set_viewport_size({"width": width, "height": max(height, min(whole, TALLEST))})
                try:
                    page.screenshot(path=FOLDER / f"{one.name}-{width}-{theme}.png")
                    taken += 1
                except Error as problem:
                    print(f"{one.path}: {problem.message.splitlines()[0]}", file=sys.stderr)
            context.close()
    return taken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
