"""Rules of filament: what exists (`catalogue`), what lies there (`stock`), what is promised (`promises`)."""

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
    book_run,
    resolve_unassigned,
    set_weight,
    take_weight,
    undo_entry,
)

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
    "resolve_unassigned",
    "restore_filament",
    "restore_spool",
    "set_weight",
    "take_weight",
    "undo_entry",
]
