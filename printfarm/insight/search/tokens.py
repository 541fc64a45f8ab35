"""Words as the index knows them: folded, so that case, accents and umlauts do not matter, and salted.

A token is `<salt><class><word>`. The salt differs by shop and kind, so the words of one shop's variants are a vocabulary of
their own: no shop's search is slower, or ordered otherwise, for what another has. What a person types becomes tokens by the
same functions; it is never part of a query's syntax. Tokens consist of a to z, 0 to 9 and `_.=` alone, so SQLite and
PostgreSQL cannot cut them differently.
"""

import hashlib
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from uuid import UUID

WORD = re.compile(r"\d+[.,]\d+|[^\W_]+|[☀-➿🀀-🫿]")
LONGEST_WORD = 32
SHORTEST_ENDING = 3
# Classes of tokens.
ANYWHERE, NAME, SETTING, FACET, ALL = "w", "n", "s", "f", "a"
# The ends of the classes of print times, in seconds: from a quarter of an hour to three days.
TIMES_S = tuple(round(hours * 3600) for hours in (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72))
APART = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"})
SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def fold(text: str) -> str:
    """Small letters without marks: "Grün" and "GRUN" are one. "ß" is "ss"."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold().translate(APART))
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).casefold()


def words_in(text: str) -> list[str]:
    """The folded words of a text in their order. A decimal is one word without what it does not need: 0,20 is "0.2"."""
    return [_plain(word) for word in WORD.findall(fold(text))]


def spellings_of(text: str) -> list[tuple[str, ...]]:
    """Each word of a text with the other way to write it: "grün" is (grun, gruen)."""
    if text.isascii():
        return [(word,) for word in words_in(text)]
    composed = unicodedata.normalize("NFC", text).casefold()
    here, spelt_out = words_in(composed), words_in(composed.translate(SPELT_OUT))
    if len(here) != len(spelt_out):
        return [(word,) for word in here]
    return [tuple(dict.fromkeys(pair)) for pair in zip(here, spelt_out, strict=True)]


def all_words(text: str) -> set[str]:
    """Every spelling of every word."""
    return {word for one in spellings_of(text) for word in one}


def endings(word: str) -> Iterator[str]:
    """What stands at the end of a word, so that "halter" finds "Kopfhörerhalter"."""
    shortest = 1 if unicodedata.category(word[0]) == "Lo" else SHORTEST_ENDING  # where one sign is a word
    return (word[start:] for start in range(1, len(word) - shortest + 1))


def salt(shop_id: UUID, kind: str) -> str:
    return "x" + hashlib.sha256(f"{shop_id.hex}{kind}".encode()).hexdigest()[:12]


def token(word: str) -> str:
    """A word with what is neither a letter from a to z nor a digit written as its number."""
    if word.isascii() and word.isalnum():
        return word
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in ".=") else f"_{ord(sign):x}_" for sign in word)


def setting(key: str, value: str) -> str:
    """A line of settings as one word: layer_height and "0.20" are "layerheight=0.2". Empty when it says nothing."""
    keys, values = "".join(words_in(key.replace("_", " "))), "".join(words_in(value))
    return f"{keys}={values}"[: 2 * LONGEST_WORD] if keys and values else ""


def facet(name: str, *values: str) -> str:
    """A property to filter by, as one word: material and "PLA-CF" are "material=pla.cf"."""
    return "=".join([name, *(".".join(words_in(value)) for value in values)])


def times(from_s: float, to_s: float) -> tuple[str, ...]:
    """The classes of print times that a range touches, as facets; a time itself is a range of one."""
    return tuple(f"time={number}" for number in range(bisect_left(TIMES_S, from_s), bisect_left(TIMES_S, to_s) + 1))


def without_a_letter(word: str) -> Iterable[str]:
    """The word and what it is with any one letter left out: words that share one of these are a slip apart."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _plain(word: str) -> str:
    if not word[0].isdigit() or not ("." in word or "," in word):
        return word[:LONGEST_WORD]
    whole, part = word.replace(",", ".").split(".")
    part = part.rstrip("0")
    return (f"{whole}.{part}" if part else whole)[:LONGEST_WORD]
