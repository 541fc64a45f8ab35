"""What happened to filament and spools."""

from dataclasses import dataclass
from uuid import UUID

from printfarm.core.events import Event


@dataclass(frozen=True, kw_only=True)
class StockChanged(Event):
    """Grams came or went; `spool_id` is None when they belong to the filament alone (unassigned)."""

    filament_id: UUID
    spool_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class FilamentChanged(Event):
    """A filament was added, edited or archived."""

    filament_id: UUID


@dataclass(frozen=True, kw_only=True)
class SpoolChanged(Event):
    """A spool's own facts (not its weight) changed."""

    spool_id: UUID


@dataclass(frozen=True, kw_only=True)
class FilamentsMerged(Event):
    """Two filaments were one: whatever names the first means the second from now on."""

    filament_id: UUID
    into_id: UUID


@dataclass(frozen=True, kw_only=True)
class BrandChanged(Event):
    """A brand was added, edited, merged into another one, or removed."""

    brand_id: UUID


@dataclass(frozen=True, kw_only=True)
class ShoppingChanged(Event):
    """What the shop wants to buy changed by a person's word: a wish, or from how many thresholds on it is urgent."""


@dataclass(frozen=True, kw_only=True)
class StockChecked(Event):
    """The cached weights were compared with the ledger, or put right from it."""


@dataclass(frozen=True, kw_only=True)
class SpoolUsed(Event):
    """A machine reported that it uses a spool; the ledger's line follows."""

    spool_id: UUID
