"""A walk over the links of a running shop: one address for each kind of page."""

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.processes.running import Up

READY_WITHIN_S = 120
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Pages that no link of a quiet afternoon leads to, and what an address may ask for beside its path.
UNLINKED = (
    "/fleet?wall=1",
    "/ui",
    "/ui?theme=light",
    "/ui?theme=dark",
    "/needs",
    "/search?q=pla",
    "/search",
    "/files/?show=ended",
    "/nothing-here",
    "/offline",
)


@dataclass(frozen=True)
class Found:
    """`name` says the kind of page, for a file or a test; `path` is one address of it."""

    name: str
    path: str


@contextmanager
def demo_shop(folder: Path, *, speed: int = 240) -> Iterator[Up]:
    """The demo, with its printers `speed` times as fast as real ones."""
    with Up(folder, "demo", "--data", str(folder), PRINTFARM_HUB="on", PRINTFARM_SIMULATOR_SPEED=str(speed)) as up:
        yield up


def sign_in(up: Up, browser: Browser) -> str:
    """The state of a context that is signed in as the demo's owner, as Playwright stores it (JSON in a file's place)."""
    link = up.wait_for("Open this link", READY_WITHIN_S).split()[-1].replace("localhost", "127.0.0.1")
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.locator("main form button").first.click()
    page.wait_for_url(f"http://127.0.0.1:{up.port}/")
    state = str(up.data_dir / "signed-in.json")
    context.storage_state(path=state)
    context.close()
    return state


def every_kind_of_page(context: BrowserContext, base: str) -> list[Found]:
    """One address of each kind of page, sorted by name."""
    return sorted((found for found, _ in walk(context, base)), key=lambda found: found.name)


def walk(context: BrowserContext, base: str) -> Iterator[tuple[Found, Page]]:
    """Breadth first over the links of the pages, one address per kind (ids and numbers replaced), each as it opens."""
    page = context.new_page()
    known: set[str] = set()
    waiting = deque(("/", *UNLINKED))
    while waiting:
        path = waiting.popleft()
        kind = kind_of(path)
        if kind in known:
            continue
        known.add(kind)
        if _opens(page, base + path):
            waiting.extend(_links(page, base))
            yield Found(_name(kind), path), page
    page.close()


def _opens(page: Page, url: str) -> bool:
    """False for what is downloaded, or is no page."""
    try:
        answer = page.goto(url)
    except Error as problem:
        if "Download is starting" in problem.message:
            return False
        raise
    return answer is not None and "text/html" in answer.headers.get("content-type", "")


def kind_of(path: str) -> str:
    """The address without what differs between two pages of one kind."""
    parts = urlsplit(path)
    kept = [one for one in parts.query.split("&") if one.partition("=")[0] in ("wall", "show", "q", "size", "theme")]
    return ID.sub("<id>", parts.path) + ("?" + "&".join(kept) if kept else "")


def _links(page: Page, base: str) -> list[str]:
    hrefs: list[str] = page.eval_on_selector_all("a[href]:not([download])", "all => all.map(one => one.href)")
    return [href.removeprefix(base).partition("#")[0] for href in hrefs if href.startswith(f"{base}/")]


def _name(kind: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", kind.replace("<id>", "one").lower()).strip("-") or "dashboard"
