"""One deed on many rolls: each roll by itself, so that one that refuses does not stop the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.filament.events import SpoolChanged
from printfarm.filament.models import Spool
from printfarm.filament.service import spools
from printfarm.filament.service.states import REFUSALS
from printfarm.filament.service.stock import lock_spool, refuse_impossible

MOST_AT_ONCE = 200  # in one transaction, which nobody waits for


@dataclass(frozen=True)
class Told:
    """What goes with the deed, as far as it needs any."""

    location: str = ""
    low_below_mg: int = 0
    expires_on: date | None = None
    reason: str = ""


@dataclass(frozen=True)
class Done:
    """Which rolls it was done to, and why not to the others: a sentence for each."""

    codes: Sequence[str] = ()
    refused: Mapping[UUID, str] = field(default_factory=dict)
    names: Mapping[UUID, str] = field(default_factory=dict)  # the codes of those that refused


def act_on(
    db: Session, deed: str, spool_ids: Sequence[UUID], told: Told | None = None, *, user_id: UUID | None = None
) -> Done:
    """Do something to some rolls. Raises NotFound when none of them is here, DomainError for too many or none at all."""
    wanted = sorted(set(spool_ids))  # always in one order: two people who lock the same rolls do not wait in a circle
    if not wanted:
        raise DomainError("Tick the rolls that are meant, then say what to do.")
    if len(wanted) > MOST_AT_ONCE:
        raise DomainError(f"At most {MOST_AT_ONCE} rolls at once. Tick fewer.")
    codes = {row.id: row.code for row in db.execute(select(Spool.id, Spool.code).where(Spool.id.in_(wanted)))}
    if not codes:
        raise NotFound("These rolls are not here. They may have been removed.")
    refused: dict[UUID, str] = {}
    for spool_id in wanted:
        try:
            with db.begin_nested():
                DEEDS[deed](db, spool_id, told or Told(), user_id)
        except DomainError as problem:
            refused[spool_id] = problem.sentence
    done = [codes[one] for one in wanted if one not in refused]
    return Done(done, refused, {one: codes.get(one, "A roll") for one in refused})


def _move(db: Session, spool_id: UUID, told: Told, _user_id: UUID | None) -> None:
    _change(db, spool_id, location=told.location)


def _low_below(db: Session, spool_id: UUID, told: Told, _user_id: UUID | None) -> None:
    refuse_impossible(told.low_below_mg)
    _change(db, spool_id, low_below_mg=told.low_below_mg)


def _best_before(db: Session, spool_id: UUID, told: Told, _user_id: UUID | None) -> None:
    _change(db, spool_id, expires_on=told.expires_on)


def _opened(db: Session, spool_id: UUID, _told: Told, _user_id: UUID | None) -> None:
    spools.open_spool(db, spool_id)


def _dried(db: Session, spool_id: UUID, _told: Told, _user_id: UUID | None) -> None:
    spool = lock_spool(db, spool_id)
    if spool.state in REFUSALS:
        raise DomainError(REFUSALS[spool.state])
    spools.note_dried(db, spool_id)


def _empty(db: Session, spool_id: UUID, _told: Told, user_id: UUID | None) -> None:
    if lock_spool(db, spool_id).state == "empty":
        raise DomainError("This roll is empty already.")
    spools.empty_spool(db, spool_id, user_id=user_id)


def _discard(db: Session, spool_id: UUID, told: Told, user_id: UUID | None) -> None:
    spools.discard_spool(db, spool_id, reason=told.reason, user_id=user_id)


def _archive(db: Session, spool_id: UUID, _told: Told, _user_id: UUID | None) -> None:
    if lock_spool(db, spool_id).archived_at is not None:
        raise DomainError("This roll is archived already.")
    spools.archive_spool(db, spool_id)


def _restore(db: Session, spool_id: UUID, _told: Told, user_id: UUID | None) -> None:
    if lock_spool(db, spool_id).archived_at is None:
        raise DomainError("This roll is in use already.")
    spools.restore_spool(db, spool_id, user_id=user_id)


def _change(db: Session, spool_id: UUID, **facts: Any) -> None:
    spool = lock_spool(db, spool_id)
    if spool.state == "discarded":
        raise DomainError(REFUSALS["discarded"])
    for name, value in facts.items():
        setattr(spool, name, value)
    emit(db, SpoolChanged(shop_id=spool.shop_id, spool_id=spool.id))


# What can be done to many rolls at once.
DEEDS: dict[str, Callable[[Session, UUID, Told, UUID | None], None]] = {
    "move": _move,
    "low": _low_below,
    "best before": _best_before,
    "opened": _opened,
    "dried": _dried,
    "empty": _empty,
    "discard": _discard,
    "archive": _archive,
    "restore": _restore,
}
