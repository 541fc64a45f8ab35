"""The inventory and its sheets in a real browser: ticking, a row that is open while others work, and what axe says."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Spool
from tests.filament.sheets import said, send
from tests.floor.printing import PATIENCE_MS, signed_in
from tests.support.cast import Person
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PHONE, DESK = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """These pages are looked at while others work on the same machine."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def rolls(ctx, alice: Person) -> list[Spool]:
    with unit_of_work(alice.shop_id) as db:
        one = service.add_filament(db, brand="Sunlu", material="PLA", colour_name="Red", colour_hex="#C62828")
        return [service.add_spool(db, one.id, weight_mg=1_000 * (n + 1)) for n in range(60)]


def wrong(page: Page) -> list[str]:
    return [f"{one['id']}: {one['help']}" for one in Axe().run(page, options=RULES).response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_an_open_row_and_on_the_pages_of_sheets(
    app: Flask, alice: Person, chromium: Browser, rolls: list[Spool], scheme: str
) -> None:
    sheet = send(alice, f"Code,Place,State\n{rolls[0].code},Attic,loaded\n,A,\n{rolls[1].code},B,eaten\n")
    assert len(said(alice, sheet)) == 3
    found = []
    with signed_in(chromium, app, alice, viewport=DESK, color_scheme=scheme, reduced_motion="reduce") as page:
        for path in (f"/filament/spools?edit={rolls[0].id}", "/filament/sheets", sheet):
            for size in (PHONE, DESK):
                page.set_viewport_size(size)
                page.goto(path)
                found += [f"{path} at {size['width']}: {one}" for one in wrong(page)]
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert not found, "\n".join(found)


def test_ticks_are_counted_and_a_list_waits_for_who_is_at_work(
    app: Flask, alice: Person, chromium: Browser, rolls: list[Spool]
) -> None:
    with signed_in(chromium, app, alice, viewport=DESK) as page:
        page.goto("/filament/spools")
        ticked, every = page.locator("[data-ticked]"), page.locator("[data-tick-all]")
        expect(ticked).to_have_text("All 50 shown")
        rows = page.locator("#spool-list [name=spool]")
        rows.nth(0).check()
        expect(ticked).to_have_text("1 ticked")
        assert every.evaluate("one => one.indeterminate")
        every.check()
        expect(ticked).to_have_text("50 ticked")
        page.get_by_label("All 60 that fit").check()
        expect(ticked).to_have_text("All 60 that fit")
        rows.nth(3).uncheck()
        expect(page.get_by_label("All 60 that fit")).not_to_be_checked()
        expect(ticked).to_have_text("49 ticked")
        stale = page.locator("[data-stale]")
        with unit_of_work(alice.shop_id) as db:
            service.take_weight(db, rolls[0].id, 500)
        expect(stale).to_be_visible()
        expect(rows.nth(0)).to_be_checked()
        every.check()
        page.get_by_label("All 60 that fit").check()
        page.get_by_label("With the ticked rolls").last.select_option("dried")
        page.get_by_role("button", name="Do it").click()
        expect(page.get_by_text("60 rolls are noted as dried today.")).to_be_visible()


def test_a_phone_has_one_row_of_commands_and_an_open_row_takes_its_width(
    app: Flask, alice: Person, chromium: Browser, rolls: list[Spool]
) -> None:
    with signed_in(chromium, app, alice, viewport=PHONE, reduced_motion="reduce") as page:
        page.goto(f"/filament/spools?edit={rolls[0].id}")
        shown = [
            one.bounding_box()
            for one in page.locator(".page-head .toolbar :is(.button, summary)").all()
            if one.is_visible()
        ]
        assert len({round(box["y"]) for box in shown if box}) == 1
        form = page.locator(".row-weigh").bounding_box()
        assert form is not None
        assert form["width"] > 280
        page.locator(".page-head summary", has_text="More").click()
        menu = page.locator(".page-head .menu > div")
        for words in ("Print labels", "Shopping list", "Download CSV", "Import a sheet", "Import from Spoolman"):
            expect(menu.get_by_role("link", name=words)).to_be_visible()
        box = menu.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]
        page.set_viewport_size(DESK)
        expect(page.locator(".page-head").get_by_role("link", name="Print labels")).to_have_count(1)
        expect(page.locator(".page-head .on-wide").get_by_role("link", name="Print labels")).to_be_visible()


def test_a_row_that_is_about_to_open_opens_though_the_list_changes_meanwhile(
    app: Flask, alice: Person, chromium: Browser, rolls: list[Spool]
) -> None:
    """Printers book grams all the time; whoever presses the pencil just then gets the fields all the same."""
    with signed_in(chromium, app, alice, viewport=DESK) as page:
        page.goto("/filament/spools")
        on_the_way: list[Route] = []
        page.route("**/row?edit=1**", lambda route: on_the_way.append(route))  # noqa: PLW0108
        page.get_by_title("Weigh or correct").first.click()
        while not on_the_way:
            page.wait_for_timeout(50)
        page.evaluate("""new Promise((done) => {
            document.body.addEventListener("htmx:afterSettle", done);
            setTimeout(done, 2000);
            document.body.dispatchEvent(new CustomEvent("changed:filament"));
        })""")
        on_the_way[0].continue_()
        expect(page.locator("input[name=grams]")).to_be_visible()
        expect(page.locator("[data-stale]")).to_be_visible()
