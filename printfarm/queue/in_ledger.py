"""What the ledger of filament asks the queue (which print a line speaks of), and what the queue reads there."""

from collections.abc import Sequence
from uuid import UUID

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from printfarm.filament.from_above import PrintOf
from printfarm.filament.models import StockEntry
from printfarm.fleet.models import Printer
from printfarm.queue.models import PrintJob, PrintRun


def prints_of_runs(db: Session, run_ids: Sequence[UUID]) -> dict[UUID, PrintOf]:
    """Job and printer of each of these runs: one statement."""
    wanted = (
        select(PrintRun.id, PrintRun.job_id, PrintJob.name, Printer.name.label("printer"))
        .join(PrintJob, PrintJob.id == PrintRun.job_id)
        .join(Printer, Printer.id == PrintRun.printer_id)
        .where(PrintRun.id.in_(run_ids))
    )
    return {
        row.id: PrintOf(title=f"{row.name} on {row.printer}", url=url_for("queue.job", job_id=row.job_id))
        for row in db.execute(wanted)
    }


def purged_of_runs(db: Session, run_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Milligrams of each of these runs that went into colour changes and the tower: one statement."""
    answer = aliased(StockEntry)
    undone = select(answer.id).where(answer.undoes_id == StockEntry.id).exists()
    purged = (
        select(StockEntry.run_id, func.sum(StockEntry.delta_mg))
        .where(StockEntry.run_id.in_(run_ids), StockEntry.cause == "purge", ~undone)
        .group_by(StockEntry.run_id)
    )
    return {run_id: -int(mg) for run_id, mg in db.execute(purged) if run_id}
