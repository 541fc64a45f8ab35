"""`printfarm up` as a real process, in a folder of its own."""

import http.client
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from printfarm.processes.lock import running_pid

ROOT = Path(__file__).parents[2]
PROGRAMS = ("redis", "worker-slow", "worker-fast", "web")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRINTFARM_")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PRINTFARM_DATA_DIR": str(data_dir),
        "PRINTFARM_HOST": "127.0.0.1",
        "PRINTFARM_HUB": "off",
        **more,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "printfarm.cli", *arguments]


def run(data_dir: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        command(*arguments), env=environment(data_dir, **more), capture_output=True, text=True, timeout=120, check=False
    )


class Up:
    """A running PrintFarm (`up`, or another command that starts all of it); leaves no process behind."""

    def __init__(self, data_dir: Path, *arguments: str, **more: str) -> None:
        self.data_dir = data_dir
        self.port = int(more.setdefault("PRINTFARM_PORT", str(free_port())))
        self.environment = environment(data_dir, **more)
        self.lines: list[str] = []
        self._new: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            command(*(arguments or ("up",))),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_for(self, text: str, seconds: float = 90) -> str:
        """The next line that holds the text."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._new.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line with {text!r} within {seconds} s; lines: {self.lines[-40:]}") from None
            if text in line:
                return line

    def ready(self) -> "Up":
        self.wait_for("PrintFarm is ready")
        return self

    def pid(self, program: str) -> int | None:
        return running_pid(self.data_dir, program)

    def pids(self) -> dict[str, int | None]:
        return {program: self.pid(program) for program in PROGRAMS}

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def becomes_ready_again(self, seconds: float = 90) -> None:
        until(self._is_ready, seconds, lambda: f"/readyz does not answer 200: {self.lines[-30:]}")

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz") == 200
        except OSError:
            return False

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            self._new.put(line.rstrip())


def until(condition, seconds: float, complaint=lambda: "it did not happen") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Running; a zombie that its parent has not reaped yet does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
