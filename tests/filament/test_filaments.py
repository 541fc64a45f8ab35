"""Filaments in the browser: all their facts, prices either way, colours from swatches, what looks alike, what is refused."""

import re
import threading
import time
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Brand, Filament
from tests.support.browser import Page
from tests.support.cast import Person

NEW = "/filament/filaments/new"
RED = {"brand": "Acme", "material": "PLA", "colour_name": "Red", "colour_hex": "#C8202B"}


@pytest.fixture(autouse=True)
def _in_the_app(ctx) -> None:
    """Services are called beside the pages."""


def the_only(shop_id) -> Filament:
    with read_only(shop_id) as db:
        return db.scalars(select(Filament)).one()


def add(person: Person, **facts: str) -> None:
    assert person.post(NEW, {**RED, **facts}).status == 303


class TestFacts:
    def test_everything_that_is_typed_is_kept_and_shown(self, olga) -> None:
        add(
            olga,
            finish="matte",
            price="20.00",
            spool_weight="750",
            tare="180",
            low_below="300",
            density_g_cm3="1.31",
            diameter_mm="2.85",
            nozzle_min_c="200",
            nozzle_max_c="220",
            bed_c="55",
            supplier="Shop & Sons",
            article_number="A-17",
            purchase_url="https://shop.example/a17",
            note="Dry it first.",
            extra="Drying: 6 h at 50 °C\nShelf: 3",
        )
        kept = the_only(olga.shop_id)
        assert (kept.finish, kept.spool_mg, kept.tare_mg, kept.low_below_mg) == ("matte", 750_000, 180_000, 300_000)
        assert (kept.density_g_cm3, kept.diameter_mm) == (Decimal("1.310"), Decimal("2.85"))
        assert (kept.nozzle_min_c, kept.nozzle_max_c, kept.bed_c) == (200, 220, 55)
        assert kept.extra == {"Drying": "6 h at 50 °C", "Shelf": "3"}
        text = re.sub(r"\s+", " ", olga.get(f"/filament/filaments/{kept.id}").text)
        for words in (
            "€0.02/g, €15.00 a spool",
            "200 to 220 °C",
            "55 °C",
            "1.31 g/cm³",
            "Shop & Sons",
            "A-17",
            "6 h at 50 °C",
        ):
            assert words in text

    @pytest.mark.parametrize(
        ("typed", "shown"), [("10", "10 g/cm³"), ("1.240", "1.24 g/cm³"), ("1.005", "1.005 g/cm³")]
    )
    def test_a_density_is_shown_as_a_number(self, olga, typed, shown) -> None:
        add(olga, density_g_cm3=typed)
        assert shown in olga.get(f"/filament/filaments/{the_only(olga.shop_id).id}").text

    def test_the_form_shows_again_what_is_known_and_saving_it_changes_nothing(self, olga) -> None:
        add(olga, price="24", extra="Shelf: 3", low_below="250.5", finish="silk")
        before = the_only(olga.shop_id)
        way = f"/filament/filaments/{before.id}/edit"
        shown = olga.get(way).one("form[data-filament-form]")
        assert shown.select_one("input[name=price]")["value"] == "24.00"
        sent = {one["name"]: one.get("value", "") for one in shown.select("input[name]") if one.get("type") != "radio"}
        sent |= {one["name"]: one.get_text().strip() for one in shown.select("textarea[name]")}
        assert olga.post(way, {**sent, "price_per": "kg"}).status == 303
        after = the_only(olga.shop_id)
        unlike = {c.key for c in Filament.__table__.columns if getattr(before, c.key) != getattr(after, c.key)}
        assert unlike == set()

    @pytest.mark.parametrize(
        ("price", "per", "weight", "cost"),
        [
            ("24", "kg", "1000", "0.024"),
            ("18", "spool", "750", "0.024"),
            ("0.024", "g", "750", "0.024"),
            ("24.99", "kg", "1000", "0.02499"),
            ("19.99", "spool", "800", "0.024988"),
            ("", "kg", "", None),
        ],
    )
    def test_a_price_is_typed_for_a_kilogram_a_spool_or_a_gram(self, olga, price, per, weight, cost) -> None:
        add(olga, price=price, price_per=per, spool_weight=weight)
        assert the_only(olga.shop_id).cost_per_gram == (None if cost is None else Decimal(cost))

    def test_an_empty_spool_weighs_what_the_brands_do_unless_it_says_so(self, olga) -> None:
        add(olga)
        with unit_of_work(olga.shop_id) as db:
            brand = db.scalars(select(Brand)).one()
            service.edit_brand(db, brand.id, service.BrandFacts("Acme", tare_mg=212_000))
        assert "212 g, as the brand's" in olga.get(f"/filament/filaments/{the_only(olga.shop_id).id}").text


class TestColours:
    def test_a_usual_colour_is_chosen_without_javascript(self, olga) -> None:
        form = olga.get(NEW)
        gold = next(one for one in form.all("input[name=preset]") if one["data-name"] == "Gold")
        add(olga, colour_hex="", colour_name="Gold", preset=gold["value"])
        assert the_only(olga.shop_id).colour_hex == gold["value"]

    def test_a_preset_that_is_none_is_refused(self, olga) -> None:
        assert olga.post(NEW, {**RED, "preset": "url(javascript:alert(1))"}).status == 422

    @pytest.mark.parametrize(
        "colour",
        ["url(javascript:alert(1))", "#12", "", ",", "red;blue", "#GGGGGG", ",".join(["#112233"] * 100), "x" * 5000],
    )
    def test_what_is_no_colour_is_refused_in_a_sentence(self, olga, colour: str) -> None:
        answer = olga.post(NEW, {**RED, "colour_hex": colour})
        assert answer.status == 422
        assert answer.one(".field-error")

    def test_a_colour_is_written_short_as_in_style_sheets(self, olga) -> None:
        add(olga, colour_hex="#f80, #0Af")
        assert the_only(olga.shop_id).colour_hex == "#FF8800,#00AAFF"

    def test_as_many_colours_as_a_filament_may_have_are_typed_with_spaces_between(self, olga) -> None:
        add(olga, colour_hex=", ".join(["#FF000080"] * 12))
        assert the_only(olga.shop_id).colour_hex.count("#") == 12

    def test_several_colours_are_kept(self, olga) -> None:
        add(olga, colour_hex="red, #00FF00 ,blue")
        assert the_only(olga.shop_id).colour_hex == "#C62828,#00FF00,#1F4FA3"


class TestLooksAlike:
    def test_the_form_says_so_while_it_is_typed(self, olga) -> None:
        add(olga)
        asked = "/filament/filaments/similar?material=pla&colour_hex=%23C92230"
        hint = olga.get(asked, htmx=True)
        assert "You have nearly this colour" in hint.text
        assert hint.one("a[href^='/filament/filaments/']")
        assert "nearly" not in olga.get(asked.replace("pla", "PETG"), htmx=True).text
        assert "nearly" not in olga.get(asked.replace("C92230", "0000FF"), htmx=True).text

    def test_it_does_not_say_it_of_the_filament_itself(self, olga) -> None:
        add(olga)
        mine = the_only(olga.shop_id).id
        asked = f"/filament/filaments/similar?material=PLA&colour_hex=%23C8202B&filament={mine}"
        assert "nearly" not in olga.get(asked, htmx=True).text

    @pytest.mark.parametrize("bad", ["", "?material=PLA", "?material=PLA&colour_hex=red;", "?colour_hex=" + "9" * 900])
    def test_half_a_form_says_nothing(self, olga, bad: str) -> None:
        assert olga.get(f"/filament/filaments/similar{bad}", htmx=True).status == 200

    def test_after_saving_the_page_says_so_and_nothing_was_refused(self, olga) -> None:
        add(olga)
        second = olga.post(NEW, {**RED, "brand": "Other", "colour_name": "Crimson", "colour_hex": "#C92230"})
        assert second.status == 303
        shown = olga.get(second.location)
        assert "It looks like Acme PLA Red" in shown.text
        assert "Looks like" in shown.text
        assert "Add a spool" in shown.text


class TestTwins:
    def test_the_same_again_leads_to_the_one_that_is_there(self, olga) -> None:
        add(olga)
        answer = olga.post(NEW, {**RED, "brand": "ACME", "note": "typed long"})
        assert answer.status == 409
        assert "Acme PLA Red is already here." in answer.text
        assert str(the_only(olga.shop_id).id) in str(answer.one(".notice.tone-bad a"))
        assert answer.one("textarea[name=note]").get_text().strip() == "typed long"

    def test_finish_and_diameter_tell_two_apart(self, olga) -> None:
        add(olga)
        add(olga, finish="matte")
        add(olga, diameter_mm="2.85")
        with read_only(olga.shop_id) as db:
            assert db.scalar(select(func.count(Filament.id))) == 3

    @pytest.mark.parametrize("change", ["add", "edit"])
    @pytest.mark.parametrize("brand", ["known", "new"])
    def test_two_people_at_once_get_one_filament_and_a_sentence(
        self, alice, adam, app, change: str, brand: str
    ) -> None:
        """The second one looks while the first has not committed: the database decides, and nobody sees a bug."""
        way = NEW
        if change == "edit":
            add(alice, colour_name="Other", brand="Acme" if brand == "known" else "Else")
            with app.app_context():
                way = f"/filament/filaments/{the_only(alice.shop_id).id}/edit"
        elif brand == "known":
            with app.app_context(), unit_of_work(alice.shop_id) as db:
                service.brand_named(db, "Acme")
        answers: list[Page] = []
        second = threading.Thread(target=lambda: answers.append(adam.post(way, RED)))
        with app.app_context(), unit_of_work(alice.shop_id) as db:
            service.add_filament(db, **RED)
            second.start()
            time.sleep(0.7)
            assert not answers
        second.join()
        assert (answers[0].status, "is already here" in answers[0].text) == (409, True)
        with app.app_context(), read_only(alice.shop_id) as db:
            assert db.scalar(select(func.count(Filament.id)).where(Filament.colour_name == "Red")) == 1

    def test_a_file_that_wants_what_somebody_adds_right_now_gets_that(self, alice, app) -> None:
        found: list[Filament] = []

        def want() -> None:
            with app.app_context(), unit_of_work(alice.shop_id) as db:
                found.append(service.find_or_add_filament(db, **RED))

        second = threading.Thread(target=want)
        with app.app_context(), unit_of_work(alice.shop_id) as db:
            made = service.add_filament(db, **RED)
            second.start()
            time.sleep(0.5)
        second.join()
        assert [one.id for one in found] == [made.id]


class TestBadInput:
    @pytest.mark.parametrize(
        ("field", "typed"),
        [
            ("price", "-1"),
            ("price", "NaN"),
            ("price", "1e9"),
            ("price", "1e999999"),
            ("spool_weight", "0"),
            ("spool_weight", "1e-999999"),
            ("spool_weight", "-5"),
            ("spool_weight", "1000000000"),
            ("spool_weight", "NaN"),
            ("tare", "-1"),
            ("tare", "Infinity"),
            ("low_below", "1e9"),
            ("density_g_cm3", "0"),
            ("density_g_cm3", "1000000000"),
            ("diameter_mm", "-1.75"),
            ("diameter_mm", "NaN"),
            ("nozzle_min_c", "-1"),
            ("nozzle_max_c", "1000000000"),
            ("bed_c", "NaN"),
            ("bed_c", "60.5"),
            ("brand", "B" * 81),
            ("material", "M" * 10_000),
            ("finish", "f" * 41),
            ("colour_name", "c" * 81),
            ("article_number", "a" * 81),
            ("purchase_url", "javascript:alert(1)"),
            ("purchase_url", "https://" + "x" * 600),
            ("note", "n" * 2001),
            ("price_per", "stone"),
            ("extra", "no colon here"),
            ("extra", "a: 1\na: 2"),
            ("extra", "\n".join(f"n{number}: 1" for number in range(99))),
        ],
    )
    def test_it_is_refused_at_the_field_and_changes_nothing(self, olga, field: str, typed: str) -> None:
        answer = olga.post(NEW, {**RED, field: typed})
        assert answer.status == 422
        assert answer.one(".field-error").get_text().strip()
        with read_only(olga.shop_id) as db:
            assert db.scalar(select(func.count(Filament.id))) == 0
            assert db.scalar(select(func.count(Brand.id))) == 0

    def test_a_nozzle_range_runs_upwards(self, olga) -> None:
        answer = olga.post(NEW, {**RED, "nozzle_min_c": "230", "nozzle_max_c": "200"})
        assert "colder than" in answer.one(".field-error").get_text()

    def test_what_a_spool_costs_needs_to_be_possible_per_gram(self, olga) -> None:
        answer = olga.post(NEW, {**RED, "price": "100000", "price_per": "spool", "spool_weight": "1e-999999"})
        assert answer.status == 422
        assert olga.post(NEW, {**RED, "price": "100000", "price_per": "spool", "spool_weight": "1"}).status == 422
        assert olga.post(NEW, {**RED, "price": "10", "price_per": "stone"}).status == 422

    def test_markup_in_a_name_stays_text(self, olga) -> None:
        add(olga, colour_name="<img src=x onerror=alert(1)>", extra="<b>x</b>: <script>1</script>")
        shown = olga.get(f"/filament/filaments/{the_only(olga.shop_id).id}")
        assert not shown.all("img[src=x]")
        assert not shown.all("main script")


class TestList:
    def test_the_most_wanted_come_first(self, olga) -> None:
        for name, count in (("Less", 1), ("Most", 5), ("None", 0)):
            add(olga, colour_name=name, material=f"PLA {name}")
            with unit_of_work(olga.shop_id) as db:
                wanted = db.scalar(select(Filament.id).where(Filament.colour_name == name))
                service.change_demand(db, {wanted: count})
        shown = olga.get("/filament/filaments?order=demand")
        names = [one.get_text() for one in shown.all("#filament-list .row-name")]
        assert names == ["Most", "Less", "None"]
        assert "in 5 variants" in shown.text
        assert "in 1 variant" in shown.text

    @pytest.mark.parametrize("query", ["material=PLA", "brand=Acme", "q=acme+red", "order=nonsense"])
    def test_it_is_filtered(self, olga, query: str) -> None:
        add(olga)
        assert "Red" in olga.get(f"/filament/filaments?{query}").text
        assert "No filament fits" in olga.get("/filament/filaments?brand=Nobody").text
