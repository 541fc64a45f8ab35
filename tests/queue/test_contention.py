"""Two people at once, with real threads on both databases: one wins, the other gets a sentence, nothing is half done."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from hub import protocol
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, Unavailable
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament import service as filament
from printfarm.filament.models import Spool, StockEntry
from printfarm.fleet.models import Command, Printer, PrinterSlot
from printfarm.fleet.service import apply_status, archive_printer, assign_spool, set_maintenance
from printfarm.fleet.service.commands import mark_sent
from printfarm.queue import service
from printfarm.queue.models import ACTIVE_RUN_STATES, PrintJob, PrintRun
from printfarm.queue.service import feasibility
from tests.fleet.rolls import CHIP, make_roll, place
from tests.support.factories import World, keep_report, load, make_printer, report, tell_of

Action = Callable[[object], object]


@pytest.fixture
def job(world: World):
    with unit_of_work(world.shop_id) as db:
        return service.add_jobs(db, world.plate_id)[0]


@pytest.fixture
def together(ctx, world):
    """Do several things at the same moment, each in its own thread and transaction; what each gave, or its refusal."""

    def run(*actions: Action) -> list[object]:
        ready = threading.Barrier(len(actions))

        def do(action: Action) -> object:
            with ctx.app_context():
                ready.wait(5)
                try:
                    with unit_of_work(world.shop_id) as db:
                        return action(db)
                except Unavailable:
                    raise  # each waited for the other
                except DomainError as refusal:
                    return refusal

        with ThreadPoolExecutor(len(actions)) as pool:
            return list(pool.map(do, actions))

    return run


@pytest.fixture
def overtaken(ctx, world):
    """The second begins while the first has done its work and not committed yet; what the second gave, or its refusal."""

    def run(first: Action, second: Action) -> object:
        begun = threading.Event()

        def late() -> object:
            with ctx.app_context():
                begun.set()
                try:
                    with unit_of_work(world.shop_id) as db:
                        return second(db)
                except Unavailable:
                    raise  # each waited for the other
                except DomainError as refusal:
                    return refusal

        with ThreadPoolExecutor(1) as pool:
            with unit_of_work(world.shop_id) as db:
                first(db)
                db.flush()
                answer = pool.submit(late)
                assert begun.wait(5)
                threading.Event().wait(0.3)  # long enough to read what is committed, and to wait for our locks
            return answer.result(10)

    return run


def refusals(answers):
    return [one for one in answers if isinstance(one, DomainError)]


def active_runs(world):
    with read_only(world.shop_id) as db:
        return db.scalar(select(func.count()).select_from(PrintRun).where(PrintRun.state.in_(ACTIVE_RUN_STATES)))


def test_four_people_start_one_job_on_one_printer_and_it_starts_once(world, job, together):
    answers = together(*[lambda db: service.start_job(db, job.id, world.printer_id)] * 4)
    assert len(refusals(answers)) == 3
    assert active_runs(world) == 1
    with read_only(world.shop_id) as db:
        assert db.scalar(select(func.count()).select_from(Command)) == 1


def test_two_jobs_are_not_started_on_one_printer(world, job, together):
    with unit_of_work(world.shop_id) as db:
        other = service.add_jobs(db, world.plate_id)[0]
    answers = together(
        lambda db: service.start_job(db, job.id, world.printer_id),
        lambda db: service.start_job(db, other.id, world.printer_id),
    )
    assert [str(one) for one in refusals(answers)] != []
    assert active_runs(world) == 1
    with read_only(world.shop_id) as db:
        assert sorted(db.scalars(select(PrintJob.state))) == ["processing", "queued"]


def test_one_job_is_not_started_on_two_printers(world, job, together):
    with unit_of_work(world.shop_id) as db:
        second = make_printer(db, name="Berta")
        load(db, second.id, filament.add_spool(db, world.filament_id, weight_mg=500_000).id)
    answers = together(
        lambda db: service.start_job(db, job.id, world.printer_id),
        lambda db: service.start_job(db, job.id, second.id),
    )
    assert len(refusals(answers)) == 1
    assert active_runs(world) == 1


def test_cancelling_a_job_that_is_being_started_is_refused(world, job, overtaken):
    answer = overtaken(
        lambda db: service.start_job(db, job.id, world.printer_id), lambda db: service.cancel_job(db, job.id)
    )
    assert isinstance(answer, DomainError)
    with read_only(world.shop_id) as db:
        assert db.get_one(PrintJob, job.id).state == "processing"


def test_starting_a_job_that_is_being_cancelled_is_refused(world, job, overtaken):
    answer = overtaken(
        lambda db: service.cancel_job(db, job.id), lambda db: service.start_job(db, job.id, world.printer_id)
    )
    assert isinstance(answer, DomainError)
    assert active_runs(world) == 0


def test_no_print_starts_on_a_printer_that_is_being_put_away(world, job, overtaken):
    answer = overtaken(
        lambda db: archive_printer(db, world.printer_id), lambda db: service.start_job(db, job.id, world.printer_id)
    )
    assert isinstance(answer, DomainError)
    assert active_runs(world) == 0


def test_no_print_starts_on_a_printer_that_goes_into_maintenance(world, job, overtaken):
    answer = overtaken(
        lambda db: set_maintenance(db, world.printer_id, on=True),
        lambda db: service.start_job(db, job.id, world.printer_id),
    )
    assert "in maintenance" in str(answer)
    assert active_runs(world) == 0


def test_a_stop_while_the_start_leaves_asks_the_printer_instead_of_taking_it_back(world, job, overtaken):
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id)
        start = db.scalars(select(Command)).one()
    overtaken(lambda db: mark_sent(db, start.id), lambda db: service.stop_run(db, run.id))
    with read_only(world.shop_id) as db:
        assert db.get_one(PrintRun, run.id).state == "starting"
        assert [(one.kind, one.state) for one in db.scalars(select(Command).order_by(Command.created_at))] == [
            ("print_command", "sent"),
            ("printer_command", "pending"),
        ]


def test_a_start_that_is_being_taken_back_is_not_sent(world, job, overtaken):
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id)
        start = db.scalars(select(Command)).one()
    assert overtaken(lambda db: service.stop_run(db, run.id), lambda db: mark_sent(db, start.id)) is False


def test_a_persons_word_and_the_printers_end_a_run_once(world, job, together):
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "unknown", layer=50, total_layers=100)
    together(
        lambda db: service.settle_run(db, run.id, "failed"),
        lambda db: report(db, world.printer_id, run.code, "completed"),
    )
    with read_only(world.shop_id) as db:
        ended, spool = db.get_one(PrintRun, run.id), db.get_one(Spool, world.spool_id)
        assert ended.state in {"failed", "completed"}
        assert db.get_one(PrintJob, job.id).state == ended.state
        assert spool.remaining_mg == (990_000 if ended.state == "failed" else 980_000)
        assert filament_queries.drifted_spools(db) == []


def test_many_movers_lose_no_job_and_share_no_place(world, together):
    with unit_of_work(world.shop_id) as db:
        ids = [one.id for one in service.add_jobs(db, world.plate_id, quantity=6)]

    def move(which, after):
        return lambda db: service.move_job(db, ids[which], after=after)

    for _ in range(3):
        together(move(5, None), move(4, None), move(3, ids[0]), move(2, ids[0]))
    with read_only(world.shop_id) as db:
        places = list(db.scalars(select(PrintJob.place).where(PrintJob.state == "queued")))
    assert len(places) == len(set(places)) == 6


def test_adding_and_moving_at_once_waits_for_nobody_in_a_circle(world, job, together):
    answers = together(
        *[lambda db: service.add_jobs(db, world.plate_id, quantity=3)] * 3,
        *[lambda db: service.move_job(db, job.id, after=None)] * 2,
        feasibility.recompute,
    )
    assert refusals(answers) == []


def test_grams_taken_from_one_roll_at_once_are_all_booked(world, together):
    together(*[lambda db: filament.take_weight(db, world.spool_id, 1_000)] * 5)
    with read_only(world.shop_id) as db:
        assert db.get_one(Spool, world.spool_id).remaining_mg == 995_000
        assert filament_queries.drifted_spools(db) == []


def test_one_line_of_the_ledger_is_undone_once(world, together):
    with unit_of_work(world.shop_id) as db:
        line = filament.take_weight(db, world.spool_id, 1_000)
    answers = together(*[lambda db: filament.undo_entry(db, line.id)] * 3)
    assert [str(one) for one in refusals(answers)] == ["This line has been undone already."] * 2
    with read_only(world.shop_id) as db:
        assert db.get_one(Spool, world.spool_id).remaining_mg == 1_000_000
        assert db.scalar(select(func.count()).where(StockEntry.cause == "undo")) == 1


def test_a_bed_that_is_not_clear_yet_stops_a_start_at_the_same_moment(world, job, overtaken):
    def soil(db):
        db.get_one(Printer, world.printer_id, with_for_update=True).bed_cleared = False

    answer = overtaken(soil, lambda db: service.start_job(db, job.id, world.printer_id))
    assert "bed not cleared" in str(answer)


@pytest.mark.parametrize("chip", [False, True], ids=["by hand", "by its chip"])
def test_a_roll_that_is_changed_while_its_print_ends_loses_no_gram_and_hangs_nobody(ctx, world, job, together, chip):
    other = make_roll(world.shop_id, "Other", "#121212", tag=CHIP if chip else None)
    with unit_of_work(world.shop_id) as db:
        db.get_one(Spool, world.spool_id).tag = "C2" * 16
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one().id
        run = service.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "running", layer=50, total_layers=100)
    said = protocol.PrinterStatus(
        printer_id=str(world.printer_id),
        connection="online",
        state="printing",
        confirmed=True,
        at=utc_now(),
        slots=[place(0, tag=CHIP)],
    )

    def change(db):
        return apply_status(db, world.printer_id, said) if chip else assign_spool(db, slot, other.id)

    answers = together(change, lambda db: report(db, world.printer_id, run.code, "completed"))
    assert [answer for answer in answers if isinstance(answer, DomainError)] == []
    with read_only(world.shop_id) as db:
        assert filament_queries.drifted_spools(db) == []
        taken = select(func.sum(StockEntry.delta_mg)).where(StockEntry.run_id == run.id)
        assert db.scalar(taken) == -20_000
        assert db.get_one(PrinterSlot, slot).spool_id == other.id


def test_a_printers_status_and_its_report_wait_for_each_other_in_no_circle(ctx, world, job):
    """A report is written before its run is locked; a status locks the run, then the printer, which the report refers to."""
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
    said = protocol.PrinterStatus(
        printer_id=str(world.printer_id), connection="online", state="printing", confirmed=True, at=utc_now(), slots=[]
    )

    def status() -> object:
        with ctx.app_context(), unit_of_work(world.shop_id) as db:
            return apply_status(db, world.printer_id, said)

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work(world.shop_id) as db:
            kept = keep_report(db, world.printer_id, run.code, "completed")
            meanwhile = pool.submit(status)
            threading.Event().wait(0.5)  # until it has the run, and waits for the printer if it must
            tell_of(db, kept)
        assert meanwhile.result(10) is None
    with read_only(world.shop_id) as db:
        assert db.get_one(PrintJob, job.id).state == "completed"
