"""What the library's pages ask the areas above it. Each adds a function to these lists when it is installed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import Session

from printfarm.library.models import Plate


@dataclass(frozen=True)
class Prints:
    """How the prints of something ended. `last_job_id` is the latest job that wanted it."""

    completed: int = 0
    failed: int = 0
    stopped: int = 0
    last_job_id: UUID | None = None

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.stopped

    @property
    def success_percent(self) -> int | None:
        """Of those that ran until they succeeded or failed; a print that somebody stopped says nothing. None: not known."""
        tried = self.completed + self.failed
        return round(self.completed * 100 / tried) if tried else None

    def __add__(self, other: "Prints") -> "Prints":
        return Prints(
            self.completed + other.completed,
            self.failed + other.failed,
            self.stopped + other.stopped,
            max(filter(None, (self.last_job_id, other.last_job_id)), default=None, key=str),
        )


@dataclass(frozen=True)
class PrinterFit:
    """One printer and one plate: whether it can ever print it, whether it can now, and what is against it."""

    name: str
    href: str
    fits: bool
    ready: bool
    why: list[str] = field(default_factory=list)


# How the prints of plates ended, per plate.
PRINTS_OF_PLATES: list[Callable[[Session, Sequence[UUID]], dict[UUID, Prints]]] = []
# Rows of a model's id and how often it was printed; all models, or those named.
PRINTS_OF_MODELS: list[Callable[[Sequence[UUID] | None], Select[UUID, int]]] = []
# Which printers fit, per plate; the plates come with their requirements.
PRINTERS_FOR: list[Callable[[Session, Sequence[Plate]], dict[UUID, list[PrinterFit]]]] = []


def prints_of_plates(db: Session, plate_ids: Sequence[UUID]) -> dict[UUID, Prints]:
    """Every plate has an entry; without areas above, nothing was printed."""
    found = {plate_id: Prints() for plate_id in plate_ids}
    for ask in PRINTS_OF_PLATES:
        for plate_id, prints in ask(db, plate_ids).items():
            found[plate_id] += prints
    return found


def printers_for(db: Session, plates: Sequence[Plate]) -> dict[UUID, list[PrinterFit]]:
    """Every plate has an entry."""
    found: dict[UUID, list[PrinterFit]] = {plate.id: [] for plate in plates}
    for ask in PRINTERS_FOR:
        for plate_id, fits in ask(db, plates).items():
            found[plate_id] += fits
    return found
