"""Grams promised to what waits. Queue and orders write them here, so that stock questions need nothing above filament."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from printfarm.filament.models import Promise


def promise(db: Session, cause: str, cause_id: UUID, needed: Mapping[UUID, int]) -> None:
    """What one cause needs per filament (milligrams); replaces what it was promised before."""
    known = {row.filament_id: row for row in db.scalars(select(Promise).where(Promise.cause_id == cause_id))}
    for filament_id, row in known.items():
        if filament_id not in needed:
            db.delete(row)
    for filament_id, milligrams in needed.items():
        if filament_id in known:
            known[filament_id].needed_mg = milligrams
        else:
            db.add(Promise(filament_id=filament_id, needed_mg=milligrams, cause=cause, cause_id=cause_id))
    db.flush()


def forget_promises(db: Session, cause_id: UUID) -> None:
    """The cause is served or gone."""
    db.execute(delete(Promise).where(Promise.cause_id == cause_id))
