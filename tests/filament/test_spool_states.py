"""A roll's life: sealed, open, loaded, empty, discarded, and back. One table says what may follow what."""

from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import SPOOL_STATES, Spool, StockEntry
from printfarm.filament.service.states import MAY_BECOME, become
from printfarm.fleet import service as fleet
from printfarm.fleet.models import PrinterSlot
from tests.support.factories import load, make_printer


@pytest.fixture
def black(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        return service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111"
        )


@pytest.fixture
def spool(black):
    """A kilogram, sealed."""
    with unit_of_work(black.shop_id) as db:
        return service.add_spool(db, black.id, weight_mg=1_000_000)


def now(spool) -> Spool:
    with read_only(spool.shop_id) as db:
        return db.get_one(Spool, spool.id)


def booked(spool) -> list[tuple[str, int]]:
    with read_only(spool.shop_id) as db:
        lines = db.scalars(select(StockEntry).where(StockEntry.spool_id == spool.id).order_by(StockEntry.id))
        return [(line.cause, line.delta_mg) for line in lines]


def do(spool, act, *args, **kwargs):
    with unit_of_work(spool.shop_id) as db:
        return act(db, spool.id, *args, **kwargs)


def print_from(spool, mg):
    with unit_of_work(spool.shop_id) as db:
        service.book_run(
            db,
            run_id=uuid4(),
            job_id=uuid4(),
            slot=1,
            filament_id=spool.filament_id,
            spool_id=spool.id,
            used_mg=mg,
            reason="Benchy",
        )


def test_the_table_speaks_of_every_state_and_of_no_other():
    assert set(MAY_BECOME) == set(SPOOL_STATES)
    assert {after for states in MAY_BECOME.values() for after in states} <= set(SPOOL_STATES)
    assert all(state not in after for state, after in MAY_BECOME.items())


@pytest.mark.parametrize("before", SPOOL_STATES)
@pytest.mark.parametrize("after", SPOOL_STATES)
def test_only_what_the_table_allows_happens(spool, before, after):
    with unit_of_work(spool.shop_id) as db:
        roll = db.get_one(Spool, spool.id)
        roll.state = before
        if after == before or after in MAY_BECOME[before]:
            become(db, roll, after)
            assert roll.state == after
        else:
            with pytest.raises(DomainError):
                become(db, roll, after)
            assert roll.state == before


def test_a_new_roll_is_sealed_a_begun_one_open_and_a_bare_one_empty(spool, black):
    assert now(spool).state == "sealed"
    with unit_of_work(black.shop_id) as db:
        begun = service.add_spool(db, black.id, weight_mg=400_000, facts=service.SpoolFacts(initial_mg=1_000_000))
        opened = service.add_spool(
            db, black.id, weight_mg=1_000_000, facts=service.SpoolFacts(opened_on=utc_now().date())
        )
        bare = service.add_spool(db, black.id, weight_mg=0)
        assert [begun.state, opened.state, bare.state] == ["open", "open", "empty"]


def test_opened_and_dried_keep_the_day(spool):
    do(spool, service.open_spool)
    do(spool, service.note_dried)
    roll = now(spool)
    assert roll.state == "open"
    today = utc_now().date()
    assert roll.opened_on in (today, today + timedelta(days=1))  # in Berlin it may be tomorrow already
    assert roll.dried_on == roll.opened_on
    with pytest.raises(DomainError, match="not sealed"):
        do(spool, service.open_spool)


def test_a_print_from_a_sealed_roll_opens_it(spool):
    print_from(spool, 20_000)
    roll = now(spool)
    assert (roll.state, roll.opened_on is not None, roll.remaining_mg) == ("open", True, 980_000)
    assert roll.first_used_at is not None


def test_a_weight_that_is_corrected_opens_nothing(spool):
    do(spool, service.set_weight, 998_000)
    assert now(spool).state == "sealed"


def test_a_roll_is_empty_at_zero_unless_it_is_loaded(spool):
    do(spool, service.mark_loaded)
    print_from(spool, 1_000_000)
    assert now(spool).state == "loaded"
    do(spool, service.mark_unloaded)
    assert now(spool).state == "empty"
    do(spool, service.set_weight, 50_000)
    assert now(spool).state == "open"
    do(spool, service.take_weight, 50_000)
    assert now(spool).state == "empty"


def test_loading_and_unloading_twice_is_nothing(spool):
    for _ in range(2):
        do(spool, service.mark_loaded)
    assert now(spool).state == "loaded"
    for _ in range(2):
        do(spool, service.mark_unloaded)
    assert now(spool).state == "open"
    do(spool, service.discard_spool)
    do(spool, service.mark_unloaded)
    assert now(spool).state == "discarded"
    with pytest.raises(DomainError, match="Bring it back"):
        do(spool, service.mark_loaded)


def test_said_to_be_empty_takes_what_the_books_had_and_shows_it(spool):
    do(spool, service.empty_spool)
    assert (now(spool).state, now(spool).remaining_mg) == ("empty", 0)
    with read_only(spool.shop_id) as db:
        (line,) = db.scalars(select(StockEntry).where(StockEntry.spool_id == spool.id, StockEntry.delta_mg < 0))
    assert line.is_discrepancy
    with unit_of_work(spool.shop_id) as db:
        service.undo_entry(db, line.id)
    assert (now(spool).state, now(spool).remaining_mg) == ("open", 1_000_000)


@pytest.mark.parametrize("opened", [True, False])
def test_discarding_books_what_was_left_and_undoing_brings_it_back(spool, opened):
    if opened:
        do(spool, service.open_spool)
    line = do(spool, service.discard_spool)
    roll = now(spool)
    assert (roll.state, roll.remaining_mg, roll.archived_at is not None) == ("discarded", 0, True)
    assert booked(spool)[-1] == ("discarded", -1_000_000)
    with unit_of_work(spool.shop_id) as db:
        service.undo_entry(db, line.id)
    roll = now(spool)
    assert (roll.state, roll.remaining_mg, roll.archived_at) == ("open" if opened else "sealed", 1_000_000, None)
    with read_only(spool.shop_id) as db:
        assert queries.drifted_spools(db) == []


def test_a_discarded_roll_is_restored_with_what_was_on_it_as_often_as_it_is_discarded(spool):
    for _ in range(2):
        do(spool, service.discard_spool)
        do(spool, service.restore_spool)
        assert (now(spool).state, now(spool).remaining_mg) == ("sealed", 1_000_000)


def test_undoing_other_lines_does_not_bring_a_discarded_roll_back(spool):
    some = do(spool, service.take_weight, 30_000, cause="discarded")
    do(spool, service.discard_spool)
    with unit_of_work(spool.shop_id) as db:
        service.undo_entry(db, some.id)
    assert (now(spool).state, now(spool).remaining_mg) == ("discarded", 30_000)
    do(spool, service.restore_spool)
    assert now(spool).remaining_mg == 1_000_000


@pytest.mark.parametrize("what", ["set", "add", "scale"])
def test_nothing_is_weighed_onto_a_discarded_roll(spool, olga, what):
    page = olga.get(f"/filament/spools/{spool.id}")
    do(spool, service.discard_spool)
    form = page.one("form.weigh")
    sent = {"what": what, "grams": "100", "tare": "10"}
    assert olga.post(form["action"], sent).status == 409
    assert booked(spool)[-1] == ("discarded", -1_000_000)
    do(spool, service.restore_spool)
    assert now(spool).remaining_mg == 1_000_000


def test_an_empty_roll_may_be_discarded_too(spool):
    do(spool, service.empty_spool)
    do(spool, service.discard_spool)
    assert booked(spool)[-1] == ("discarded", 0)
    do(spool, service.restore_spool)
    assert now(spool).state == "empty"


def test_who_finds_a_discarded_roll_empty_on_an_old_page_loses_nothing_of_it(olga, spool):
    do(spool, service.discard_spool)
    assert olga.post(f"/filament/spools/{spool.id}/empty").status == 409
    assert now(spool).state == "discarded"
    do(spool, service.restore_spool)
    assert (now(spool).state, now(spool).remaining_mg) == ("sealed", 1_000_000)


def test_two_people_who_discard_one_roll_at_once_book_it_once(app, spool):
    barrier, said = Barrier(2), []

    def discard() -> None:
        with app.app_context():
            barrier.wait()
            try:
                do(spool, service.discard_spool)
                said.append("discarded")
            except DomainError as problem:
                said.append(problem.sentence)

    people = [Thread(target=discard) for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(said) == ["Somebody has discarded this roll already.", "discarded"]
    assert booked(spool) == [("received", 1_000_000), ("discarded", -1_000_000)]


@pytest.mark.parametrize("gone", [service.discard_spool, service.empty_spool, service.archive_spool])
def test_a_roll_that_is_gone_or_empty_lies_in_no_printer(spool, gone):
    with unit_of_work(spool.shop_id) as db:
        slot = load(db, make_printer(db).id, spool.id)
    do(spool, service.mark_loaded)
    do(spool, gone)
    assert now(spool).state != "loaded"
    with read_only(spool.shop_id) as db:
        assert db.get_one(PrinterSlot, slot.id).spool_id is None


def test_a_printer_that_goes_leaves_its_rolls_on_the_shelf(spool):
    with unit_of_work(spool.shop_id) as db:
        printer = make_printer(db)
        load(db, printer.id, spool.id)
    assert now(spool).state == "loaded"
    with unit_of_work(spool.shop_id) as db:
        fleet.archive_printer(db, printer.id)
    assert now(spool).state == "open"


def test_what_is_on_order_weighs_nothing_until_it_comes(black):
    with unit_of_work(black.shop_id) as db:
        roll = service.order_spool(
            db, black.id, facts=service.SpoolFacts(initial_mg=750_000, expected_on=utc_now().date())
        )
    assert (now(roll).state, now(roll).remaining_mg, booked(roll)) == ("on order", 0, [])
    with read_only(black.shop_id) as db:
        assert queries.stock_totals(db).low == queries.list_spools(db, low=True).total == 0
    for refused in (service.discard_spool, service.empty_spool, service.open_spool):
        with pytest.raises(DomainError):
            do(roll, refused)
    do(roll, service.receive_ordered)
    assert (now(roll).state, now(roll).remaining_mg) == ("sealed", 750_000)
    assert booked(roll) == [("received", 750_000)]
    do(roll, service.set_weight, 50_000)
    with read_only(black.shop_id) as db:
        assert now(roll).is_low
        assert queries.stock_totals(db).low == queries.list_spools(db, low=True).total == 1
    with pytest.raises(DomainError, match="here already"):
        do(roll, service.receive_ordered)


def test_who_puts_an_ordered_roll_into_a_printer_has_it(black):
    with unit_of_work(black.shop_id) as db:
        roll = service.order_spool(db, black.id, facts=service.SpoolFacts())
    do(roll, service.mark_loaded)
    assert (now(roll).state, now(roll).remaining_mg) == ("loaded", 1_000_000)


def test_an_ordered_roll_that_was_put_away_is_in_stock_when_it_comes_after_all(olga, black):
    """Its order was taken back by one person while another one unpacked it."""
    with unit_of_work(black.shop_id) as db:
        roll = service.order_spool(db, black.id, facts=service.SpoolFacts())
        service.archive_spool(db, roll.id)
    assert olga.post(f"/filament/spools/{roll.id}/come").status == 303
    assert (now(roll).state, now(roll).archived_at) == ("sealed", None)
    with read_only(black.shop_id) as db:
        assert queries.stock_by_filament(db)[black.id] >= 1_000_000


DEEDS = {
    "open": service.open_spool,
    "dry": service.note_dried,
    "load": service.mark_loaded,
    "unload": service.mark_unloaded,
    "empty": service.empty_spool,
    "discard": service.discard_spool,
    "restore": service.restore_spool,
    "archive": service.archive_spool,
    "weigh": lambda db, spool_id: service.set_weight(db, spool_id, 123_000),
    "take": lambda db, spool_id: service.take_weight(db, spool_id, 100_000),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*DEEDS, "print"]), max_size=10))
def test_whatever_people_do_the_state_and_the_weight_agree(black, deeds):
    with unit_of_work(black.shop_id) as db:
        spool = service.add_spool(db, black.id, weight_mg=300_000)
    for deed in deeds:
        try:
            print_from(spool, 150_000) if deed == "print" else do(spool, DEEDS[deed])
        except DomainError:
            continue
    roll = now(spool)
    if roll.state in ("sealed", "open"):
        assert roll.remaining_mg > 0
    if roll.state in ("empty", "discarded"):
        assert roll.remaining_mg == 0 or roll.state == "discarded"
    if roll.state == "discarded":
        assert roll.archived_at is not None
    assert (roll.opened_on is None) or roll.state != "sealed"
    with read_only(black.shop_id) as db:
        assert queries.drifted_spools(db) == []


@pytest.mark.parametrize("deed", [service.discard_spool, service.archive_spool])
def test_a_roll_that_comes_back_brings_its_filament(black, deed):
    """Nothing of an archived filament would be found, offered or counted."""
    with unit_of_work(black.shop_id) as db:
        spool = service.add_spool(db, black.id, weight_mg=300_000)
        deed(db, spool.id)
        service.archive_filament(db, black.id)
    do(spool, service.restore_spool)
    with read_only(black.shop_id) as db:
        assert service.find_filament(db, black.id).archived_at is None
    assert (now(spool).remaining_mg, now(spool).archived_at) == (300_000, None)
