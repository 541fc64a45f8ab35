"""The states of jobs and runs, and the only ways between them."""

from printfarm.core.errors import DomainError
from printfarm.queue.models import PrintJob, PrintRun

JOB_MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset({"processing", "cancelled"}),
    # On its way to the printer. A start that came to nothing ends here too.
    "processing": frozenset({"uploaded", "printing", "paused", "completed", "failed", "cancelled", "queued"}),
    "uploaded": frozenset({"printing", "paused", "completed", "failed", "cancelled", "queued"}),
    "printing": frozenset({"paused", "completed", "failed", "cancelled", "queued"}),
    "paused": frozenset({"printing", "completed", "failed", "cancelled", "queued"}),
    "completed": frozenset(),
    "failed": frozenset({"queued", "cancelled"}),  # retry, or let it be
    "cancelled": frozenset({"queued"}),
}

RUN_MOVES: dict[str, frozenset[str]] = {
    "starting": frozenset({"running", "paused", "unknown", "completed", "failed", "cancelled"}),
    "running": frozenset({"paused", "unknown", "completed", "failed", "cancelled"}),
    "paused": frozenset({"running", "unknown", "completed", "failed", "cancelled"}),
    # Evidence may still turn up, or a person settles it.
    "unknown": frozenset({"running", "paused", "completed", "failed", "cancelled"}),
    "completed": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}


class NotFromHere(DomainError):
    """The job or run is in a state from which this cannot be done."""


def move_job_state(job: PrintJob, to: str) -> bool:
    """Change a job's state; False when it is there already. Raises NotFromHere."""
    if job.state == to:
        return False
    if to not in JOB_MOVES[job.state]:
        raise NotFromHere(f"{job.name} is {job.state} now. Look again, then decide.")
    job.state = to
    return True


def move_run_state(run: PrintRun, to: str) -> bool:
    """Change a run's state; False when it is there already, or has ended (a late report changes nothing)."""
    if run.state == to or to not in RUN_MOVES[run.state]:
        return False
    run.state = to
    return True
