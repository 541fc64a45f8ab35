"""Many people and printers at one spool in the same moment, with real threads on both databases: no gram is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from printfarm.core.errors import DomainError, Unavailable
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.filament.service.winding import split_spool
from tests.filament.shelf import add_roll, book, held, lines, total_of


@pytest.fixture
def together(ctx, alice):
    """Do several things at the same moment, each in its own thread and transaction; what each gave, or its refusal."""

    def run(*actions):
        ready = threading.Barrier(len(actions))

        def do(action):
            with ctx.app_context():
                ready.wait(10)
                try:
                    with unit_of_work(alice.shop_id) as db:
                        return action(db)
                except Unavailable:
                    raise  # each waited for the other
                except DomainError as refusal:
                    return refusal

        with ThreadPoolExecutor(len(actions)) as pool:
            return list(pool.map(do, actions))

    return run


@pytest.fixture
def spool(ctx, alice):
    return add_roll(alice.shop_id)


def refused(answers):
    return [one for one in answers if isinstance(one, DomainError)]


def test_two_people_who_take_the_last_fifty_grams_at_once_do_not_both_get_them(alice, ctx, together):
    last = add_roll(alice.shop_id, 50_000)
    answers = together(*[lambda db: service.take_weight(db, last.id, 50_000)] * 2)
    (refusal,) = refused(answers)
    assert isinstance(refusal, service.BelowZero)
    assert refusal.lacking_mg == 50_000
    assert held(last) == 0


def test_nor_when_both_say_that_it_was_there(alice, ctx, together):
    last = add_roll(alice.shop_id, 50_000)
    assert refused(together(*[lambda db: service.take_weight(db, last.id, 50_000, agreed_mg=50_000)] * 2)) == []
    assert held(last) == 0
    assert [one for one in lines(last) if one[2]] == [("weighed", 50_000, True)]


def test_bookings_of_every_kind_at_once_lose_nothing(alice, spool, together):
    kinds = [
        lambda db: service.take_weight(db, spool.id, 1_000),
        lambda db: service.add_weight(db, spool.id, 2_000),
        lambda db: book(db, spool, 3_000),
        lambda db: book(db, spool, 4_000, onto=False),
    ]
    assert refused(together(*kinds * 5)) == []
    assert held(spool) == 1_000_000 + 5 * (-1_000 + 2_000 - 3_000)
    with read_only(alice.shop_id) as db:
        assert db.get_one(Filament, spool.filament_id).unassigned_mg == 20_000


def test_one_print_that_is_booked_by_many_at_once_is_booked_once(spool, together):
    run = uuid4()
    answers = together(*[lambda db: [one.id for one in book(db, spool, 5_700, run_id=run)]] * 6)
    assert refused(answers) == []
    assert len({tuple(one) for one in answers}) == 1
    assert held(spool) == 994_300


def test_so_is_one_without_a_spool(alice, spool, together):
    run = uuid4()
    assert refused(together(*[lambda db: book(db, spool, 5_700, run_id=run, onto=False)] * 6)) == []
    with read_only(alice.shop_id) as db:
        assert db.get_one(Filament, spool.filament_id).unassigned_mg == 5_700
    assert held(spool) == 1_000_000


def test_one_line_is_undone_once_and_grams_are_resolved_once(alice, spool, together):
    with unit_of_work(alice.shop_id) as db:
        line, (waits,) = service.take_weight(db, spool.id, 1_000), book(db, spool, 4_000, onto=False)
    assert len(refused(together(*[lambda db: service.undo_entry(db, line.id)] * 4))) == 3
    assert len(refused(together(*[lambda db: service.resolve_unassigned(db, waits.id, spool.id)] * 4))) == 3
    assert held(spool) == 996_000


def test_winding_to_and_fro_at_once_waits_for_nobody_in_a_circle(alice, spool, together):
    with unit_of_work(alice.shop_id) as db:
        other, before = service.add_spool(db, spool.filament_id, weight_mg=500_000), total_of(db)
    to = lambda db: split_spool(db, spool.id, 1_000, onto_id=other.id)  # noqa: E731
    fro = lambda db: split_spool(db, other.id, 2_000, onto_id=spool.id)  # noqa: E731
    assert refused(together(*[to, fro] * 4)) == []
    assert held(spool) == 1_004_000
    with read_only(alice.shop_id) as db:
        assert total_of(db) == before


def test_two_hundred_bookings_on_one_spool_are_all_there(ctx, alice, spool):
    def do(_number):
        with ctx.app_context():
            for _ in range(20):
                try:
                    with unit_of_work(alice.shop_id) as db:
                        return service.take_weight(db, spool.id, 1_000).id
                except Unavailable:  # SQLite asks whoever waited for too long to try again
                    continue
        raise AssertionError("never booked")

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(do, range(200)))
    assert len(set(ids)) == 200
    assert held(spool) == 800_000
    with read_only(alice.shop_id) as db:
        assert db.scalar(select(func.count()).where(StockEntry.spool_id == spool.id)) == 201
        assert db.get_one(Spool, spool.id).remaining_mg == 800_000
