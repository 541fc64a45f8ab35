"""What the dashboard shows, in a bounded number of statements however large the shop."""

from dataclasses import dataclass, field
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload

from printfarm.core.clock import utc_now
from printfarm.core.formats import zone
from printfarm.filament.models import Filament, Spool
from printfarm.filament.queries import StockTotals, stock_totals
from printfarm.fleet.queries import PrinterCard, printer_cards
from printfarm.insight.needs import Need, get_needs
from printfarm.insight.shelf import Lasting, what_lasts
from printfarm.insight.when import with_times
from printfarm.library.models import Model, Plate, Variant
from printfarm.queue.drawn import drawn_by
from printfarm.queue.models import PrintRun, RunFilament
from printfarm.queue.queries import JobCard, QueuePage, get_queue

NEXT_UP, MADE_SHOWN, FAILED_SHOWN = 5, 6, 3


@dataclass(frozen=True)
class Made:
    """What was made of one plate since midnight."""

    plate: Plate
    parts: int
    last_at: datetime | None


@dataclass(frozen=True)
class Today:
    """What ended since midnight in the shop's zone. `used_mg` counts all that was extruded, failures too."""

    parts: int
    failed: int
    used_mg: int
    made: list[Made]
    failures: list[PrintRun]


@dataclass(frozen=True)
class Feeding:
    """A roll that a running print draws from. `after_mg` is what will be left when it is done, as far as its plan is known."""

    spool: Spool | None
    filament: Filament | None
    planned_mg: int | None
    rest_mg: int | None = None  # of its plan, what is not in the roll's ledger yet

    @property
    def after_mg(self) -> int | None:
        return None if self.spool is None or self.rest_mg is None else self.spool.remaining_mg - self.rest_mg


@dataclass(frozen=True)
class FirstSteps:
    """What a new shop has done already."""

    printer: bool
    spool: bool
    model: bool
    print: bool

    @property
    def done(self) -> bool:
        return self.printer and self.spool and self.model and self.print


@dataclass(frozen=True)
class Dashboard:
    """The shop at this moment."""

    queue: QueuePage
    printers: list[PrinterCard]
    stock: StockTotals
    needs: list[Need]
    lasting: list[Lasting]
    feeding: dict[UUID, list[Feeding]]  # by run
    today: Today
    steps: FirstSteps
    now: datetime = field(default_factory=utc_now)

    @property
    def printing(self) -> list[JobCard]:
        """What printers work on, first done first; a run that nobody hears from stands among what needs a person."""
        working = [card for card in self.queue.at_work if card.run is None or card.run.state != "unknown"]
        return sorted(working, key=lambda card: (card.minutes_left is None, card.minutes_left or 0))

    @property
    def foreign(self) -> list[PrinterCard]:
        """Printers at work on something that was not started here."""
        ours = {card.run.printer_id for card in self.queue.at_work if card.run is not None}
        return [card for card in self.printers if card.foreign is not None and card.printer.id not in ours]

    @property
    def to_clear(self) -> int:
        """Beds that wait for a hand."""
        return sum(need.kind == "bed" for need in self.needs)

    @property
    def running_out(self) -> int:
        """Filaments of which the queue needs more than there is, among the scarcest."""
        return sum(one.runs_out is not None for one in self.lasting)

    @property
    def minutes_to_first(self) -> int | None:
        """Until the first of the running prints is done, as the printers say."""
        return min((card.minutes_left for card in self.printing if card.minutes_left is not None), default=None)


def get_dashboard(db: Session) -> Dashboard:
    """Everything on the dashboard."""
    printers, stock, queue = printer_cards(db), stock_totals(db), get_queue(db, size=NEXT_UP)
    return Dashboard(
        queue=queue,
        printers=printers,
        stock=stock,
        needs=get_needs(
            db, [card.printer for card in printers], [one for card in queue.at_work for one in card.running_out]
        ),
        lasting=with_times(db, what_lasts(db), queue.at_work, printers),
        feeding=_feeding(db, [card.run.id for card in queue.at_work if card.run is not None]),
        today=_today(db),
        steps=_steps(db, has_printer=bool(printers), has_spool=stock.spools > 0, has_job=_has_jobs(queue)),
    )


def day_start(now: datetime) -> datetime:
    """Midnight of the shop's day."""
    return datetime.combine(now.astimezone(zone()).date(), time(), zone())


def _feeding(db: Session, run_ids: list[UUID]) -> dict[UUID, list[Feeding]]:
    drawn = drawn_by(db, run_ids)
    unknown = {one.used.filament_id for slots in drawn.values() for one in slots if one.spool is None}
    wanted = [one for one in unknown if one]
    filaments = {one.id: one for one in db.scalars(select(Filament).where(Filament.id.in_(wanted)))} if wanted else {}
    return {
        run_id: [
            Feeding(
                one.spool,
                one.spool.filament
                if one.spool
                else filaments.get(one.used.filament_id)
                if one.used.filament_id
                else None,
                one.used.planned_mg,
                one.rest_mg,
            )
            for one in slots
        ]
        for run_id, slots in drawn.items()
    }


def _today(db: Session) -> Today:
    since = PrintRun.ended_at >= day_start(utc_now())
    failed = func.coalesce(func.sum(case((PrintRun.state == "failed", 1), else_=0)), 0)
    parts, bad = db.execute(select(func.coalesce(func.sum(PrintRun.parts_made), 0), failed).where(since)).one()
    used = (
        select(func.coalesce(func.sum(RunFilament.used_mg), 0))
        .join(PrintRun, PrintRun.id == RunFilament.run_id)
        .where(since)
    )
    failures = (
        select(PrintRun)
        .where(since, PrintRun.state == "failed")
        .options(joinedload(PrintRun.printer), joinedload(PrintRun.job), joinedload(PrintRun.plate))
        .order_by(PrintRun.ended_at.desc(), PrintRun.id.desc())
        .limit(FAILED_SHOWN)
    )
    return Today(
        parts=int(parts),
        failed=int(bad),
        used_mg=int(db.scalar(used) or 0),
        made=_made(db, day_start(utc_now())) if parts else [],
        failures=list(db.scalars(failures)) if bad else [],
    )


def _made(db: Session, since: datetime) -> list[Made]:
    """The plates of which something was finished, the latest first."""
    latest, parts = func.max(PrintRun.ended_at), func.sum(PrintRun.parts_made)
    rows = db.execute(
        select(PrintRun.plate_id, parts, latest)
        .where(PrintRun.ended_at >= since, PrintRun.parts_made > 0)
        .group_by(PrintRun.plate_id)
        .order_by(latest.desc(), PrintRun.plate_id)
        .limit(MADE_SHOWN)
    ).all()
    plates = {
        plate.id: plate
        for plate in db.scalars(
            select(Plate)
            .where(Plate.id.in_([plate_id for plate_id, *_ in rows]))
            .options(joinedload(Plate.variant).joinedload(Variant.model))
        )
    }
    return [Made(plates[plate_id], int(count), last_at) for plate_id, count, last_at in rows]


def _has_jobs(queue: QueuePage) -> bool:
    return bool(queue.at_work or queue.waiting.total)


def _steps(db: Session, *, has_printer: bool, has_spool: bool, has_job: bool) -> FirstSteps:
    """Who has a job has a model to print."""
    has_model = has_job or db.scalar(select(Model.id).limit(1)) is not None
    has_print = db.scalar(select(PrintRun.id).where(PrintRun.started_at.is_not(None)).limit(1)) is not None
    return FirstSteps(has_printer, has_spool, has_model, has_print)
