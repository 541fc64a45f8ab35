"""The answer to a search: what was found of each kind, in pages, within the filters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, selectinload

from printfarm.core.ids import typed_code
from printfarm.core.owed import due_of
from printfarm.core.searching import words_of
from printfarm.core.tenancy import shop_of
from printfarm.filament.models import Filament, Spool
from printfarm.fleet.models import Printer
from printfarm.fleet.queries import where_spools_lie
from printfarm.insight.models import SearchEntry
from printfarm.insight.search import tokens
from printfarm.insight.search.asking import Hits, Question, hits, terms_of
from printfarm.insight.search.correcting import corrected
from printfarm.library.models import Model, Plate, Variant
from printfarm.queue.models import JobOption, PrintJob, PrintRun

SHOWN, PAGE = 8, 24
# In the order in which they are shown; and the filters that mean something for each.
KINDS: dict[str, frozenset[str]] = {
    "spool": frozenset({"material", "printer", "in_stock"}),
    "job": frozenset(),
    "model": frozenset({"category", "material", "printer"}),
    "variant": frozenset({"category", "material", "printer", "in_stock", "from_s", "to_s"}),
    "printer": frozenset(),
    "filament": frozenset({"material", "in_stock"}),
}


@dataclass(frozen=True)
class Filters:
    """What narrows a search. A kind of thing for which one of them means nothing is left out."""

    category: str = ""
    material: str = ""
    printer: Printer | None = None
    in_stock: bool = False
    from_s: int | None = None
    to_s: int | None = None

    @property
    def given(self) -> set[str]:
        """The names of those that narrow."""
        return {name for name in KINDS["variant"] if getattr(self, name) not in ("", None, False)}


@dataclass(frozen=True)
class Group:
    """What was found of one kind. `total` counts at most asking.MOST_HITS; `capped` says that there are more."""

    kind: str
    items: list[Any] = field(default_factory=list)
    total: int = 0
    number: int = 1
    pages: int = 1
    capped: bool = False


@dataclass(frozen=True)
class Found:
    """What a search came to. `where` says of spools in which printer they lie; `meant` is what was searched instead of a
    text that nothing speaks of.
    """

    groups: dict[str, Group] = field(default_factory=dict)
    where: dict[UUID, str] = field(default_factory=dict)
    meant: str = ""
    is_filling: bool = False

    @property
    def count(self) -> int:
        return sum(group.total for group in self.groups.values())

    @property
    def more(self) -> bool:
        return any(group.capped for group in self.groups.values())

    def __getitem__(self, kind: str) -> Group:
        return self.groups.get(kind, Group(kind))


def find(db: Session, text: str, filters: Filters | None = None, *, kind: str = "", number: int = 1) -> Found:
    """What in the shop a text speaks of, the best few of each kind; or a page of one kind. Nothing without words or filters."""
    filters = filters or Filters()
    if not words_of(text) and not filters.given:
        return Found()
    found = _find(db, text, filters, kind, number)
    meant = corrected(db, text) if not found.count else ""
    if meant:
        found = replace(_find(db, meant, filters, kind, number), meant=meant)
    return found if found.count else replace(found, meant="")


def by_code(db: Session, text: str) -> Spool | Printer | None:
    """What has this short code, as a label shows it or as people type it: a spool, else a printer.

    Archived ones too, whose labels may still be on the shelf.
    """
    code = typed_code(text)
    if code is None:
        return None
    spool = db.scalar(select(Spool).where(Spool.code == code))
    return spool or db.scalar(select(Printer).where(Printer.code == code))


def _find(db: Session, text: str, filters: Filters, kind: str, number: int) -> Found:
    terms = terms_of(text)
    if words_of(text) and not terms:
        return Found()
    empty = _used_up(db) if filters.in_stock else []
    groups = {}
    for one, known in KINDS.items():
        if filters.given <= known and kind in ("", one):
            question = Question(terms, *_facets(one, filters, empty))
            found = hits(db, one, question)
            if one == "job":
                found = _with_run(db, text, found)
            if found.ids:
                groups[one] = _group(db, one, found, number if kind else 1, PAGE if kind else SHOWN)
    spools = [spool.id for spool in groups["spool"].items] if "spool" in groups else []
    is_filling = due_of(db, "reindex", shop_of(db)) is not None
    return Found(groups, where_spools_lie(db, spools), is_filling=is_filling)


def _facets(kind: str, filters: Filters, empty: Sequence[UUID]) -> tuple[Any, ...]:
    """(facets, without, conditions) of a question."""
    facets = _of_one_slicing(kind, filters)
    if filters.category:
        facets.append(tokens.facet("category", filters.category))
    if filters.in_stock and kind == "variant":
        facets.append("known")
    conditions = []
    if filters.from_s is not None:
        conditions.append(SearchEntry.duration_s >= filters.from_s)
    if filters.to_s is not None:
        conditions.append(SearchEntry.duration_s <= filters.to_s)
    if filters.in_stock and kind == "spool":
        conditions.append(SearchEntry.id.in_(select(Spool.id).where(Spool.remaining_mg > 0)))
    groups: list[tuple[str, ...]] = [(one,) for one in facets]
    if filters.given & {"from_s", "to_s"}:
        groups.append(tokens.times(filters.from_s or 0, inf if filters.to_s is None else filters.to_s))
    return tuple(groups), tuple(f"filament={one.hex}" for one in empty), tuple(conditions)


def _of_one_slicing(kind: str, filters: Filters) -> list[str]:
    """Material and printer, and both as one property where a model could have them by two of its variants."""
    material = [tokens.facet("material", filters.material)] if filters.material else []
    if filters.printer is None:
        return material
    if kind == "spool":
        return [*material, f"printer={filters.printer.id.hex}"]
    printer = tokens.facet("model", filters.printer.model_id)
    return [f"{material[0]}+{printer}"] if material else [printer]


def _used_up(db: Session) -> Sequence[UUID]:
    """The filaments of which no roll holds anything."""
    holds = exists().where(Spool.filament_id == Filament.id, Spool.archived_at.is_(None), Spool.remaining_mg > 0)
    return db.scalars(select(Filament.id).where(~holds)).all()


def _with_run(db: Session, text: str, found: Hits) -> Hits:
    """The code of a run, as a printer's screen shows it, finds its job, and first."""
    code = " ".join(words_of(text)).upper()
    job_id = db.scalar(select(PrintRun.job_id).where(func.upper(PrintRun.code) == code)) if code else None
    return found if job_id is None else Hits([job_id, *(one for one in found.ids if one != job_id)], found.capped)


def _group(db: Session, kind: str, found: Hits, number: int, size: int) -> Group:
    pages = max(1, -(-len(found.ids) // size))
    number = min(max(1, number), pages)
    shown = found.ids[(number - 1) * size : number * size]
    return Group(kind, _LOADERS[kind](db, shown), len(found.ids), number, pages, found.capped)


def _load(model: Any, *options: Any) -> Callable[[Session, Sequence[UUID]], list[Any]]:
    def load(db: Session, ids: Sequence[UUID]) -> list[Any]:
        wanted = select(model).where(model.id.in_(ids)).options(*options)
        rows = {row.id: row for row in db.scalars(wanted).unique()}
        return [rows[one] for one in ids if one in rows]

    return load


_LOADERS = {
    "spool": _load(Spool),
    "filament": _load(Filament),
    "model": _load(Model),
    "variant": _load(
        Variant, selectinload(Variant.model), selectinload(Variant.plates).selectinload(Plate.requirements)
    ),
    "job": _load(
        PrintJob,
        selectinload(PrintJob.options).selectinload(JobOption.plate),
        selectinload(PrintJob.runs).selectinload(PrintRun.printer),
    ),
    "printer": _load(Printer),
}
