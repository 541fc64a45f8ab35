"""An import of a Spoolman from its beginning to its end: read in the background, looked at by a person, taken in in pieces.

Each piece is a transaction of its own. Stopped anywhere, it goes on where it was, because what is there already is found again.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, defer

from printfarm.core.background import SLOW, enqueue_after_commit
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.owed import owe, settle
from printfarm.core.storage import storage
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models_spoolman import SpoolmanImport
from printfarm.filament.spoolman import planning, reading, rows
from printfarm.filament.spoolman.fields import adopt_fields
from printfarm.filament.spoolman.planning import NEW, SKIPPED
from printfarm.filament.spoolman.reading import Found
from printfarm.filament.spoolman.taking import take_row

log = logging.getLogger(__name__)

READ, TAKE_IN = "read-spoolman", "take-in-spoolman"
AGAIN_S = 300  # a job that was lost is asked for again
PIECE = 50
MOST_OPEN, MOST_KEPT = 5, 20
AT_WORK = ("reading", "running")
LINES_SHOWN = 50
SHOWN = ("", NEW, planning.CHANGED, planning.SAME, SKIPPED)


@dataclass(frozen=True)
class Lines:
    """A page of what an import found."""

    items: Sequence[dict[str, Any]]
    number: int
    pages: int
    total: int


def begin(db: Session, *, source: str, url: str = "", file_key: str = "", user_id: UUID | None) -> SpoolmanImport:
    """Ask for a reading; nothing is changed by it."""
    at_work = SpoolmanImport.state.in_(AT_WORK)
    if len(db.scalars(select(SpoolmanImport.id).where(at_work).limit(MOST_OPEN)).all()) == MOST_OPEN:
        raise DomainError(f"{MOST_OPEN} imports are at work already. Wait until one is done.")
    kept = select(SpoolmanImport.id).order_by(SpoolmanImport.created_at.desc()).limit(MOST_KEPT - 1)
    db.execute(delete(SpoolmanImport).where(SpoolmanImport.id.not_in(kept), SpoolmanImport.state.not_in(AT_WORK)))
    made = SpoolmanImport(source=source[:200], url=url, file_key=file_key, user_id=user_id, state="reading")
    db.add(made)
    db.flush()
    owe(db, READ, made.id, within_s=AGAIN_S)
    enqueue_after_commit(db, "jobs.spoolman.read_spoolman", made.shop_id, made.id, queue=SLOW)
    return made


def find_import(db: Session, import_id: UUID, *, lock: bool = False) -> SpoolmanImport:
    """Raises NotFound."""
    wanted = select(SpoolmanImport).where(SpoolmanImport.id == import_id)
    found = db.scalar(wanted.with_for_update().execution_options(populate_existing=True) if lock else wanted)
    if found is None:
        raise NotFound("This import is not here.")
    return found


def list_imports(db: Session) -> Sequence[SpoolmanImport]:
    """The newest ones, without what was found in them."""
    newest = select(SpoolmanImport).options(defer(SpoolmanImport.found)).order_by(SpoolmanImport.created_at.desc())
    return db.scalars(newest.limit(MOST_KEPT)).all()


def lines_of(found: SpoolmanImport, shown: str, page: int) -> Lines:
    lines = [one for one in found.found.get("lines", []) if shown in {"", one["what"]}]
    pages = max(1, -(-len(lines) // LINES_SHOWN))
    page = min(max(1, page), pages)
    return Lines(lines[(page - 1) * LINES_SHOWN : page * LINES_SHOWN], page, pages, len(lines))


def start(db: Session, import_id: UUID) -> None:
    """A person has looked at it and says: take it in."""
    found = find_import(db, import_id, lock=True)
    if found.state not in {"ready", "failed"} or not found.found:
        raise DomainError("There is nothing to take in: it is still being read, or it is done.")
    found.state, found.error = "running", ""
    owe(db, TAKE_IN, found.id, within_s=AGAIN_S)
    enqueue_after_commit(db, "jobs.spoolman.take_in_spoolman", found.shop_id, found.id, queue=SLOW)


def read(shop_id: UUID, import_id: UUID) -> None:
    """In the background: read what was named, with no transaction open, then keep it with its plan."""
    with read_only(shop_id) as db:
        wanted = find_import(db, import_id)
    if wanted.state != "reading":
        return
    try:
        found = _read(wanted)
    except DomainError as problem:
        _end(shop_id, import_id, READ, "failed", problem.sentence)
        _forget_file(wanted)
        return
    except FileNotFoundError:
        _end(shop_id, import_id, READ, "failed", "The uploaded file is gone. Send it again.")
        return
    # Whatever it is: what cannot be read now cannot be read the next time, and would be tried for ever.
    except Exception:
        log.exception("spoolman import %s of shop %s could not be read", import_id, shop_id)
        _end(shop_id, import_id, READ, "failed", "This could not be read. The log of the server says why.")
        _forget_file(wanted)
        return
    with read_only(shop_id) as db:
        lines = planning.plan(db, found)
    with unit_of_work(shop_id) as db:
        kept = find_import(db, import_id, lock=True)
        kept.found, kept.counts = {**_kept(found), "lines": lines}, planning.counted(lines)
        kept.state, kept.file_key = "ready", ""
        settle(db, READ, import_id)
    _forget_file(wanted)


def take_in(shop_id: UUID, import_id: UUID) -> None:
    """In the background: everything in pieces, the vendors first."""
    with read_only(shop_id) as db:
        wanted = find_import(db, import_id)
    if wanted.state != "running":
        return
    found = _found(wanted.found)
    counts = {kind: dict.fromkeys(SHOWN[1:], 0) for kind in rows.KINDS}
    for one in found.skipped:
        counts[one["kind"]][SKIPPED] += 1
    with unit_of_work(shop_id) as db:
        adopt_fields(db, found.fields)  # refuses nothing: what does not fit is left
    for piece in _pieces(found):
        try:
            with unit_of_work(shop_id) as db:
                became = [(kind, take_row(db, found, kind, number)) for kind, number in piece]
        except DomainError as problem:
            _end(shop_id, import_id, TAKE_IN, "failed", problem.sentence)
            return
        for kind, what in became:
            counts[kind][what] += 1
    _end(shop_id, import_id, TAKE_IN, "done", "", counts)


def _read(wanted: SpoolmanImport) -> Found:
    if wanted.url:
        return reading.read_address(wanted.url)
    with storage().local_copy(wanted.file_key) as path:
        return reading.read_file(path)


def _forget_file(wanted: SpoolmanImport) -> None:
    if wanted.file_key:
        storage().delete(wanted.file_key)


def _pieces(found: Found) -> Iterator[list[tuple[str, int]]]:
    for kind in rows.KINDS:
        numbers = sorted(found.rows[kind])
        for at in range(0, len(numbers), PIECE):
            yield [(kind, number) for number in numbers[at : at + PIECE]]


def _kept(found: Found) -> dict[str, Any]:
    by_kind = {kind: [one.model_dump(mode="json") for one in found.rows[kind].values()] for kind in rows.KINDS}
    return {"rows": by_kind, "skipped": found.skipped, "fields": found.fields}


def _found(kept: dict[str, Any]) -> Found:
    found = Found(skipped=kept["skipped"], fields=kept["fields"])
    for kind in rows.KINDS:
        for raw in kept["rows"][kind]:
            row = rows.MODELS[kind].model_validate(raw)
            found.rows[kind][row.id] = row
    return found


def _end(
    shop_id: UUID, import_id: UUID, owed: str, state: str, error: str, counts: dict[str, Any] | None = None
) -> None:
    with unit_of_work(shop_id) as db:
        found = find_import(db, import_id, lock=True)
        found.state, found.error, found.finished_at = state, error, utc_now()
        if counts is not None:
            found.counts, found.found = counts, {}
        settle(db, owed, import_id)
    if error:
        log.info("spoolman import %s of shop %s: %s", import_id, shop_id, error)
