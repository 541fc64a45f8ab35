"""A slot of a print that was fed from several rolls: each is booked once, for what it gave."""

from uuid import UUID

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.files.models import FileScan
from printfarm.fleet import service as fleet
from printfarm.fleet.models import PrinterSlot
from printfarm.library.models import Variant
from printfarm.queue import service
from printfarm.queue.models import JobEvent, PrintRun, RunFeed
from tests.fleet.rolls import CHIP, make_roll, place, say, slot_id
from tests.support.factories import World, load, make_plate, report

USES = [[50, {"1": 0.8}], [100, {"1": 1.0}]]  # the first half of the layers takes four fifths


@pytest.fixture
def other(world: World) -> Spool:
    """A second roll, on the shelf."""
    return make_roll(world.shop_id, "Other", "#121212")


def begin(world: World, *, uses: list | None = None, needs: dict | None = None) -> PrintRun:
    """A print of 20 g in 100 layers from A1 has begun."""
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs=needs or {1: (world.filament_id, 20_000)}, layers=100)
        if uses is not None:
            file_id = db.scalars(select(Variant.file_id).where(Variant.id == plate.variant_id)).one()
            found = {"plate": 1, "split_g": {}, "use_by_layer": uses, "layers": 100, "warnings": []}
            db.add(FileScan(file_id=file_id, state="done", result={"plates": [found]}))
        job = service.add_jobs(db, plate.id)[0]
        run = service.start_job(db, job.id, world.printer_id, accept_short=True)
        report(db, world.printer_id, run.code, "running")
        return run


def at(world: World, run: PrintRun, layer: int | None, *slots, percent: int | None = None, **more) -> None:
    """The printer reports where it is and what it prints from."""
    values = {
        "run_code": run.code,
        "layer": layer,
        "total_layers": 100,
        "percent": percent,
        "state": "printing",
        **more,
    }
    say(world.shop_id, world.printer_id, *(slots or (place(0, loaded=True),)), **values)


def end(world: World, run: PrintRun, state: str = "completed", **facts) -> None:
    with unit_of_work(world.shop_id) as db:
        report(db, world.printer_id, run.code, state, **facts)


def put(world: World, label: str, spool_id: UUID | None) -> None:
    slot = slot_id(world.shop_id, world.printer_id, label)
    with unit_of_work(world.shop_id) as db:
        fleet.assign_spool(db, slot, spool_id)


def taken(world: World) -> dict[UUID | None, int]:
    """Milligrams by roll, as the ledger has them; None: waiting for a person."""
    with read_only(world.shop_id) as db:
        assert filament_queries.drifted_spools(db) == []
        lines = db.scalars(select(StockEntry).where(StockEntry.cause.in_(("print", "failed print", "undo", "moved"))))
        found: dict[UUID | None, int] = {}
        for line in lines:
            found[line.spool_id] = found.get(line.spool_id, 0) - line.delta_mg
        return {spool_id: mg for spool_id, mg in found.items() if mg}


def feeds(world: World) -> list[tuple[int | None, UUID | None]]:
    with read_only(world.shop_id) as db:
        return [(one.layer, one.spool_id) for one in db.scalars(select(RunFeed).order_by(RunFeed.at, RunFeed.id))]


def test_a_run_out_change_is_booked_to_both_spools_by_layer(world, other):
    """Pain 16: a change after a run-out was charged to one spool."""
    run = begin(world)
    at(world, run, 60)
    put(world, "A1", other.id)
    end(world, run)
    assert taken(world) == {world.spool_id: 12_000, other.id: 8_000}


def test_by_the_counted_layers_where_the_moves_are_counted(world, other):
    run = begin(world, uses=USES)
    at(world, run, 50)
    put(world, "A1", other.id)
    end(world, run)
    assert taken(world) == {world.spool_id: 16_000, other.id: 4_000}


def test_usage_is_booked_to_the_slot_that_fed_and_not_to_the_one_that_was_asked_for(world, other):
    """Pain 17: usage was booked to the slicer's slot instead of the AMS slot."""
    with unit_of_work(world.shop_id) as db:
        load(db, world.printer_id, other.id, slot=1)
    run = begin(world)
    at(world, run, 0, place(0), place(1, loaded=True))
    at(world, run, 1, place(0), place(1, loaded=True))
    end(world, run)
    assert taken(world) == {other.id: 20_000}


def test_the_printer_switches_by_itself_to_a_roll_of_the_same(world, other):
    with unit_of_work(world.shop_id) as db:
        load(db, world.printer_id, other.id, slot=2)
    run = begin(world)
    at(world, run, 70)
    at(world, run, 75, place(0, ""), place(2))
    at(world, run, 75, place(0, ""), place(2, loaded=True))
    at(world, run, 90, place(0), place(2, loaded=True))
    end(world, run)
    assert taken(world) == {world.spool_id: 15_000, other.id: 5_000}
    assert feeds(world) == [(75, other.id)]


def test_back_to_the_first_roll_is_one_booking_per_roll(world, other):
    run = begin(world)
    for layer, spool_id in ((20, other.id), (50, world.spool_id), (90, other.id)):
        at(world, run, layer)
        put(world, "A1", spool_id)
    end(world, run)
    assert taken(world) == {world.spool_id: 12_000, other.id: 8_000}
    with read_only(world.shop_id) as db:
        lines = db.scalars(select(StockEntry).where(StockEntry.cause == "print")).all()
        assert len(lines) == 2
        assert len({line.cause_key for line in lines}) == 2


def test_several_colours_change_without_being_a_switch(world, other):
    with unit_of_work(world.shop_id) as db:
        load(db, world.printer_id, other.id, slot=1)
    needs = {1: (world.filament_id, 20_000), 2: (other.filament_id, 10_000)}
    run = begin(world, needs=needs)
    white = place(1, colour="EEEEEE")
    for layer in range(1, 20):
        first, second = place(0, loaded=layer % 2 == 0), white.model_copy(update={"loaded": layer % 2 == 1})
        at(world, run, layer, first, second)
    end(world, run)
    assert feeds(world) == []
    assert taken(world) == {world.spool_id: 20_000, other.id: 10_000}


def test_of_several_colours_the_one_that_ran_out_is_taken_over(world, other):
    third = make_roll(world.shop_id, "Third", "#101010")
    with unit_of_work(world.shop_id) as db:
        white = db.get_one(Filament, other.filament_id)
        white.colour_hex = "#FFFFFF"
        load(db, world.printer_id, other.id, slot=1)
        load(db, world.printer_id, third.id, slot=3)
    run = begin(world, needs={1: (world.filament_id, 20_000), 2: (other.filament_id, 10_000)})
    at(world, run, 25, place(0, ""), place(1, colour="FFFFFF"), place(3, loaded=True))
    end(world, run)
    assert taken(world) == {world.spool_id: 5_000, third.id: 15_000, other.id: 10_000}


def test_a_switch_that_nobody_can_place_is_told_and_moves_nothing(world, other):
    third = make_roll(world.shop_id, "Third", "#101010", material="PETG")
    with unit_of_work(world.shop_id) as db:
        load(db, world.printer_id, other.id, slot=1)
        load(db, world.printer_id, third.id, slot=3)
    run = begin(world, needs={1: (world.filament_id, 20_000), 2: (other.filament_id, 10_000)})
    for _ in range(3):
        at(world, run, 25, place(0), place(1, colour="EEEEEE"), place(3, "PETG", loaded=True))
        at(world, run, 26, place(0, loaded=True), place(1, colour="EEEEEE"), place(3, "PETG"))
    end(world, run)
    assert taken(world) == {world.spool_id: 20_000, other.id: 10_000}
    with read_only(world.shop_id) as db:
        told = [one for one in db.scalars(select(JobEvent.sentence).where(JobEvent.kind == "fed")) if "A4" in one]
        assert len(told) == 1


def test_what_lies_loaded_from_before_is_not_what_is_printed_from(world, other):
    with unit_of_work(world.shop_id) as db:
        load(db, world.printer_id, other.id, slot=1)
    run = begin(world)
    at(world, run, 0, place(0), place(1, loaded=True), state="preparing")
    at(world, run, 0, place(0), place(1, loaded=True))
    at(world, run, 1, place(0, loaded=True), place(1))
    end(world, run)
    assert taken(world) == {world.spool_id: 20_000}


def test_a_roll_taken_out_and_another_put_in_leaves_no_gap(world, other):
    run = begin(world)
    at(world, run, 40)
    put(world, "A1", None)
    at(world, run, 45)
    put(world, "A1", other.id)
    end(world, run)
    assert taken(world) == {world.spool_id: 8_000, other.id: 12_000}


def test_a_roll_taken_out_for_good_leaves_the_rest_to_a_person(world):
    run = begin(world)
    at(world, run, 75)
    put(world, "A1", None)
    end(world, run)
    assert taken(world) == {world.spool_id: 15_000, None: 5_000}


def test_naming_the_roll_in_the_middle_names_it_from_the_start(world, other):
    lying_in = slot_id(world.shop_id, world.printer_id, "A1")
    with unit_of_work(world.shop_id) as db:
        slot = db.get_one(PrinterSlot, lying_in)
        slot.spool_id, slot.reported_material, slot.reported_colour_hex = None, "PLA", "#111111"
    run = begin(world)
    at(world, run, 75)
    put(world, "A1", other.id)
    end(world, run)
    assert taken(world) == {other.id: 20_000}


def test_a_change_before_the_first_layer_is_the_whole_print(world, other):
    with unit_of_work(world.shop_id) as db:
        job = service.add_jobs(db, world.plate_id)[0]
        run = service.start_job(db, job.id, world.printer_id)
    put(world, "A1", other.id)
    with unit_of_work(world.shop_id) as db:
        report(db, world.printer_id, run.code, "running")
    end(world, run)
    assert taken(world) == {other.id: 20_000}


def test_a_print_that_stopped_books_only_what_came_by_then(world, other):
    run = begin(world, uses=USES)
    at(world, run, 25)
    put(world, "A1", other.id)
    end(world, run, "failed", layer=50, total_layers=100, percent=70)
    assert taken(world) == {world.spool_id: 8_000, other.id: 8_000}


def test_by_per_cent_where_the_printer_tells_no_layers(world, other):
    run = begin(world)
    at(world, run, None, percent=30, total_layers=None)
    put(world, "A1", other.id)
    end(world, run)
    assert taken(world) == {world.spool_id: 6_000, other.id: 14_000}


def test_by_what_the_printer_says_is_left_where_nobody_saw_the_change(world):
    chipped = make_roll(world.shop_id, "Chip", "#121212", tag=CHIP)
    run = begin(world)
    put(world, "A1", chipped.id)
    with unit_of_work(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == chipped.id)).one()
        slot.reported_tag, slot.reported_remain_percent = CHIP, 99
    end(world, run)
    assert feeds(world) == [(None, chipped.id)]
    assert taken(world) == {world.spool_id: 10_000, chipped.id: 10_000}


def test_else_the_first_roll_gives_what_it_held(world, other):
    with unit_of_work(world.shop_id) as db:
        fleet_roll = db.get_one(Spool, world.spool_id)
        filament_entry = StockEntry(
            filament_id=fleet_roll.filament_id, spool_id=fleet_roll.id, delta_mg=-995_000, cause="correction"
        )
        db.add(filament_entry)
        fleet_roll.remaining_mg -= 995_000
    run = begin(world)
    put(world, "A1", other.id)
    end(world, run)
    assert taken(world) == {world.spool_id: 5_000, other.id: 15_000}


@pytest.mark.parametrize("remain", [-1, 1000, 0, 100, None])
def test_what_a_printer_says_of_a_roll_that_was_taken_out_books_nothing(world, remain):
    """Pain 15: a spool removed in the middle of a print was booked as 1,000 g."""
    with unit_of_work(world.shop_id) as db:
        db.get_one(Spool, world.spool_id).tag = CHIP
    run = begin(world)
    at(world, run, 50, place(0, tag=CHIP, remain_percent=60, loaded=True))
    at(world, run, 51, place(0, "", remain_percent=remain, tag="0" * 32))
    at(world, run, 52, place(0, tag=CHIP, remain_percent=remain, loaded=True))
    end(world, run)
    assert taken(world) == {world.spool_id: 20_000}


def test_weighing_the_whole_divides_the_true_grams_among_the_rolls(world, other):
    run = begin(world)
    at(world, run, 60)
    put(world, "A1", other.id)
    end(world, run)
    for weighed in (30_000, 10_001, 20_000, 0, 20_000):
        with unit_of_work(world.shop_id) as db:
            service.weigh_run(db, run.id, {1: weighed})
        found = taken(world)
        assert sum(found.values()) == weighed
        assert found.get(world.spool_id, 0) == round(weighed * 0.6)


def test_a_roll_that_a_person_named_meanwhile_stays_named_when_it_is_weighed(world, other):
    run = begin(world)
    at(world, run, 50)
    put(world, "A1", None)
    end(world, run)
    with unit_of_work(world.shop_id) as db:
        waiting = db.scalars(select(StockEntry).where(StockEntry.spool_id.is_(None))).one()
        from printfarm.filament.service import resolve_unassigned

        resolve_unassigned(db, waiting.id, other.id)
    assert taken(world) == {world.spool_id: 10_000, other.id: 10_000}
    with unit_of_work(world.shop_id) as db:
        service.weigh_run(db, run.id, {1: 24_000})
    assert taken(world) == {world.spool_id: 12_000, other.id: 12_000}


def test_a_chip_that_shows_up_in_the_middle_is_a_change_too(world):
    chipped = make_roll(world.shop_id, "Chip", "#121212", tag=CHIP)
    with unit_of_work(world.shop_id) as db:
        db.get_one(Spool, world.spool_id).tag = "C2" * 16
    run = begin(world)
    at(world, run, 30, place(0, tag="C2" * 16, loaded=True))
    at(world, run, 80, place(0, ""), state="paused")
    at(world, run, 80, place(0, tag=CHIP), state="paused")
    at(world, run, 81, place(0, tag=CHIP, loaded=True))
    end(world, run)
    assert taken(world) == {world.spool_id: 16_000, chipped.id: 4_000}


def test_a_change_after_the_end_changes_nothing(world, other):
    run = begin(world)
    at(world, run, 99)
    end(world, run)
    put(world, "A1", other.id)
    assert feeds(world) == []
    assert taken(world) == {world.spool_id: 20_000}


def test_the_page_of_the_job_tells_which_roll_fed_what(world, other, bob):
    run = begin(world)
    at(world, run, 60)
    put(world, "A1", other.id)
    with read_only(world.shop_id) as db:
        codes = [db.get_one(Spool, one).code for one in (world.spool_id, other.id)]
    text = bob.get(f"/queue/jobs/{run.job_id}").one(f"#run-{run.id}").get_text(" ", strip=True)
    assert f"A1: spool {codes[0]} until layer 60, then {codes[1]}" in text
