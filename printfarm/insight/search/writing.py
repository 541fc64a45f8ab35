"""The entries of things, written as the things are now; of several kinds in as few statements as of one."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from printfarm.core.ids import new_id
from printfarm.core.tenancy import bind_shop, shop_of
from printfarm.core.work import WorkSession
from printfarm.insight.models import SearchEntry, SearchSpelling
from printfarm.insight.search import tokens
from printfarm.insight.search.documents import Document, documents

CHUNK = 200
# The things of one writing: each one's kind, and what there is to keep of it.
Batch = dict[UUID, tuple[str, Document | None]]


def refresh(db: Session, by_kind: Mapping[str, Collection[UUID]]) -> None:
    """Write the entries of these things as they are now; what can no longer be found loses its entry."""
    # A session of its own on the same transaction: it sees what is in the database, not what this one once loaded.
    fresh = WorkSession(bind=db.connection(), join_transaction_mode="rollback_only")
    bind_shop(fresh, shop_of(db))
    batch: Batch = {}
    try:
        for kind, some in _chunks(by_kind):
            if len(batch) + len(some) > CHUNK:
                _write(fresh, batch)
                fresh.expunge_all()
                batch = {}
            made = documents(fresh, kind, some)
            batch |= {one: (kind, made.get(one)) for one in some}
        _write(fresh, batch)
    finally:
        fresh.close()


def _chunks(by_kind: Mapping[str, Collection[UUID]]) -> Iterator[tuple[str, list[UUID]]]:
    for kind, found in by_kind.items():
        ids = sorted(found)
        for at in range(0, len(ids), CHUNK):
            yield kind, ids[at : at + CHUNK]


def _write(db: Session, batch: Batch) -> None:
    """Things of several kinds in as many statements as those of one."""
    if not batch:
        return
    known = {entry.id: entry for entry in db.scalars(select(SearchEntry).where(SearchEntry.id.in_(batch)))}
    there = {one: (kind, document) for one, (kind, document) in batch.items() if document is not None}
    for one in known.keys() - there.keys():
        db.delete(known[one])
    new = []
    for one, (kind, document) in there.items():
        says = _said(document, tokens.salt(shop_of(db), kind))
        if one not in known:
            new.append({"id": one, "shop_id": shop_of(db), "kind": kind, **says})
            continue
        for name, value in says.items():
            setattr(known[one], name, value)
    db.flush()
    if new:  # nobody asks for their numbers, so that one statement does
        db.execute(insert(SearchEntry).execution_options(render_nulls=True), new)
    _learn(db, {word for _, document in there.values() for word in document.vocabulary()})


def _said(document: Document, salt: str) -> dict[str, Any]:
    return {
        "name": document.name,
        "words": document.tokens(salt),
        "rank": document.rank,
        "duration_s": document.duration_s,
    }


def _learn(db: Session, words: set[str]) -> None:
    """Remember how the words of names are spelt, so that a slip of a finger still finds them."""
    if not words:
        return
    known = set(db.scalars(select(SearchSpelling.word).where(SearchSpelling.spelling.in_(words))))
    rows = [
        {"id": new_id(), "shop_id": shop_of(db), "spelling": spelling, "word": word}
        for word in sorted(words - known)
        for spelling in tokens.without_a_letter(word)
    ]
    if rows:
        db.execute(insert(SearchSpelling), rows)
