"""Filament that goes from one roll to another: a part of it, or all that is left. Two lines of the ledger; the sum stays."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.core.units import cost_of_gram
from printfarm.filament.models import Spool, StockEntry
from printfarm.filament.service.drying import in_air_since
from printfarm.filament.service.spools import new_roll_of
from printfarm.filament.service.states import become
from printfarm.filament.service.stock import (
    book_until_now,
    in_grams,
    lock_spool,
    refuse_impossible,
    refuse_nothing,
    write_entry,
)


def split_spool(
    db: Session, spool_id: UUID, mg: int, *, onto_id: UUID | None = None, token: str = "", user_id: UUID | None = None
) -> Spool:
    """Wind a part of a roll onto another one of the same filament, or onto a bare one (None), which is returned.

    The same token again is the same winding: nothing is moved a second time.
    """
    spool, onto = (lock_spool(db, spool_id), None) if onto_id is None else lock_two(db, spool_id, onto_id)
    if token and (done := _moved_by(db, token)):
        return done
    refuse_nothing(mg)
    _refuse_absent(spool)
    if mg > spool.remaining_mg:
        raise DomainError(f"There is not that much on the roll: it holds {in_grams(spool.remaining_mg)}.")
    if onto is None:
        onto = new_roll_of(db, spool, mg)
    _move(db, spool, onto, mg, f"moved:{token}:" if token else "", user_id)
    return onto


def merge_spools(db: Session, spool_id: UUID, from_id: UUID, *, user_id: UUID | None = None) -> Spool:
    """Wind all that is left on another roll of the same filament onto this one; the other is empty then."""
    spool, other = lock_two(db, spool_id, from_id)
    book_until_now(db, other)  # "all that is left" is less than the books have while a print is fed from it
    if other.remaining_mg <= 0:
        raise DomainError("There is nothing left on the other roll.")
    _move(db, other, spool, other.remaining_mg, "", user_id)
    become(db, other, "empty")
    return spool


def lock_two(db: Session, one: UUID, other: UUID) -> tuple[Spool, Spool]:
    """Two spools, locked in the order of their ids, so that two people who wind between them never wait for each other."""
    if one == other:
        raise DomainError("That is the same roll. Choose another one.")
    locked = {spool_id: lock_spool(db, spool_id) for spool_id in sorted((one, other))}
    return locked[one], locked[other]


def _move(db: Session, spool: Spool, onto: Spool, mg: int, key: str, user_id: UUID | None) -> None:
    if spool.filament_id != onto.filament_id:
        raise DomainError("Those rolls are of different filaments. Only the same filament is wound together.")
    _refuse_absent(spool)
    _refuse_absent(onto)
    refuse_impossible(onto.remaining_mg + mg)
    _mix_costs(spool, onto, mg)
    _mix_dates(spool, onto)
    facts: dict[str, Any] = {"cause": "moved", "user_id": user_id}
    write_entry(db, spool, -mg, reason=f"Wound onto {onto.code}", cause_key=f"{key}from" if key else None, **facts)
    write_entry(db, onto, mg, reason=f"Wound over from {spool.code}", cause_key=f"{key}onto" if key else None, **facts)
    if onto.state == "sealed":
        become(db, onto, "open")  # nothing is wound onto a roll in its bag


def _mix_costs(spool: Spool, onto: Spool, mg: int) -> None:
    """What a gram on the roll has cost when `mg` of another one are added: both are worth together what they were before."""
    new, held_mg = _cost_of(spool), max(0, onto.remaining_mg)
    old = _cost_of(onto) if held_mg > 0 else new
    if new is None or old is None or (new == old and new == _cost_of(onto)):
        return
    onto.cost_per_gram = cost_of_gram(old * held_mg + new * mg, held_mg + mg)


def _mix_dates(spool: Spool, onto: Spool) -> None:
    """What is wound together is as damp as the one that has lain in the air longer, and as old as the older."""
    alone = onto.remaining_mg <= 0
    ends = [day for day in (spool.expires_on, None if alone else onto.expires_on) if day is not None]
    onto.expires_on = min(ends, default=None)
    in_air, other = in_air_since(spool), None if alone or onto.state == "sealed" else in_air_since(onto)
    if in_air is not None and (other is None or in_air < other):
        onto.opened_on, onto.dried_on = spool.opened_on, spool.dried_on


def _cost_of(spool: Spool) -> Decimal | None:
    return spool.filament.cost_per_gram if spool.cost_per_gram is None else spool.cost_per_gram


def _refuse_absent(spool: Spool) -> None:
    if spool.archived_at is not None:
        raise DomainError(f"Roll {spool.code} is archived. Bring it back first.")
    if spool.state == "on order":
        raise DomainError(f"Roll {spool.code} has not come yet. Receive it first.")


def _moved_by(db: Session, token: str) -> Spool | None:
    onto = select(Spool).join(StockEntry, StockEntry.spool_id == Spool.id)
    return db.scalar(onto.where(StockEntry.cause_key == f"moved:{token}:onto"))
