"""Print jobs: adding, cancelling, trying again, and the history that each keeps in words."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import locked
from printfarm.core.tenancy import shop_of
from printfarm.filament.service import forget_promises, promise
from printfarm.library.models import Plate
from printfarm.queue.events import JobChanged, JobsAdded
from printfarm.queue.models import ACTIVE_RUN_STATES, JobEvent, JobOption, PrintJob, PrintRun
from printfarm.queue.service.order import lock_queue, place_again, places_at_end
from printfarm.queue.states import move_job_state

MOST_AT_ONCE = 100


def find_job(db: Session, job_id: UUID) -> PrintJob:
    """Raises NotFound."""
    found = db.get(PrintJob, job_id)
    if found is None:
        raise NotFound("This job is not here. It may have been removed.")
    return found


def lock_job(db: Session, job_id: UUID) -> PrintJob:
    """The job as it is now, held until the transaction ends. Raises NotFound."""
    mine = select(PrintJob).where(PrintJob.id == job_id)
    found = db.scalar(locked(mine))
    if found is None:
        raise NotFound("This job is not here. It may have been removed.")
    return found


def add_jobs(
    db: Session, plate_id: UUID, *, quantity: int = 1, note: str = "", user_id: UUID | None = None
) -> list[PrintJob]:
    """Want a plate printed `quantity` times: as many jobs, at the end of the queue."""
    plate = db.get(
        Plate, plate_id, options=[selectinload(Plate.requirements), selectinload(Plate.variant)], populate_existing=True
    )
    if plate is None:
        raise NotFound("This plate is not here. It may have been removed.")
    if not plate.variant.sliced:
        raise DomainError("This is a project, not a sliced file. Slice it, upload the result, then queue that.")
    if not plate.printable:
        raise DomainError(
            "There is no whole G-code for this plate in the file. Slice it again, upload it, then queue that."
        )
    if not 1 <= quantity <= MOST_AT_ONCE:
        raise DomainError(f"Between 1 and {MOST_AT_ONCE} at once, please.")
    lock_queue(db)
    name = job_name(plate)
    jobs = [
        PrintJob(name=name, place=place, note=note.strip(), created_by=user_id) for place in places_at_end(db, quantity)
    ]
    db.add_all(jobs)
    db.flush()
    for job in jobs:
        db.add(JobOption(job_id=job.id, plate_id=plate.id))
        note_event(db, job, "added", "Added to the queue", user_id=user_id)
        promise(db, "print job", job.id, needs_of(plate))
    emit(db, JobsAdded(shop_id=shop_of(db)))
    return jobs


def cancel_job(db: Session, job_id: UUID, *, user_id: UUID | None = None) -> PrintJob:
    """Take a waiting or failed job out of the queue. One that a printer works on is stopped there first (runs.stop_run)."""
    job = lock_job(db, job_id)
    if active_run_of(db, job.id) is not None:
        raise DomainError("A printer is working on this job. Stop the print; the job ends when the printer confirms.")
    if move_job_state(job, "cancelled"):
        end_job(db, job, "Cancelled", user_id=user_id)
    return job


def retry_job(db: Session, job_id: UUID, *, user_id: UUID | None = None) -> PrintJob:
    """Put a failed or cancelled job back where it stood in the queue. Its runs stay; the next start makes a new one."""
    lock_queue(db)
    job = lock_job(db, job_id)
    if active_run_of(db, job.id) is not None:
        raise DomainError("A printer is working on this job. Look at the job again when that has ended.")
    if not move_job_state(job, "queued"):
        return job
    job.place, job.ended_at = place_again(db, job), None
    put_back(db, job, "Queued again", user_id=user_id)
    return job


def repeat_job(db: Session, job_id: UUID, *, user_id: UUID | None = None) -> PrintJob:
    """Want the same plate once more: a new job at the end of the queue, whatever became of this one."""
    job = find_job(db, job_id)
    plate = _plate_of(db, job.id)
    if plate is None:
        raise NotFound("The plate of this job is not here any more.")
    return add_jobs(db, plate.id, note=job.note, user_id=user_id)[0]


def put_back(db: Session, job: PrintJob, sentence: str, *, user_id: UUID | None = None) -> None:
    """What every way back into the queue has in common; the job's state has been set. Its filament is promised again."""
    job.feasibility = None
    plate = _plate_of(db, job.id)
    if plate is not None:
        promise(db, "print job", job.id, needs_of(plate))
    note_event(db, job, "queued", sentence, user_id=user_id)
    emit(db, JobChanged(shop_id=job.shop_id, job_id=job.id))


def promise_again(db: Session, variant_id: UUID) -> bool:
    """The plates of a variant need something else now: what waits to print them is promised that. False when nothing waits."""
    waiting = (
        select(PrintJob)
        .join(JobOption, JobOption.job_id == PrintJob.id)
        .join(Plate, Plate.id == JobOption.plate_id)
        .where(Plate.variant_id == variant_id, PrintJob.state == "queued")
    )
    jobs = list(db.scalars(locked(waiting.order_by(PrintJob.id), PrintJob)))
    for job in jobs:
        plate = _plate_of(db, job.id)
        if plate is not None:
            promise(db, "print job", job.id, needs_of(plate))
    return bool(jobs)


def _plate_of(db: Session, job_id: UUID) -> Plate | None:
    return db.scalar(
        select(Plate)
        .join(JobOption, JobOption.plate_id == Plate.id)
        .where(JobOption.job_id == job_id)
        .options(selectinload(Plate.requirements))
        .order_by(JobOption.position)
        .limit(1)
    )


def end_job(
    db: Session, job: PrintJob, sentence: str, *, user_id: UUID | None = None, run_id: UUID | None = None
) -> None:
    """What every end of a job has in common; its state has been set."""
    job.ended_at = utc_now()
    forget_promises(db, job.id)
    note_event(db, job, job.state, sentence, user_id=user_id, run_id=run_id)
    emit(db, JobChanged(shop_id=job.shop_id, job_id=job.id))


def note_event(
    db: Session, job: PrintJob, kind: str, sentence: str, *, user_id: UUID | None = None, run_id: UUID | None = None
) -> None:
    """A line of the job's history."""
    db.add(JobEvent(job_id=job.id, kind=kind, sentence=sentence, user_id=user_id, run_id=run_id))


def active_run_of(db: Session, job_id: UUID) -> PrintRun | None:
    """The run that a printer works on, or may."""
    return db.scalar(select(PrintRun).where(PrintRun.job_id == job_id, PrintRun.state.in_(ACTIVE_RUN_STATES)))


def needs_of(plate: Plate) -> dict[UUID, int]:
    """What a plate needs per filament, milligrams; undecided slots and unknown weights are left out."""
    needed: dict[UUID, int] = defaultdict(int)
    for requirement in plate.requirements:
        if requirement.filament_id is not None and requirement.total_mg:
            needed[requirement.filament_id] += requirement.total_mg
    return dict(needed)


def job_name(plate: Plate) -> str:
    """What people call it: the model, the plate's own name when it has one, else its number when there are several."""
    variant = plate.variant
    parts = [variant.model.name, variant.name]
    if plate.name:
        parts.append(plate.name)
    elif plate.number > 1:
        parts.append(f"plate {plate.number}")
    return " · ".join(dict.fromkeys(part for part in parts if part))
