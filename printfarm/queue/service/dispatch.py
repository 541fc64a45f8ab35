"""Starting a print: the run and its command are made in one transaction, so that a print is started exactly once."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.ids import new_code
from printfarm.core.locks import locked
from printfarm.filament.models import Filament, Spool
from printfarm.filament.queries import NOT_HERE
from printfarm.filament.service import find_spool
from printfarm.files.models import StoredFile
from printfarm.fleet.models import Command, Printer
from printfarm.fleet.queries import printer_facts
from printfarm.fleet.service.commands import START_PATIENCE, Start, fail_command, send_command, slot_number, start_body
from printfarm.library.models import Plate, Variant
from printfarm.queue.events import JobChanged, RunChanged
from printfarm.queue.fitting import PrinterVerdict, Shortage, SlotChoice, weight
from printfarm.queue.models import JobOption, NextRoll, PrintJob, PrintRun, RunFilament
from printfarm.queue.service.feasibility import busy_printers, filament_name
from printfarm.queue.service.jobs import lock_job, note_event
from printfarm.queue.service.judging import judge_plates
from printfarm.queue.states import NotFromHere, move_job_state

WITHDRAWN = "withdrawn"


class CannotStart(DomainError):
    """A job cannot start on a printer now; the sentence says why."""


def start_job(
    db: Session,
    job_id: UUID,
    printer_id: UUID,
    *,
    user_id: UUID | None = None,
    accept_short: bool = False,
    then_spool_id: UUID | None = None,
) -> PrintRun:
    """Send a waiting job to a printer. Everything is checked again here, whatever the page showed.

    `accept_short` starts although a spool seems to hold too little; `then_spool_id` is the roll that a person will feed when
    it has run out. Raises CannotStart with every reason.
    """
    job = lock_job(db, job_id)
    if job.state != "queued":
        raise NotFromHere(f"{job.name} is {job.state} already. Look again.")
    _lock_printer(db, printer_id)
    plate, verdict = choose_option(db, job, printer_id)
    _refuse(verdict, accept_short=accept_short)
    run = _make_run(db, job, plate, printer_id, user_id)
    for choice in verdict.choices:
        db.add(_run_filament(run, choice))
    _send(db, job, run, plate, verdict)
    move_job_state(job, "processing")
    note_event(db, job, "started", f"Sent to {verdict.printer.name}", user_id=user_id, run_id=run.id)
    _note_shortages(db, job, run, verdict, then_spool_id, user_id)
    emit(db, JobChanged(shop_id=job.shop_id, job_id=job.id))
    emit(db, RunChanged(shop_id=job.shop_id, job_id=job.id, run_id=run.id, printer_id=printer_id))
    return run


def _note_shortages(
    db: Session, job: PrintJob, run: PrintRun, verdict: PrinterVerdict, then_spool_id: UUID | None, user_id: UUID | None
) -> None:
    """What whoever started it knew: which roll will not last, and which one comes next."""
    then = find_spool(db, then_spool_id) if then_spool_id is not None else None
    for one in verdict.shortages:
        said = f"Started knowing that {one.sentence}"
        if then is not None and then.filament_id == one.filament_id:
            _refuse_second(then, one)
            said = f"{one.sentence}. Then spool {then.code} is fed"
            db.add_all(NextRoll(run_id=run.id, slot=slot, spool_id=then.id) for slot in one.needs)
        note_event(db, job, "short", said, user_id=user_id, run_id=run.id)


def _refuse_second(roll: Spool, short: Shortage) -> None:
    """The roll that is to come next may have been used, or put away, since the page was drawn."""
    here = roll.archived_at is None and roll.state not in NOT_HERE and roll.id != short.place.spool_id
    if not here or roll.remaining_mg < short.end.missing_mg:
        now = f"holds {weight(roll.remaining_mg)} now" if here else "cannot come next"
        missing = f"{weight(short.end.missing_mg)} are missing in {short.place.label}"
        raise CannotStart(f"Spool {roll.code} {now}, and {missing}. Look at the page again.")


def _lock_printer(db: Session, printer_id: UUID) -> None:
    """Nobody archives it, sends it into maintenance or starts another print on it between our look and our commit."""
    mine = select(Printer).where(Printer.id == printer_id, Printer.archived_at.is_(None))
    if db.scalar(locked(mine)) is None:
        raise NotFound("This printer is not here. It may have been removed.")


def choose_option(db: Session, job: PrintJob, printer_id: UUID) -> tuple[Plate, PrinterVerdict]:
    """The option of a job that fits a printer best, and the verdict on it. Raises NotFound for a strange printer."""
    printer = next((one for one in printer_facts(db) if one.id == printer_id), None)
    if printer is None:
        raise NotFound("This printer is not here. It may have been removed.")
    busy, plates = busy_printers(db), plates_of(db, job.id)
    wanted = {need.filament_id for plate in plates for need in plate.requirements if need.filament_id}
    names = {one.id: filament_name(one) for one in db.scalars(select(Filament).where(Filament.id.in_(wanted)))}
    verdicts = judge_plates(db, plates, [printer], busy, names)
    judged = [(plate, verdicts[plate.id][0]) for plate in plates]
    return min(judged, key=lambda pair: (len(pair[1].never), len(pair[1].not_now), len(pair[1].short)))


def plates_of(db: Session, job_id: UUID) -> list[Plate]:
    """The plates of a job's options, with what a start needs of them."""
    return list(
        db.scalars(
            select(Plate)
            .join(JobOption, JobOption.plate_id == Plate.id)
            .where(JobOption.job_id == job_id)
            .options(selectinload(Plate.requirements), selectinload(Plate.variant).selectinload(Variant.model))
            .order_by(JobOption.position)
        )
    )


def _refuse(verdict: PrinterVerdict, *, accept_short: bool) -> None:
    reasons = [*verdict.never, *verdict.not_now, *([] if accept_short else verdict.short)]
    if reasons:
        raise CannotStart(f"{verdict.printer.name} cannot print this now: {'; '.join(reasons)}.")


def _make_run(db: Session, job: PrintJob, plate: Plate, printer_id: UUID, user_id: UUID | None) -> PrintRun:
    run = PrintRun(
        job_id=job.id,
        printer_id=printer_id,
        plate_id=plate.id,
        code=f"PF-{new_code(10)}",
        total_layers=plate.layers,
        sentence="Waiting for the hub to take it",
        created_by=user_id,
    )
    try:
        with db.begin_nested():
            db.add(run)
            db.flush()
    except IntegrityError as twin:
        raise CannotStart("Somebody else has just started this job, or this printer. Look again.") from twin
    return run


def _run_filament(run: PrintRun, choice: SlotChoice) -> RunFilament:
    return RunFilament(
        run_id=run.id,
        slot=choice.slot,
        ams_unit=choice.printer_slot.ams_unit,
        printer_slot=choice.printer_slot.slot,
        filament_id=choice.filament_id,
        spool_id=choice.printer_slot.spool_id,
        planned_mg=choice.needed_mg,
    )


def _send(db: Session, job: PrintJob, run: PrintRun, plate: Plate, verdict: PrinterVerdict) -> None:
    printer, file = db.get_one(Printer, run.printer_id), db.get_one(StoredFile, plate.variant.file_id)
    start = Start(
        run_id=run.id,
        run_code=run.code,
        plate_index=plate.number,
        title=job.name,
        ams_mapping=mapping_of(verdict.choices),
        use_ams=any(not choice.printer_slot.is_external for choice in verdict.choices),
        layers=plate.layers,
        expected_duration_s=plate.duration_s,
    )
    body = start_body(file, start)
    send_command(
        db, printer, "print_command", body, run_id=run.id, user_id=run.created_by, give_up_after=START_PATIENCE
    )


def withdraw_start(db: Session, run_id: UUID) -> bool:
    """Take back a start that no hub has been sent. False when it has left, or may have."""
    pending = select(Command).where(
        Command.run_id == run_id, Command.kind == "print_command", Command.state == "pending"
    )
    command = db.scalar(locked(pending))
    if command is None:
        return False
    fail_command(db, command, WITHDRAWN, "Taken back before it was sent.")
    return True


def mapping_of(choices: list[SlotChoice]) -> list[int]:
    """Bambu's `ams_mapping`: indexed by the project's filament (slot - 1), -1 for what this plate does not use."""
    highest = max((choice.slot for choice in choices), default=0)
    trays = {choice.slot: slot_number(choice.printer_slot.ams_unit, choice.printer_slot.slot) for choice in choices}
    return [trays.get(slot, -1) for slot in range(1, highest + 1)]
