"""The shopping list in a real browser: on a phone, while others work, and on paper."""

from decimal import Decimal

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Filament
from tests.floor.printing import signed_in
from tests.support.cast import Person
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
PHONE = {"service_workers": "block", "viewport": {"width": 360, "height": 780}}
NEW_TAB = "a[target=_blank]"


@pytest.fixture
def black(ctx, alice: Person) -> Filament:
    """Low, beside another one that is not, with a name as long as names get."""
    facts = {"brand": "Prusament", "material": "PLA", "colour_hex": "#111111", "supplier": "3DJake"}
    with unit_of_work(alice.shop_id) as db:
        made = service.add_filament(
            db, colour_name="Galaxy Black", cost_per_gram=Decimal("0.025"), purchase_url="https://a.example", **facts
        )
        service.add_spool(db, made.id, weight_mg=10_000)
        long = service.add_filament(db, colour_name="Seagreen" * 10, **{**facts, "brand": "Fiberlogy"})
        service.add_spool(db, long.id, weight_mg=900_000)
        service.wish_for(db, long.id, 3)
    return made


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_tick_outlives_what_others_do_and_leads_to_the_order(
    app: Flask, alice: Person, chromium: Browser, black: Filament
) -> None:
    with signed_in(chromium, app, alice, **PHONE) as page:
        page.goto("/shopping/")
        assert fits(page)
        tick = page.get_by_role("checkbox", name="Order Prusament PLA Galaxy Black")
        tick.check()
        with unit_of_work(alice.shop_id) as db:
            red = service.add_filament(db, brand="B", material="PETG", colour_name="Fresh Red", colour_hex="#FF0000")
            service.wish_for(db, red.id)
        expect(page.get_by_role("link", name="Fresh Red")).to_be_visible()
        expect(tick).to_be_checked()
        page.get_by_role("button", name="Mark what is ticked as ordered").click()
        assert fits(page)
        page.get_by_label("Spools").fill("2")
        page.get_by_role("button", name="Mark as ordered").click()
        expect(page.get_by_text("2 rolls are on the way.")).to_be_visible()
        assert fits(page)
        page.get_by_role("checkbox", name="Galaxy Black has come").check()
        page.get_by_role("button", name="What is ticked has come").click()
        expect(page.locator("h1")).to_have_text("2 labels")


def test_on_paper_there_are_boxes_and_no_buttons(app: Flask, alice: Person, chromium: Browser, black: Filament) -> None:
    with signed_in(chromium, app, alice, color_scheme="dark", viewport={"width": 720, "height": 1000}) as page:
        page.goto("/shopping/")
        expect(page.locator(NEW_TAB)).to_be_visible()
        page.emulate_media(media="print")
        for gone in (NEW_TAB, "nav.side", "header.topbar", ".times", ".tabs", "#to-order", "main button"):
            for one in page.locator(gone).all():
                expect(one).to_be_hidden()
        expect(page.get_by_role("checkbox", name="Order Prusament PLA Galaxy Black")).to_be_visible()
        expect(page.locator(".paper-only")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(39, 33, 26)"
