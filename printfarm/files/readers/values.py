"""Turns the text of a file into typed values. What makes no sense becomes None."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

MAX_TIME_S = 10_000_000
MAX_GRAMS = 100_000.0
MAX_METRES = 100_000.0
_MAX_TEXT = 500

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DURATION = re.compile(
    r"(?:(\d{1,5})\s*d(?:ays?)?)?\s*(?:(\d{1,6})\s*h(?:ours?)?)?\s*(?:(\d{1,7})\s*m(?:in(?:utes?)?)?)?"
    r"\s*(?:(\d{1,9})(?:\.\d*)?\s*s(?:ec(?:onds?)?)?)?",
    re.ASCII,
)
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def clean_text(value: object, max_length: int = _MAX_TEXT) -> str | None:
    """A trimmed text without control characters and marks that turn the direction; None when nothing is left.

    It is still the file's text: escape it.
    """
    if not isinstance(value, str):
        return None
    text = " ".join(_CONTROL.sub("", value[: max_length * 4]).split())
    return text[:max_length] or None


def number(value: object, *, low: float = 0.0, high: float = 1e9) -> float | None:
    """A finite number within the bounds, from a number or its text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if len(text) > 40 or not _NUMBER.fullmatch(text):
            return None
        value = float(text)
    if not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(value) if low <= value <= high else None


def whole(value: object, *, low: int = 0, high: int = 1_000_000_000) -> int | None:
    """A whole number within the bounds; a fraction is cut off."""
    found = number(value, low=low, high=high)
    return None if found is None else int(found)


def seconds(value: object) -> int | None:
    """A time in seconds; None when it is negative, overflowed or zero."""
    found = number(value, low=0, high=MAX_TIME_S)
    return round(found) if found else None


def duration_s(value: object) -> int | None:
    """`1d 2h 3m 4s` in seconds. Any part may be missing; negative and overflowed times are None."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    match = _DURATION.fullmatch(text) if text and len(text) < 60 else None
    if match is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    return total if 0 < total <= MAX_TIME_S else None


def colour(value: object) -> str | None:
    """`#RRGGBB` in capitals (a transparency is cut off), or None."""
    if not isinstance(value, str) or not _COLOUR.fullmatch(value.strip()):
        return None
    return value.strip()[:7].upper()


def truth(value: object) -> bool | None:
    """The booleans of slicers: 1, 0, true, false."""
    return {"1": True, "true": True, "0": False, "false": False}.get(str(value).strip().lower())


def text_list(value: str) -> list[str]:
    r"""Split `a;"b;c";d`: parts may be quoted, and inside quotes stand `\"`, `\\` and `\n`."""
    return list(_text_parts(value))


def _text_parts(value: str) -> Iterator[str]:
    at, end = 0, len(value)
    while at <= end:
        if at < end and value[at] == '"':
            part, at = _quoted(value, at + 1)
            semicolon = value.find(";", at)
            yield part
            at = end + 1 if semicolon < 0 else semicolon + 1
        else:
            semicolon = value.find(";", at)
            stop = end if semicolon < 0 else semicolon
            yield value[at:stop].strip()
            at = stop + 1


def _quoted(value: str, at: int) -> tuple[str, int]:
    """The text up to the closing quote, and the place after it."""
    out: list[str] = []
    while at < len(value) and value[at] != '"':
        if value[at] == "\\" and at + 1 < len(value):
            out.append({"n": "\n"}.get(value[at + 1], value[at + 1]))
            at += 2
        else:
            out.append(value[at])
            at += 1
    return "".join(out), at + 1


def json_object(content: bytes, max_depth: int) -> dict[str, Any]:
    """Parse a JSON object safely; raises ValueError with the reason when it is none, or nested too deep."""
    try:
        parsed = json.loads(content.decode("utf-8-sig", "replace"), parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(parsed, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - the caller asks for one kind of error
    return {str(key): value for key, value in storable(parsed, max_depth).items()}


def storable(value: Any, max_depth: int = 60) -> Any:
    """The same value, fit for every database's JSON: no NaN, no control characters, no endless depth, no huge number."""
    if max_depth <= 0:
        return None
    if isinstance(value, str):
        return _CONTROL.sub("", value)
    if isinstance(value, dict):
        return {_CONTROL.sub("", str(k)): storable(v, max_depth - 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(v, max_depth - 1) for v in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) and abs(value) < 1e18 else None
    return str(value)


def first(values: Iterable[Any]) -> Any:
    """The first value that is not None."""
    return next((v for v in values if v is not None), None)
