"""Databases as an older program left them: made by its migrations, filled row by row, looked at without today's models."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, inspect

from printfarm.core.database import make_engine
from tests.support.databases import OWNER, Postgres

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DEFAULTS: dict[type, object] = {str: "x", int: 1, bool: True, datetime: NOW, date: NOW.date(), dict: {}, object: {}}


def empty_database(folder: Path, server: Postgres | None) -> Iterator[Engine]:
    """An empty database, entered as the owner of its tables, as migrations do. `server` for "postgresql"."""
    if server is None:
        made = make_engine(f"sqlite:///{folder / 'old.db'}")
        yield made
        made.dispose()
        return
    name = f"old_{uuid4().hex[:12]}"
    server.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    made = make_engine(server.url(OWNER, name))
    yield made
    made.dispose()
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def insert(db: Connection, table: str, **values: object) -> None:
    """A row with something in every column that must not be empty."""
    known = sa.Table(table, sa.MetaData(), autoload_with=db)
    for column in known.columns:
        if column.name in values or column.nullable:
            continue
        values[column.name] = uuid4() if column.name == "id" else DEFAULTS[column.type.python_type]
    kept = {
        name: value.hex if isinstance(value, UUID) and db.dialect.name == "sqlite" else value
        for name, value in values.items()
    }
    db.execute(sa.insert(known).values(kept))


def as_shop(db: Connection, shop_id: UUID) -> None:
    """Row-level security lets this shop's rows be seen."""
    if db.dialect.name == "postgresql":
        db.execute(sa.text("SELECT set_config('app.shop_id', :shop, true)"), {"shop": str(shop_id)})


def rows(engine: Engine, shop: UUID, table: str) -> list[sa.Row]:
    """A shop's rows of a table."""
    with engine.begin() as db:
        as_shop(db, shop)
        found = sa.Table(table, sa.MetaData(), autoload_with=db)
        of_shop = shop.hex if db.dialect.name == "sqlite" else shop
        return list(db.execute(sa.select(found).where(found.c.shop_id == of_shop)))


def guards(engine: Engine, table: str) -> set[tuple[str, str]]:
    """What the database itself refuses on a table, by kind and name."""
    found = inspect(engine)
    return (
        {("check", str(one["name"])) for one in found.get_check_constraints(table)}
        | {("unique", str(one["name"])) for one in found.get_unique_constraints(table)}
        | {("key", str(one["name"])) for one in found.get_foreign_keys(table)}
        | {("index", str(one["name"])) for one in found.get_indexes(table) if not one.get("duplicates_constraint")}
    )
