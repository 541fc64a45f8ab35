"""The inventory: found by what people ask for, in any order, with its sums, weighed in its rows, and done to in bulk."""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from sqlalchemy import event

from printfarm.core import formats
from printfarm.core.database import db as database
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, Spool
from printfarm.filament.queries import InventoryFilter
from tests.filament.shelf import held, lines

ROLLS = {
    "black": ("Prusament", "PLA", "Galaxy Black", "#1A1A1C", "Shelf 1", 950_000, 10),
    "white": ("Sunlu", "PLA", "Snow", "#F8F8F4", "Shelf 2", 80_000, 100),
    "jade": ("Bambu", "PETG", "Jade", "#00AE42", "Shelf 1", 400_000, None),
    "rainbow": ("Sunlu", "PLA", "Rainbow", "#C62828,#2E7D32,#1F4FA3", "", 1_000_000, 40),
    "clear": ("Fillamentum", "TPU", "Crystal", "#FFFFFF40", "", 500_000, None),
    "cherry": ("Prusament", "PLA", "Black Cherry", "#7A1420", "Dry box", 700_000, 400),
}


@pytest.fixture
def rolls(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        today, made = service.today_of(db), {}
        for name, (brand, material, colour, hexes, place, weight_mg, days) in ROLLS.items():
            one = service.add_filament(db, brand=brand, material=material, colour_name=colour, colour_hex=hexes)
            facts = service.SpoolFacts(location=place, purchased_on=days and today - timedelta(days=days))
            made[name] = service.add_spool(db, one.id, weight_mg=weight_mg, facts=facts)
        db.get_one(Filament, made["jade"].filament_id).demand_count = 4
        db.get_one(Filament, made["black"].filament_id).cost_per_gram = Decimal("0.03")
        db.get_one(Spool, made["white"].id).cost_per_gram = Decimal("0.0205")
        return made


def names(page, rolls) -> list[str]:
    """Which rolls a page shows, in its order."""
    by_id = {f"spool-{one.id}": name for name, one in rolls.items()}
    return [by_id[row["id"]] for row in page.all("#spool-list tbody tr")]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("material=PETG", {"jade"}),
        ("brand=Sunlu", {"white", "rainbow"}),
        ("colour=black", {"black", "cherry"}),
        ("colour=red", {"cherry", "rainbow"}),
        ("colour=several+colours", {"rainbow"}),
        ("colour=transparent", {"clear"}),
        ("location=Shelf+1", {"black", "jade"}),
        ("location=%E2%80%93", {"rainbow", "clear"}),
        ("state=open", set()),
        ("state=sealed&brand=Prusament", {"black", "cherry"}),
        ("low=1", {"white"}),
        ("wanted=1", {"jade"}),
        ("q=prusa+cherry", {"cherry"}),
        ("q=dry+box", {"cherry"}),
        ("q=%25", set()),
        ("archived=1", set()),
        ("colour=mauve&state=eaten&sort=;drop&page=-3", set(ROLLS)),
    ],
)
def test_it_is_narrowed_down(bob, rolls, asked, found):
    page = bob.get(f"/filament/spools?{asked}")
    assert page.status == 200
    assert set(names(page, rolls)) == found


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        ("", "jade", "clear"),
        ("left", "white", "rainbow"),
        ("-left", "rainbow", "white"),
        ("missing", "white", "rainbow"),
        ("bought", "cherry", None),
        ("-bought", "black", None),
        ("-demand", "jade", None),
        ("-value", "black", None),
        ("value", "white", None),
        ("place", "cherry", None),
        ("brand", "jade", "white"),
        ("added", "black", "cherry"),
    ],
)
def test_it_is_ordered_and_what_says_nothing_comes_last(bob, rolls, sort, first, last):
    shown = names(bob.get(f"/filament/spools?sort={sort}"), rolls)
    assert len(shown) == len(ROLLS)
    assert shown[0] == first
    assert last is None or shown[-1] == last
    if sort.endswith("bought"):
        assert set(shown[-2:]) == {"jade", "clear"}


@pytest.mark.parametrize("sort", [*queries.SORTS, *(f"-{one}" for one in queries.SORTS)])
def test_every_order_can_be_asked_for(ctx, rolls, sort):
    with read_only(rolls["black"].shop_id) as db:
        asked, choices = InventoryFilter(sort=sort), queries.inventory_choices(db)
        assert len(queries.inventory_ids(db, asked, choices)) == len(ROLLS)


def test_sums_are_those_of_all_that_was_found(ctx, rolls):
    with read_only(rolls["black"].shop_id) as db:
        choices = queries.inventory_choices(db)
        every = queries.inventory_totals(db, InventoryFilter(), choices)
        pla = queries.inventory_totals(db, InventoryFilter(material="PLA"), choices)
        none = queries.inventory_totals(db, InventoryFilter(text="unicorn"), choices)
    assert (every.spools, every.filaments, every.remaining_mg, every.low, every.wanted) == (6, 6, 3_630_000, 1, 1)
    assert every.value == Decimal("30.14")  # 950 g at 0.03 and 80 g at 0.0205: the roll's own price comes first
    assert (every.unpriced, every.dated) == (4, 4)
    assert every.mean_age_days == (10 + 100 + 40 + 400) // 4
    assert (pla.spools, pla.remaining_mg, pla.wanted, pla.mean_age_days) == (4, 2_730_000, 0, 137)
    assert (none.spools, none.remaining_mg, none.value, none.mean_age_days) == (0, 0, 0, None)


def test_a_day_of_purchase_that_is_still_to_come_makes_nobody_younger(ctx, rolls):
    with unit_of_work(rolls["black"].shop_id) as db:
        db.get_one(Spool, rolls["clear"].id).purchased_on = service.today_of(db) + timedelta(days=400)
        totals = queries.inventory_totals(db, InventoryFilter(), queries.inventory_choices(db))
    assert (totals.dated, totals.mean_age_days) == (5, (10 + 100 + 40 + 400) // 5)


def test_the_number_of_statements_does_not_grow(app, alice, rolls):
    def count() -> int:
        sent = []
        with app.app_context():
            engine = database.engine
        note = lambda *args: sent.append(args[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", note)
        try:
            assert alice.get("/filament/spools").status == 200
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(sent)

    alice.get("/filament/spools")
    few = count()
    with unit_of_work(alice.shop_id) as db:
        for _ in range(30):
            service.add_spool(db, rolls["jade"].filament_id, weight_mg=1_000)
    assert count() == few


def test_nothing_is_computed_for_the_rolls_of_the_pages_before(app, bob, rolls):
    sent = []
    with app.app_context():
        engine = database.engine
    note = lambda *args: sent.append(" ".join(args[2].split()))  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert bob.get("/filament/spools").status == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    skipping = [one for one in sent if "OFFSET" in one and "FROM spools" in one]
    assert len(skipping) == 1
    assert "sum(" not in skipping[0]


def test_a_roll_is_low_too_when_its_filament_runs_short(bob, alice, rolls):
    """All rolls of a filament together, as the shopping list counts them: beside what each roll should hold."""
    with unit_of_work(alice.shop_id) as db:
        kind = db.get_one(Filament, rolls["black"].filament_id)
        kind.low_below_mg = 1_000_000
        coming = service.order_spool(db, kind.id, facts=service.SpoolFacts())
    shown = rolls | {"coming": coming}
    assert set(names(bob.get("/filament/spools?low=1"), shown)) == {"white", "black"}
    assert "Low" in bob.get("/filament/spools?material=PLA").one(f"#spool-{rolls['black'].id}").text
    with unit_of_work(alice.shop_id) as db:
        assert queries.stock_totals(db).low == 2
        assert queries.inventory_totals(db, InventoryFilter(), queries.inventory_choices(db)).low == 2
        assert db.get_one(Spool, rolls["black"].id).is_low
        service.add_spool(db, kind.id, weight_mg=50_000_000)
    assert set(names(bob.get("/filament/spools?low=1"), shown)) == {"white"}


def row(person, roll, asked=""):
    return person.get(f"/filament/spools/{roll.id}/row?edit=1{asked}", htmx=True)


def book(person, roll, what="set", grams="500", seen=None, htmx=True, **more):
    form = {"what": what, "grams": grams, "seen": str(held(roll) if seen is None else seen), **more}
    return person.post(f"/filament/spools/{roll.id}/row?material=PLA", form, htmx=htmx)


def test_a_weight_is_corrected_in_its_row_and_taken_back_there(olga, rolls):
    black = rolls["black"]
    assert row(olga, black).one("input[name=seen]")["value"] == "950000"
    booked = book(olga, black, "subtract", "50.5")
    assert booked.status == 200
    assert "900 g" in booked.one(f"#spool-{black.id}").text
    undo = booked.one("form[action*='/row/undo']")
    entry = undo.select_one("[name=entry_id]")["value"]
    again = olga.post(undo["action"], {"entry_id": entry}, htmx=True)
    assert "950 g" in again.one(f"#spool-{black.id}").text
    assert [delta for _, delta, _ in lines(black)] == [950_000, -50_500, 50_500]


def test_without_javascript_the_row_opens_and_books_in_the_list(olga, rolls):
    black = rolls["black"]
    page = olga.get(f"/filament/spools?material=PLA&edit={black.id}")
    form = page.one(f"#spool-{black.id} form[action*='/row']")
    booked = book(olga, black, "scale", "1000", htmx=False)
    assert booked.status == 409  # nobody knows what the empty spool weighs
    assert "empty spool is not known" in booked.one(f"#spool-{black.id} .field-error").text
    done = olga.post(form["action"], {"what": "set", "grams": "777", "seen": "950000"})
    assert done.status == 303
    assert done.location == "/filament/spools?material=PLA"
    assert held(black) == 777_000


def test_two_people_at_one_row_do_not_overwrite_each_other(olga, adam, rolls):
    black = rolls["black"]
    seen = row(olga, black).one("input[name=seen]")["value"]
    book(adam, black, "set", "600")
    refused = book(olga, black, "set", "900", seen=seen)
    assert refused.status == 422
    assert "it held 950 g when you began and holds 600 g now" in refused.text
    assert refused.one("input[name=grams]")["value"] == "900"
    assert refused.one("input[name=seen]")["value"] == "600000"
    assert held(black) == 600_000
    assert book(olga, black, "set", "900", seen="600000").status == 200
    assert held(black) == 900_000


@pytest.mark.parametrize(
    ("what", "grams", "sentence"),
    [
        ("set", "-1", "from 0 to 50,000"),
        ("set", "NaN", "Write a number"),
        ("set", "1e9", "from 0 to 50,000"),
        ("set", "1000000000", "from 0 to 50,000"),
        ("set", "1,5", "with a point"),
        ("set", "", "How many grams?"),
        ("subtract", "951", "not that much on the spool"),
        ("add", "49999", "cannot be right"),
    ],
)
def test_what_cannot_be_is_refused_in_the_row(olga, rolls, what, grams, sentence):
    refused = book(olga, rolls["black"], what, grams)
    assert refused.status == 422
    assert sentence in refused.one(".field-error").text
    assert held(rolls["black"]) == 950_000


def test_more_than_there_is_can_be_said_to_have_been_there(olga, rolls):
    refused = book(olga, rolls["black"], "subtract", "1000")
    agreed = refused.one("button[name=agreed]")["value"]
    assert book(olga, rolls["black"], "subtract", "1000", agreed=agreed).status == 200
    assert held(rolls["black"]) == 0


def act(person, deed, *chosen, htmx=False, **more):
    form = {"deed": deed, "spool": [str(one.id) for one in chosen], **more}
    return person.post("/filament/spools/bulk?sort=left", form, htmx=htmx)


def now(roll) -> Spool:
    with read_only(roll.shop_id) as db:
        return db.get_one(Spool, roll.id)


def test_the_same_is_done_to_all_that_are_ticked(olga, rolls):
    two = rolls["black"], rolls["jade"]
    moved = act(olga, "move", *two, location="Shelf 9")
    assert moved.location == "/filament/spools?sort=left"
    assert "2 rolls are moved." in olga.get(moved.location).text
    act(olga, "low", *two, low_below="250")
    act(olga, "dried", *two)
    act(olga, "opened", *two)
    act(olga, "best before", *two, expires_on="2031-02-03")
    for one in two:
        kept = now(one)
        assert (kept.location, kept.low_below_mg, kept.state) == ("Shelf 9", 250_000, "open")
        assert kept.dried_on is not None
        assert kept.expires_on.isoformat() == "2031-02-03"
    assert now(rolls["white"]).location == "Shelf 2"


def test_who_refuses_says_why_and_the_others_are_done(olga, rolls):
    act(olga, "opened", rolls["black"])
    page = act(olga, "opened", rolls["black"], rolls["jade"], htmx=True)
    assert page.status == 200
    assert page.headers["HX-Reswap"] == "outerHTML show:#spools:top"
    assert f"{rolls['jade'].code} is noted as opened today." in page.one("#spool-list .notice.tone-warn").text
    assert f"{rolls['black'].code}: This roll is not sealed, but open." in page.one("#spool-list .notes").text
    assert now(rolls["jade"]).state == "open"
    plain = act(olga, "opened", rolls["black"])
    assert "One could not be" in plain.text


def test_discarded_in_bulk_and_brought_back(olga, rolls):
    two = rolls["black"], rolls["jade"]
    act(olga, "discard", *two)
    assert [held(one) for one in two] == [0, 0]
    shown = olga.get("/filament/spools?state=discarded")
    assert set(names(shown, rolls)) == {"black", "jade"}
    assert "moved" not in act(olga, "move", *two, location="X", htmx=True).text.split("could not be")[0]
    act(olga, "restore", *two)
    assert [held(one) for one in two] == [950_000, 400_000]


def test_all_that_fit_are_as_many_as_go_at_once(olga, rolls, monkeypatch):
    assert "that fit" not in olga.get("/filament/spools").text
    monkeypatch.setattr(import_module("printfarm.filament.queries.inventory"), "PAGE_SIZE", 2)
    assert "All 6 that fit" in olga.get("/filament/spools").text
    done = olga.post("/filament/spools/bulk?material=PLA", {"deed": "opened", "everything": "1"}, htmx=True)
    assert "4 rolls are noted as opened today." in done.headers.get("HX-Trigger", "") + done.text
    states = {name: now(one).state for name, one in rolls.items()}
    assert {name for name, state in states.items() if state == "open"} == {"black", "white", "rainbow", "cherry"}
    monkeypatch.setattr(service, "MOST_AT_ONCE", 2)
    assert "The first 2 of 6 that fit" in olga.get("/filament/spools").text
    done = olga.post("/filament/spools/bulk?sort=left", {"deed": "dried", "everything": "1"}, htmx=True)
    assert "4 more fit: 2 go at once" in done.headers.get("HX-Trigger", "") + done.text
    assert {name for name, one in rolls.items() if now(one).dried_on} == {"white", "jade"}


def test_labels_of_the_ticked_ones(olga, rolls):
    sent = act(olga, "labels", rolls["black"], rolls["jade"])
    assert rolls["black"].code in sent.location
    assert rolls["jade"].code in sent.location


@pytest.mark.parametrize(
    ("deed", "more", "sentence"),
    [
        ("low", {}, "Low below how many grams?"),
        ("low", {"low_below": "-4"}, "from 0 to 50,000"),
        ("explode", {}, "Not a valid choice"),
        ("best before", {"expires_on": "soon"}, "Write a day"),
    ],
)
def test_a_deed_that_is_not_said_well_is_refused(olga, rolls, deed, more, sentence):
    refused = act(olga, deed, rolls["black"], **more)
    assert refused.status == 409
    assert sentence in refused.text


def test_nothing_ticked_and_nothing_known(olga, rolls):
    assert "Tick the rolls" in act(olga, "move").text
    assert olga.post("/filament/spools/bulk", {"deed": "dried", "spool": "not-an-id"}).status == 409


def test_who_only_looks_changes_nothing(bob, charlie, rolls):
    black = rolls["black"]
    assert book(bob, black).status == 403
    assert act(bob, "discard", black).status == 403
    assert act(charlie, "discard", black).status == 404
    assert book(charlie, black, seen=0).status == 404
    assert held(black) == 950_000


@pytest.mark.parametrize("state", ["on order", "empty", "discarded"])
def test_no_roll_that_is_not_there_is_offered(ctx, rolls, state):
    black = rolls["black"]
    with unit_of_work(black.shop_id) as db:
        if state == "on order":
            db.get_one(Spool, black.id).state = state
        elif state == "empty":
            service.empty_spool(db, black.id)
        else:
            service.discard_spool(db, black.id)
    with read_only(black.shop_id) as db:
        assert black.id not in {one.id for one in queries.list_spools(db).items}


def test_a_roll_on_order_says_what_will_come_and_is_worth_nothing_yet(olga, rolls):
    with unit_of_work(rolls["black"].shop_id) as db:
        day = service.today_of(db) + timedelta(days=3)
        line = service.OrderLine(rolls["black"].filament_id, rolls=1, seen=0, price_minor=2000)
        service.order_rolls(db, [line], expected_on=day)
    row = olga.get("/filament/spools?state=on+order").one("#spool-list tbody tr")
    cells = {label: row.find("td", {"data-label": label}) for label in ("Left", "Bought", "Worth")}
    said = [cell.get_text(" ", strip=True) for cell in cells.values()]
    assert said == ["1.00 kg to come", f"expected {formats.day(day)}", ""]
