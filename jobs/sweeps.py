"""Sweeps: whatever is owed and due is enqueued again, whoever forgot it."""

from collections.abc import Callable
from uuid import UUID

from jobs import background_job
from printfarm.core.background import BackgroundJob, enqueue_now
from printfarm.core.owed import claim_due
from printfarm.core.work import unit_of_work

# What is owed → the background job that does it, and its queue. Areas add a line here.
DOES: dict[str, tuple[str, str]] = {}

# Called at every round as well; each finds its own work through `owed` or needs none.
ROUNDS: list[Callable[[], None]] = []


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
