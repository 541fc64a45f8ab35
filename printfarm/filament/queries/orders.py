"""What is on its way: orders with rolls that have not come, the next to come first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Subquery, case, func, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import User
from printfarm.core.paging import PAGE_SIZE, Paged, paginate
from printfarm.filament.models import Filament, Spool
from printfarm.filament.models_shopping import Purchase


@dataclass(frozen=True)
class OpenOrder:
    """An order and what has not come of it. Weights in milligrams."""

    purchase: Purchase
    filament: Filament
    rolls: int
    mg: int
    expected_on: date | None
    is_late: bool
    by: str

    @property
    def cost_minor(self) -> int | None:
        return None if self.purchase.price_minor is None else self.rolls * self.purchase.price_minor

    @property
    def come(self) -> int:
        """How many of it have come or were taken back."""
        return self.purchase.rolls - self.rolls


@dataclass(frozen=True)
class OrdersTotal:
    """All that is on its way, in figures."""

    orders: int
    rolls: int
    mg: int
    late: int


def open_orders(db: Session, today: date, page: int = 1) -> Paged[OpenOrder]:
    """Orders that are not here yet: six statements, however many there are."""
    coming = _coming()
    unknown_last = case((coming.c.expected_on.is_(None), 1), else_=0)
    wanted = select(Purchase).join(coming, coming.c.purchase_id == Purchase.id)
    wanted = wanted.order_by(unknown_last, coming.c.expected_on, Purchase.created_at, Purchase.id)
    found = paginate(db, wanted, page)
    return Paged(_with_rolls(db, found.items, today), found.number, found.pages, found.total)


def open_order(db: Session, purchase: Purchase, today: date) -> OpenOrder | None:
    """One of them; None when nothing of it is still to come."""
    return next(iter(_with_rolls(db, [purchase], today)), None)


def ordered_elsewhere(db: Session) -> list[Spool]:
    """Rolls on order that were not ordered here: a sheet told of them. The first of them; each has its own page."""
    coming = Spool.state == "on order", Spool.archived_at.is_(None), Spool.purchase_id.is_(None)
    return list(db.scalars(select(Spool).where(*coming).order_by(Spool.expected_on, Spool.id).limit(PAGE_SIZE)))


def orders_total(db: Session, today: date) -> OrdersTotal:
    """One statement for the heads of the pages."""
    coming = _coming()
    late = func.coalesce(func.sum(case((coming.c.expected_on < today, 1), else_=0)), 0)
    sums = [func.coalesce(func.sum(column), 0) for column in (coming.c.rolls, coming.c.mg)]
    orders, rolls, mg, overdue = db.execute(select(func.count(), *sums, late).select_from(coming)).one()
    return OrdersTotal(orders, int(rolls), int(mg), int(overdue))


@dataclass(frozen=True)
class Supply:
    """What there is of a filament besides what one looks at: on its rolls (milligrams), and rolls on their way."""

    lying_mg: int = 0
    coming: int = 0
    expected_on: date | None = None


def supply_of(db: Session, filament_ids: Iterable[UUID]) -> dict[UUID, Supply]:
    """By filament; one statement."""
    coming = Spool.state == "on order"
    sums = select(
        Spool.filament_id,
        func.sum(Spool.remaining_mg).label("mg"),
        func.sum(case((coming, 1), else_=0)).label("coming"),
        func.min(case((coming, Spool.expected_on))).label("expected_on"),
    )
    mine = sums.where(Spool.filament_id.in_(set(filament_ids)), Spool.archived_at.is_(None))
    rows = db.execute(mine.group_by(Spool.filament_id))
    return {row.filament_id: Supply(int(row.mg), int(row.coming), row.expected_on) for row in rows}


def late_orders(today: date) -> Select[int]:
    """How many orders should have come, as a statement of one number."""
    coming = _coming()
    return select(func.count()).select_from(coming).where(coming.c.expected_on < today)


def _coming() -> Subquery:
    return (
        select(
            Spool.purchase_id,
            func.count().label("rolls"),
            func.sum(Spool.initial_mg).label("mg"),
            func.min(Spool.expected_on).label("expected_on"),
        )
        .where(Spool.state == "on order", Spool.archived_at.is_(None), Spool.purchase_id.is_not(None))
        .group_by(Spool.purchase_id)
        .subquery()
    )


def _with_rolls(db: Session, purchases: list[Purchase], today: date) -> list[OpenOrder]:
    coming = _coming()
    mine = select(coming).where(coming.c.purchase_id.in_([one.id for one in purchases]))
    rolls = {row.purchase_id: row for row in db.execute(mine)}
    filament_ids = {one.filament_id for one in purchases}
    filaments = {one.id: one for one in db.scalars(select(Filament).where(Filament.id.in_(filament_ids)))}
    users = {one.user_id for one in purchases if one.user_id}
    names = {row.id: row.name for row in db.execute(select(User.id, User.name).where(User.id.in_(users)))}
    return [_open(one, rolls[one.id], filaments[one.filament_id], today, names) for one in purchases if one.id in rolls]


def _open(purchase: Purchase, row: Any, filament: Filament, today: date, names: dict[UUID, str]) -> OpenOrder:
    late = row.expected_on is not None and row.expected_on < today
    by = names.get(purchase.user_id, "") if purchase.user_id else ""
    return OpenOrder(purchase, filament, row.rolls, int(row.mg), row.expected_on, late, by)
