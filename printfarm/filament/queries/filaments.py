"""Filaments: lists, matches, what lies of them and what is promised."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import speaks_of
from printfarm.filament.models import Filament, Promise, Spool, is_here, lying_mg

# By what people call a filament.
NAMES = (Filament.brand, Filament.material, Filament.colour_name, Filament.finish)
# How a list of filaments may be ordered.
ORDERS = ("name", "demand")


@dataclass(frozen=True)
class FilamentStock:
    """A filament with what its rolls hold and what is promised (milligrams). `coming`: how many of its rolls are on order."""

    filament: Filament
    remaining_mg: int
    promised_mg: int
    spools: int
    coming: int = 0

    @property
    def lying_mg(self) -> int:
        """As models.lying_mg: less the grams that wait for a roll."""
        return max(0, self.remaining_mg - self.filament.unassigned_mg)

    @property
    def free_mg(self) -> int:
        return self.lying_mg - self.promised_mg


def stock_by_filament(db: Session) -> dict[UUID, int]:
    """What lies in the shop per filament, milligrams."""
    return {filament_id: int(total) for filament_id, total in db.execute(lying_by_filament())}


def lying_by_filament() -> Select[UUID, int]:
    """Rows of a filament's id and what lies here of it (`mg`); filaments without a roll have none."""
    held = func.sum(Spool.remaining_mg)
    rows = select(Spool.filament_id, lying_mg(held).label("mg")).join(Filament, Filament.id == Spool.filament_id)
    return rows.where(is_here()).group_by(Spool.filament_id, Filament.unassigned_mg)


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
    coming = func.sum(case((Spool.state == "on order", 1), else_=0))
    rolls = select(Spool.filament_id, func.sum(Spool.remaining_mg), func.count(), coming).group_by(Spool.filament_id)
    mine = rolls.where(Spool.archived_at.is_(None), Spool.filament_id.in_(ids))
    lying = {row[0]: (int(row[1] or 0), row[2], int(row[3])) for row in db.execute(mine)}
    promised = promised_by_filament(db)
    return [_stock(one, promised.get(one.id, 0), *lying.get(one.id, (0, 0, 0))) for one in filaments]


def _stock(filament: Filament, promised_mg: int, remaining_mg: int, spools: int, coming: int) -> FilamentStock:
    return FilamentStock(filament, remaining_mg, promised_mg, spools, coming)


def materials_in_use(db: Session) -> list[str]:
    """The materials that the shop has, by name."""
    return list(
        db.scalars(
            select(Filament.material).where(Filament.archived_at.is_(None)).distinct().order_by(Filament.material)
        )
    )
