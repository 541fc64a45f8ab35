"""Every process holds a lock file, so that orphans of a killed supervisor never double, and dies with its parent."""

import ctypes
import fcntl
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)
PARENT_VARIABLE = "PRINTFARM_SUPERVISOR_PID"  # set by `printfarm up` for its children


class AlreadyRunning(Exception):
    """Another process holds the lock; `pid` is what it wrote, or None."""

    def __init__(self, path: Path, pid: int | None) -> None:
        super().__init__(f"{path.stem} is already running in {path.parent.parent} as process {pid or 'unknown'}")
        self.pid = pid


def lock_path(data_dir: Path, name: str) -> Path:
    return data_dir / "locks" / f"{name}.lock"


def take_lock(data_dir: Path, name: str, *, wait_s: float = 0) -> IO[str]:
    """Hold `<data>/locks/<name>.lock` until this process and its children that inherit the file end.

    Writes the process id into it. Raises AlreadyRunning when another process still holds it after `wait_s` seconds.
    """
    path = lock_path(data_dir, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    if not _try_for(file, wait_s):
        pid = _read_pid(file)
        file.close()
        raise AlreadyRunning(path, pid)
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
    os.set_inheritable(file.fileno(), True)
    return file


def running_pid(data_dir: Path, name: str) -> int | None:
    """The process that holds this lock now, or None."""
    path = lock_path(data_dir, name)
    if not path.exists():
        return None
    with path.open("a+") as file:
        if _try_for(file, 0):
            return None
        return _read_pid(file)


def wait_until_free(data_dir: Path, names: list[str], seconds: float) -> list[str]:
    """Wait for leftovers of a killed run to stop; returns the names that still run."""
    deadline = time.monotonic() + seconds
    while True:
        held = [name for name in names if running_pid(data_dir, name) is not None]
        if not held or time.monotonic() > deadline:
            return held
        time.sleep(0.1)


def die_with_parent() -> None:
    """End when the supervisor is killed, even by kill -9. Does nothing in a process that was started alone."""
    expected = os.environ.get(PARENT_VARIABLE)
    if expected is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    else:
        threading.Thread(target=_watch_parent, args=(int(expected),), daemon=True, name="watch-parent").start()
    if os.getppid() != int(expected):
        sys.exit("The supervisor has gone; stopping.")


def die_with_this_parent() -> None:
    """The same for a process that was just forked by a process of ours (a gunicorn worker, an RQ work horse)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _watch_parent(expected: int) -> None:
    while os.getppid() == expected:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _try_for(file: IO[str], wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _read_pid(file: IO[str]) -> int | None:
    file.seek(0)
    text = file.read().strip()
    return int(text) if text.isdigit() else None
