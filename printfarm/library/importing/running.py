"""Work on an import: list, look, take in, item after item, until it is through, stopped, or the time is up.

May be killed anywhere; whoever comes next goes on. No transaction is open while anything is slow.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from printfarm.core.errors import Unavailable
from printfarm.core.ids import new_id
from printfarm.core.owed import settle
from printfarm.core.storage import storage, storage_key
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import drafts
from printfarm.files import service as files
from printfarm.files.quota import OverQuota
from printfarm.library import queries
from printfarm.library.importing import layout, listing, service
from printfarm.library.importing.looking import look_into
from printfarm.library.importing.models import Import, ImportItem
from printfarm.library.importing.plan import plan_of
from printfarm.library.importing.service import NotMine
from printfarm.library.importing.sources import KIND, FolderSource, NoSource, Source, opened_zip, unquoted
from printfarm.library.importing.taking import take

log = logging.getLogger(__name__)

T = TypeVar("T")

SLICE_S = 30.0
BUSY_TRIES, BUSY_WAIT_S = 5, 2.0
DISK_FULL = "The disk of the server is full. Free some space, then go on; what is in the library stays there."
ZIP_GONE = "The zip is no longer here. Send it again; what is in the library already will be left out."


def run_import(
    shop_id: UUID,
    import_id: UUID,
    *,
    for_s: float = SLICE_S,
    each: Callable[[], None] = lambda: None,
    keep: bool = False,
    turn_id: UUID | None = None,
) -> bool:
    """Work for so long; True when this runner was the one who could. `each` is called after every item.

    What is left then goes back to the queue, unless whoever called means to go on (`keep`). `turn_id`: only if it is still that
    turn.
    """
    runner = _Runner(shop_id, import_id, new_id(), keep=keep)
    with unit_of_work(shop_id) as db:
        held = service.take_over(db, import_id, runner.id, turn_id=turn_id)
    if held is None:
        return False
    try:
        with runner.source(held) as source:
            runner.work(source, time.monotonic() + for_s, each)
    except NotMine:
        log.info("import %s is no longer this runner's", import_id)
    except NoSource as refusal:
        runner.end(partial(service.fail, sentence=refusal.sentence))
    except (OverQuota, Unavailable) as refusal:
        runner.end(partial(service.stop_held, sentence=refusal.sentence))
    except OSError as problem:
        if not drafts.is_full(problem):
            raise
        runner.end(partial(service.stop_held, sentence=DISK_FULL))
    return True


def forget_zip(shop_id: UUID, import_id: UUID) -> None:
    """Remove the zip of an import that is through, or was removed."""
    storage().delete(storage_key(shop_id, KIND, import_id))
    with unit_of_work(shop_id) as db:
        settle(db, service.FORGET_ZIP, import_id)


class _Runner:
    def __init__(self, shop_id: UUID, import_id: UUID, runner_id: UUID, *, keep: bool) -> None:
        self.shop_id, self.import_id, self.id, self.keep = shop_id, import_id, runner_id, keep

    def source(self, held: Import) -> AbstractContextManager[Source]:
        return _folder(Path(unquoted(held.place))) if held.source == "folder" else self._zip()

    @contextmanager
    def _zip(self) -> Iterator[Source]:
        try:
            with (
                storage().local_copy(storage_key(self.shop_id, KIND, self.import_id)) as path,
                opened_zip(path) as source,
            ):
                yield source
        except FileNotFoundError as problem:
            raise NoSource(ZIP_GONE) from problem

    def work(self, source: Source, until: float, each: Callable[[], None]) -> None:
        """Raises NotMine, NoSource, OverQuota, Unavailable."""
        while time.monotonic() < until:
            held, item = patiently(self._next)
            if held.listed_at is None:
                self._list(held, source)
            elif item is None:
                self.end(service.reach_goal)
                return
            else:
                patiently(partial(self._do, item, source))
            each()
        with unit_of_work(self.shop_id) as db:
            service.hand_on(db, self.import_id, self.id, hurry=not self.keep)

    def end(self, how: Callable[..., object]) -> None:
        """Put the import into its next state, unless it is not ours any more."""
        try:
            with unit_of_work(self.shop_id) as db:
                how(db, service.hold(db, self.import_id, self.id))
        except NotMine:
            log.info("import %s was ended by somebody else", self.import_id)

    def _next(self) -> tuple[Import, ImportItem | None]:
        with unit_of_work(self.shop_id) as db:
            held = service.hold(db, self.import_id, self.id)
            return held, service.next_item(db, held) if held.listed_at else None

    def _list(self, held: Import, source: Source) -> None:
        laid = layout.lay_out(source.entries(), plan_of(held.plan))
        with unit_of_work(self.shop_id) as db:
            models = listing.note_models(db, service.hold(db, self.import_id, self.id), laid)
        for at in range(0, len(laid.items), listing.BATCH):
            with unit_of_work(self.shop_id) as db:
                listing.note_items(db, service.hold(db, self.import_id, self.id), laid, at, models)
        with unit_of_work(self.shop_id) as db:
            listing.end_listing(db, service.hold(db, self.import_id, self.id), laid)

    def _do(self, item: ImportItem, source: Source) -> None:
        if item.state == "listed":
            self._look(item, source)
        else:
            take(self.shop_id, self.import_id, item, source, self.id)

    def _look(self, item: ImportItem, source: Source) -> None:
        looked = look_into(source, item.place, item.kind, lambda sha256: self._is_known(item, sha256), self._tick)
        with unit_of_work(self.shop_id) as db:
            service.hold(db, self.import_id, self.id)
            again = db.get_one(ImportItem, item.id)
            reason = None if looked.problem else _why_known(db, again, looked.sha256)
            if looked.problem is not None:
                service.refuse(db, again, looked.problem)
            elif reason is not None:
                service.leave_out(db, again, reason, sha256=looked.sha256)
            elif looked.found is None and again.kind == "file":
                service.look_again(db, again)  # what it was the same as has gone in the meantime
            else:
                service.make_ready(db, again, looked.sha256, looked.found)

    def _is_known(self, item: ImportItem, sha256: str) -> bool:
        with read_only(self.shop_id) as db:
            return _why_known(db, item, sha256) is not None

    def _tick(self) -> None:
        with unit_of_work(self.shop_id) as db:
            service.hold(db, self.import_id, self.id)


@contextmanager
def _folder(root: Path) -> Iterator[Source]:
    yield FolderSource(root)


def patiently(step: Callable[[], T]) -> T:
    """The database may be busy with somebody else's work for a while; a step begun twice changes nothing twice."""
    for _try in range(BUSY_TRIES):
        try:
            return step()
        except Unavailable as problem:
            log.info("an import waits: %s", problem.sentence)
            time.sleep(BUSY_WAIT_S)
    return step()


def _why_known(db: Session, item: ImportItem, sha256: str) -> str | None:
    """Why a file with these bytes is left out."""
    if item.kind == "file":
        stored = files.find_same(db, sha256)
        if stored is not None:
            variant = queries.variant_of_file(db, stored.id)
            if variant is None:
                return "This shop has the same file already; it waits for an answer under Uploads."
            return (
                f"This shop has the same file already: {variant.model.name}, {variant.name}, version {variant.version}."
            )
    elif service.same_picture(db, sha256) is not None:
        return "This picture came in with an earlier import."
    twin = service.same_seen(db, item, sha256)
    return f"The same as {twin.path}." if twin else None
