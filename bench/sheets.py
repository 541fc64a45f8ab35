"""A sheet of 50,000 lines is looked at and taken in: how much memory does that take, and how long must others wait to write?

    ./dev bench sheets [--lines 50000] [--taken 5000]

On SQLite and on PostgreSQL, each with a database of its own, in one run. The memory is what Python itself holds at most while a
sheet is looked at, against a sheet of a tenth of the lines. While lines are taken in, somebody else books a gram every tenth of
a second; the longest wait is told, and fails above two seconds.
"""

import argparse
import sys
import tempfile
import threading
import time
import tracemalloc
from pathlib import Path
from uuid import UUID

from flask import Flask

from bench.bookings import applications
from printfarm.core.storage import storage
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service
from printfarm.filament.sheets import imports
from tests.support.cast import open_shop_with

LONGEST_WAIT_S, MEMORY_BOUND = 2.0, 3.0
HEAD = "Brand,Material,Colour,Colour code,Left g,Place,Batch,Bought on\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=50_000, help="looked at")
    parser.add_argument("--taken", type=int, default=5_000, help="taken in")
    asked = parser.parse_args()
    print(
        f"{'database':12}{'looked at, ms/line':>20}{'MB':>6}{'times a tenth':>15}{'taken in, ms/line':>19}{'longest wait':>16}"
    )
    good = True
    for name, app in applications():
        with app.app_context():
            shop = open_shop_with(app, email="bench@example.com", name="Bench", shop_name="Bench")
            _, few, _ = looked_at(shop.id, asked.lines // 10)
            per_line, many, _ = looked_at(shop.id, asked.lines)
            taken, wait = taken_in(app, shop.id, asked.taken)
        print(f"{name:12}{1000 * per_line:20.2f}{many / 1e6:6.1f}{many / few:15.2f}{1000 * taken:19.2f}{wait:16.2f}")
        good = good and wait <= LONGEST_WAIT_S and many / few <= MEMORY_BOUND
    print(
        f"memory at most {MEMORY_BOUND:g} times that of a tenth of the lines, others wait at most {LONGEST_WAIT_S:g} s"
    )
    return 0 if good else 1


def looked_at(shop_id: UUID, lines: int, *, memory: bool = True) -> tuple[float, int, UUID]:
    """Seconds per line, the most that Python held, and the import."""
    sheet_id = sent(shop_id, lines)
    if memory:
        tracemalloc.start()
    started = time.perf_counter()
    imports.read(shop_id, sheet_id)
    seconds = (time.perf_counter() - started) / lines
    peak = tracemalloc.get_traced_memory()[1] if memory else 0
    tracemalloc.stop()
    with read_only(shop_id) as db:
        found = imports.find_import(db, sheet_id)
        assert (found.state, found.lines) == ("ready", lines), found.error
    return seconds, peak, sheet_id


def taken_in(app: Flask, shop_id: UUID, lines: int) -> tuple[float, float]:
    """Seconds per line, and the longest that somebody else waited to write meanwhile."""
    _, _, sheet_id = looked_at(shop_id, lines, memory=False)
    waits, over = [0.0], threading.Event()
    with unit_of_work(shop_id) as db:
        kind = service.add_filament(db, brand="Other", material="PLA", colour_name="Black", colour_hex="#111111")
        spool = service.add_spool(db, kind.id, weight_mg=10_000_000)

    def book() -> None:
        with app.app_context():
            while not over.wait(0.1):
                started = time.perf_counter()
                with unit_of_work(shop_id) as db:
                    service.take_weight(db, spool.id, 1)
                waits.append(time.perf_counter() - started)

    other = threading.Thread(target=book)
    with unit_of_work(shop_id) as db:
        imports.start(db, sheet_id)
    other.start()
    started = time.perf_counter()
    while not imports.take_in_slice(shop_id, sheet_id):
        pass
    seconds = (time.perf_counter() - started) / lines
    over.set()
    other.join()
    with read_only(shop_id) as db:
        assert imports.find_import(db, sheet_id).counts["new"] == lines
    return seconds, max(waits)


def sent(shop_id: UUID, lines: int) -> UUID:
    """A sheet of so many rolls of two hundred filaments, as if somebody had sent it."""
    key = imports.new_key(shop_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rolls.csv"
        with path.open("w") as file:
            file.write(HEAD)
            for n in range(lines):
                kind = n % 200
                filament = f"Brand {kind % 7},PLA,Colour {kind},#{kind:06x}"
                file.write(f"{filament},{n % 1000 + 1},Shelf {n % 40},{lines}-{n},2026-01-02\n")
        storage().put_file(key, path)
    with unit_of_work(shop_id) as db:
        return imports.begin(db, name="rolls.csv", file_key=key, user_id=None).id


if __name__ == "__main__":
    sys.exit(main())
