"""Lenient reading: the same key is a number, a string or missing, depending on model and firmware."""

from typing import Any


def number(value: Any) -> float | None:
    """A number, or the text of one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if abs(read) < 1e15 else None  # NaN fails this comparison too


def whole(value: Any) -> int | None:
    read = number(value)
    return None if read is None else int(read)


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def dicts_in(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; nothing when it is no array."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
