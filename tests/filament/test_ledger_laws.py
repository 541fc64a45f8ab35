"""Whatever is booked, and in whatever order: the laws of the ledger hold, on both databases.

The cached weight is the lines' sum. A run and slot is booked once, however often it is asked. An undo restores exactly. What is
moved, split, merged or resolved is neither more nor less than before. No spool goes below nothing.
"""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import select

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.filament.service.counted import COUNTED, DOUBT, Span, is_count, last_count
from printfarm.filament.service.winding import merge_spools, split_spool
from tests.filament.shelf import add_roll, book, total_of

ROLLS = st.integers(0, 2)
GRAMS = st.one_of(st.integers(-5, 5), st.integers(1, 1_200_000), st.sampled_from([0, 1, 50_000_000, 10**12]))
AGREED = st.sampled_from([0, 1_000, 50_000_000])
CAUSES = st.sampled_from(["correction", "purge", "failed print", "discarded", "received", "weighed"])


class Ledger(RuleBasedStateMachine):
    """Three rolls of one filament, and a book kept beside: what each must hold."""

    shop_id = None
    entries = Bundle("entries")
    runs = Bundle("runs")

    def __init__(self):
        super().__init__()
        first = add_roll(self.shop_id)
        with unit_of_work(self.shop_id) as db:
            more = [service.add_spool(db, first.filament_id, weight_mg=mg) for mg in (250_000, 0)]
        self.filament_id, self.rolls = first.filament_id, [first, *more]

    def attempt(self, action):
        """One transaction; what it gave, or None where it was refused and nothing changed."""
        before = self.weights()
        try:
            with unit_of_work(self.shop_id) as db:
                return action(db)
        except DomainError:
            assert self.weights() == before
            return None

    def weights(self):
        with read_only(self.shop_id) as db:
            waiting = db.get_one(Filament, self.filament_id).unassigned_mg
            return {**{roll.id: db.get_one(Spool, roll.id).remaining_mg for roll in self.rolls}, None: waiting}

    def total(self):
        with read_only(self.shop_id) as db:
            return total_of(db)

    def booked(self, entry):
        return multiple() if entry is None else entry.id

    @rule(target=entries, roll=ROLLS, mg=GRAMS, cause=CAUSES)
    def say_what_it_holds(self, roll, mg, cause):
        spool = self.rolls[roll]
        entry = self.attempt(lambda db: service.set_weight(db, spool.id, mg, cause=cause))
        assert entry is None or self.weights()[spool.id] == mg
        return self.booked(entry)

    @rule(target=entries, roll=ROLLS, mg=GRAMS, cause=CAUSES)
    def add(self, roll, mg, cause):
        spool, before = self.rolls[roll], self.weights()
        entry = self.attempt(lambda db: service.add_weight(db, spool.id, mg, cause=cause))
        assert entry is None or self.weights()[spool.id] == before[spool.id] + mg
        return self.booked(entry)

    @rule(target=entries, roll=ROLLS, mg=GRAMS, cause=CAUSES, agreed=AGREED)
    def take(self, roll, mg, cause, agreed):
        spool, before = self.rolls[roll], self.weights()
        entry = self.attempt(lambda db: service.take_weight(db, spool.id, mg, cause=cause, agreed_mg=agreed))
        if entry is not None:
            assert before[spool.id] + agreed >= mg > 0
            assert self.weights()[spool.id] == max(0, before[spool.id] - mg)
        return self.booked(entry)

    @rule(target=entries, roll=ROLLS, shown=GRAMS, tare=st.sampled_from([None, 0, 250_000]))
    def put_it_on_the_scale(self, roll, shown, tare):
        spool = self.rolls[roll]
        entry = self.attempt(lambda db: service.read_scale(db, spool.id, shown, tare_mg=tare, keep_tare=True))
        return self.booked(entry)

    @rule(target=runs, roll=ROLLS, mg=GRAMS, known=st.booleans(), slot=st.integers(1, 2))
    def print(self, roll, mg, known, slot):
        run, spool, before = uuid4(), self.rolls[roll], self.total()
        self.attempt(lambda db: book(db, spool, mg, run_id=run, onto=known, slot=slot))
        assert self.total() == before - max(0, mg)
        return run, roll, mg, known, slot

    @rule(run=runs, other_mg=GRAMS, other_roll=ROLLS)
    def ask_for_the_same_print_again(self, run, other_mg, other_roll):
        run_id, roll, mg, known, slot = run
        before = self.weights()
        if mg > 0:
            self.attempt(lambda db: book(db, self.rolls[roll], mg, run_id=run_id, onto=known, slot=slot))
            self.attempt(lambda db: book(db, self.rolls[other_roll], other_mg, run_id=run_id, slot=slot))
        assert self.weights() == before

    @rule(run=runs, mg=GRAMS)
    def weigh_what_a_print_used(self, run, mg):
        run_id, roll, _, _, slot = run
        spool = self.rolls[roll]
        facts = {
            "run_id": run_id,
            "job_id": uuid4(),
            "slot": slot,
            "filament_id": spool.filament_id,
            "reason": "Benchy",
        }
        self.attempt(lambda db: service.rebook_run(db, **facts, spool_id=spool.id, used_mg=mg))
        with read_only(self.shop_id) as db:
            lines = queries.ledger_part(db, queries.LedgerFilter(filament_id=spool.filament_id))
            mine = f"run:{run_id}:{slot}:"
            standing = [one.entry for one in lines if (one.entry.cause_key or "").startswith(mine) and not one.undone]
            # A part of it may have been said to come from a roll: that line stands for its grams.
            assert -sum(one.delta_mg for one in standing) == max(0, mg)

    @rule(target=entries, roll=ROLLS, seen=st.integers(0, 5_000), used=st.integers(0, 9_000), mg=GRAMS)
    def count_while_nobody_knows_how_the_print_does(self, roll, seen, used, mg):
        """It may be over: what is found out of it later has left the roll already."""
        spool, run = self.rolls[roll], {"run_id": uuid4(), "job_id": uuid4(), "slot": 1, "reason": "Benchy"}

        def count(db):
            service.book_so_far(db, service.find_spool(db, spool.id), **run, used_mg=seen, mark=DOUBT)
            return service.set_weight(db, spool.id, mg)

        entry = self.attempt(count)
        if entry is not None:
            before = self.weights()
            span = Span(None, utc_now(), heard=False)
            for _ in range(2):
                self.attempt(lambda db: book(db, spool, used, span=span, **run))
                assert self.weights() == before
            with read_only(self.shop_id) as db:
                lines = queries.ledger_part(db, queries.LedgerFilter(spool_id=spool.id))
                mine = [one.entry for one in lines if one.entry.run_id == run["run_id"] and not one.undone]
                assert -sum(one.delta_mg for one in mine if one.cause == "print") == used
        return self.booked(entry)

    @rule(target=entries, roll=ROLLS, so_far=st.integers(1, 5_000), rest=st.integers(0, 5_000), mg=GRAMS)
    def count_while_it_is_printed_from(self, roll, so_far, rest, mg):
        """What the print took before is booked before; its end takes the rest, and asking again takes nothing."""
        spool, run = self.rolls[roll], {"run_id": uuid4(), "job_id": uuid4(), "slot": 1, "reason": "Benchy"}

        def count(db):
            for told in (so_far // 2, so_far):
                service.book_so_far(db, service.find_spool(db, spool.id), **run, used_mg=told)
            return service.set_weight(db, spool.id, mg)

        entry = self.attempt(count)
        if entry is not None:
            assert self.weights()[spool.id] == mg
            total = self.total()
            for _ in range(2):
                self.attempt(lambda db: book(db, spool, so_far + rest, **run))
                assert self.total() == total - rest
                assert self.weights()[spool.id] == max(0, mg - rest)
        return self.booked(entry)

    @rule(entry_id=entries, agreed=AGREED)
    def undo(self, entry_id, agreed):
        before, total = self.weights(), self.total()
        counter = self.attempt(lambda db: service.undo_entry(db, entry_id, agreed_mg=agreed))
        if counter is None:
            return
        with read_only(self.shop_id) as db:
            entry = db.get_one(StockEntry, entry_id)
            beside = f"{COUNTED}{entry.cause_key}"
            alone = not is_count(entry) and db.scalar(select(StockEntry).where(StockEntry.cause_key == beside)) is None
        assert counter.delta_mg == -entry.delta_mg
        if alone and entry.cause == "moved":  # it was another spool: the grams wait for one again
            assert self.total() == total
        if alone:
            assert self.weights()[entry.spool_id] == max(0, before[entry.spool_id] - entry.delta_mg)
        assert self.attempt(lambda db: service.undo_entry(db, entry_id, agreed_mg=agreed)) is None
        assert self.attempt(lambda db: service.undo_entry(db, counter.id, agreed_mg=agreed)) is None

    @rule(roll=ROLLS, mg=GRAMS)
    def undo_at_once(self, roll, mg):
        spool, before = self.rolls[roll], self.weights()
        with read_only(self.shop_id) as db:
            used = db.get_one(Spool, spool.id).first_used_at, db.get_one(Spool, spool.id).last_used_at
        entry = self.attempt(lambda db: service.take_weight(db, spool.id, mg, cause="purge"))
        if entry is None:
            return
        assert self.attempt(lambda db: service.undo_entry(db, entry.id)) is not None
        assert self.weights() == before
        with read_only(self.shop_id) as db:
            now = db.get_one(Spool, spool.id)
            assert (now.first_used_at, now.last_used_at) == used

    @rule(target=entries, roll=ROLLS, agreed=AGREED, which=st.integers(0, 3))
    def resolve(self, roll, agreed, which):
        with read_only(self.shop_id) as db:
            waiting = [one for one in queries.unassigned_entries(db).items if one.filament_id == self.filament_id]
        if not waiting:
            return multiple()
        entry, before, total = waiting[which % len(waiting)], self.weights(), self.total()
        with read_only(self.shop_id) as db:
            counted = last_count(db, self.rolls[roll].id)
        knows = counted is not None and counted.created_at >= entry.created_at
        lacking = 0 if knows else max(0, -entry.delta_mg - before[self.rolls[roll].id])
        moved = self.attempt(lambda db: service.resolve_unassigned(db, entry.id, self.rolls[roll].id, agreed_mg=agreed))
        assert (moved is None) == (lacking > agreed)
        if moved is not None:
            assert self.total() == total + (-entry.delta_mg if knows else lacking)
            assert self.weights()[None] == before[None] + entry.delta_mg
        return self.booked(moved)

    @rule(roll=ROLLS, other=ROLLS, mg=GRAMS)
    def split(self, roll, other, mg):
        before = self.total()
        self.attempt(lambda db: split_spool(db, self.rolls[roll].id, mg, onto_id=self.rolls[other].id))
        assert self.total() == before

    @rule(roll=ROLLS, other=ROLLS)
    def merge(self, roll, other):
        before = self.total()
        self.attempt(lambda db: merge_spools(db, self.rolls[roll].id, self.rolls[other].id))
        assert self.total() == before

    @invariant()
    def the_cache_is_the_sum_and_never_below_nothing(self):
        assert all(mg >= 0 for mg in self.weights().values())
        with read_only(self.shop_id) as db:
            assert queries.find_drift(db) == []


@pytest.mark.timeout(600)
def test_the_laws_of_the_ledger_hold_whatever_is_booked(ctx, alice, backend):
    machine = type("LedgerOfAlice", (Ledger,), {"shop_id": alice.shop_id})
    examples = 25 if backend == "sqlite" else 12
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=checks,
            phases=set(Phase) - {Phase.explain},  # it traces every line of all that is run
        ),
    )
