"""What people book by hand: what a spool holds, what came and went and why, and what a scale shows."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.filament.service.brands import empty_spool_mg
from printfarm.filament.service.counted import count_key
from printfarm.filament.service.stock import (
    cover,
    in_grams,
    lock_spool,
    lock_spool_to_count,
    refuse_impossible,
    refuse_nothing,
    write_entry,
)

# Why a person adds or takes grams: what makes sense for grams that come, and for those that go.
WHY_ADDED = ("correction", "received")
WHY_TAKEN = ("correction", "purge", "failed print", "discarded")


class NoTare(DomainError):
    """The weight of the empty spool is missing, or cannot be right."""


class BookedAlready(DomainError):
    """The same form was sent twice: an impatient press, or an answer that was lost on the way."""

    def __init__(self) -> None:
        super().__init__("That is booked already, once. Nothing was booked a second time.")


class ChangedMeanwhile(DomainError):
    """A roll holds other than the person saw who books."""


def refuse_stale(db: Session, spool_id: UUID, seen_mg: int) -> None:
    """For a weight that is typed into a list: refuse it when the roll holds other than the list showed. Raises
    ChangedMeanwhile.
    """
    spool = lock_spool(db, spool_id)
    if spool.remaining_mg != seen_mg:
        raise ChangedMeanwhile(
            f"Somebody else, or a print, changed this roll meanwhile: it held {in_grams(seen_mg)} when you began and holds"
            f" {in_grams(spool.remaining_mg)} now. Nothing was booked. Look at the number, then book again."
        )


def set_weight(
    db: Session,
    spool_id: UUID,
    remaining_mg: int,
    *,
    cause: str = "correction",
    reason: str = "",
    token: str = "",
    user_id: UUID | None = None,
) -> StockEntry:
    """Say what a spool holds now (filament alone, milligrams); the difference is booked. `token`, here and below: of the form
    in which it is said; the same once more raises BookedAlready.
    """
    spool = lock_spool_to_count(db, spool_id)
    key = _key_of_count(db, token, "set", remaining_mg)
    refuse_impossible(remaining_mg)
    delta_mg = remaining_mg - spool.remaining_mg
    _refuse_cause(cause, delta_mg)
    return write_entry(db, spool, delta_mg, cause=cause, reason=reason, user_id=user_id, cause_key=key)


def add_weight(
    db: Session,
    spool_id: UUID,
    mg: int,
    *,
    cause: str = "correction",
    reason: str = "",
    token: str = "",
    user_id: UUID | None = None,
) -> StockEntry:
    """Filament came onto a spool."""
    spool = lock_spool(db, spool_id)
    key = _key_of(db, token, "add", mg)
    refuse_nothing(mg)
    refuse_impossible(spool.remaining_mg + mg)
    _refuse_cause(cause, mg)
    return write_entry(db, spool, mg, cause=cause, reason=reason, user_id=user_id, cause_key=key)


def take_weight(
    db: Session,
    spool_id: UUID,
    mg: int,
    *,
    cause: str = "correction",
    reason: str = "",
    token: str = "",
    user_id: UUID | None = None,
    agreed_mg: int = 0,
) -> StockEntry:
    """Filament left a spool. More than is there by the ledger is refused (BelowZero), unless a person who saw by how much
    says that it is so: `agreed_mg`.
    """
    spool = lock_spool(db, spool_id)
    key = _key_of(db, token, "take", mg)
    refuse_nothing(mg)
    refuse_impossible(mg)
    _refuse_cause(cause, -mg)
    cover(db, spool, mg, agreed_mg=agreed_mg, user_id=user_id)
    return write_entry(db, spool, -mg, cause=cause, reason=reason, user_id=user_id, cause_key=key)


def read_scale(
    db: Session,
    spool_id: UUID,
    shown_mg: int,
    *,
    tare_mg: int | None = None,
    keep_tare: bool = False,
    reason: str = "",
    token: str = "",
    user_id: UUID | None = None,
) -> StockEntry:
    """A scale shows filament and spool together. `tare_mg` is what the person says of the empty spool; otherwise the spool's
    own counts, then its filament's, then its brand's. `keep_tare`: it is this spool's from now on.
    """
    spool = lock_spool_to_count(db, spool_id)
    key = _key_of_count(db, token, "scale", shown_mg)
    tare = tare_mg if tare_mg is not None else tare_of(db, spool)
    if tare is None:
        raise NoTare(
            "The weight of the empty spool is not known. Write it here,"
            " or say with “It holds” how much filament there is."
        )
    if shown_mg < tare:
        raise NoTare(
            f"The scale shows less than the empty spool weighs ({in_grams(tare)}). If the scale is right,"
            " this spool is lighter: write what it weighs."
        )
    refuse_impossible(tare)
    held_mg = shown_mg - tare
    refuse_impossible(held_mg)
    if keep_tare and tare_mg is not None:
        spool.tare_mg = tare_mg
    reason = reason or f"{in_grams(shown_mg)} on the scale, less {in_grams(tare)} for the empty spool"
    held_before = spool.remaining_mg
    return write_entry(db, spool, held_mg - held_before, cause="weighed", reason=reason, user_id=user_id, cause_key=key)


# How a person tells of a weight → what is booked.
WEIGHINGS: dict[str, Callable[..., StockEntry]] = {
    "set": set_weight,
    "add": add_weight,
    "subtract": take_weight,
    "scale": read_scale,
}


def tare_of(db: Session, spool: Spool) -> int | None:
    """What the empty spool weighs: its own weight, else that of its filament's spools, else of its brand's."""
    if spool.tare_mg is not None:
        return spool.tare_mg
    return empty_spool_mg(db, db.get_one(Filament, spool.filament_id))


def _key_of(db: Session, token: str, what: str, mg: int) -> str | None:
    """What makes a line unique that a form asked for: who goes back in the browser and says something else is heard."""
    return _refuse_again(db, f"said:{token}:{what}:{mg}") if token else None


def _key_of_count(db: Session, token: str, what: str, mg: int) -> str:
    """The same for what a roll holds: such a line is known by its key as a count."""
    return _refuse_again(db, count_key(token, what, mg))


def _refuse_again(db: Session, key: str) -> str:
    if db.scalar(select(StockEntry.id).where(StockEntry.cause_key == key)) is not None:
        raise BookedAlready
    return key


def _refuse_cause(cause: str, delta_mg: int) -> None:
    """Grams that come were not thrown away, and those that go were not received."""
    if cause not in (WHY_ADDED if delta_mg > 0 else WHY_TAKEN):
        went = "came" if delta_mg > 0 else "went"
        raise DomainError(f"Grams that {went} cannot be booked as “{cause}”. Choose another reason.")
