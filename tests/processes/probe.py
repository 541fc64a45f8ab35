"""Background jobs for the tests of the workers: they leave a line in a file."""

import os
import time
from pathlib import Path


def note(path: str, text: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{text} {os.getpid()}\n")


def note_and_wait(path: str, text: str, seconds: float) -> None:
    note(path, f"{text} began")
    time.sleep(seconds)
    note(path, f"{text} ended")


def fail_once(path: str) -> None:
    first = not Path(path).exists()
    note(path, "tried")
    if first:
        raise RuntimeError("the first time it fails")
