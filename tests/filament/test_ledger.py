"""The ledger: every gram has a cause, the sum never drifts, nothing is booked twice."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, Spool, StockEntry


@pytest.fixture
def spool(ctx, alice):
    """A kilogram of black PLA."""
    with unit_of_work(alice.shop_id) as db:
        black = service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111"
        )
        return service.add_spool(db, black.id, weight_mg=1_000_000)


def remaining(shop_id, spool_id):
    with read_only(shop_id) as db:
        assert queries.drifted_spools(db) == []
        return db.get(Spool, spool_id).remaining_mg


def book(db, spool, used_mg, *, run_id, slot=1, spool_id=None):
    return service.book_run(
        db,
        run_id=run_id,
        job_id=uuid4(),
        slot=slot,
        filament_id=spool.filament_id,
        spool_id=spool_id,
        used_mg=used_mg,
        reason="Benchy",
    )


def test_a_new_spool_begins_with_one_line(spool, alice):
    with read_only(alice.shop_id) as db:
        entries = list(db.scalars(select(StockEntry)))
    assert [(e.cause, e.delta_mg) for e in entries] == [("received", 1_000_000)]


def test_setting_books_the_difference(spool, alice):
    with unit_of_work(alice.shop_id) as db:
        entry = service.set_weight(db, spool.id, 431_500, reason="weighed")
        assert entry.delta_mg == -568_500
    assert remaining(alice.shop_id, spool.id) == 431_500


def test_more_than_there_is_cannot_be_taken(spool, alice):
    with pytest.raises(DomainError, match="not that much"), unit_of_work(alice.shop_id) as db:
        service.take_weight(db, spool.id, 1_000_001)
    assert remaining(alice.shop_id, spool.id) == 1_000_000


def test_a_line_is_undone_once(spool, alice):
    with unit_of_work(alice.shop_id) as db:
        entry = service.take_weight(db, spool.id, 50_000)
    with unit_of_work(alice.shop_id) as db:
        service.undo_entry(db, entry.id)
    assert remaining(alice.shop_id, spool.id) == 1_000_000
    with pytest.raises(DomainError, match="already"), unit_of_work(alice.shop_id) as db:
        service.undo_entry(db, entry.id)


def test_a_run_is_booked_once_however_often_it_is_asked(spool, alice):
    run = uuid4()
    for _ in range(3):
        with unit_of_work(alice.shop_id) as db:
            book(db, spool, 5_700, run_id=run, spool_id=spool.id)
    assert remaining(alice.shop_id, spool.id) == 994_300


def test_what_a_spool_lacks_waits_for_a_person(spool, alice):
    with unit_of_work(alice.shop_id) as db:
        service.set_weight(db, spool.id, 4_000)
        entries = book(db, spool, 10_000, run_id=uuid4(), spool_id=spool.id)
        assert [e.delta_mg for e in entries] == [-4_000, -6_000]
        assert db.get(Filament, spool.filament_id).unassigned_mg == 6_000
    assert remaining(alice.shop_id, spool.id) == 0


def test_a_slot_without_a_spool_books_to_the_filament_and_is_resolved_once(spool, alice):
    with unit_of_work(alice.shop_id) as db:
        (entry,) = book(db, spool, 12_340, run_id=uuid4())
        assert queries.count_unassigned(db) == 1
    with unit_of_work(alice.shop_id) as db:
        service.resolve_unassigned(db, entry.id, spool.id)
        assert db.get(Filament, spool.filament_id).unassigned_mg == 0
        assert queries.count_unassigned(db) == 0
    assert remaining(alice.shop_id, spool.id) == 987_660
    with pytest.raises(DomainError, match="resolved this already"), unit_of_work(alice.shop_id) as db:
        service.resolve_unassigned(db, entry.id, spool.id)


def test_a_written_line_cannot_be_changed(spool, alice):
    with pytest.raises(DBAPIError), unit_of_work(alice.shop_id) as db:
        db.execute(text("UPDATE stock_entries SET delta_mg = 0"))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(["set", "add", "take", "undo", "run"]), st.integers(1, 2_000_000)), max_size=12)
)
def test_the_cached_weight_is_always_the_ledgers_sum(spool, alice, steps):
    last = None
    for what, mg in steps:
        try:
            with unit_of_work(alice.shop_id) as db:
                if what == "set":
                    last = service.set_weight(db, spool.id, mg)
                elif what == "add":
                    last = service.add_weight(db, spool.id, mg)
                elif what == "take":
                    last = service.take_weight(db, spool.id, mg)
                elif what == "undo" and last is not None:
                    service.undo_entry(db, last.id)
                elif what == "run":
                    book(db, spool, mg, run_id=uuid4(), spool_id=spool.id)
        except DomainError:
            continue
    assert remaining(alice.shop_id, spool.id) >= 0
