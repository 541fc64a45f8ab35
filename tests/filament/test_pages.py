"""Spools and filaments in the browser: without JavaScript, with htmx, by role, with wrong input."""

import re

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Filament, Spool
from tests.filament.shelf import book


@pytest.fixture
def spool(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        black = service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111"
        )
        return service.add_spool(db, black.id, weight_mg=1_000_000)


def remaining(spool):
    with read_only(spool.shop_id) as db:
        return db.get(Spool, spool.id).remaining_mg


def test_an_empty_shelf_says_what_to_do(alice):
    answer = alice.get("/filament/spools")
    assert answer.status == 200
    assert "No spools yet" in answer.text


def test_a_filament_and_its_first_spool_are_added_by_plain_forms(olga):
    made = olga.post(
        "/filament/filaments/new",
        {
            "brand": "Bambu",
            "material": "PETG",
            "colour_name": "Jade",
            "colour_hex": "00ae42",
            "price": "24.99",
            "spool_weight": "1000",
        },
    )
    assert made.status == 303
    added = olga.post(made.location, {"weight": "1000", "low_below": "150"})
    assert added.status == 303
    shown = olga.get(added.location)
    assert "Jade" in shown.text
    assert "1.00 kg" in shown.text
    assert "€0.02499/g" in olga.get("/filament/filaments").text


def test_wrong_input_comes_back_with_what_was_typed(olga):
    answer = olga.post(
        "/filament/filaments/new",
        {"brand": "Bambu", "material": "PLA", "colour_name": "Red", "colour_hex": "reddish"},
    )
    assert answer.status == 422
    assert "reddish is not a colour that is known here" in answer.text
    assert answer.one("input[name=brand]")["value"] == "Bambu"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("brand", "   ", "Which brand?"),
        ("price", "sNaN", "Write a number, such as 24.90"),
        ("price", "Infinity", "Write a number, such as 24.90"),
        ("price", "24,90", "Write a number, such as 24.90"),
        ("density_g_cm3", "heavy", "Write a number, such as 24.90"),
        ("purchase_url", "javascript://shop.example/%0aalert(1)", "begins with https://"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(olga, field, typed, sentence):
    good = {"brand": "Bambu", "material": "PLA", "colour_name": "Red", "colour_hex": "#ff0000"}
    answer = olga.post("/filament/filaments/new", {**good, field: typed})
    assert answer.status == 422
    assert sentence in answer.one(".field-error").get_text()
    assert answer.one(f"input[name={field}]").get("value", "").strip() == typed.strip()


def test_a_character_that_cannot_be_kept_is_left_out(olga):
    facts = {
        "brand": "B\0mbu",
        "material": "PLA",
        "colour_name": "Red",
        "colour_hex": "#ff0000",
        "spool_weight": "1000",
    }
    answer = olga.post("/filament/filaments/new", facts)
    assert answer.status == 303


@pytest.mark.parametrize(
    ("what", "grams", "left"), [("set", "431.5", 431_500), ("add", "10", 1_010_000), ("subtract", "50", 950_000)]
)
def test_a_weight_is_booked(olga, spool, what, grams, left):
    answer = olga.post(f"/filament/spools/{spool.id}/weigh", {"what": what, "grams": grams, "reason": "weighed"})
    assert answer.status == 303
    assert remaining(spool) == left


def test_htmx_gets_the_part_that_changed(olga, spool):
    answer = olga.post(f"/filament/spools/{spool.id}/weigh", {"what": "set", "grams": "500"}, htmx=True)
    assert answer.status == 200
    assert answer.soup.html is None
    assert "500 g" in answer.one("#spool-page").get_text(" ")


def test_a_scale_needs_the_empty_spools_weight(olga, spool):
    answer = olga.post(f"/filament/spools/{spool.id}/weigh", {"what": "scale", "grams": "700"})
    assert answer.status == 409
    assert "empty spool is not known" in answer.text
    olga.post(f"/filament/spools/{spool.id}/edit", {"low_below": "100", "tare": "250"})
    olga.post(f"/filament/spools/{spool.id}/weigh", {"what": "scale", "grams": "700"})
    assert remaining(spool) == 450_000


def test_a_line_is_undone_from_the_page(olga, spool):
    olga.post(f"/filament/spools/{spool.id}/weigh", {"what": "subtract", "grams": "50"})
    shown = olga.get(f"/filament/spools/{spool.id}")
    undo = shown.one("form[action$='/undo']")
    assert olga.post(undo["action"], {}).status == 303
    assert remaining(spool) == 1_000_000


def test_the_list_finds_by_colour_brand_and_code(bob, spool):
    for word in ("galaxy", "PRUSA", spool.code[:4]):
        assert f"spool-{spool.id}" in str(bob.get(f"/filament/spools?q={word}").soup)
    assert "No spool fits" in bob.get("/filament/spools?q=unicorn").text


def test_a_viewer_may_look_but_not_weigh(bob, spool):
    assert bob.get(f"/filament/spools/{spool.id}").status == 200
    assert bob.post(f"/filament/spools/{spool.id}/weigh", {"what": "set", "grams": "1"}).status == 403
    assert remaining(spool) == 1_000_000


def test_another_shop_finds_nothing(charlie, spool):
    assert charlie.get(f"/filament/spools/{spool.id}").status == 404
    assert charlie.post(f"/filament/spools/{spool.id}/weigh", {"what": "set", "grams": "1"}).status == 404
    assert remaining(spool) == 1_000_000


def test_grams_without_a_spool_are_resolved_by_a_person(olga, spool, ctx):
    from uuid import uuid4

    with unit_of_work(spool.shop_id) as db:
        service.book_run(
            db,
            run_id=uuid4(),
            job_id=uuid4(),
            slot=1,
            filament_id=spool.filament_id,
            spool_id=None,
            used_mg=42_000,
            reason="Benchy",
        )
    shown = olga.get("/filament/unassigned")
    assert re.search(r"42\.0 g", shown.text)
    form = shown.one("form[action$='/resolve']")
    assert olga.post(form["action"], {"spool_id": str(spool.id)}).status == 303
    assert remaining(spool) == 958_000
    assert "Every gram has its spool" in olga.get("/filament/unassigned").text


@pytest.mark.parametrize(
    ("typed", "kept"), [("Green", "#2E7D32"), ("red, white", "#C62828,#FFFFFF"), ("clear", "#FFFFFF40")]
)
def test_a_colour_may_be_a_plain_word(ctx, alice, typed: str, kept: str):
    facts = {"brand": "No name", "material": "PLA", "colour_name": typed, "colour_hex": typed}
    assert alice.post("/filament/filaments/new", facts).status == 303
    with read_only(alice.shop_id) as db:
        assert db.scalars(select(Filament.colour_hex)).one() == kept


def test_many_rolls_do_not_swell_the_page_and_any_is_named_by_its_code(ctx, olga, spool):
    """Those that were used come first; a roll that was put in by mistake may be of another filament."""
    with unit_of_work(spool.shop_id) as db:
        made = [service.add_spool(db, spool.filament_id, weight_mg=900_000) for _ in range(40)]
        other = service.add_filament(db, brand="B", material="PLA", colour_name="White", colour_hex="white")
        white = service.add_spool(db, other.id, weight_mg=500_000)
        coming = service.order_spool(db, other.id, facts=service.SpoolFacts())
        book(db, made[-1], 1_000)
        for _ in range(25):
            book(db, spool, 10_000, onto=False)
    shown = olga.get("/filament/unassigned")
    forms = shown.all("form[action$='/resolve']")
    assert len(forms) == 20
    options = forms[0].select("option")
    assert len(options) == 30
    assert options[0]["value"] == str(made[-1].id)
    refused = olga.post(forms[0]["action"], {"spool_id": str(spool.id), "code": coming.code})
    assert "has not come yet" in refused.text
    for code, status in (("ZZZZZZ", 404), ("no code", 409), ("", 409)):
        assert olga.post(forms[0]["action"], {"code": code}).status == status
    typed = f" {white.code[:3]}-{white.code[3:].lower()} "
    assert olga.post(forms[0]["action"], {"spool_id": str(spool.id), "code": typed}).status == 303
    assert remaining(white) == 490_000


def test_a_filament_with_many_rolls_shows_the_emptiest_and_leads_to_all(ctx, bob, spool):
    with unit_of_work(spool.shop_id) as db:
        for _ in range(31):
            service.add_spool(db, spool.filament_id, weight_mg=500_000)
    shown = bob.get(f"/filament/filaments/{spool.filament_id}")
    assert len(shown.all("li[id^='spool-']")) == 30
    assert not shown.all(f"#spool-{spool.id}")  # the fullest
    (way,) = [one["href"] for one in shown.all("main a") if "All 32 spools" in one.text]
    assert any("32" in one.text for one in bob.get(way).all(".stat"))
