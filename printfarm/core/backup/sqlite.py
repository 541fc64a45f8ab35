"""The SQLite half of a backup: a consistent copy through SQLite's own backup interface."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

COPY = "printfarm.db"


def dump(engine: Engine, folder: Path) -> dict[str, int]:
    """Copy the database into the folder while others may write; returns rows per table."""
    with closing(sqlite3.connect(_path(engine))) as source, closing(sqlite3.connect(folder / COPY)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a write-ahead log beside it
        return _count(copy)


def load(engine: Engine, folder: Path, _manifest: dict[str, Any]) -> dict[str, int]:
    """Put the copy in place and check it; returns rows per table. Raises ValueError when SQLite finds it broken."""
    target = _path(engine)
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / COPY)) as copy:
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise ValueError(f"SQLite says: {verdict}")
        with closing(sqlite3.connect(target)) as database:
            copy.backup(database)
            return _count(database)


def is_empty(engine: Engine) -> bool:
    path = _path(engine)
    if not path.exists():
        return True
    with closing(sqlite3.connect(path)) as database:
        return not _tables(database)


def _path(engine: Engine) -> Path:
    assert engine.url.database is not None
    return Path(engine.url.database)


def _tables(database: sqlite3.Connection) -> list[str]:
    found = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [row[0] for row in found]


def _count(database: sqlite3.Connection) -> dict[str, int]:
    # The names come from the database's own catalogue.
    return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in _tables(database)}  # noqa: S608
