"""The SQLite half of a backup: a consistent copy through SQLite's own backup interface."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from printfarm.core.backup.counts import compare

COPY = "printfarm.db"


def dump(engine: Engine, folder: Path) -> dict[str, int]:
    """Copy the database into the folder while others may write; returns rows per table."""
    with closing(sqlite3.connect(_path(engine))) as source, closing(sqlite3.connect(folder / COPY)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a write-ahead log beside it
        return _count(copy)


def load(engine: Engine, folder: Path, manifest: dict[str, Any]) -> None:
    """Put the copy in place once it is whole; raises ValueError when it is broken or its rows are not as many as were saved."""
    copy, target = folder / COPY, _path(engine)
    with closing(sqlite3.connect(copy)) as database:
        verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise ValueError(f"SQLite says: {verdict}")
        compare(manifest["tables"], _count(database))
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.restored")
    shutil.copyfile(copy, draft)
    draft.chmod(0o600)
    for beside in ("-wal", "-shm"):  # of an empty database that was there
        target.with_name(target.name + beside).unlink(missing_ok=True)
    draft.replace(target)


def is_empty(engine: Engine, _revision: str) -> bool:
    path = _path(engine)
    if not path.exists():
        return True
    with closing(sqlite3.connect(path)) as database:
        return not _tables(database)


def _path(engine: Engine) -> Path:
    assert engine.url.database is not None
    return Path(engine.url.database)


def _tables(database: sqlite3.Connection) -> list[str]:
    """Those that hold rows: an index for full text (`fts_…`) and what lies beside it follow from them."""
    found = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        " AND name NOT LIKE 'fts\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [row[0] for row in found]


def _count(database: sqlite3.Connection) -> dict[str, int]:
    # The names come from the database's own catalogue.
    return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in _tables(database)}  # noqa: S608
