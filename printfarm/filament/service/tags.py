"""Which roll an RFID chip names. A person says so once; from then on printers that read the chip know the roll."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.events import emit
from printfarm.filament.events import SpoolChanged
from printfarm.filament.models import Spool
from printfarm.filament.service.stock import lock_spool


def bind_tag(db: Session, spool_id: UUID, tag: str) -> Spool:
    """The chip is that roll's. A chip names one roll: whichever had it before loses it. Raises NotFound."""
    owner = spools_of_tags(db, [tag]).get(tag)
    both = sorted({spool_id, owner.id}) if owner is not None else [spool_id]
    locked = {one: lock_spool(db, one) for one in both}
    for other_id, other in locked.items():
        if other_id != spool_id and other.tag == tag:
            _set(db, other, None)
    _set(db, locked[spool_id], tag)
    return locked[spool_id]


def unbind_tag(db: Session, spool_id: UUID) -> Spool:
    """A roll goes by no chip any more: it was the wrong one. Raises NotFound."""
    spool = lock_spool(db, spool_id)
    _set(db, spool, None)
    return spool


def spools_of_tags(db: Session, tags: Iterable[str | None]) -> dict[str, Spool]:
    """The rolls that these chips name; one statement."""
    wanted = {tag for tag in tags if tag}
    if not wanted:
        return {}
    return {spool.tag: spool for spool in db.scalars(select(Spool).where(Spool.tag.in_(wanted))) if spool.tag}


def _set(db: Session, spool: Spool, tag: str | None) -> None:
    if spool.tag == tag:
        return
    spool.tag = tag
    db.flush()
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
