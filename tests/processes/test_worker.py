"""The workers: jobs run, come back after a kill, and Redis may go away."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Retry

from printfarm.config import load_settings
from printfarm.processes import scheduler, worker
from printfarm.processes.valkey import command as valkey_command
from printfarm.processes.valkey import wait_for_redis
from tests.processes.running import command, environment, is_alive, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


class Stage:
    """A migrated folder, a Valkey, and workers on demand."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder = folder
        shutil.copyfile(template, folder / "printfarm.db")
        self.environment = environment(folder)
        self.settings = load_settings(self.environment)
        self.running: list[subprocess.Popen[bytes]] = []
        self.output = (folder / "output").open("wb")
        self.notes = folder / "notes"

    def valkey(self) -> subprocess.Popen[bytes]:
        (self.folder / "redis").mkdir(exist_ok=True)
        process = self._start(valkey_command(self.settings))
        assert wait_for_redis(self.settings.redis_url, 10)
        return process

    def worker(self, queue: str) -> subprocess.Popen[bytes]:
        process = self._start(command("worker", "--queue", queue))
        with Redis.from_url(self.settings.redis_url) as redis:
            until(lambda: redis.exists(worker.seen_key(queue)), 30, lambda: f"the {queue} worker shows no life")
        return process

    def queue(self, name: str) -> Queue:
        return Queue(name, connection=Redis.from_url(self.settings.redis_url))

    def lines(self) -> list[str]:
        return [line.rsplit(" ", 1)[0] for line in self.notes.read_text().splitlines()] if self.notes.exists() else []

    def pids(self) -> list[int]:
        return [int(line.rsplit(" ", 1)[1]) for line in self.notes.read_text().splitlines()]

    def until_noted(self, *lines: str, seconds: float = 30) -> None:
        until(
            lambda: self.lines() == list(lines),
            seconds,
            lambda: f"noted {self.lines()}, wanted {lines}; {(self.folder / 'output').read_text()[-2000:]}",
        )

    def close(self) -> None:
        for process in reversed(self.running):
            process.kill()
            process.wait()
        self.output.close()

    def _start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(arguments, env=self.environment, stdout=self.output, stderr=self.output)
        self.running.append(process)
        return process


@pytest.fixture
def stage(short_tmp: Path, sqlite_template: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    folder = short_tmp / f"w{os.getpid()}-{abs(hash(request.node.name)) % 10000}"
    folder.mkdir()
    made = Stage(folder, sqlite_template)
    yield made
    made.close()


@pytest.mark.parametrize("queue", worker.QUEUES)
def test_a_job_runs(stage: Stage, queue: str):
    stage.valkey()
    process = stage.worker(queue)
    stage.queue(queue).enqueue("tests.processes.probe.note", str(stage.notes), "done")
    stage.until_noted("done")
    is_fork = stage.pids() != [process.pid]
    assert is_fork == (queue == "slow"), "only the slow queue forks"


def test_a_job_of_a_killed_slow_worker_runs_again(stage: Stage):
    stage.valkey()
    first = stage.worker("slow")
    stage.queue("slow").enqueue(
        "tests.processes.probe.note_and_wait", str(stage.notes), "job", 4, retry=Retry(max=3), job_timeout=60
    )
    stage.until_noted("job began")
    fork = stage.pids()[0]
    first.kill()
    first.wait()
    until(lambda: not is_alive(fork), 5, lambda: "the fork outlived its worker")
    stage.worker("slow")
    stage.until_noted("job began", "job began", "job ended", seconds=75)


def test_a_job_of_a_killed_fast_worker_runs_again(stage: Stage):
    stage.valkey()
    first = stage.worker("fast")
    stage.queue("fast").enqueue(
        "tests.processes.probe.note_and_wait", str(stage.notes), "job", 3, retry=Retry(max=3), job_timeout=60
    )
    stage.until_noted("job began")
    first.kill()
    first.wait()
    stage.worker("fast")
    stage.until_noted("job began", "job began", "job ended", seconds=75)


def test_a_long_fast_job_is_not_mistaken_for_a_lost_one(stage: Stage):
    stage.valkey()
    stage.worker("fast")
    seconds = worker.JOB_TTL_S + 2 * worker.MAINTENANCE_S
    queue = stage.queue("fast")
    queue.enqueue("tests.processes.probe.note_and_wait", str(stage.notes), "job", seconds, job_timeout=120)
    stage.until_noted("job began")
    while len(stage.lines()) < 2:
        queue.started_job_registry.cleanup()  # what another worker's maintenance would do
        time.sleep(1)
    assert stage.lines() == ["job began", "job ended"]


def test_a_delayed_retry_is_taken_up_by_the_scheduler(stage: Stage):
    stage.valkey()
    stage.worker("fast")
    stage.worker("slow")
    stage.queue("slow").enqueue(
        "tests.processes.probe.fail_once", str(stage.notes), retry=Retry(max=2, interval=[1, 1])
    )
    stage.until_noted("tried", "tried")


@pytest.mark.parametrize("queue", worker.QUEUES)
def test_redis_may_be_killed_and_come_back(stage: Stage, queue: str):
    valkey = stage.valkey()
    process = stage.worker(queue)
    valkey.kill()
    valkey.wait()
    time.sleep(1)
    assert process.poll() is None
    stage.valkey()
    stage.queue(queue).enqueue("tests.processes.probe.note", str(stage.notes), "after")
    stage.until_noted("after")
    assert process.poll() is None


def test_a_worker_waits_for_a_redis_that_comes_late(stage: Stage):
    process = stage._start(command("worker", "--queue", "fast"))
    time.sleep(3)
    assert process.poll() is None
    stage.valkey()
    stage.queue("fast").enqueue("tests.processes.probe.note", str(stage.notes), "late")
    stage.until_noted("late")


@pytest.mark.parametrize("queue", worker.QUEUES)
def test_an_idle_worker_stops_quickly(stage: Stage, queue: str):
    stage.valkey()
    process = stage.worker(queue)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0  # RQ waits 20 s for its queue


@pytest.mark.parametrize("queue", worker.QUEUES)
def test_an_idle_worker_stops_while_redis_is_away(stage: Stage, queue: str):
    """As when the supervisor is killed: Redis and the workers are asked to end in the same moment."""
    valkey = stage.valkey()
    process = stage.worker(queue)
    valkey.kill()
    valkey.wait()
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) in {0, -signal.SIGTERM}  # between two tries there is nothing to end, so the signal ends it


@pytest.mark.parametrize("queue", worker.QUEUES)
def test_a_busy_worker_ends_its_job_and_stops_while_redis_is_away(stage: Stage, queue: str):
    valkey = stage.valkey()
    process = stage.worker(queue)
    stage.queue(queue).enqueue("tests.processes.probe.note_and_wait", str(stage.notes), "job", 3, job_timeout=60)
    stage.until_noted("job began")
    valkey.kill()
    valkey.wait()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert stage.lines() == ["job began", "job ended"]


def test_a_worker_that_waits_for_redis_again_stops(stage: Stage):
    """Between two tries there is no RQ worker that would hear the signal."""
    valkey = stage.valkey()
    process = stage.worker("slow")
    stage.queue("slow").enqueue("tests.processes.probe.note_and_wait", str(stage.notes), "job", 1, job_timeout=60)
    stage.until_noted("job began")
    valkey.kill()
    valkey.wait()
    until(lambda: b"starts again" in (stage.folder / "output").read_bytes(), 60)
    process.send_signal(signal.SIGTERM)
    process.wait(10)


def test_a_second_worker_of_one_queue_in_one_folder_is_refused(stage: Stage):
    stage.valkey()
    stage.worker("fast")
    second = subprocess.run(
        command("worker", "--queue", "fast"),
        env=stage.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 2
    assert "worker-fast is already running" in second.stderr


def test_one_scheduler_holds_the_lease_and_a_stopped_one_gives_it_back(stage: Stage):
    stage.valkey()
    process = stage.worker("fast")
    with Redis.from_url(stage.settings.redis_url) as redis:
        until(lambda: redis.exists(scheduler.LEASE_KEY), 10)
        holder = redis.get(scheduler.LEASE_KEY)
        assert redis.eval(scheduler.TAKE_OR_EXTEND, 1, scheduler.LEASE_KEY, "somebody-else", 10) == 0
        assert redis.get(scheduler.LEASE_KEY) == holder
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert redis.eval(scheduler.TAKE_OR_EXTEND, 1, scheduler.LEASE_KEY, "somebody-else", 10) == 1
