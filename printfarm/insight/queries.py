"""What the dashboard shows, in a bounded number of statements however large the shop."""

from dataclasses import dataclass, field
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, selectinload

from printfarm.core.clock import utc_now
from printfarm.core.formats import zone
from printfarm.filament.models import Filament, Spool
from printfarm.filament.queries import StockTotals, stock_totals
from printfarm.files.models import Upload
from printfarm.fleet.models import Hub
from printfarm.fleet.queries import PrinterCard, printer_cards
from printfarm.library.models import Model, Plate, Variant
from printfarm.queue.models import PrintRun, RunFilament
from printfarm.queue.queries import JobCard, QueuePage, get_queue

NEXT_UP, LATEST, SHOWN = 5, 5, 4


@dataclass(frozen=True)
class Uploads:
    """Uploads that want a person. `newest` is one of them, for the link when there is only one."""

    to_answer: int
    failed: int
    newest: UUID | None


@dataclass(frozen=True)
class Today:
    """What ended since midnight in the shop's zone. `used_mg` counts all that was extruded, failures too."""

    parts: int
    failed: int
    used_mg: int
    latest: list[PrintRun]


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
    low_spools: list[Spool]
    unassigned_mg: int
    uploads: Uploads
    today: Today
    steps: FirstSteps
    now: datetime = field(default_factory=utc_now)

    @property
    def printing(self) -> list[JobCard]:
        """What printers work on; a run that nobody hears from stands among what needs a person."""
        return [card for card in self.queue.at_work if card.run is None or card.run.state != "unknown"]

    @property
    def lost(self) -> list[JobCard]:
        """Prints that somebody has to look at."""
        return [card for card in self.queue.at_work if card.run is not None and card.run.state == "unknown"]

    @property
    def foreign(self) -> list[PrinterCard]:
        """Printers at work on something that was not started here."""
        ours = {card.run.printer_id for card in self.queue.at_work if card.run is not None}
        return [card for card in self.printers if card.foreign is not None and card.printer.id not in ours]

    @property
    def beds(self) -> list[PrinterCard]:
        """Printers that wait for a hand."""
        return [card for card in self.printers if not card.printer.bed_cleared]

    @property
    def with_errors(self) -> list[PrinterCard]:
        """Printers with something that a person should know; what only informs is left out."""
        return [card for card in self.printers if any(error.severity != "info" for error in card.errors)]

    @property
    def refused(self) -> list[PrinterCard]:
        """Printers that answer but do not let us in, or take no commands."""
        return [card for card in self.printers if card.facts.hub_connected and _refuses(card)]

    @property
    def lost_hubs(self) -> list[Hub]:
        """Hubs with printers that nobody hears from."""
        return list({card.hub.id: card.hub for card in self.printers if not card.facts.hub_connected}.values())

    @property
    def minutes_to_first(self) -> int | None:
        """Until the first of the running prints is done, as the printers say."""
        return min((card.minutes_left for card in self.printing if card.minutes_left is not None), default=None)

    @property
    def needs_nobody(self) -> bool:
        uploads = self.uploads.to_answer or self.uploads.failed
        people = (self.lost, self.beds, self.with_errors, self.refused, self.lost_hubs, self.low_spools)
        return not (uploads or self.unassigned_mg or any(people))


def get_dashboard(db: Session) -> Dashboard:
    """Everything on the dashboard."""
    printers, stock = printer_cards(db), stock_totals(db)
    return Dashboard(
        queue=get_queue(db, size=NEXT_UP),
        printers=printers,
        stock=stock,
        low_spools=_low_spools(db) if stock.low else [],
        unassigned_mg=db.scalar(select(func.coalesce(func.sum(Filament.unassigned_mg), 0))) or 0,
        uploads=_uploads(db),
        today=_today(db),
        steps=_steps(db, has_printer=bool(printers), has_spool=stock.spools > 0),
    )


def day_start(now: datetime) -> datetime:
    """Midnight of the shop's day."""
    return datetime.combine(now.astimezone(zone()).date(), time(), zone())


def _refuses(card: PrinterCard) -> bool:
    return card.printer.connection == "refused" or (card.facts.online and card.printer.developer_mode is False)


def _low_spools(db: Session) -> list[Spool]:
    low = select(Spool).where(Spool.archived_at.is_(None), Spool.remaining_mg < Spool.low_below_mg)
    return list(db.scalars(low.order_by(Spool.remaining_mg, Spool.id).limit(SHOWN)))


def _uploads(db: Session) -> Uploads:
    waiting = select(Upload.state, func.count()).where(Upload.state.in_(("needs-answer", "failed")))
    found = {row[0]: row[1] for row in db.execute(waiting.group_by(Upload.state))}
    newest = db.scalar(select(Upload.id).where(Upload.state == "needs-answer").order_by(Upload.id.desc()).limit(1))
    return Uploads(found.get("needs-answer", 0), found.get("failed", 0), newest)


def _today(db: Session) -> Today:
    since = PrintRun.ended_at >= day_start(utc_now())
    failed = func.coalesce(func.sum(case((PrintRun.state == "failed", 1), else_=0)), 0)
    parts, bad = db.execute(select(func.coalesce(func.sum(PrintRun.parts_made), 0), failed).where(since)).one()
    used = (
        select(func.coalesce(func.sum(RunFilament.used_mg), 0))
        .join(PrintRun, PrintRun.id == RunFilament.run_id)
        .where(since)
    )
    latest = (
        select(PrintRun)
        .where(since)
        .options(
            selectinload(PrintRun.printer),
            selectinload(PrintRun.plate).joinedload(Plate.variant).joinedload(Variant.model),
        )
        .order_by(PrintRun.ended_at.desc(), PrintRun.id.desc())
        .limit(LATEST)
    )
    return Today(int(parts), int(bad), int(db.scalar(used) or 0), list(db.scalars(latest)))


def _steps(db: Session, *, has_printer: bool, has_spool: bool) -> FirstSteps:
    has_model = db.scalar(select(Model.id).limit(1)) is not None
    has_print = db.scalar(select(PrintRun.id).where(PrintRun.started_at.is_not(None)).limit(1)) is not None
    return FirstSteps(has_printer, has_spool, has_model, has_print)
