"""The dashboard refetches itself when anything below it changed; the figure at the bell is pushed.

Progress alone is pushed by the areas that own it.
"""

from flask import g
from sqlalchemy.orm import Session

from printfarm.core.events import Event
from printfarm.core.live import marks, shows
from printfarm.core.web import render_block
from printfarm.filament.events import FilamentChanged, ShoppingChanged, SpoolChanged, StockChanged, StockChecked
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
from printfarm.insight.needs import get_needs
from printfarm.library.events import VariantAdded
from printfarm.queue.events import FeasibilityComputed, JobChanged, JobsAdded, QueueReordered, RunEnded

# What can begin or end a need (printfarm.insight.needs).
NEED_KINDS: tuple[type[Event], ...] = (
    SpoolChanged,
    StockChanged,
    StockChecked,
    FilamentChanged,
    ShoppingChanged,
    JobsAdded,
    UploadChanged,
    HubConnected,
    HubLost,
    PrinterChanged,
    PrintersListed,
    PrinterErrorRaised,
    PrinterErrorCleared,
    RunEnded,
    JobChanged,
)
DASHBOARD_KINDS: tuple[type[Event], ...] = (
    *NEED_KINDS,
    VariantAdded,
    ForeignRunSeen,
    QueueReordered,
    FeasibilityComputed,
)
# What a printer's cell on the wall shows besides its progress.
WALL_KINDS: tuple[type[Event], ...] = (
    HubConnected,
    HubLost,
    PrinterChanged,
    PrintersListed,
    PrinterErrorRaised,
    PrinterErrorCleared,
    ForeignRunSeen,
    JobChanged,
    RunEnded,
)


def bell(db: Session, _event: Event) -> str:
    """The figure for every open page: counted once, however many events came together."""
    if "bell" not in g:
        g.bell = render_block("insight/_bell_count.html", "bell_count", count=len(get_needs(db)), pushed=True)
    text: str = g.bell
    return text


for kind in DASHBOARD_KINDS:
    marks(kind, "dashboard")
for kind in WALL_KINDS:
    marks(kind, "wall")
for kind in NEED_KINDS:
    marks(kind, "needs")
    shows(kind)(bell)
