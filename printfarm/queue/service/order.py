"""The order of the queue: one list per shop. A place is a fractional index, so moving one job rewrites one row."""

from uuid import UUID

from fractional_indexing import generate_key_between, generate_n_keys_between
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import Shop
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import locked
from printfarm.core.tenancy import shop_of
from printfarm.queue.events import QueueReordered
from printfarm.queue.models import OPEN_JOB_STATES, PrintJob


class QueueChanged(DomainError):
    """The job, or the neighbour that the person saw, has left the queue since the page was drawn."""


def move_job(db: Session, job_id: UUID, *, after: UUID | None) -> PrintJob:
    """Put a job right behind another, or first. Raises QueueChanged when either has left the queue, NotFound for no job."""
    lock_queue(db)
    if db.get(PrintJob, job_id) is None:
        raise NotFound
    job = _open_job(db, job_id)
    neighbour = _open_job(db, after) if after else None
    if job is None or (after and neighbour is None):
        raise QueueChanged("The queue has changed in the meantime. This is how it is now; look again, then move.")
    if neighbour is not None and neighbour.id == job.id:
        return job
    low = neighbour.place if neighbour else None
    job.place = _place_between(db, low, _next_place(db, low, without=job.id))
    emit(db, QueueReordered(shop_id=job.shop_id))
    return job


def places_at_end(db: Session, count: int) -> list[str]:
    """Places for new jobs, behind everything that waits. The caller holds the queue's lock."""
    last = db.scalar(select(func.max(PrintJob.place)).where(PrintJob.state.in_(OPEN_JOB_STATES)))
    keys: list[str] = generate_n_keys_between(last, None, count)
    return keys


def place_again(db: Session, job: PrintJob) -> str:
    """The place of an ended job that comes back: its own, or right behind whoever has it now. The caller holds the lock."""
    taken = db.scalar(
        select(PrintJob.id).where(
            PrintJob.place == job.place, PrintJob.state.in_(OPEN_JOB_STATES), PrintJob.id != job.id
        )
    )
    return job.place if taken is None else _place_between(db, job.place, _next_place(db, job.place, without=job.id))


def lock_queue(db: Session) -> None:
    """One change of the order at a time per shop (SQLite has one writer anyway).

    The weaker lock lets others write rows that point at the shop, which every insert does.
    """
    db.execute(locked(select(Shop.id).where(Shop.id == shop_of(db))))


def _open_job(db: Session, job_id: UUID) -> PrintJob | None:
    return db.scalar(select(PrintJob).where(PrintJob.id == job_id, PrintJob.state.in_(OPEN_JOB_STATES)))


def _next_place(db: Session, low: str | None, *, without: UUID) -> str | None:
    behind = select(func.min(PrintJob.place)).where(PrintJob.state.in_(OPEN_JOB_STATES), PrintJob.id != without)
    return db.scalar(behind.where(PrintJob.place > low) if low is not None else behind)


def _place_between(db: Session, low: str | None, high: str | None) -> str:
    key: str = generate_key_between(low, high)
    taken = db.scalar(select(PrintJob.id).where(PrintJob.place == key, PrintJob.state.in_(OPEN_JOB_STATES)))
    return key if taken is None else _place_between(db, low, key)
