"""A sheet from its sending to its end: read in the background, looked at by a person, taken in piece by piece.

Each piece is a transaction of its own, and short, so that nobody waits for it. Stopped anywhere, it goes on behind the last
line that was taken in.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from printfarm.core.background import SLOW, enqueue_after_commit
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.ids import new_id
from printfarm.core.owed import owe, settle
from printfarm.core.paging import Paged, paginate
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models_sheets import OUTCOMES, SheetImport, SheetLine
from printfarm.filament.sheets import reading
from printfarm.filament.sheets.planning import Before, Known, Plan, judge, know
from printfarm.filament.sheets.reading import Sheet
from printfarm.filament.sheets.saying import Refused, Said, said_by
from printfarm.filament.sheets.taking import take_in

KIND = "sheets"
READ, TAKE_IN = "read-sheet", "take-in-sheet"
AGAIN_S = 300  # a job that was lost is asked for again
SLICE_S = 30.0  # then it queues up again behind what else waits
LOOKED_AT, PIECE = 500, 100  # lines in one transaction: looked at, and taken in
BREATH_S = 0.12  # between two pieces: whoever else waits to write asks again ten times a second
AT_WORK = ("reading", "running")
MOST_OPEN, MOST_KEPT = 3, 10
GONE = "The file is no longer here. Send it again; what was taken in already is left alone."


@dataclass(frozen=True)
class Read:
    """A line that could be read, with its key, or why not."""

    number: int
    said: Said | None = None
    key: str = ""
    why_not: Plan | None = None


def begin(db: Session, *, name: str, file_key: str, user_id: UUID | None) -> SheetImport:
    """Ask for a reading; nothing is changed by it. Sheets of long ago are forgotten."""
    at_work = select(SheetImport.id).where(SheetImport.state.in_(AT_WORK)).limit(MOST_OPEN)
    if len(db.scalars(at_work).all()) == MOST_OPEN:
        raise DomainError(f"{MOST_OPEN} sheets are at work already. Wait until one is done.")
    kept = select(SheetImport.id).order_by(SheetImport.created_at.desc()).limit(MOST_KEPT - 1)
    old = list(db.scalars(select(SheetImport).where(SheetImport.id.not_in(kept), SheetImport.state.not_in(AT_WORK))))
    for one in old:
        forget(db, one)
    made = SheetImport(name=name[:120] or "A sheet", file_key=file_key, user_id=user_id)
    db.add(made)
    db.flush()
    owe(db, READ, made.id, within_s=AGAIN_S)
    enqueue_after_commit(db, "jobs.filament.read_sheet", made.shop_id, made.id, queue=SLOW)
    return made


def find_import(db: Session, import_id: UUID, *, lock: bool = False) -> SheetImport:
    """Raises NotFound."""
    wanted = select(SheetImport).where(SheetImport.id == import_id)
    found = db.scalar(wanted.with_for_update().execution_options(populate_existing=True) if lock else wanted)
    if found is None:
        raise NotFound("This sheet is not here. It may have been forgotten meanwhile; send it again.")
    return found


def list_imports(db: Session) -> Sequence[SheetImport]:
    return db.scalars(select(SheetImport).order_by(SheetImport.created_at.desc()).limit(MOST_KEPT)).all()


def lines_of(db: Session, import_id: UUID, what: str, page: int) -> Paged[SheetLine]:
    """Its lines, or those of one outcome, in the order of the sheet."""
    mine = select(SheetLine).where(SheetLine.import_id == import_id)
    return paginate(db, (mine.where(SheetLine.what == what) if what else mine).order_by(SheetLine.line), page)


def start(db: Session, import_id: UUID) -> SheetImport:
    """A person has looked at it and says: take it in."""
    found = find_import(db, import_id, lock=True)
    if found.state not in {"ready", "failed"} or not found.lines or not found.file_key:
        raise DomainError("There is nothing to take in: it is still being read, or it is done.")
    found.state, found.error = "running", ""
    _go_on(db, found)
    return found


def stop(db: Session, import_id: UUID) -> SheetImport:
    """A person has second thoughts. What was taken in stays; taken in again, it goes on behind that."""
    found = find_import(db, import_id, lock=True)
    if found.state != "running":
        raise DomainError("It is not being taken in any more. Look at what it did.")
    found.state = "ready"
    settle(db, TAKE_IN, import_id)
    return found


def forget(db: Session, found: SheetImport) -> None:
    """A person does not want it, or it is old. What was taken in stays."""
    if found.state == "running":
        raise DomainError("It is being taken in right now. Stop it first, or wait until it is done.")
    if found.file_key:
        storage().delete(found.file_key)
    for kind in (READ, TAKE_IN):
        settle(db, kind, found.id)
    db.execute(delete(SheetLine).where(SheetLine.import_id == found.id))
    db.delete(found)


def read(shop_id: UUID, import_id: UUID) -> None:
    """In the background: say of each line what it would do. Run twice, it begins anew."""
    with unit_of_work(shop_id) as db:
        wanted = find_import(db, import_id, lock=True)
        if wanted.state != "reading":
            return
        db.execute(delete(SheetLine).where(SheetLine.import_id == import_id))
    with _ended(shop_id, import_id, READ), storage().local_copy(wanted.file_key) as path:
        sheet = reading.open_sheet(path)
        counts: Counter[str] = Counter()
        for piece in _pieces(sheet, LOOKED_AT):
            with read_only(shop_id) as db:
                plans = _plans(db, piece)
            with unit_of_work(shop_id) as db:
                rows = [_row(shop_id, import_id, one.number, plan) for one, plan in zip(piece, plans, strict=True)]
                db.execute(insert(SheetLine), rows)
            counts.update(plan.what for plan in plans)
        if not counts:
            raise reading.Unreadable("There is nothing in it but its head.")
        with unit_of_work(shop_id) as db:
            kept = find_import(db, import_id, lock=True)
            kept.state, kept.counts, kept.lines = "ready", _all(counts), counts.total()
            kept.ignored = list(sheet.ignored)
            settle(db, READ, import_id)


def take_in_slice(shop_id: UUID, import_id: UUID, *, for_s: float = SLICE_S) -> bool:
    """In the background: some seconds of it; True when it is through. It may run twice at once: each piece is done by whoever
    comes first.
    """
    with read_only(shop_id) as db:
        wanted = find_import(db, import_id)
    if wanted.state != "running":
        return True
    until = time.monotonic() + for_s
    with _ended(shop_id, import_id, TAKE_IN), storage().local_copy(wanted.file_key) as path:
        for piece in _pieces(reading.open_sheet(path), PIECE):
            if piece[-1].number <= wanted.done_to:
                continue
            if not _take_piece(shop_id, import_id, piece):
                return True
            if time.monotonic() > until:
                return _is_stopped(shop_id, import_id)
            time.sleep(BREATH_S)
        with unit_of_work(shop_id) as db:
            _finish(db, import_id)
    return True


def _take_piece(shop_id: UUID, import_id: UUID, piece: list[Read]) -> bool:
    """Whether it goes on. Somebody who adds the same filament or code at this very moment is known of at the next try."""
    for last in (False, False, True):
        try:
            with unit_of_work(shop_id) as db:
                return _take_lines(db, import_id, piece)
        except IntegrityError:
            if last:
                raise
    return True


def _take_lines(db: Session, import_id: UUID, piece: list[Read]) -> bool:
    found = find_import(db, import_id, lock=True)
    todo = [one for one in piece if one.number > found.done_to]
    if found.state != "running" or not todo:
        return found.state == "running"
    lines = [(one.said, one.key) for one in todo if one.said is not None]
    plans = {said.line: plan for said, plan in take_in(db, lines, source=f"Sheet {found.name}", user_id=found.user_id)}
    first, last = todo[0].number, todo[-1].number
    mine = SheetLine.import_id == import_id, SheetLine.line.between(first, last)
    for kept in db.scalars(select(SheetLine).where(*mine)):
        plan = plans.get(kept.line)
        if plan is not None:
            kept.what, kept.name, kept.why = plan.what, plan.name or kept.name, plan.why
    found.done_to = last
    return True


def _is_stopped(shop_id: UUID, import_id: UUID) -> bool:
    """Unless a person has stopped it meanwhile, it goes on later."""
    with unit_of_work(shop_id) as db:
        found = find_import(db, import_id, lock=True)
        if found.state == "running":
            _go_on(db, found)
        return found.state != "running"


def _finish(db: Session, import_id: UUID) -> None:
    found = find_import(db, import_id, lock=True)
    if found.state != "running":
        return  # stopped, or done by another one
    mine = (
        select(SheetLine.what, func.count().label("lines"))
        .where(SheetLine.import_id == import_id)
        .group_by(SheetLine.what)
    )
    found.counts = _all({row.what: row.lines for row in db.execute(mine)})
    key, found.file_key = found.file_key, ""
    found.state, found.finished_at = "done", utc_now()
    settle(db, TAKE_IN, import_id)
    storage().delete(key)


def _plans(db: Session, piece: list[Read]) -> list[Plan]:
    known = know(db, [(one.said, one.key) for one in piece if one.said is not None])
    return [_judged(known, one) for one in piece]


def _judged(known: Known, one: Read) -> Plan:
    if one.said is None:
        return one.why_not or Plan("refused")
    try:
        return judge(known, one.said, one.key)
    except DomainError as problem:
        return Plan("refused", problem.sentence, one.said.name)


def _pieces(sheet: Sheet, size: int) -> Iterator[list[Read]]:
    """The lines of a sheet, some at a time; only what tells lines apart is kept in mind of those that are through."""
    before, lines = Before(), reading.lines(sheet)

    def read_one(line: reading.Line) -> Read:
        try:
            said = said_by(sheet, line)
            before.note_code(said)
            return Read(line.number, said, before.key_of(said))
        except Refused as problem:
            words = (line.cells.get(key, "") for key in ("brand", "material", "colour", "code"))
            return Read(line.number, why_not=Plan("refused", problem.sentence, " ".join(words).strip()[:200]))

    while piece := [read_one(line) for line in islice(lines, size)]:
        yield piece


@contextmanager
def _ended(shop_id: UUID, import_id: UUID, kind: str) -> Iterator[None]:
    """What cannot be read ends the import with a sentence."""
    sentence = ""
    try:
        yield
    except FileNotFoundError:
        sentence = GONE
    except reading.Unreadable as problem:
        sentence = problem.sentence
    if not sentence:
        return
    with unit_of_work(shop_id) as db:
        found = find_import(db, import_id, lock=True)
        found.state, found.error, found.finished_at = "failed", sentence, utc_now()
        key, found.file_key = found.file_key, ""
        settle(db, kind, import_id)
    storage().delete(key)


def _row(shop_id: UUID, import_id: UUID, line: int, plan: Plan) -> dict[str, Any]:
    ids = {"id": new_id(), "shop_id": shop_id, "import_id": import_id}
    return {**ids, "line": line, "what": plan.what, "name": plan.name, "why": plan.why}


def _all(counts: Any) -> dict[str, int]:
    return {what: counts.get(what, 0) for what in OUTCOMES}


def _go_on(db: Session, found: SheetImport) -> None:
    owe(db, TAKE_IN, found.id, within_s=AGAIN_S)
    enqueue_after_commit(db, "jobs.filament.take_in_sheet", found.shop_id, found.id, queue=SLOW)


def new_key(shop_id: UUID) -> str:
    """Where a file lies until it is done."""
    return storage_key(shop_id, KIND, new_id())
