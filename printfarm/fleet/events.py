"""What happened in the fleet."""

from dataclasses import dataclass
from uuid import UUID

from printfarm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class HubConnected(Event):
    """A hub signed in."""

    hub_id: UUID


@dataclass(frozen=True, kw_only=True)
class HubLost(Event):
    """A hub's connection ended; its printers cannot be seen until it is back."""

    hub_id: UUID


@dataclass(frozen=True, kw_only=True)
class HubWanted(Event):
    """Something waits for a hub: a command, or a changed list of printers. Its socket listens for this."""

    hub_id: UUID


@dataclass(frozen=True, kw_only=True)
class PrinterChanged(Event):
    """A fact about a printer changed that decisions need: its settings, connection, state, bed or maintenance."""

    printer_id: UUID


@dataclass(frozen=True, kw_only=True)
class PrintersListed(Event):
    """A printer was added, archived or moved in the list."""


@dataclass(frozen=True, kw_only=True)
class PrinterMoved(Event):
    """Its telemetry moved (progress, temperatures). At most two a second per printer; no row changed."""

    printer_id: UUID


@dataclass(frozen=True, kw_only=True)
class SlotsChanged(Event):
    """What lies in a printer's slots changed: as it reports, or as a person assigned."""

    printer_id: UUID


@dataclass(frozen=True, kw_only=True)
class SpoolAssigned(Event):
    """A person said, or a chip told, which roll lies in a place; without `spool_id` none does any more."""

    printer_id: UUID
    slot_id: UUID
    spool_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class SlotFed(Event):
    """A printer that works on a run of ours feeds its nozzle from this place."""

    printer_id: UUID
    slot_id: UUID


@dataclass(frozen=True, kw_only=True)
class PrinterErrorRaised(Event):
    """A printer reports an error that it did not have before."""

    printer_id: UUID
    error_id: UUID


@dataclass(frozen=True, kw_only=True)
class PrinterErrorCleared(Event):
    """An error is gone."""

    printer_id: UUID
    error_id: UUID


@dataclass(frozen=True, kw_only=True)
class CommandAnswered(Event):
    """A hub carried a command out or refused it, or it was given up before it was sent."""

    command_id: UUID


@dataclass(frozen=True, kw_only=True)
class RunReported(Event):
    """A hub reported about a run; the words are in the row `run_reports`."""

    report_id: UUID
    printer_id: UUID


@dataclass(frozen=True, kw_only=True)
class ForeignRunSeen(Event):
    """A print that we did not start began, moved on or ended."""

    printer_id: UUID
    foreign_run_id: UUID


@dataclass(frozen=True, kw_only=True)
class FileProgressed(Event):
    """More of a run's file has reached its printer; the bytes are in telemetry, kind "file", key the run's code."""

    printer_id: UUID


@dataclass(frozen=True, kw_only=True)
class TrialAnswered(Event):
    """A "try it" has its result."""

    trial_id: UUID
