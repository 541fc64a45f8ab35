"""A printer that PrintFarm drives may report its use through the Spoolman API as well: no gram is booked twice. Nor is a report
whose sender has given up waiting.
"""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from printfarm.core.clock import utc_now
from printfarm.core.errors import Unavailable
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool, StockEntry
from printfarm.fleet.models import Printer
from printfarm.queue import service
from printfarm.queue.models import JobEvent, PrintRun, RunFilament
from tests.support.factories import World, load, make_printer, make_world, report


@pytest.fixture
def world(app, shop) -> World:
    with app.app_context(), unit_of_work(shop.id) as db:
        return make_world(db, shop.id)


@pytest.fixture
def run(app, world) -> PrintRun:
    """A print of 20 g goes on."""
    with app.app_context(), unit_of_work(world.shop_id) as db:
        job = service.add_jobs(db, world.plate_id)[0]
        run = service.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
        return run


def left(app, world) -> int:
    with app.app_context(), unit_of_work(world.shop_id) as db:
        filament.book_reported(db, world.spool_id)
        return db.get_one(Spool, world.spool_id).remaining_mg


def number(app, world) -> int:
    with app.app_context(), read_only(world.shop_id) as db:
        return db.get_one(Spool, world.spool_id).number


def end(app, world, run) -> None:
    with app.app_context(), unit_of_work(world.shop_id) as db:
        report(db, world.printer_id, run.code, "completed")


def test_what_our_own_print_books_is_not_booked_when_the_machine_reports_it(app, world, run, program):
    url = f"/spool/{number(app, world)}/use"
    for grams in (4.0, 5.0, 6.0):
        assert program.put(url, {"use_weight": grams}).status_code == 200
    end(app, world, run)
    assert program.put(url, {"use_weight": 5.5}).status_code == 200  # what it gathered until the end
    assert left(app, world) == 980_000
    with app.app_context(), read_only(world.shop_id) as db:
        said = db.scalars(select(JobEvent.sentence).where(JobEvent.kind == "reported")).all()
    assert said == ["Moonraker on Voron reports what it uses as well. It is booked once: by this print, when it ends"]


def test_a_report_while_nobody_knows_how_our_print_is_doing_is_held_and_seen(app, world, run, program):
    """The machine may print something else by now: dropped without a word, those grams would be lost."""
    url = f"/spool/{number(app, world)}/use"
    with app.app_context(), unit_of_work(world.shop_id) as db:
        report(db, world.printer_id, run.code, "unknown")
    assert program.put(url, {"use_weight": 30}).json["remaining_weight"] == 1000
    assert left(app, world) == 1_000_000
    with app.app_context(), unit_of_work(world.shop_id) as db:
        (held,) = db.scalars(select(StockEntry).where(StockEntry.spool_id == world.spool_id, StockEntry.is_discrepancy))
        assert (held.delta_mg, held.reason[:42]) == (0, "Moonraker on Voron reports 30 g, not booke")
        assert "nobody knows how it is doing" in held.reason
        service.settle_run(db, run.id, "completed")
    assert left(app, world) == 980_000


def test_what_is_used_outside_of_our_prints_is_booked(app, world, run, program):
    url = f"/spool/{number(app, world)}/use"
    end(app, world, run)
    with time_machine.travel(utc_now() + timedelta(minutes=5), tick=True):
        assert program.put(url, {"use_weight": 30}).status_code == 200
        assert left(app, world) == 950_000


def test_another_roll_is_booked_meanwhile(app, run, roll, program):
    told = program.put(f"/spool/{roll.number}/use", {"use_weight": 30}).json
    assert told["remaining_weight"] == 970


def kept_apart(app, world, roll) -> list[str]:
    """What the ledger says of reports that were not booked."""
    with app.app_context(), unit_of_work(world.shop_id) as db:
        filament.book_reported(db, roll.id)
        assert db.get_one(Spool, roll.id).remaining_mg == 1_000_000
        lines = select(StockEntry).where(StockEntry.spool_id == roll.id, StockEntry.is_discrepancy)
        found = list(db.scalars(lines.order_by(StockEntry.created_at)))
        assert [one.delta_mg for one in found] == [0] * len(found)
        return [one.reason for one in found]


@pytest.mark.parametrize("where", ["it reports by itself", "it prints the same", "it lies there too"])
def test_a_report_of_another_roll_than_the_one_that_feeds_is_seen_and_not_booked(app, world, run, roll, program, where):
    """The program at the printer believes another roll to be in: the print's own booking is the one that counts."""
    with app.app_context(), unit_of_work(world.shop_id) as db:
        printer = db.get_one(Printer, world.printer_id)
        if where == "it reports by itself":
            printer.protocol = "moonraker"
        elif where == "it prints the same":
            db.get_one(Spool, roll.id).filament_id = world.filament_id
        else:
            load(db, printer.id, roll.id, slot=3)
    for grams in (4, 5):
        told = program.put(f"/spool/{roll.number}/use", {"use_weight": grams})
        assert (told.status_code, told.json["remaining_weight"]) == (200, 1000)
    end(app, world, run)
    assert left(app, world) == 980_000
    (said,) = kept_apart(app, world, roll)
    assert said.startswith("Moonraker on Voron reports 9 g, not booked. Benchy")
    assert "is fed from another roll and books its own grams" in said


def test_a_roll_in_a_printer_that_prints_nothing_of_ours_is_booked(app, world, run, roll, program):
    with app.app_context(), unit_of_work(world.shop_id) as db:
        db.get_one(Printer, world.printer_id).protocol = "moonraker"
        other = make_printer(db, name="Bella")
        load(db, other.id, roll.id)
    told = program.put(f"/spool/{roll.number}/use", {"use_weight": 30}).json
    assert told["remaining_weight"] == 970


def test_a_measured_number_that_comes_again_is_the_report_whose_answer_was_lost(app, shop, roll, program):
    url = f"/spool/{roll.number}/use"
    begun = utc_now()
    for seconds in (0, 1, 4, 12):
        with time_machine.travel(begun + timedelta(seconds=seconds), tick=True):
            assert program.put(url, {"use_weight": 3.141592}).status_code == 200
    with app.app_context(), unit_of_work(shop.id) as db:
        filament.book_reported(db, roll.id)
        lines = db.scalars(select(StockEntry).where(StockEntry.spool_id == roll.id).order_by(StockEntry.created_at))
        found = [(one.delta_mg, one.is_discrepancy) for one in lines][1:]
        assert found == [(-3_141, False), (0, True)]


def test_a_round_number_that_comes_again_later_is_another_one(app, roll, program):
    begun = utc_now()
    for seconds in (0, 4):
        with time_machine.travel(begun + timedelta(seconds=seconds), tick=True):
            told = program.put(f"/spool/{roll.number}/use", {"use_weight": 2.5}).json
    assert told["remaining_weight"] == 995


def test_a_print_of_unknown_weight_leaves_it_to_the_machine(app, world, run, program):
    with app.app_context(), unit_of_work(world.shop_id) as db:
        db.scalars(select(RunFilament)).one().planned_mg = None
    program.put(f"/spool/{number(app, world)}/use", {"use_weight": 30})
    assert left(app, world) == 970_000


def test_a_report_that_waited_too_long_is_refused_since_it_comes_again(app, shop, roll):
    with app.app_context():
        with pytest.raises(Unavailable, match="Report it again"), unit_of_work(shop.id) as db:
            arrived_at = utc_now() - timedelta(seconds=6)
            filament.report_use(db, roll.id, 10_000_000, said="x: 10 g", teller="Voron", arrived_at=arrived_at)
        with read_only(shop.id) as db:
            assert db.get_one(Spool, roll.id).remaining_mg == 1_000_000
            assert filament.reported_mg(db, [db.get_one(Spool, roll.id)]) == {}


def test_another_whole_weight_in_the_middle_of_a_print_loses_nothing_of_it(app, world, run, program):
    """It is no count of the roll: the print's grams are still to be booked."""
    spool = f"/spool/{number(app, world)}"
    with app.app_context(), unit_of_work(world.shop_id) as db:
        report(db, world.printer_id, run.code, "running", layer=50, total_layers=100, percent=50)
    assert program.patch(spool, {"initial_weight": 1200}).json["remaining_weight"] == 1200
    assert program.patch(spool, {"initial_weight": 900}).json["remaining_weight"] == 900
    end(app, world, run)
    assert left(app, world) == 880_000
