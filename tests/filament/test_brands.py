"""Brands: renamed with their filaments, merged when two are one, and what is refused."""

import pytest
from sqlalchemy import select

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Brand, Filament
from printfarm.filament.queries import list_brands


@pytest.fixture
def shelf(ctx, olga) -> dict[str, Brand]:
    """Two filaments of Acme, one of Bolt."""
    with unit_of_work(olga.shop_id) as db:
        for brand, colour in (("Acme", "Red"), ("Acme", "Blue"), ("Bolt", "Green")):
            service.add_filament(db, brand=brand, material="PLA", colour_name=colour, colour_hex=colour.lower())
    return known(olga)


def known(person) -> dict[str, Brand]:
    with read_only(person.shop_id) as db:
        return {one.name: one for one in db.scalars(select(Brand))}


def brands_of_filaments(person) -> list[str]:
    with read_only(person.shop_id) as db:
        return sorted(db.scalars(select(Filament.brand)))


def test_a_brand_comes_with_its_first_filament_and_is_spelled_once(olga, shelf) -> None:
    with unit_of_work(olga.shop_id) as db:
        service.add_filament(db, brand="ACME ", material="PETG", colour_name="Red", colour_hex="red")
    assert brands_of_filaments(olga) == ["Acme", "Acme", "Acme", "Bolt"]
    with read_only(olga.shop_id) as db:
        lines = [(line.brand.name, line.filaments, line.archived) for line in list_brands(db).items]
    assert lines == [("Acme", 3, 0), ("Bolt", 1, 0)]


def test_a_new_name_becomes_that_of_its_filaments(olga, shelf) -> None:
    way = f"/filament/brands/{shelf['Acme'].id}"
    sent = {"name": "Acme Corp", "tare": "210.5", "url": "https://acme.example", "extra": "Discount: 5 %"}
    assert olga.post(way, sent).status == 303
    assert brands_of_filaments(olga) == ["Acme Corp", "Acme Corp", "Bolt"]
    kept = known(olga)["Acme Corp"]
    assert (kept.tare_mg, kept.url, kept.extra) == (210_500, "https://acme.example", {"Discount": "5 %"})
    shown = olga.get("/filament/brands").text
    assert "Acme Corp" in shown
    assert "211 g" in shown or "210" in shown


def test_the_search_knows_the_new_name(olga, shelf) -> None:
    olga.post(f"/filament/brands/{shelf['Acme'].id}", {"name": "Zebra"})
    assert "Red" in olga.get("/search?q=zebra").text
    assert "Red" not in olga.get("/search?q=acme").text


def test_only_the_case_of_a_name_may_change(olga, shelf) -> None:
    assert olga.post(f"/filament/brands/{shelf['Acme'].id}", {"name": "ACME"}).status == 303
    assert brands_of_filaments(olga) == ["ACME", "ACME", "Bolt"]


def test_a_name_that_another_has_is_a_question_and_yes_makes_them_one(olga, shelf) -> None:
    way = f"/filament/brands/{shelf['Bolt'].id}"
    asked = olga.post(way, {"name": "acme", "tare": "200"})
    assert asked.status == 409
    assert "Are the two one?" in asked.text
    assert brands_of_filaments(olga) == ["Acme", "Acme", "Bolt"]
    yes = asked.one("button[name=merge]")["value"]
    with unit_of_work(olga.shop_id) as db:
        service.edit_brand(db, shelf["Bolt"].id, service.BrandFacts("Bolt", tare_mg=199_000, note="Cardboard"))
    assert olga.post(way, {"name": "acme", "merge": yes}).status == 303
    assert brands_of_filaments(olga) == ["Acme", "Acme", "Acme"]
    assert {name: (one.tare_mg, one.note) for name, one in known(olga).items()} == {"Acme": (199_000, "Cardboard")}


def test_filaments_keep_the_empty_spool_of_the_brand_that_they_had(olga, shelf) -> None:
    """The scale would show other grams from one day to the next."""
    with unit_of_work(olga.shop_id) as db:
        for name, tare_mg in (("Acme", 200_000), ("Bolt", 250_000)):
            db.get_one(Brand, shelf[name].id).tare_mg = tare_mg
        service.merge_brands(db, shelf["Acme"].id, shelf["Bolt"].id)
    with read_only(olga.shop_id) as db:
        tares = {one.colour_name: service.empty_spool_mg(db, one) for one in db.scalars(select(Filament))}
    assert tares == {"Red": 200_000, "Blue": 200_000, "Green": 250_000}


def test_a_yes_to_another_question_does_not_count(olga, shelf) -> None:
    way = f"/filament/brands/{shelf['Bolt'].id}"
    for merge in ("x", str(shelf["Bolt"].id), str(shelf["Acme"].id)):
        olga.post(way, {"name": "Bolt", "merge": merge})
    assert set(known(olga)) == {"Acme", "Bolt"}


def test_two_that_have_the_same_filament_stay_two(olga, shelf) -> None:
    with unit_of_work(olga.shop_id) as db:
        service.add_filament(db, brand="Bolt", material="PLA", colour_name="Red", colour_hex="red")
    sent = {"name": "Acme", "merge": str(shelf["Acme"].id)}
    answer = olga.post(f"/filament/brands/{shelf['Bolt'].id}", sent)
    assert answer.status == 409
    assert "Both brands have PLA Red" in answer.text
    assert set(known(olga)) == {"Acme", "Bolt"}


def test_what_the_refusal_of_two_brands_with_the_same_filament_advises_helps(olga, shelf) -> None:
    """An archived one is in the way as well, so archiving is no advice."""
    with unit_of_work(olga.shop_id) as db:
        twin = service.add_filament(db, brand="Bolt", material="PLA", colour_name="Red", colour_hex="red")
        service.archive_filament(db, twin.id)
    way, sent = f"/filament/brands/{shelf['Bolt'].id}", {"name": "Acme", "merge": str(shelf["Acme"].id)}
    refusal = olga.post(way, sent).one("main").get_text()
    assert "another colour name" in refusal
    assert "archive it" not in refusal
    edit = f"/filament/filaments/{twin.id}/edit"
    facts = {"brand": "Bolt", "material": "PLA", "colour_name": "Red, the first", "colour_hex": "red"}
    assert olga.post(edit, facts).status == 303
    assert olga.post(way, sent).status == 303
    assert brands_of_filaments(olga) == ["Acme"] * 4


def test_only_a_brand_without_filaments_goes(olga, shelf) -> None:
    assert olga.post(f"/filament/brands/{shelf['Acme'].id}/remove", {}).status == 409
    made = olga.post("/filament/brands/new", {"name": "Empty"})
    assert made.status == 303
    assert olga.post("/filament/brands/new", {"name": "EMPTY"}).status == 409
    assert olga.post(f"/filament/brands/{known(olga)['Empty'].id}/remove", {}).status == 303
    assert set(known(olga)) == {"Acme", "Bolt"}


@pytest.mark.parametrize(
    ("field", "typed"),
    [("name", ""), ("name", "n" * 81), ("tare", "-1"), ("tare", "NaN"), ("tare", "1e9"), ("url", "javascript:alert(1)"),
     ("note", "n" * 2001), ("extra", "x")],
)  # fmt: skip
def test_what_cannot_be_is_refused(olga, shelf, field: str, typed: str) -> None:
    answer = olga.post(f"/filament/brands/{shelf['Acme'].id}", {"name": "Acme", field: typed})
    assert answer.status == 422
    assert answer.one(".field-error")


def test_the_form_shows_what_is_known(olga, shelf) -> None:
    with unit_of_work(olga.shop_id) as db:
        service.edit_brand(db, shelf["Acme"].id, service.BrandFacts("Acme", tare_mg=210_500, extra={"Discount": "5 %"}))
    shown = olga.get(f"/filament/brands/{shelf['Acme'].id}")
    assert (shown.one("input[name=name]")["value"], shown.one("input[name=tare]")["value"]) == ("Acme", "210.5")
    assert "Discount: 5 %" in shown.one("textarea[name=extra]").get_text()
    assert olga.get("/filament/brands/new").status == 200


def test_viewers_look_and_others_find_nothing(bob, charlie, shelf) -> None:
    assert bob.get("/filament/brands").status == 200
    assert bob.post(f"/filament/brands/{shelf['Acme'].id}", {"name": "Mine"}).status == 403
    assert charlie.post(f"/filament/brands/{shelf['Acme'].id}", {"name": "Mine"}).status == 404
    assert "Acme" not in charlie.get("/filament/brands").text


def test_no_name_is_no_brand(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        made = service.add_filament(db, material="PLA", brand=" ", colour_name="Black", colour_hex="#111111")
        assert made.brand == ""
        assert db.scalars(select(Brand).where(Brand.name == "")).all() == []
        with pytest.raises(DomainError, match="A brand has a name"):
            service.brand_named(db, "  ")
