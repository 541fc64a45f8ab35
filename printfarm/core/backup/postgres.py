"""The PostgreSQL half of a backup: every table's rows as COPY text, from one snapshot.

Row-level security is forced, for the tables' owner too; so the rows of shop tables are read shop by shop, as the application
itself does. A restore lifts the force inside its own transaction. Nothing here needs a superuser.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from alembic import command
from psycopg import sql
from sqlalchemy import Engine

from printfarm.core.backup.counts import compare

CHUNK = 1 << 20
ALL = "all"  # the file name's part for tables that belong to no shop


def dump(engine: Engine, folder: Path) -> dict[str, int]:
    """Write `<table>.<shop or all>.copy` files from one snapshot; returns rows per table."""
    with _connect(engine) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        shops = _shops(connection)
        counts: dict[str, int] = {}
        for table, is_fenced in _tables(connection).items():
            counts[table] = 0
            for shop in shops if is_fenced else [ALL]:
                _act_for(connection, shop)
                counts[table] += _copy_out(connection, table, folder / f"{table}.{shop}.copy")
        return counts


def load(engine: Engine, folder: Path, manifest: dict[str, Any]) -> None:
    """Make the schema as it was and fill it in one transaction.

    Raises ValueError when the rows are not as many as were saved.
    """
    from printfarm.core.migrations import alembic_config

    command.upgrade(alembic_config(engine), manifest["revision"])
    with _connect(engine) as connection:
        tables = _tables(connection)
        with _unguarded(connection, tables):
            for table in tables:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))  # rows that migrations made
            for table in tables:
                for path in sorted(folder.glob(f"{table}.*.copy")):
                    _copy_in(connection, table, path)
            _move_sequences(connection)
            compare(manifest["tables"], _count(connection, tables))
        connection.commit()


def is_empty(engine: Engine, revision: str) -> bool:
    """Nothing is there, or only the schema that the backup had (a restore that failed leaves that)."""
    with _connect(engine) as connection:
        tables = _tables(connection)
        if not tables:
            return True
        if "alembic_version" not in tables:
            return False
        known = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        open_tables = [table for table, is_fenced in tables.items() if not is_fenced and table != "alembic_version"]
        return known == [(revision,)] and not any(_count(connection, open_tables).values())


@contextmanager
def _connect(engine: Engine) -> Iterator[psycopg.Connection]:
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        yield connection


def _tables(connection: psycopg.Connection) -> dict[str, bool]:
    """Our tables, and whether row-level security fences them."""
    found = connection.execute(
        "SELECT c.relname, c.relrowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname = current_schema() ORDER BY c.relname"
    )
    return dict(found.fetchall())


def _shops(connection: psycopg.Connection) -> list[str]:
    if "shops" not in _tables(connection):
        return []
    return [str(row[0]) for row in connection.execute("SELECT id FROM shops ORDER BY id")]


def _act_for(connection: psycopg.Connection, shop: str) -> None:
    connection.execute("SELECT set_config('app.shop_id', %s, true)", ["" if shop == ALL else shop])


def _copy_out(connection: psycopg.Connection, table: str, path: Path) -> int:
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(_columns(connection, table), sql.Identifier(table))
    with connection.cursor() as cursor, path.open("wb") as file:
        with cursor.copy(statement) as rows:
            for chunk in rows:
                file.write(chunk)
        return cursor.rowcount


def _copy_in(connection: psycopg.Connection, table: str, path: Path) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _columns(connection, table))
    with connection.cursor() as cursor, path.open("rb") as file, cursor.copy(statement) as rows:
        while chunk := file.read(CHUNK):
            rows.write(chunk)


def _columns(connection: psycopg.Connection, table: str) -> sql.Composed:
    """The columns in the order of their names, without generated ones."""
    found = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attname",
        [f'"{table}"'],
    )
    return sql.SQL(", ").join(sql.Identifier(row[0]) for row in found)


@contextmanager
def _unguarded(connection: psycopg.Connection, tables: dict[str, bool]) -> Iterator[None]:
    """Until the end of the transaction, for its own eyes only: no keys (a row may refer to a later one), no triggers (what
    they do was done), and the owner beyond row-level security (COPY needs it). Keys are checked when they come back.
    """
    keys = connection.execute(
        "SELECT t.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k"
        " JOIN pg_class t ON t.oid = k.conrelid"
        " WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace"
    ).fetchall()
    for table, name, _ in keys:
        _alter(connection, table, sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(name)))
    for table, is_fenced in tables.items():
        _alter(connection, table, sql.SQL("DISABLE TRIGGER USER"))
        if is_fenced:
            _alter(connection, table, sql.SQL("NO FORCE ROW LEVEL SECURITY"))
    yield
    for table, is_fenced in tables.items():
        _alter(connection, table, sql.SQL("ENABLE TRIGGER USER"))
        if is_fenced:
            _alter(connection, table, sql.SQL("FORCE ROW LEVEL SECURITY"))
    for table, name, definition in keys:
        words = sql.SQL(cast("LiteralString", definition))  # PostgreSQL's own about its own catalogue
        _alter(connection, table, sql.SQL("ADD CONSTRAINT {} {}").format(sql.Identifier(name), words))


def _alter(connection: psycopg.Connection, table: str, what: sql.Composable) -> None:
    connection.execute(sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(table), what))


def _move_sequences(connection: psycopg.Connection) -> None:
    owned = connection.execute(
        "SELECT s.oid::regclass::text, t.relname, a.attname FROM pg_class s"
        " JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i') JOIN pg_class t ON t.oid = d.refobjid"
        " JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
        " WHERE s.relkind = 'S' AND s.relnamespace = current_schema()::regnamespace"
    ).fetchall()
    for sequence, table, column in owned:
        connection.execute(
            sql.SQL("SELECT setval(%s, coalesce(max({}), 0) + 1, false) FROM {}").format(
                sql.Identifier(column), sql.Identifier(table)
            ),
            [sequence],
        )


def _count(connection: psycopg.Connection, tables: Iterable[str]) -> dict[str, int]:
    """Rows that this transaction sees."""
    counts = {}
    for table in tables:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        assert row is not None
        counts[table] = row[0]
    return counts
