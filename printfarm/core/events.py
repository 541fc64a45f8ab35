"""Events: past tense, ids only. Reactions run at once in the same transaction; screens hear of them after the commit."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

_reactions: dict[type["Event"], list[Callable[[Session, Any], None]]] = defaultdict(list)
_kinds: dict[str, type["Event"]] = {}


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a shop. Subclasses add ids, nothing else: who reads it re-reads the row."""

    shop_id: UUID

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _kinds[cls.__name__] = cls


E = TypeVar("E", bound=Event)


def reacts_to(kind: type[E]) -> Callable[[Callable[[Session, E], None]], Callable[[Session, E], None]]:
    """Register an upper area's answer to a lower area's event."""

    def register(reaction: Callable[[Session, E], None]) -> Callable[[Session, E], None]:
        if reaction not in _reactions[kind]:
            _reactions[kind].append(reaction)
        return reaction

    return register


def emit(db: Session, event: Event) -> None:
    """Run the reactions now, inside this transaction, and remember the event for the screens."""
    db.info.setdefault("events", []).append(event)
    for reaction in _reactions[type(event)]:
        reaction(db, event)


def event_kinds() -> dict[str, type[Event]]:
    """Every kind of event by name."""
    return dict(_kinds)


def to_message(event: Event) -> dict[str, str]:
    """An event as it travels over Redis: its kind and its ids as text."""
    ids = {key: str(value) for key, value in asdict(event).items() if value is not None}
    return {"kind": type(event).__name__, **ids}


def from_message(message: dict[str, str]) -> Event | None:
    """The event of a message, or None when this program does not know its kind (a newer or older neighbour sent it)."""
    kind = _kinds.get(str(message.get("kind")))
    if kind is None:
        return None
    try:
        return kind(**{key: UUID(str(value)) for key, value in message.items() if key != "kind"})
    except (TypeError, ValueError):
        return None
