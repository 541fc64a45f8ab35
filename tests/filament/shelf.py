"""A roll on the shelf, and what its ledger says."""

from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Filament, Spool, StockEntry


def add_roll(shop_id: UUID, weight_mg: int = 1_000_000, **filament: object) -> Spool:
    """A roll of a filament of its own."""
    facts = {"brand": "Prusament", "material": "PLA", "colour_name": f"Black {uuid4().hex}", "colour_hex": "#111111"}
    with unit_of_work(shop_id) as db:
        made = service.add_filament(db, **{**facts, **filament})
        return service.add_spool(db, made.id, weight_mg=weight_mg)


def held(spool: Spool) -> int:
    """What a roll holds; its cached weight is always its ledger's sum."""
    with read_only(spool.shop_id) as db:
        assert queries.find_drift(db) == []
        return db.get_one(Spool, spool.id).remaining_mg


def lines(spool: Spool) -> list[tuple[str, int, bool]]:
    """Cause, milligrams and whether it is a discrepancy, of each line of a roll, oldest first."""
    mine = select(StockEntry).where(StockEntry.spool_id == spool.id).order_by(StockEntry.created_at, StockEntry.id)
    with read_only(spool.shop_id) as db:
        return [(one.cause, one.delta_mg, one.is_discrepancy) for one in db.scalars(mine)]


def book(
    db: Session, spool: Spool, used_mg: int, *, run_id: UUID | None = None, onto: bool = True, **facts: object
) -> list:
    """What a print used of a roll, or of its filament without a roll."""
    wanted = {"run_id": run_id or uuid4(), "job_id": uuid4(), "slot": 1, "reason": "Benchy", **facts}
    spool_id = spool.id if onto else None
    return service.book_run(db, filament_id=spool.filament_id, spool_id=spool_id, used_mg=used_mg, **wanted)


def total_of(db: Session) -> int:
    """All that lies there, less what was used without anybody knowing of which roll."""
    lying = db.scalar(select(func.coalesce(func.sum(Spool.remaining_mg), 0)))
    return int(lying) - int(db.scalar(select(func.coalesce(func.sum(Filament.unassigned_mg), 0))))
