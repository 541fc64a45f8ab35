"""What waiting jobs are promised, when a person says anew which filament a slot of their plate means."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from printfarm.filament.service import promise
from printfarm.library.models import Plate
from printfarm.queue.models import OPEN_JOB_STATES, JobOption, PrintJob
from printfarm.queue.service.jobs import needs_of
from printfarm.queue.service.order import lock_queue


def promise_again(db: Session, variant_id: UUID) -> None:
    """Every job that is not over gets what its plate of this variant needs now."""
    lock_queue(db)
    wanted = (
        select(PrintJob.id, Plate)
        .join(JobOption, JobOption.job_id == PrintJob.id)
        .join(Plate, Plate.id == JobOption.plate_id)
        .where(Plate.variant_id == variant_id, PrintJob.state.in_(OPEN_JOB_STATES))
        .options(selectinload(Plate.requirements))
        .order_by(PrintJob.id)
        .execution_options(populate_existing=True)
    )
    for job_id, plate in db.execute(wanted):
        promise(db, "print job", job_id, needs_of(plate))
