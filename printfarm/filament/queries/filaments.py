"""Filaments: lists, matches, what lies of them and what is promised."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import speaks_of
from printfarm.filament.models import Filament, Promise, Spool

# By what people call a filament.
NAMES = (Filament.brand, Filament.material, Filament.colour_name, Filament.finish)
# How a list of filaments may be ordered.
ORDERS = ("name", "demand")


@dataclass(frozen=True)
class FilamentStock:
    """A filament with what lies there and what is promised (milligrams)."""

    filament: Filament
    remaining_mg: int
    promised_mg: int
    spools: int

    @property
    def free_mg(self) -> int:
        return self.remaining_mg - self.promised_mg


def stock_by_filament(db: Session) -> dict[UUID, int]:
    """What lies in the shop per filament, milligrams."""
    rows = db.execute(
        select(Spool.filament_id, func.sum(Spool.remaining_mg))
        .where(Spool.archived_at.is_(None))
        .group_by(Spool.filament_id)
    )
    return {filament_id: int(total) for filament_id, total in rows}


def promised_by_filament(db: Session) -> dict[UUID, int]:
    """What waiting work needs per filament, milligrams."""
    rows = db.execute(select(Promise.filament_id, func.sum(Promise.needed_mg)).group_by(Promise.filament_id))
    return {filament_id: int(total) for filament_id, total in rows}


def list_filaments(
    db: Session,
    *,
    text: str = "",
    material: str = "",
    brand: str = "",
    archived: bool = False,
    order: str = "name",
    page: int = 1,
) -> Paged[Filament]:
    """Filaments, filtered and paged; in the order of demand the most wanted come first."""
    wanted = select(Filament).where(Filament.archived_at.is_not(None) if archived else Filament.archived_at.is_(None))
    if text:
        wanted = wanted.where(speaks_of(text, *NAMES, Filament.article_number, Filament.supplier))
    if material:
        wanted = wanted.where(Filament.material == material)
    if brand:
        wanted = wanted.where(Filament.brand == brand)
    if order == "demand":
        wanted = wanted.order_by(Filament.demand_count.desc())
    return paginate(db, wanted.order_by(Filament.material, Filament.brand, Filament.colour_name, Filament.id), page)


def stock_of(db: Session, filaments: list[Filament]) -> list[FilamentStock]:
    """The stock of some filaments: two statements, however many."""
    ids = [filament.id for filament in filaments]
    lying = {
        row[0]: (int(row[1] or 0), row[2])
        for row in db.execute(
            select(Spool.filament_id, func.sum(Spool.remaining_mg), func.count())
            .where(Spool.archived_at.is_(None), Spool.filament_id.in_(ids))
            .group_by(Spool.filament_id)
        )
    }
    promised = promised_by_filament(db)
    return [
        FilamentStock(filament, *_pair(lying.get(filament.id), promised.get(filament.id, 0))) for filament in filaments
    ]


def _pair(lying: tuple[int, int] | None, promised: int) -> tuple[int, int, int]:
    remaining, spools = lying or (0, 0)
    return remaining, promised, spools


def materials_in_use(db: Session) -> list[str]:
    """The materials that the shop has, by name."""
    return list(
        db.scalars(
            select(Filament.material).where(Filament.archived_at.is_(None)).distinct().order_by(Filament.material)
        )
    )
