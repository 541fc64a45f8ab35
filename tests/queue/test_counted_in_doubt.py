"""A roll is counted while nobody knows how the print does that it feeds: the count knows what the print took, also when the
books hear of it later. Whatever a person then says of the print, no gram leaves the roll twice, and undoing is exact.
"""

from datetime import timedelta

import pytest
from sqlalchemy import select

from printfarm.core.clock import utc_now
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament import service as filament
from printfarm.filament.models import Spool, StockEntry
from printfarm.fleet.models import Hub, Printer, PrinterSlot
from printfarm.queue import service
from printfarm.queue.models import PrintRun
from tests.fleet.rolls import make_roll
from tests.queue.test_counted_meanwhile import GRAM, lines, waiting, weight
from tests.queue.test_feeds import at, begin, end, put

SETTLED = {
    "completed": ({}, 20),
    "failed": ({}, 6),
    "cancelled": ({}, 6),
    "weighed": ({1: 15 * GRAM}, 15),
    "less": ({1: 2 * GRAM}, 2),
    "never-started": ({}, 0),
}


def doubt(world, run, layer=30):
    """It was printing, was seen in this layer last, and then nobody knows how it goes."""
    at(world, run, layer)
    end(world, run, "unknown", layer=layer, total_layers=100)


def silence(world):
    with unit_of_work(world.shop_id) as db:
        hub = db.get_one(Hub, db.get_one(Printer, world.printer_id).hub_id)
        hub.last_seen_at = utc_now().replace(year=2020)


def settle(world, run, how):
    used_mg, _ = SETTLED[how]
    outcome = {"weighed": "completed", "less": "failed"}.get(how, how)
    with unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, outcome, used_mg=used_mg)


def count(world, grams, spool_id=None):
    with unit_of_work(world.shop_id) as db:
        return filament.set_weight(db, spool_id or world.spool_id, grams * GRAM)


def it_was_this_roll(world):
    """An empty roll is in no printer any more: who fed the print after that is for a person to say."""
    with unit_of_work(world.shop_id) as db:
        line = filament_queries.unassigned_entries(db).items[0]
        return filament.resolve_unassigned(db, line.id, world.spool_id)


def of_the_print(world, run):
    """What stands in the ledger as taken by a print, all rolls together."""
    with read_only(world.shop_id) as db:
        mine = select(StockEntry).where(StockEntry.run_id == run.id, StockEntry.cause != "weighed")
        found = list(db.scalars(mine))
        beside = set(db.scalars(select(StockEntry.id).where(StockEntry.cause == "weighed")))
        return -sum(one.delta_mg for one in found if one.undoes_id not in beside)


@pytest.mark.parametrize("how", SETTLED)
@pytest.mark.parametrize("lost", ["needs a look", "hub is silent", "before the start was seen"])
def test_the_scale_knew_it_already(world, how, lost):
    run = begin(world)  # 20 g in 100 layers
    if lost == "needs a look":
        doubt(world, run)
    elif lost == "hub is silent":
        at(world, run, 30)
        silence(world)
    else:
        silence(world)
    count(world, 980)
    settle(world, run, how)
    used = 0 if lost == "before the start was seen" and how in {"failed", "cancelled"} else SETTLED[how][1]
    assert of_the_print(world, run) == used * GRAM
    assert (weight(world), waiting(world)) == (980 * GRAM, 0)


def test_counted_several_times_the_last_one_counts(world):
    run = begin(world)
    doubt(world, run)
    for grams in (900, 984, 980):
        count(world, grams)
    settle(world, run, "completed")
    assert (weight(world), of_the_print(world, run)) == (980 * GRAM, 20 * GRAM)


def test_a_print_that_ended_while_nobody_listened_was_over_when_the_roll_was_weighed(world):
    run = begin(world)
    at(world, run, 30)
    silence(world)
    count(world, 980)
    end(world, run, layer=100, total_layers=100, ended_while_offline=True)
    assert (weight(world), of_the_print(world, run)) == (980 * GRAM, 20 * GRAM)


@pytest.mark.parametrize(("begun_hours_before", "least", "most"), [(9, 979, 980), (0, 966, 967)])
def test_a_print_that_went_on_takes_the_rest_by_the_clock(world, begun_hours_before, least, most):
    """It was heard of again, and told itself that it ended: the clock says how much of it came before the count."""
    run = begin(world)
    doubt(world, run)
    entry = count(world, 980)
    with unit_of_work(world.shop_id) as db:
        db.get_one(PrintRun, run.id).started_at = entry.created_at - timedelta(hours=begun_hours_before)
    end(world, run, layer=100, total_layers=100)
    assert of_the_print(world, run) == 20 * GRAM
    assert least * GRAM <= weight(world) <= most * GRAM, "what it was seen to take before is the least"


def test_what_a_roll_lacked_is_not_asked_for_twice(world):
    """It was found empty, and the books had less than the print took."""
    count(world, 4)
    run = begin(world)
    doubt(world, run, layer=10)
    with unit_of_work(world.shop_id) as db:
        filament.empty_spool(db, world.spool_id)
    settle(world, run, "completed")
    assert (weight(world), waiting(world), of_the_print(world, run)) == (0, 18 * GRAM, 20 * GRAM)
    it_was_this_roll(world)
    assert (weight(world), waiting(world)) == (0, 0)


def test_thrown_away_and_brought_back(world):
    run = begin(world)
    doubt(world, run)
    with unit_of_work(world.shop_id) as db:
        filament.discard_spool(db, world.spool_id)
    settle(world, run, "completed")
    it_was_this_roll(world)
    assert (weight(world), waiting(world)) == (0, 0)
    with unit_of_work(world.shop_id) as db:
        filament.restore_spool(db, world.spool_id)
    assert (weight(world), of_the_print(world, run)) == (980 * GRAM, 20 * GRAM)


def test_wound_over_is_no_count(world):
    """Nobody weighed anything: what the print took is missing on one of the two rolls, and waits for a person."""
    run = begin(world)
    doubt(world, run)
    with unit_of_work(world.shop_id) as db:
        beside = filament.add_spool(db, db.get_one(Spool, world.spool_id).filament_id, weight_mg=100 * GRAM)
        filament.merge_spools(db, beside.id, world.spool_id)
    settle(world, run, "completed")
    assert (weight(world), weight(world, beside.id), waiting(world)) == (0, 1094 * GRAM, 14 * GRAM)


@pytest.mark.parametrize("first", ["count", "print"])
def test_taken_back_in_any_order_nothing_is_left_of_it(world, alice, first):
    run = begin(world)
    doubt(world, run)
    counted = count(world, 970)
    settle(world, run, "completed")
    assert weight(world) == 970 * GRAM
    with read_only(world.shop_id) as db:
        booked = list(db.scalars(select(StockEntry.id).where(StockEntry.cause == "print")))
    order = [counted.id, *booked] if first == "count" else [*booked, counted.id]
    for number, entry_id in enumerate(order):
        with unit_of_work(world.shop_id) as db:
            filament.undo_entry(db, entry_id)
        if number == 0 and first == "count":
            assert weight(world) == 980 * GRAM, "as if nobody had counted: the print's 20 g are gone"
    assert (weight(world), of_the_print(world, run)) == (1000 * GRAM, 0)


def test_a_count_that_was_taken_back_before_the_end_counts_for_nothing(world):
    run = begin(world)
    doubt(world, run)
    entry = count(world, 700)
    with unit_of_work(world.shop_id) as db:
        filament.undo_entry(db, entry.id)
    settle(world, run, "completed")
    assert (weight(world), of_the_print(world, run)) == (980 * GRAM, 20 * GRAM)


def test_the_line_beside_says_why_and_is_not_taken_back_alone(world, alice):
    run = begin(world)
    doubt(world, run)
    count(world, 980)
    settle(world, run, "completed")
    page = alice.get(f"/filament/spools/{world.spool_id}")
    assert "Taken before the roll was counted" in page.text
    with read_only(world.shop_id) as db:
        beside = db.scalars(select(StockEntry).where(StockEntry.cause_key.startswith("counted:"))).one()
    assert beside.delta_mg == 14 * GRAM
    assert page.all(f"#entry-{beside.id} form") == []
    assert alice.post(f"/filament/entries/{beside.id}/undo", {}).status == 409
    assert weight(world) == 980 * GRAM


@pytest.mark.parametrize("weighed", [25, 10, 0])
@pytest.mark.parametrize("when", ["in doubt", "half way", "afterwards"])
def test_what_a_print_used_is_corrected_after_the_roll_was_counted(world, when, weighed):
    run = begin(world)
    at(world, run, 50)
    if when == "in doubt":
        doubt(world, run, layer=50)
    if when != "afterwards":
        count(world, 800)
        end(world, run, layer=100, total_layers=100, ended_while_offline=True)
    else:
        end(world, run, layer=100, total_layers=100)
        count(world, 800)
    after = {"half way": 0.5}.get(when, 0)
    for grams in (weighed, 13, weighed) if weighed else (13, 0, 0):
        with unit_of_work(world.shop_id) as db:
            service.weigh_run(db, run.id, {1: grams * GRAM})
        assert of_the_print(world, run) == grams * GRAM
        assert weight(world) == (800 - after * grams) * GRAM
    assert waiting(world) == 0


def test_less_than_was_booked_until_the_count(world):
    run = begin(world)
    at(world, run, 50)
    count(world, 900)
    end(world, run, "failed", layer=20, total_layers=100)
    assert (weight(world), of_the_print(world, run)) == (900 * GRAM, 4 * GRAM)


def test_unknown_weight_is_shared_out_by_the_clock(world):
    """The file says nothing of the grams; the roll is counted in the middle, and a person says at the end what it took."""
    run = begin(world, needs={1: (world.filament_id, None)})
    at(world, run, 50)
    entry = count(world, 900)
    end(world, run, layer=100, total_layers=100)
    with unit_of_work(world.shop_id) as db:
        row = db.get_one(PrintRun, run.id)
        row.started_at = entry.created_at - timedelta(hours=1)
        row.ended_at = entry.created_at + timedelta(hours=1)
    with unit_of_work(world.shop_id) as db:
        service.weigh_run(db, run.id, {1: 30 * GRAM})
    assert (weight(world), of_the_print(world, run)) == (885 * GRAM, 30 * GRAM)


def test_grams_without_a_roll_go_to_one_that_was_counted_since(world):
    other = make_roll(world.shop_id, "Other", "#121212")
    with unit_of_work(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one()
        slot.spool_id, slot.reported_material, slot.reported_colour_hex = None, "PLA", "#101010"
    run = begin(world)
    end(world, run, layer=100, total_layers=100)
    count(world, 980)
    moved = it_was_this_roll(world)
    assert (weight(world), waiting(world)) == (980 * GRAM, 0)
    with unit_of_work(world.shop_id) as db:
        filament.undo_entry(db, moved.id)
    assert (weight(world), waiting(world)) == (980 * GRAM, 20 * GRAM)
    assert weight(world, other.id) == 1000 * GRAM


def test_of_two_rolls_only_the_counted_one_keeps_its_grams(world):
    other = make_roll(world.shop_id, "Other", "#121212")
    run = begin(world)
    at(world, run, 40)
    put(world, "A1", other.id)
    doubt(world, run, layer=60)
    count(world, 500, other.id)
    settle(world, run, "completed")
    assert (weight(world), weight(world, other.id)) == (992 * GRAM, 500 * GRAM)
    assert lines(world)[-1] == ("print", -8 * GRAM, False)
    assert of_the_print(world, run) == 20 * GRAM
