"""What a run used: booked once, to the spools that were in the slots it printed from, in the transaction that ends it."""

from collections.abc import Sequence
from fractions import Fraction
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.locks import locked
from printfarm.filament.service import Part, book_run, rebook_run
from printfarm.filament.service.counted import Span
from printfarm.filament.service.usage import NOTHING
from printfarm.library.counted import used_shares
from printfarm.library.models import FilamentRequirement, Plate
from printfarm.queue.events import JobChanged
from printfarm.queue.models import PrintJob, PrintRun, RunFeed, RunFilament
from printfarm.queue.service.feeds import feeds_of
from printfarm.queue.service.jobs import find_job, note_event
from printfarm.queue.service.splitting import parts_of


def book_consumption(
    db: Session, run: PrintRun, job: PrintJob, *, used_mg: dict[int, int] | None = None, heard: bool = True
) -> None:
    """Book a run that has just ended. Completed: the plate's requirement; otherwise what was extruded by then.

    `used_mg` per slot is what a person weighed and goes before both. `heard`: the printer told the end when it came. Doing it
    again does nothing.
    """
    if run.booked_at is not None:
        return
    share = extruded_share(run)
    counted = _counted_shares(db, run, job) if 0 < share < 1 and not used_mg else {}
    feeds, waste = feeds_of(db, [run.id]), waste_of(db, run)
    for filament in db.scalars(select(RunFilament).where(RunFilament.run_id == run.id)):
        planned = filament.planned_mg
        weighed = (used_mg or {}).get(filament.slot)
        filament.used_mg = weighed if weighed is not None else _part_of(planned, counted.get(filament.slot, share))
        if filament.used_mg is not None and filament.filament_id is not None:
            book_run(
                db,
                run_id=run.id,
                job_id=job.id,
                slot=filament.slot,
                filament_id=filament.filament_id,
                spool_id=filament.spool_id,
                used_mg=filament.used_mg,
                reason=job.name,
                cause=_cause(run),
                parts=_parts(db, run, filament, filament.used_mg, feeds),
                span=_span(run, heard=heard),
                waste=waste.get(filament.slot, NOTHING),
            )
        elif filament.used_mg is None:
            note_event(db, job, "unknown-weight", f"Slot {filament.slot}: nobody knows how many grams", run_id=run.id)
    run.booked_at = utc_now()


def weigh_run(db: Session, run_id: UUID, used_mg: dict[int, int], *, user_id: UUID | None = None) -> PrintRun:
    """A person has weighed what an ended run used, per slot: that is booked instead of what we reckoned."""
    run = db.scalar(locked(select(PrintRun).where(PrintRun.id == run_id)))
    if run is None:
        raise NotFound("This print is not here. It may have been removed.")
    if run.booked_at is None:
        raise DomainError("This print has not ended, so there is nothing to correct yet.")
    job = find_job(db, run.job_id)
    used = {one.slot: one for one in db.scalars(select(RunFilament).where(RunFilament.run_id == run.id))}
    if unknown := sorted(used_mg.keys() - used.keys()):
        raise DomainError(f"This print used no filament from slot {unknown[0]}. Look at the page again.")
    # Who changes nothing wants booked again what was taken back; who changes one slot leaves the others as they are.
    changed = sorted(slot for slot, mg in used_mg.items() if mg != used[slot].used_mg) or sorted(used_mg)
    rebooked = [_rebook(db, job, run, used[slot], used_mg[slot], user_id) for slot in changed]
    if any(rebooked):
        emit(db, JobChanged(shop_id=job.shop_id, job_id=job.id))
    return run


def _rebook(
    db: Session, job: PrintJob, run: PrintRun, filament: RunFilament, used_mg: int, user_id: UUID | None
) -> bool:
    """Whether that changed anything. The same weight again is booked again when its lines were taken back meanwhile."""
    is_same = used_mg == filament.used_mg
    if filament.filament_id is None:
        if is_same:
            return False
        raise DomainError(f"Nobody has decided which filament slot {filament.slot} is, so it cannot be booked.")
    booked = rebook_run(
        db,
        run_id=run.id,
        job_id=job.id,
        slot=filament.slot,
        filament_id=filament.filament_id,
        spool_id=filament.spool_id,
        used_mg=used_mg,
        reason=job.name,
        user_id=user_id,
        cause=_cause(run),
        parts=_parts(db, run, filament, used_mg, feeds_of(db, [run.id])),
        span=_span(run),
        waste=waste_of(db, run).get(filament.slot, NOTHING),
    )
    if is_same and not booked:
        return False
    before = "unknown" if filament.used_mg is None else f"{filament.used_mg / 1000:.1f} g"
    instead = " once more, since that was taken back" if is_same else f" instead of {before}"
    said = f"Slot {filament.slot}: weighed {used_mg / 1000:.1f} g{instead}"
    note_event(db, job, "weighed", said, user_id=user_id, run_id=run.id)
    filament.used_mg = used_mg
    return True


def _parts(db: Session, run: PrintRun, filament: RunFilament, used_mg: int, feeds: Sequence[RunFeed]) -> Sequence[Part]:
    """What each roll gave, when the slot was fed from several; nothing when from one."""
    mine = [feed for feed in feeds if feed.slot == filament.slot]
    return parts_of(db, run, filament, used_mg, mine) if mine else ()


def waste_of(db: Session, run: PrintRun) -> dict[int, Fraction]:
    """By slot, the share of its grams that goes into colour changes, the tower and priming, where the file's moves tell."""
    needs = select(FilamentRequirement).where(FilamentRequirement.plate_id == run.plate_id)
    return {
        need.slot: min(Fraction(1), Fraction((need.purge_mg or 0) + (need.waste_mg or 0), need.total_mg))
        for need in db.scalars(needs)
        if need.total_mg and need.model_mg is not None
    }


def _span(run: PrintRun, *, heard: bool = True) -> Span | None:
    return Span(run.started_at or run.created_at, run.ended_at, heard=heard) if run.ended_at else None


def _cause(run: PrintRun) -> str:
    """Why its grams are gone: what did not become a part is counted apart."""
    return "print" if run.state == "completed" else "failed print"


def extruded_share(run: PrintRun) -> Fraction:
    """How much of the plate was printed, 0 to 1: all, or by layers, or by the printer's per cent. Never begun: nothing."""
    if run.state == "completed":
        return Fraction(1)
    if run.started_at is None:
        return Fraction(0)
    if run.layer is not None and run.total_layers:
        return min(Fraction(1), Fraction(max(0, run.layer), run.total_layers))
    return Fraction(min(100, max(0, run.percent or 0)), 100)


def _counted_shares(db: Session, run: PrintRun, job: PrintJob) -> dict[int, Fraction]:
    """By slot what the layers up to here need, as the moves were counted: a colour that comes late is not used yet.

    Empty when they are not counted, or the layer is not known; then the grams are spread evenly, and the job says so.
    """
    plate = db.get_one(Plate, run.plate_id)
    if run.layer is not None and run.total_layers == plate.layers:
        shares = used_shares(db, plate, run.layer)
        if shares is not None:
            return {slot: Fraction(share).limit_denominator(1_000_000) for slot, share in shares.items()}
    note_event(
        db,
        job,
        "evenly",
        "The grams are spread evenly over the print: how much each layer needs is not known",
        run_id=run.id,
    )
    return {}


def _part_of(planned_mg: int | None, share: Fraction) -> int | None:
    if planned_mg is None:
        return 0 if share == 0 else None
    return round(planned_mg * share)
