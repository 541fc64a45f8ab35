"""How a spool's weight went, thinned to what a small chart can show: one statement, however long the ledger is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
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
    in_time = StockEntry.created_at, StockEntry.id
    lines = (
        select(
            StockEntry.created_at.label("at"),
            func.sum(StockEntry.delta_mg).over(order_by=in_time).label("held"),
            func.row_number().over(order_by=in_time).label("number"),
            func.count().over().label("total"),
        )
        .where(StockEntry.spool_id == spool_id)
        .subquery()
    )
    stretches = select(lines, ((lines.c.number - 1) * steps // lines.c.total).label("stretch")).subquery()
    # Fewer lines than steps: each is a stretch of its own, since the numbers above then never meet.
    together = stretches.c.stretch
    last = func.lead(stretches.c.stretch).over(order_by=stretches.c.number)
    ends = select(
        stretches.c.at,
        stretches.c.held,
        stretches.c.stretch,
        stretches.c.number,
        func.min(stretches.c.held).over(partition_by=together).label("low"),
        func.max(stretches.c.held).over(partition_by=together).label("high"),
        last.label("next"),
    ).subquery()
    wanted = select(ends.c.at, ends.c.held, ends.c.low, ends.c.high)
    wanted = wanted.where(or_(ends.c.next.is_(None), ends.c.next != ends.c.stretch)).order_by(ends.c.number)
    return [Step(row.at, int(row.held), int(row.low), int(row.high)) for row in db.execute(wanted)]
