"""Background jobs: asked for inside a transaction, enqueued after its commit. The row remembers, the queue hurries."""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis import RedisError
from rq import Queue, Retry
from sqlalchemy.orm import Session

from printfarm.core import bus

log = logging.getLogger(__name__)

FAST, SLOW = "fast", "slow"


@dataclass(frozen=True)
class BackgroundJob:
    """A function in `jobs/` by name, and the ids that it gets."""

    function: str
    ids: tuple[str, ...]
    queue: str = FAST
    unique: bool = False


def enqueue_after_commit(db: Session, function: str, *ids: UUID, queue: str = FAST, unique: bool = False) -> None:
    """Ask for a background job, e.g. `jobs.extraction.read_upload`. It may run twice and must not mind.

    `unique` collapses waiting repeats of the same job into one (a debounced recomputation).
    """
    job = BackgroundJob(function, tuple(str(one) for one in ids), queue, unique)
    wanted: list[BackgroundJob] = db.info.setdefault("background", [])
    if job not in wanted:
        wanted.append(job)


def enqueue_all(wanted: list[BackgroundJob]) -> None:
    """Hand the jobs to RQ. A failure is logged, not raised: a sweep finds in the database what is owed."""
    for job in wanted:
        try:
            enqueue_now(job)
        except (RedisError, OSError) as problem:
            log.warning("could not enqueue %s now, a sweep will: %s", job.function, problem)


def enqueue_now(job: BackgroundJob) -> None:
    """Put one job on its RQ queue. Raises RedisError when Redis does not answer."""
    if job.unique and not bus.redis().set(_waiting_key(job), "1", nx=True, ex=30):
        return
    Queue(job.queue, connection=bus.redis()).enqueue(
        job.function,
        *job.ids,
        retry=Retry(max=3, interval=[1, 5, 30]),
        job_timeout=300,
        result_ttl=60,
        failure_ttl=7 * 24 * 3600,
    )


def started(function: str, *ids: Any, queue: str = FAST) -> None:
    """A unique job says that it begins: changes from now on need another run."""
    bus.redis().delete(_waiting_key(BackgroundJob(function, tuple(str(one) for one in ids), queue, unique=True)))


def _waiting_key(job: BackgroundJob) -> str:
    return f"printfarm:waiting:{job.function}:{':'.join(job.ids)}"
