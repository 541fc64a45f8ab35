"""The worker process: RQ on one queue, a sign of life in Redis, and in the fast worker the scheduler.

The fast queue runs its jobs in this process, one after the other: they are short, and a fork would cost more than most of
them. The slow queue forks for each job, so that a hostile file can exhaust only the fork.
"""

import logging
import signal
import threading
import time
from contextlib import suppress
from types import FrameType

from redis import Redis, RedisError
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.worker import BaseWorker, SimpleWorker, Worker, WorkerStatus

from printfarm.config import Settings
from printfarm.processes import logs, scheduler
from printfarm.processes.lock import die_with_parent, die_with_this_parent, take_lock
from printfarm.processes.valkey import wait_for_redis

log = logging.getLogger(__name__)

QUEUES = ("fast", "slow")
SEEN_EVERY_S = 5
SEEN_FOR_S = 20
# With RQ's defaults a job of a killed worker comes back after about seven minutes; measured with these: about half a minute.
WORKER_TTL_S, MONITORING_S, MAINTENANCE_S = 35, 5, 10
JOB_TTL_S = 20  # a running job that shows no life for so long was lost


def seen_key(queue: str) -> str:
    """Where a worker says that it lives; /readyz reads it."""
    return f"printfarm:seen:worker:{queue}"


class Stoppable(BaseWorker):
    """Knows whether it stopped because it was asked to, or because something went wrong."""

    asked_to_stop = False

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.asked_to_stop = True
        with suppress(RedisError, OSError):  # RQ writes down that it was asked; the job in hand must not fail for that
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ types it in part

    def get_heartbeat_ttl(self, job: Job) -> int:  # noqa: ARG002  # RQ asks per job
        return JOB_TTL_S


class FastWorker(Stoppable, SimpleWorker):
    """Runs the job in this process, and shows beside it that the job lives."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        self.prepare_execution(job)
        over = threading.Event()
        beat = threading.Thread(target=self._beat, args=(job, over), daemon=True, name="job-heartbeat")
        beat.start()
        try:
            self.perform_job(job, queue)
        finally:
            over.set()
            beat.join()
        self.set_state(WorkerStatus.IDLE)

    def _beat(self, job: Job, over: threading.Event) -> None:
        while not over.wait(MONITORING_S):
            try:
                self.maintain_heartbeats(job)
            except (RedisError, OSError) as problem:
                log.debug("could not show that a job lives: %s", problem)


class SlowWorker(Stoppable, Worker):
    """Forks for each job; the fork dies with the worker and shares none of its connections."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_this_parent()
        _forget_connections()
        super().main_work_horse(job, queue)


def run(settings: Settings, queue: str) -> None:
    """Work until SIGTERM. Redis being away is waited for, never fatal."""
    from printfarm.processes.application import fenced_app

    logs.configure(settings.log_level)
    die_with_parent()
    with take_lock(settings.data_dir, f"worker-{queue}", wait_s=5):
        app = fenced_app(settings)
        stop = threading.Event()
        threads = [threading.Thread(target=_show_life, args=(settings.redis_url, queue, stop), daemon=True)]
        if queue == "fast":
            threads.append(threading.Thread(target=scheduler.run, args=(app, settings.redis_url, stop), daemon=True))
        for thread in threads:
            thread.start()
        with app.app_context():
            _work_until_stopped(settings.redis_url, queue)
        stop.set()
        for thread in threads:
            thread.join(3)


def connect(url: str) -> Redis:
    """A client of its own for a thread that waits in Redis; short hiccups are retried inside."""
    return Redis.from_url(
        url,
        socket_connect_timeout=5,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), 5),
    )


def _work_until_stopped(url: str, queue: str) -> None:
    kind: type[Stoppable] = FastWorker if queue == "fast" else SlowWorker
    while True:
        if not wait_for_redis(url, 5):
            log.warning("Redis does not answer yet; still trying")
            continue
        worker: Stoppable | None = None
        try:
            worker = kind(
                [queue],
                connection=connect(url),
                log_job_description=False,
                worker_ttl=WORKER_TTL_S,
                job_monitoring_interval=MONITORING_S,
                maintenance_interval=MAINTENANCE_S,
            )
            worker.max_connection_wait_time = 5.0
            worker.work(logging_level="WARNING")
        except (RedisError, OSError) as problem:
            log.warning("lost Redis: %s", problem)
        # From here to the next worker nothing is held, and the last one's handlers would only write into it.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # Asked also when Redis was lost: both happen in the same moment when the supervisor is killed.
        if worker is not None and worker.asked_to_stop:
            return
        log.warning("the worker starts again")
        time.sleep(0.5)


def _show_life(url: str, queue: str, stop: threading.Event) -> None:
    client = connect(url)
    while not stop.is_set():
        try:
            client.set(seen_key(queue), int(time.time()), ex=SEEN_FOR_S)
        except (RedisError, OSError) as problem:
            log.debug("could not show life: %s", problem)
        stop.wait(SEEN_EVERY_S)


def _forget_connections() -> None:
    """A fork must not speak over its parent's database connections."""
    from printfarm.core.database import db

    db.engine.dispose(close=False)
