"""The shop's settings, and going from one shop to another."""

import pytest
from sqlalchemy import func, select

from printfarm.accounts.models import Shop
from printfarm.core.work import read_only
from tests.support.cast import PASSWORD

SETTINGS = {
    "name": "Alice & Co",
    "description": "Small parts",
    "currency": "USD",
    "timezone": "America/New_York",
    "locale": "en_US",
    "units": "imperial",
    "default_filament_brand": "Prusament",
}


def test_an_admin_changes_the_settings(ctx, adam):
    assert adam.post("/shop", SETTINGS).status == 303
    with read_only(None) as db:
        kept = db.get(Shop, adam.shop_id)
        assert {name: getattr(kept, name) for name in SETTINGS} == SETTINGS
    page = adam.get("/shop")
    assert page.one("#name")["value"] == "Alice & Co"
    assert page.one("#timezone option[selected]")["value"] == "America/New_York"
    assert "Alice & Co" in page.one("title").get_text()


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"currency": "DEM"}, {"timezone": "Moon"}, {"units": "cubits"}, {"description": "x" * 1001}],
)
def test_bad_settings_change_nothing(ctx, alice, change):
    page = alice.post("/shop", {**SETTINGS, **change})
    assert page.status == 422
    assert page.one(f"#{next(iter(change))}-error")
    with read_only(None) as db:
        assert db.get(Shop, alice.shop_id).name == "Alice's Prints"


@pytest.mark.parametrize("who", ["olga", "bob"])
def test_others_do_not_change_the_settings(request, shop, who):
    person = request.getfixturevalue(who)
    assert person.get("/shop").status == 403
    assert person.post("/shop", SETTINGS).status == 403


def test_an_owner_opens_a_second_shop_and_goes_back_and_forth(ctx, alice):
    form = {"name": "Second", "currency": "EUR", "timezone": "UTC", "locale": "en"}
    assert alice.post("/shops", form).status == 303
    assert "Second" in alice.get("/members").one("title").get_text()
    page = alice.get("/shops")
    assert len(page.all("#shops > li")) == 2
    assert alice.post(page.one("#shops form")["action"]).status == 303
    assert "Alice's Prints" in alice.get("/members").one("title").get_text()


def test_who_owns_no_shop_opens_none(ctx, alice, adam):
    assert not adam.get("/shops").all("#open-shop")
    assert adam.post("/shops", {"name": "Mine", "currency": "EUR", "timezone": "UTC", "locale": "en"}).status == 403
    with read_only(None) as db:
        assert db.scalar(select(func.count()).select_from(Shop)) == 1


def test_nobody_enters_a_shop_they_do_not_belong_to(alice, charlie):
    assert charlie.post(f"/shops/{alice.shop_id}/enter").status == 404
    assert "Charlie's Corner" in charlie.get("/members").one("title").get_text()


def test_signing_in_leads_into_the_first_shop(alice, stranger):
    alice.post("/shops", {"name": "Second", "currency": "EUR", "timezone": "UTC", "locale": "en"})
    stranger.post("/sign-in", {"email": "alice@example.com", "password": PASSWORD})
    assert "Alice's Prints" in stranger.get("/members").one("title").get_text()
