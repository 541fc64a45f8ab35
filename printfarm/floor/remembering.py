"""The label that a person scanned last: for a few minutes, so that a spool and a printer make a pair, in either order.

It is kept in the browser's signed cookie: no row is written by looking at something, and it works without scripts.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from flask import session

from printfarm.filament.models import Spool
from printfarm.fleet.models import Printer

KEY, FOR_S = "scanned", 300
SPOOL, PRINTER = "spool", "printer"


@dataclass(frozen=True)
class Scanned:
    """What was scanned: `kind` is SPOOL or PRINTER, `title` what people call it."""

    kind: str
    code: str
    title: str

    @property
    def wants(self) -> str:
        """What is to be scanned next."""
        return PRINTER if self.kind == SPOOL else SPOOL


def remember(shop_id: UUID, found: Spool | Printer) -> None:
    """Keep what was scanned last."""
    kind = SPOOL if isinstance(found, Spool) else PRINTER
    session[KEY] = {
        "kind": kind,
        "code": found.code,
        "title": title_of(found),
        "shop": str(shop_id),
        "at": int(time.time()),
    }


def remembered(shop_id: UUID) -> Scanned | None:
    """What this person scanned last in this shop, if that is not long ago."""
    kept = session.get(KEY)
    if not isinstance(kept, dict) or kept.get("shop") != str(shop_id):
        return None
    if not 0 <= time.time() - int(kept.get("at", 0)) <= FOR_S:
        return None
    return Scanned(str(kept["kind"]), str(kept["code"]), str(kept["title"]))


def forget() -> None:
    session.pop(KEY, None)


def title_of(found: Spool | Printer) -> str:
    """What people call it: "K7QX2 Galaxy Black PLA", or the printer's name."""
    if isinstance(found, Printer):
        return found.name
    return f"{found.code} {found.filament.colour_name} {found.filament.material}"
