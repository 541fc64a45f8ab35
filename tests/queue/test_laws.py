"""Whatever people and printers do, and in whatever order: nothing is started, promised or booked twice."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament import service as filament
from printfarm.filament.models import Filament, Promise, Spool, StockEntry
from printfarm.fleet.models import Command, Printer
from printfarm.fleet.service.commands import fail_command, mark_sent
from printfarm.queue import service
from printfarm.queue.models import ACTIVE_RUN_STATES, OPEN_JOB_STATES, PrintJob, PrintRun, RunFilament
from tests.support.factories import report

ENDED = {"completed", "failed", "cancelled"}
# What a run's state says of its job. While a run waits or is in doubt the job stays where it was.
JOB_OF_RUN = {"running": {"printing"}, "paused": {"paused"}, "starting": {"processing", "uploaded"}}
SAYS = ("sending", "accepted", "running", "paused", "unknown", "completed", "failed", "cancelled")
STEPS = st.one_of(
    st.tuples(st.just("report"), st.sampled_from(SAYS), st.integers(0, 100)),
    st.tuples(st.just("late"), st.sampled_from(SAYS), st.integers(0, 100)),
    st.tuples(
        st.sampled_from(("start", "cancel", "retry", "stop", "pause", "send", "give up", "repeat")), st.integers(0, 1)
    ),
    st.tuples(st.just("settle"), st.sampled_from(("completed", "failed", "cancelled", "never-started"))),
    st.tuples(st.just("weigh"), st.integers(0, 40_000)),
    st.tuples(st.just("count"), st.integers(0, 1_000_000)),
)


class Shop:
    """The moves of a test: each is one transaction, and refusals are fine."""

    def __init__(self, world):
        self.world = world
        with unit_of_work(world.shop_id) as db:
            db.get_one(Printer, world.printer_id).bed_cleared = True
            self.jobs = [job.id for job in service.add_jobs(db, world.plate_id, quantity=2)]
            self.runs = []

    def do(self, step):
        kind, *facts = step
        try:
            with unit_of_work(self.world.shop_id) as db:
                getattr(self, kind.replace(" ", "_"))(db, *facts)
        except DomainError:
            pass

    def start(self, db, which):
        db.get_one(Printer, self.world.printer_id).bed_cleared = True
        self.runs.append(service.start_job(db, self.jobs[which], self.world.printer_id, accept_short=True).id)

    def cancel(self, db, which):
        service.cancel_job(db, self.jobs[which])

    def retry(self, db, which):
        service.retry_job(db, self.jobs[which])

    def repeat(self, db, which):
        service.repeat_job(db, self.jobs[which])

    def stop(self, db, _):
        service.stop_run(db, self._latest())

    def pause(self, db, _):
        service.pause_run(db, self._latest())

    def settle(self, db, outcome):
        service.settle_run(db, self._latest(), outcome)

    def weigh(self, db, mg):
        service.weigh_run(db, self._latest(), {1: mg})

    def count(self, db, mg):
        filament.set_weight(db, self.world.spool_id, mg)

    def send(self, db, _):
        for command in db.scalars(select(Command).where(Command.state == "pending")).all():
            mark_sent(db, command.id)

    def give_up(self, db, _):
        for command in db.scalars(select(Command).where(Command.state == "pending")).all():
            fail_command(db, command, "never_sent", "Nobody was there.")

    def report(self, db, state, percent):
        self._say(db, self._latest(), state, percent)

    def late(self, db, state, percent):
        if self.runs:
            self._say(db, self.runs[0], state, percent)

    def _say(self, db, run_id, state, percent):
        run = db.get_one(PrintRun, run_id)
        report(db, self.world.printer_id, run.code, state, percent=percent, layer=percent, total_layers=100)

    def _latest(self):
        if not self.runs:
            raise DomainError("nothing has been started")
        return self.runs[-1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=14))
@example([("start", 0), ("retry", 0)])
@example([("start", 0), ("report", "accepted", 13), ("retry", 0)])
@example([("start", 0), ("report", "unknown", 30), ("count", 900_000), ("settle", "completed"), ("weigh", 9_000)])
def test_the_laws_hold(world, steps):
    shop = Shop(world)
    for step in steps:
        shop.do(step)
    with read_only(world.shop_id) as db:
        _one_active_run_each(db)
        _jobs_agree_with_their_runs(db)
        _promised_exactly_for_open_jobs(db)
        _booked_once_and_in_full(db)
        assert filament_queries.drifted_spools(db) == []
    with unit_of_work(world.shop_id) as db:  # the next example shares the printer
        for run_id in db.scalars(select(PrintRun.id).where(PrintRun.state.in_(ACTIVE_RUN_STATES))).all():
            db.get_one(PrintRun, run_id).state = "unknown"
            db.flush()
            service.settle_run(db, run_id, "cancelled")


def _one_active_run_each(db):
    for column in (PrintRun.job_id, PrintRun.printer_id):
        active = select(func.count()).where(PrintRun.state.in_(ACTIVE_RUN_STATES)).group_by(column)
        assert all(count == 1 for count in db.scalars(active))


def _jobs_agree_with_their_runs(db):
    runs = {run.job_id: run for run in db.scalars(select(PrintRun).order_by(PrintRun.created_at, PrintRun.id))}
    for job in db.scalars(select(PrintJob)):
        latest = runs.get(job.id)
        if latest is None:
            assert job.state in {"queued", "cancelled"}
        elif latest.state in ENDED:
            assert job.state in {latest.state, "queued", "cancelled"}
        else:
            assert job.state in JOB_OF_RUN.get(latest.state, set(OPEN_JOB_STATES) - {"queued"}), latest.state
        assert (job.ended_at is not None) == (job.state in ENDED)
        assert sum(run.parts_made for run in job.runs) == sum(run.state == "completed" for run in job.runs)


def _promised_exactly_for_open_jobs(db):
    promised = set(db.scalars(select(Promise.cause_id)))
    assert promised == set(db.scalars(select(PrintJob.id).where(PrintJob.state.in_(OPEN_JOB_STATES))))


def _booked_once_and_in_full(db):
    for run in db.scalars(select(PrintRun)):
        assert (run.booked_at is not None) == (run.state in ENDED)
    used = db.scalar(select(func.coalesce(func.sum(RunFilament.used_mg), 0)))
    undone = set(db.scalars(select(StockEntry.undoes_id).where(StockEntry.undoes_id.is_not(None))))
    ended = set(db.scalars(select(PrintRun.id).where(PrintRun.booked_at.is_not(None))))
    lines = db.scalars(select(StockEntry).where(StockEntry.cause.in_(("print", "failed print"))))
    taken = [one for one in lines if one.id not in undone]
    assert used == -sum(one.delta_mg for one in taken if one.run_id in ended)
    # A person may have said what the roll holds; whatever is not a print's is theirs.
    counted = db.scalars(select(StockEntry).where(StockEntry.cause.in_(("correction", "weighed"))))
    said = sum(one.delta_mg for one in counted if one.id not in undone)
    spools = db.scalar(select(func.sum(Spool.initial_mg - Spool.remaining_mg)))
    assert -sum(one.delta_mg for one in taken) == said + spools + db.scalar(select(func.sum(Filament.unassigned_mg)))
