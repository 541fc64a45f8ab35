"""A spool's page: every fact of it in form and page, and what people press on it."""

import pytest

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Spool


@pytest.fixture
def spool(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        black = service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111"
        )
        return service.add_spool(db, black.id, weight_mg=1_000_000)


FACTS = {
    "initial": "1000",
    "tare": "215.5",
    "low_below": "150",
    "paid": "24.90",
    "paid_for": "kg",
    "supplier": "Filament Shop",
    "batch": "LOT-7",
    "location": "Dry box 3",
    "purchased_on": "2026-03-01",
    "expires_on": "2028-03-01",
    "opened_on": "2026-03-05",
    "dried_on": "2026-04-01",
    "note": "First line.\nSecond line.",
    "extra": "Colour code: RAL 9005",
}


def now(spool) -> Spool:
    with read_only(spool.shop_id) as db:
        return db.get_one(Spool, spool.id)


def as_sent(page) -> dict[str, str]:
    """What the form would send if nothing were changed."""
    form = page.one("main form.form")
    sent = {one["name"]: one.get("value", "") for one in form.select("input[name]:not([type=radio])")}
    sent |= {one["name"]: one["value"] for one in form.select("input[type=radio][checked]")}
    return sent | {one["name"]: one.get_text().strip() for one in form.select("textarea")}


def test_every_fact_is_kept_shown_and_offered_again(olga, spool):
    assert olga.post(f"/filament/spools/{spool.id}/edit", FACTS).status == 303
    roll = now(spool)
    assert (roll.tare_mg, roll.low_below_mg, roll.initial_mg) == (215_500, 150_000, 1_000_000)
    assert (roll.supplier, roll.batch, roll.location) == ("Filament Shop", "LOT-7", "Dry box 3")
    assert (str(roll.opened_on), str(roll.dried_on), roll.state) == ("2026-03-05", "2026-04-01", "open")
    assert (str(roll.cost_per_gram), roll.extra) == ("0.024900", {"Colour code": "RAL 9005"})
    shown = olga.get(f"/filament/spools/{spool.id}").text
    for words in (
        "Dry box 3",
        "LOT-7",
        "Filament Shop",
        "1 Mar 2028",
        "1 Apr 2026",
        "RAL 9005",
        "Second line.",
        "216 g",
    ):
        assert words in shown, words
    again = as_sent(olga.get(f"/filament/spools/{spool.id}/edit"))
    assert {name: again[name] for name in FACTS} == FACTS
    olga.post(f"/filament/spools/{spool.id}/edit", again)
    assert service.SpoolFacts.of(now(spool)) == service.SpoolFacts.of(roll)


def test_the_price_of_the_whole_roll_becomes_a_price_per_gram(olga, spool):
    form = {"low_below": "100", "paid": "18.00", "paid_for": "spool", "initial": "750"}
    olga.post(f"/filament/spools/{spool.id}/edit", form)
    assert str(now(spool).cost_per_gram) == "0.024000"


def test_a_price_that_has_more_places_than_cents_stays_what_it_is(olga, spool):
    way, form = (
        f"/filament/spools/{spool.id}/edit",
        {"low_below": "100", "paid": "19.99", "paid_for": "spool", "initial": "750"},
    )
    olga.post(way, form)
    olga.post(way, as_sent(olga.get(way)) | {"location": "Shelf 4"})
    assert (str(now(spool).cost_per_gram), now(spool).location) == ("0.026653", "Shelf 4")


def test_the_empty_spool_weighs_what_its_filament_says_or_else_its_brand(olga, spool):
    assert "of its filament" not in olga.get(f"/filament/spools/{spool.id}").text
    with unit_of_work(spool.shop_id) as db:
        service.find_filament(db, spool.filament_id).tare_mg = 193_000
    page = olga.get(f"/filament/spools/{spool.id}")
    assert "193 g (of its filament)" in page.text
    assert "193 g" in olga.get(f"/filament/spools/{spool.id}/edit").text
    olga.post(f"/filament/spools/{spool.id}/weigh", {"what": "scale", "grams": "693"})
    assert now(spool).remaining_mg == 500_000


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("opened_on", "0001-01-01", "year cannot be right"),
        ("dried_on", "9999-12-31", "year cannot be right"),
        ("dried_on", "2099-01-01", "still to come"),
        ("initial", "1000000000", "from 0 to 50,000"),
        ("initial", "-1", "from 0 to 50,000"),
        ("tare", "NaN", "Write a number"),
        ("batch", "x" * 81, "longer than 80"),
        ("extra", "nothing", "name: value"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_typed(olga, spool, field, typed, sentence):
    answer = olga.post(f"/filament/spools/{spool.id}/edit", {**FACTS, field: typed})
    assert answer.status == 422
    assert sentence in answer.one(".field-error").get_text()
    assert typed in str(answer.soup)
    assert service.SpoolFacts.of(now(spool)) == service.SpoolFacts.of(spool)


def test_a_roll_used_before_is_added_as_it_is(olga, spool):
    url = f"/filament/filaments/{spool.filament_id}/spools/new"
    form = as_sent(olga.get(url))
    assert form["weight"] == "1000"
    answer = olga.post(url, form | {"weight": "430.5", "initial": "1000"})
    shown = olga.get(answer.location)
    assert "430 g" in shown.text or "431 g" in shown.text
    assert "Open" in [state.get_text().strip() for state in shown.all("main .state")]


@pytest.mark.parametrize(
    ("button", "deed", "state"),
    [
        ("Opened today", "open", "open"),
        ("Dried today", "dried", "sealed"),
        ("Empty", "empty", "empty"),
        ("Discard", "discard", "discarded"),
    ],
)
def test_a_deed_is_one_press_with_and_without_scripts(olga, spool, button, deed, state):
    page = olga.get(f"/filament/spools/{spool.id}")
    form = next(one for one in page.all("main form") if one["action"].endswith(f"/{deed}"))
    assert button in form.get_text()
    answer = olga.post(form["action"], {}, htmx=True)
    assert answer.status == 200
    assert answer.one("#spool-page") is not None
    assert now(spool).state == state
    with unit_of_work(spool.shop_id) as db:
        other = service.add_spool(db, spool.filament_id, weight_mg=1_000_000)
    assert olga.post(f"/filament/spools/{other.id}/{deed}", {}).status == 303
    assert now(other).state == state


def test_a_discarded_roll_offers_the_way_back_and_nothing_else(olga, spool):
    olga.post(f"/filament/spools/{spool.id}/discard", {})
    page = olga.get(f"/filament/spools/{spool.id}")
    assert "Discarded" in page.text
    assert not any(
        one["action"].endswith(("/weigh", "/open", "/dried", "/empty", "/discard")) for one in page.all("main form")
    )
    assert olga.post(f"/filament/spools/{spool.id}/discard", {}).status == 409
    undo = page.one("main form[action$='/undo']")
    assert olga.post(undo["action"], {}).status == 303
    assert (now(spool).state, now(spool).remaining_mg) == ("sealed", 1_000_000)


def test_what_was_ordered_comes_with_one_press(olga, spool):
    with unit_of_work(spool.shop_id) as db:
        roll = service.order_spool(db, spool.filament_id, facts=service.SpoolFacts())
    page = olga.get(f"/filament/spools/{roll.id}")
    assert "It has come" in page.text
    assert [state.get_text().strip() for state in page.all("main .state")] == ["On order"]
    olga.post(f"/filament/spools/{roll.id}/come", {})
    assert (now(roll).state, now(roll).remaining_mg) == ("sealed", 1_000_000)


@pytest.mark.parametrize("deed", ["open", "dried", "empty", "discard", "come"])
def test_a_viewer_and_another_shop_press_nothing(bob, charlie, spool, deed):
    assert bob.post(f"/filament/spools/{spool.id}/{deed}", {}).status == 403
    assert charlie.post(f"/filament/spools/{spool.id}/{deed}", {}).status == 404
    assert now(spool).state == "sealed"
