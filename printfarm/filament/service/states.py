"""What may happen to a roll, in one table: nothing else changes a spool's state.

`loaded` and back come from the areas that know printers (`spools.mark_loaded`); the other states from people and from what
the ledger books (`follow_the_ledger`).
"""

from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from printfarm.accounts.models import Shop
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.events import emit
from printfarm.core.tenancy import shop_of
from printfarm.filament.events import SpoolChanged
from printfarm.filament.models import PRINT_CAUSES, Spool, StockEntry
from printfarm.filament.service.filaments import restore_filament

# From each state, the states that may follow. A roll is sealed again when it was never opened after all.
MAY_BECOME: dict[str, frozenset[str]] = {
    "on order": frozenset({"sealed"}),
    "sealed": frozenset({"open", "loaded", "empty", "discarded"}),
    "open": frozenset({"sealed", "loaded", "empty", "discarded"}),
    "loaded": frozenset({"open", "empty", "discarded"}),
    "empty": frozenset({"open", "loaded", "discarded"}),
    "discarded": frozenset({"sealed", "open", "empty"}),
}
# How the key of a line begins with which a whole roll was thrown away; a few discarded grams have none.
DISCARDED = "discarded:"
# What people book themselves, as against what prints and programs do.
HAND_MADE = frozenset({"received", "correction", "weighed", "discarded", "purge"})
REFUSALS = {
    "on order": "This roll has not come yet. Receive it first.",
    "discarded": "This roll is discarded. Bring it back first.",
}


def today_of(db: Session) -> date:
    """The day that it is in the shop."""
    shop = db.get(Shop, shop_of(db))
    try:
        zone = ZoneInfo(shop.timezone if shop else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return utc_now().astimezone(zone).date()


def become(db: Session, spool: Spool, state: str) -> None:
    """Change the state as the table allows; the caller holds the lock. The same state again is nothing. Raises DomainError."""
    if state == spool.state:
        return
    if state not in MAY_BECOME[spool.state]:
        raise DomainError(REFUSALS.get(spool.state, f"A roll that is {spool.state} cannot become {state}."))
    spool.state = state
    if state in {"open", "loaded"} and spool.opened_on is None:
        spool.opened_on = today_of(db)
    if state == "sealed":
        spool.opened_on = None
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))


def follow_the_ledger(db: Session, spool: Spool, entry: StockEntry) -> None:
    """What a line of the ledger says of the roll: a print opens it, nothing left empties it, what came back fills it again.

    Called by the ledger with the roll's lock held, after the weight has changed. Raises DomainError for grams that a person
    books to a roll that is discarded; a print that ends later, and what is taken back, are facts all the same.
    """
    if spool.state == "discarded" and entry.cause in HAND_MADE and not _is_discarding(entry) and entry.run_id is None:
        raise DomainError(REFUSALS["discarded"])
    if spool.state == "on order" and entry.delta_mg > 0:
        become(db, spool, "sealed")
    if spool.state == "sealed" and entry.delta_mg < 0 and entry.cause in {*PRINT_CAUSES, "moved"}:
        become(db, spool, "open")
    if spool.state == "discarded" and _undoes_discarding(db, entry):
        _bring_back(db, spool)
    elif spool.state in {"sealed", "open"} and spool.remaining_mg <= 0:
        become(db, spool, "empty")
    elif spool.state == "empty" and spool.remaining_mg > 0:
        become(db, spool, "open")


def _undoes_discarding(db: Session, entry: StockEntry) -> bool:
    undone = db.get(StockEntry, entry.undoes_id) if entry.undoes_id else None
    return undone is not None and _is_discarding(undone)


def _is_discarding(entry: StockEntry) -> bool:
    return (entry.cause_key or "").startswith(DISCARDED)


def out_of_the_archive(db: Session, spool: Spool) -> None:
    """The roll is here again, and so is its filament: nothing of an archived one would be found or offered."""
    spool.archived_at = None
    if spool.filament.archived_at is not None:
        restore_filament(db, spool.filament_id)


def _bring_back(db: Session, spool: Spool) -> None:
    out_of_the_archive(db, spool)
    become(db, spool, "empty" if spool.remaining_mg <= 0 else "open" if spool.opened_on else "sealed")
