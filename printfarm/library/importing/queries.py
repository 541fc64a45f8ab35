"""What the pages of imports show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from printfarm.core.paging import Paged, paginate
from printfarm.filament.models import Filament
from printfarm.library.guesses import WantedFilament
from printfarm.library.importing import service
from printfarm.library.importing.deciding import undecided
from printfarm.library.importing.filaments import Decision, Shelf, planned_of, want_key
from printfarm.library.importing.looking import wants_of
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.importing.plan import (
    MOST,
    MOST_FILAMENTS,
    FilamentPlan,
    FilePlan,
    ModelPlan,
    Plan,
    plan_of,
)
from printfarm.library.models import Model

PAGE, BATCH, MOST_WISHES, OTHERS = 50, 200, 80, 300
# What people filter by → the states that it means.
SHOWN = {
    "ready": ("ready",),
    "listed": ("listed", "working"),
    "done": ("done",),
    "left": ("duplicate", "skipped"),
    "failed": ("failed",),
}


@dataclass(frozen=True)
class Progress:
    """How far an import is, in files and pictures."""

    found: Import
    states: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def open(self) -> int:
        """What is left until this goal."""
        left = self.states.get("listed", 0)
        return left + self._of("ready", "working") if self.found.goal == "import" else left

    @property
    def through(self) -> int:
        return self.total - self.open

    @property
    def percent(self) -> int | None:
        return self.through * 100 // self.total if self.total else None

    def count(self, shown: str) -> int:
        """Of one of SHOWN."""
        return self._of(*SHOWN[shown])

    def _of(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)


@dataclass(frozen=True)
class Line:
    """An item in the list, and the model that it goes into."""

    item: ImportItem
    model: ImportItem | None


@dataclass(frozen=True)
class Wish:
    """A filament that files of an import ask for."""

    wanted: WantedFilament
    key: str
    files: int
    mg: int
    decision: Decision


def list_imports(db: Session, page: int = 1) -> Paged[Import]:
    """Newest first."""
    return paginate(db, select(Import).order_by(Import.created_at.desc(), Import.id.desc()), page, 20)


def progress_of(db: Session, found: Import) -> Progress:
    return Progress(found, service.counts(db, found.id))


def progress_of_all(db: Session, imports: Sequence[Import]) -> list[Progress]:
    """One statement for all of them."""
    rows = db.execute(
        select(ImportItem.import_id, ImportItem.state, func.count())
        .where(ImportItem.import_id.in_([one.id for one in imports]), ImportItem.kind != "model")
        .group_by(ImportItem.import_id, ImportItem.state)
    )
    states: dict[UUID, dict[str, int]] = {one.id: {} for one in imports}
    for import_id, state, count in rows:
        states[import_id][state] = count
    return [Progress(one, states[one.id]) for one in imports]


def list_items(db: Session, import_id: UUID, *, shown: str = "", page: int = 1) -> Paged[Line]:
    """Files and pictures with their models, by path; two statements and the count."""
    wanted = select(ImportItem).where(ImportItem.import_id == import_id, ImportItem.kind != "model")
    if shown in SHOWN:
        wanted = wanted.where(ImportItem.state.in_(SHOWN[shown]))
    found = paginate(db, wanted.order_by(ImportItem.position), page, PAGE)
    models = service.names_of_models(db, [item.model_item_id for item in found.items])
    lines = [Line(item, models.get(item.model_item_id) if item.model_item_id else None) for item in found.items]
    return Paged(lines, found.number, found.pages, found.total)


def all_items(db: Session, import_id: UUID) -> Iterator[tuple[ImportItem, ImportItem | None]]:
    """Every file and picture with its model, some at a time."""
    page = 1
    while True:
        lines = list_items(db, import_id, page=page)
        yield from ((line.item, line.model) for line in lines.items)
        if page >= lines.pages:
            return
        page += 1
        db.expunge_all()


def count_models(db: Session, import_id: UUID) -> int:
    """How many models the import makes, or adds to."""
    of = (ImportItem.import_id == import_id, ImportItem.kind == "model")
    return db.scalar(select(func.count()).select_from(ImportItem).where(*of)) or 0


def read_files(db: Session, import_id: UUID, *states: str) -> Iterator[ImportItem]:
    """Files in their order, some at a time: a thousand of them fit into little memory."""
    after = -1
    while True:
        wanted = select(ImportItem).where(
            ImportItem.import_id == import_id,
            ImportItem.kind == "file",
            ImportItem.state.in_(states),
            ImportItem.position > after,
        )
        some = list(db.scalars(wanted.order_by(ImportItem.position).limit(BATCH)))
        yield from some
        if len(some) < BATCH:
            return
        after = some[-1].position
        for item in some:
            db.expunge(item)


def wishes_of(db: Session, found: Import, most: int = MOST_WISHES) -> list[Wish]:
    """What the files ask for that are not taken in yet; the undecided first, then by grams."""
    seen: dict[tuple[str, str, str], tuple[WantedFilament, int, int]] = {}
    for item in read_files(db, found.id, "ready", "working"):
        for wanted, _plates in wants_of(item.found):
            first, files, mg = seen.get(want_key(wanted), (wanted, 0, 0))
            seen[want_key(wanted)] = (first, files + 1, mg + round((wanted.grams or 0) * 1000))
    shelf = Shelf(db, plan_of(found.plan))
    made = [Wish(wanted, "|".join(key), files, mg, shelf.decide(wanted)) for key, (wanted, files, mg) in seen.items()]
    return sorted(made, key=lambda wish: (wish.decision.how != "later", -wish.mg, wish.key))[:most]


def open_wishes_of(db: Session, found: Import) -> list[Wish]:
    """What the variants that came in ask for, and nobody has decided yet; by grams."""
    shelf = Shelf(db, Plan())
    made = [
        Wish(one.wanted, "|".join(key), len(one.variants), one.mg, shelf.decide(one.wanted))
        for key, one in undecided(db, found).items()
    ]
    return sorted(made, key=lambda wish: (-wish.mg, wish.key))[:MOST_WISHES]


def written_plan(db: Session, found: Import) -> Plan:
    """The plan as the import follows it: every model by its folder, every wish with its filament. As much as a plan holds."""
    said = plan_of(found.plan)
    models = db.scalars(
        select(ImportItem)
        .where(ImportItem.import_id == found.id, ImportItem.kind == "model")
        .order_by(ImportItem.position)
    )
    folders = {one.folder: one for one in said.models}
    singles: dict[UUID, str] = {}
    for item in models:
        facts = item.facts or {}
        if facts.get("single"):
            singles[item.id] = item.name
        else:
            known = {key: facts[key] for key in ("category", "tags", "designer", "licence", "source") if facts.get(key)}
            folders[item.path or "."] = ModelPlan(folder=item.path or ".", name=item.name, **known)
    moved = [
        FilePlan(
            file=item.path, model=singles.get(item.model_item_id) if item.model_item_id else None, variant=item.name
        )
        for item in read_files(db, found.id, "listed", "ready", "working")
    ]
    left = [one for one in said.files if one.skip]
    wishes = [_planned(wish) for wish in wishes_of(db, found, MOST_FILAMENTS)]
    return Plan(
        ignore=said.ignore,
        models=list(folders.values())[:MOST],  # what is beyond goes its own way, as it would without a plan
        files=[*left, *moved][:MOST],
        filaments=wishes or said.filaments,
    )


def choosable(db: Session) -> list[Filament]:
    """The shop's filaments, for a person who decides."""
    wanted = select(Filament).where(Filament.archived_at.is_(None))
    return list(db.scalars(wanted.order_by(Filament.material, Filament.brand, Filament.colour_name).limit(OTHERS)))


def _planned(wish: Wish) -> FilamentPlan:
    decision = wish.decision
    chosen = decision.planned or (planned_of(decision.filament) if decision.filament else None)
    wanted = wish.wanted
    return FilamentPlan(
        material=wanted.material, colour=wanted.colour_hex, vendor=wanted.vendor, filament=chosen or "later"
    )


def adds_to(db: Session, lines: Sequence[Line]) -> set[UUID]:
    """Of the models of some lines, those that the library has already."""
    models = [line.model for line in lines if line.model is not None and line.model.model_id is None]
    names = [func.lower(name) for name in {model.name for model in models}]  # small letters as the database knows them
    same = select(Model.name).where(Model.archived_at.is_(None), func.lower(Model.name).in_(names))
    known = {name.casefold() for name in db.scalars(same)}
    return {model.id for model in models if model.name.casefold() in known}
