"""Is a roll fit to print from: past its date, or damp because it has lain in the air for too long."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import object_session

from printfarm.core import formats
from printfarm.filament.models import Spool
from printfarm.filament.service.drying import drying_days, drying_rules, in_air_since
from printfarm.filament.service.states import today_of

KEPT = "care"  # in the session's notes: the shop's day and its rules, read once


@dataclass(frozen=True)
class Care:
    """What is to be said of a roll before somebody prints from it. `in_air_days` only when that is too long."""

    expired_on: date | None = None
    in_air_days: int | None = None
    dry_after_days: int | None = None

    @property
    def is_wet(self) -> bool:
        return self.in_air_days is not None

    @property
    def words(self) -> list[str]:
        """Short, to stand behind the roll's name."""
        found = []
        if self.in_air_days is not None:
            found.append(f"dry it first: in the air for {self.in_air_days} days")
        if self.expired_on is not None:
            found.append(f"best before {formats.day(self.expired_on)}")
        return found

    def __bool__(self) -> bool:
        return self.is_wet or self.expired_on is not None


def care_of(spool: Spool) -> Care:
    """What to know of a roll that the session has loaded; the shop's rules are read once per session."""
    db = object_session(spool)
    if db is None:
        return Care()
    today, rules = db.info.get(KEPT) or db.info.setdefault(KEPT, (today_of(db), drying_rules(db)))
    return judge_roll(spool, today, rules)


def judge_roll(spool: Spool, today: date, rules: Mapping[str, int | None]) -> Care:
    """The rule itself. A roll that is not here any more, or not yet, or still sealed, cannot be damp."""
    if spool.state in {"on order", "empty", "discarded"}:
        return Care()
    expired = spool.expires_on if spool.expires_on is not None and spool.expires_on < today else None
    limit = None if spool.state == "sealed" else drying_days(spool.filament.material, rules)
    since = in_air_since(spool)
    if limit is None or since is None or (today - since).days <= limit:
        return Care(expired_on=expired)
    return Care(expired_on=expired, in_air_days=(today - since).days, dry_after_days=limit)
