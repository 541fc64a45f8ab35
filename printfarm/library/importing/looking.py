"""Look into one file or picture: is it readable, is it here already, what does it want? Nothing of it is kept but that."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from printfarm.core.storage import SCRATCH
from printfarm.files.extraction import TICK_S, ReadingBroke, read_in_child, refuse_unprintable
from printfarm.files.readers import UnreadableFile
from printfarm.files.readers.results import Json
from printfarm.files.receiving import drafts_folder, limit_bytes
from printfarm.files.service import Received
from printfarm.library import guesses, image_work
from printfarm.library.guesses import WantedFilament
from printfarm.library.image_kinds import why_not
from printfarm.library.importing.sources import Source, chunks_of

HEAD_BYTES = 4096
EMPTY = "This file is empty."
MOST_SLOTS, LONGEST = 64, 120


@dataclass(frozen=True)
class Looked:
    """What is known of a file now. `problem` is a sentence; then nothing else counts."""

    sha256: str
    found: dict[str, Any] | None = None
    problem: str | None = None


def look_into(
    source: Source, place: str, kind: str, is_known: Callable[[str], bool], tick: Callable[[], None]
) -> Looked:
    """Read it to its end. A file whose bytes are known (`is_known` of its hash) is not read by a reader."""
    with tempfile.TemporaryDirectory(dir=drafts_folder(), prefix=SCRATCH) as scratch:
        copy = Path(scratch, "file")
        most = limit_bytes() if kind == "file" else image_work.LARGEST_BYTES
        try:
            sha256 = copy_out(source, place, copy, most, tick).sha256
            if is_known(sha256):
                return Looked(sha256)
            if kind == "picture":
                return Looked(sha256, problem=why_not(_head(copy)))
            answer = read_in_child(copy, Path(scratch), tick=tick)
            refuse_unprintable(answer["reading"])
            return Looked(sha256, found=summary(answer["reading"]))
        except UnreadableFile as refusal:
            return Looked("", problem=refusal.sentence)
        except ReadingBroke as problem:
            return Looked("", problem=str(problem))


def copy_out(source: Source, place: str, to: Path, most_bytes: int, tick: Callable[[], None]) -> Received:
    """Copy one file to where only we read it; `tick` is called now and then. Raises UnreadableFile."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    told_at = time.monotonic()
    with to.open("wb") as out:
        for chunk in chunks_of(source, place, most_bytes):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
            out.write(chunk)
            if time.monotonic() - told_at > TICK_S:
                told_at = time.monotonic()
                tick()
        out.flush()
        os.fsync(out.fileno())
    if size == 0:
        raise UnreadableFile(EMPTY)
    return Received(sha256.hexdigest(), md5.hexdigest().upper(), size)


def summary(reading: Json) -> dict[str, Any]:
    """What the plan and the report need of a reading: small, however much the file says."""
    plates = reading["plates"]
    return {
        "format": reading["format"],
        "sliced": bool(reading["sliced"]),
        "plates": len(plates),
        "duration_s": sum(plate.get("time_total_s") or 0 for plate in plates),
        "printer": str(((plates[0] if plates else {}).get("printer") or {}).get("model") or "")[:LONGEST],
        "wants": [_want(reading, one) for one in guesses.wanted_filaments(reading)[:MOST_SLOTS]],
    }


def _want(reading: Json, wanted: WantedFilament) -> dict[str, Any]:
    plates = sum(any(f["slot"] == wanted.slot for f in plate.get("filaments") or ()) for plate in reading["plates"])
    kept = {key: value[:LONGEST] if isinstance(value, str) else value for key, value in asdict(wanted).items()}
    return {**kept, "density_g_cm3": _text(wanted.density_g_cm3), "cost_per_gram": None, "plates": plates}


def wants_of(found: dict[str, Any] | None) -> list[tuple[WantedFilament, int]]:
    """The slots of a file that was looked into, and how many plates use each."""
    slots = []
    for one in (found or {}).get("wants", ()):
        kept = {key: value for key, value in one.items() if key != "plates"}
        density = kept.get("density_g_cm3")
        slots.append(
            (WantedFilament(**{**kept, "density_g_cm3": Decimal(density) if density else None}), one["plates"])
        )
    return slots


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
