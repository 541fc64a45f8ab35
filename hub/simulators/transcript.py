"""What was said, in both directions, one JSON object a line, so that a failing test can be read."""

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEPT_ENTRIES = 5000
SHOWN_CHARACTERS = 4000
FILE_LIMIT_BYTES = 20 * 1024 * 1024


class Transcript:
    """Keeps the last entries in memory, and appends to a file when it has one.

    A file that has grown too long becomes `<name>.old`, so that a farm can run for weeks.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.entries: deque[dict[str, Any]] = deque(maxlen=KEPT_ENTRIES)
        self._lock = threading.Lock()
        self._stream = path.open("a", encoding="utf-8") if path else None

    def note(self, kind: str, text: str = "", **more: object) -> None:
        entry = {"at": round(time.time(), 3), "kind": kind, "text": text[:SHOWN_CHARACTERS], **more}
        with self._lock:
            self.entries.append(entry)
            if self._stream is not None:
                self._stream.write(json.dumps(entry, default=str) + "\n")
                self._stream.flush()
                self._turn_over()

    def _turn_over(self) -> None:
        if self.path is None or self._stream is None or self._stream.tell() < FILE_LIMIT_BYTES:
            return
        self._stream.close()
        self.path.replace(self.path.with_name(f"{self.path.name}.old"))
        self._stream = self.path.open("a", encoding="utf-8")

    def of_kind(self, kind: str) -> list[Mapping[str, Any]]:
        with self._lock:
            return [entry for entry in self.entries if entry["kind"] == kind]

    def close(self) -> None:
        with self._lock:
            if self._stream is not None:
                self._stream.close()
                self._stream = None
