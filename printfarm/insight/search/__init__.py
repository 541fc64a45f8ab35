"""One box for everything: spools, filaments, models, variants, jobs and printers, by words and by short codes.

Six statements and those that load their pictures, however large the shop: each kind gives its best few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased, selectinload

from printfarm.core.ids import typed_code
from printfarm.core.searching import speaks_of, stands_in, words_of
from printfarm.filament.models import Filament, Spool
from printfarm.fleet.models import Printer, PrinterSlot
from printfarm.fleet.queries import where_spools_lie
from printfarm.library.models import Model, Variant
from printfarm.queue.models import OPEN_JOB_STATES, JobOption, PrintJob, PrintRun

SHOWN = 8
T = TypeVar("T")


@dataclass(frozen=True)
class Few(Generic[T]):
    """The best of one kind; `more` says that others fit too."""

    items: list[T] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True)
class Found:
    """What a search came to. `where` says of spools in which printer they lie."""

    spools: Few[Spool] = field(default_factory=Few)
    filaments: Few[Filament] = field(default_factory=Few)
    models: Few[Model] = field(default_factory=Few)
    variants: Few[Variant] = field(default_factory=Few)
    jobs: Few[PrintJob] = field(default_factory=Few)
    printers: Few[Printer] = field(default_factory=Few)
    where: dict[Any, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        kinds = (self.spools, self.filaments, self.models, self.variants, self.jobs, self.printers)
        return sum(len(kind.items) for kind in kinds)

    @property
    def more(self) -> bool:
        kinds = (self.spools, self.filaments, self.models, self.variants, self.jobs, self.printers)
        return any(kind.more for kind in kinds)


def find(db: Session, text: str) -> Found:
    """Everything in the shop that a text speaks of; nothing for a text without words."""
    if not words_of(text):
        return Found()
    spools = _spools(db, text)
    return Found(
        spools=spools,
        filaments=_filaments(db, text),
        models=_models(db, text),
        variants=_variants(db, text),
        jobs=_jobs(db, text),
        printers=_printers(db, text),
        where=where_spools_lie(db, [spool.id for spool in spools.items]),
    )


def by_code(db: Session, text: str) -> Spool | Printer | None:
    """What has this short code, as a label shows it or as people type it: a spool, else a printer.

    Archived ones too, whose labels may still be on the shelf.
    """
    code = typed_code(text)
    if code is None:
        return None
    spool = db.scalar(select(Spool).where(Spool.code == code))
    return spool or db.scalar(select(Printer).where(Printer.code == code))


def _spools(db: Session, text: str) -> Few[Spool]:
    """By code, place, batch, and what they are; the fullest words first, the emptiest roll of them first."""
    columns = (Spool.code, Spool.batch, Spool.location, Filament.brand, Filament.material, Filament.colour_name)
    wanted = select(Spool).join(Filament, Filament.id == Spool.filament_id).where(Spool.archived_at.is_(None))
    for word in words_of(text):
        inside = select(PrinterSlot.spool_id).join(Printer, Printer.id == PrinterSlot.printer_id)
        wanted = wanted.where(or_(stands_in(word, *columns), Spool.id.in_(inside.where(stands_in(word, Printer.name)))))
    return _few(db, wanted.order_by(_begins(Spool.code, text), Filament.colour_name, Spool.remaining_mg, Spool.id))


def _filaments(db: Session, text: str) -> Few[Filament]:
    wanted = select(Filament).where(
        Filament.archived_at.is_(None), speaks_of(text, Filament.brand, Filament.material, Filament.colour_name)
    )
    return _few(db, wanted.order_by(_begins(Filament.colour_name, text), Filament.colour_name, Filament.id))


def _models(db: Session, text: str) -> Few[Model]:
    wanted = select(Model).where(
        Model.archived_at.is_(None), speaks_of(text, Model.name, Model.designer, Model.description, Model.category)
    )
    return _few(db, wanted.order_by(_begins(Model.name, text), Model.updated_at.desc(), Model.id))


def _variants(db: Session, text: str) -> Few[Variant]:
    """The newest version of each; what only names the model is found as the model."""
    newer = aliased(Variant)
    is_old = select(newer.id).where(
        newer.model_id == Variant.model_id, newer.name == Variant.name, newer.version > Variant.version
    )
    wanted = (
        select(Variant)
        .join(Model, Model.id == Variant.model_id)
        .where(Variant.archived_at.is_(None), Model.archived_at.is_(None), ~is_old.exists())
        .where(speaks_of(text, Variant.name, Model.name), or_(*(stands_in(w, Variant.name) for w in words_of(text))))
        .options(selectinload(Variant.model), selectinload(Variant.plates))
    )
    return _few(db, wanted.order_by(_begins(Variant.name, text), Variant.created_at.desc(), Variant.id))


def _jobs(db: Session, text: str) -> Few[PrintJob]:
    """Open ones first, then the newest. The code of a run, as a printer's screen shows it, finds its job."""
    of_run = select(PrintRun.job_id).where(func.upper(PrintRun.code) == " ".join(words_of(text)).upper())
    spoken = or_(speaks_of(text, PrintJob.name, PrintJob.note), PrintJob.id.in_(of_run))
    plate = selectinload(PrintJob.options).selectinload(JobOption.plate)
    is_open = case((PrintJob.state.in_(OPEN_JOB_STATES), 0), else_=1)
    wanted = select(PrintJob).where(spoken).options(plate, selectinload(PrintJob.runs).selectinload(PrintRun.printer))
    return _few(db, wanted.order_by(is_open, PrintJob.created_at.desc(), PrintJob.id))


def _printers(db: Session, text: str) -> Few[Printer]:
    columns = (Printer.name, Printer.model, Printer.location, Printer.code, Printer.serial)
    wanted = select(Printer).where(Printer.archived_at.is_(None), speaks_of(text, *columns))
    return _few(db, wanted.order_by(_begins(Printer.name, text), Printer.position, Printer.id))


def _begins(column: Any, text: str) -> ColumnElement[int]:
    """Zero for what begins with the text, so that it comes first."""
    return case((and_(column.istartswith(" ".join(words_of(text)), autoescape=True)), 0), else_=1)


def _few(db: Session, statement: Select[T]) -> Few[T]:
    found: Sequence[T] = db.scalars(statement.limit(SHOWN + 1)).unique().all()
    return Few(list(found[:SHOWN]), more=len(found) > SHOWN)
