"""A roll that has lain in the air for too long, or is past its date, is flagged wherever it is chosen, fed or listed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from printfarm.core import formats
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import DryingRule, Spool
from printfarm.filament.queries.care import Care, care_of
from printfarm.filament.service.drying import drying_rules
from tests.filament.shelf import add_roll
from tests.fleet.rolls import place, say
from tests.support.factories import load, make_printer

DAMP = "Damp: 20 days in the air"


def opened(spool: Spool, *, days: int, dried: int | None = None, expired: int | None = None) -> Spool:
    """Opened, dried and past its date so many days ago."""
    with unit_of_work(spool.shop_id) as db:
        today = service.today_of(db)
        facts = service.SpoolFacts.of(db.get_one(Spool, spool.id))
        ago = [None if one is None else today - timedelta(days=one) for one in (days, dried, expired)]
        return service.edit_spool(db, spool.id, replace(facts, opened_on=ago[0], dried_on=ago[1], expires_on=ago[2]))


def care(spool: Spool) -> Care:
    with read_only(spool.shop_id) as db:
        return care_of(db.get_one(Spool, spool.id))


@pytest.fixture
def damp(ctx, alice) -> Spool:
    """Nylon that was opened twenty days ago."""
    return opened(add_roll(alice.shop_id, material="PA6-CF"), days=20)


@pytest.mark.parametrize(
    ("material", "days", "is_wet"),
    [
        ("PVA", 3, True),
        ("PVA", 2, False),
        ("PA12", 4, True),
        ("Nylon", 4, True),
        ("PA-CF", 4, True),
        ("TPU 95A", 8, True),
        ("PETG", 29, False),
        ("PETG-CF", 31, True),
        ("PLA", 2000, False),
        ("PLA Matte", 2000, False),
        ("", 2000, False),
        ("Unobtainium", 2000, False),
    ],
)
def test_each_material_has_its_days(ctx, alice, material, days, is_wet):
    assert care(opened(add_roll(alice.shop_id, material=material), days=days)).is_wet is is_wet


def test_a_sealed_roll_does_not_age_and_an_empty_one_does_not_matter(ctx, alice):
    sealed = add_roll(alice.shop_id, material="PVA")
    assert not care(sealed)
    gone = opened(add_roll(alice.shop_id, material="PVA"), days=90)
    with unit_of_work(alice.shop_id) as db:
        service.empty_spool(db, gone.id)
    assert not care(gone)


def test_drying_begins_anew(damp):
    assert care(damp).in_air_days == 20
    with unit_of_work(damp.shop_id) as db:
        service.note_dried(db, damp.id)
    assert not care(damp)


def test_a_roll_that_was_dried_long_ago_is_damp_again(ctx, alice):
    assert care(opened(add_roll(alice.shop_id, material="TPU"), days=60, dried=9)).in_air_days == 9


def test_a_roll_past_its_date_is_said_to_be_also_when_it_is_sealed(ctx, alice):
    spool = add_roll(alice.shop_id)
    with unit_of_work(alice.shop_id) as db:
        facts = service.SpoolFacts.of(db.get_one(Spool, spool.id))
        yesterday = service.today_of(db) - timedelta(days=1)
        service.edit_spool(db, spool.id, replace(facts, expires_on=yesterday))
    assert care(spool).expired_on == yesterday
    assert care(spool).words == [f"best before {formats.day(yesterday)}"]


def test_the_shop_says_its_own_days_and_takes_them_back(olga, charlie, damp):
    assert olga.post("/filament/drying", {"material": "PA", "days": "30"}).status == 303
    assert not care(damp)
    assert olga.post("/filament/drying", {"material": "pa", "days": ""}).status == 303  # never
    assert not care(damp)
    assert olga.post("/filament/drying", {"material": "PA-CF", "days": "10"}).status == 303
    assert care(damp).dry_after_days == 10
    for material in ("PA", "PA-CF"):
        assert olga.post("/filament/drying", {"material": material, "days": "3"}).status == 303
    with read_only(charlie.shop_id) as db:
        assert drying_rules(db) == {}
    assert care(damp).dry_after_days == 3


@pytest.mark.parametrize("days", ["0", "-1", "many", "1e9", "NaN", "99999999999999999999"])
def test_strange_days_are_refused_with_a_sentence(ctx, olga, days):
    answer = olga.post("/filament/drying", {"material": "PA", "days": days})
    assert answer.status == 422
    with read_only(olga.shop_id) as db:
        assert db.scalars(select(DryingRule)).all() == []


def test_it_stands_on_the_list_and_on_the_rolls_page(olga, damp):
    assert DAMP in olga.get("/filament/spools").text
    shown = olga.get(f"/filament/spools/{damp.id}")
    assert DAMP in shown.text
    assert "takes up water" in shown.text


def test_it_stands_where_a_roll_is_fed_and_is_dried_from_there(olga, damp):
    with unit_of_work(olga.shop_id) as db:
        printer = make_printer(db)
        slot = load(db, printer.id, damp.id)
    say(olga.shop_id, printer.id, place(0, "PA6-CF"))
    for url in (f"/fleet/printers/{printer.id}", "/fleet/rolls", f"/fleet/slots/{slot.id}", "/fleet"):
        assert "20 days" in str(olga.get(url).soup), url
    form = olga.get(f"/fleet/printers/{printer.id}").one("form[action$='/dried']")
    sent = {field["name"]: field["value"] for field in form.select("input")}
    answer = olga.post(form["action"], sent)
    assert (answer.status, answer.location) == (303, f"/fleet/printers/{printer.id}")
    assert "20 days" not in str(olga.get(f"/fleet/printers/{printer.id}").soup)


def test_it_stands_where_a_roll_is_chosen_for_a_place(olga, damp):
    with unit_of_work(olga.shop_id) as db:
        printer = make_printer(db)
        code, where = printer.code, load(db, printer.id, None, ams_unit=1).id
    assert DAMP in olga.get(f"/fleet/slots/{where}").text
    assert DAMP in olga.get(f"/load?spool={damp.code}&printer={code}").text


def test_back_is_a_place_of_this_site_only(olga, damp):
    answer = olga.post(f"/filament/spools/{damp.id}/dried", {"next": "https://example.org/"})
    assert answer.location == f"/filament/spools/{damp.id}"


def test_a_viewer_sees_it_and_notes_nothing(bob, damp):
    assert DAMP in bob.get("/filament/spools").text
    assert bob.post(f"/filament/spools/{damp.id}/dried", {}).status == 403
    assert bob.get("/filament/drying").status == 403


def test_a_list_asks_for_the_rules_once(ctx, olga):
    for _ in range(3):
        opened(add_roll(olga.shop_id, material="PA"), days=20)
    with read_only(olga.shop_id) as db:
        found = queries.list_spools(db).items
        first = care_of(found[0])
        assert all(care_of(one) == first for one in found)
        assert "care" in db.info


def test_it_stands_where_a_roll_is_wound_over(olga, alice, damp):
    with unit_of_work(alice.shop_id) as db:
        beside = service.add_spool(db, damp.filament_id, weight_mg=500_000)
    for way in ("split", "merge"):
        offered = olga.get(f"/filament/spools/{beside.id}/{way}").one(f"option[value='{damp.id}']").get_text()
        assert "dry it first: in the air for" in offered
