"""Does the import of a thousand files take more memory than that of ten?

    ./dev bench importing [--files 1000] [--few 10] [--pictures 3]

A folder of models, each a mesh and some pictures beside it, is imported by the runner that the worker uses, in a process of
its own with an SQLite database of its own: listed, looked into, taken in. Measured is the highest resident size of that process
(VmHWM) once for few files and once for many; the readers' own processes are not in it. Prints the ratio, and the seconds per
file. Linux only.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

from PIL import Image

from tests.support import valkey

ROOT = Path(__file__).resolve().parents[1]
MESH = "v 0 0 0\nv 10 0 0\nv 0 10 0\nv 0 0 {height}\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"


def build(folder: Path, files: int, pictures: int) -> Path:
    """So many files, no two of them the same."""
    to_a_model = pictures + 1
    folder.mkdir()
    for number in range(files // to_a_model):
        place = folder / f"Model {number}"
        place.mkdir(parents=True)
        (place / "part.obj").write_text(MESH.format(height=number + 1))
        for side in range(pictures):
            Image.new("RGB", (64, 48), (number % 256, number // 256, side)).save(place / f"{side}.png")
    for extra in range(files % to_a_model):
        (folder / f"Single {extra}.obj").write_text(MESH.format(height=0.1 + extra))
    return folder


def import_all(folder: Path) -> None:
    """In this process: a new shop, the import of the folder to its end, and what it took."""
    from printfarm.accounts.service import add_user, open_shop
    from printfarm.application import build as build_app
    from printfarm.config import load_settings
    from printfarm.core.migrations import upgrade
    from printfarm.core.work import read_only, unit_of_work
    from printfarm.library.importing import queries, running, service
    from printfarm.library.importing.plan import Plan
    from printfarm.library.importing.sources import quoted

    settings = load_settings()
    upgrade(settings)
    with build_app(settings).app_context():
        with unit_of_work(None) as db:
            user = add_user(db, email="bench@example.com", name="Bench", password="correct horse battery")
            shop_id: UUID = open_shop(db, user, name="Bench", currency="EUR", timezone="UTC").shop_id
        with unit_of_work(shop_id) as db:
            import_id = service.begin_import(
                db, source="folder", place=quoted(str(folder)), name="bench", plan=Plan(), user_id=None, goal="import"
            ).id
        while running.run_import(shop_id, import_id, for_s=3600, keep=True):
            pass
        with read_only(shop_id) as db:
            done = queries.progress_of(db, service.find_import(db, import_id)).count("done")
    status = Path("/proc/self/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    print(done, int(peak.group(1)) * 1024)


def measure(files: int, pictures: int) -> tuple[int, float]:
    """Peak bytes and seconds of an import in a process of its own."""
    with tempfile.TemporaryDirectory() as name, valkey.running(Path(name)) as redis_url:
        folder = build(Path(name, "in"), files, pictures)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PRINTFARM_")}
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "bench.importing", "--import", str(folder)],
            cwd=ROOT,
            env={**kept, "PRINTFARM_DATA_DIR": str(Path(name, "data")), "PRINTFARM_REDIS_URL": redis_url},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stderr)
    count, peak = (int(word) for word in done.stdout.split()[-2:])
    if count != files:
        raise SystemExit(f"{count} of {files} files came in:\n{done.stderr}")
    return peak, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--pictures", type=int, default=3, help="to a model; the rest are meshes")
    parser.add_argument("--import", type=Path, dest="folder", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder:
        import_all(asked.folder)
        return
    few, _ = measure(asked.few, asked.pictures)
    many, seconds = measure(asked.files, asked.pictures)
    print(
        f"{many / few:.2f} times the memory: {many / 1e6:.0f} MB for {asked.files} files, {few / 1e6:.0f} MB for {asked.few}"
    )
    print(f"{seconds / asked.files:.2f} s per file, looked into and taken in")


if __name__ == "__main__":
    main()
