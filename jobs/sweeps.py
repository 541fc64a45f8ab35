"""Sweeps: whatever is owed and due is enqueued again, whoever forgot it."""

from collections.abc import Callable
from uuid import UUID

from jobs import background_job
from printfarm.core.background import FAST, SLOW, BackgroundJob, enqueue_now
from printfarm.core.owed import claim_due
from printfarm.core.work import unit_of_work
from printfarm.filament import nightly
from printfarm.files import receiving
from printfarm.fleet import enrolment

# What is owed → the background job that does it, and its queue. Areas add a line here.
DOES: dict[str, tuple[str, str]] = {
    "read-upload": ("jobs.extraction.read_upload", SLOW),
    "expire-upload": ("jobs.extraction.expire_upload", FAST),
    "forget-file": ("jobs.extraction.forget_file", FAST),
    "sweep-storage": ("jobs.extraction.sweep_storage", SLOW),
    "forget-incoming": ("jobs.extraction.forget_incoming", FAST),
    "scan-file": ("jobs.scanning.scan_file", SLOW),
    "run-import": ("jobs.importing.run_import", SLOW),
    "forget-import": ("jobs.importing.forget_import", FAST),
    "prepare-image": ("jobs.library.prepare_image", SLOW),
    "recompute-feasibility": ("jobs.queue.recompute_feasibility", FAST),
    "expire-command": ("jobs.fleet.expire_command", FAST),
    "forget-trial": ("jobs.fleet.forget_trial", FAST),
    "handle-answer": ("jobs.fleet.handle_answer", FAST),
    "handle-run-report": ("jobs.fleet.handle_run_report", FAST),
    "book-machine-use": ("jobs.spoolman.book_machine_use", FAST),
    "read-spoolman": ("jobs.spoolman.read_spoolman", SLOW),
    "take-in-spoolman": ("jobs.spoolman.take_in_spoolman", SLOW),
    "read-sheet": ("jobs.filament.read_sheet", SLOW),
    "take-in-sheet": ("jobs.filament.take_in_sheet", SLOW),
    "reindex": ("jobs.search.reindex", SLOW),
    "check-stock": ("jobs.filament.check_stock", SLOW),
}

# Called at every round as well; each finds its own work through `owed` or needs none.
ROUNDS: list[Callable[[], object]] = [receiving.sweep_drafts, enrolment.ensure_built_in_hub, nightly.promise_checks]


@background_job
def run_due() -> int:
    """Enqueue what is due; returns how many pieces. Each lease ends by itself, so a lost job comes back."""
    with unit_of_work(None) as db:
        due = [(row.kind, row.subject_id, row.shop_id) for row in claim_due(db)]
    for kind, subject_id, shop_id in due:
        _enqueue(kind, subject_id, shop_id)
    for sweep in ROUNDS:
        sweep()
    return len(due)


def _enqueue(kind: str, subject_id: UUID, shop_id: UUID) -> None:
    function, queue = DOES[kind]
    enqueue_now(BackgroundJob(function, (str(shop_id), str(subject_id)), queue))
