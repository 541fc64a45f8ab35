"""What the library's pages ask the queue: how prints of plates and models ended, and which printers fit."""

from collections.abc import Sequence
from uuid import UUID

from flask import url_for
from sqlalchemy import Select
from sqlalchemy.orm import Session

from printfarm.fleet.queries import printer_facts
from printfarm.library.from_above import PrinterFit, Prints
from printfarm.library.models import Plate
from printfarm.queue import outcomes
from printfarm.queue.service.feasibility import busy_printers
from printfarm.queue.service.judging import judge_plates


def made_so_far(db: Session, plate_ids: list[UUID]) -> dict[UUID, tuple[str, str]]:
    """A term and a text for each of these plates."""
    made = outcomes.made_of_plates(db, plate_ids)
    return {plate_id: ("Made so far", str(made.get(plate_id, 0))) for plate_id in plate_ids}


def prints_of_plates(db: Session, plate_ids: Sequence[UUID]) -> dict[UUID, Prints]:
    """How the prints of each plate ended, and the latest job that wanted it: two statements."""
    ended, last = outcomes.ended_of_plates(db, plate_ids), outcomes.last_jobs_of_plates(db, plate_ids)
    return {
        plate_id: Prints(
            completed=ended.get((plate_id, "completed"), 0),
            failed=ended.get((plate_id, "failed"), 0),
            stopped=ended.get((plate_id, "cancelled"), 0),
            last_job_id=last.get(plate_id),
        )
        for plate_id in plate_ids
    }


def prints_of_models(model_ids: Sequence[UUID] | None) -> Select[UUID, int]:
    """Rows of a model's id and how many of its prints were completed."""
    return outcomes.completed_of_models(model_ids)


def printers_for(db: Session, plates: Sequence[Plate]) -> dict[UUID, list[PrinterFit]]:
    """Every printer in use, for each plate: those that fit first, in the shop's order."""
    printers, busy = printer_facts(db), busy_printers(db)
    found: dict[UUID, list[PrinterFit]] = {}
    for plate_id, verdicts in judge_plates(db, plates, printers, busy).items():
        fits = [
            PrinterFit(
                name=one.printer.name,
                href=url_for("fleet.printer", printer_id=one.printer.id),
                fits=one.fits,
                ready=one.ready,
                why=one.never or [*one.not_now, *one.short],
            )
            for one in verdicts
        ]
        found[plate_id] = sorted(fits, key=lambda one: (not one.fits, not one.ready))
    return found
