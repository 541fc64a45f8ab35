"""Lists are paged by the database: one statement for the rows, one for how many there are."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

T = TypeVar("T")

PAGE_SIZE = 50


@dataclass(frozen=True)
class Paged(Generic[T]):
    """One page of a list; `number` counts from 1."""

    items: list[T]
    number: int
    pages: int
    total: int


def paginate(db: Session, statement: Select[T], number: int, size: int = PAGE_SIZE) -> Paged[T]:
    """The page `number` of an ordered select of one entity. A page beyond the end is the last one."""
    total = db.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    last = max(1, -(-total // size))
    number = min(max(1, number), last)
    items = list(db.scalars(statement.limit(size).offset((number - 1) * size)).unique())
    return Paged(items, number, last, total)
