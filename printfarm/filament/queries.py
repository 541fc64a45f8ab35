"""What screens and decisions need to know of filament, each in a fixed number of statements."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, aliased

from printfarm.accounts.models import Membership, User
from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import speaks_of
from printfarm.core.tenancy import shop_of
from printfarm.filament.colours import distance
from printfarm.filament.models import Filament, Promise, Spool, StockEntry

# Colours nearer than this look the same on a shelf; farther than FAR they are no suggestion.
SAME, FAR = 40.0, 200.0
# By what people call a filament.
_NAMES = (Filament.brand, Filament.material, Filament.colour_name)


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


@dataclass(frozen=True)
class LedgerLine:
    """A line of the ledger and whether it can still be undone."""

    entry: StockEntry
    undone: bool


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


def list_spools(
    db: Session, *, text: str = "", material: str = "", low: bool = False, archived: bool = False, page: int = 1
) -> Paged[Spool]:
    """Spools, filtered and paged; the emptiest of a filament first."""
    wanted = select(Spool).join(Filament, Spool.filament_id == Filament.id)
    wanted = wanted.where(Spool.archived_at.is_not(None) if archived else Spool.archived_at.is_(None))
    if material:
        wanted = wanted.where(Filament.material == material)
    if low:
        wanted = wanted.where(Spool.remaining_mg < Spool.low_below_mg)
    if text:
        wanted = wanted.where(speaks_of(text, *_NAMES, Spool.code, Spool.batch, Spool.location))
    return paginate(
        db, wanted.order_by(Filament.material, Filament.colour_name, Filament.id, Spool.remaining_mg, Spool.id), page
    )


def list_filaments(db: Session, *, text: str = "", archived: bool = False, page: int = 1) -> Paged[Filament]:
    """Filaments, filtered and paged."""
    wanted = select(Filament).where(Filament.archived_at.is_not(None) if archived else Filament.archived_at.is_(None))
    if text:
        wanted = wanted.where(speaks_of(text, *_NAMES))
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


def spools_of(db: Session, filament_id: UUID) -> list[Spool]:
    """The rolls of a filament in use, emptiest first."""
    return list(
        db.scalars(
            select(Spool)
            .where(Spool.filament_id == filament_id, Spool.archived_at.is_(None))
            .order_by(Spool.remaining_mg, Spool.id)
        )
    )


def ledger_of(
    db: Session, *, spool_id: UUID | None = None, filament_id: UUID | None = None, page: int = 1
) -> Paged[LedgerLine]:
    """A page of the ledger of a spool, or of a filament, newest first."""
    mine = StockEntry.spool_id == spool_id if spool_id else StockEntry.filament_id == filament_id
    found = paginate(
        db, select(StockEntry).where(mine).order_by(StockEntry.created_at.desc(), StockEntry.id.desc()), page, 25
    )
    ids = [entry.id for entry in found.items]
    undone = set(db.scalars(select(StockEntry.undoes_id).where(StockEntry.undoes_id.in_(ids))))
    lines = [LedgerLine(entry, entry.id in undone) for entry in found.items]
    return Paged(lines, found.number, found.pages, found.total)


def unassigned_entries(db: Session, page: int = 1) -> Paged[StockEntry]:
    """Grams that were used without a spool and wait for a person."""
    return paginate(db, _waiting().order_by(StockEntry.created_at.desc()), page)


def count_unassigned(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(_waiting().subquery())) or 0


def _waiting() -> Select[StockEntry]:
    answer = aliased(StockEntry)
    answered = select(answer.id).where(answer.undoes_id == StockEntry.id).exists()
    return select(StockEntry).where(StockEntry.spool_id.is_(None), StockEntry.kind == "print", ~answered)


def drifted_spools(db: Session) -> list[tuple[Spool, int]]:
    """Spools whose cached weight is not the sum of their ledger, with that sum. Always empty, or there is a bug."""
    booked = (
        select(func.coalesce(func.sum(StockEntry.delta_mg), 0)).where(StockEntry.spool_id == Spool.id).scalar_subquery()
    )
    rows = db.execute(select(Spool, booked).where(booked != Spool.remaining_mg)).unique()
    return [(spool, int(found)) for spool, found in rows]


def materials_in_use(db: Session) -> list[str]:
    """The materials that the shop has, by name."""
    return list(
        db.scalars(
            select(Filament.material).where(Filament.archived_at.is_(None)).distinct().order_by(Filament.material)
        )
    )


@dataclass(frozen=True)
class StockTotals:
    """All spools in use, in figures."""

    spools: int
    remaining_mg: int
    low: int


def stock_totals(db: Session) -> StockTotals:
    """One statement for the head of the spools page."""
    low = func.coalesce(func.sum(case((Spool.remaining_mg < Spool.low_below_mg, 1), else_=0)), 0)
    spools, remaining, few = db.execute(
        select(func.count(Spool.id), func.coalesce(func.sum(Spool.remaining_mg), 0), low).where(
            Spool.archived_at.is_(None)
        )
    ).one()
    return StockTotals(spools, int(remaining), int(few))


def people(db: Session) -> dict[UUID, str]:
    """Names of the shop's members, for the ledger's lines."""
    members = select(User.id, User.name).join(Membership, Membership.user_id == User.id)
    rows = db.execute(members.where(Membership.shop_id == shop_of(db)))
    return {row.id: row.name for row in rows}


def choices_for(db: Session, entries: list[StockEntry]) -> dict[str, Any]:
    """The filaments of some entries and the rolls of each that they may have come from."""
    ids = {entry.filament_id for entry in entries}
    filaments = {one.id: one for one in db.scalars(select(Filament).where(Filament.id.in_(ids)))}
    rolls: dict[UUID, list[Spool]] = {filament_id: [] for filament_id in ids}
    for spool in db.scalars(
        select(Spool).where(Spool.filament_id.in_(ids), Spool.archived_at.is_(None)).order_by(Spool.remaining_mg)
    ):
        rolls[spool.filament_id].append(spool)
    return {"filaments": filaments, "rolls": rolls}
