"""How much longer does it take to measure a mesh than to look at its points once, and how much memory?

    .venv/bin/python bench/meshes.py [--triangles 5244100]

Builds a bumpy ball as a binary STL (262 MB), and compares in the same run: a loop in numpy that only finds the lowest and the
highest point of the file, and `read_file`, which also adds up volume and surface, and finds out whether the surface is closed.
Then the reading child does all of it under its own limits, with the picture, and says how much memory it took at most.
Processor seconds; fails above the limits.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from printfarm.files.readers import Limits, read_file  # noqa: E402

RATIO_LIMIT = 12.0
MEMORY_LIMIT_MB = 400
FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
CHUNK = 100_000
# A process begins with the memory of the one that started it, so a small one must start the child.
IN_CHILD = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def build(path: Path, triangles: int) -> int:
    """A closed ball with bumps; how many triangles it has."""
    around = round(triangles**0.5)
    turns, angles = np.meshgrid(
        np.linspace(0, 2 * np.pi, around + 1), np.linspace(0, np.pi, around // 2 + 1), indexing="ij"
    )
    reach = 40 + 1.5 * np.sin(14 * turns) * np.sin(9 * angles)
    ball = reach[..., None] * np.stack(
        [np.cos(turns) * np.sin(angles), np.sin(turns) * np.sin(angles), np.cos(angles)], axis=-1
    )
    ball[-1], ball[:, 0], ball[:, -1] = ball[0], (0, 0, 40), (0, 0, -40)
    a, b, c, d = ball[:-1, :-1], ball[1:, :-1], ball[1:, 1:], ball[:-1, 1:]
    facets = np.zeros(2 * around * (around // 2), dtype=FACET)
    half = len(facets) // 2
    facets["corners"][:half] = np.stack([a, d, c], axis=-2).reshape(-1, 3, 3)
    facets["corners"][half:] = np.stack([a, c, b], axis=-2).reshape(-1, 3, 3)
    with path.open("wb") as file:
        file.write(b"\0" * 80 + len(facets).to_bytes(4, "little"))
        facets.tofile(file)
    return len(facets)


def look_once(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(84)
        while piece := file.read(FACET.itemsize * CHUNK):
            corners = np.frombuffer(piece, dtype=FACET)["corners"]
            for axis in range(3):
                values = np.ascontiguousarray(corners[..., axis])
                values.min(), values.max()


def seconds_of(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triangles", type=int, default=5_244_100)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ball.stl"
        count = build(path, arguments.triangles)
        once = min(seconds_of(lambda: look_once(path)) for _ in range(arguments.rounds))
        whole = min(seconds_of(lambda: read_file(path, limits=Limits(seconds=600))) for _ in range(arguments.rounds))
        command = [sys.executable, "-c", IN_CHILD, sys.executable, "-m", "printfarm.files.child", str(path), folder]
        said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    child_s, memory_mb = (float(part) for part in said.split())
    print(f"{count:,} triangles: looking once {once:.2f} s, measuring {whole:.2f} s, ratio {whole / once:.1f}")
    print(f"the reading child, with the picture: {child_s:.1f} s, {memory_mb:.0f} MB at most")
    return 1 if whole / once > RATIO_LIMIT or memory_mb > MEMORY_LIMIT_MB else 0


if __name__ == "__main__":
    sys.exit(main())
