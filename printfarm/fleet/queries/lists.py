"""Hubs, past errors, and where rolls lie."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.paging import Paged, paginate
from printfarm.fleet.models import Command, Hub, Printer, PrinterError, PrinterSlot
from printfarm.fleet.queries.facts import in_use

# Each of them brings up to twenty places.
PRINTERS_SHOWN = 20
REFUSAL_SHOWN = timedelta(minutes=10)


def list_hubs(db: Session) -> list[tuple[Hub, int]]:
    """The shop's hubs in use and how many printers hang on each."""
    printers = (
        select(Printer.hub_id, func.count().label("printers"))
        .where(Printer.archived_at.is_(None))
        .group_by(Printer.hub_id)
        .subquery()
    )
    rows = db.execute(
        select(Hub, func.coalesce(printers.c.printers, 0))
        .outerjoin(printers, printers.c.hub_id == Hub.id)
        .where(Hub.archived_at.is_(None))
        .order_by(Hub.built_in.desc(), Hub.name)
    )
    return [(hub, count) for hub, count in rows]


def past_errors(db: Session, printer_id: UUID, limit: int = 20) -> list[PrinterError]:
    """The latest errors of a printer, newest first."""
    return list(
        db.scalars(
            select(PrinterError)
            .where(PrinterError.printer_id == printer_id)
            .order_by(PrinterError.began_at.desc(), PrinterError.id)
            .limit(limit)
        )
    )


def last_refusal(db: Session, printer_id: UUID) -> Command | None:
    """The latest command to a printer, when it came to nothing and is not long ago."""
    latest = db.scalar(
        select(Command)
        .where(
            Command.printer_id == printer_id,
            Command.kind == "printer_command",
            Command.created_at > utc_now() - REFUSAL_SHOWN,
        )
        .order_by(Command.created_at.desc(), Command.id.desc())
        .limit(1)
    )
    return latest if latest is not None and latest.state == "failed" else None


def page_of_printers(db: Session, number: int) -> Paged[Printer]:
    """The printers in use, some at a time, in the shop's order."""
    return paginate(db, in_use(), number, PRINTERS_SHOWN)


def where_spools_lie(db: Session, spool_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Where rolls are: "A2 of Anna"."""
    rows = db.execute(
        select(PrinterSlot, Printer.name)
        .join(Printer, Printer.id == PrinterSlot.printer_id)
        .where(PrinterSlot.spool_id.in_(spool_ids))
    ).unique()
    return {slot.spool_id: f"{slot.label} of {name}" for slot, name in rows if slot.spool_id is not None}
