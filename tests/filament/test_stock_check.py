"""Every night each shop's weights are compared with its ledger; what drifted is said aloud and put right from the ledger."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from redis import Redis
from rq import Queue, SimpleWorker
from rq.timeouts import TimerDeathPenalty
from sqlalchemy import delete, select

from jobs.sweeps import run_due
from printfarm.accounts.models import Shop
from printfarm.core import bus
from printfarm.core.clock import utc_now
from printfarm.core.owed import Owed, due_of
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import nightly, service
from printfarm.filament.models import Filament, Spool, StockCheck
from tests.filament.shelf import add_roll, book, held


def work_off():
    """Do what waits, as the workers do: in this process."""

    class Worker(SimpleWorker):
        death_penalty_class = TimerDeathPenalty

    queues = [Queue(name, connection=bus.redis()) for name in ("fast", "slow")]
    Worker(queues, connection=bus.redis()).work(burst=True, logging_level="ERROR")


def make_drift(spool, mg=7_000, unassigned_mg=0):
    """What a bug would do: the cached weight changes without a line."""
    with unit_of_work(spool.shop_id) as db:
        db.get_one(Spool, spool.id).remaining_mg += mg
        db.get_one(Filament, spool.filament_id).unassigned_mg += unassigned_mg


def latest(shop_id):
    with read_only(shop_id) as db:
        return db.scalars(select(StockCheck)).one_or_none()


def next_night():
    return time_machine.travel(utc_now() + timedelta(days=1, hours=1), tick=True)


def test_every_shop_is_compared_in_its_night_and_nobody_has_to_ask(ctx, alice, charlie, redis_url):
    mine, theirs = add_roll(alice.shop_id), add_roll(charlie.shop_id)
    make_drift(mine)
    make_drift(theirs, mg=0, unassigned_mg=-3_000)
    run_due()
    work_off()
    assert latest(alice.shop_id) is latest(charlie.shop_id) is None
    with next_night():
        run_due()
        work_off()
        assert latest(alice.shop_id).drifted == {str(mine.id): 1_000_000}
        assert latest(charlie.shop_id).drifted == {str(theirs.filament_id): 0}
        with read_only(None) as db:
            for shop_id in (alice.shop_id, charlie.shop_id):
                assert timedelta(0) < due_of(db, nightly.CHECK, shop_id) - utc_now() <= timedelta(days=1, hours=1)
    first = latest(alice.shop_id).checked_at
    with time_machine.travel(utc_now() + timedelta(days=3), tick=True):
        run_due()
        work_off()
    assert latest(alice.shop_id).checked_at > first  # one stays: the newest


def test_a_shop_whose_promise_was_lost_gets_it_back(ctx, alice):
    assert nightly.promise_checks() >= 1
    assert nightly.promise_checks() == 0
    with unit_of_work(None) as db:
        db.execute(delete(Owed).where(Owed.kind == nightly.CHECK))
    assert nightly.promise_checks() == 1


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles", "Mars/Olympus"])
def test_it_is_night_in_the_shop(ctx, alice, zone):
    with unit_of_work(None) as db:
        db.get_one(Shop, alice.shop_id).timezone = zone
    wait = timedelta(seconds=nightly.seconds_to_night(alice.shop_id, zone))
    then = utc_now() + wait
    assert then.astimezone(ZoneInfo(zone if zone != "Mars/Olympus" else "UTC")).hour == nightly.HOUR


def test_weights_that_agree_say_so(bob, olga, ctx):
    spool = add_roll(olga.shop_id)
    with unit_of_work(olga.shop_id) as db:
        service.take_weight(db, spool.id, 1_234)
        book(db, spool, 5_678, onto=False)
    assert "Nothing has been compared yet" in bob.get("/filament/check").text
    assert nightly.check_shop(olga.shop_id) == 0
    assert "All weights agree" in bob.get("/filament/check").text
    assert "does not agree" not in bob.get("/needs").text


def test_what_drifted_is_a_need_and_is_put_right_from_the_ledger(bob, olga, ctx):
    spool, other = add_roll(olga.shop_id), add_roll(olga.shop_id)
    with unit_of_work(olga.shop_id) as db:
        service.take_weight(db, spool.id, 100_000)
        book(db, other, 2_000, onto=False)
    make_drift(spool, mg=-400_000)
    make_drift(other, mg=0, unassigned_mg=9_000)
    assert nightly.check_shop(olga.shop_id) == 2
    need = bob.get("/needs").one("[data-need=drift]")
    assert "2 weights do not agree" in need.get_text()
    page = bob.get("/filament/check")
    assert [one["id"] for one in page.all("li.row")] == [f"drift-{spool.id}", f"drift-{other.filament_id}"]
    said = page.all("li.row")[0].get_text(" ")
    assert "500 g shown" in said
    assert "900 g by the ledger" in said
    assert bob.post("/filament/check/repair").status == 403
    form = olga.get("/filament/check").one(".notice form")
    assert olga.post(form["action"]).status == 303
    assert held(spool) == 900_000
    with read_only(olga.shop_id) as db:
        assert db.get_one(Filament, other.filament_id).unassigned_mg == 2_000
    assert "All weights agree" in bob.get("/filament/check").text
    assert not bob.get("/needs").all("[data-need=drift]")


def test_a_repair_takes_in_what_was_booked_since_the_comparison(olga, ctx):
    spool = add_roll(olga.shop_id)
    make_drift(spool)
    nightly.check_shop(olga.shop_id)
    with unit_of_work(olga.shop_id) as db:
        service.take_weight(db, spool.id, 1_000)
    olga.post("/filament/check/repair")
    assert held(spool) == 999_000


def test_a_person_may_ask_for_it_now(olga, ctx, redis_url):
    spool = add_roll(olga.shop_id)
    make_drift(spool)
    assert olga.post("/filament/check").status == 303
    with Redis.from_url(redis_url) as redis:
        assert Queue("slow", connection=redis).count == 1
    work_off()
    assert latest(olga.shop_id).drifted == {str(spool.id): 1_000_000}


def test_a_repair_stays_inside_its_shop(charlie, olga, ctx):
    spool = add_roll(olga.shop_id)
    make_drift(spool)
    nightly.check_shop(olga.shop_id)
    assert charlie.post("/filament/check/repair").status == 303
    assert latest(olga.shop_id).drifted
    assert "1 weight" not in charlie.get("/filament/check").text
