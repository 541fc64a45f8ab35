"""How much longer does it take to understand a sliced file than to read its bytes?

    .venv/bin/python bench/extraction.py [--rounds 5] [FILE…]

Both are timed in the same run, in turn: opening the zip and inflating every entry to its end, and `read_file`, which
inflates what it needs, parses both ends of every G-code and all metadata, and looks at the pictures. The moves are counted
later (bench/scan.py). Without arguments it measures files that it builds itself, among them one of 60 MB, and the sample files
when they are there. Processor seconds, the least of all rounds; prints the ratio per file.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from printfarm.files.readers import Limits, UnreadableFile, read_file  # noqa: E402
from printfarm.files.sample_builder import PlateSpec, SampleFilament, build_sliced_3mf, sliced_3mf_entries  # noqa: E402

SAMPLES = Path(os.environ.get("PRINTFARM_SAMPLES", ROOT.parent / "shared" / "samples"))
CHUNK_BYTES = 1 << 20
LIMIT = 1.5
LIMITS = Limits(seconds=600)


def plain_bytes(path: Path) -> int:
    """Read every entry to its end; how many bytes that were."""
    with zipfile.ZipFile(path) as archive:
        return sum(len(chunk) for name in archive.namelist() for chunk in _chunks(archive.open(name)))


def _chunks(stream: object) -> Iterator[bytes]:
    with stream as opened:
        while chunk := opened.read(CHUNK_BYTES):
            yield chunk


def seconds_of(action: Callable[[], object]) -> float:
    started = time.thread_time()
    action()
    return time.thread_time() - started


def measure(path: Path, rounds: int) -> tuple[float, float, int]:
    """(least seconds of inflating, least seconds of reading, bytes)."""
    size = plain_bytes(path)
    read_file(path, limits=LIMITS)
    plain, extracted = [], []
    for _ in range(rounds):
        plain.append(seconds_of(lambda: plain_bytes(path)))
        extracted.append(seconds_of(lambda: read_file(path, limits=LIMITS)))
    return min(plain), min(extracted), size


def build_files(folder: Path) -> list[Path]:
    """A small file, one of four plates, and a long print in two colours, with as many moves to a feature as in real ones."""
    two = (
        SampleFilament(slot=1, grams=900.0),
        SampleFilament(slot=2, colour="#FF6A13", grams=300.0, purge_grams=100.0, tower_grams=60.0),
    )
    plates = [PlateSpec(index=n, layers=200, filaments=two, detail=5) for n in range(1, 5)]
    return [
        build_large(folder / "built-60-MB.gcode.3mf"),
        build_sliced_3mf(folder / "built-small.gcode.3mf"),
        build_sliced_3mf(folder / "built-four-plates.gcode.3mf", plates),
        build_sliced_3mf(folder / "built-long.gcode.3mf", [PlateSpec(layers=3_000, filaments=two, detail=5)]),
    ]


def build_large(path: Path) -> Path:
    """A sliced file of 60 MB, in four plates of moves that look random to the packer, as real ones do."""
    chance = random.Random(4)
    moves = "".join(
        f"G1 X{chance.uniform(20, 230):.3f} Y{chance.uniform(20, 230):.3f} E.{chance.randrange(10**5):05}\n"
        for _ in range(100_000)
    ).encode()
    entries = sliced_3mf_entries([PlateSpec(index=n) for n in range(1, 5)])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in entries.items():
            if name.endswith(".gcode"):
                head, mark, rest = content.partition(b"; MACHINE_START_GCODE_END\n")
                content = head + mark + moves * 12 + rest  # noqa: PLW2901 - the entry, made longer
            archive.writestr(name, content)
    return path


def sample_files() -> list[Path]:
    names = sorted(SAMPLES.glob("bambu/*.3mf")) + sorted(SAMPLES.glob("orca/*.3mf"))
    return [path for path in names if path.stat().st_size > 400_000 and _is_readable(path)]


def _is_readable(path: Path) -> bool:
    try:
        return read_file(path, limits=LIMITS).sliced
    except UnreadableFile:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = asked.files or [*build_files(Path(folder)), *sample_files()]
        print(f"{'file':52} {'MB':>7} {'inflate s':>9} {'read s':>8} {'MB/s':>6} {'ratio':>6}")
        ratios = []
        for path in files:
            plain_s, extract_s, size = measure(path, asked.rounds)
            ratios.append(extract_s / plain_s)
            line = f"{path.name[:52]:52} {size / 1e6:7.2f} {plain_s:9.4f} {extract_s:8.4f}"
            print(f"{line} {size / 1e6 / extract_s:6.1f} {ratios[-1]:6.2f}")
        print(f"median ratio of {len(files)} files: {statistics.median(ratios):.2f} times inflating")
        large = max(zip((path.stat().st_size for path in files), ratios, strict=True))
        print(f"the largest, {large[0] / 1e6:.0f} MB packed: {large[1]:.2f} (at most {LIMIT:g})")
        return 0 if large[1] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
