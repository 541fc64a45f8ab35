"""Rules of filament: what is bought (`filaments`), the rolls of it (`spools`), their ledger (`stock`), what prints use of it
(`usage`), what is promised (`promises`).
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
    edit_spool,
    find_spool,
    restore_spool,
)
from printfarm.filament.service.stock import (
    WEIGHINGS,
    add_weight,
    set_weight,
    take_weight,
    undo_entry,
)
from printfarm.filament.service.usage import book_run, rebook_run, resolve_unassigned

__all__ = [
    "WEIGHINGS",
    "FilamentFacts",
    "SpoolFacts",
    "add_filament",
    "add_spool",
    "add_weight",
    "archive_filament",
    "archive_spool",
    "book_run",
    "edit_filament",
    "edit_spool",
    "find_filament",
    "find_spool",
    "forget_promises",
    "promise",
    "rebook_run",
    "resolve_unassigned",
    "restore_filament",
    "restore_spool",
    "set_weight",
    "take_weight",
    "undo_entry",
]
