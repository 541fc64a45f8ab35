"""When the printer's word is missing: who may say how a print ended, and what follows from it."""

import pytest
from sqlalchemy import select

from printfarm.core.bus import remember_telemetry
from printfarm.core.clock import utc_now
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Promise
from printfarm.fleet.models import Command, Hub, Printer
from printfarm.fleet.service.commands import fail_command, find_command, mark_sent, unanswered
from printfarm.queue import service
from printfarm.queue.models import JobEvent, PrintJob, PrintRun
from printfarm.queue.states import NotFromHere
from tests.queue.following import left, now, tell


def story(world, job):
    with read_only(world.shop_id) as db:
        return [event.sentence for event in db.scalars(select(JobEvent).where(JobEvent.job_id == job.id))]


def silence_hub(world):
    """Its process died: nobody said goodbye, so the printer still counts as online in the table."""
    with unit_of_work(world.shop_id) as db:
        hub = db.get_one(Hub, db.get_one(Printer, world.printer_id).hub_id)
        hub.last_seen_at = utc_now().replace(year=2020)


def test_a_run_whose_hub_never_comes_back_is_settled_by_a_person(world, job, run, olga):
    tell(world, run, "running")
    assert olga.get(f"/queue/jobs/{job.id}").all("#settle") == []
    silence_hub(world)
    form = olga.get(f"/queue/jobs/{job.id}").one("#settle form")
    assert olga.post(form["action"], {"outcome": "completed"}).status == 303
    assert now(world, job).state == "completed"
    assert left(world) == 980_000


def test_never_started_takes_back_a_start_that_nobody_acknowledged(world, job, run):
    with unit_of_work(world.shop_id) as db:
        mark_sent(db, db.scalars(select(Command)).one().id)
    silence_hub(world)
    with unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "never-started")
    with read_only(world.shop_id) as db:
        waiting = unanswered(db, db.get_one(Printer, world.printer_id).hub_id)
        assert [one.body["action"] for one in waiting] == ["stop"], (
            "the start is not sent again, and a stop goes after it"
        )
        assert waiting[0].body["run_code"] == run.code
    assert now(world, job).state == "queued"


def test_a_job_that_never_started_keeps_its_place(world, job, run):
    with unit_of_work(world.shop_id) as db:
        service.add_jobs(db, world.plate_id, quantity=2)
    before = now(world, job).place
    tell(world, run, "unknown")
    with unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "never-started")
    again = now(world, job)
    assert (again.place, again.ended_at) == (before, None)
    with read_only(world.shop_id) as db:
        assert db.scalar(select(Promise.needed_mg).where(Promise.cause_id == job.id)) == 20_000


def test_a_failure_that_a_person_reports_books_by_what_was_seen_last(world, job, run):
    tell(world, run, "running", layer=0, total_layers=100)
    with read_only(world.shop_id) as db:
        remember_telemetry(
            world.shop_id, "printer", world.printer_id, {"run_code": run.code, "layer": 75, "total_layers": 100}
        )
    silence_hub(world)
    with unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "failed")
    assert left(world) == 985_000


def test_a_part_that_a_person_found_finished_lies_on_the_bed(world, job, run):
    tell(world, run, "unknown")
    with unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "completed")
    with read_only(world.shop_id) as db:
        assert not db.get_one(Printer, world.printer_id).bed_cleared


def test_a_print_that_ended_while_nobody_listened_is_booked_and_gates_the_bed(world, job, run):
    tell(world, run, "failed", layer=50, total_layers=100, ended_while_offline=True)
    assert left(world) == 990_000
    with read_only(world.shop_id) as db:
        assert not db.get_one(Printer, world.printer_id).bed_cleared


def test_what_the_printer_says_after_the_end_is_written_down_and_changes_nothing(world, job, run):
    tell(world, run, "unknown", layer=10, total_layers=100)
    with unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "failed", used_mg={1: 3_000})
    for _ in range(2):
        tell(world, run, "completed", layer=100)
    late = [line for line in story(world, job) if line.startswith("After the end")]
    assert late == ["After the end the printer said: completed."]
    ended = now(world, run)
    assert (ended.state, ended.layer) == ("failed", 10)
    assert left(world) == 997_000


def test_a_start_that_can_never_be_sent_fails_its_job_with_the_reason(world, job, run):
    with unit_of_work(world.shop_id) as db:
        command = db.scalars(select(Command)).one()
        fail_command(db, find_command(db, command.id), "cannot_be_sent", "The stored access code cannot be opened.")
    assert now(world, job).state == "failed"
    assert "The stored access code cannot be opened." in story(world, job)
    assert left(world) == 1_000_000


def test_a_start_that_was_sent_and_cannot_be_sent_again_needs_a_look(world, job, run):
    with unit_of_work(world.shop_id) as db:
        command = db.scalars(select(Command)).one()
        mark_sent(db, command.id)
        fail_command(db, find_command(db, command.id), "cannot_be_sent", "The file is gone.")
    assert now(world, run).state == "unknown"


def test_a_pause_that_the_printer_did_not_take_is_told(world, job, run, olga):
    tell(world, run, "running")
    with unit_of_work(world.shop_id) as db:
        service.pause_run(db, run.id)
        asked = db.scalars(select(Command).where(Command.kind == "printer_command")).one()
        fail_command(db, asked, "refused", "It is busy heating.")
    assert now(world, run).state == "running"
    assert "The printer did not pause: It is busy heating." in olga.get(f"/queue/jobs/{job.id}").text


def test_a_run_that_has_ended_is_not_settled_again(world, job, run):
    tell(world, run, "running")
    tell(world, run, "completed")
    with pytest.raises(NotFromHere, match="has ended"), unit_of_work(world.shop_id) as db:
        service.settle_run(db, run.id, "failed")
    assert (now(world, run).state, left(world)) == ("completed", 980_000)


def test_stopping_a_paused_print_waits_for_the_printers_word(world, job, run):
    for state in ("running", "paused"):
        tell(world, run, state, layer=30, total_layers=100)
    with unit_of_work(world.shop_id) as db:
        mark_sent(db, db.scalars(select(Command)).one().id)
        service.stop_run(db, run.id)
    assert now(world, job).state == "paused"
    tell(world, run, "cancelled", layer=30, total_layers=100)
    assert now(world, job).state == "cancelled"
    assert left(world) == 994_000


def test_a_retried_job_comes_back_where_it_stood(world, job, run):
    with unit_of_work(world.shop_id) as db:
        behind = service.add_jobs(db, world.plate_id)[0]
    tell(world, run, "failed", sentence="The card is full.")
    with unit_of_work(world.shop_id) as db:
        service.move_job(db, behind.id, after=None)
        service.retry_job(db, job.id)
    with read_only(world.shop_id) as db:
        waiting = select(PrintJob.id).where(PrintJob.state == "queued").order_by(PrintJob.place, PrintJob.id)
        places = list(db.scalars(select(PrintJob.place)))
        assert set(db.scalars(waiting)) == {behind.id, job.id}
        assert len(set(places)) == 2


def test_the_same_plate_once_more_after_it_finished(world, job, run, olga):
    tell(world, run, "running")
    tell(world, run, "completed")
    shown = olga.get(f"/queue/jobs/{job.id}")
    form = shown.one("form[action$='/repeat']")
    assert olga.post(form["action"], {}).status == 303
    with read_only(world.shop_id) as db:
        assert sorted(db.scalars(select(PrintJob.state))) == ["completed", "queued"]
        assert db.scalar(select(PrintRun.parts_made)) == 1
