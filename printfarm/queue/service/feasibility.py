"""Can it be printed? What each waiting job needs against what is there less what earlier jobs are promised, and per printer why
not. Stored with its age, recomputed by one debounced background job; a start checks its own job again.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload

from printfarm.core.background import enqueue_after_commit
from printfarm.core.clock import utc_now
from printfarm.core.events import emit
from printfarm.core.owed import due_of, owe_at_commit, renew
from printfarm.core.tenancy import shop_of
from printfarm.filament.models import Filament
from printfarm.filament.queries import stock_by_filament
from printfarm.fleet.queries import printer_facts
from printfarm.library.models import Plate
from printfarm.queue.events import FeasibilityComputed
from printfarm.queue.fitting import PrinterVerdict
from printfarm.queue.models import ACTIVE_RUN_STATES, OPEN_JOB_STATES, JobOption, PrintJob, PrintRun
from printfarm.queue.service.jobs import needs_of
from printfarm.queue.service.judging import judge_plates

JOB = "jobs.queue.recompute_feasibility"
OWED = "recompute-feasibility"  # subject: the shop
RENEW_S = 300  # some reasons come and go with time alone: a hub that falls silent says nothing about it


@dataclass(frozen=True)
class FilamentVerdict:
    """One filament of one job. `available_mg` is what lies there less what earlier jobs are promised, and may be negative."""

    filament_id: str
    name: str
    colour_hex: str
    needed_mg: int
    in_stock_mg: int
    promised_mg: int
    available_mg: int

    @property
    def enough(self) -> bool:
        return self.available_mg >= self.needed_mg


def recompute_later(db: Session) -> None:
    """Something changed that decides what can be printed."""
    shop_id = shop_of(db)
    owe_at_commit(db, OWED, shop_id, within_s=5)
    enqueue_after_commit(db, JOB, shop_id, unique=True)


def recompute(db: Session) -> int:
    """Work out every open job anew, in the order of the queue; returns how many. Five statements, however many jobs.

    Only verdicts that changed are written and shown; the age of all is renewed by one statement. What is owed is written last,
    as everybody else writes it last: in another order we and somebody who changes a job would wait for each other.
    """
    owed_until = due_of(db, OWED, shop_of(db))
    jobs = _open_jobs(db)
    stock, filaments_by_id = stock_by_filament(db), {filament.id: filament for filament in db.scalars(select(Filament))}
    names = {filament.id: filament_name(filament) for filament in filaments_by_id.values()}
    printers, busy = printer_facts(db), busy_printers(db)
    promised: dict[UUID, int] = defaultdict(int)
    plates = {job.options[0].plate.id: job.options[0].plate for job in jobs}
    verdicts = judge_plates(db, list(plates.values()), printers, busy, names)
    changed = False
    for job in jobs:
        plate = job.options[0].plate
        filaments = []
        for filament_id, needed in needs_of(plate).items():
            filaments.append(
                _weigh(filaments_by_id[filament_id], needed, stock.get(filament_id, 0), promised[filament_id])
            )
            promised[filament_id] += needed
        found = _stored(plate, filaments, verdicts[plate.id])
        if found != job.feasibility:
            job.feasibility, changed = found, True
    db.execute(update(PrintJob).where(PrintJob.id.in_([job.id for job in jobs])).values(feasible_at=utc_now()))
    if changed:
        emit(db, FeasibilityComputed(shop_id=shop_of(db)))
    if owed_until is not None:
        db.flush()
        renew(db, OWED, shop_of(db), due_at=owed_until, within_s=RENEW_S)
    return len(jobs)


def filament_name(filament: Filament) -> str:
    """What people call it."""
    return f"{filament.brand} {filament.material} {filament.colour_name}".strip()


def busy_printers(db: Session) -> set[UUID]:
    """Printers with an active run of ours."""
    return set(db.scalars(select(PrintRun.printer_id).where(PrintRun.state.in_(ACTIVE_RUN_STATES))))


def _open_jobs(db: Session) -> list[PrintJob]:
    return list(
        db.scalars(
            select(PrintJob)
            .where(PrintJob.state.in_(OPEN_JOB_STATES))
            # What prints already takes its filament before everything that waits, wherever it stands in the list.
            .order_by(PrintJob.state == "queued", PrintJob.place, PrintJob.id)
            .options(selectinload(PrintJob.options).selectinload(JobOption.plate).selectinload(Plate.requirements))
        )
    )


def _weigh(filament: Filament, needed: int, in_stock: int, promised: int) -> FilamentVerdict:
    return FilamentVerdict(
        filament_id=str(filament.id),
        name=filament_name(filament),
        colour_hex=filament.colour_hex,
        needed_mg=needed,
        in_stock_mg=in_stock,
        promised_mg=promised,
        available_mg=in_stock - promised,
    )


def _stored(plate: Plate, filaments: list[FilamentVerdict], verdicts: list[PrinterVerdict]) -> dict[str, Any]:
    return {
        "filaments": [{**asdict(one), "enough": one.enough} for one in filaments],
        "enough": all(one.enough for one in filaments),
        "decided": all(need.filament_id is not None for need in plate.requirements),
        "weight_known": all(need.total_mg is not None for need in plate.requirements),
        "printers": [
            {
                "id": str(verdict.printer.id),
                "name": verdict.printer.name,
                "fits": verdict.fits,
                "ready": verdict.ready,
                "short": bool(verdict.short),
                "never": verdict.never,
                "reasons": verdict.reasons,
                "notes": verdict.notes,
            }
            for verdict in verdicts
        ],
    }
