"""Reads one file in a process of its own: `python -m printfarm.files.child FILE FOLDER`.

A hostile file can then hurt only this process, which has limits on memory, time and what it writes. It leaves
`reading.json` and the pictures, encoded anew, in the folder.
"""

import atexit
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from printfarm.files.picture_sizes import SIDES_PX
from printfarm.files.readers import (
    FileReading,
    Limits,
    Thumbnail,
    UnreadableFile,
    draw_plate,
    read_file,
    thumbnail_webp,
)

MIB = 1024 * 1024
MEMORY_BYTES = 1536 * MIB
CPU_S = 40
MOST_DRAWN = 8  # plates; of a file with more, the others are shown without
DRAWS_UNTIL_S = 17.0  # a drawing takes some seconds, and the parent waits for thirty
OUTPUT_BYTES = 64 * MIB
LIMITS = Limits(seconds=25.0)


def main(arguments: Sequence[str]) -> int:
    """Read the file; the answer is always in `reading.json`, also when the file is refused."""
    source, folder = Path(arguments[0]), Path(arguments[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for whoever started this process
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each thread of numpy's would take its share of the memory
    limit_this_process()
    started_s = time.monotonic()
    try:
        reading = read_file(source, limits=LIMITS)
        answer: dict[str, Any] = {
            "ok": True,
            "reading": {
                **reading.to_json(),
                "raw": dict(reading.raw),
                "scan_plans": [plate.scan_plan.to_json() for plate in reading.plates if plate.scan_plan],
            },
            "pictures": list(_write_pictures(reading, folder, started_s)),
        }
    except UnreadableFile as refusal:
        answer = {"ok": False, "error": refusal.sentence}
    except MemoryError:
        answer = {"ok": False, "error": "This file needs too much memory to be read."}
    (folder / "reading.json").write_text(json.dumps(storable(answer), allow_nan=False), encoding="utf-8")
    return 0


def storable(value: Any) -> Any:
    """The same without what no database keeps as text: NUL characters and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "�").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(inner) for inner in value]
    return value


def limit_this_process(*, cpu_s: int = CPU_S) -> None:
    """Bound memory, processor time and the size of files written. Systems without such limits go without."""
    atexit.register(gc.freeze)  # nor does it look for garbage before it ends: that takes as long as a small file
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {resource.RLIMIT_AS: MEMORY_BYTES, resource.RLIMIT_CPU: cpu_s, resource.RLIMIT_FSIZE: OUTPUT_BYTES}
    for what, most in {**wanted, resource.RLIMIT_CORE: 0}.items():
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _write_pictures(reading: FileReading, folder: Path, started_s: float) -> Iterator[dict[str, Any]]:
    """A picture for each plate: its own, else the file's cover, else one that we draw while there is time."""
    written = [
        found for plate in reading.plates if (found := _write_first_whole(plate.thumbnails, plate.index, folder))
    ]
    if not written and (cover := _write_first_whole(reading.thumbnails, 0, folder)):
        written = [cover]
    else:
        shown = {found["plate"] for found in written}
        for plate in [plate for plate in reading.plates if plate.index not in shown][:MOST_DRAWN]:
            if time.monotonic() - started_s > DRAWS_UNTIL_S:
                break
            written += filter(None, [_write_first_whole([draw_plate(reading, plate.index)], plate.index, folder)])
    yield from written


def _write_first_whole(candidates: Sequence[Thumbnail], plate: int, folder: Path) -> dict[str, Any] | None:
    """The first picture that is not damaged, in every size; a plate without one is shown without."""
    for picture in candidates:
        try:
            encoded = {kind: thumbnail_webp(picture, max_side_px=side) for kind, side in SIDES_PX.items()}
        except UnreadableFile:
            continue
        for kind, content in encoded.items():
            (folder / f"{plate}-{kind}.webp").write_bytes(content)
        shrunk = min(1.0, SIDES_PX["picture"] / max(picture.width, picture.height))
        width, height = (max(1, round(side * shrunk)) for side in (picture.width, picture.height))
        return {"plate": plate, "width": width, "height": height}
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
