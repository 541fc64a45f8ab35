"""How much longer does it take to count the moves of a G-code than to iterate its lines?

    .venv/bin/python bench/scan.py [--rounds 5] [FILE…]

The yardstick is `for line in file: pass` over the same plain text, opened for reading bytes: the least that a program in
Python can do with every line. A 3MF's plates are written out first, so inflating them is in neither. Both are timed in
processor seconds in the same run, in turn, and the least of all rounds counts. Without arguments it measures a text that it
builds, and those of the sample files when they are there, each repeated to some megabytes.
"""

import argparse
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.extraction import SAMPLES  # noqa: E402
from printfarm.files.readers import Limits, UnreadableFile, read_file  # noqa: E402
from printfarm.files.readers.scan import Scan  # noqa: E402
from printfarm.files.readers.scan_plan import ScanPlan  # noqa: E402
from printfarm.files.sample_builder import PlateSpec, SampleFilament, sliced_3mf_entries  # noqa: E402

LIMIT = 3.0
TEXT_BYTES = 24_000_000
LIMITS = Limits(seconds=600)


def iterate(path: Path) -> None:
    with path.open("rb") as file:
        for _line in file:
            pass


def seconds_of(action: Callable[[], object]) -> float:
    started = time.thread_time()
    action()
    return time.thread_time() - started


def texts(path: Path, folder: Path) -> list[tuple[Path, ScanPlan]]:
    """Every plate of a file as plain text of some megabytes, with its plan."""
    try:
        reading = read_file(path, limits=LIMITS)
    except UnreadableFile:
        return []
    found = []
    for plan in (plate.scan_plan for plate in reading.plates):
        if plan is None or plan.offset_bytes or plan.size_bytes < 300_000:
            continue
        content = path.read_bytes() if plan.entry is None else _entry(path, plan.entry)
        text = folder / f"{path.name}-{plan.plate}"
        text.write_bytes(content * max(1, TEXT_BYTES // len(content)))
        found.append((text, replace(plan, entry=None, size_bytes=text.stat().st_size)))
    return found


def _entry(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(one for one in archive.namelist() if one.lower().lstrip("/") == name))


def built(folder: Path) -> Path:
    """A long print in two colours, with as many moves to a feature as in real ones."""
    two = (
        SampleFilament(slot=1, grams=900.0),
        SampleFilament(slot=2, colour="#FF6A13", grams=300.0, purge_grams=100.0, tower_grams=60.0),
    )
    entries = sliced_3mf_entries([PlateSpec(layers=2_000, filaments=two, detail=12)])
    path = folder / "built-long.gcode"
    path.write_bytes(entries["Metadata/plate_1.gcode"])
    return path


def measure(text: Path, plan: ScanPlan, rounds: int) -> tuple[float, float]:
    """(least seconds of iterating, least seconds of counting)."""
    both = [(seconds_of(lambda: iterate(text)), seconds_of(lambda: Scan(text, [plan]).run())) for _ in range(rounds)]
    return min(one for one, _ in both), min(other for _, other in both)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    asked = parser.parse_args()
    ratios = []
    print(f"{'text':56} {'MB':>6} {'lines':>9} {'iterate s':>9} {'count s':>8} {'MB/s':>6} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = asked.files or [built(folder), *sorted(SAMPLES.glob("*/*.gcode")), *sorted(SAMPLES.glob("*/*.3mf"))]
        for path in files:
            for text, plan in texts(path, folder):
                iterate_s, count_s = measure(text, plan, asked.rounds)
                megabytes, lines = text.stat().st_size / 1e6, text.read_bytes().count(b"\n")
                ratios.append(count_s / iterate_s)
                line = f"{text.name[-56:]:56} {megabytes:6.1f} {lines:9} {iterate_s:9.3f} {count_s:8.3f}"
                print(f"{line} {megabytes / count_s:6.0f} {ratios[-1]:6.2f}", flush=True)
                text.unlink()
    worst, middle = max(ratios), statistics.median(ratios)
    print(
        f"{len(ratios)} texts: median {middle:.2f}, worst {worst:.2f} times iterating the lines; at most {LIMIT:g} are allowed"
    )
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
