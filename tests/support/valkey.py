"""A real Valkey on a Unix socket, one per test process."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError

from printfarm.processes.valkey import server_binary


@contextmanager
def running(folder: Path) -> Iterator[str]:
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [server_binary(), *("--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "")],
        stdout=subprocess.DEVNULL,
    )
    url = f"unix://{socket}"
    try:
        _wait(url)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def flush(url: str) -> None:
    with Redis.from_url(url) as client:
        client.flushall()


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            with Redis.from_url(url) as client:
                client.ping()
        except RedisError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the test's Valkey did not start")
