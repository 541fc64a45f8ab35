"""The inventory and its sheets in a real browser: ticking, a row that is open while others work, and what axe says."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Spool
from tests.filament.sheets import said, send
from tests.floor.printing import signed_in
from tests.support.cast import Person
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(180)]
PHONE, DESK = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


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
        expect(stale).to_be_visible(timeout=20_000)
        expect(rows.nth(0)).to_be_checked()
        every.check()
        page.get_by_label("All 60 that fit").check()
        page.get_by_label("With the ticked rolls").last.select_option("dried")
        page.get_by_role("button", name="Do it").click()
        expect(page.get_by_text("60 rolls are noted as dried today.")).to_be_visible(timeout=20_000)
