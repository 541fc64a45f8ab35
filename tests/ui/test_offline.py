"""The service worker in a real browser, on the real application: what is kept, for how long, and what never comes from it."""

import json
import threading
from collections.abc import Iterator
from functools import wraps
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from printfarm.accounts import service as accounts
from printfarm.accounts.models import SignInSession, User
from printfarm.core.work import unit_of_work
from printfarm.fleet.models import Printer
from printfarm.queue import service as queue
from tests.support.cast import PASSWORD
from tests.support.factories import World, make_world
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database
from tests.support.server import Served

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]

AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTROLLED = "() => navigator.serviceWorker.controller !== null"
KEPT = "async () => (await (await caches.open('last-known')).keys()).map((one) => new URL(one.url).pathname)"
FILES_KEPT = "async () => (await caches.keys()).filter((name) => name.startsWith('files-'))"
UNTIL_KEPT = "async () => Boolean(await caches.match('/offline', { cacheName: 'last-known' }))"


@pytest.fixture
def farm(app: Flask, shop: SimpleNamespace) -> World:
    """A printer, and a job that waits for it."""
    with app.app_context(), unit_of_work(shop.id) as db:
        made = make_world(db, shop.id)
        queue.add_jobs(db, made.plate_id, user_id=shop.owner)
    return made


@pytest.fixture
def served(app: Flask, farm: World) -> Iterator[Served]:
    running = Served(app).start()
    yield running
    running.stop()


@pytest.fixture
def context(chromium: Browser, served: Served) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport={"width": 360, "height": 780}, base_url=served.url)
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def sign_in(page: Page, *, with_worker: bool = True) -> None:
    page.goto("/sign-in")
    if with_worker:  # a page that was on its way while the worker took over is not its own until the next one
        page.wait_for_function(CONTROLLED)
    page.locator("main input[name=email]").fill("alice@example.com")
    page.locator("main input[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/")


def settle(page: Page) -> None:
    """Until the worker has this page and keeps what is known."""
    page.wait_for_function(CONTROLLED)
    page.wait_for_function(UNTIL_KEPT)


def test_without_a_server_the_last_known_queue_is_shown_with_its_age(page: Page, served: Served):
    sign_in(page)
    settle(page)
    served.stop()
    answer = page.goto("/queue")
    assert answer is not None
    assert answer.from_service_worker
    expect(page).to_have_title("No connection · Alice's Prints")
    main = page.locator("main")
    expect(main).to_contain_text("This is old")
    expect(main.get_by_text("less than a minute old")).to_be_visible()
    expect(main).to_contain_text("Europe/Berlin")
    expect(main.get_by_role("region", name="Print queue")).to_contain_text("Benchy")
    expect(main.get_by_role("region", name="Printers")).to_contain_text("Anna")
    assert page.locator("form, button, input").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.goto("/filament/spools")
    expect(page.locator("main")).to_contain_text("Benchy")


def test_it_gives_way_to_the_real_page_when_the_server_is_back(page: Page, served: Served, app: Flask):
    sign_in(page)
    settle(page)
    served.stop()
    page.goto("/queue")
    expect(page.locator("main")).to_contain_text("This is old")
    again = Served(app, served.port).start()
    try:
        page.get_by_role("link", name="Try again").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Print queue")
    finally:
        again.stop()


def test_after_signing_out_nothing_is_left(page: Page, served: Served):
    sign_in(page)
    settle(page)
    page.goto("/profile")
    page.locator("form[action='/sign-out']").first.evaluate("form => form.requestSubmit()")
    page.wait_for_url("**/sign-in**")
    assert page.evaluate(KEPT) == []
    served.stop()
    page.goto("/queue")
    expect(page).to_have_title("No connection")
    expect(page.locator("main")).to_contain_text("Nothing of the queue is kept")
    expect(page.locator("body")).not_to_contain_text("Benchy")
    expect(page.locator("body")).not_to_contain_text("Alice's Prints")


def test_what_was_still_on_its_way_is_not_kept_after_signing_out(page: Page, app: Flask):
    asked, signed_out = threading.Event(), threading.Event()
    real = app.view_functions["insight.offline"]

    @wraps(real)
    def slow(**path: object) -> object:
        answer = real(**path)
        asked.set()
        signed_out.wait(20)
        return answer

    app.view_functions["insight.offline"] = slow
    sign_in(page)
    page.wait_for_function(CONTROLLED)
    assert asked.wait(10)
    page.goto("/profile")
    page.locator("form[action='/sign-out']").first.evaluate("form => form.requestSubmit()")
    page.wait_for_url("**/sign-in**")
    signed_out.set()
    page.wait_for_timeout(1000)
    assert page.evaluate(KEPT) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_kept_page(chromium: Browser, served: Served, theme: str):
    context = chromium.new_context(base_url=served.url, color_scheme=theme, viewport={"width": 360, "height": 780})
    page = context.new_page()
    sign_in(page)
    wrong = []
    for path in ("/offline", "/offline/nothing"):
        page.goto(path)
        found = Axe().run(page, options={"runOnly": AXE_RULES}).response["violations"]
        wrong += [f"{path}: {one['id']}: {one['help']} {[node['target'] for node in one['nodes']]}" for one in found]
    context.close()
    assert wrong == []


def test_a_session_that_was_ended_elsewhere_leaves_nothing_either(page: Page, app: Flask, shop: SimpleNamespace):
    sign_in(page)
    settle(page)
    page.goto("about:blank")  # an open page would reload by itself when its socket is ended
    with app.app_context(), unit_of_work(None) as db:
        for session in db.scalars(sa.select(SignInSession).where(SignInSession.user_id == shop.owner)):
            accounts.end_session(db, shop.owner, session.id)
    page.goto("/queue")
    page.wait_for_url("**/sign-in**")
    page.wait_for_function(f"async () => !(await ({UNTIL_KEPT})())")


def test_another_shop_replaces_it(page: Page, app: Flask, shop: SimpleNamespace, served: Served):
    with app.app_context(), unit_of_work(None) as db:
        accounts.open_shop(db, db.get_one(User, shop.owner), name="Second Shop", currency="EUR", timezone="UTC")
    sign_in(page)
    settle(page)
    page.goto("/shops")
    row = page.locator("main form[action$='/enter']").first
    row.get_by_role("button").click()
    page.wait_for_url("**/")
    page.wait_for_function(UNTIL_KEPT)
    served.stop()
    page.goto("/queue")
    expect(page).to_have_title("No connection · Second Shop")
    expect(page.locator("body")).not_to_contain_text("Benchy")


def test_going_to_another_shop_by_its_label_leaves_nothing_of_this_one(page: Page, app: Flask, shop: SimpleNamespace):
    with app.app_context(), unit_of_work(None) as db:
        second = accounts.open_shop(
            db, db.get_one(User, shop.owner), name="Second Shop", currency="EUR", timezone="UTC"
        )
        second_id = second.shop_id
    with app.app_context(), unit_of_work(second_id) as db:
        code = db.get_one(Printer, make_world(db, second_id).printer_id).code
    sign_in(page)
    settle(page)
    page.goto(f"/c/{code}")
    page.get_by_role("button", name="Go to Second Shop").click()
    page.wait_for_url("**/fleet/printers/**")
    page.goto("/queue")
    page.wait_for_function(  # what was there goes while the next page comes; for a moment neither may be there
        "async () => (await (await caches.match('/offline'))?.text())?.includes('<title>No connection · Second Shop<')"
    )


def test_the_worker_knows_every_way_out_of_a_shop(app: Flask):
    said = app.test_client().get("/service-worker.js").get_data(as_text=True)
    places = json.loads(said.split("const PLACES = ", 1)[1].split(";\n", 1)[0])
    ways = {"/sign-out", "/shops", "/members/leave", "/c"}
    assert set(places["exits"]) == ways


def test_a_page_never_comes_from_the_worker_while_there_is_a_server(
    page: Page, app: Flask, shop: SimpleNamespace, farm: World
):
    sign_in(page)
    settle(page)
    page.goto("/queue")
    with app.app_context(), unit_of_work(shop.id) as db:
        queue.add_jobs(db, farm.plate_id, quantity=2, note="the new ones", user_id=shop.owner)
    page.goto("/queue")
    expect(page.locator("main .job")).to_have_count(3)
    kept = page.evaluate(
        """async () => {
          const found = [];
          for (const name of await caches.keys())
            for (const one of await (await caches.open(name)).keys()) found.push(new URL(one.url).pathname);
          return found;
        }"""
    )
    assert {path for path in kept if not path.startswith("/static/")} == {"/offline", "/offline/nothing"}


def test_an_update_of_the_server_replaces_the_worker_and_an_open_page_says_so(page: Page, app: Flask, served: Served):
    sign_in(page)
    settle(page)
    before = page.evaluate(FILES_KEPT)
    assert len(before) == 1
    app.jinja_env.globals["pages_version"] = lambda: "updated00000"
    page.evaluate("document.body.dispatchEvent(new CustomEvent('live:reconnected', { bubbles: true }))")
    expect(page.locator("#toasts")).to_contain_text("PrintFarm was updated")
    page.reload()
    page.wait_for_function("async () => (await caches.keys()).includes('files-updated00000')")
    page.wait_for_function(f"async () => (await ({FILES_KEPT})()).length === 1")
    page.wait_for_function(UNTIL_KEPT)


def test_files_behind_signed_links_and_sent_forms_do_not_pass_through(page: Page, served: Served):
    sign_in(page)
    settle(page)
    seen = []
    page.on(
        "response", lambda response: seen.append((response.request.method, response.url, response.from_service_worker))
    )
    page.goto("/profile")
    page.locator("main form[action='/profile'] button[type=submit]").first.click()
    page.wait_for_load_state()
    page.goto("/files/signed/forged")
    posts = [one for one in seen if one[0] == "POST"]
    signed = [one for one in seen if "/files/signed/" in one[1]]
    assert posts
    assert signed
    assert not any(through for _, _, through in (*posts, *signed))


def test_a_browser_without_workers_does_everything(chromium: Browser, served: Served):
    context = chromium.new_context(base_url=served.url, service_workers="block")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    sign_in(page, with_worker=False)
    page.goto("/queue")
    expect(page.locator("main .job")).to_have_count(1)
    context.close()
    assert problems == []
