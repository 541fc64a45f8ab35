"""Category, material, printer, what is in stock, how long it prints: kept in the address, without scripts too."""

from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from printfarm.core.clock import utc_now
from printfarm.core.work import unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.library.models import Category
from tests.insight.test_search import found
from tests.support.factories import load, make_plate, make_printer


@pytest.fixture
def things(ctx, alice) -> SimpleNamespace:
    """Foxes: a toy of PLA for a P1S that prints an hour, a tool of PETG for an X1C that prints five. There is no PETG left."""
    with unit_of_work(alice.shop_id) as db:
        pla = filament.add_filament(db, brand="Fox", material="PLA", colour_name="Black", colour_hex="#000000")
        petg = filament.add_filament(db, brand="Fox", material="PETG", colour_name="White", colour_hex="#FFFFFF")
        roll = filament.add_spool(db, pla.id, weight_mg=500_000)
        used_up = filament.add_spool(db, petg.id, weight_mg=500_000)
        used_up.remaining_mg = 0
        printer = make_printer(db, name="Fox den")
        other = make_printer(db, name="Other", model_id="BL-P001")
        load(db, printer.id, roll.id)
        short = make_plate(db, needs={1: (pla.id, 1_000)}, name="Fox toy", duration_s=3600)
        long = make_plate(
            db, needs={1: (petg.id, 1_000)}, name="Fox tool", duration_s=5 * 3600, printer_model_id="BL-P001"
        )
        short.requirements[0].material, long.requirements[0].material = "PLA", "PETG"
        short.variant.model.category, long.variant.model.category = "toy", "tool"
        short.variant.name, long.variant.name = "for P1S", "for X1C"
        return SimpleNamespace(
            pla=pla.id,
            petg=petg.id,
            roll=roll.id,
            used_up=used_up.id,
            printer=printer.id,
            other=other.id,
            short=short,
            long=long,
        )


def ask(who, **query):
    return found(who.get("/search", query_string={"q": "fox", **query}))


def test_without_filters_all_is_there(alice, things):
    assert set(ask(alice)) == {"Spools", "Models", "Variants", "Printers", "Filaments"}


def test_by_category(alice, things):
    assert ask(alice, category="toy") == {"Models": ["Fox toy"], "Variants": ["for P1S"]}
    assert ask(alice, category="earring") == {}


def test_by_a_category_of_the_shops_own(alice, things):
    with unit_of_work(alice.shop_id) as db:
        db.add(Category(name="Für Hunde"))
        db.merge(things.short.variant.model).category = "Für Hunde"
    page = alice.get("/search", query_string={"q": "fox", "category": "Für Hunde"})
    assert found(page) == {"Models": ["Fox toy"], "Variants": ["for P1S"]}
    assert page.one("select[name=category] option[selected]")["value"] == "Für Hunde"


def test_by_material(alice, things):
    shown = ask(alice, material="PETG")
    assert (shown["Models"], shown["Variants"], shown["Filaments"]) == (["Fox tool"], ["for X1C"], ["White"])
    assert "Jobs" not in shown
    assert "Printers" not in shown


def test_by_printer(alice, things):
    shown = ask(alice, printer=str(things.printer))
    assert shown == {"Spools": ["Black"], "Models": ["Fox toy"], "Variants": ["for P1S"]}
    assert ask(alice, printer=str(things.other)) == {"Models": ["Fox tool"], "Variants": ["for X1C"]}


def test_material_and_printer_speak_of_one_variant(alice, things):
    assert ask(alice, printer=str(things.printer), material="PLA")["Models"] == ["Fox toy"]
    assert ask(alice, printer=str(things.printer), material="PETG") == {}


def test_in_stock_only(alice, things):
    assert ask(alice, in_stock="1") == {"Spools": ["Black"], "Variants": ["for P1S"], "Filaments": ["Black"]}


def test_stock_that_comes_counts_at_once(alice, things):
    with unit_of_work(alice.shop_id) as db:
        filament.add_spool(db, things.petg, weight_mg=1_000)
    assert set(ask(alice, in_stock="1")["Variants"]) == {"for P1S", "for X1C"}
    with unit_of_work(alice.shop_id) as db:
        for spool in db.query(Spool):
            spool.archived_at = utc_now()
    assert ask(alice, in_stock="1") == {}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"to": "2"}, {"for P1S"}),
        ({"from": "2"}, {"for X1C"}),
        ({"from": "0.5", "to": "1"}, {"for P1S"}),
        ({"from": "0,5", "to": "10"}, {"for P1S", "for X1C"}),
        ({"from": "6"}, set()),
        ({"from": "6", "to": "0.1"}, set()),
        ({"from": "4.99", "to": "5"}, {"for X1C"}),
        ({"from": "x", "to": "-3"}, {"for P1S", "for X1C"}),
        ({"from": "nan", "to": "inf"}, {"for P1S", "for X1C"}),
        ({"to": "1e400"}, {"for P1S", "for X1C"}),
    ],
)
def test_by_print_time(alice, things, query, names):
    assert set(ask(alice, **query).get("Variants", [])) == names


def test_filters_alone_are_a_search(alice, things):
    page = alice.get("/search?material=PLA")
    assert found(page)["Variants"] == ["for P1S"]
    assert alice.get("/search?category=earring").one("#results h2").get_text() == "Nothing here fits these filters"


def test_the_address_holds_them_all_and_the_form_shows_them(alice, things):
    query = {"q": "fox", "category": "toy", "material": "PLA", "in_stock": "1", "from": "0.5", "to": "3"}
    query["printer"] = str(things.printer)
    page = alice.get("/search", query_string=query)
    assert found(page) == {"Variants": ["for P1S"]}
    form = page.one("main form[role=search]")
    assert form["action"] == "/search"
    assert form.select_one("details").has_attr("open")
    sent = {
        one["name"]: one.get("value")
        for one in form.select("input")
        if one["type"] != "checkbox" or one.has_attr("checked")
    }
    sent |= {one["name"]: one.select_one("option[selected]")["value"] for one in form.select("select")}
    assert sent == query
    without = next(link for link in page.all("#results a") if link.get_text() == "Without the filters")
    assert parse_qs(urlsplit(without["href"]).query) == {"q": ["fox"]}


def test_as_one_types_the_address_holds_only_what_was_said(alice, things):
    fields = {"q": "fox", "category": "", "material": "PLA", "printer": "", "from": "", "to": "2"}
    part = alice.get("/search", query_string=fields, htmx=True)
    address = urlsplit(part.headers["HX-Replace-Url"])
    assert (address.path, parse_qs(address.query)) == ("/search", {"q": ["fox"], "material": ["PLA"], "to": ["2"]})
    assert found(alice.get(part.headers["HX-Replace-Url"])) == found(part) == {"Variants": ["for P1S"]}


def test_a_plain_form_ends_at_the_same_address(alice, things):
    sent = alice.get("/search?q=fox&category=&material=PLA&printer=&from=&to=2")
    assert sent.status == 303
    assert parse_qs(urlsplit(sent.location).query) == {"q": ["fox"], "material": ["PLA"], "to": ["2"]}
    assert found(alice.get(sent.location)) == {"Variants": ["for P1S"]}


def test_a_printer_of_another_shop_is_not_here(alice, charlie, things):
    assert charlie.get("/search", query_string={"q": "fox", "printer": str(things.printer)}).status == 404
    assert charlie.get("/search", query_string={"material": "PLA"}).all("#results .card") == []


def test_very_many_used_up_filaments_are_left_out_all_the_same(alice, things):
    with unit_of_work(alice.shop_id) as db:
        for number in range(400):
            filament.add_filament(
                db, brand="Fox", material="PLA", colour_name=f"Shade {number}", colour_hex=f"#{number:06x}"
            )
    assert ask(alice, in_stock="1")["Variants"] == ["for P1S"]
