"""Small numbers for filaments, spools and brands: what programs that know no UUIDs call them by. Counted per shop and kind.

A number is given when the row is written and never again, also when the row is gone.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session

from printfarm.core.database import Base
from printfarm.core.ids import new_id
from printfarm.core.tenancy import ShopScoped, shop_of, shop_table

LARGEST = 2_000_000_000  # what fits into the column, with room


class Counter(ShopScoped, Base):
    """The last number given in a shop to one kind of row."""

    __tablename__ = "counters"
    __table_args__ = shop_table(UniqueConstraint("shop_id", "kind"))

    kind: Mapped[str]
    last: Mapped[int]


def numbered(kind: str) -> Any:
    """The default of a column `number`: the next of its kind, counted in the row's own transaction."""

    def next_number(context: Any) -> int:
        shop_id = context.get_current_parameters()["shop_id"]
        return _count(context.connection, shop_id, kind, at_least=None)

    return next_number


def reserve(db: Session, kind: str, number: int) -> None:
    """A row gets this number, which came with it from elsewhere: those that are counted go on behind it."""
    _count(db.connection(), shop_of(db), kind, at_least=number)


def next_numbers(db: Session, kind: str, count: int) -> range:
    """So many of them for rows that are written together."""
    if not count:
        return range(0)
    last = _count(db.connection(), shop_of(db), kind, at_least=None, by=count)
    return range(last - count + 1, last + 1)


def _count(connection: Any, shop_id: UUID, kind: str, *, at_least: int | None, by: int = 1) -> int:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = {"id": new_id(), "shop_id": shop_id, "kind": kind, "last": at_least or by}
    following = Counter.last + by if at_least is None else case((Counter.last < at_least, at_least), else_=Counter.last)
    statement = insert(Counter.__table__).values(**first)  # type: ignore[arg-type]
    statement = statement.on_conflict_do_update(index_elements=["shop_id", "kind"], set_={"last": following})
    number: int = connection.execute(statement.returning(Counter.__table__.c.last)).scalar_one()
    return number
