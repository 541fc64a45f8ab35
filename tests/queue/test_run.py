"""From the queue to the end of a run: started once, followed, booked once."""

import pytest
from sqlalchemy import select

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament.models import Promise, StockEntry
from printfarm.fleet.models import Command, Printer, PrinterSlot
from printfarm.fleet.service.commands import expire_command
from printfarm.queue import service
from printfarm.queue.models import PrintJob, PrintRun, RunFilament
from printfarm.queue.service.dispatch import CannotStart
from printfarm.queue.states import NotFromHere
from tests.queue.following import left, now, tell
from tests.support.factories import make_plate, report


def test_a_start_makes_a_run_and_its_command_in_one_transaction(world, job, run):
    with read_only(world.shop_id) as db:
        command = db.scalars(select(Command)).one()
        assert command.run_id == run.id
        assert command.body["run_code"] == run.code
        assert command.body["ams_mapping"] == [0]
        assert command.body["use_ams"] is True
    assert now(world, job).state == "processing"


def test_a_job_is_not_started_twice(world, job, run):
    with pytest.raises(NotFromHere), unit_of_work(world.shop_id) as db:
        service.start_job(db, job.id, world.printer_id)
    with unit_of_work(world.shop_id) as db:
        other = service.add_jobs(db, world.plate_id)[0]
    with pytest.raises(CannotStart, match="busy"), unit_of_work(world.shop_id) as db:
        service.start_job(db, other.id, world.printer_id)


def test_a_finished_run_books_its_grams_once_and_counts_the_part(world, job, run):
    for state in ("sending", "accepted", "running"):
        tell(world, run, state)
    assert now(world, job).state == "printing"
    for _ in range(3):
        tell(world, run, "completed")
    assert now(world, job).state == "completed"
    assert now(world, run).parts_made == 1
    assert left(world) == 980_000
    with read_only(world.shop_id) as db:
        assert db.scalars(select(Promise)).all() == []
        assert not db.get_one(Printer, world.printer_id).bed_cleared


def test_a_failed_run_books_what_was_extruded_by_its_layer(world, job, run):
    tell(world, run, "running")
    tell(world, run, "failed", layer=25, total_layers=100, percent=60, sentence="Spaghetti was detected.")
    assert left(world) == 995_000
    assert now(world, job).state == "failed"


def test_a_run_that_never_began_books_nothing(world, job, run):
    tell(world, run, "failed", sentence="The card is full.")
    assert left(world) == 1_000_000
    with read_only(world.shop_id) as db:
        assert db.get_one(Printer, world.printer_id).bed_cleared


def test_a_report_after_the_end_changes_nothing(world, job, run):
    tell(world, run, "running")
    tell(world, run, "completed")
    tell(world, run, "running")
    tell(world, run, "failed", layer=3, total_layers=100)
    assert now(world, job).state == "completed"
    assert left(world) == 980_000


def test_the_spool_that_was_in_the_slot_at_the_start_pays(world, job, run):
    with unit_of_work(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one()
        slot.spool_id = None
    tell(world, run, "running")
    tell(world, run, "completed")
    assert left(world) == 980_000


def test_a_failed_job_is_tried_again_with_a_new_run(world, job, run):
    tell(world, run, "running")
    tell(world, run, "failed", layer=10, total_layers=100)
    with unit_of_work(world.shop_id) as db:
        service.retry_job(db, job.id)
        db.get_one(Printer, world.printer_id).bed_cleared = True
    with unit_of_work(world.shop_id) as db:
        again = service.start_job(db, job.id, world.printer_id)
    assert again.code != run.code
    tell(world, again, "running")
    tell(world, again, "completed")
    assert left(world) == 978_000


def test_an_uncleared_bed_refuses_the_next_start_with_the_reason(world, job, run):
    tell(world, run, "running")
    tell(world, run, "completed")
    with unit_of_work(world.shop_id) as db:
        other = service.add_jobs(db, world.plate_id)[0]
    with pytest.raises(CannotStart, match="bed not cleared"), unit_of_work(world.shop_id) as db:
        service.start_job(db, other.id, world.printer_id)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"printer_model_id": "BL-P001"}, "sliced for"),
        ({"nozzle_mm": "0.60"}, "needs a 0.6 mm nozzle"),
    ],
)
def test_a_plate_that_does_not_fit_says_why(world, facts, reason):
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs={1: (world.filament_id, 10_000)}, **facts)
        other = service.add_jobs(db, plate.id)[0]
    with pytest.raises(CannotStart, match=reason), unit_of_work(world.shop_id) as db:
        service.start_job(db, other.id, world.printer_id)


def test_too_little_on_the_spool_needs_a_yes(world):
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs={1: (world.filament_id, 1_200_000)})
        other = service.add_jobs(db, plate.id)[0]
    with pytest.raises(CannotStart, match="has 1000 g"), unit_of_work(world.shop_id) as db:
        service.start_job(db, other.id, world.printer_id)
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, other.id, world.printer_id, accept_short=True)
    tell(world, run, "running")
    tell(world, run, "completed")
    assert left(world) == 0
    with read_only(world.shop_id) as db:
        waiting = db.scalars(select(StockEntry).where(StockEntry.spool_id.is_(None))).one()
        assert waiting.delta_mg == -200_000


def test_stopping_before_the_hub_took_it_ends_the_job_and_sends_nothing(world, job, run):
    with unit_of_work(world.shop_id) as db:
        service.stop_run(db, run.id)
    assert now(world, job).state == "cancelled"
    with read_only(world.shop_id) as db:
        assert db.scalars(select(Command)).one().state == "failed"
    assert left(world) == 1_000_000


def test_stopping_a_running_print_asks_the_printer_and_waits_for_its_word(world, job, run):
    tell(world, run, "running")
    with unit_of_work(world.shop_id) as db:
        db.scalars(select(Command)).one().state = "acknowledged"
        service.stop_run(db, run.id)
    assert now(world, run).state == "running"
    tell(world, run, "cancelled", layer=50, total_layers=100)
    assert now(world, job).state == "cancelled"
    assert left(world) == 990_000


def test_a_start_that_could_not_be_sent_goes_back_into_the_queue(world, job, run):
    with unit_of_work(world.shop_id) as db:
        command = db.scalars(select(Command)).one()
        command.expires_at = command.created_at
        db.flush()
        expire_command(db, command.id)
    assert now(world, job).state == "queued"
    assert now(world, run).state == "cancelled"
    assert left(world) == 1_000_000


def test_an_unknown_run_blocks_until_a_person_settles_it(world, job, run):
    tell(world, run, "running")
    tell(world, run, "unknown", layer=40, total_layers=100)
    with unit_of_work(world.shop_id) as db:
        other = service.add_jobs(db, world.plate_id)[0]
    with pytest.raises(CannotStart), unit_of_work(world.shop_id) as db:
        service.start_job(db, other.id, world.printer_id)
    with unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "failed", used_mg={1: 7_500})
    assert left(world) == 992_500
    assert now(world, job).state == "failed"


def test_never_started_puts_the_job_back_and_books_nothing(world, job, run):
    tell(world, run, "unknown")
    with unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "never-started")
    assert now(world, job).state == "queued"
    assert left(world) == 1_000_000
    with read_only(world.shop_id) as db:
        assert [promise.needed_mg for promise in db.scalars(select(Promise))] == [20_000]


def test_a_run_that_reports_by_itself_cannot_be_settled_by_hand(world, job, run):
    tell(world, run, "running")
    with pytest.raises(DomainError, match="reports by itself"), unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "completed")


def test_an_unassigned_slot_books_to_the_filament(world):
    with unit_of_work(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one()
        slot.spool_id, slot.reported_material, slot.reported_colour_hex = None, "PLA", "#101010"
        job = service.add_jobs(db, world.plate_id)[0]
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id)
    tell(world, run, "running")
    tell(world, run, "completed")
    assert left(world) == 1_000_000
    with read_only(world.shop_id) as db:
        assert filament_queries.count_unassigned(db) == 1
        assert db.scalars(select(RunFilament)).one().used_mg == 20_000


def test_a_report_about_another_printers_run_changes_nothing(world, job, run):
    from tests.support.factories import make_printer

    with unit_of_work(world.shop_id) as db:
        other = make_printer(db, name="Berta")
        report(db, other.id, run.code, "completed")
        report(db, world.printer_id, "PF-STRANGER", "completed")
    assert now(world, job).state == "processing"
    assert left(world) == 1_000_000
    with read_only(world.shop_id) as db:
        assert len(db.scalars(select(PrintRun)).all()) == 1
        assert len(db.scalars(select(PrintJob)).all()) == 1
