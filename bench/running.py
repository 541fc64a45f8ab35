"""A whole PrintFarm for a measurement: `printfarm up` in a folder of its own, as the tests run it, and who is in it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes.running import Up


@contextmanager
def printfarm(**settings: str) -> Iterator[Up]:
    """Started and ready, on a free port of loopback; stopped and forgotten at the end."""
    with tempfile.TemporaryDirectory(prefix="pf-bench-") as folder, Up(Path(folder) / "data", **settings) as up:
        up.wait_for("PrintFarm is ready", 180)
        yield up
