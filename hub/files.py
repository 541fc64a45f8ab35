"""Sliced files on their way from web to a printer: fetched once, checked by size and hash, kept for the next printer."""

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock
from uuid import uuid4

import httpx

from hub.adapters.base import TransferCancelledError, TransferError
from hub.protocol import PrintCommand

log = logging.getLogger("hub.files")

_CHUNK_BYTES = 65_536
_PAUSE_S = 2.0
_TIMEOUT = httpx.Timeout(30, read=60)

EXPIRED = "The link to the file has expired. Start the print again."


class FileStore:
    """Keeps at most about `most_bytes` of files, the latest used; safe to call from every transfer thread. While web does not
    answer it is asked again for `patience_s` seconds.
    """

    def __init__(self, folder: Path, most_bytes: int = 2_000_000_000, patience_s: float = 300) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._patience_s = patience_s
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob("*.part"):
            leftover.unlink()

    def fetch(self, command: PrintCommand, cancelled: Event) -> Path:
        """The file's path. Raises TransferError with a sentence."""
        path = self._folder / f"{command.sha256}.gcode.3mf"
        with self._lock:
            lock = self._locks.setdefault(command.sha256, Lock())
        with lock:
            if path.exists() and path.stat().st_size == command.size_bytes and _hash(path) == command.sha256:
                path.touch()
                return path
            self._make_room(command.size_bytes)
            self._download(command, path, cancelled)
        return path

    def _download(self, command: PrintCommand, path: Path, cancelled: Event) -> None:
        until = time.monotonic() + self._patience_s
        while not self._try_download(command, path, cancelled, is_last=time.monotonic() >= until):
            if cancelled.wait(_PAUSE_S):
                raise TransferCancelledError

    def _try_download(self, command: PrintCommand, path: Path, cancelled: Event, *, is_last: bool) -> bool:
        """False when web is away for the moment: it restarts, or the network has a gap."""
        part = path.with_name(f"{uuid4().hex}.part")
        try:
            with part.open("wb") as file:
                _receive(command, file.write, cancelled)
            part.replace(path)
        except httpx.HTTPError as error:
            if not is_last:
                log.info("the file cannot be fetched right now, trying again: %s", type(error).__name__)
                return False
            raise TransferError(
                "file_unreachable", "The hub could not fetch the file from PrintFarm. Try again."
            ) from error
        except OSError as error:
            raise TransferError(
                "hub_disk", f"The hub could not store the file: {error.strerror}. Free some space."
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return True

    def _make_room(self, wanted_bytes: int) -> None:
        files = sorted(self._folder.glob("*.gcode.3mf"), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in files) + wanted_bytes
        for path in files:
            if total <= self._most_bytes or time.time() - path.stat().st_mtime < 3600:
                return
            total -= path.stat().st_size
            path.unlink()


def _receive(command: PrintCommand, write: Callable[[bytes], object], cancelled: Event) -> None:
    digest, sent_md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with httpx.stream("GET", command.file_url, timeout=_TIMEOUT, follow_redirects=True) as answer:
        if answer.status_code in {400, 401, 403, 404, 410}:
            raise TransferError("file_gone", EXPIRED)
        answer.raise_for_status()
        for chunk in answer.iter_bytes(_CHUNK_BYTES):
            if cancelled.is_set():
                raise TransferCancelledError
            size += len(chunk)
            if size > command.size_bytes:
                break
            digest.update(chunk)
            sent_md5.update(chunk)
            write(chunk)
    if (
        size != command.size_bytes
        or digest.hexdigest() != command.sha256
        or sent_md5.hexdigest().upper() != command.md5
    ):
        raise TransferError("file_damaged", "The file that PrintFarm sent is not the one that was ordered. Try again.")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
