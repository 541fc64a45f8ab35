"""How a spool's weight went, thinned to what a small chart can show: one statement, however long the ledger is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.filament.models import StockEntry

# A chart on a phone is about 300 points wide.
STEPS = 150


@dataclass(frozen=True)
class Step:
    """A stretch of the ledger: what the roll held after its last line, and the least and the most it held in between."""

    at: datetime
    held_mg: int
    low_mg: int
    high_mg: int


def history_of(db: Session, spool_id: UUID, steps: int = STEPS) -> list[Step]:
    """The spool's weight over time, oldest first: a step for each line of the ledger, or for as many lines as make `steps`."""
    mine = StockEntry.spool_id == spool_id
    in_time = StockEntry.created_at, StockEntry.id
    lines = (
        select(
            StockEntry.created_at.label("at"),
            StockEntry.delta_mg.label("delta"),
            func.sum(StockEntry.delta_mg).over(order_by=in_time, rows=(None, 0)).label("held"),
            func.row_number().over(order_by=in_time).label("number"),
        )
        .where(mine)
        .subquery()
    )
    total = select(func.count(StockEntry.id)).where(mine).scalar_subquery()
    # Fewer lines than steps: each is a stretch of its own, since the numbers then never meet.
    stretch = ((lines.c.number - 1) * steps // total).label("stretch")
    numbered = select(lines, stretch).subquery()
    wanted = select(
        func.max(numbered.c.at).label("at"),
        func.sum(numbered.c.delta).label("delta"),
        func.min(numbered.c.held).label("low"),
        func.max(numbered.c.held).label("high"),
    ).group_by(numbered.c.stretch)
    held_mg, found = 0, []
    for row in db.execute(wanted.order_by(numbered.c.stretch)):
        held_mg += int(row.delta)
        found.append(Step(row.at, held_mg, int(row.low), int(row.high)))
    return found
