"""A form that is sent twice, by an impatient press or because the answer was lost on the way, is booked once."""

from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Spool
from printfarm.filament.service import BookedAlready
from tests.filament.shelf import add_roll, held, lines


@pytest.fixture
def spool(ctx, alice) -> Spool:
    return add_roll(alice.shop_id)


def drawn(person, path, action):
    """The hidden fields of a form, as a browser sends them back."""
    form = person.get(path).one(f"form[action$='{action}']")
    return {one["name"]: one["value"] for one in form.select("input[type=hidden][name]")}


@pytest.mark.parametrize(
    ("what", "after"), [("subtract", 750_000), ("add", 1_250_000), ("set", 250_000), ("scale", 50_000)]
)
@pytest.mark.parametrize("htmx", [False, True])
def test_a_weight_is_booked_once(olga, spool, what, after, htmx):
    path = f"/filament/spools/{spool.id}"
    form = {**drawn(olga, path, "/weigh"), "what": what, "grams": "250", "tare": "200"}
    assert form["token"]
    assert olga.post(f"{path}/weigh", form, htmx=htmx).status in (200, 303)
    again = olga.post(f"{path}/weigh", form, htmx=htmx)
    assert again.status in (200, 303)
    assert held(spool) == after
    assert len(lines(spool)) == 2
    assert "booked already" in (again.text if htmx else olga.get(again.location).text)


def test_who_goes_back_and_says_something_else_is_heard(olga, spool):
    path = f"/filament/spools/{spool.id}"
    form = {**drawn(olga, path, "/weigh"), "what": "subtract", "grams": "250"}
    olga.post(f"{path}/weigh", form)
    olga.post(f"{path}/weigh", {**form, "grams": "251"})
    olga.post(f"{path}/weigh", {**form, **drawn(olga, path, "/weigh")})  # the form as it is drawn next is another one
    assert held(spool) == 249_000


def test_what_was_refused_was_not_booked(olga, spool):
    path = f"/filament/spools/{spool.id}"
    form = {**drawn(olga, path, "/weigh"), "what": "subtract", "grams": "1200"}
    asked = olga.post(f"{path}/weigh", form)
    assert asked.status == 409
    agreed = asked.one("button[name=agreed]")["value"]
    for _ in range(2):
        assert olga.post(f"{path}/weigh", {**form, "agreed": agreed}).status == 303
    assert [delta for _, delta, _ in lines(spool)] == [1_000_000, 200_000, -1_200_000]


def test_a_roll_is_added_once(olga, spool):
    path = f"/filament/filaments/{spool.filament_id}/spools/new"
    form = {**drawn(olga, path, "/spools/new"), "weight": "500", "low_below": "100"}
    assert olga.post(path, form).location == olga.post(path, form).location
    with read_only(spool.shop_id) as db:
        assert db.scalar(select(func.count()).select_from(Spool)) == 2


def test_two_presses_at_the_same_moment(app, spool):
    both, said = Barrier(2), []

    def press():
        with app.app_context():
            both.wait()
            try:
                with unit_of_work(spool.shop_id) as db:
                    service.take_weight(db, spool.id, 10_000, token="drawn-once")
                said.append("booked")
            except BookedAlready:
                said.append("booked already")

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["booked", "booked already"]
    assert held(spool) == 990_000
