"""What the areas above tell of spools: they know printers, this area does not. Registered when the application is built."""

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

# Where spools are loaded, in words ("Anna A2"), for those that are.
LOADED: list[Callable[[Session, Sequence[UUID]], dict[UUID, str]]] = []


def loaded_in(db: Session, spool_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The slots in which these spools are."""
    return {spool_id: words for ask in LOADED for spool_id, words in ask(db, spool_ids).items()}
