"""What the ledger of filament asks the queue: which print a line speaks of."""

from collections.abc import Sequence
from uuid import UUID

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.filament.from_above import PrintOf
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
