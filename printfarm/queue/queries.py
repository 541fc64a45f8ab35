"""What the screens of the queue show, each in a fixed number of statements."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from printfarm.accounts.models import User
from printfarm.core.bus import recall_telemetry
from printfarm.core.errors import NotFound
from printfarm.core.paging import Paged, paginate
from printfarm.core.tenancy import shop_of
from printfarm.filament.models import Filament
from printfarm.filament.queries import Supply, supply_of
from printfarm.library.models import FilamentRequirement, Plate, Variant
from printfarm.queue.fed import fed_in_words
from printfarm.queue.in_ledger import purged_of_runs
from printfarm.queue.models import (
    ACTIVE_RUN_STATES,
    JobEvent,
    JobOption,
    PrintJob,
    PrintRun,
)
from printfarm.queue.running_out import RunningOut, running_out
from printfarm.queue.service.feeds import is_out_of_touch

AT_WORK = ("processing", "uploaded", "printing", "paused")
ENDED = ("completed", "failed", "cancelled")
# Each waiting job brings its verdict, its choice of printers and its buttons: more of them are a long way to scroll on a phone.
WAITING_SHOWN = 25


@dataclass(frozen=True)
class Need:
    """A slot of a plate with the shop's filament for it."""

    requirement: FilamentRequirement
    filament: Filament | None


@dataclass(frozen=True)
class JobCard:
    """A job as lists show it. `live` is the printer's latest telemetry, `sending` the file's, both possibly empty."""

    job: PrintJob
    plate: Plate
    needs: list[Need]
    run: PrintRun | None = None
    live: dict[str, Any] = field(default_factory=dict)
    sending: dict[str, Any] = field(default_factory=dict)
    before: str = ""  # what "up" names as its neighbour: the job two above, or nothing
    behind: str | None = None  # what "down" names: the job below, if any
    is_first: bool = False
    why: str = ""  # of a job that ended badly: what was said last
    printed_on: str = ""  # of an ended job: the printer of its latest run
    running_out: list[RunningOut] = field(default_factory=list)  # rolls that end before its print does
    supplies: dict[UUID, Supply] = field(default_factory=dict)  # by filament that is short: what is on its way, too

    @property
    def feasibility(self) -> dict[str, Any]:
        return self.job.feasibility or {}

    @property
    def ready_on(self) -> list[dict[str, Any]]:
        return [one for one in self.feasibility.get("printers", ()) if one["ready"]]

    @property
    def waits_for(self) -> list[dict[str, Any]]:
        """Printers that fit but not now, and only when there are none of those, why no printer fits."""
        printers = self.feasibility.get("printers", ())
        return [one for one in printers if one["fits"] and not one["ready"]] or [p for p in printers if not p["fits"]]

    @property
    def short(self) -> list[dict[str, Any]]:
        """What the shop lacks for a job that waits, with what is on order of it."""
        listed = [one for one in self.feasibility.get("filaments", ()) if not one["enough"]]
        return [{**one, "supply": self.supplies.get(UUID(one["filament_id"]))} for one in listed]

    @property
    def percent(self) -> int | None:
        """How far it is: of the file while it travels, of the print afterwards."""
        if self.sending.get("bytes_total"):
            return int(100 * self.sending["bytes_sent"] / self.sending["bytes_total"])
        if self._is_ours and self.live.get("percent") is not None:
            return int(self.live["percent"])
        return self.run.percent if self.run else None

    @property
    def layer(self) -> int | None:
        return self.live.get("layer") if self._is_ours else self.run.layer if self.run else None

    @property
    def minutes_left(self) -> int | None:
        return self.live.get("remaining_minutes") if self._is_ours else None

    @property
    def _is_ours(self) -> bool:
        return self.run is not None and self.run.state != "starting" and self.live.get("run_code") == self.run.code


@dataclass(frozen=True)
class QueuePage:
    """The queue: what printers work on, and one page of what waits, in order."""

    at_work: list[JobCard]
    waiting: Paged[JobCard]
    total_s: int  # printing time of all that waits


@dataclass(frozen=True)
class JobPage:
    """One job with everything about it."""

    card: JobCard
    runs: list[PrintRun]
    events: Paged[JobEvent]
    people: dict[UUID, str]
    filaments: dict[UUID, Filament]
    out_of_touch: bool  # only a person can say how its run is doing
    fed: dict[UUID, list[str]]  # by run, where several rolls fed a slot
    purged: dict[UUID, int]  # by run, milligrams of it that went into colour changes and the tower


def get_queue(db: Session, page: int = 1, size: int = WAITING_SHOWN) -> QueuePage:
    """The queue page, with `size` waiting jobs on it."""
    at_work = list(
        db.scalars(_with_plates(select(PrintJob).where(PrintJob.state.in_(AT_WORK)).order_by(PrintJob.place)))
    )
    total, seconds = db.execute(
        select(func.count(), func.coalesce(func.sum(Plate.duration_s), 0))
        .select_from(PrintJob)
        .join(JobOption, (JobOption.job_id == PrintJob.id) & (JobOption.position == 0))
        .join(Plate, Plate.id == JobOption.plate_id)
        .where(PrintJob.state == "queued")
    ).one()
    pages = max(1, -(-total // size))
    number = min(max(1, page), pages)
    waiting = _waiting_window(db, number, size)
    cards = _with_ends(db, _cards(db, [*at_work, *(card.job for card in waiting)]))
    ordered = [
        replace(cards[one.job.id], before=one.before, behind=one.behind, is_first=one.is_first) for one in waiting
    ]
    return QueuePage([cards[job.id] for job in at_work], Paged(ordered, number, pages, total), int(seconds or 0))


@dataclass(frozen=True)
class _Placed:
    job: PrintJob
    before: str
    behind: str | None
    is_first: bool


def _waiting_window(db: Session, number: int, size: int) -> list[_Placed]:
    """A page of the waiting jobs; two more before and one behind say what "up" and "down" mean at its edges."""
    start = (number - 1) * size
    lead = min(2, start)
    statement = select(PrintJob).where(PrintJob.state == "queued").order_by(PrintJob.place, PrintJob.id)
    jobs = list(db.scalars(_with_plates(statement.offset(start - lead).limit(size + lead + 1))))
    return [
        _Placed(
            job=job,
            before=str(jobs[at - 2].id) if at >= 2 else "",
            behind=str(jobs[at + 1].id) if at + 1 < len(jobs) else None,
            is_first=start - lead + at == 0,
        )
        for at, job in enumerate(jobs[: size + lead])
        if at >= lead
    ]


def get_card(db: Session, job_id: UUID) -> JobCard | None:
    """One job as lists show it, for a push (so without the rolls that run out); None when it is gone."""
    job = db.scalar(_with_plates(select(PrintJob).where(PrintJob.id == job_id)))
    return _cards(db, [job])[job.id] if job is not None else None


def _with_ends(db: Session, cards: dict[UUID, JobCard]) -> dict[UUID, JobCard]:
    """The same with the rolls that run out."""
    found = running_out(db, [card.run for card in cards.values() if card.run is not None])
    return {
        job_id: replace(card, running_out=found[card.run.id]) if card.run and card.run.id in found else card
        for job_id, card in cards.items()
    }


def get_history(db: Session, page: int = 1) -> Paged[JobCard]:
    """Ended jobs, newest first."""
    ended = select(PrintJob).where(PrintJob.state.in_(ENDED)).order_by(PrintJob.ended_at.desc(), PrintJob.id.desc())
    found = paginate(db, _with_plates(ended), page)
    cards, last = _cards(db, found.items), _last_runs(db, [job.id for job in found.items])
    listed = [_ended(cards[job.id], last.get(job.id)) for job in found.items]
    return Paged(listed, found.number, found.pages, found.total)


def get_job(db: Session, job_id: UUID, page: int = 1) -> JobPage:
    """The job page. Raises NotFound."""
    card = get_card(db, job_id)
    if card is None:
        raise NotFound("This job is not here. It may have been removed.")
    card = _with_ends(db, {job_id: card})[job_id]
    runs = list(
        db.scalars(
            select(PrintRun)
            .where(PrintRun.job_id == job_id)
            .options(selectinload(PrintRun.printer), selectinload(PrintRun.filaments))
            .order_by(PrintRun.created_at.desc())
        )
    )
    events = paginate(
        db, select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.at.desc(), JobEvent.id.desc()), page
    )
    who = {event.user_id for event in events.items if event.user_id}
    people = {user.id: user.name for user in db.scalars(select(User).where(User.id.in_(who)))}
    used = {one.filament_id for run in runs for one in run.filaments if one.filament_id}
    out_of_touch = card.run is not None and is_out_of_touch(db, card.run)
    fed, purged = fed_in_words(db, runs), purged_of_runs(db, [run.id for run in runs])
    return JobPage(card, runs, events, people, _filaments(db, used), out_of_touch, fed, purged)


def job_of_run(db: Session, run_id: UUID) -> UUID:
    """The job that a run was an attempt at. Raises NotFound."""
    job_id = db.scalar(select(PrintRun.job_id).where(PrintRun.id == run_id))
    if job_id is None:
        raise NotFound("This print is not here. It may have been removed.")
    return job_id


def get_plate(db: Session, plate_id: UUID) -> Plate:
    """A plate with its variant and model. Raises NotFound."""
    plate = db.scalar(
        select(Plate).where(Plate.id == plate_id).options(joinedload(Plate.variant).joinedload(Variant.model))
    )
    if plate is None:
        raise NotFound("This plate is not here. Its model may have been removed.")
    return plate


def active_job_of_printer(db: Session, printer_id: UUID) -> UUID | None:
    """The job that a printer works on."""
    return db.scalar(
        select(PrintRun.job_id).where(PrintRun.printer_id == printer_id, PrintRun.state.in_(ACTIVE_RUN_STATES))
    )


def _last_runs(db: Session, job_ids: list[UUID]) -> dict[UUID, PrintRun]:
    """Each job's latest run, with its printer."""
    runs = select(PrintRun).where(PrintRun.job_id.in_(job_ids)).order_by(PrintRun.created_at)
    return {run.job_id: run for run in db.scalars(runs.options(joinedload(PrintRun.printer)))}


def _ended(card: JobCard, run: PrintRun | None) -> JobCard:
    """The card of an ended job, with what its latest run tells. A job may have been cancelled before any."""
    if run is None:
        return card
    why = "" if run.sentence in {"Failed", "Cancelled"} else run.sentence
    return replace(card, why=why, printed_on=run.printer.name)


def _with_plates(statement: Select[PrintJob]) -> Select[PrintJob]:
    plate = selectinload(PrintJob.options).joinedload(JobOption.plate)
    return statement.options(
        plate.selectinload(Plate.requirements),
        plate.joinedload(Plate.variant).joinedload(Variant.model),
    )


def _cards(db: Session, jobs: list[PrintJob]) -> dict[UUID, JobCard]:
    ids = [job.id for job in jobs]
    active = select(PrintRun).where(PrintRun.job_id.in_(ids), PrintRun.state.in_(ACTIVE_RUN_STATES))
    runs = {run.job_id: run for run in db.scalars(active.options(joinedload(PrintRun.printer)))}
    wanted = {need.filament_id for job in jobs for need in job.options[0].plate.requirements if need.filament_id}
    filaments = _filaments(db, wanted)
    shop_id = shop_of(db)
    live = recall_telemetry(shop_id, "printer", {run.printer_id for run in runs.values()})
    sending = recall_telemetry(shop_id, "file", {run.code for run in runs.values() if run.state == "starting"})
    cards = {job.id: _card(job, runs.get(job.id), filaments, live, sending) for job in jobs}
    return _with_supplies(db, cards)


def _with_supplies(db: Session, cards: dict[UUID, JobCard]) -> dict[UUID, JobCard]:
    lacking = {UUID(one["filament_id"]) for card in cards.values() if card.job.state == "queued" for one in card.short}
    supplies = supply_of(db, lacking) if lacking else {}
    return {job_id: replace(card, supplies=supplies) for job_id, card in cards.items()} if supplies else cards


def _card(
    job: PrintJob,
    run: PrintRun | None,
    filaments: dict[UUID, Filament],
    live: dict[str, dict[str, Any]],
    sending: dict[str, dict[str, Any]],
) -> JobCard:
    plate = job.options[0].plate
    needs = [Need(one, filaments.get(one.filament_id) if one.filament_id else None) for one in plate.requirements]
    if run is None:
        return JobCard(job, plate, needs)
    return JobCard(job, plate, needs, run, live.get(str(run.printer_id), {}), sending.get(run.code, {}))


def _filaments(db: Session, ids: set[UUID]) -> dict[UUID, Filament]:
    if not ids:
        return {}
    return {filament.id: filament for filament in db.scalars(select(Filament).where(Filament.id.in_(ids)))}
