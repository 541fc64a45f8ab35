"""Reads one file in a process of its own: `python -m printfarm.files.child FILE FOLDER`.

A hostile file can then hurt only this process, which has limits on memory, time and what it writes. It leaves
`reading.json` and the pictures, encoded anew, in the folder.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from printfarm.files.picture_sizes import SIDES_PX
from printfarm.files.readers import FileReading, Limits, Thumbnail, UnreadableFile, read_file, thumbnail_webp

MIB = 1024 * 1024
MEMORY_BYTES = 1536 * MIB
CPU_S = 40
OUTPUT_BYTES = 64 * MIB
LIMITS = Limits(seconds=25.0)


def main(arguments: Sequence[str]) -> int:
    """Read the file; the answer is always in `reading.json`, also when the file is refused."""
    source, folder = Path(arguments[0]), Path(arguments[1])
    limit_this_process()
    try:
        reading = read_file(source, limits=LIMITS)
        answer: dict[str, Any] = {
            "ok": True,
            "reading": {**reading.to_json(), "raw": dict(reading.raw)},
            "pictures": list(_write_pictures(reading, folder)),
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


def limit_this_process() -> None:
    """Bound memory, processor time and the size of files written. Systems without such limits go without."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {resource.RLIMIT_AS: MEMORY_BYTES, resource.RLIMIT_CPU: CPU_S, resource.RLIMIT_FSIZE: OUTPUT_BYTES}
    for what, most in {**wanted, resource.RLIMIT_CORE: 0}.items():
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _write_pictures(reading: FileReading, folder: Path) -> Iterator[dict[str, Any]]:
    for plate in reading.plates:
        written = _write_first_whole(plate.thumbnails, plate.index, folder)
        if written:
            yield written
    if reading.thumbnails and not any(plate.thumbnails for plate in reading.plates):
        written = _write_first_whole(reading.thumbnails, 0, folder)
        if written:
            yield written


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
