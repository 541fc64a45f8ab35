"""What prints use: booked once per run and slot, corrected by whoever weighed it, resolved when nobody knew the spool."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError, NotFound
from printfarm.filament.models import PRINT_CAUSES, Spool, StockEntry
from printfarm.filament.service.stock import (
    RESOLVED,
    cover,
    give_back,
    is_undone,
    lock_filament,
    lock_spool,
    take_back,
    write_entry,
    write_unassigned,
)

# How the key goes on of what a print was said to have taken until a person counted.
SO_FAR = ":sofar"


@dataclass(frozen=True)
class Part:
    """What one roll gave of what a slot used; without `spool_id` nobody knows which roll."""

    spool_id: UUID | None
    mg: int


def book_run(  # noqa: PLR0913  # the facts of a booking, by name
    db: Session,
    *,
    run_id: UUID,
    job_id: UUID,
    slot: int,
    filament_id: UUID,
    spool_id: UUID | None,
    used_mg: int,
    reason: str,
    cause: str = "print",
    parts: Sequence[Part] = (),
) -> list[StockEntry]:
    """Book what a run used from one slot: once, however often it is asked (the key run:slot is unique).

    A spool gives what it has; what it lacked, or all of it without a spool, is booked to the filament as unassigned for a
    person to resolve, so that no spool goes below nothing and no gram is lost. `cause`: "print", or "failed print".
    `parts`: what each roll gave, instead of `spool_id`, when the slot was fed from several.
    """
    parts = parts or [Part(spool_id, used_mg)]
    _lock(db, filament_id, [part.spool_id for part in parts])
    known = _lines_of(db, run_id, slot)
    if used_mg <= 0 or not all(_is_so_far(line) for line in known):
        return known
    parts = [Part(part.spool_id, part.mg - _given(db, known, part.spool_id)) for part in parts]
    facts = {"reason": reason, "run_id": run_id, "job_id": job_id, "cause": cause}
    return [*known, *_take_parts(db, _key(run_id, slot), filament_id, parts, facts)]


def book_so_far(
    db: Session, spool: Spool, *, run_id: UUID, job_id: UUID, slot: int, used_mg: int, reason: str
) -> StockEntry | None:
    """What a print that goes on has taken of a spool since it began (`used_mg`), before a person says what the spool holds now;
    at its end only the rest is booked. If the ledger knows less, the spool held more. The caller holds the spool's lock.
    """
    known = _lines_of(db, run_id, slot)
    more = used_mg - _given(db, known, spool.id)
    if more <= 0 or not all(_is_so_far(line) for line in known):
        return None
    cover(db, spool, more, agreed_mg=more, user_id=None)
    key = f"{_key(run_id, slot)}{SO_FAR}{len(known)}:spool"
    return write_entry(db, spool, -more, cause="print", reason=reason, run_id=run_id, job_id=job_id, cause_key=key)


def rebook_run(  # noqa: PLR0913  # the facts of a booking, by name
    db: Session,
    *,
    run_id: UUID,
    job_id: UUID,
    slot: int,
    filament_id: UUID,
    spool_id: UUID | None,
    used_mg: int,
    reason: str,
    user_id: UUID | None = None,
    cause: str = "print",
    parts: Sequence[Part] = (),
) -> list[StockEntry]:
    """What a person weighed replaces what was booked for a slot of a run: every line that still stands gets its
    counter-entry, then the true weight is booked, to the spool that a person named meanwhile or else to `spool_id`, or to
    the `parts` of it that several rolls gave.
    """
    lines = _lines_of(db, run_id, slot)
    _lock(db, filament_id, [*(line.spool_id for line in lines), *(part.spool_id for part in parts), spool_id])
    lock_filament(db, filament_id)
    standing = [line for line in lines if not is_undone(db, line.id)]
    if -sum(line.delta_mg for line in standing) == used_mg:
        return []
    parts = _named_meanwhile(standing, parts or [Part(spool_id, used_mg)])
    for line in standing:
        _counter(db, line, user_id)
    if used_mg <= 0:
        return []
    facts = {"reason": reason, "run_id": run_id, "job_id": job_id, "user_id": user_id, "cause": cause}
    return _take_parts(db, f"{_key(run_id, slot)}:{len(lines)}", filament_id, parts, facts)


def resolve_unassigned(
    db: Session, entry_id: UUID, spool_id: UUID, *, user_id: UUID | None = None, agreed_mg: int = 0
) -> StockEntry:
    """A person says which spool the unassigned grams came from: two lines, one gives them back, one takes them there.

    A spool that holds less by the ledger is refused (BelowZero), unless the person says that it held them: `agreed_mg`.
    """
    entry = db.get(StockEntry, entry_id)
    if entry is None or entry.spool_id is not None or entry.cause not in PRINT_CAUSES:
        raise NotFound("These grams are not waiting for a spool.")
    spool = lock_spool(db, spool_id)
    if spool.state == "on order":
        raise DomainError(f"Roll {spool.code} has not come yet. Receive it first, or choose another one.")
    lock_filament(db, entry.filament_id)
    if is_undone(db, entry.id):
        raise DomainError("Somebody has resolved this already.")
    cover(db, spool, -entry.delta_mg, agreed_mg=agreed_mg, user_id=user_id)
    give_back(db, entry, cause="moved", user_id=user_id)
    return write_entry(
        db,
        spool,
        entry.delta_mg,
        cause="moved",
        used_at=entry.created_at,
        reason=entry.reason,
        user_id=user_id,
        run_id=entry.run_id,
        job_id=entry.job_id,
        cause_key=f"{entry.cause_key}{RESOLVED}" if entry.cause_key else None,
    )


def _lock(db: Session, filament_id: UUID, spool_ids: Iterable[UUID | None]) -> None:
    """Whoever books the same run and slot at the same moment waits here, and then finds it booked."""
    spools = sorted({spool_id for spool_id in spool_ids if spool_id is not None})
    for spool_id in spools:
        lock_spool(db, spool_id)
    if not spools:
        lock_filament(db, filament_id)


def _named_meanwhile(standing: Sequence[StockEntry], parts: Sequence[Part]) -> Sequence[Part]:
    """The spool that a person named for grams without one counts, also when it is booked anew."""
    known = {part.spool_id for part in parts} if len(parts) > 1 else set()
    named = next((line.spool_id for line in reversed(standing) if line.spool_id and line.spool_id not in known), None)
    if named is None:
        return parts
    return [Part(named, part.mg) if len(parts) == 1 or part.spool_id is None else part for part in parts]


def _take_parts(
    db: Session, key: str, filament_id: UUID, parts: Sequence[Part], facts: dict[str, Any]
) -> list[StockEntry]:
    """Each roll has a key of its own: it gives to a slot of a run once."""
    entries = []
    for number, part in enumerate(parts):
        if part.mg > 0:
            one = f"{key}:feed{number}" if number else key
            entries += _take(db, one, filament_id, part.spool_id, part.mg, facts)
    return entries


def _take(
    db: Session, key: str, filament_id: UUID, spool_id: UUID | None, used_mg: int, facts: dict[str, Any]
) -> list[StockEntry]:
    spool = lock_spool(db, spool_id) if spool_id else None
    from_spool = min(used_mg, max(0, spool.remaining_mg)) if spool else 0
    entries = []
    if spool is not None and from_spool:
        entries.append(write_entry(db, spool, -from_spool, cause_key=f"{key}:spool", **facts))
    if used_mg > from_spool:
        filament = lock_filament(db, spool.filament_id if spool else filament_id)
        lacking = from_spool - used_mg
        entries.append(write_unassigned(db, filament, lacking, cause_key=f"{key}:none", **facts))
    return entries


def _counter(db: Session, line: StockEntry, user_id: UUID | None) -> None:
    if line.spool_id is None:
        give_back(db, line, cause="undo", user_id=user_id)
    else:
        take_back(db, line, lock_spool(db, line.spool_id), user_id=user_id)


def _lines_of(db: Session, run_id: UUID, slot: int) -> list[StockEntry]:
    """Everything that was ever taken for a slot of a run, oldest first; counter-entries have no key."""
    mine = select(StockEntry).where(StockEntry.cause_key.startswith(f"{_key(run_id, slot)}:", autoescape=True))
    return list(db.scalars(mine.order_by(StockEntry.created_at, StockEntry.id)))


def _is_so_far(line: StockEntry) -> bool:
    return SO_FAR in (line.cause_key or "")


def _given(db: Session, lines: Iterable[StockEntry], spool_id: UUID | None) -> int:
    """What a spool gave by those of its lines that stand."""
    mine = [line for line in lines if spool_id is not None and line.spool_id == spool_id]
    return -sum(line.delta_mg for line in mine if not is_undone(db, line.id))


def _key(run_id: UUID, slot: int) -> str:
    return f"run:{run_id}:{slot}"
