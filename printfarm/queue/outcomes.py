"""What became of plates and models in the queue, each in one statement."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from printfarm.library.models import Plate, Variant
from printfarm.queue.models import ACTIVE_RUN_STATES, JobOption, PrintRun


def made_of_plates(db: Session, plate_ids: list[UUID]) -> dict[UUID, int]:
    """How many parts were made of each plate."""
    rows = db.execute(
        select(PrintRun.plate_id, func.sum(PrintRun.parts_made))
        .where(PrintRun.plate_id.in_(plate_ids))
        .group_by(PrintRun.plate_id)
    )
    return {plate_id: int(count or 0) for plate_id, count in rows}


def ended_of_plates(db: Session, plate_ids: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    """How many runs of each plate ended in each state."""
    rows = db.execute(
        select(PrintRun.plate_id, PrintRun.state, func.count())
        .where(PrintRun.plate_id.in_(plate_ids), PrintRun.state.not_in(ACTIVE_RUN_STATES))
        .group_by(PrintRun.plate_id, PrintRun.state)
    )
    return {(row[0], row[1]): row[2] for row in rows}


def last_jobs_of_plates(db: Session, plate_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The latest job that wanted each plate; ids grow with time."""
    newer = aliased(JobOption)
    has_newer = select(newer.id).where(newer.plate_id == JobOption.plate_id, newer.id > JobOption.id)
    rows = db.execute(
        select(JobOption.plate_id, JobOption.job_id).where(JobOption.plate_id.in_(plate_ids), ~has_newer.exists())
    )
    return {row[0]: row[1] for row in rows}


def completed_of_models(model_ids: Sequence[UUID] | None) -> Select[UUID, int]:
    """A model's id and how many of its prints were completed, of all models or of some."""
    counted = (
        select(Variant.model_id, func.count(PrintRun.id))
        .join(Plate, Plate.variant_id == Variant.id)
        .join(PrintRun, PrintRun.plate_id == Plate.id)
        .where(PrintRun.state == "completed")
        .group_by(Variant.model_id)
    )
    return counted if model_ids is None else counted.where(Variant.model_id.in_(model_ids))
