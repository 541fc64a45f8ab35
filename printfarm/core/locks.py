"""What a transaction holds until it ends: rows, and names for rules that no constraint can hold (the first person)."""

import hashlib
from typing import Any, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

S = TypeVar("S", bound=Select[Any])

KEEPING_KEYS = {"key_share": True}
"""How `Session.get` locks a row that others may refer to meanwhile (FOR NO KEY UPDATE). For a plain FOR UPDATE everybody waits
who writes a row that refers to it, and may hold what its holder needs next: who writes a report of a run refers to the printer,
and goes on to lock the run, which comes before the printer. https://www.postgresql.org/docs/current/explicit-locking.html
"""


def locked(wanted: S, of: type | None = None) -> S:
    """These rows as they are now, held until the transaction ends, though not against references to them. `of`: which one of
    the tables that the statement joins. Who deletes a row then, or takes it out of use while others may be about to name it,
    says `with_for_update()` instead.
    """
    return wanted.with_for_update(of=of, **KEEPING_KEYS).execution_options(populate_existing=True)


def one_at_a_time(db: Session, name: str) -> None:
    """Wait until no other transaction holds `name`. On SQLite every writer is alone already."""
    if db.get_bind().dialect.name != "postgresql":
        return
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    db.execute(select(func.pg_advisory_xact_lock(key)))
