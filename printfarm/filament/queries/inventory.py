"""The inventory: rolls by what people ask for, in any order, with their sums; in a fixed number of statements."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Select, case, extract, func, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session, joinedload

from printfarm.core.database import ExactDecimal
from printfarm.core.paging import PAGE_SIZE, Paged
from printfarm.core.searching import speaks_of
from printfarm.filament.families import FAMILIES, families_of
from printfarm.filament.models import SPOOL_STATES, Filament, Spool, StockEntry
from printfarm.filament.queries.filaments import NAMES, materials_in_use
from printfarm.filament.service.states import today_of

# A filament that more variants than this want is in high demand.
HIGH_DEMAND = 3
WITH_SHORT = joinedload(Spool.filament).undefer(Filament.is_short)  # what is_low asks of each row
NOWHERE = "–"  # asks for rolls without a place
# What a gram has cost: of this roll, or else of its filament.
COST = func.coalesce(Spool.cost_per_gram, Filament.cost_per_gram)
VALUE = sql_cast(Spool.remaining_mg, Float) * COST
# How the list may be ordered. Who has nothing to be ordered by comes last, whichever way.
BY_NAME = (Filament.material, Filament.colour_name, Filament.id, Spool.remaining_mg)
SORTS: dict[str, tuple[Any, ...]] = {
    "name": BY_NAME,
    "brand": (Filament.brand, *BY_NAME),
    "code": (Spool.code,),
    "state": (
        case({one: at for at, one in enumerate(SPOOL_STATES)}, value=Spool.state),
        *BY_NAME,
    ),
    "left": (Spool.remaining_mg,),
    "missing": (Spool.remaining_mg - Spool.low_below_mg,),
    "place": (func.nullif(Spool.location, ""), *BY_NAME),
    "bought": (Spool.purchased_on,),
    "best before": (Spool.expires_on,),
    "used": (Spool.last_used_at,),
    "value": (VALUE,),
    "demand": (Filament.demand_count,),
    "added": (Spool.created_at,),
}


@dataclass(frozen=True)
class InventoryFilter:
    """Which rolls, in which order ("left", or "-left" for the other way round)."""

    text: str = ""
    material: str = ""
    brand: str = ""
    colour: str = ""
    location: str = ""
    state: str = ""
    low: bool = False
    wanted: bool = False
    archived: bool = False
    sort: str = ""

    @classmethod
    def of(cls, args: Mapping[str, str]) -> "InventoryFilter":
        """What an address asks for; what cannot be asked is not."""
        state, sort, colour = args.get("state", ""), args.get("sort", ""), args.get("colour", "")
        return cls(
            text=args.get("q", "").strip(),
            material=args.get("material", ""),
            brand=args.get("brand", ""),
            colour=colour if colour in FAMILIES else "",
            location=args.get("location", ""),
            state=state if state in SPOOL_STATES else "",
            low="low" in args,
            wanted="wanted" in args,
            archived="archived" in args,
            sort=sort if sort.removeprefix("-") in SORTS else "",
        )

    def args(self) -> dict[str, str]:
        """The same, as it stands in an address."""
        said = {"q": self.text, "material": self.material, "brand": self.brand, "colour": self.colour}
        said |= {"location": self.location, "state": self.state, "sort": self.sort}
        said |= {name: "1" for name in ("low", "wanted", "archived") if getattr(self, name)}
        return {name: value for name, value in said.items() if value}

    @property
    def narrows(self) -> bool:
        return bool(self.args().keys() - {"sort"})


@dataclass(frozen=True)
class InventoryTotals:
    """All rolls that a filter finds, in figures. `value` in the shop's currency, of those whose price is known."""

    spools: int = 0
    filaments: int = 0
    remaining_mg: int = 0
    low: int = 0
    wanted: int = 0
    value: Decimal = Decimal(0)
    unpriced: int = 0
    dated: int = 0
    mean_age_days: int | None = None


@dataclass(frozen=True)
class InventoryChoices:
    """What can be asked for: only what there is."""

    materials: Sequence[str] = ()
    brands: Sequence[str] = ()
    colours: Sequence[str] = ()
    locations: Sequence[str] = ()
    hexes: Mapping[str, frozenset[str]] = field(default_factory=dict)  # each colour of the shop, and its families


def inventory_choices(db: Session) -> InventoryChoices:
    brands = select(Filament.brand).where(Filament.brand != "").distinct().order_by(Filament.brand)
    places = select(Spool.location).where(Spool.location != "", Spool.archived_at.is_(None)).distinct()
    hexes = {one: families_of(one) for one in db.scalars(select(Filament.colour_hex).distinct())}
    there = frozenset().union(*hexes.values())
    return InventoryChoices(
        materials=materials_in_use(db),
        brands=list(db.scalars(brands)),
        colours=[one for one in FAMILIES if one in there],
        locations=list(db.scalars(places.order_by(Spool.location))),
        hexes=hexes,
    )


def inventory(
    db: Session, asked: InventoryFilter, choices: InventoryChoices, page: int = 1
) -> tuple[Paged[Spool], InventoryTotals]:
    """A page of the list, and the sums of the whole of it: three statements. Which rolls the page has is asked first, so that
    nothing is computed for those before it.
    """
    totals = inventory_totals(db, asked, choices)
    pages = max(1, -(-totals.spools // PAGE_SIZE))
    number = min(max(1, page), pages)
    wanted = _ordered(_found(select(Spool.id).select_from(Spool), asked, choices), asked.sort)
    ids = db.scalars(wanted.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    found = {one.id: one for one in db.scalars(select(Spool).where(Spool.id.in_(ids)).options(WITH_SHORT))}
    items = [found[one] for one in ids if one in found]
    return Paged(items, number, pages, totals.spools), totals


def inventory_totals(db: Session, asked: InventoryFilter, choices: InventoryChoices) -> InventoryTotals:
    """One statement. Ages count from the day of purchase; a roll without one, or that has not come, has none, and none is less
    than nothing.
    """
    today = today_of(db)
    bought = case((Spool.purchased_on > today, today), else_=Spool.purchased_on)
    dated = case((Spool.state != "on order", bought))
    sums = select(
        func.count(Spool.id),
        func.count(func.distinct(Filament.id)),
        func.coalesce(func.sum(Spool.remaining_mg), 0),
        func.coalesce(func.sum(case((Spool.is_low, 1), else_=0)), 0),
        func.coalesce(func.sum(case((Filament.demand_count > HIGH_DEMAND, 1), else_=0)), 0),
        func.coalesce(func.sum(VALUE, type_=Float), 0),
        func.coalesce(func.sum(case((COST.is_(None), 1), else_=0)), 0),
        func.count(dated),
        func.avg(extract("epoch", dated)),
    )
    row = db.execute(_found(sums.select_from(Spool), asked, choices)).one()
    spools, filaments, remaining, low, wanted = (int(one) for one in row[:5])
    return InventoryTotals(
        spools,
        filaments,
        remaining,
        low,
        wanted,
        value=_money(row[5]),
        unpriced=int(row[6]),
        dated=int(row[7]),
        mean_age_days=None if row[8] is None else _days_since(float(row[8]), today),
    )


def inventory_ids(db: Session, asked: InventoryFilter, choices: InventoryChoices) -> list[UUID]:
    """All that a filter finds, in its order."""
    return list(db.scalars(_ordered(_found(select(Spool.id).select_from(Spool), asked, choices), asked.sort)))


def spools_by_id(db: Session, ids: Sequence[UUID]) -> list[Spool]:
    """These rolls, in this order; those that are gone are left out."""
    found = {one.id: one for one in db.scalars(select(Spool).where(Spool.id.in_(ids)))}
    return [found[one] for one in ids if one in found]


def value_of(spool: Spool) -> Decimal | None:
    """What is left on a roll is worth, by what it has cost; None when nobody said."""
    cost = spool.cost_per_gram if spool.cost_per_gram is not None else spool.filament.cost_per_gram
    return None if cost is None else cost * spool.remaining_mg / 1000


def is_wanted(spool: Spool) -> bool:
    """Whether its filament is in high demand."""
    return spool.filament.demand_count > HIGH_DEMAND


def last_line_of(db: Session, spool_id: UUID) -> StockEntry | None:
    """The newest line of a roll's ledger."""
    mine = select(StockEntry).where(StockEntry.spool_id == spool_id)
    return db.scalar(mine.order_by(StockEntry.created_at.desc(), StockEntry.id.desc()).limit(1))


def _found(statement: Select[Any], asked: InventoryFilter, choices: InventoryChoices) -> Select[Any]:
    return statement.join(Filament, Spool.filament_id == Filament.id).where(*_conditions(asked, choices))


def _conditions(asked: InventoryFilter, choices: InventoryChoices) -> Iterator[Any]:
    yield _in_use(asked)
    if asked.text:
        yield speaks_of(asked.text, *NAMES, Spool.code, Spool.batch, Spool.location, Spool.supplier, Spool.note)
    if asked.material:
        yield Filament.material == asked.material
    if asked.brand:
        yield Filament.brand == asked.brand
    if asked.colour:
        yield _of_colour(asked.colour, choices.hexes)
    if asked.location:
        yield Spool.location == ("" if asked.location == NOWHERE else asked.location)
    if asked.low:
        yield Spool.is_low
    if asked.wanted:
        yield Filament.demand_count > HIGH_DEMAND


def _in_use(asked: InventoryFilter) -> ColumnElement[bool]:
    """Discarded rolls are always put away, so whoever asks for them wants those."""
    away = Spool.archived_at.is_not(None) if asked.archived else Spool.archived_at.is_(None)
    if not asked.state:
        return away
    return Spool.state == asked.state if asked.state == "discarded" else away & (Spool.state == asked.state)


def _of_colour(family: str, hexes: Mapping[str, Iterable[str]]) -> ColumnElement[bool]:
    """By what it looks like, or by what it is called."""
    looks = [one for one, families in hexes.items() if family in families]
    return or_(Filament.colour_hex.in_(looks), Filament.colour_name.icontains(family, autoescape=True))


def _ordered(statement: Select[Any], sort: str) -> Select[Any]:
    first, *others = SORTS[sort.removeprefix("-") or "name"]
    way = first.desc() if sort.startswith("-") else first.asc()
    if not sort.removeprefix("-") or sort == "name":
        return statement.order_by(first, *others, Spool.id)
    return statement.order_by(way.nulls_last(), *others, Spool.id)


def _money(sum_: float) -> Decimal:
    """Of milligrams times the column's whole number per gram; exact up to millions, to a cent far beyond."""
    places = cast("ExactDecimal", Spool.__table__.c.cost_per_gram.type).places
    return (Decimal(int(sum_)).scaleb(-3 - places)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def _days_since(epoch: float, today: date) -> int:
    there = datetime.fromtimestamp(epoch, UTC)
    return max(0, (datetime(today.year, today.month, today.day, tzinfo=UTC) - there).days)
