"""The dashboard refetches itself when anything below it changed; progress alone is pushed by the areas that own it."""

from printfarm.core.events import Event
from printfarm.core.live import marks
from printfarm.filament.events import FilamentChanged, SpoolChanged, StockChanged
from printfarm.files.events import UploadChanged
from printfarm.fleet.events import (
    ForeignRunSeen,
    HubConnected,
    HubLost,
    PrinterChanged,
    PrinterErrorCleared,
    PrinterErrorRaised,
    PrintersListed,
)
from printfarm.library.events import VariantAdded
from printfarm.queue.events import FeasibilityComputed, JobChanged, JobsAdded, QueueReordered, RunEnded

KINDS: tuple[type[Event], ...] = (
    FilamentChanged,
    SpoolChanged,
    StockChanged,
    UploadChanged,
    VariantAdded,
    HubConnected,
    HubLost,
    PrinterChanged,
    PrintersListed,
    PrinterErrorRaised,
    PrinterErrorCleared,
    ForeignRunSeen,
    JobsAdded,
    JobChanged,
    QueueReordered,
    RunEnded,
    FeasibilityComputed,
)
for kind in KINDS:
    marks(kind, "dashboard")
