"""What happened in the queue."""

from dataclasses import dataclass
from uuid import UUID

from printfarm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class JobsAdded(Event):
    """Something new waits."""


@dataclass(frozen=True, kw_only=True)
class QueueReordered(Event):
    """The order changed."""


@dataclass(frozen=True, kw_only=True)
class JobChanged(Event):
    """A job's state or one of its facts changed."""

    job_id: UUID


@dataclass(frozen=True, kw_only=True)
class RunChanged(Event):
    """A run moved on: its state, its progress."""

    job_id: UUID
    run_id: UUID
    printer_id: UUID


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """A run is over and its grams are booked."""

    job_id: UUID
    run_id: UUID
    printer_id: UUID


@dataclass(frozen=True, kw_only=True)
class FeasibilityComputed(Event):
    """What can be printed, and why not, was worked out anew."""
