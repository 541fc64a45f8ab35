"""The shopping list: what is urgent, what is wished for, how much of it, and what it costs."""

import csv
import io
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from printfarm.core.database import db as database
from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, Spool
from printfarm.library.demand import demand_came
from printfarm.library.models import Model, Variant
from tests.support.factories import make_plate


@pytest.fixture
def shelf(ctx, alice):
    """Adds a filament, with a roll of so many grams if there is one."""

    def add(name: str, grams: int | None = None, **facts):
        known = {"brand": "Prusament", "material": "PLA", "colour_hex": "#111111", "supplier": "3DJake"}
        with unit_of_work(alice.shop_id) as db:
            made = service.add_filament(db, colour_name=name, **{**known, **facts})
            if grams is not None:
                service.add_spool(db, made.id, weight_mg=grams * 1000)
            return made

    return add


@pytest.fixture
def promise(alice):
    def write(filament, grams: int, cause: str = "print job"):
        cause_id = uuid4()
        with unit_of_work(alice.shop_id) as db:
            service.promise(db, cause, cause_id, {filament.id: grams * 1000})
        return cause_id

    return write


@pytest.fixture
def listed(alice):
    """What is to buy, by the colour's name."""

    def ask(times: int | None = None):
        with read_only(alice.shop_id) as db:
            found = queries.shopping_list(db, times)
        return {item.colour_name: item for item in found.items}

    return ask


def test_below_its_threshold_it_is_urgent(shelf, listed):
    shelf("Plenty", 500)
    shelf("Scarce", 80)
    (item,) = listed().values()
    assert (item.colour_name, item.is_urgent, item.missing_mg, item.rolls) == ("Scarce", True, 20_000, 1)


def test_exactly_at_its_threshold_it_is_not(shelf, listed):
    shelf("Just enough", 100)
    assert listed() == {}
    assert list(listed(2)) == ["Just enough"]


@pytest.mark.parametrize(("times", "urgent"), [(1, []), (2, []), (3, ["Black"]), (5, ["Black"])])
def test_the_threshold_is_taken_up_to_five_times(shelf, listed, times, urgent):
    shelf("Black", 250)
    assert list(listed(times)) == urgent


def test_a_filaments_own_threshold_comes_before_its_rolls(shelf, listed):
    shelf("Much used", 900, low_below_mg=3_000_000)
    item = listed()["Much used"]
    assert (item.missing_mg, item.rolls, item.buy_mg) == (2_100_000, 3, 3_000_000)


def test_what_queue_and_orders_were_promised_is_not_there_any_more(shelf, promise, listed):
    black = shelf("Black", 1000)
    assert listed() == {}
    promise(black, 600)
    promise(black, 800, cause="order")
    item = listed()["Black"]
    assert (item.free_mg, item.missing_mg, item.rolls) == (-400_000, 500_000, 1)


@pytest.mark.parametrize(
    ("here", "own", "promised", "ordered", "times", "missing", "rolls"),
    [
        (250, None, 0, 0, 3, 50, 1),  # 3 x 100 - 250
        (1000, None, 950, 0, 1, 50, 1),  # 100 - (1000 - 950)
        (1000, None, 3500, 1, 2, 1700, 2),  # 2 x 100 - (1000 - 3500) - 1000
        (300, None, 200, 0, 1, None, None),  # 100 - (300 - 200): just enough
        (None, 1500, 0, 2, 5, 5500, 6),  # 5 x 1500 - 0 - 2000
    ],
)
def test_the_sum_worked_by_hand(shelf, promise, listed, alice, here, own, promised, ordered, times, missing, rolls):
    black = shelf("Black", here, low_below_mg=None if own is None else own * 1000)
    if promised:
        promise(black, promised)
    if ordered:
        with unit_of_work(alice.shop_id) as db:
            service.order_rolls(db, [service.OrderLine(black.id, ordered, 0)])
    found = listed(times)
    if missing is None:
        assert found == {}
    else:
        assert (found["Black"].missing_mg, found["Black"].rolls) == (missing * 1000, rolls)


def test_a_filament_that_was_promised_and_never_bought_is_urgent(shelf, promise, listed):
    promise(shelf("Gone"), 1_200)
    item = listed()["Gone"]
    assert (item.is_urgent, item.missing_mg, item.rolls) == (True, 1_200_000, 2)


def test_whole_rolls_of_its_own_size(shelf, promise, listed):
    promise(shelf("Small", spool_mg=250_000), 600)
    item = listed()["Small"]
    assert (item.rolls, item.buy_mg) == (3, 750_000)


def test_grams_that_wait_for_a_roll_are_gone_too(shelf, listed, alice):
    black = shelf("Black", 150)
    with unit_of_work(alice.shop_id) as db:
        wanted = {"run_id": uuid4(), "job_id": uuid4(), "slot": 1, "reason": "Benchy"}
        service.book_run(db, filament_id=black.id, spool_id=None, used_mg=60_000, **wanted)
    assert listed()["Black"].lying_mg == 90_000


def test_what_is_on_order_is_taken_off(shelf, promise, listed, alice):
    black = shelf("Black", 50)
    with unit_of_work(alice.shop_id) as db:
        service.order_rolls(db, [service.OrderLine(black.id, 1, 0)], expected_on=date(2031, 5, 1))
    assert listed() == {}
    promise(black, 2_000)
    item = listed()["Black"]
    assert (item.missing_mg, item.rolls, item.ordered, item.expected_on) == (1_050_000, 2, 1, date(2031, 5, 1))


def test_variants_that_want_what_is_not_there_put_it_on_the_wishlist(shelf, listed, alice):
    wanted = shelf("Wanted", cost_per_gram=Decimal("0.025"))
    with unit_of_work(alice.shop_id) as db:
        for grams in (300, 1_100):
            plate = make_plate(db, needs={1: (wanted.id, grams * 1000)})
            variant = db.get_one(Variant, plate.variant_id)
            demand_came(db, variant, db.get_one(Model, variant.model_id))
    item = listed()["Wanted"]
    assert (item.is_urgent, item.demand, item.use.total_mg, item.rolls) == (False, 2, 1_400_000, 2)
    assert item.cost_minor == 5_000
    with unit_of_work(alice.shop_id) as db:
        service.add_spool(db, wanted.id, weight_mg=1_000_000)
    assert listed() == {}


def test_a_wish_is_on_the_list_until_it_is_ordered_or_removed(olga, shelf, listed):
    black = shelf("Black", 1000)
    assert "Black" in olga.get("/shopping/add?q=black").text
    assert olga.post(f"/shopping/wishes/{black.id}", {"rolls": "3"}).location == "/shopping/"
    assert (listed()["Black"].is_urgent, listed()["Black"].rolls) == (False, 3)
    assert "3 spools wished for" in olga.get("/shopping/").text
    with unit_of_work(black.shop_id) as db:
        service.order_rolls(db, [service.OrderLine(black.id, 2, 0)])
    assert listed()["Black"].rolls == 1
    assert olga.post(f"/shopping/wishes/{black.id}/remove").status == 303
    assert listed() == {}
    assert olga.post(f"/shopping/wishes/{black.id}/remove").status == 303


@pytest.mark.parametrize("typed", ["0", "51", "-1", "many", "1e9"])
def test_nobody_wishes_for_none_or_for_a_truckload(olga, shelf, listed, typed):
    black = shelf("Black", 1000)
    assert olga.post(f"/shopping/wishes/{black.id}", {"rolls": typed}).status == 409
    assert listed() == {}


def test_archived_filaments_are_not_bought(shelf, listed, alice):
    black = shelf("Black", low_below_mg=500_000)
    assert "Black" in listed()
    with unit_of_work(alice.shop_id) as db:
        service.archive_filament(db, black.id)
    assert listed() == {}
    with pytest.raises(DomainError, match="archived"), unit_of_work(alice.shop_id) as db:
        service.wish_for(db, black.id)


def test_costs_are_summed_by_supplier_and_in_all(bob, shelf):
    shelf("Red", 10, cost_per_gram=Decimal("0.02"), supplier="3DJake")
    shelf("Green", 10, cost_per_gram=Decimal("0.03"), supplier="3djake", purchase_url="https://shop.example/green")
    shelf("Blue", 10, cost_per_gram=Decimal("0.04"), supplier="Aprinta")
    shelf("Grey", 10, supplier="")
    shown = bob.get("/shopping/")
    heads = [" ".join(one.get_text(" ").split()) for one in shown.all(".buy-group .card-head")]
    assert heads == [
        "3djake 2 spools · 2.00 kg · about €50.00 Mark all 2 as ordered",
        "Aprinta 1 spool · 1.00 kg · about €40.00",
        "Supplier not known 1 spool · 1.00 kg · 1 without a price",
    ]
    assert "4 spools · 4.00 kg · about €90.00 · 1 without a price" in shown.one(".page-head .summary").get_text()
    assert shown.one("a[href='https://shop.example/green']")["rel"] == ["noopener", "noreferrer"]


def test_all_of_a_supplier_is_marked_in_one_step(olga, shelf):
    wanted = {shelf("Red", 10).id, shelf("Green", 10).id}
    shelf("Blue", 10, supplier="Aprinta")
    (link,) = olga.get("/shopping/?times=2").all(".buy-group .card-head a")
    form = olga.get(link["href"])
    assert {one["value"] for one in form.all("input[name=filament][checked]")} == {str(one) for one in wanted}
    assert "needs-operator" in link["class"]


@pytest.mark.parametrize("url", ["JavaScript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_no_strange_link_is_shown_or_written_down(bob, shelf, url):
    black = shelf("Red", 10, purchase_url=url)
    for page in ("/shopping/", f"/filament/filaments/{black.id}"):
        assert not [one for one in bob.get(page).all("main a[href]") if one["href"].strip() == url.strip()]
    row = next(csv.DictReader(io.StringIO(bob.get("/shopping/list.csv").response.get_data(as_text=True)[1:])))
    assert row["Link"] == ""


def test_a_link_that_is_none_is_not_shown(bob, shelf):
    shelf("Red", 10, purchase_url="javascript:alert(1)")
    assert "javascript:" not in str(bob.get("/shopping/").one("main"))


def test_the_choice_stands_in_the_address_and_the_shop_keeps_it(olga, bob, shelf):
    shelf("Black", 250)
    assert "Nothing has to be bought" in olga.get("/shopping/").text
    answer = olga.post("/shopping/times", {"times": "3"})
    assert answer.location == "/shopping/?times=3"
    assert "Black" in olga.get(answer.location).text
    assert "Black" in bob.get("/shopping/").text
    assert bob.get("/shopping/").one("[aria-pressed=true]")["value"] == "3"
    assert "Nothing has to be bought" in bob.get("/shopping/?times=1").text
    for nonsense in ("0", "6", "-1", "x", ""):
        assert olga.post("/shopping/times", {"times": nonsense}).location == "/shopping/"
        assert bob.get(f"/shopping/?times={nonsense}").one("[aria-pressed=true]")["value"] == "3"
    assert bob.post("/shopping/times", {"times": "2"}).status == 403


def test_the_download_has_everything_and_no_formula(bob, shelf):
    shelf("=cmd()", 10, brand="@brand", cost_per_gram=Decimal("0.02"), supplier="+1")
    answer = bob.get("/shopping/list.csv?times=2")
    text = answer.response.get_data(as_text=True)
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (row["Colour"], row["Brand"], row["Supplier"]) == ("'=cmd()", "'@brand", "'+1")
    assert (row["Why"], row["Times"], row["Missing (g)"], row["Spools to buy"]) == ("urgent", "2", "190", "1")
    assert (row["Cost"], row["Currency"]) == ("20.00", "EUR")
    assert "shopping-" in answer.headers["Content-Disposition"]


def test_very_many_filaments_are_paged_with_as_many_statements_as_two(ctx, alice, shelf):
    def asked() -> int:
        statements = []
        listen = lambda *args: statements.append(args[2])  # noqa: E731
        event.listen(database.engine, "after_cursor_execute", listen)
        try:
            page = alice.get("/shopping/")
        finally:
            event.remove(database.engine, "after_cursor_execute", listen)
        assert page.status == 200
        return len(statements)

    for number in range(2):
        shelf(f"Scarce {number}", 10)
    alice.get("/shopping/")  # her session is noted once a minute
    few = asked()
    with unit_of_work(alice.shop_id) as db:
        for number in range(120):
            made = service.add_filament(db, brand="B", material="PLA", colour_name=f"N{number}", colour_hex="#111111")
            db.add(Spool(filament_id=made.id, initial_mg=1_000_000, remaining_mg=1_000, supplier=f"S{number % 7}"))
    assert asked() == few <= 12
    shown = alice.get("/shopping/")
    assert len(shown.all("li.row")) == 50
    assert "Page 1 of 3" in shown.text
    assert len(alice.get("/shopping/?all=1").all("li.row")) == 122


def test_another_shop_sees_nothing_of_it(charlie, olga, shelf):
    black = shelf("Black", 10)
    assert "Black" not in charlie.get("/shopping/").text
    assert charlie.post(f"/shopping/wishes/{black.id}", {"rolls": "1"}).status == 404
    assert charlie.get(f"/shopping/order?filament={black.id}").status == 404
    assert olga.get(f"/shopping/order?filament={black.id}").status == 200


def test_what_lies_here_is_the_same_on_every_page(olga, shelf, promise, listed, alice):
    black = shelf("Black", 150, low_below_mg=100_000)
    with unit_of_work(alice.shop_id) as db:
        wanted = {"run_id": uuid4(), "job_id": uuid4(), "slot": 1, "reason": "Benchy"}
        service.book_run(db, filament_id=black.id, spool_id=None, used_mg=60_000, **wanted)
        service.order_rolls(db, [service.OrderLine(black.id, 2, 0)])
        (roll,) = db.scalars(select(Spool).where(Spool.state != "on order"))
        (stock,) = queries.stock_of(db, [db.get_one(Filament, black.id)])
        assert queries.stock_by_filament(db) == {black.id: 90_000}
        assert (roll.is_low, stock.lying_mg, stock.free_mg, stock.coming) == (True, 90_000, 90_000, 2)
        assert [one.lying_mg for one in queries.items_of(db, [black.id])] == [90_000]
    shown = " ".join(olga.get(f"/filament/filaments/{black.id}").text.split())
    assert "In stock 90.0 g 1 spool, less 60.0 g without a spool, 2 on order" in shown


def test_what_was_used_beyond_all_rolls_leaves_nothing_and_not_less(shelf, listed, alice):
    """A threshold of nothing asks for nothing, also when the grams that wait are more than all that lies here."""
    black = shelf("Black", 10, low_below_mg=0)
    with unit_of_work(alice.shop_id) as db:
        wanted = {"run_id": uuid4(), "job_id": uuid4(), "slot": 1, "reason": "Benchy"}
        service.book_run(db, filament_id=black.id, spool_id=None, used_mg=60_000, **wanted)
        db.scalars(select(Spool)).one().low_below_mg = 0
        assert queries.stock_by_filament(db) == {black.id: 0}
        assert not db.scalars(select(Spool)).one().is_low
    assert listed() == {}


def put_away(shop_id) -> None:
    with unit_of_work(shop_id) as db:
        for roll in db.scalars(select(Spool).where(Spool.archived_at.is_(None), Spool.state != "on order")):
            service.archive_spool(db, roll.id)


def test_what_jobs_want_stays_as_urgent_when_its_last_roll_is_put_away(shelf, promise, listed, alice):
    black = shelf("Black", 0)
    with unit_of_work(alice.shop_id) as db:
        db.scalars(select(Spool)).one().low_below_mg = 300_000
    cause_id = promise(black, 900)
    before = listed()["Black"]
    put_away(alice.shop_id)
    after = listed()["Black"]
    assert (after.is_urgent, after.low_mg, after.missing_mg, after.rolls) == (True, 300_000, 1_200_000, 2)
    assert (after.missing_mg, after.rolls) == (before.missing_mg, before.rolls)
    with unit_of_work(alice.shop_id) as db:
        service.forget_promises(db, cause_id)
    assert listed() == {}  # nobody wants it any more


def test_a_roll_that_never_came_leaves_no_threshold_behind(shelf, promise, listed, alice):
    black = shelf("Black")
    promise(black, 100)
    with unit_of_work(alice.shop_id) as db:
        (order,) = service.order_rolls(db, [service.OrderLine(black.id, 1, 0)])
        service.take_back_order(db, order.id)
    assert (listed()["Black"].low_mg, listed()["Black"].missing_mg) == (0, 100_000)
