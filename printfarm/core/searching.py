"""Searching by words, the same way in every list: each word that was typed must stand in one of the columns.

Case does not count (the database's own lower(): SQLite knows only A to Z). What LIKE would take for a wildcard is escaped.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

LONGEST, MOST_WORDS = 100, 6


def words_of(text: str | None) -> list[str]:
    """The words of what somebody typed: the first six of its first hundred characters, without what cannot be printed."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text or "")
    return plain[:LONGEST].split()[:MOST_WORDS]


def speaks_of(text: str | None, *columns: Any) -> ColumnElement[bool]:
    """Every word of a text stands in one of the columns. A text without words is in everything."""
    return and_(True, *(stands_in(word, *columns) for word in words_of(text)))


def stands_in(word: str, *columns: Any) -> ColumnElement[bool]:
    """One word stands in one of the columns."""
    return or_(*(column.icontains(word, autoescape=True) for column in columns))
