"""Spools: the list, and the rolls of a filament."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from printfarm.core.errors import NotFound
from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import speaks_of
from printfarm.filament.models import Filament, Spool
from printfarm.filament.queries.filaments import NAMES

# More than one person can look through.
MOST_ROLLS = 200
ROLLS_SHOWN = 30


@dataclass(frozen=True)
class StockTotals:
    """All spools in use, in figures."""

    spools: int
    remaining_mg: int
    low: int


# What nobody loads or labels: it has not come yet, or is no more.
NOT_HERE = ("on order", "empty", "discarded")


def list_spools(db: Session, *, text: str = "", material: str = "", low: bool = False, page: int = 1) -> Paged[Spool]:
    """The rolls to choose from (for a slot, for labels), filtered and paged; the emptiest of a filament first. What is on
    order, empty or discarded is not offered.
    """
    wanted = select(Spool).join(Filament, Spool.filament_id == Filament.id)
    wanted = wanted.where(Spool.archived_at.is_(None), Spool.state.not_in(NOT_HERE))
    if material:
        wanted = wanted.where(Filament.material == material)
    if low:
        wanted = wanted.where(Spool.is_low)
    if text:
        wanted = wanted.where(speaks_of(text, *NAMES, Spool.code, Spool.batch, Spool.location))
    return paginate(
        db, wanted.order_by(Filament.material, Filament.colour_name, Filament.id, Spool.remaining_mg, Spool.id), page
    )


def spools_of(db: Session, filament_id: UUID) -> list[Spool]:
    """The rolls of a filament in use, emptiest first; as many as its page can bear, the table of all rolls has the rest."""
    return list(
        db.scalars(
            select(Spool)
            .where(Spool.filament_id == filament_id, Spool.archived_at.is_(None))
            .order_by(Spool.remaining_mg, Spool.id)
            .limit(ROLLS_SHOWN)
        )
    )


def spool_with_code(db: Session, code: str) -> Spool:
    """The roll with this code on its label, in its stored form. Raises NotFound."""
    found = db.scalar(select(Spool).where(Spool.code == code))
    if found is None:
        raise NotFound(f"No spool has the code {code}. Look at its label again.")
    return found


def rolls_beside(db: Session, spool: Spool, *, with_filament: bool = False) -> list[Spool]:
    """The other rolls of the same filament that are here, emptiest first; those with something on them, if asked."""
    wanted = select(Spool).where(
        Spool.filament_id == spool.filament_id, Spool.id != spool.id, Spool.archived_at.is_(None)
    )
    wanted = wanted.where(Spool.state != "on order")
    if with_filament:
        wanted = wanted.where(Spool.remaining_mg > 0)
    return list(db.scalars(wanted.order_by(Spool.remaining_mg, Spool.id).limit(MOST_ROLLS)))


def stock_totals(db: Session) -> StockTotals:
    """One statement for the head of the spools page."""
    low = func.coalesce(func.sum(case((Spool.is_low, 1), else_=0)), 0)
    spools, remaining, few = db.execute(
        select(func.count(Spool.id), func.coalesce(func.sum(Spool.remaining_mg), 0), low).where(
            Spool.archived_at.is_(None)
        )
    ).one()
    return StockTotals(spools, int(remaining), int(few))
