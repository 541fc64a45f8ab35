"""Marking what was ordered, changing it, taking it back, and taking it into stock."""

from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from printfarm.core import formats
from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Spool
from printfarm.filament.models_shopping import Purchase
from printfarm.filament.service import OrderedMeanwhile, OrderLine


@pytest.fixture
def black(ctx, alice):
    return add(alice, "Black", price="0.025")


def today(black):
    """In the shop: late in the evening it is tomorrow there."""
    with read_only(black.shop_id) as db:
        return service.today_of(db)


def add(alice, name: str, price: str | None = None):
    facts = {"brand": "Prusament", "material": "PLA", "colour_hex": "#111111", "supplier": "3DJake"}
    with unit_of_work(alice.shop_id) as db:
        cost = Decimal(price) if price else None
        made = service.add_filament(db, colour_name=name, cost_per_gram=cost, **facts)
        service.add_spool(db, made.id, weight_mg=10_000, facts=service.SpoolFacts(low_below_mg=250_000))
        return made


def rolls(filament, state: str = "on order") -> list[Spool]:
    with read_only(filament.shop_id) as db:
        mine = select(Spool).where(Spool.filament_id == filament.id, Spool.state == state, Spool.archived_at.is_(None))
        return list(db.scalars(mine.order_by(Spool.id)))


def purchases(filament) -> list[Purchase]:
    with read_only(filament.shop_id) as db:
        return list(db.scalars(select(Purchase).order_by(Purchase.id)))


def sent(page, action: str) -> dict[str, object]:
    """The form as a browser would send it."""
    form = page.one(f"form[method=post][action$='{action}']")
    boxes = [one["value"] for one in form.select("input[type=checkbox][checked]")]
    typed = form.select("input[name]:not([type=checkbox])")
    return {**{one["name"]: one.get("value", "") for one in typed}, **({"filament": boxes} if boxes else {})}


def order(black, count: int = 3, **more) -> Purchase:
    with unit_of_work(black.shop_id) as db:
        return service.order_rolls(db, [OrderLine(black.id, count, len(rolls(black)), "3DJake", 2_499)], **more)[0]


def test_several_rows_are_ordered_at_once(olga, alice, black):
    red = add(alice, "Red")
    listed = olga.get("/shopping/")
    ids = [one["value"] for one in listed.all("input[name=filament][form=to-order]")]
    assert set(ids) == {str(black.id), str(red.id)}
    form = sent(olga.get("/shopping/order?" + "&".join(f"filament={one}" for one in ids)), "/order")
    assert (form[f"{black.id}-rolls"], form[f"{black.id}-price"], form[f"{black.id}-supplier"]) == (
        "1",
        "25.00",
        "3DJake",
    )
    form |= {f"{red.id}-rolls": "2", f"{red.id}-price": "19.90", f"{red.id}-supplier": "Aprinta"}
    answer = olga.post("/shopping/order", form | {"expected_on": "2031-05-01"})
    assert answer.location == "/shopping/orders"
    assert [(len(rolls(one)), rolls(one)[0].supplier) for one in (black, red)] == [(1, "3DJake"), (2, "Aprinta")]
    roll = rolls(red)[0]
    assert (roll.remaining_mg, roll.cost_per_gram, str(roll.expected_on)) == (0, Decimal("0.0199"), "2031-05-01")
    assert roll.low_below_mg == 250_000
    shown = olga.get("/shopping/orders")
    assert "3 rolls are on the way" in shown.text
    assert "€39.80" in shown.text
    assert "Olga" in shown.text
    assert "Nothing to buy" in olga.get("/shopping/").text


def test_an_unticked_row_is_not_ordered(olga, alice, black):
    red = add(alice, "Red")
    form = sent(olga.get(f"/shopping/order?filament={black.id}&filament={red.id}"), "/order")
    olga.post("/shopping/order", form | {"filament": [str(red.id)]})
    assert (len(rolls(black)), len(rolls(red))) == (0, 1)


def test_nothing_ticked_says_so(olga, black):
    for answer in (olga.get("/shopping/order"), olga.post("/shopping/order", {"filament": "nonsense"})):
        assert answer.location == "/shopping/"
    assert "Tick what you order first" in olga.get("/shopping/").text


def test_the_same_form_sent_twice_orders_once(olga, black):
    form = sent(olga.get(f"/shopping/order?filament={black.id}"), "/order")
    for _ in range(2):
        assert olga.post("/shopping/order", form).location == "/shopping/orders"
    assert len(rolls(black)) == 1


def test_a_form_that_was_sent_and_then_changed_is_not_taken_for_the_first(olga, black):
    form = sent(olga.get(f"/shopping/order?filament={black.id}"), "/order")
    olga.post("/shopping/order", form)
    changed = olga.post("/shopping/order", form | {f"{black.id}-rolls": "4"})
    assert changed.status == 409
    assert "said something else" in changed.text
    assert len(rolls(black)) == 1


def test_two_people_do_not_order_the_same_twice_in_silence(olga, alice, black):
    url = f"/shopping/order?filament={black.id}"
    of_olga, of_alice = sent(olga.get(url), "/order"), sent(alice.get(url), "/order")
    olga.post("/shopping/order", of_olga | {f"{black.id}-rolls": "2"})
    refused = alice.post("/shopping/order", of_alice)
    assert refused.status == 422
    assert "Olga has ordered 2 rolls since you opened this page" in refused.one(".field-error").get_text()
    assert len(rolls(black)) == 2
    again = sent(refused, "/order")
    assert again[f"{black.id}-seen"] == "2"
    assert alice.post("/shopping/order", again).status == 303
    assert len(rolls(black)) == 3


def test_two_at_the_very_same_moment_do_not_either(app, black):
    barrier, outcomes = Barrier(2), []

    def buy() -> None:
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work(black.shop_id) as db:
                    service.order_rolls(db, [OrderLine(black.id, 1, 0)])
                outcomes.append("ordered")
            except OrderedMeanwhile:
                outcomes.append("asked")

    people = [Thread(target=buy) for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(outcomes) == ["asked", "ordered"]
    assert len(rolls(black)) == 1


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("rolls", "0", "From 1 to 50"),
        ("rolls", "51", "From 1 to 50"),
        ("rolls", "two", "Write a whole number"),
        ("rolls", "", "How many?"),
        ("price", "-1", "From 0 to 100,000"),
        ("price", "NaN", "Write a number"),
        ("price", "1e99", "From 0 to 100,000"),
        ("supplier", "x" * 121, "cannot be longer than 120"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_typed(olga, black, field, typed, sentence):
    form = sent(olga.get(f"/shopping/order?filament={black.id}"), "/order")
    answer = olga.post("/shopping/order", form | {f"{black.id}-{field}": typed})
    assert answer.status == 422
    assert sentence in answer.one(".field-error").get_text()
    assert answer.one(f"input[name='{black.id}-{field}']").get("value", "") == typed
    assert rolls(black) == []


def test_a_day_that_cannot_be_is_refused(olga, black):
    form = sent(olga.get(f"/shopping/order?filament={black.id}"), "/order")
    answer = olga.post("/shopping/order", form | {"expected_on": "9999-01-01"})
    assert (answer.status, rolls(black)) == (422, [])


def test_an_order_that_should_have_come_is_overdue(olga, black):
    made = order(black, expected_on=today(black) - timedelta(days=3))
    shown = olga.get("/shopping/orders")
    assert "1 order is overdue" in shown.text
    assert f"Overdue since {formats.day(today(black) - timedelta(days=3))}" in shown.text
    assert olga.post(f"/shopping/orders/{made.id}/expected", {"expected_on": "2031-01-01"}).status == 303
    assert [str(roll.expected_on) for roll in rolls(black)] == ["2031-01-01"] * 3
    assert "overdue" not in olga.get("/shopping/orders").text
    olga.post(f"/shopping/orders/{made.id}/expected", {"expected_on": ""})
    assert rolls(black)[0].expected_on is None


def test_the_day_is_changed_on_the_roll_itself_too(olga, black):
    order(black)
    first, second, _ = rolls(black)
    form = sent(olga.get(f"/filament/spools/{first.id}/edit"), "/edit")
    answer = olga.post(f"/filament/spools/{first.id}/edit", form | {"expected_on": "2031-02-02", "paid_for": "kg"})
    assert answer.status == 303
    assert [str(one.expected_on) for one in rolls(black)[:2]] == ["2031-02-02", "None"]
    with unit_of_work(black.shop_id) as db:
        service.receive_ordered(db, second.id)
    assert not olga.get(f"/filament/spools/{second.id}/edit").all("input[name=expected_on]")


def test_an_order_is_taken_back(olga, black):
    made = order(black)
    assert "Black" not in olga.get("/shopping/").text
    assert olga.post(f"/shopping/orders/{made.id}/take-back").status == 303
    assert rolls(black) == []
    assert "Nothing is on order" in olga.get("/shopping/orders").text
    assert "Black" in olga.get("/shopping/").text
    assert olga.post(f"/shopping/orders/{made.id}/take-back").status == 409


def test_a_wish_is_open_again_when_its_order_is_taken_back(olga, alice, black):
    with unit_of_work(alice.shop_id) as db:
        service.wish_for(db, black.id, 2)
    made = order(black, 3)
    with unit_of_work(alice.shop_id) as db:
        assert queries.items_of(db, [black.id])[0].wished == 0
        service.receive_purchase(db, made.id, service.Arrival(rolls=1, seen=3))
    olga.post(f"/shopping/orders/{made.id}/take-back")
    with read_only(alice.shop_id) as db:
        (item,) = queries.items_of(db, [black.id])
        assert (item.wished, item.ordered) == (1, 0)  # one of the two has come


def test_no_wish_comes_of_an_order_that_nobody_had_wished_for(alice, black):
    made = order(black, 3)
    with unit_of_work(alice.shop_id) as db:
        service.wish_for(db, black.id, 1)
        assert len(service.take_back_order(db, made.id)) == 3
        assert queries.items_of(db, [black.id])[0].wished == 1


def test_all_of_an_order_comes_in_one_step_and_labels_are_next(olga, black):
    made = order(black)
    answer = olga.post("/shopping/orders/receive", {"purchase": str(made.id)})
    assert answer.location.startswith("/labels?")
    assert "3 labels" in olga.get(answer.location).one("h1").text
    come = rolls(black, "sealed")
    assert [one.remaining_mg for one in come if one.remaining_mg != 10_000] == [1_000_000] * 3
    day = today(black)
    assert all(one.purchased_on == day and one.expected_on is None for one in come if one.purchase_id)
    again = olga.post("/shopping/orders/receive", {"purchase": str(made.id)})
    assert again.status == 409
    assert "somebody has received it" in again.text
    with read_only(black.shop_id) as db:
        assert queries.find_drift(db) == []


def test_of_several_orders_only_what_is_still_to_come_is_received(olga, black):
    first, second = order(black, 1), order(black, 2)
    olga.post("/shopping/orders/receive", {"purchase": str(first.id)})
    answer = olga.post("/shopping/orders/receive", {"purchase": [str(first.id), str(second.id)]})
    assert "2 labels" in olga.get(answer.location).one("h1").text
    assert rolls(black) == []


def test_part_of_an_order_comes_with_its_real_weight_and_batch(olga, black):
    made = order(black, expected_on=today(black))
    form = sent(olga.get(f"/shopping/orders/{made.id}/receive"), "/receive")
    assert (form["rolls"], form["seen"], form["weight"], form["price"]) == ("3", "3", "1000", "24.99")
    form |= {"rolls": "2", "weight": "987.5", "batch": "B7", "location": "Shelf 2", "expires_on": "2032-01-31"}
    assert olga.post(f"/shopping/orders/{made.id}/receive", form | {"price": "20"}).status == 303
    come = [one for one in rolls(black, "sealed") if one.purchase_id]
    assert [(one.remaining_mg, one.initial_mg, one.batch, one.location) for one in come] == [
        (987_500, 987_500, "B7", "Shelf 2")
    ] * 2
    assert {(round(one.cost_per_gram, 4), str(one.expires_on)) for one in come} == {(Decimal("0.0203"), "2032-01-31")}
    assert len(rolls(black)) == 1
    assert "2 of 3 are done with" in olga.get("/shopping/orders").text


def test_the_same_delivery_is_not_received_twice(olga, black):
    made = order(black, 4)
    form = sent(olga.get(f"/shopping/orders/{made.id}/receive"), "/receive") | {"rolls": "2"}
    assert olga.post(f"/shopping/orders/{made.id}/receive", form).status == 303
    again = olga.post(f"/shopping/orders/{made.id}/receive", form)
    assert again.status == 422
    assert "2 rolls of this order are still to come now" in again.one(".field-error").get_text()
    assert len(rolls(black)) == 2
    assert sent(again, "/receive")["seen"] == "2"  # pressing again means it


def test_two_who_receive_at_the_very_same_moment_do_not_receive_twice(app, black):
    made, barrier, outcomes = order(black), Barrier(2), []

    def receive() -> None:
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work(black.shop_id) as db:
                    service.receive_purchase(db, made.id, service.Arrival(rolls=2, seen=3))
                outcomes.append("received")
            except service.CountedOtherwise:
                outcomes.append("asked")

    people = [Thread(target=receive) for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(outcomes) == ["asked", "received"]
    assert len(rolls(black)) == 1
    with read_only(black.shop_id) as db:
        assert queries.find_drift(db) == []


@pytest.mark.parametrize(
    ("field", "typed"),
    [("rolls", "0"), ("rolls", "4"), ("weight", "0"), ("weight", "1e9"), ("weight", "NaN"), ("price", "-1")],
)
def test_what_cannot_come_is_refused(olga, black, field, typed):
    made = order(black)
    form = sent(olga.get(f"/shopping/orders/{made.id}/receive"), "/receive")
    assert olga.post(f"/shopping/orders/{made.id}/receive", form | {field: typed}).status in {409, 422}
    assert len(rolls(black)) == 3


def test_a_typed_price_stays_to_the_cent(black, olga):
    order(black, 2)
    assert purchases(black)[0].price_minor == 2_499
    assert "€49.98" in olga.get("/shopping/orders").text


@pytest.mark.parametrize(("typed", "cost"), [("0", Decimal(0)), ("", Decimal("0.025"))])
def test_a_roll_may_be_free_and_a_price_may_be_unknown(olga, black, typed, cost):
    form = sent(olga.get(f"/shopping/order?filament={black.id}"), "/order")
    olga.post("/shopping/order", form | {f"{black.id}-price": typed})
    assert rolls(black)[0].cost_per_gram == cost
    assert ("no price" if typed == "" else "€0.00") in olga.get("/shopping/orders").text


def test_nothing_of_an_archived_filament_is_ordered(ctx, olga, alice):
    with unit_of_work(alice.shop_id) as db:
        gone = service.add_filament(db, brand="B", material="PLA", colour_name="Gone", colour_hex="#111111")
        service.archive_filament(db, gone.id)
    with pytest.raises(DomainError, match="archived"), unit_of_work(alice.shop_id) as db:
        service.order_rolls(db, [OrderLine(gone.id, 1, 0)])
    assert olga.get(f"/shopping/order?filament={gone.id}").location == "/shopping/"


def test_who_only_looks_orders_nothing(bob, charlie, black):
    made = order(black)
    base = f"/shopping/orders/{made.id}"
    for url in (
        "/shopping/order",
        "/shopping/orders/receive",
        f"{base}/receive",
        f"{base}/expected",
        f"{base}/take-back",
    ):
        assert bob.post(url, {"filament": str(black.id), "purchase": str(made.id)}).status == 403
    for url in (f"{base}/receive", f"{base}/expected", f"{base}/take-back"):
        assert charlie.post(url, {"rolls": "1", "seen": "3", "weight": "1"}).status == 404
    assert charlie.post("/shopping/orders/receive", {"purchase": str(made.id)}).status == 404
    assert "Black" in bob.get("/shopping/orders").text
    assert "Black" not in charlie.get("/shopping/orders").text
    assert len(rolls(black)) == 3


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("soon", "Write a day, such as 2026-03-31."),
        ("9999-01-01", "That year cannot be right"),
        ("2031-02-30", "Write a"),
    ],
)
def test_a_day_that_is_refused_is_asked_for_again_beside_its_field(olga, black, typed, sentence):
    first, made = order(black, 1), order(black, expected_on=date(2031, 5, 1))
    answer = olga.post(f"/shopping/orders/{made.id}/expected", {"expected_on": typed})
    assert answer.status == 422
    row = answer.one(f"#order-{made.id}")
    assert sentence in row.select_one(".field-error").get_text()
    assert row.select_one("details").has_attr("open")
    asked = row.select_one("input[name=expected_on]")
    assert (asked["value"], asked["aria-invalid"]) == (typed, "true")
    assert len(answer.all(".field-error")) == 1
    assert answer.one("#orders")["hx-get"] == "/shopping/orders"  # what came of others is fetched from there
    assert not answer.one(f"#order-{first.id}").select_one("details").has_attr("open")
    assert {str(roll.expected_on) for roll in rolls(black)} == {"2031-05-01", "None"}


def test_more_than_was_ordered_is_refused_with_what_was_typed(olga, black):
    made = order(black)
    form = sent(olga.get(f"/shopping/orders/{made.id}/receive"), "/receive")
    answer = olga.post(f"/shopping/orders/{made.id}/receive", form | {"rolls": "4", "batch": "B7"})
    assert answer.status == 422
    assert "Only 3 are still to come. Receive what came beyond that" in answer.one(".field-error").get_text()
    assert (sent(answer, "/receive")["rolls"], sent(answer, "/receive")["batch"]) == ("4", "B7")
    assert len(rolls(black)) == 3
