"""What open screens get when filament moves: lists refetch themselves."""

from printfarm.core.events import Event
from printfarm.core.live import marks
from printfarm.filament.events import (
    BrandChanged,
    FilamentChanged,
    FilamentsMerged,
    ShoppingChanged,
    SpoolChanged,
    StockChanged,
    StockChecked,
)

KINDS: tuple[type[Event], ...] = (
    BrandChanged,
    FilamentChanged,
    FilamentsMerged,
    ShoppingChanged,
    SpoolChanged,
    StockChanged,
    StockChecked,
)
for kind in KINDS:
    marks(kind, "filament")
