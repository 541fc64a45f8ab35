"""The ledger: its pages, and the grams that wait for a person."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from printfarm.accounts.models import Membership, User
from printfarm.core.paging import Paged, paginate
from printfarm.core.tenancy import shop_of
from printfarm.filament.models import PRINT_CAUSES, Filament, Spool, StockEntry


@dataclass(frozen=True)
class LedgerLine:
    """A line of the ledger and whether it can still be undone."""

    entry: StockEntry
    undone: bool


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
    return select(StockEntry).where(StockEntry.spool_id.is_(None), StockEntry.cause.in_(PRINT_CAUSES), ~answered)


def drifted_spools(db: Session) -> list[tuple[Spool, int]]:
    """Spools whose cached weight is not the sum of their ledger, with that sum. Always empty, or there is a bug."""
    booked = (
        select(func.coalesce(func.sum(StockEntry.delta_mg), 0)).where(StockEntry.spool_id == Spool.id).scalar_subquery()
    )
    rows = db.execute(select(Spool, booked).where(booked != Spool.remaining_mg)).unique()
    return [(spool, int(found)) for spool, found in rows]


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
