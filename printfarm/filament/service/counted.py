"""What a count of a roll knew already. A count (the scale, "it holds", "it is empty", thrown away) is the truth of its moment:
whatever is found out later of what a print took before it changes the print's grams, and not what the roll holds.

So a line that is booked after a count for something before it has a line beside it that gives as much back to the roll. Its key
is the key of the line it stands beside, with COUNTED before it; it is taken back with that line, or with the count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, aliased

from printfarm.core.ids import new_id
from printfarm.filament.models import Spool, StockEntry
from printfarm.filament.service.states import DISCARDED
from printfarm.filament.service.stock import lock_spool, take_back, write_entry

# How the keys begin of lines with which a person said what a roll holds, and of what a count knew already.
COUNT, COUNTED = "count:", "counted:"
# How the key goes on of what a print was said to have taken until a person counted; of one of which nobody knew then how it was
# doing (it may have been over); and of one that does not say how far it is, or what it takes.
SO_FAR, DOUBT, UNCERTAIN = ":sofar", ":doubt", ":uncertain"
# How the key goes on, after that of a print's line, of what went into colour changes and the tower.
PURGE = ":purge"
WHY = "Taken before the roll was counted"


@dataclass(frozen=True)
class Span:
    """When a print went on. `heard`: the printer itself told of the end when it came; else it may have come long before."""

    began_at: datetime | None
    ended_at: datetime
    heard: bool = True

    def share_at(self, at: datetime) -> float:
        """How much of the time was over, 0 to 1."""
        began = self.began_at or self.ended_at
        lasted = (self.ended_at - began).total_seconds()
        return min(1.0, max(0.0, (at - began).total_seconds() / lasted)) if lasted > 0 else 1.0


@dataclass(frozen=True)
class Knew:
    """What the latest count of a roll knew of what a slot of a run took from it: `before_mg` is booked before the count,
    `beside_mg` was given back since.
    """

    count: StockEntry | None = None
    marked: bool = False  # the roll fed the print when it was counted
    in_doubt: bool = False
    before_mg: int = 0
    beside_mg: int = 0

    def of_an_end(self, used_mg: int, span: Span | None) -> int:
        """How much of `used_mg` was taken before the count, when the print ends."""
        certain = self._certain(used_mg, span)
        if certain is not None:
            return certain
        if self.in_doubt and span is not None and not span.heard:
            return used_mg
        known_mg = max(0, min(used_mg, self.before_mg))
        if not self.marked or (known_mg and not self.in_doubt):
            return known_mg
        return max(known_mg, self._by_the_clock(used_mg, span))

    def of_a_correction(self, used_mg: int, booked_mg: int, span: Span | None) -> int:
        """The same when a person says later that it was not `booked_mg` in all but `used_mg`."""
        certain = self._certain(used_mg, span)
        if certain is not None:
            return certain
        if booked_mg > 0:
            return round(used_mg * min(booked_mg, max(0, self.before_mg + self.beside_mg)) / booked_mg)
        return used_mg if self.in_doubt else self._by_the_clock(used_mg, span)

    def _certain(self, used_mg: int, span: Span | None) -> int | None:
        if self.count is None:
            return 0
        return used_mg if span is not None and self.count.created_at >= span.ended_at else None

    def _by_the_clock(self, used_mg: int, span: Span | None) -> int:
        """The printer never said how far it was when the roll was counted, or nobody heard it."""
        if self.count is None or span is None or not self.marked:
            return 0
        return round(used_mg * span.share_at(self.count.created_at))


def count_key(token: str, what: str, mg: int) -> str:
    """The key of a line with which a person says what a roll holds."""
    return f"{COUNT}{token or new_id()}:{what}:{mg}"


def is_count(entry: StockEntry) -> bool:
    return (entry.cause_key or "").startswith((COUNT, DISCARDED))


def stands_beside(entry: StockEntry) -> bool:
    """Whether a line gives back what a count knew already."""
    return (entry.cause_key or "").startswith(COUNTED)


def last_count(db: Session, spool_id: UUID) -> StockEntry | None:
    """The latest time that a person said what a roll holds, and did not take it back."""
    said = or_(*(StockEntry.cause_key.startswith(one, autoescape=True) for one in (COUNT, DISCARDED)))
    return db.scalar(_newest(select(StockEntry).where(StockEntry.spool_id == spool_id, said, _stands())).limit(1))


def knew_of(db: Session, spool_id: UUID, key: str, lines: Sequence[StockEntry]) -> Knew:
    """What the latest count of a roll knew of the slot of a run that has this key and ever had these lines."""
    count = last_count(db, spool_id)
    if count is None:
        return Knew()
    mine = [line for line in lines if line.spool_id == spool_id]
    answers = list(db.scalars(select(StockEntry).where(StockEntry.undoes_id.in_([line.id for line in mine]))))
    marks = [line for line in mine if SO_FAR in (line.cause_key or "") and _before(line, count)]
    begins = StockEntry.cause_key.startswith(f"{COUNTED}{key}:", autoescape=True)
    beside = db.scalars(select(StockEntry).where(StockEntry.spool_id == spool_id, begins, _stands()))
    return Knew(
        count=count,
        marked=bool(marks),
        in_doubt=bool(marks) and DOUBT in (marks[-1].cause_key or ""),
        before_mg=-sum(line.delta_mg for line in [*mine, *answers] if _before(line, count)),
        beside_mg=sum(line.delta_mg for line in beside if _before(count, line)),
    )


def write_beside(db: Session, spool: Spool, mg: int, key: str, facts: dict[str, Any]) -> StockEntry | None:
    """What a count knew of the line that will have this key; before that line, so that the roll has what it takes."""
    mg = max(mg, -max(0, spool.remaining_mg))
    if not mg:
        return None
    told = {**facts, "cause": "weighed", "reason": f"{WHY}: {facts.get('reason', '')}"}
    return write_entry(db, spool, mg, cause_key=f"{COUNTED}{key}", **told)


def take_back_line(db: Session, entry: StockEntry, spool: Spool, *, user_id: UUID | None) -> StockEntry:
    """The counter-entry of a line, and of what belongs to it: what stands beside it, and a print's purge. The caller holds the
    roll's lock.
    """
    beside = _standing(db, _belonging(entry.cause_key)) if entry.cause_key else []
    if is_count(entry) and _is_latest(db, entry):
        beside += _beside_after(db, entry)
    counter = take_back(db, entry, spool, user_id=user_id)
    for line in beside:
        take_back(db, line, spool, user_id=user_id)
    return counter


def given_back_with(db: Session, entry: StockEntry) -> int:
    """Milligrams that leave a roll when a line of it is taken back, as far as they stand beside it."""
    lines = _beside_after(db, entry) if is_count(entry) and _is_latest(db, entry) else []
    return sum(line.delta_mg for line in lines)


def counter_line(db: Session, entry: StockEntry, *, user_id: UUID | None) -> None:
    """The counter-entry of a roll's line, with the lock of the roll."""
    assert entry.spool_id is not None
    take_back_line(db, entry, lock_spool(db, entry.spool_id), user_id=user_id)


def _belonging(key: str) -> list[str]:
    """The keys of what goes with a line: a print and its purge are taken back together."""
    first = key.removesuffix(PURGE)
    return [one for one in (first, f"{first}{PURGE}", f"{COUNTED}{first}") if one != key]


def _is_latest(db: Session, entry: StockEntry) -> bool:
    latest = last_count(db, entry.spool_id) if entry.spool_id else None
    return latest is not None and latest.id == entry.id


def _beside_after(db: Session, count: StockEntry) -> list[StockEntry]:
    """What was given back since because of this count."""
    begins = StockEntry.cause_key.startswith(COUNTED, autoescape=True)
    later = StockEntry.created_at >= count.created_at
    return list(db.scalars(select(StockEntry).where(StockEntry.spool_id == count.spool_id, begins, later, _stands())))


def _standing(db: Session, keys: Iterable[str]) -> list[StockEntry]:
    return list(db.scalars(select(StockEntry).where(StockEntry.cause_key.in_(list(keys)), _stands())))


def _stands() -> ColumnElement[bool]:
    answer = aliased(StockEntry)
    return ~select(answer.id).where(answer.undoes_id == StockEntry.id).exists()


def _newest(lines: Select[StockEntry]) -> Select[StockEntry]:
    return lines.order_by(StockEntry.created_at.desc(), StockEntry.id.desc())


def _before(line: StockEntry, other: StockEntry) -> bool:
    return (line.created_at, line.id) < (other.created_at, other.id)
