"""How long rolls may lie in the air before they should be dried: the usual days of a material, and the shop's own."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.errors import DomainError
from printfarm.filament.materials import family
from printfarm.filament.models import DryingRule, Spool

# Days in the open after which prints begin to suffer, by family; materials that hardly take up water are not named. What is
# filled with fibres goes by what it is made of.
USUAL_DAYS: dict[str, int] = {
    "pva": 2,
    "bvoh": 2,
    "pa": 3,
    "ppa": 7,
    "pc": 7,
    "pet": 7,
    "tpu": 7,
    "petg": 30,
    "abs": 60,
    "asa": 60,
}
MOST_DAYS = 3650


def in_air_since(spool: Spool) -> date | None:
    """Since when an opened roll has taken up water: since it was opened, or dried for the last time. None: nobody said."""
    return max((day for day in (spool.opened_on, spool.dried_on) if day is not None), default=None)


def drying_rules(db: Session) -> dict[str, int | None]:
    """The shop's own days by family; None: never."""
    return {one.material: one.days for one in db.scalars(select(DryingRule))}


def drying_days(material: str, rules: Mapping[str, int | None]) -> int | None:
    """Days in the air after which a roll of a material should be dried; None: it need not be."""
    kind = family(material)
    for name in (kind, kind.split("-")[0]):
        if name in rules:
            return rules[name]
        if name in USUAL_DAYS:
            return USUAL_DAYS[name]
    return None


def set_drying_days(db: Session, material: str, days: int | None) -> None:
    """The shop's own word for a material. What says no more than the usual is not kept."""
    kind = family(material)
    if not kind or (days is not None and not 1 <= days <= MOST_DAYS):
        raise DomainError(f"Say after how many days, from 1 to {MOST_DAYS}, or leave it empty for never.")
    known = db.scalar(select(DryingRule).where(DryingRule.material == kind).with_for_update())
    if days == drying_days(kind, {}):
        if known is not None:
            db.delete(known)
    elif known is None:
        db.add(DryingRule(material=kind, days=days))
    else:
        known.days = days
    db.flush()
