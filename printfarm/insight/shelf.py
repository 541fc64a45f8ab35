"""What runs out, and at which job: the stock against what the queue is promised, walked in the queue's order."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from printfarm.filament.models import Filament, Promise
from printfarm.filament.queries import Supply, lying_by_filament, supply_of
from printfarm.queue.models import OPEN_JOB_STATES, PrintJob

SHOWN = 6


@dataclass(frozen=True)
class Crossing:
    """The job at which a filament runs out. `nth` counts the jobs that need this filament, from 1, in the queue's order.
    `minutes`: from now until then (printfarm.insight.when), where anybody can tell; for a job that still waits the earliest.
    """

    job_id: UUID
    job_name: str
    nth: int
    minutes: int | None = None
    waits: bool = False


@dataclass(frozen=True)
class Lasting:
    """A filament that open jobs are promised. Weights in milligrams; `free_mg` below zero is what is missing."""

    filament: Filament
    stock_mg: int
    promised_mg: int
    jobs: int
    runs_out: Crossing | None
    supply: Supply | None = None  # of one that runs out: what is on its way

    @property
    def free_mg(self) -> int:
        return self.stock_mg - self.promised_mg


def what_lasts(db: Session) -> list[Lasting]:
    """The filaments that the queue needs, the scarcest first: three statements, however long the queue is."""
    stock = lying_by_filament().subquery()
    promised = (
        select(Promise.filament_id, func.sum(Promise.needed_mg).label("mg"), func.count().label("jobs"))
        .group_by(Promise.filament_id)
        .subquery()
    )
    lying = func.coalesce(stock.c.mg, 0)
    rows = db.execute(
        select(Filament, lying, promised.c.mg, promised.c.jobs)
        .join(promised, promised.c.filament_id == Filament.id)
        .outerjoin(stock, stock.c.filament_id == Filament.id)
        .order_by(lying - promised.c.mg, Filament.id)
        .limit(SHOWN)
    ).all()
    crossings = _crossings(db, [filament.id for filament, *_ in rows])
    supplies = supply_of(db, crossings) if crossings else {}
    return [
        Lasting(filament, int(stock_mg), int(needed_mg), jobs, crossings.get(filament.id), supplies.get(filament.id))
        for filament, stock_mg, needed_mg, jobs in rows
    ]


def _crossings(db: Session, filament_ids: list[UUID]) -> dict[UUID, Crossing]:
    """The first job of each filament whose grams, with those of all jobs before it, are more than there are."""
    # What prints takes its filament before everything that waits, wherever it stands in the list.
    order = (PrintJob.state == "queued", PrintJob.place, PrintJob.id)
    walked = (
        select(
            Promise.filament_id,
            Promise.needed_mg,
            PrintJob.id.label("job_id"),
            PrintJob.name.label("job_name"),
            func.sum(Promise.needed_mg).over(partition_by=Promise.filament_id, order_by=order).label("so_far"),
            func.row_number().over(partition_by=Promise.filament_id, order_by=order).label("nth"),
        )
        .join(PrintJob, PrintJob.id == Promise.cause_id)
        .where(PrintJob.state.in_(OPEN_JOB_STATES), Promise.filament_id.in_(filament_ids))
        .subquery()
    )
    stock = lying_by_filament().subquery()
    lying = func.coalesce(stock.c.mg, 0)
    first = or_(walked.c.so_far - walked.c.needed_mg <= lying, walked.c.nth == 1)
    rows = db.execute(
        select(walked.c.filament_id, walked.c.job_id, walked.c.job_name, walked.c.nth)
        .outerjoin(stock, stock.c.filament_id == walked.c.filament_id)
        .where(walked.c.so_far > lying, first)
    )
    return {row.filament_id: Crossing(row.job_id, row.job_name, row.nth) for row in rows}
