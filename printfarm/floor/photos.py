"""Photos of labels: taken in with a limit, decoded in a process with limits, and forgotten."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, current_app
from werkzeug.datastructures import FileStorage

from printfarm.core.errors import DomainError, Unavailable
from printfarm.files.receiving import SCRATCH, drafts_folder

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 15_000_000
# Each decoder may take a core and some hundred megabytes for a moment.
AT_ONCE, WAIT_S = 2, 15
WALL_S = 20
ANSWER_BYTES = 100_000


class BadPhoto(DomainError):
    """The picture cannot be read; the sentence says what to do instead."""

    status = 422


class TooLarge(BadPhoto):
    """More bytes than any phone's photo has."""

    status = 413


def install(app: Flask) -> None:
    """One gate for the whole process."""
    app.extensions["printfarm.photos"] = threading.BoundedSemaphore(AT_ONCE)


def codes_on(photo: FileStorage) -> list[str]:
    """The texts of the QR codes on an uploaded photo. Raises BadPhoto, and Unavailable when many are sent at once."""
    with _a_turn(), tempfile.TemporaryDirectory(dir=drafts_folder(), prefix=SCRATCH) as folder:
        path, answer = Path(folder, "photo"), Path(folder, "answer.json")
        photo.save(path)
        if path.stat().st_size > LARGEST_BYTES:
            raise too_large()
        _decode(path, answer)
        return _texts(answer)


def too_large() -> TooLarge:
    return TooLarge(
        f"This picture is larger than {LARGEST_BYTES // 1_000_000} MB. Take the photo again, or type the code."
    )


@contextmanager
def _a_turn() -> Iterator[None]:
    gate: threading.BoundedSemaphore = current_app.extensions["printfarm.photos"]
    if not gate.acquire(timeout=WAIT_S):
        raise Unavailable("Many photos are being read at this moment. Try again, or type the code.")
    try:
        yield
    finally:
        gate.release()


def _decode(path: Path, answer: Path) -> None:
    try:
        ended = subprocess.run(  # noqa: S603  # our own interpreter and module; both paths are ours
            [sys.executable, "-m", "printfarm.floor.child", str(path), str(answer)],
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=WALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as slow:
        raise BadPhoto(
            "Reading this picture took too long. Take the photo closer to the label, or type the code."
        ) from slow
    if ended.returncode != 0:
        log.warning(
            "a photo's reader ended with %s: %s", ended.returncode, ended.stderr[-2000:].decode(errors="replace")
        )
        raise BadPhoto("This picture could not be read. Take the photo again, or type the code.")


def _texts(answer: Path) -> list[str]:
    if answer.stat().st_size > ANSWER_BYTES:
        raise BadPhoto("The codes on this picture say too much to be ours. Type the code instead.")
    said = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in said:
        raise BadPhoto(said["error"])
    return [str(text) for text in said["texts"]]
