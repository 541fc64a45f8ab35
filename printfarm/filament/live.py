"""What open screens get when filament moves: lists refetch themselves."""

from printfarm.core.events import Event
from printfarm.core.live import marks
from printfarm.filament.events import FilamentChanged, SpoolChanged, StockChanged

KINDS: tuple[type[Event], ...] = (FilamentChanged, SpoolChanged, StockChanged)
for kind in KINDS:
    marks(kind, "filament")
