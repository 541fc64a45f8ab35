"""Which filaments are offered for a slot, and what a new one brings along."""

from decimal import Decimal

import pytest

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.queries import match_filaments
from printfarm.filament.service import add_filament
from printfarm.library.guesses import WantedFilament
from printfarm.library.importing.filaments import Shelf
from printfarm.library.importing.plan import Plan
from printfarm.library.offering import new_filament, suggestion


def wanted(**facts) -> WantedFilament:
    usual = {"slot": 1, "material": "PLA", "colour_hex": "#000000", "vendor": "Bambu Lab", "preset": "", "grams": 10.0}
    return WantedFilament(**{**usual, "density_g_cm3": None, "cost_per_gram": None, **facts})


@pytest.fixture
def shelf(ctx, alice) -> dict[str, object]:
    """Four blacks: of this brand basic and matte, of another brand, and of another material."""
    kinds = {
        "basic": {"brand": "Bambu", "material": "PLA"},
        "matte": {"brand": "Bambu", "material": "PLA", "finish": "matte"},
        "other": {"brand": "Sunlu", "material": "PLA+"},
        "petg": {"brand": "Bambu", "material": "PETG"},
    }
    with unit_of_work(alice.shop_id) as db:
        return {
            name: add_filament(db, colour_name="Black", colour_hex="#000000", **facts).id
            for name, facts in kinds.items()
        }


def matched(alice, **facts) -> list[object]:
    one = wanted(**facts)
    with read_only(alice.shop_id) as db:
        found = match_filaments(
            db, material=one.material, colour_hex=one.colour_hex, vendor=one.vendor, preset=one.preset
        )
        return [match.filament.id for match in found]


def test_the_finish_in_the_preset_decides_between_two_of_one_colour(alice, shelf) -> None:
    basic, matte, other = shelf["basic"], shelf["matte"], shelf["other"]
    assert matched(alice, preset="Bambu PLA Matte @BBL X1C") == [matte, basic, other]
    assert matched(alice, preset="Bambu PLA Basic @BBL X1C") == [basic, matte, other]
    assert set(matched(alice)) == {basic, matte, other}


def test_an_import_decides_by_the_finish_too_and_asks_when_that_leaves_two(alice, shelf) -> None:
    with read_only(alice.shop_id) as db:
        certain = Shelf(db, Plan()).certain_match
        assert certain(wanted(preset="Bambu PLA Matte @BBL X1C")).id == shelf["matte"]
        assert certain(wanted(preset="Bambu PLA Basic @BBL X1C")).id == shelf["basic"]
        assert certain(wanted(vendor="")) is not None  # only one of them is plain PLA without a finish
        assert certain(wanted(colour_hex="#FFFFFF")) is None


def test_a_new_one_is_called_as_the_brand_and_the_shop_call_it() -> None:
    said = suggestion(wanted(preset="Bambu PLA Matte @BBL", colour_hex="#94035B"), ["Acme", "Bambu"])
    assert said == {
        "brand": "Bambu",
        "material": "PLA",
        "finish": "matte",
        "colour_name": "Plum",
        "colour_hex": "#94035B",
    }


@pytest.mark.parametrize("colour", ["", "red;", "#12"])
def test_a_colour_that_is_none_brings_nothing_down(colour: str) -> None:
    assert suggestion(wanted(colour_hex=colour), [])["colour_hex"] == colour


def test_a_new_one_of_a_known_brand_brings_density_and_temperatures() -> None:
    facts = {"brand": "Bambu Lab", "material": "PLA", "finish": "matte", "colour_name": "x", "colour_hex": "#000000"}
    made = new_filament(wanted(), **facts)
    assert (made.density_g_cm3, made.nozzle_min_c, made.nozzle_max_c, made.bed_c) == (Decimal("1.32"), 190, 230, 60)
    said = new_filament(wanted(density_g_cm3=Decimal("1.26")), **facts)
    assert said.density_g_cm3 == Decimal("1.26")


def test_a_new_one_of_no_known_brand_brings_what_its_material_usually_has() -> None:
    facts = {"brand": "No name", "finish": "", "colour_name": "x", "colour_hex": "#000000"}
    assert new_filament(wanted(), material="ASA", **facts).nozzle_min_c == 240
    assert new_filament(wanted(), material="Unobtainium", **facts).nozzle_min_c is None
