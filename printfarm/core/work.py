"""One transaction: whoever opens the unit of work is the only one who commits.

What services emitted goes to Redis, and what they asked for in the background goes to RQ, after the commit and only then.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from printfarm.core import background, bus
from printfarm.core.database import db as database
from printfarm.core.errors import Unavailable
from printfarm.core.owed import write_promises
from printfarm.core.tenancy import bind_shop, fence


class WorkSession(Session):
    """The session class of units of work: fenced, and never expiring what it loaded, so that views may render it."""


fence(WorkSession)


_last_steps: list[Callable[[Session], None]] = []


def at_the_end(step: Callable[[Session], None]) -> None:
    """Let a step follow every writing transaction, right before its commit and inside it."""
    if step not in _last_steps:
        _last_steps.append(step)


@contextmanager
def unit_of_work(shop_id: UUID | None) -> Iterator[Session]:
    """A writing transaction in one shop (None: only tables that belong to no shop). Commits, or leaves nothing behind.

    Raises Unavailable when another writer holds the database for longer than the busy timeout, or the disk is full.
    """
    with _session(shop_id, writes=True) as session:
        with _plain_refusals():
            _begin(session, shop_id)
            yield session
            for step in _last_steps:
                step(session)
            write_promises(session)
            session.commit()
        after = session.info
        bus.publish_all(after.get("events", []))
        background.enqueue_all(after.get("background", []))


@contextmanager
def read_only(shop_id: UUID | None) -> Iterator[Session]:
    """A reading transaction in one shop. Writing in it raises."""
    with _session(shop_id, writes=False) as session, _plain_refusals():
        _begin(session, shop_id)
        yield session  # closing rolls back, and leaves what was loaded readable


@contextmanager
def _session(shop_id: UUID | None, *, writes: bool) -> Iterator[Session]:
    session = WorkSession(bind=database.engine.execution_options(writes=writes), expire_on_commit=False)
    bind_shop(session, shop_id)
    session.info["read_only"] = not writes
    try:
        yield session
    finally:
        session.close()


def _begin(session: Session, shop_id: UUID | None) -> None:
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return
    if session.info["read_only"]:
        session.execute(text("SET TRANSACTION READ ONLY"))
    # Local to the transaction, so a pooled connection never carries a shop into somebody else's work.
    session.execute(text("SELECT set_config('app.shop_id', :shop, true)"), {"shop": str(shop_id or "")})


@contextmanager
def _plain_refusals() -> Iterator[None]:
    try:
        yield
    except OperationalError as problem:
        raise Unavailable(_sentence(str(problem.orig))) from problem


def _sentence(reason: str) -> str:
    lowered = reason.lower()
    if "locked" in lowered or "busy" in lowered:
        return "The database is busy with other work right now. Nothing was changed; try again in a moment."
    if "full" in lowered or "disk" in lowered or "no space" in lowered:
        return "The disk is full. Nothing was changed; free some space, then try again."
    return "The database does not answer right now. Nothing was changed; try again in a moment."
