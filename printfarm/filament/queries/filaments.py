"""Filaments: lists, matches, what lies of them and what is promised."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import speaks_of
from printfarm.filament.colours import distance
from printfarm.filament.models import Filament, Promise, Spool

# Colours nearer than this look the same on a shelf; farther apart than FAR they are no suggestion.
SAME, FAR = 40.0, 200.0
# By what people call a filament.
NAMES = (Filament.brand, Filament.material, Filament.colour_name)


@dataclass(frozen=True)
class FilamentMatch:
    """A filament that may be the one a file asks for. `score` 0 to 100; `why` in words."""

    filament: Filament
    score: int
    why: str


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


def match_filaments(
    db: Session, *, material: str | None, colour_hex: str | None, vendor: str | None = None, limit: int = 8
) -> list[FilamentMatch]:
    """The shop's filaments that fit a requirement, best first. Another material never fits."""
    wanted = select(Filament).where(Filament.archived_at.is_(None))
    if material:
        wanted = wanted.where(func.lower(Filament.material) == material.strip().lower())
    matches = [_match(filament, colour_hex, vendor) for filament in db.scalars(wanted)]
    return sorted((m for m in matches if m.score > 0), key=lambda m: -m.score)[:limit]


def _match(filament: Filament, colour_hex: str | None, vendor: str | None) -> FilamentMatch:
    far = distance(filament.colour_hex, colour_hex) if colour_hex else SAME
    colour = max(0.0, 1 - far / FAR)
    same_brand = bool(vendor) and vendor is not None and vendor.strip().lower() == filament.brand.lower()
    score = round(80 * colour) + (20 if same_brand and colour else 0)
    looks = "same colour" if far < 1 else "nearly the same colour" if far <= SAME else "another colour"
    return FilamentMatch(filament, score, f"{looks}, {'same brand' if same_brand else 'another brand'}")


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


def list_filaments(db: Session, *, text: str = "", archived: bool = False, page: int = 1) -> Paged[Filament]:
    """Filaments, filtered and paged."""
    wanted = select(Filament).where(Filament.archived_at.is_not(None) if archived else Filament.archived_at.is_(None))
    if text:
        wanted = wanted.where(speaks_of(text, *NAMES))
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
