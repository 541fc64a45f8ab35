"""The ledger: its pages and lists, and the grams that wait for a person."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from printfarm.accounts.models import Membership, User
from printfarm.core.paging import Paged, paginate
from printfarm.core.tenancy import shop_of
from printfarm.core.units import grams_from_mg
from printfarm.filament.models import PRINT_CAUSES, Filament, Spool, StockEntry
from printfarm.filament.service.counted import stands_beside
from printfarm.filament.service.undoing import FOR_GOOD, came_later, is_resolved

LINES = 25
# Waiting grams on a page, and how many rolls are offered for each; another roll is named by its code.
WAITING, ROLLS_OFFERED = 20, 30
THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True)
class LedgerFilter:
    """Which lines: of a spool, of a filament (with those of its spools), of one cause, only discrepancies."""

    spool_id: UUID | None = None
    filament_id: UUID | None = None
    cause: str = ""
    discrepancies: bool = False


@dataclass(frozen=True)
class LedgerLine:
    """A line of the ledger and whether it has been taken back."""

    entry: StockEntry
    undone: bool
    came_later: bool = False  # received onto a roll that was there

    @property
    def resolved(self) -> bool:
        """Whether a person said that a print's grams came from this spool; it may have been another one."""
        return is_resolved(self.entry)

    @property
    def may_be_undone(self) -> bool:
        may = self.entry.cause not in FOR_GOOD or self.resolved or self.came_later
        return may and not self.undone and not stands_beside(self.entry)


@dataclass(frozen=True)
class Discrepancies:
    """How often a spool held other than the ledger knew, and how much other, all in all."""

    count: int
    delta_mg: int


def ledger_of(
    db: Session,
    *,
    spool_id: UUID | None = None,
    filament_id: UUID | None = None,
    cause: str = "",
    discrepancies: bool = False,
    page: int = 1,
) -> Paged[LedgerLine]:
    """A page of the ledger (of a spool, of a filament, of everything), newest first."""
    wanted = LedgerFilter(spool_id, filament_id, cause, discrepancies)
    found = paginate(db, _newest_first(_of(wanted)), page, LINES)
    return Paged(_with_undone(db, found.items), found.number, found.pages, found.total)


def ledger_part(
    db: Session, wanted: LedgerFilter, *, after: StockEntry | None = None, size: int = 1_000
) -> list[LedgerLine]:
    """The lines that follow on `after`, newest first: a ledger of any length, read piece by piece."""
    rest = _of(wanted)
    if after is not None:
        rest = rest.where(tuple_(StockEntry.created_at, StockEntry.id) < tuple_(after.created_at, after.id))
    return _with_undone(db, list(db.scalars(_newest_first(rest).limit(size))))


def _of(wanted: LedgerFilter) -> Select[StockEntry]:
    lines = select(StockEntry)
    if wanted.spool_id:
        lines = lines.where(StockEntry.spool_id == wanted.spool_id)
    if wanted.filament_id:
        lines = lines.where(StockEntry.filament_id == wanted.filament_id)
    if wanted.cause:
        lines = lines.where(StockEntry.cause == wanted.cause)
    if wanted.discrepancies:
        lines = lines.where(StockEntry.is_discrepancy)
    return lines


def _newest_first(lines: Select[StockEntry]) -> Select[StockEntry]:
    return lines.order_by(StockEntry.created_at.desc(), StockEntry.id.desc())


def _with_undone(db: Session, entries: list[StockEntry]) -> list[LedgerLine]:
    ids = [entry.id for entry in entries]
    undone = set(db.scalars(select(StockEntry.undoes_id).where(StockEntry.undoes_id.in_(ids))))
    later = came_later(db, entries)
    return [LedgerLine(entry, entry.id in undone, entry.id in later) for entry in entries]


def discrepancies_of(db: Session, spool_id: UUID) -> Discrepancies:
    """How often this spool held other than the ledger knew; what was taken back since does not count."""
    answer = aliased(StockEntry)
    answered = select(answer.id).where(answer.undoes_id == StockEntry.id).exists()
    mine = (StockEntry.spool_id == spool_id, StockEntry.is_discrepancy, ~answered)
    count, total = db.execute(select(func.count(), func.coalesce(func.sum(StockEntry.delta_mg), 0)).where(*mine)).one()
    return Discrepancies(count, int(total))


def unassigned_entries(db: Session, page: int = 1) -> Paged[StockEntry]:
    """Grams that were used without a spool and wait for a person."""
    return paginate(db, _waiting().order_by(StockEntry.created_at.desc(), StockEntry.id.desc()), page, WAITING)


def count_unassigned(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(_waiting().subquery())) or 0


def _waiting() -> Select[StockEntry]:
    answer = aliased(StockEntry)
    answered = select(answer.id).where(answer.undoes_id == StockEntry.id).exists()
    return select(StockEntry).where(StockEntry.spool_id.is_(None), StockEntry.cause.in_(PRINT_CAUSES), ~answered)


def people(db: Session) -> dict[UUID, str]:
    """Names of the shop's members, for the ledger's lines."""
    members = select(User.id, User.name).join(Membership, Membership.user_id == User.id)
    rows = db.execute(members.where(Membership.shop_id == shop_of(db)))
    return {row.id: row.name for row in rows}


def names_for(db: Session, entries: Collection[StockEntry]) -> dict[str, Any]:
    """Who, which spool and which filament these lines speak of: three statements, however many lines."""
    users = {entry.user_id for entry in entries if entry.user_id}
    spools = {entry.spool_id for entry in entries if entry.spool_id}
    filaments = {entry.filament_id for entry in entries}
    named = db.execute(select(User.id, User.name).where(User.id.in_(users)))
    codes = db.execute(select(Spool.id, Spool.code).where(Spool.id.in_(spools)))
    return {
        "people": {row.id: row.name for row in named},
        "codes": {row.id: row.code for row in codes},
        "filaments": {one.id: one for one in db.scalars(select(Filament).where(Filament.id.in_(filaments)))},
    }


def ledger_rows(db: Session, lines: list[LedgerLine]) -> Iterator[list[object]]:
    """Lines as they stand in a table for other programs (LEDGER_COLUMNS)."""
    names = names_for(db, [line.entry for line in lines])
    for line in lines:
        entry, filament = line.entry, names["filaments"][line.entry.filament_id]
        yield [
            entry.created_at.isoformat(timespec="seconds"),
            names["codes"].get(entry.spool_id, ""),
            filament.brand,
            filament.material,
            filament.colour_name,
            grams_from_mg(entry.delta_mg).quantize(THOUSANDTH),
            entry.cause,
            "yes" if entry.is_discrepancy else "",
            "yes" if line.undone else "",
            entry.reason,
            names["people"].get(entry.user_id, ""),
            entry.run_id or "",
            entry.job_id or "",
            entry.id,
            entry.undoes_id or "",
        ]


LEDGER_COLUMNS = (
    "Time (UTC)",
    "Spool",
    "Brand",
    "Material",
    "Colour",
    "Grams",
    "Cause",
    "Discrepancy",
    "Taken back",
    "Reason",
    "Who",
    "Print",
    "Job",
    "Line",
    "Takes back line",
)


def choices_for(db: Session, entries: list[StockEntry]) -> dict[str, Any]:
    """The filaments of some entries and the rolls of each that they may have come from: those that were opened before those in
    their bags, the last used first.
    """
    ids = {entry.filament_id for entry in entries}
    filaments = {one.id: one for one in db.scalars(select(Filament).where(Filament.id.in_(ids)))}
    likeliest = (Spool.state == "sealed", Spool.last_used_at.desc().nulls_last(), Spool.remaining_mg, Spool.id)
    rank = func.row_number().over(partition_by=Spool.filament_id, order_by=likeliest).label("rank")
    here = Spool.archived_at.is_(None), Spool.state != "on order"
    ranked = select(Spool.id, rank).where(Spool.filament_id.in_(ids), *here).subquery()
    rolls: dict[UUID, list[Spool]] = {filament_id: [] for filament_id in ids}
    wanted = select(Spool).join(ranked, ranked.c.id == Spool.id).where(ranked.c.rank <= ROLLS_OFFERED)
    for spool in db.scalars(wanted.order_by(ranked.c.rank)):
        rolls[spool.filament_id].append(spool)
    return {"filaments": filaments, "rolls": rolls}
