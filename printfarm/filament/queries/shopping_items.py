"""What stands on the shopping list: a filament with its figures, sums, and the whole of it by supplier."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from printfarm.core.paging import PAGE_SIZE, Paged
from printfarm.filament.from_above import Use


@dataclass(frozen=True)
class Item:
    """A filament on the list. Weights in milligrams; `missing_mg` is what lacks up to the threshold, none for a wish."""

    filament_id: UUID
    name: str
    colours: list[str]
    colour_name: str
    material: str
    finish: str
    brand: str
    supplier: str
    article_number: str
    url: str
    brand_url: str
    note: str
    lying_mg: int
    promised_mg: int
    ordered_mg: int
    ordered: int  # rolls
    expected_on: date | None
    low_mg: int
    missing_mg: int
    spool_mg: int
    price_minor: int | None  # of one roll
    demand: int
    wished: int  # rolls that a person asked for
    use: Use = field(default_factory=Use)

    @property
    def is_urgent(self) -> bool:
        return self.missing_mg > 0

    @property
    def free_mg(self) -> int:
        return self.lying_mg - self.promised_mg

    @property
    def rolls(self) -> int:
        """Whole rolls to buy: up to the threshold, as many as were wished for, or enough for any one of those who want it."""
        if self.is_urgent:
            return max(whole_rolls(self.missing_mg, self.spool_mg), self.wished)
        return self.wished or max(1, whole_rolls(self.use.most_mg, self.spool_mg))

    @property
    def buy_mg(self) -> int:
        return self.rolls * self.spool_mg

    @property
    def cost_minor(self) -> int | None:
        return None if self.price_minor is None else self.rolls * self.price_minor


@dataclass
class Sum:
    """What some items come to. `unpriced`: how many of them are not in the cost."""

    items: int = 0
    rolls: int = 0
    mg: int = 0
    cost_minor: int = 0
    unpriced: int = 0

    def add(self, item: Item) -> None:
        """One item more."""
        rolls = item.rolls
        cost = 0 if item.price_minor is None else rolls * item.price_minor
        self.take(Sum(1, rolls, rolls * item.spool_mg, cost, int(item.price_minor is None)))

    def take(self, other: "Sum") -> None:
        """Those of another sum too."""
        self.items, self.rolls, self.mg = self.items + other.items, self.rolls + other.rolls, self.mg + other.mg
        self.cost_minor, self.unpriced = self.cost_minor + other.cost_minor, self.unpriced + other.unpriced


@dataclass(frozen=True)
class Group:
    """The items of one supplier that stand on a page, and what all of that supplier's come to."""

    supplier: str
    items: list[Item]
    sum: Sum


@dataclass(frozen=True)
class ShoppingList:
    """Everything to buy: what is urgent first, each by supplier."""

    times: int
    items: list[Item]
    total: Sum
    urgent: Sum
    wishes: Sum
    sums: dict[tuple[bool, str], Sum]

    def page(self, number: int, size: int = PAGE_SIZE) -> Paged[Item]:
        """One page of it; a page beyond the end is the last one."""
        pages = max(1, -(-len(self.items) // size))
        number = min(max(1, number), pages)
        return Paged(self.items[(number - 1) * size : number * size], number, pages, len(self.items))

    def groups(self, items: Sequence[Item], *, urgent: bool) -> list[Group]:
        """The urgent ones of some items, or the others, by supplier."""
        found: dict[str, list[Item]] = {}
        for item in items:
            if item.is_urgent == urgent:
                found.setdefault(supplier_key(item.supplier), []).append(item)
        return [Group(some[0].supplier, some, self.sums[urgent, key]) for key, some in found.items()]


def whole_rolls(mg: int, spool_mg: int) -> int:
    """As many whole rolls as hold so much."""
    return -(-mg // spool_mg)


def supplier_key(supplier: str) -> str:
    """By what suppliers are told apart: "3djake" is "3DJake"."""
    return supplier.casefold()
