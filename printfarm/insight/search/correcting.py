"""A slip of a finger: the words of the shop's own names that are one letter away from what was typed."""

import difflib

from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.core.searching import words_of
from printfarm.insight.models import SearchSpelling
from printfarm.insight.search import tokens
from printfarm.insight.search.documents import LONGEST_CORRECTED, SHORTEST_CORRECTED

LIKELY = 0.6


def corrected(db: Session, text: str) -> str:
    """The text with unknown words replaced by the likeliest of the shop's own; empty when nothing is likelier."""
    words = [word for typed in words_of(text) for word in tokens.words_in(typed)]
    better = [_likeliest(db, word) for word in words]
    return " ".join(better) if better != words else ""


def _likeliest(db: Session, word: str) -> str:
    if not word.isalpha() or not SHORTEST_CORRECTED <= len(word) <= LONGEST_CORRECTED:
        return word
    wanted = select(SearchSpelling.word).where(SearchSpelling.spelling.in_(tokens.without_a_letter(word))).distinct()
    near = set(db.scalars(wanted.limit(200)))
    if not near or word in near:
        return word
    best = max(sorted(near), key=lambda other: difflib.SequenceMatcher(None, word, other).ratio())
    return best if difflib.SequenceMatcher(None, word, best).ratio() >= LIKELY else word
