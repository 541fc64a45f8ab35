"""What the areas above lend the fleet, registered when the application is built."""

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

# Locks that must be held before the fleet's own and those of rolls: what prints on these printers.
LOCK_FIRST: list[Callable[[Session, Sequence[UUID]], None]] = []

# What is to be said of the print on a printer, in sentences: which roll it will use up, and when.
ENDS: list[Callable[[Session, UUID], Sequence[str]]] = []


def ends_of(db: Session, printer_id: UUID) -> list[str]:
    """What the areas above know of the end of the rolls that a printer prints from."""
    return [sentence for ask in ENDS for sentence in ask(db, printer_id)]


def lock_what_prints(db: Session, printer_ids: Iterable[UUID]) -> None:
    """Take the locks that come first in the order of all locks. Call it before any other lock of the transaction."""
    wanted = sorted(set(printer_ids))
    for lock in LOCK_FIRST:
        lock(db, wanted)
