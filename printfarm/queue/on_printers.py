"""What the fleet's cards and rules ask the queue: what runs on which printer."""

from collections.abc import Sequence
from uuid import UUID

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from printfarm.core.formats import in_minutes
from printfarm.fleet.queries import OnPrinter
from printfarm.queue.models import ACTIVE_RUN_STATES, PrintRun
from printfarm.queue.running_out import RunningOut, running_out


def on_printers(db: Session, printer_ids: Sequence[UUID]) -> dict[UUID, OnPrinter]:
    """The job that each of these printers works on, for its card."""
    active = select(PrintRun).where(PrintRun.printer_id.in_(printer_ids), PrintRun.state.in_(ACTIVE_RUN_STATES))
    runs = db.scalars(active.options(joinedload(PrintRun.job), joinedload(PrintRun.plate)))
    return {
        run.printer_id: OnPrinter(
            title=run.job.name,
            url=url_for("queue.job", job_id=run.job_id),
            picture_url=url_for("files.picture", file_id=run.plate.picture_id) if run.plate.picture_id else None,
            is_lost=run.state == "unknown",
        )
        for run in runs
    }


def ends_on(db: Session, printer_id: UUID) -> list[str]:
    """The rolls that the print on a printer will use up, where and when."""
    active = select(PrintRun).where(PrintRun.printer_id == printer_id, PrintRun.state.in_(ACTIVE_RUN_STATES))
    found = running_out(db, list(db.scalars(active)))
    return [_sentence(one) for rolls in found.values() for one in rolls]


def _sentence(one: RunningOut) -> str:
    if one.then and one.due:
        return f"Change {one.label} to spool {one.then.code} {one.due}: it runs out {one.end.words}."
    if one.is_past:
        return f"By the ledger {one.label} ran out {one.end.words}, and yet it prints on: weigh the roll."
    when = f", about {in_minutes(one.minutes)}" if one.minutes is not None else ""
    return f"{one.label} runs out {one.end.words}{when}."


def why_busy(db: Session, printer_id: UUID) -> str | None:
    """Why a printer cannot be taken away or changed now."""
    active = select(PrintRun).where(PrintRun.printer_id == printer_id, PrintRun.state.in_(ACTIVE_RUN_STATES))
    run = db.scalar(active.options(joinedload(PrintRun.job)))
    return f"It is printing {run.job.name}. Stop that print first, or let it end." if run else None
