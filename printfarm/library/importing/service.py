"""Rules of imports. Whoever works on one holds it for some seconds at a time; every item is one short transaction.

An import is looked into (goal "plan"), then waits for a person, then is taken in (goal "import"). A runner that was too slow,
or thought dead, finds at its next step that the import is no longer its own, and its step changes nothing.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import Session

from printfarm.core.background import SLOW, enqueue_after_commit
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.events import emit
from printfarm.core.ids import new_id
from printfarm.core.owed import owe, settle
from printfarm.core.tenancy import shop_of
from printfarm.library.importing.events import ImportChanged, ImportProgressed
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.importing.plan import BadPlan, Plan
from printfarm.library.service import category_choices

RUN, FORGET_ZIP = "run-import", "forget-import"
JOB = "jobs.importing.run_import"
ALIVE_S, ATTEMPTS = 60, 3
BROKE_OFF = f"Reading this file broke off {ATTEMPTS} times. Slice it anew, or look at it on its own."


class NotMine(Exception):
    """The import was stopped, or somebody else works on it: this runner ends."""


def find_import(db: Session, import_id: UUID, *, lock: bool = False) -> Import:
    """Raises NotFound."""
    wanted = select(Import).where(Import.id == import_id)
    found = db.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFound("This import is not here. It may have been removed.")
    return found


def begin_import(  # noqa: PLR0913  # the facts of an import, by name
    db: Session,
    *,
    source: str,
    place: str,
    name: str,
    plan: Plan,
    user_id: UUID | None,
    goal: str = "plan",
    import_id: UUID | None = None,
    size_bytes: int | None = None,
    hurry: bool = True,
) -> Import:
    """A folder or zip is to be looked into. `hurry`: a worker begins at once; else whoever called does it."""
    refuse_unknown_categories(db, plan)
    made = Import(
        id=import_id or new_id(), source=source, place=place, name=name, goal=goal, plan=plan.kept(), user_id=user_id
    )
    made.size_bytes = size_bytes
    db.add(made)
    db.flush()
    _promise(db, made, hurry=hurry)
    return made


def unfinished_of(db: Session, place: str) -> Import | None:
    """The import of the same folder that is not through."""
    wanted = select(Import).where(Import.source == "folder", Import.place == place, Import.state != "done")
    return db.scalar(wanted.order_by(Import.created_at.desc(), Import.id.desc()).limit(1))


def start(db: Session, import_id: UUID, *, goal: str | None = None, hurry: bool = True) -> Import:
    """Go on where it was, or from the plan to taking in. What is at work already stays so."""
    found = find_import(db, import_id, lock=True)
    if found.state == "done":
        raise DomainError("This import is through already. Look at its report.")
    goal = goal or found.goal
    if found.state == "running" and found.goal == goal:
        return found
    if found.source == "folder":
        found.listed_at = None  # whatever came into it since
    if found.state != "running":  # whatever stopped it was no fault of the item that it was at
        begun = (
            ImportItem.import_id == import_id,
            ImportItem.state.in_(("listed", "working")),
            ImportItem.attempts > 0,
        )
        quietly = {"synchronize_session": False}
        db.execute(update(ImportItem).where(*begun).values(attempts=0), execution_options=quietly)
    found.goal, found.state, found.error = goal, "running", None
    _promise(db, found, hurry=hurry)
    return found


def refuse_unknown_categories(db: Session, plan: Plan) -> None:
    """Raises BadPlan for a category that the shop has not."""
    known = {value for value, _label in category_choices(db)}
    for one in plan.models:
        if one.category and one.category not in known:
            several = ", ".join(sorted(known, key=str.casefold))
            raise BadPlan(f"The plan names the category “{one.category}”, which this shop has not. It has: {several}.")


def stop(db: Session, import_id: UUID, sentence: str | None = None) -> Import:
    """Stop after the item that is being worked on; what is in stays."""
    found = find_import(db, import_id, lock=True)
    if found.state == "running":
        found.state, found.error, found.runner_id, found.alive_until = "stopped", sentence, None, None
        settle(db, RUN, found.id)
        changed(db, found)
    return found


def change_plan(db: Session, import_id: UUID, plan: Plan, *, hurry: bool = True) -> Import:
    """Follow another plan: what is not yet taken in is laid out anew. Refused while it is being taken in."""
    refuse_unknown_categories(db, plan)
    found = find_import(db, import_id, lock=True)
    if found.state == "done" or (found.state == "running" and found.goal == "import"):
        raise DomainError("This import is being taken in, or is through. Stop it first, then give it another plan.")
    found.plan, found.listed_at = plan.kept(), None
    found.goal, found.state, found.error = "plan", "running", None
    _promise(db, found, hurry=hurry)
    return found


def set_filaments(db: Session, found: Import, plan: Plan) -> None:
    """Only the filaments of the plan are others; nothing has to be looked into again."""
    if found.state in {"running", "done"}:
        raise DomainError("This import is at work, or is through. Stop it first, then choose filaments.")
    found.plan = plan.kept()
    changed(db, found)


def try_again(db: Session, import_id: UUID) -> Import:
    """The items that failed are looked at once more."""
    found = find_import(db, import_id, lock=True)
    failed = (ImportItem.import_id == import_id, ImportItem.state == "failed")
    db.execute(
        update(ImportItem).where(*failed).values(state="listed", attempts=0, sentence=None, upload_id=None),
        execution_options={"synchronize_session": False},
    )
    if found.source == "zip" and found.state == "done":
        raise DomainError("The zip is no longer here. Send those files again, on their own or in another zip.")
    if found.state == "done":
        found.state, found.ended_at = "stopped", None
    return start(db, import_id)


def remove(db: Session, import_id: UUID) -> None:
    """Forget an import and its zip; models and variants that came of it stay. Refused while somebody works on it."""
    found = find_import(db, import_id, lock=True)
    if found.state == "running":
        raise DomainError("This import is at work. Stop it first, then remove it.")
    settle(db, RUN, found.id)
    if found.source == "zip":
        owe(db, FORGET_ZIP, found.id)
    db.execute(delete(ImportItem).where(ImportItem.import_id == import_id))
    db.delete(found)
    emit(db, ImportChanged(shop_id=shop_of(db), import_id=import_id))


# What runners do.


def take_over(db: Session, import_id: UUID, runner_id: UUID, *, turn_id: UUID | None = None) -> Import | None:
    """Become the one who works on it; None when there is nothing to do, or somebody else shows life.

    Who was given a turn (hand_on) and comes after another one is late, and goes: so what waits in the queue never multiplies.
    """
    found = db.scalar(select(Import).where(Import.id == import_id).with_for_update())
    if found is None or found.state != "running":
        settle(db, RUN, import_id)
        return None
    if turn_id is not None and found.runner_id != turn_id:
        return None
    other = found.runner_id not in {None, runner_id}
    if other and found.alive_until is not None and found.alive_until > utc_now():
        return None
    found.runner_id = runner_id
    _alive(db, found)
    return found


def hold(db: Session, import_id: UUID, runner_id: UUID) -> Import:
    """Show life, and keep everybody else away until the transaction ends. Raises NotMine."""
    found = db.scalar(select(Import).where(Import.id == import_id).with_for_update())
    if found is None or found.state != "running" or found.runner_id != runner_id:
        raise NotMine
    _alive(db, found)
    return found


def hand_on(db: Session, import_id: UUID, runner_id: UUID, *, hurry: bool) -> None:
    """The runner has worked long enough: the next takes its turn behind what waits (`hurry`), or whoever called goes on."""
    found = hold(db, import_id, runner_id)
    found.runner_id = found.alive_until = None
    _promise(db, found, hurry=hurry)


def next_item(db: Session, held: Import) -> ImportItem | None:
    """What is to be done next, one attempt counted; None when this goal is reached. What was begun comes first."""
    states = ("working", "listed", "ready") if held.goal == "import" else ("listed",)
    order = case({state: number for number, state in enumerate(states)}, value=ImportItem.state)
    wanted = select(ImportItem).where(
        ImportItem.import_id == held.id, ImportItem.kind != "model", ImportItem.state.in_(states)
    )
    item = db.scalar(wanted.order_by(order, ImportItem.position).limit(1))
    if item is None:
        return None
    item.attempts += 1
    if item.attempts > ATTEMPTS + 1:
        refuse(db, item, BROKE_OFF)
        return next_item(db, held)
    if item.state == "ready":
        item.state, item.attempts = "working", 1
    return item


def same_seen(db: Session, item: ImportItem, sha256: str) -> ImportItem | None:
    """Another item of this import with the same bytes."""
    states = ("ready", "working", "done")
    same = (ImportItem.sha256 == sha256, ImportItem.import_id == item.import_id, ImportItem.id != item.id)
    return db.scalar(
        select(ImportItem).where(*same, ImportItem.state.in_(states)).order_by(ImportItem.position).limit(1)
    )


def same_picture(db: Session, sha256: str) -> ImportItem | None:
    """The picture that came in with an earlier import."""
    same = (ImportItem.sha256 == sha256, ImportItem.kind == "picture", ImportItem.state == "done")
    return db.scalar(select(ImportItem).where(*same).limit(1))


def make_ready(db: Session, item: ImportItem, sha256: str, found: dict[str, Any] | None) -> None:
    item.sha256, item.found, item.state, item.sentence, item.attempts = sha256, found, "ready", None, 0
    progressed(db, item)


def leave_out(db: Session, item: ImportItem, sentence: str, *, sha256: str | None = None) -> None:
    """The same is here already."""
    item.state, item.sentence, item.sha256 = "duplicate", sentence, sha256 or item.sha256
    progressed(db, item)


def refuse(db: Session, item: ImportItem, sentence: str) -> None:
    """It cannot be read, or not be taken in."""
    item.state, item.sentence = "failed", sentence[:1000]
    progressed(db, item)


def look_again(db: Session, item: ImportItem) -> None:
    """It has changed since it was looked into."""
    item.state, item.sha256, item.found, item.upload_id = "listed", None, None, None
    progressed(db, item)


def reach_goal(db: Session, held: Import) -> None:
    """Nothing is left to do for now."""
    held.state = "planned" if held.goal == "plan" else "done"
    held.runner_id = held.alive_until = None
    if held.state == "done":
        held.ended_at = utc_now()
        if held.source == "zip":
            owe(db, FORGET_ZIP, held.id)
    settle(db, RUN, held.id)
    changed(db, held)


def fail(db: Session, held: Import, sentence: str) -> None:
    """It cannot go on as it is; the sentence says what to do."""
    held.state, held.error, held.runner_id, held.alive_until = "failed", sentence, None, None
    settle(db, RUN, held.id)
    changed(db, held)


def stop_held(db: Session, held: Import, sentence: str) -> None:
    """It cannot go on for now; the sentence says what to do first."""
    stop(db, held.id, sentence)


def counts(db: Session, import_id: UUID) -> dict[str, int]:
    """Files and pictures by state."""
    rows = db.execute(
        select(ImportItem.state, func.count())
        .where(ImportItem.import_id == import_id, ImportItem.kind != "model")
        .group_by(ImportItem.state)
    )
    return {row[0]: row[1] for row in rows}


def changed(db: Session, found: Import) -> None:
    emit(db, ImportChanged(shop_id=shop_of(db), import_id=found.id))


def progressed(db: Session, item: ImportItem) -> None:
    emit(db, ImportProgressed(shop_id=shop_of(db), import_id=item.import_id))


def _promise(db: Session, found: Import, *, hurry: bool) -> None:
    owe(db, RUN, found.id, within_s=ALIVE_S)
    if hurry:
        found.runner_id, found.alive_until = new_id(), None
        enqueue_after_commit(db, JOB, shop_of(db), found.id, found.runner_id, queue=SLOW)
    changed(db, found)


def _alive(db: Session, found: Import) -> None:
    found.alive_until = utc_now() + timedelta(seconds=ALIVE_S)
    owe(db, RUN, found.id, within_s=ALIVE_S)


def names_of_models(db: Session, ids: Iterable[UUID | None]) -> dict[UUID, ImportItem]:
    """The models that some items go into."""
    wanted = {one for one in ids if one is not None}
    return {item.id: item for item in db.scalars(select(ImportItem).where(ImportItem.id.in_(wanted)))}
