"""What stands behind codes, and what may get a label; each in a fixed number of statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from printfarm.accounts.models import Shop
from printfarm.accounts.queries import shops_of
from printfarm.core.clock import utc_now
from printfarm.core.paging import Paged, paginate
from printfarm.core.searching import speaks_of
from printfarm.core.work import read_only
from printfarm.filament import queries as filament
from printfarm.filament.models import Spool
from printfarm.fleet.models import Printer

JUST_ADDED = timedelta(hours=24)
MOST_LABELS = 200


@dataclass(frozen=True)
class Asked:
    """Which records the chooser shows."""

    what: str = "spools"
    text: str = ""
    material: str = ""
    low: bool = False
    added: bool = False
    page: int = 1


def behind(db: Session, code: str) -> Spool | Printer | None:
    """The spool or the printer in use with this code (in its stored form), in this shop."""
    return next(iter(records(db, [code])), None)


def records(db: Session, codes: Sequence[str]) -> list[Spool | Printer]:
    """The records with these codes, in the order in which they are given; codes of nothing are left out. Two statements."""
    found: dict[str, Spool | Printer] = {}
    for spool in db.scalars(select(Spool).where(Spool.code.in_(codes))):
        found[spool.code] = spool
    for printer in db.scalars(select(Printer).where(Printer.code.in_(codes), Printer.archived_at.is_(None))):
        found[printer.code] = printer
    return [found[code] for code in dict.fromkeys(codes) if code in found]


def other_shops_with(user_id: UUID, code: str, *, but: UUID) -> list[Shop]:
    """The person's other shops in which this code leads somewhere: each is asked in a transaction of its own."""
    with read_only(None) as db:
        others = [membership.shop for membership in shops_of(db, user_id) if membership.shop_id != but]
    found = []
    for shop in others:
        with read_only(shop.id) as db:
            if behind(db, code) is not None:
                found.append(shop)
    return found


def choose_from(db: Session, asked: Asked) -> Paged[Spool] | Paged[Printer]:
    """What the chooser offers: newest first when only what was just added is asked for."""
    if asked.what == "printers":
        return paginate(db, _printers(asked), asked.page)
    if asked.added:
        return paginate(db, _new_spools(), asked.page)
    return filament.list_spools(db, text=asked.text, material=asked.material, low=asked.low, page=asked.page)


def _new_spools() -> Select[Spool]:
    recent = select(Spool).where(Spool.archived_at.is_(None), Spool.created_at > utc_now() - JUST_ADDED)
    recent = recent.where(Spool.state.not_in(filament.NOT_HERE))
    return recent.order_by(Spool.created_at.desc(), Spool.id.desc())


def _printers(asked: Asked) -> Select[Printer]:
    wanted = select(Printer).where(Printer.archived_at.is_(None))
    if asked.text:
        wanted = wanted.where(speaks_of(asked.text, Printer.name))
    if asked.added:
        wanted = wanted.where(Printer.created_at > utc_now() - JUST_ADDED)
    return wanted.order_by(Printer.position, Printer.id)
