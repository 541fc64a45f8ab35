"""Counts the moves of one file in a process of its own: `python -m printfarm.files.scan_child FILE FOLDER`.

The folder holds `plan.json`: what to count, and what an earlier count kept. Every second (or `every_s`) it writes anew into
`kept.json` how far it is, and at the end `result.json`. When the worker that began it is gone, it ends too.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from printfarm.files.child import limit_this_process
from printfarm.files.readers import UnreadableFile
from printfarm.files.readers.scan import Scan
from printfarm.files.readers.scan_plan import ScanPlan

CPU_S = 600
KEEP_EVERY_S = 1.0


def main(arguments: Sequence[str]) -> int:
    """Count; the answer is always in `result.json`, also when the file is refused."""
    source, folder = Path(arguments[0]), Path(arguments[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for whoever started this process
    limit_this_process(cpu_s=CPU_S)
    task = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    try:
        scan = Scan(source, [ScanPlan.from_json(plan) for plan in task["plans"]], task["kept"])
        keeper = _Keeper(scan, folder / "kept.json", task.get("every_s", KEEP_EVERY_S))
        found = scan.run(keeper.tick)
        answer: dict[str, Any] = {"ok": True, "plates": [plate.to_json() for plate in found]}
    except UnreadableFile as refusal:
        answer = {"ok": False, "error": refusal.sentence}
    except MemoryError:
        answer = {"ok": False, "error": "This file needs too much memory to be counted."}
    (folder / "result.json").write_text(json.dumps(answer, allow_nan=False), encoding="utf-8")
    return 0


class _Keeper:
    """Writes down now and then where the count is."""

    def __init__(self, scan: Scan, path: Path, every_s: float) -> None:
        self._scan = scan
        self._path = path
        self._every_s = every_s
        self._parent = os.getppid()
        self._kept_at = time.monotonic()

    def tick(self) -> None:
        now = time.monotonic()
        if now - self._kept_at < self._every_s:
            return
        self._kept_at = now
        if os.getppid() != self._parent:
            sys.exit("The worker is gone.")
        draft = self._path.with_suffix(".part")
        draft.write_text(json.dumps({"percent": self._scan.percent, "scan": self._scan.to_json()}), encoding="utf-8")
        draft.replace(self._path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
