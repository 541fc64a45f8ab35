"""What the areas above tell of spools: they know printers and prints, this area does not. Registered when the application is
built.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class PrintOf:
    """The print that a line of the ledger speaks of, and where it is shown."""

    title: str
    url: str


# Where spools are loaded, in words ("Anna A2"), for those that are.
LOADED: list[Callable[[Session, Sequence[UUID]], dict[UUID, str]]] = []
# The prints of some runs.
PRINTS: list[Callable[[Session, Sequence[UUID]], dict[UUID, PrintOf]]] = []


@dataclass(frozen=True)
class Use:
    """What the variants that want a filament take of it, each printed once (milligrams): together, and the hungriest."""

    total_mg: int = 0
    most_mg: int = 0


# What variants take of some filaments.
USES: list[Callable[[Session, Sequence[UUID]], dict[UUID, Use]]] = []
# Locks that come before those of spools and filaments, when what wants some filaments changes.
LOCK_WANTING: list[Callable[[Session, Sequence[UUID]], None]] = []
# Whether prints of our own that feed from a spool at this moment (or did a moment ago) book their grams by themselves.
BOOKED_BY_PRINTS: list[Callable[[Session, UUID, str], bool]] = []
# Why what a machine reports of a spool may be what a print of our own books of another one; in words.
DOUBTED_BY_PRINTS: list[Callable[[Session, UUID], str]] = []

# The page that prints the labels with some codes.
LABELS: list[Callable[[Sequence[str]], str]] = []


def loaded_in(db: Session, spool_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The slots in which these spools are."""
    return {spool_id: words for ask in LOADED for spool_id, words in ask(db, spool_ids).items()}


def prints_of(db: Session, run_ids: Sequence[UUID]) -> dict[UUID, PrintOf]:
    """What was printed in these runs, where they are still known."""
    return {run_id: one for ask in PRINTS for run_id, one in ask(db, run_ids).items()} if run_ids else {}


def uses_of(db: Session, filament_ids: Sequence[UUID]) -> dict[UUID, Use]:
    """What those who want these filaments take of them."""
    return {one: use for ask in USES for one, use in ask(db, filament_ids).items()} if filament_ids else {}


def lock_what_wants(db: Session, filament_ids: Sequence[UUID]) -> None:
    """Take the locks of whatever wants these filaments."""
    for lock in LOCK_WANTING:
        lock(db, filament_ids)


def is_booked_by_a_print(db: Session, spool_id: UUID, teller: str) -> bool:
    """Whether what a machine reports of a spool is that of a print which books it anyway; `teller` is the machine's name."""
    return any(ask(db, spool_id, teller) for ask in BOOKED_BY_PRINTS)


def may_be_of_a_print(db: Session, spool_id: UUID) -> str:
    """Why a machine's report of a spool may be a print's of ours that feeds from another one; nothing where it cannot be."""
    return next((why for ask in DOUBTED_BY_PRINTS if (why := ask(db, spool_id))), "")


def labels_page(codes: Sequence[str]) -> str | None:
    """Where the labels of these codes are printed; None when nobody prints labels."""
    return next((ask(codes) for ask in LABELS), None)
