"""The catalogue: every colour of it can be added, and what the shop has is marked."""

import re
from decimal import Decimal

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only
from printfarm.filament import catalogue
from printfarm.filament.colours import normal_colours
from printfarm.filament.materials import FINISHES, family, finish_in, is_brand
from printfarm.filament.models import Filament


def test_every_entry_is_whole() -> None:
    keys = [entry.key for entry in catalogue.entries()]
    assert len(keys) == len(set(keys)) > 800
    assert len(catalogue.brands()) >= 15
    for entry in catalogue.entries():
        line = entry.line
        assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+", entry.key)
        assert entry.colour_hex == normal_colours(entry.colour_hex)
        assert line.finish in ("", *FINISHES)
        assert Decimal("0.8") < line.density_g_cm3 < Decimal("1.5"), entry.key
        assert 150 <= line.nozzle_min_c < line.nozzle_max_c <= 320, entry.key
        assert 0 < line.bed_c <= 120
        assert line.diameter_mm in (Decimal("1.75"), Decimal("2.85"))
        assert line.url == "" or line.url.startswith("https://")


def test_generic_ones_have_every_usual_material() -> None:
    for material in ("PLA", "PETG", "ABS", "ASA", "TPU", "PC", "PA", "PVA", "PLA-CF", "PETG-CF", "PA-CF", "HIPS", "PP"):
        assert catalogue.usual_line("nobody knows", material) is not None


def test_a_colour_is_found_marked_and_added(olga, ctx) -> None:
    found = olga.get("/filament/catalogue?q=bambu+matte+plum")
    way = found.one("#catalogue a[href*='like=']")["href"]
    form = olga.get(way).one("form[data-filament-form]")
    sent = {one["name"]: one.get("value", "") for one in form.select("input[name]") if one.get("type") != "radio"}
    assert (sent["brand"], sent["material"], sent["finish"], sent["colour_name"]) == (
        "Bambu Lab",
        "PLA",
        "matte",
        "Plum",
    )
    assert olga.post("/filament/filaments/new", sent).status == 303
    with read_only(olga.shop_id) as db:
        made = db.scalars(select(Filament)).one()
    assert (made.nozzle_min_c, made.bed_c, made.density_g_cm3) == (190, 60, Decimal("1.320"))
    again = olga.get("/filament/catalogue?q=bambu+matte+plum")
    assert "You have it" in again.text
    assert not again.all("#catalogue a[href*='like=']")


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-3", "?page=999999", "?brand=Nobody", "?q=" + "x" * 5000, "?material=%00"]
)
def test_any_address_of_it_is_a_page(bob, query: str) -> None:
    assert bob.get(f"/filament/catalogue{query}").status == 200


def test_it_is_paged(bob) -> None:
    first = bob.get("/filament/catalogue")
    assert len(first.all("#catalogue .row")) == 50
    second = bob.get("/filament/catalogue?page=2")
    assert second.all("#catalogue .row-name")[0].get_text() != first.all("#catalogue .row-name")[0].get_text()


def test_a_key_that_is_none_gives_the_empty_form(olga) -> None:
    assert olga.get("/filament/filaments/new?like=../../etc/passwd").one("input[name=brand]").get("value", "") == ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [("PLA+", "pla"), ("Silk PLA", "pla"), ("pla matte", "pla"), ("PLA-CF", "pla-cf"), ("PETG HF", "petg"), ("TPU 95A", "tpu"),
     ("PA6-CF", "pa-cf"), ("Nylon", "pa"), ("Wood", "wood"), ("", "")],
)  # fmt: skip
def test_a_material_is_known_by_what_it_is(written: str, meant: str) -> None:
    assert family(written) == meant


def test_a_finish_is_read_from_what_slicers_call_it() -> None:
    assert finish_in("Bambu PLA Matte @BBL X1C") == "matte"
    assert finish_in("Generic PLA Silk") == "silk"
    assert finish_in("Prusament PLA") == ""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("Bambu Lab", "bambu", True), ("Prusament", "Prusa Polymers", True), ("eSUN", "Sunlu", False), ("", "", False),
     ("Poly", "Polymaker", False)],
)  # fmt: skip
def test_a_brand_is_known_by_the_names_that_slicers_give_it(one: str, other: str, same: bool) -> None:
    assert is_brand(one, other) is same
