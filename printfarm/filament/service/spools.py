"""Spools themselves: adding, receiving, editing, opening, loading, discarding, putting away."""

from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.ids import SPOOL_CODE, new_code, new_id
from printfarm.filament.events import SpoolChanged
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.filament.service.counted import count_key
from printfarm.filament.service.filaments import lock_filament
from printfarm.filament.service.states import DISCARDED, REFUSALS, become, out_of_the_archive, today_of
from printfarm.filament.service.stock import (
    lock_spool,
    lock_spool_to_count,
    refuse_impossible,
    write_entry,
)
from printfarm.filament.service.undoing import undo_entry

# What comes in one delivery of one filament.
MOST_AT_ONCE = 50


@dataclass(frozen=True)
class SpoolFacts:
    """What a person says of a spool besides what is on it now. Weights in milligrams."""

    batch: str = ""
    initial_mg: int | None = None  # None: what is on it when it is added; left alone when it is edited
    tare_mg: int | None = None  # None: as the filament's, or else the brand's
    low_below_mg: int = 100_000
    cost_per_gram: Decimal | None = None
    location: str = ""
    supplier: str = ""
    note: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    purchased_on: date | None = None
    expires_on: date | None = None
    expected_on: date | None = None  # while it is on order
    opened_on: date | None = None
    dried_on: date | None = None

    @classmethod
    def of(cls, spool: Spool) -> "SpoolFacts":
        """What is known of a spool."""
        return cls(**{one.name: getattr(spool, one.name) for one in fields(cls)})


def find_spool(db: Session, spool_id: UUID) -> Spool:
    """Raises NotFound."""
    found = db.get(Spool, spool_id)
    if found is None:
        raise NotFound("This spool is not here. It may have been removed.")
    return found


def add_spool(
    db: Session,
    filament_id: UUID,
    *,
    weight_mg: int,
    facts: SpoolFacts | None = None,
    token: str = "",
    user_id: UUID | None = None,
) -> Spool:
    """A roll that lies here, with its first line in the ledger: sealed, or open when it was opened or used before. The same
    token again gives the roll that it made before.
    """
    filament = lock_filament(db, filament_id)
    if token and (made := _made_by(db, token)):
        return made[0]
    facts, key = facts or SpoolFacts(), f"received:{token}:00" if token else None
    refuse_impossible(weight_mg)
    return _receive(db, _in_use(filament), weight_mg, facts, reason="New spool", user_id=user_id, cause_key=key)


def receive_spools(
    db: Session,
    filament_id: UUID,
    *,
    count: int,
    weight_mg: int,
    facts: SpoolFacts | None = None,
    token: str = "",
    user_id: UUID | None = None,
) -> list[Spool]:
    """Several rolls of one delivery, each with its own code. The same token again gives the rolls that it made before."""
    filament = lock_filament(db, filament_id)
    if token and (made := _made_by(db, token)):
        return made
    _in_use(filament)
    if not 1 <= count <= MOST_AT_ONCE:
        raise DomainError(f"Between 1 and {MOST_AT_ONCE} rolls can be received at once.")
    if weight_mg <= 0:
        raise DomainError("Say how many grams are on each roll: more than zero.")
    refuse_impossible(weight_mg)
    keys = [f"received:{token}:{number:02}" if token else None for number in range(count)]
    return [_receive(db, filament, weight_mg, facts or SpoolFacts(), user_id=user_id, cause_key=key) for key in keys]


def order_spool(db: Session, filament_id: UUID, *, facts: SpoolFacts, purchase_id: UUID | None = None) -> Spool:
    """A roll that is on its way: it weighs nothing until it comes; `facts.initial_mg` is what it will hold."""
    filament = _in_use(lock_filament(db, filament_id))
    initial_mg = filament.spool_mg if facts.initial_mg is None else facts.initial_mg
    refuse_impossible(initial_mg)
    return _new(db, filament, replace(facts, initial_mg=initial_mg), state="on order", purchase_id=purchase_id)


def receive_ordered(db: Session, spool_id: UUID, *, user_id: UUID | None = None) -> Spool:
    """A roll that was on order has come. Raises DomainError when somebody has received it already."""
    spool = lock_spool(db, spool_id)
    if spool.state != "on order":
        raise DomainError("This roll is here already.")
    _come(db, spool, user_id)
    return spool


def edit_spool(db: Session, spool_id: UUID, facts: SpoolFacts) -> Spool:
    """Change what is known of a spool; its weight changes only through the ledger."""
    spool = lock_spool(db, spool_id)
    for name, value in _kept(facts).items():
        setattr(spool, name, value)
    if spool.state == "sealed" and facts.opened_on is not None:
        become(db, spool, "open")
    elif spool.state == "open" and facts.opened_on is None and spool.remaining_mg >= spool.initial_mg:
        become(db, spool, "sealed")
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def open_spool(db: Session, spool_id: UUID) -> Spool:
    """The seal was broken today."""
    spool = lock_spool(db, spool_id)
    if spool.state != "sealed":
        raise DomainError(f"This roll is not sealed, but {spool.state}.")
    become(db, spool, "open")
    return spool


def note_dried(db: Session, spool_id: UUID) -> Spool:
    """The roll was in the dryer today."""
    spool = lock_spool(db, spool_id)
    spool.dried_on = today_of(db)
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def mark_loaded(db: Session, spool_id: UUID) -> Spool:
    """A roll was put into a printer; loaded again is nothing, and one that was on order has evidently come.

    For the areas that know printers, when they assign it to a slot. Raises DomainError for a roll that is discarded.
    """
    spool = lock_spool(db, spool_id)
    if spool.state == "on order":
        _come(db, spool, None)
    become(db, spool, "loaded")
    return spool


def mark_unloaded(db: Session, spool_id: UUID) -> Spool:
    """A roll was taken out of a printer: open, or empty when nothing is left. One that was not loaded stays what it is."""
    spool = lock_spool(db, spool_id)
    if spool.state == "loaded":
        become(db, spool, "empty" if spool.remaining_mg <= 0 else "open")
    return spool


def empty_spool(db: Session, spool_id: UUID, *, user_id: UUID | None = None) -> Spool:
    """A person sees that nothing is left. What the books still had is taken out, as a discrepancy."""
    spool = lock_spool_to_count(db, spool_id)
    if spool.state == "discarded":  # to be empty is a way back from there, for a roll that held nothing
        raise DomainError(REFUSALS["discarded"])
    become(db, spool, "empty")
    # A line of nothing where the books had nothing left: what is found out later of a print before has left it already.
    had, key = spool.remaining_mg, count_key("", "empty", 0)
    facts: dict[str, Any] = {
        "reason": "The roll is empty",
        "is_discrepancy": had != 0,
        "cause_key": key,
        "user_id": user_id,
    }
    write_entry(db, spool, -had, cause="correction", **facts)
    return spool


def discard_spool(db: Session, spool_id: UUID, *, reason: str = "", user_id: UUID | None = None) -> StockEntry:
    """Throw a roll away: what was left leaves the stock with one line, and the roll is put away. Undoing that line brings
    it back.
    """
    spool = lock_spool_to_count(db, spool_id)
    if spool.state == "discarded":
        raise DomainError("Somebody has discarded this roll already.")
    if spool.state == "on order":
        raise DomainError("This roll has not come yet. Archive it if it never will.")
    become(db, spool, "discarded")
    spool.archived_at = utc_now()
    key = f"{DISCARDED}{new_id()}"
    entry = write_entry(
        db, spool, -spool.remaining_mg, cause="discarded", reason=reason, cause_key=key, user_id=user_id
    )
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return entry


def archive_spool(db: Session, spool_id: UUID) -> None:
    """Put a roll away (lost, given away). Its ledger stays."""
    spool = lock_spool(db, spool_id)
    if spool.state == "loaded":
        become(db, spool, "empty" if spool.remaining_mg <= 0 else "open")
    spool.archived_at = utc_now()
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))


def restore_spool(db: Session, spool_id: UUID, *, user_id: UUID | None = None) -> None:
    """Bring a roll back, with its filament; one that was discarded with what was on it."""
    spool = lock_spool(db, spool_id)
    if spool.state == "discarded":
        undo_entry(db, _discarding_of(db, spool_id), user_id=user_id)
    out_of_the_archive(db, spool)
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))


def new_roll_of(db: Session, spool: Spool, weight_mg: int) -> Spool:
    """A bare roll with the facts of another one, for so much that will be wound over to it; nothing is on it yet."""
    facts = replace(SpoolFacts.of(spool), initial_mg=weight_mg, tare_mg=None, opened_on=spool.opened_on or today_of(db))
    return _new(db, spool.filament, facts, state="open")


def _receive(db: Session, filament: Filament, weight_mg: int, facts: SpoolFacts, **line: Any) -> Spool:
    initial_mg = weight_mg if facts.initial_mg is None else facts.initial_mg
    begun = facts.opened_on is not None or weight_mg < initial_mg
    spool = _new(db, filament, replace(facts, initial_mg=initial_mg), state="open" if begun else "sealed")
    write_entry(db, spool, weight_mg, cause="received", **line)
    return spool


def _new(db: Session, filament: Filament, facts: SpoolFacts, *, state: str, **more: Any) -> Spool:
    code = more.pop("code", None) or _free_code(db)
    spool = Spool(filament_id=filament.id, state=state, code=code, **_kept(facts), **more)
    db.add(spool)
    db.flush()
    set_committed_value(spool, "filament", filament)  # known without asking; a delivery is fifty of these
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))
    return spool


def _free_code(db: Session) -> str:
    """A code that no roll of the shop has, discarded ones included: their labels may still stick somewhere."""
    while True:
        code = new_code(SPOOL_CODE)
        if db.scalar(select(Spool.id).where(Spool.code == code)) is None:
            return code


def _come(db: Session, spool: Spool, user_id: UUID | None) -> None:
    if spool.archived_at is not None:  # its order was taken back, and it came all the same
        out_of_the_archive(db, spool)
    spool.purchased_on = spool.purchased_on or today_of(db)
    spool.expected_on = None
    write_entry(db, spool, spool.initial_mg, cause="received", reason="On order until now", user_id=user_id)
    become(db, spool, "sealed")  # also when it was said to hold nothing


def _kept(facts: SpoolFacts) -> dict[str, Any]:
    values = {one.name: getattr(facts, one.name) for one in fields(facts)}
    if facts.initial_mg is None:
        del values["initial_mg"]
    return values


def _made_by(db: Session, token: str) -> list[Spool]:
    first_lines = StockEntry.cause_key.startswith(f"received:{token}:", autoescape=True)
    made = select(Spool).join(StockEntry, StockEntry.spool_id == Spool.id).where(first_lines)
    return list(db.scalars(made.order_by(StockEntry.cause_key)))


def _discarding_of(db: Session, spool_id: UUID) -> UUID:
    mine = StockEntry.spool_id == spool_id, StockEntry.cause_key.startswith(DISCARDED, autoescape=True)
    newest = select(StockEntry.id).where(*mine).order_by(StockEntry.created_at.desc(), StockEntry.id.desc()).limit(1)
    return db.scalars(newest).one()


def _in_use(filament: Filament) -> Filament:
    if filament.archived_at is not None:
        raise DomainError("This filament is archived. Restore it before adding a spool.")
    return filament
