"""What was laid out becomes the items of an import: noted a few at a time, so that no transaction is long."""

import hashlib
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.ids import new_id
from printfarm.library.importing.layout import Group, Layout, Placed
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.importing.service import changed

BATCH = 500


def note_models(db: Session, held: Import, laid: Layout) -> dict[str, UUID]:
    """The models that are to be: their items by key."""
    rows = db.scalars(select(ImportItem).where(ImportItem.import_id == held.id, ImportItem.kind == "model"))
    known = {item.key: item for item in rows}
    made = {
        group.key: _model_item(held, group, known.get(_hash(f"model {group.key}")), number)
        for number, group in enumerate(laid.groups.values())
    }
    db.add_all(made.values())
    db.flush()
    return {key: item.id for key, item in made.items()}


def note_items(db: Session, held: Import, laid: Layout, at: int, models: dict[str, UUID]) -> None:
    """BATCH files and pictures from `at` on. What was taken in already stays; what has changed or is new is looked into."""
    some = {_key(placed): placed for placed in laid.items[at : at + BATCH]}
    rows = db.scalars(select(ImportItem).where(ImportItem.import_id == held.id, ImportItem.key.in_(some)))
    known = {item.key: item for item in rows}
    for number, (key, placed) in enumerate(some.items(), start=at):
        item = known.get(key) or _new_item(held, placed, key)
        db.add(item)
        _note_item(item, placed, models.get(placed.group or ""), number)
    db.flush()


def end_listing(db: Session, held: Import, laid: Layout) -> None:
    """All is noted; what is not there any more goes, unless it was taken in."""
    held.others, held.listed_at = laid.others, utc_now()
    keep = {_hash(f"model {key}") for key in laid.groups} | {_key(placed) for placed in laid.items}
    rows = db.execute(select(ImportItem.key, ImportItem.id).where(ImportItem.import_id == held.id))
    gone = [item_id for key, item_id in rows if key not in keep]
    for at in range(0, len(gone), BATCH):
        few = ImportItem.id.in_(gone[at : at + BATCH])
        db.execute(delete(ImportItem).where(few, ImportItem.state.not_in(("working", "done"))))
    changed(db, held)


def _model_item(held: Import, group: Group, known: ImportItem | None, number: int) -> ImportItem:
    item = known or ImportItem(
        id=new_id(), import_id=held.id, kind="model", key=_hash(f"model {group.key}"), place="", state="ready"
    )
    item.path, item.name, item.position = group.path, group.name, number
    facts = group.facts.model_dump(mode="json", exclude={"folder", "name", "each_file", "skip"})
    item.facts = {**facts, "single": group.single}
    return item


def _new_item(held: Import, placed: Placed, key: str) -> ImportItem:
    entry = placed.entry
    return ImportItem(import_id=held.id, kind=placed.kind, state="listed", key=key, place=entry.place, path=entry.path)


def _note_item(item: ImportItem, placed: Placed, model_id: UUID | None, number: int) -> None:
    item.position = number
    if item.state in {"working", "done"}:
        return
    entry = placed.entry
    if item.stamp != entry.stamp or item.state in {"skipped", "duplicate"}:
        item.state, item.sentence, item.attempts = "listed", None, 0
    item.stamp, item.size_bytes, item.name, item.model_item_id = entry.stamp, entry.size_bytes, placed.name, model_id
    if placed.sentence is not None:
        item.state, item.sentence = "skipped", placed.sentence


def _key(placed: Placed) -> str:
    return _hash(f"{placed.kind} {placed.entry.place}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
