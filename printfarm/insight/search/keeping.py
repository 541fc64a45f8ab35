"""The index follows the things: whoever changes one, by whatever service, changes its entry in the same transaction.

Nobody has to remember it. The session itself tells which rows were written, in single steps and in bulk; WATCHED says which
things each of them is part of; and at the end of the unit of work those things are read anew.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import event, func, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session

from printfarm.core.background import SLOW, enqueue_after_commit
from printfarm.core.owed import owe
from printfarm.core.tenancy import shop_of
from printfarm.core.work import WorkSession, at_the_end
from printfarm.filament.models import Filament, Spool
from printfarm.files.models import StoredFile
from printfarm.fleet.models import Printer, PrinterSlot
from printfarm.insight.search.writing import CHUNK, refresh
from printfarm.library.models import FilamentRequirement, Model, ModelTag, Plate, Variant, VariantMetadata
from printfarm.queue.models import PrintJob

# More than these are not read within the transaction that changed them, but right after it, in batches.
MOST_AT_ONCE = 1_000
PROMISE = "reindex"
STALE = "search_stale"
Mark = tuple[str, UUID]


@dataclass(frozen=True)
class Watch:
    """Which fields of a table the index speaks of (None: all), and which things a row of it is part of.

    `others` names the things that refer to a row. A new row has none but such as are new themselves, or changed to refer to it.
    """

    fields: frozenset[str] | None
    marks: Callable[[Any], Iterable[Mark]]
    others: str = ""


def _watch(fields: str, marks: Callable[[Any], Iterable[Mark]], others: str = "") -> Watch:
    return Watch(frozenset(fields.split()) if fields else None, marks, others)


WATCHED: dict[type, Watch] = {
    Model: _watch(
        "name designer description category archived_at", lambda row: [("model", row.id)], others="variants of model"
    ),
    ModelTag: _watch("", lambda row: [("model", row.model_id), ("variants of model", row.model_id)]),
    Variant: _watch(
        "name version file_id slicer_name slicer_version note archived_at model_id",
        lambda row: [("variant", row.id), ("versions of variant", row.id), ("model", row.model_id)],
    ),
    VariantMetadata: _watch("", lambda row: [("variant", row.variant_id)]),
    Plate: _watch(
        "name duration_s layer_height_mm nozzle_mm bed_type printer_model printer_model_id printer_preset",
        lambda row: [("variant and model of plate", row.id)],
    ),
    FilamentRequirement: _watch(
        "material vendor preset filament_id", lambda row: [("variant and model of plate", row.plate_id)]
    ),
    StoredFile: _watch("original_name", lambda _row: [], others="variants of file"),
    Filament: _watch(
        "brand material finish colour_name article_number supplier note archived_at",
        lambda row: [("filament", row.id)],
        others="spools of filament",
    ),
    Spool: _watch("code filament_id batch location archived_at", lambda row: [("spool", row.id)]),
    Printer: _watch(
        "name code model location serial archived_at", lambda row: [("printer", row.id)], others="spools in printer"
    ),
    # A slot that loses its roll says so by the old value as well.
    PrinterSlot: _watch(
        "spool_id printer_id", lambda row: [("spool", one) for one in _now_and_before(row, "spool_id")]
    ),
    PrintJob: _watch("name note ended_at", lambda row: [("job", row.id)]),
}


def _related(mark: str, ids: Sequence[UUID]) -> tuple[tuple[str, ...], Any]:
    """The kinds of things that a mark means, and the statement that finds which: a column for each kind."""
    same = select(Variant.model_id, Variant.name).where(Variant.id.in_(ids)).subquery()
    of_plate = select(Variant.id, Variant.model_id).join(Plate, Plate.variant_id == Variant.id)
    return {
        "variants of model": (("variant",), select(Variant.id).where(Variant.model_id.in_(ids))),
        "versions of variant": (
            ("variant",),
            select(Variant.id).join(same, (same.c.model_id == Variant.model_id) & (same.c.name == Variant.name)),
        ),
        "variant and model of plate": (("variant", "model"), of_plate.where(Plate.id.in_(ids))),
        "variants of file": (("variant",), select(Variant.id).where(Variant.file_id.in_(ids))),
        "spools of filament": (("spool",), select(Spool.id).where(Spool.filament_id.in_(ids))),
        "spools in printer": (
            ("spool",),
            select(PrinterSlot.spool_id).where(PrinterSlot.printer_id.in_(ids), PrinterSlot.spool_id.is_not(None)),
        ),
    }[mark]


def install() -> None:
    """Let every session of the program tell what it writes."""
    for name, listener in (("before_flush", _before), ("after_flush", _after), ("do_orm_execute", _in_bulk)):
        if not event.contains(WorkSession, name, listener):
            event.listen(WorkSession, name, listener)
    at_the_end(bring_up_to_date)


def bring_up_to_date(db: Session) -> None:
    """Read anew what this transaction has changed. The last step before its commit."""
    db.flush()
    marks: set[Mark] = db.info.pop(STALE, set())
    if not marks:
        return
    lock(db)
    by_mark: dict[str, list[UUID]] = defaultdict(list)
    for mark, one in marks:
        by_mark[mark].append(one)
    by_kind: dict[str, set[UUID]] = defaultdict(set)
    for mark, ids in by_mark.items():
        _gather(db, mark, ids, by_kind)
    if sum(map(len, by_kind.values())) > MOST_AT_ONCE:
        owe(db, PROMISE, shop_of(db))
        enqueue_after_commit(db, "jobs.search.reindex", shop_of(db), queue=SLOW, unique=True)
        return
    refresh(db, by_kind)


def lock(db: Session) -> None:
    """One transaction of a shop at a time writes its index: the later one reads what the earlier has committed.

    SQLite has one writer anyway. Taken as the last lock of a transaction, so that nobody waits in a circle.
    """
    if db.connection().dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"search {shop_of(db)}", 0))))


def _before(db: Session, _context: object, _instances: object) -> None:
    """What is about to be deleted takes others with it (ON DELETE CASCADE), which nobody finds afterwards."""
    for row in db.deleted:
        _note(db, WATCHED.get(type(row)), row, gone=True)


def _after(db: Session, _context: object) -> None:
    for row in (*db.new, *db.dirty):
        watch = WATCHED.get(type(row))
        if watch is not None and (row in db.new or _speaks_of(row, watch)):
            _note(db, watch, row, new=row in db.new)


def _note(db: Session, watch: Watch | None, row: Any, *, new: bool = False, gone: bool = False) -> None:
    if watch is None:
        return
    stale: set[Mark] = db.info.setdefault(STALE, set())
    marks = list(watch.marks(row))
    if watch.others and not new:
        marks.append((watch.others, row.id))
    stale.update(marks)
    if gone:
        by_kind: dict[str, set[UUID]] = defaultdict(set)
        for mark, one in marks:
            _gather(db, mark, [one], by_kind)
        stale.update((kind, one) for kind, found in by_kind.items() for one in found)


def _gather(db: Session, mark: str, ids: Sequence[UUID], by_kind: dict[str, set[UUID]]) -> None:
    if " " not in mark:
        by_kind[mark].update(ids)
        return
    for at in range(0, len(ids), CHUNK):
        kinds, statement = _related(mark, ids[at : at + CHUNK])
        for row in db.execute(statement):
            for kind, one in zip(kinds, row, strict=True):
                by_kind[kind].add(one)


def _speaks_of(row: Any, watch: Watch) -> bool:
    state = inspect(row)
    return watch.fields is None or any(state.attrs[name].history.has_changes() for name in watch.fields)


def _now_and_before(row: Any, name: str) -> set[UUID]:
    if isinstance(row, _Values):
        return {getattr(row, name)} - {None}
    history = inspect(row).attrs[name].history
    return {value for value in (*history.added, *history.unchanged, *history.deleted) if value is not None}


class _Values:
    """A row as a statement makes it: what the statement says, above what was there."""

    def __init__(self, table: str, values: dict[str, Any], before: object = None) -> None:
        self._table, self._values, self._before = table, values, before

    def __getattr__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if self._before is None:
            raise RuntimeError(f"a bulk insert into {self._table} states {name}: the search finds the row by it")
        return getattr(self._before, name)


def _in_bulk(state: ORMExecuteState) -> None:
    """Statements that write many rows at once: which ones, is asked before they run."""
    if not (state.is_insert or state.is_update or state.is_delete) or state.bind_mapper is None:
        return
    model, db = state.bind_mapper.class_, state.session
    watch = WATCHED.get(model)
    if watch is None:
        return
    said: dict[Any, Any] = getattr(state.statement, "_values", None) or {}
    fixed = {key.key: getattr(value, "value", value) for key, value in said.items()}
    given: list[Any] = [state.parameters] if isinstance(state.parameters, dict) else list(state.parameters or [])
    rows = [{**fixed, **one} for one in given] or [fixed]
    if state.is_insert:
        for values in rows:
            _note(db, watch, _Values(model.__tablename__, values), new=True)
    elif state.is_delete or watch.fields is None or watch.fields & {name for one in rows for name in one}:
        for before in db.scalars(_meant(state.statement, model, given)):
            _note(db, watch, before, gone=state.is_delete)
            if not state.is_delete:
                _note(db, watch, _Values(model.__tablename__, rows[0], before))


def _meant(statement: Any, model: Any, given: Sequence[Any]) -> Any:
    """The rows that a statement writes: by its condition, or one by one by their ids."""
    if given and all("id" in one for one in given):
        return select(model).where(model.id.in_([one["id"] for one in given]))
    wanted = select(model)
    return wanted if statement.whereclause is None else wanted.where(statement.whereclause)
