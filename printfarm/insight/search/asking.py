"""One question to the index, whichever database it is in: SQLite's FTS5, or PostgreSQL's full text.

A question is made of tokens (see tokens.py) and of nothing that a person typed, so there is no syntax to break.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, column, func, select, table
from sqlalchemy.orm import Session

from printfarm.core.searching import words_of
from printfarm.core.tenancy import shop_of
from printfarm.insight.models import SearchEntry
from printfarm.insight.search import tokens

# So many hits of a kind are put into order and can be leafed through; who gets more needs another word, not another page.
MOST_HITS = 300
NUMEROUS = ("variant", "model", "job")  # kinds of which there may be very many
FULL_TEXT = table("fts_search", column("rowid"), column("fts_search"))


@dataclass(frozen=True)
class Term:
    """One word of the question, in its spellings; `exact` unless longer words that begin with it count as well."""

    spellings: tuple[str, ...]
    exact: bool = False
    is_setting: bool = False


@dataclass(frozen=True)
class Question:
    """What must be said of a thing: every term, every facet, none of what is `without`."""

    terms: tuple[Term, ...] = ()
    facets: tuple[tuple[str, ...], ...] = ()  # of each, one
    without: tuple[str, ...] = ()
    conditions: tuple[ColumnElement[bool], ...] = ()


@dataclass(frozen=True)
class Hits:
    """The things of one kind that fit, best first; `capped` when there are more than could be put into order."""

    ids: list[UUID]
    capped: bool = False


def terms_of(text: str) -> tuple[Term, ...]:
    """The words of what somebody typed. `layer_height=0.2` asks for a line of a file's settings."""
    found: dict[Term, None] = {}
    for typed in words_of(text):
        key, equals, value = typed.partition("=")
        keys = "".join(tokens.words_in(key.replace("_", " ")))
        if equals and keys:
            values = "".join(tokens.words_in(value))
            found[Term((f"{keys}={values}"[: 2 * tokens.LONGEST_WORD],), is_setting=True)] = None
            continue
        for spellings in tokens.spellings_of(typed):
            found[Term(spellings, exact=len(spellings[0]) == 1 and spellings[0].isascii())] = None
    return tuple(found)


def hits(db: Session, kind: str, question: Question) -> Hits:
    """The best hits of one kind: what is called so before what merely speaks of it. At most MOST_HITS are looked at.

    To gather everything that begins with a word costs the more, the more there is; so where whole words alone bring more
    than anybody leafs through, nobody looks for their continuations.
    """
    if not all(question.facets):  # a range that ends before it begins
        return Hits([])
    rows: Sequence[Any] = []
    if kind in NUMEROUS and question.terms:
        rows = _rows(db, kind, _whole(question), tokens.ANYWHERE)
    if len(rows) <= MOST_HITS:
        rows = _rows(db, kind, question, tokens.ANYWHERE)
    elif question.terms:
        named = _rows(db, kind, _whole(question), tokens.NAME)
        rows = list({row.id: row for row in (*named, *rows)}.values())
    ordered = sorted(rows, key=lambda row: _place(row, question.terms))
    return Hits([row.id for row in ordered[:MOST_HITS]], len(rows) > MOST_HITS)


def _whole(question: Question) -> Question:
    return replace(question, terms=tuple(replace(term, exact=True) for term in question.terms))


def _rows(db: Session, kind: str, question: Question, where: str) -> Sequence[Any]:
    fields: tuple[Any, ...] = (SearchEntry.id, SearchEntry.name, SearchEntry.rank, SearchEntry.number)
    wanted: Any = select(*fields).where(*question.conditions)
    salt = tokens.salt(shop_of(db), kind)
    if db.connection().dialect.name == "postgresql":
        with _asked(db, _for_postgresql(salt, question, where)):
            return db.execute(wanted.limit(MOST_HITS + 1)).all()
    return db.execute(_on_sqlite(wanted, _for_sqlite(salt, question, where)).limit(MOST_HITS + 1)).all()


def _on_sqlite(wanted: Any, match: str) -> Any:
    """The newest first: FTS5 stops as soon as there are enough."""
    joined = wanted.join(FULL_TEXT, FULL_TEXT.c.rowid == SearchEntry.number)
    return joined.where(FULL_TEXT.c.fts_search.op("MATCH")(match)).order_by(FULL_TEXT.c.rowid.desc())


@contextmanager
def _asked(db: Session, question: str) -> Iterator[None]:
    """Ask PostgreSQL through the fence of the table (migration 0004), which is the only way that it uses the index there.

    Its estimate for a beginning of a word is a guess, so it is told not to read through the table instead.
    """
    plans = ("enable_seqscan", "enable_indexscan")
    db.execute(
        select(func.set_config("app.search", question, True), *(func.set_config(one, "off", True) for one in plans))
    )
    yield
    db.execute(select(func.set_config("app.search", "", True), *(func.set_config(one, "on", True) for one in plans)))


def _for_sqlite(salt: str, question: Question, where: str) -> str:
    wanted = " AND ".join(_either(group, '"{}"', '"{}" *', " OR ") for group in _groups(salt, question, where))
    without = " OR ".join(f'"{one}"' for one in _without(salt, question))
    return f"({wanted}) NOT ({without})" if without else wanted


def _for_postgresql(salt: str, question: Question, where: str) -> str:
    wanted = " & ".join(_either(group, "'{}'", "'{}':*", " | ") for group in _groups(salt, question, where))
    without = " | ".join(f"'{one}'" for one in _without(salt, question))
    return f"({wanted}) & !({without})" if without else wanted


def _either(group: list[tuple[str, bool]], whole: str, beginning: str, either: str) -> str:
    return f"({either.join((whole if exact else beginning).format(word) for word, exact in group)})"


def _groups(salt: str, question: Question, where: str) -> list[list[tuple[str, bool]]]:
    """Tokens of which one each must be there, and whether a longer one that begins with it will not do."""
    groups = [
        [
            (salt + tokens.token((tokens.SETTING if term.is_setting else where) + word), term.exact)
            for word in term.spellings
        ]
        for term in question.terms
    ]
    groups += [[(salt + tokens.token(tokens.FACET + one), True) for one in group] for group in question.facets]
    return groups or [[(salt + tokens.ALL, True)]]


def _without(salt: str, question: Question) -> list[str]:
    return [salt + tokens.token(tokens.FACET + one) for one in question.without]


def _place(row: Any, terms: tuple[Term, ...]) -> tuple[Any, ...]:
    """Called exactly so, beginning so, holding it, merely speaking of it; then what is going on; then the newest."""
    words = row.name.split()
    worst = max((_likeness(term, words, row.name) for term in terms), default=0)
    begins = bool(terms) and row.name.startswith(terms[0].spellings)
    return worst, row.rank, not begins, -row.number


def _likeness(term: Term, words: list[str], name: str) -> int:
    if any(one in words for one in term.spellings):
        return 0
    if any(word.startswith(term.spellings) for word in words):
        return 1
    return 2 if any(one in name for one in term.spellings) else 3
