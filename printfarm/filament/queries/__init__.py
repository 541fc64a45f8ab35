"""What screens and decisions need to know of filament, each in a fixed number of statements."""

from printfarm.filament.queries.filaments import (
    FilamentMatch,
    FilamentStock,
    list_filaments,
    match_filaments,
    materials_in_use,
    promised_by_filament,
    stock_by_filament,
    stock_of,
)
from printfarm.filament.queries.ledger import (
    LedgerLine,
    choices_for,
    count_unassigned,
    drifted_spools,
    ledger_of,
    people,
    unassigned_entries,
)
from printfarm.filament.queries.spools import (
    StockTotals,
    list_spools,
    spools_of,
    stock_totals,
)

__all__ = [
    "FilamentMatch",
    "FilamentStock",
    "LedgerLine",
    "StockTotals",
    "choices_for",
    "count_unassigned",
    "drifted_spools",
    "ledger_of",
    "list_filaments",
    "list_spools",
    "match_filaments",
    "materials_in_use",
    "people",
    "promised_by_filament",
    "spools_of",
    "stock_by_filament",
    "stock_of",
    "stock_totals",
    "unassigned_entries",
]
