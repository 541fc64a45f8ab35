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
from printfarm.filament.models import Spool
from printfarm.queue import service
from printfarm.queue.models import JobEvent, PrintRun, RunFilament
from tests.support.factories import World, make_world, report


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


def test_what_is_used_outside_of_our_prints_is_booked(app, world, run, program):
    url = f"/spool/{number(app, world)}/use"
    end(app, world, run)
    with time_machine.travel(utc_now() + timedelta(minutes=5), tick=True):
        assert program.put(url, {"use_weight": 30}).status_code == 200
        assert left(app, world) == 950_000


def test_another_roll_is_booked_meanwhile(app, run, roll, program):
    told = program.put(f"/spool/{roll.number}/use", {"use_weight": 30}).json
    assert told["remaining_weight"] == 970


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
