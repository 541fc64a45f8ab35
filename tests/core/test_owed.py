"""What is owed: promised in a transaction, claimed by lease, done although every message about it was lost."""

import threading
from datetime import timedelta

import pytest
import time_machine
from redis import Redis
from rq import Queue, SimpleWorker
from rq.timeouts import TimerDeathPenalty
from sqlalchemy import func, select

from jobs import sweeps
from printfarm.core import bus
from printfarm.core.background import BackgroundJob, enqueue_after_commit, enqueue_now, started
from printfarm.core.clock import utc_now
from printfarm.core.ids import new_id
from printfarm.core.owed import Owed, claim_due, owe, settle
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Filament


def owe_chore(shop_id, subject_id, **options):
    with unit_of_work(shop_id) as db:
        owe(db, "chore", subject_id, **options)


def claim(**options):
    with unit_of_work(None) as db:
        return [row.subject_id for row in claim_due(db, **options)]


def left():
    with read_only(None) as db:
        return db.scalar(select(func.count()).where(Owed.kind == "chore"))


@pytest.fixture
def waiting(redis_url):
    """How many jobs wait in a queue."""
    with Redis.from_url(redis_url) as redis:
        yield lambda name="fast": Queue(name, connection=redis).count


def work_off(app):
    """Do what waits in both queues, as the fast worker does: in this process."""

    class Worker(SimpleWorker):
        death_penalty_class = TimerDeathPenalty

    queues = [Queue(name, connection=bus.redis()) for name in ("fast", "slow")]
    Worker(queues, connection=bus.redis()).work(burst=True, logging_level="ERROR")


def test_a_promise_is_claimed_when_due_and_gone_when_settled(ctx, alice):
    subject = new_id()
    owe_chore(alice.shop_id, subject)
    assert claim() == [subject]
    with unit_of_work(alice.shop_id) as db:
        settle(db, "chore", subject)
    assert left() == 0


def test_a_promise_falls_with_its_transaction(ctx, alice):
    with pytest.raises(ZeroDivisionError), unit_of_work(alice.shop_id) as db:
        owe(db, "chore", new_id())
        raise ZeroDivisionError
    assert left() == 0


def test_what_is_claimed_is_not_claimed_again_until_its_lease_ends(ctx, alice):
    subject = new_id()
    owe_chore(alice.shop_id, subject)
    assert claim(lease_s=60) == [subject]
    assert claim() == []
    with time_machine.travel(utc_now() + timedelta(seconds=61), tick=True):
        assert claim() == [subject]
    with read_only(None) as db:
        assert db.scalars(select(Owed)).one().attempts == 2


def test_it_waits_until_it_is_due(ctx, alice):
    subject = new_id()
    owe_chore(alice.shop_id, subject, within_s=30)
    assert claim() == []
    with time_machine.travel(utc_now() + timedelta(seconds=31), tick=True):
        assert claim() == [subject]


def test_promising_again_moves_the_time_and_stays_one_promise(ctx, alice):
    subject = new_id()
    owe_chore(alice.shop_id, subject, within_s=300)
    owe_chore(alice.shop_id, subject)
    assert left() == 1
    assert claim() == [subject]


def test_two_sweeps_at_once_claim_each_piece_once(app, ctx, alice):
    for _ in range(20):
        owe_chore(alice.shop_id, new_id())
    claimed = []
    barrier = threading.Barrier(3)

    def sweep():
        with app.app_context():
            barrier.wait(10)
            for _ in range(4):
                claimed.extend(claim(limit=5))

    threads = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(claimed) == len(set(claimed)) == 20


def test_a_sweep_does_its_work_in_both_shops(ctx, alice, charlie, monkeypatch):
    """On PostgreSQL a sweep without a shop sees no shop's rows: here it shows that each shop's work was really done."""
    monkeypatch.setitem(sweeps.DOES, "chore", ("tests.core.chores.leave_a_mark", "fast"))
    subjects = {alice.shop_id: new_id(), charlie.shop_id: new_id()}
    for shop_id, subject in subjects.items():
        owe_chore(shop_id, subject)
    with Redis.from_url(ctx.config["REDIS_URL"]) as redis:
        redis.flushall()  # every message about it is lost
    assert sweeps.run_due() == 2
    work_off(ctx)
    for shop_id, subject in subjects.items():
        with read_only(shop_id) as db:
            assert db.scalars(select(Filament.colour_name)).all() == [str(subject)]
    assert left() == 0


def test_jobs_wait_in_their_queue_after_the_commit(ctx, alice, waiting):
    with unit_of_work(alice.shop_id) as db:
        enqueue_after_commit(db, "tests.core.chores.leave_a_mark", alice.shop_id, new_id(), queue="slow")
        assert waiting("slow") == 0
    assert waiting("slow") == 1
    assert waiting("fast") == 0


def test_a_job_asked_for_twice_in_one_work_is_enqueued_once(ctx, alice, waiting):
    with unit_of_work(alice.shop_id) as db:
        for _ in range(3):
            enqueue_after_commit(db, "tests.core.chores.leave_a_mark", alice.shop_id, alice.shop_id)
    assert waiting() == 1


def test_a_unique_job_waits_once_and_may_be_asked_for_again_when_it_began(ctx, alice, waiting):
    job = BackgroundJob("tests.core.chores.leave_a_mark", (str(alice.shop_id),), unique=True)
    enqueue_now(job)
    enqueue_now(job)
    assert waiting() == 1
    started(job.function, alice.shop_id)
    enqueue_now(job)
    assert waiting() == 2, "a change after the job began needs another run"


def test_a_unique_job_is_not_forgotten_when_the_first_was_lost(ctx, alice, waiting):
    job = BackgroundJob("tests.core.chores.leave_a_mark", (str(alice.shop_id),), unique=True)
    enqueue_now(job)
    assert 0 < bus.redis().ttl(f"printfarm:waiting:{job.function}:{alice.shop_id}") <= 30
