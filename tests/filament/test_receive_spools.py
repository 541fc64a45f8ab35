"""Several rolls of one delivery: each its own code, once however often the form is sent, and their labels next."""

from decimal import Decimal
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Spool, StockEntry


@pytest.fixture
def black(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        return service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111"
        )


def rolls(black) -> list[Spool]:
    with read_only(black.shop_id) as db:
        return list(db.scalars(select(Spool).where(Spool.filament_id == black.id).order_by(Spool.id)))


def sent(page) -> dict[str, str]:
    """The form as a browser would send it."""
    form = page.one("form[action$='/receive']")
    typed = {one["name"]: one.get("value", "") for one in form.select("input[name]:not([type=radio])")}
    return {**typed, "paid_for": "kg", "note": "", "extra": ""}


def test_three_rolls_come_and_their_labels_are_next(olga, black):
    form = sent(olga.get(f"/filament/filaments/{black.id}/spools/receive"))
    assert form["weight"] == "1000"
    form |= {
        "count": "3",
        "batch": "B7",
        "location": "Shelf 2",
        "paid": "60",
        "paid_for": "spool",
        "weight": "750",
        "expires_on": "2028-01-31",
        "extra": "Dry box: 3\nColour code: RAL 9005",
    }
    answer = olga.post(f"/filament/filaments/{black.id}/spools/receive", form)
    assert answer.status == 303
    made = rolls(black)
    assert len({roll.code for roll in made}) == 3
    for roll in made:
        assert (roll.state, roll.remaining_mg, roll.batch, roll.location) == ("sealed", 750_000, "B7", "Shelf 2")
        assert roll.cost_per_gram == Decimal("0.08")
        assert roll.extra == {"Dry box": "3", "Colour code": "RAL 9005"}
        assert str(roll.expires_on) == "2028-01-31"
        assert roll.purchased_on is not None
    labels = olga.get(answer.location)
    assert answer.location.startswith("/labels?")
    assert "3 labels" in labels.one("h1").text
    assert all(roll.code[:3] in labels.text for roll in made)
    with read_only(black.shop_id) as db:
        assert [line.cause for line in db.scalars(select(StockEntry))] == ["received"] * 3


def test_the_same_form_sent_twice_makes_them_once(olga, black):
    form = sent(olga.get(f"/filament/filaments/{black.id}/spools/receive")) | {"count": "5"}
    first = olga.post(f"/filament/filaments/{black.id}/spools/receive", form)
    second = olga.post(f"/filament/filaments/{black.id}/spools/receive", form)
    assert first.location == second.location
    assert len(rolls(black)) == 5
    fresh = sent(olga.get(f"/filament/filaments/{black.id}/spools/receive")) | {"count": "1"}
    olga.post(f"/filament/filaments/{black.id}/spools/receive", fresh)
    assert len(rolls(black)) == 6


def test_a_double_click_at_the_same_moment_makes_them_once(app, black):
    barrier, codes = Barrier(2), []

    def receive() -> None:
        with app.app_context():
            barrier.wait()
            with unit_of_work(black.shop_id) as db:
                made = service.receive_spools(db, black.id, count=50, weight_mg=1_000_000, token="twice")
                codes.append([roll.code for roll in made])

    clicks = [Thread(target=receive) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert codes[0] == codes[1]
    assert len(rolls(black)) == 50
    with read_only(black.shop_id) as db:
        assert queries.drifted_spools(db) == []


def test_a_code_is_never_given_twice(black, monkeypatch):
    drawn = iter(["AAAAAA", "AAAAAA", "AAAAAA", "BBBBBB"])
    monkeypatch.setattr("printfarm.filament.service.spools.new_code", lambda _length: next(drawn))
    with unit_of_work(black.shop_id) as db:
        made = service.receive_spools(db, black.id, count=2, weight_mg=1_000_000)
        assert [roll.code for roll in made] == ["AAAAAA", "BBBBBB"]
        assert all(roll.filament is made[0].filament for roll in made)


def test_another_shop_may_use_the_same_token(black, charlie):
    with unit_of_work(black.shop_id) as db:
        service.receive_spools(db, black.id, count=1, weight_mg=1_000_000, token="same")
    with unit_of_work(charlie.shop_id) as db:
        theirs = service.add_filament(db, brand="B", material="PLA", colour_name="Red", colour_hex="#FF0000")
        assert len(service.receive_spools(db, theirs.id, count=2, weight_mg=1_000_000, token="same")) == 2


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("count", "0", "From 1 to 50"),
        ("count", "51", "From 1 to 50"),
        ("count", "-3", "From 1 to 50"),
        ("count", "many", "Write a whole number"),
        ("weight", "0", "More than zero"),
        ("weight", "-5", "More than zero"),
        ("weight", "NaN", "Write a number"),
        ("weight", "1000000000", "from 0 to 50,000"),
        ("weight", "1e999999999", "from 0 to 50,000"),
        ("tare", "-1", "from 0 to 50,000"),
        ("paid", "Infinity", "Write a number"),
        ("paid", "-1", "From 0 to 100,000"),
        ("purchased_on", "0001-01-01", "year cannot be right"),
        ("purchased_on", "9999-12-31", "year cannot be right"),
        ("purchased_on", "2099-01-01", "still to come"),
        ("purchased_on", "yesterday", "Write a day"),
        ("expires_on", "9999-12-31", "year cannot be right"),
        ("extra", "no colon here", "name: value"),
        ("extra", "A: 1\nA: 2", "stands there twice"),
        ("extra", "\n".join(f"F{n}: 1" for n in range(31)), "At most 30 lines"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_and_makes_nothing(olga, black, field, typed, sentence):
    form = sent(olga.get(f"/filament/filaments/{black.id}/spools/receive")) | {"count": "2", field: typed}
    answer = olga.post(f"/filament/filaments/{black.id}/spools/receive", form)
    assert answer.status == 422
    assert sentence in answer.one(".field-error").get_text()
    assert rolls(black) == []
    if field != "extra":
        assert answer.one(f"input[name={field}]").get("value", "") == typed
    assert answer.one("input[name=token]")["value"] == form["token"]


@pytest.mark.parametrize("count", [0, 51])
def test_the_service_keeps_its_own_limits(black, count):
    with pytest.raises(DomainError, match="Between 1 and 50"), unit_of_work(black.shop_id) as db:
        service.receive_spools(db, black.id, count=count, weight_mg=1_000_000)


def test_nothing_of_an_archived_filament_is_received(olga, black):
    form = sent(olga.get(f"/filament/filaments/{black.id}/spools/receive"))
    with unit_of_work(black.shop_id) as db:
        service.archive_filament(db, black.id)
    answer = olga.post(f"/filament/filaments/{black.id}/spools/receive", form)
    assert (answer.status, rolls(black)) == (409, [])


def test_only_those_who_work_here_receive(bob, charlie, black):
    url = f"/filament/filaments/{black.id}/spools/receive"
    assert bob.post(url, {"count": "1", "weight": "1000", "low_below": "100"}).status == 403
    assert charlie.post(url, {"count": "1", "weight": "1000", "low_below": "100"}).status == 404
    assert rolls(black) == []
