"""What prints use: booked once per run and slot, corrected by whoever weighed it, resolved when nobody knew the spool."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError, NotFound
from printfarm.core.ids import new_id
from printfarm.filament.models import PRINT_CAUSES, Spool, StockEntry
from printfarm.filament.service.counted import (
    DOUBT,
    PURGE,
    SO_FAR,
    UNCERTAIN,
    Knew,
    Span,
    counter_line,
    knew_of,
    last_count,
    write_beside,
)
from printfarm.filament.service.filaments import lock_filament
from printfarm.filament.service.stock import (
    RESOLVED,
    cover,
    give_back,
    is_undone,
    lock_spool,
    write_entry,
    write_unassigned,
)

NOTHING = Fraction(0)


@dataclass(frozen=True)
class Part:
    """What one roll gave of what a slot used; without `spool_id` nobody knows which roll. `beside_mg`: what a count of the roll
    knew of it already, and gets back. `purge_mg`: so much of it went into colour changes and the tower.
    """

    spool_id: UUID | None
    mg: int
    beside_mg: int = 0
    purge_mg: int = 0


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
    span: Span | None = None,
    waste: Fraction = NOTHING,
) -> list[StockEntry]:
    """Book what a run used from one slot: once, however often it is asked (the key run:slot is unique).

    A spool gives what it has; what it lacked, or all of it without a spool, is booked to the filament as unassigned for a
    person to resolve, so that no spool goes below nothing and no gram is lost. `cause`: "print", or "failed print".
    `parts`: what each roll gave, instead of `spool_id`, when the slot was fed from several. `span`: when it went on; what a
    roll gave before it was counted does not leave it a second time. `waste`: the share of it that went into colour changes and
    the tower; of a roll it is a line of its own, "purge". Grams without a roll stay together.
    """
    parts = parts or [Part(spool_id, max(0, used_mg))]
    counted = [line.spool_id for line in _lines_of(db, run_id, slot)]
    _lock(db, filament_id, [*(part.spool_id for part in parts), *counted])
    known = _lines_of(db, run_id, slot)
    if not all(_is_so_far(line) for line in known):
        return known
    key = _key(run_id, slot)
    facts = {"reason": reason, "run_id": run_id, "job_id": job_id, "cause": cause}
    told = {part.spool_id for part in parts}
    parts = [*parts, *(Part(roll, 0) for roll in dict.fromkeys(counted) if roll not in told)]
    ends = [_end_of(db, key, _split(part, waste), known, span) for part in parts]
    return [*known, *_take_parts(db, key, filament_id, ends, facts)]


def _end_of(db: Session, key: str, part: Part, known: Sequence[StockEntry], span: Span | None) -> Part:
    """What is left to book of a roll at a print's end, after what was booked when it was counted; if that was more than the
    whole, it is taken back.
    """
    given = _given(db, known, part.spool_id)
    if part.spool_id is None or part.mg == given:
        return Part(part.spool_id, part.mg - given)
    rest = part.mg - given
    knew = knew_of(db, part.spool_id, key, known)
    beside = knew.of_an_end(part.mg, span) - knew.before_mg
    if part.mg > given:
        return Part(part.spool_id, rest, beside, min(rest, part.purge_mg))
    for line in known:
        if line.spool_id == part.spool_id and line.delta_mg and not is_undone(db, line.id):
            counter_line(db, line, user_id=None)
    return replace(part, beside_mg=beside)


def _split(part: Part, waste: Fraction) -> Part:
    return part if part.spool_id is None else replace(part, purge_mg=min(part.mg, round(part.mg * waste)))


def book_so_far(
    db: Session, spool: Spool, *, run_id: UUID, job_id: UUID, slot: int, used_mg: int, reason: str, mark: str = ""
) -> StockEntry | None:
    """What a print that goes on has taken of a spool since it began (`used_mg`), before a person says what the spool holds now;
    at its end only the rest is booked. If the ledger knows less, the spool held more. The caller holds the spool's lock.

    `mark`: nobody knows whether that is all: UNCERTAIN how much, or DOUBT whether the print goes on. A line of nothing says so.
    """
    known = _lines_of(db, run_id, slot)
    if not all(_is_so_far(line) for line in known):
        return None
    more = max(0, used_mg - _given(db, known, spool.id))
    marks = [_mark_of(line) for line in known if line.spool_id == spool.id]
    if not more and mark == (marks[-1] if marks else ""):
        return None
    cover(db, spool, more, agreed_mg=more, user_id=None)
    key = f"{_key(run_id, slot)}{SO_FAR}{len(known)}{mark}:spool"
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
    span: Span | None = None,
    waste: Fraction = NOTHING,
) -> list[StockEntry]:
    """What a person weighed replaces what was booked for a slot of a run: every line that still stands gets its
    counter-entry, then the true weight is booked, to the spool that a person named meanwhile or else to `spool_id`, or to
    the `parts` of it that several rolls gave. A roll that was counted since holds what the count said.
    """
    lines = _lines_of(db, run_id, slot)
    _lock(db, filament_id, [*(line.spool_id for line in lines), *(part.spool_id for part in parts), spool_id])
    lock_filament(db, filament_id)
    standing = [line for line in lines if not is_undone(db, line.id)]
    if -sum(line.delta_mg for line in standing) == used_mg:
        return []
    parts = _named_meanwhile(standing, parts or [Part(spool_id, max(0, used_mg))])
    told = {part.spool_id for part in parts}
    parts = [*parts, *(Part(roll, 0) for roll in dict.fromkeys(one.spool_id for one in standing) if roll not in told)]
    parts = [_corrected(db, _key(run_id, slot), _split(part, waste), lines, standing, span) for part in parts]
    for line in standing:
        _counter(db, line, user_id)
    facts = {"reason": reason, "run_id": run_id, "job_id": job_id, "user_id": user_id, "cause": cause}
    return _take_parts(db, f"{_key(run_id, slot)}:{len(lines)}", filament_id, parts, facts)


def _corrected(  # one roll's part among all that was booked
    db: Session,
    key: str,
    part: Part,
    lines: Sequence[StockEntry],
    standing: Sequence[StockEntry],
    span: Span | None,
) -> Part:
    if part.spool_id is None:
        return part
    rolls = {line.spool_id for line in standing if line.spool_id}
    mine = [line for line in standing if line.spool_id == part.spool_id or rolls == {part.spool_id}]
    knew: Knew = knew_of(db, part.spool_id, key, lines)
    before = knew.of_a_correction(part.mg, -sum(line.delta_mg for line in mine), span)
    return replace(part, beside_mg=before - knew.before_mg)


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
    facts: dict[str, Any] = {"reason": entry.reason, "user_id": user_id, "run_id": entry.run_id, "job_id": entry.job_id}
    key = f"{entry.cause_key or entry.id}{RESOLVED}"
    if _was_counted_without(db, entry, spool):
        write_beside(db, spool, -entry.delta_mg, key, facts)
    else:
        cover(db, spool, -entry.delta_mg, agreed_mg=agreed_mg, user_id=user_id)
    give_back(db, entry, cause="moved", user_id=user_id)
    return write_entry(db, spool, entry.delta_mg, cause="moved", used_at=entry.created_at, cause_key=key, **facts)


def _was_counted_without(db: Session, entry: StockEntry, spool: Spool) -> bool:
    """Whether a person has said what the roll holds when these grams were gone already: since then, or while nobody knew how
    the print was doing that it fed.
    """
    count = last_count(db, spool.id)
    if count is None or entry.run_id is None or entry.cause_key is None:
        return count is not None and count.created_at >= entry.created_at
    key = ":".join(entry.cause_key.split(":")[:3])
    return count.created_at >= entry.created_at or knew_of(db, spool.id, key, _lines_with(db, key)).in_doubt


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
        one = f"{key}:feed{number}" if number else key
        if part.beside_mg and part.spool_id:
            mine = "spool" if part.mg > 0 else new_id()  # a line of nothing is not written
            write_beside(db, lock_spool(db, part.spool_id), part.beside_mg, f"{one}:{mine}", facts)
        if part.mg > 0:
            entries += _take(db, one, filament_id, part, facts)
    return entries


def _take(db: Session, key: str, filament_id: UUID, part: Part, facts: dict[str, Any]) -> list[StockEntry]:
    spool = lock_spool(db, part.spool_id) if part.spool_id else None
    from_spool = min(part.mg, max(0, spool.remaining_mg)) if spool else 0
    printed = min(part.mg - part.purge_mg, from_spool)
    entries = []
    if spool is not None and printed:
        entries.append(write_entry(db, spool, -printed, cause_key=f"{key}:spool", **facts))
    if spool is not None and from_spool > printed:
        purged = {**facts, "cause": "purge", "cause_key": f"{key}:spool{PURGE}"}
        entries.append(write_entry(db, spool, printed - from_spool, **purged))
    if part.mg > from_spool:
        filament = lock_filament(db, spool.filament_id if spool else filament_id)
        lacking = from_spool - part.mg
        entries.append(write_unassigned(db, filament, lacking, cause_key=f"{key}:none", **facts))
    return entries


def _counter(db: Session, line: StockEntry, user_id: UUID | None) -> None:
    if is_undone(db, line.id):
        return  # with the line that it belongs to
    if line.spool_id is None:
        give_back(db, line, cause="undo", user_id=user_id)
    else:
        counter_line(db, line, user_id=user_id)


def _lines_of(db: Session, run_id: UUID, slot: int) -> list[StockEntry]:
    """Everything that was ever taken for a slot of a run, oldest first; counter-entries have no key."""
    return _lines_with(db, _key(run_id, slot))


def _lines_with(db: Session, key: str) -> list[StockEntry]:
    mine = select(StockEntry).where(StockEntry.cause_key.startswith(f"{key}:", autoescape=True))
    return list(db.scalars(mine.order_by(StockEntry.created_at, StockEntry.id)))


def _is_so_far(line: StockEntry) -> bool:
    return SO_FAR in (line.cause_key or "")


def _mark_of(line: StockEntry) -> str:
    key = line.cause_key or ""
    return next((mark for mark in (DOUBT, UNCERTAIN) if mark in key), "")


def _given(db: Session, lines: Iterable[StockEntry], spool_id: UUID | None) -> int:
    """What a spool gave by those of its lines that stand."""
    mine = [line for line in lines if spool_id is not None and line.spool_id == spool_id]
    return -sum(line.delta_mg for line in mine if not is_undone(db, line.id))


def _key(run_id: UUID, slot: int) -> str:
    return f"run:{run_id}:{slot}"
