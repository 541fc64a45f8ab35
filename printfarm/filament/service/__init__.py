"""Rules of filament: what is bought (`filaments`), the rolls of it (`spools`), their ledger (`stock`), what prints use of it
(`usage`), what is wound from roll to roll (`winding`), what is promised (`promises`).
"""

from printfarm.filament.service.filaments import (
    FilamentFacts,
    add_filament,
    archive_filament,
    edit_filament,
    find_filament,
    restore_filament,
)
from printfarm.filament.service.promises import forget_promises, promise
from printfarm.filament.service.spools import (
    SpoolFacts,
    add_spool,
    archive_spool,
    discard_spool,
    edit_spool,
    empty_spool,
    find_spool,
    mark_loaded,
    mark_unloaded,
    note_dried,
    open_spool,
    order_spool,
    receive_ordered,
    receive_spools,
    restore_spool,
)
from printfarm.filament.service.stock import BelowZero
from printfarm.filament.service.undoing import undo_entry
from printfarm.filament.service.usage import book_run, rebook_run, resolve_unassigned
from printfarm.filament.service.weighing import (
    WEIGHINGS,
    NoTare,
    add_weight,
    read_scale,
    set_weight,
    take_weight,
    tare_of,
)
from printfarm.filament.service.winding import merge_spools, split_spool

__all__ = [
    "WEIGHINGS",
    "BelowZero",
    "FilamentFacts",
    "NoTare",
    "SpoolFacts",
    "add_filament",
    "add_spool",
    "add_weight",
    "archive_filament",
    "archive_spool",
    "book_run",
    "discard_spool",
    "edit_filament",
    "edit_spool",
    "empty_spool",
    "find_filament",
    "find_spool",
    "forget_promises",
    "mark_loaded",
    "mark_unloaded",
    "merge_spools",
    "note_dried",
    "open_spool",
    "order_spool",
    "promise",
    "read_scale",
    "rebook_run",
    "receive_ordered",
    "receive_spools",
    "resolve_unassigned",
    "restore_filament",
    "restore_spool",
    "set_weight",
    "split_spool",
    "take_weight",
    "tare_of",
    "undo_entry",
]
