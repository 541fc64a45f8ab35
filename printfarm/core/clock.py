"""Time: UTC everywhere inside; the shop's own zone only on its screens."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)
