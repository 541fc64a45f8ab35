"""What to buy: of which filament there is, or will be, too little, and what is wanted and not there. One statement finds it,
however many filaments the shop has; what has nothing to be bought of is left to the database.

Per filament: free = what its rolls hold by the ledger (less the grams that wait for a roll) − what queue and orders were
promised. Urgent: free, with what is on order, below its threshold × the shop's choice from 1 to 5.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from babel.numbers import get_currency_precision
from sqlalchemy import Row, ScalarSelect, Select, Subquery, and_, case, func, or_, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import Shop
from printfarm.core.tenancy import shop_of
from printfarm.core.units import cost_minor
from printfarm.filament.from_above import uses_of
from printfarm.filament.models import Brand, Filament, Promise, Spool, lying_mg
from printfarm.filament.models_shopping import ShoppingWish
from printfarm.filament.queries.orders import late_orders
from printfarm.filament.queries.shopping_items import Item, ShoppingList, Sum, supplier_key
from printfarm.filament.service.shopping import MOST_TIMES

# More than a printed list should have, and more than a page can.
MOST_ON_PAPER = 500
KILOGRAM = 1_000_000


def shopping_list(db: Session, times: int | None = None) -> ShoppingList:
    """What to buy; `times` instead of the shop's own choice. Three statements."""
    shop = db.get_one(Shop, shop_of(db))
    times = _times(times, shop)
    items = [_item(row, shop) for row in db.execute(_to_buy(times))]
    items = _with_uses(db, items)
    items.sort(key=lambda one: (not one.is_urgent, not one.supplier, supplier_key(one.supplier), one.name.casefold()))
    sums: dict[tuple[bool, str], Sum] = {}
    for item in items:
        sums.setdefault((item.is_urgent, supplier_key(item.supplier)), Sum()).add(item)
    total, urgent, wishes = Sum(), Sum(), Sum()
    for (is_urgent, _), by_supplier in sums.items():
        total.take(by_supplier)
        (urgent if is_urgent else wishes).take(by_supplier)
    return ShoppingList(times, items, total, urgent, wishes, sums)


def items_of(db: Session, filament_ids: Sequence[UUID], times: int | None = None) -> list[Item]:
    """These filaments as the list sees them, also those that nothing has to be bought of; archived ones are left out."""
    shop = db.get_one(Shop, shop_of(db))
    rows = db.execute(_stock(_times(times, shop)).where(Filament.id.in_(filament_ids)))
    items = [_item(row, shop) for row in rows]
    items = _with_uses(db, items)
    return sorted(items, key=lambda one: (not one.supplier, supplier_key(one.supplier), one.name.casefold()))


def count_buying(db: Session, today: date) -> tuple[int, int]:
    """How many filaments are urgent to buy, and how many orders should have come: one statement."""
    times = select(Shop.shopping_times).where(Shop.id == shop_of(db)).scalar_subquery()
    stock = _stock(times).subquery()
    urgent = select(func.count()).select_from(stock).where(stock.c.missing_mg > 0)
    row = db.execute(select(urgent.scalar_subquery(), late_orders(today).scalar_subquery())).one()
    return row[0], row[1]


def _to_buy(times: int) -> Select[*tuple[Any, ...]]:
    stock = _stock(times)
    missing, lying, ordered = (stock.selected_columns[name] for name in ("missing_mg", "lying_mg", "ordered_mg"))
    wanted = and_(Filament.demand_count > 0, lying == 0, ordered == 0)
    return stock.where(or_(missing > 0, wanted, ShoppingWish.id.is_not(None)))


def _stock(times: int | ScalarSelect[int]) -> Select[*tuple[Any, ...]]:
    """A row for each filament in use, with all that its Item needs."""
    rolls, promised = _rolls_of(), _promised()
    lying = lying_mg(func.coalesce(rolls.c.held_mg, 0))
    ordered = func.coalesce(rolls.c.ordered_mg, 0)
    needed = func.coalesce(promised.c.mg, 0)
    low = func.coalesce(Filament.low_below_mg, rolls.c.low_mg, case((needed > 0, _low_before())), 0)
    return (
        select(
            Filament.id,
            Filament.brand,
            Filament.material,
            Filament.finish,
            Filament.colour_name,
            Filament.colour_hex,
            Filament.article_number,
            Filament.purchase_url,
            Filament.note,
            Filament.spool_mg,
            Filament.demand_count,
            func.coalesce(func.nullif(Filament.supplier, ""), rolls.c.supplier, "").label("supplier"),
            func.coalesce(Filament.cost_per_gram, rolls.c.cost_per_gram).label("cost_per_gram"),
            func.coalesce(Brand.url, "").label("brand_url"),
            lying.label("lying_mg"),
            needed.label("promised_mg"),
            ordered.label("ordered_mg"),
            func.coalesce(rolls.c.ordered, 0).label("ordered"),
            rolls.c.expected_on,
            low.label("low_mg"),
            (low * times - (lying - needed) - ordered).label("missing_mg"),
            func.coalesce(ShoppingWish.rolls, 0).label("wished"),
        )
        .outerjoin(rolls, rolls.c.filament_id == Filament.id)
        .outerjoin(promised, promised.c.filament_id == Filament.id)
        .outerjoin(ShoppingWish, ShoppingWish.filament_id == Filament.id)
        .outerjoin(Brand, Brand.name == Filament.brand)
        .where(Filament.archived_at.is_(None))
    )


def _rolls_of() -> Subquery:
    """What lies of each filament and what is on its way; without a threshold of its own the largest of its rolls' counts."""
    coming = Spool.state == "on order"
    return (
        select(
            Spool.filament_id,
            func.sum(case((coming, 0), else_=Spool.remaining_mg)).label("held_mg"),
            func.sum(case((coming, Spool.initial_mg), else_=0)).label("ordered_mg"),
            func.sum(case((coming, 1), else_=0)).label("ordered"),
            func.min(case((coming, Spool.expected_on))).label("expected_on"),
            func.max(case((~coming, Spool.low_below_mg))).label("low_mg"),
            func.max(Spool.cost_per_gram).label("cost_per_gram"),
            func.max(Spool.supplier).label("supplier"),
        )
        .where(Spool.archived_at.is_(None))
        .group_by(Spool.filament_id)
        .subquery()
    )


def _low_before() -> ScalarSelect[int]:
    """The threshold of the newest roll that was put away: for a filament that jobs still want when its last roll is gone."""
    gone = Spool.filament_id == Filament.id, Spool.archived_at.is_not(None), Spool.state != "on order"
    last = select(Spool.low_below_mg).where(*gone).order_by(Spool.id.desc()).limit(1)
    return last.correlate(Filament).scalar_subquery()


def _promised() -> Subquery:
    wanted = select(Promise.filament_id, func.sum(Promise.needed_mg).label("mg"))
    return wanted.group_by(Promise.filament_id).subquery()


def _item(row: Row[Any], shop: Shop) -> Item:
    spool_mg = row.spool_mg if row.spool_mg > 0 else KILOGRAM
    return Item(
        filament_id=row.id,
        name=" ".join(part for part in (row.brand, row.material, row.finish, row.colour_name) if part),
        colours=row.colour_hex.split(","),
        colour_name=row.colour_name,
        material=row.material,
        finish=row.finish,
        brand=row.brand,
        supplier=row.supplier.strip(),
        article_number=row.article_number,
        url=_web(row.purchase_url),
        brand_url=_web(row.brand_url),
        note=row.note,
        lying_mg=int(row.lying_mg),
        promised_mg=int(row.promised_mg),
        ordered_mg=int(row.ordered_mg),
        ordered=int(row.ordered),
        expected_on=row.expected_on,
        low_mg=int(row.low_mg),
        missing_mg=max(0, int(row.missing_mg)),
        spool_mg=spool_mg,
        price_minor=_price(row.cost_per_gram, spool_mg, shop),
        demand=row.demand_count,
        wished=row.wished,
    )


def _times(asked: int | None, shop: Shop) -> int:
    return asked if asked is not None and 1 <= asked <= MOST_TIMES else shop.shopping_times


def _with_uses(db: Session, items: list[Item]) -> list[Item]:
    """Those that only variants want, with what they take of it."""
    uses = uses_of(db, [item.filament_id for item in items if item.demand and not item.is_urgent])
    return [replace(item, use=uses[item.filament_id]) if item.filament_id in uses else item for item in items]


def _price(cost_per_gram: Decimal | None, spool_mg: int, shop: Shop) -> int | None:
    if cost_per_gram is None:
        return None
    return cost_minor(spool_mg, cost_per_gram, 10 ** get_currency_precision(shop.currency))


def _web(url: str) -> str:
    """What an import brought may be any text; a link leads to the web or nowhere."""
    return url if url.startswith(("https://", "http://")) else ""
