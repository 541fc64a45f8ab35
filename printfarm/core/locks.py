"""A named lock for the rest of a transaction, for rules that no constraint can hold (the first person, the last owner)."""

import hashlib

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def one_at_a_time(db: Session, name: str) -> None:
    """Wait until no other transaction holds `name`. On SQLite every writer is alone already."""
    if db.get_bind().dialect.name != "postgresql":
        return
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    db.execute(select(func.pg_advisory_xact_lock(key)))
