"""A shop sees only itself: the fences around every shop-scoped table.

Four of them, each enough alone: a criterion on every ORM statement, stamping on insert, composite foreign keys that cannot
point into another shop, and on PostgreSQL row-level security (migrations.fences).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, event
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    UOWTransaction,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.schema import ForeignKey

from printfarm.core.ids import new_id


class NoShop(RuntimeError):
    """A shop-scoped table was touched in a session that belongs to no shop: always a bug, never an answer."""


class ForeignShop(RuntimeError):
    """A row of another shop was about to be written: always a bug."""


class ShopScoped:
    """A row of one shop. Brings `id` (UUIDv7), `shop_id`, and the key that composite foreign keys point at."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)

    @declared_attr
    def shop_id(cls) -> Mapped[UUID]:  # noqa: N805  (a class, as declared_attr wants it)
        return mapped_column(ForeignKey("shops.id", ondelete="CASCADE"))


def shop_table(*constraints: Any) -> tuple[Any, ...]:
    """`__table_args__` of a shop-scoped table: the target of composite foreign keys, then the table's own constraints."""
    return (UniqueConstraint("shop_id", "id"), *constraints)


def shop_reference(column: str, table: str, *, ondelete: str = "RESTRICT") -> ForeignKeyConstraint:
    """A foreign key that stays inside the shop: (shop_id, column) onto (shop_id, id) of `table`.

    Only RESTRICT and CASCADE: SET NULL would null the shop as well.
    """
    if ondelete not in {"RESTRICT", "CASCADE"}:
        raise ValueError(f"{ondelete} would null the shop too")
    return ForeignKeyConstraint(["shop_id", column], [f"{table}.shop_id", f"{table}.id"], ondelete=ondelete)


def bind_shop(session: Session, shop_id: UUID | None) -> None:
    """Say whose session this is; None allows only the tables that belong to no shop."""
    session.info["shop_id"] = shop_id


def shop_of(session: Session) -> UUID:
    """The shop of a session. Raises NoShop when there is none."""
    shop_id = session.info.get("shop_id")
    if not isinstance(shop_id, UUID):
        raise NoShop("this session belongs to no shop")
    return shop_id


def fence(session_class: type[Session]) -> None:
    """Install the ORM fences on a session class."""
    event.listen(session_class, "do_orm_execute", _filter_by_shop)
    event.listen(session_class, "before_flush", _stamp_and_check)


def _filter_by_shop(state: ORMExecuteState) -> None:
    if not state.is_orm_statement or not (state.is_select or state.is_update or state.is_delete):
        return
    shop_id = state.session.info.get("shop_id")
    if shop_id is None and any(issubclass(mapper.class_, ShopScoped) for mapper in state.all_mappers):
        raise NoShop("a shop's table was touched in a session that belongs to no shop")
    # Without a shop the criterion matches nothing: a count or a join names no mapper, yet may reach a shop's table.
    state.statement = state.statement.options(
        with_loader_criteria(ShopScoped, lambda cls: cls.shop_id == shop_id, include_aliases=True)
    )


def _stamp_and_check(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    if session.info.get("read_only") and (
        session.new or session.deleted or any(map(session.is_modified, session.dirty))
    ):
        raise RuntimeError("a read-only session may not write")
    for row in session.new:
        if isinstance(row, ShopScoped) and row.shop_id is None:
            row.shop_id = shop_of(session)
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, ShopScoped) and row.shop_id != shop_of(session):
            raise ForeignShop(f"{type(row).__name__} of another shop")
