"""What a phone loads before it shows a page, and whether anything moves under the finger while pictures arrive.

Measured as a browser does it: the real application with a busy shop, a cold cache, every byte as it travels.
"""

import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from flask import Flask, url_for
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route

from tests.support.cast import PASSWORD
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database
from tests.support.server import Served
from tests.ui.busy import furnish, webp

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PAGES = {
    "dashboard": "insight.dashboard",
    "queue": "queue.show",
    "fleet": "fleet.show",
    "library": "library.models",
    "spools": "filament.spools",
    "upload": "files.uploads",
    "scan": "floor.scan",
}
WITH_PICTURES = ("dashboard", "queue", "fleet", "library", "spools")
LIMITS = {"script": 25_000, "stylesheet": 15_000, "document": 20_000}
FIRST_LOAD_LIMIT = 60_000
PICTURES = "**/files/pictures/**"
PICTURE_DELAY_S = 0.3
MOST_SHIFT = 0.1
PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
DESK = {"viewport": {"width": 1280, "height": 900}}
WATCH_SHIFTS = """
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def served(app: Flask, shop: SimpleNamespace) -> Iterator[Served]:
    furnish(app, shop)
    running = Served(app).start()
    yield running
    running.stop()


@pytest.fixture
def signed_in(chromium: Browser, served: Served) -> dict:
    """The cookies of somebody who has signed in."""
    context = chromium.new_context(base_url=served.url, service_workers="block")
    page = context.new_page()
    page.goto("/sign-in")
    page.locator("main input[name=email]").fill("alice@example.com")
    page.locator("main input[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/")
    state = context.storage_state()
    context.close()
    return state


def path_of(app: Flask, name: str) -> str:
    with app.test_request_context():
        return url_for(PAGES[name])


def answer_late(route: Route) -> None:
    time.sleep(PICTURE_DELAY_S)
    route.fulfill(body=webp(), content_type="image/webp")


def cold(chromium: Browser, served: Served, signed_in: dict, **window: object) -> BrowserContext:
    """A browser that has never been here but for its cookies."""
    context = chromium.new_context(base_url=served.url, storage_state=signed_in, service_workers="block", **window)
    context.route(PICTURES, answer_late)
    return context


def weigh(page: Page, path: str) -> Counter[str]:
    """Bytes on the wire by kind of request, as a first visit costs them."""
    finished: list[Request] = []

    def note(request: Request) -> None:
        if "/files/pictures/" not in request.url:
            finished.append(request)

    page.on("requestfinished", note)
    page.goto(path, wait_until="networkidle")
    weights: Counter[str] = Counter()
    for request in finished:
        weights[request.resource_type] += request.sizes()["responseBodySize"]
    return weights


def test_no_first_load_is_heavier_than_a_phone_likes(chromium: Browser, served: Served, app: Flask, signed_in: dict):
    too_heavy, table = [], []
    for name in PAGES:
        context = cold(chromium, served, signed_in, **PHONE)
        weights = weigh(context.new_page(), path_of(app, name))
        context.close()
        total = sum(weights.values())
        table.append(f"{name}: {total} {dict(weights)}")
        assert all(weights[kind] > 1000 for kind in LIMITS), f"{name} was not measured: {dict(weights)}"
        too_heavy += [
            f"{name}: {kind} {weights[kind]} > {most}" for kind, most in LIMITS.items() if weights[kind] > most
        ]
        too_heavy += [f"{name}: {total} > {FIRST_LOAD_LIMIT} in all"] if total > FIRST_LOAD_LIMIT else []
    assert not too_heavy, "\n".join([*too_heavy, *table])


@pytest.mark.parametrize("window", [PHONE, DESK], ids=["phone", "desk"])
def test_nothing_moves_while_pictures_arrive(
    chromium: Browser, served: Served, app: Flask, signed_in: dict, window: dict
):
    context = cold(chromium, served, signed_in, **window)
    context.add_init_script(WATCH_SHIFTS)
    moved, pictures = {}, 0
    for name in WITH_PICTURES:
        page = context.new_page()
        page.goto(path_of(app, name), wait_until="networkidle")
        page.wait_for_function(
            "[...document.images].filter((one) => one.loading !== 'lazy').every((one) => one.complete)"
        )
        pictures += page.locator("img[src*='/files/pictures/']").evaluate_all(
            "(all) => all.filter((one) => one.complete && one.naturalWidth > 0).length"
        )
        moved[name] = page.evaluate("window.shifts")
        page.close()
    context.close()
    assert pictures > 10
    assert {name: shift for name, shift in moved.items() if shift >= MOST_SHIFT} == {}, moved


def test_a_phone_loads_pictures_of_the_size_that_it_shows(
    chromium: Browser, served: Served, app: Flask, signed_in: dict
):
    context = cold(chromium, served, signed_in, **PHONE)
    asked: dict[str, list[str]] = {}
    for name in ("queue", "fleet", "library"):
        page = context.new_page()
        urls = asked[name] = []
        page.on("request", lambda request, urls=urls: urls.append(request.url))
        page.goto(path_of(app, name), wait_until="networkidle")
        page.close()
    context.close()
    sizes = {name: {url.partition("?")[2] for url in urls if "/files/pictures/" in url} for name, urls in asked.items()}
    assert sizes["queue"] == sizes["fleet"] == {"size=small"}
    assert "size=small" not in sizes["library"]
    assert sizes["library"]
