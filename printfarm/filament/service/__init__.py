"""Rules of filament: what exists (`catalogue`), what lies there (`stock`), what prints use of it
(`usage`), what is promised (`promises`).
"""

from printfarm.filament.service.catalogue import (
    FilamentFacts,
    SpoolFacts,
    add_filament,
    add_spool,
    archive_filament,
    archive_spool,
    edit_filament,
    edit_spool,
    find_filament,
    find_spool,
    restore_filament,
    restore_spool,
)
from printfarm.filament.service.promises import forget_promises, promise
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
