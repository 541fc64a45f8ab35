"""Two hundred people and printers book grams on one spool at the same moment: is every gram there, and how long do they take?

    ./dev bench bookings [--bookings 200] [--threads 16]

On SQLite and on PostgreSQL, each with a database of its own, in one run: first the bookings one after the other, then as many
from threads at once, on another spool. A booking that is told "the database is busy" is tried again, as a person or a printer
would. Prints the time at once as a ratio of the time one after the other; fails when a gram or a line of the ledger is missing.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from flask import Flask
from sqlalchemy import func, select

from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core.database import db as database
from printfarm.core.errors import Unavailable
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.models import Spool, StockEntry
from tests.support import databases, valkey
from tests.support.cast import open_shop_with

WEIGHT_MG, GRAM = 1_000_000, 1_000
PATIENCE = 50  # how often a booking is tried again
LIMIT = 2.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bookings", type=int, default=200)
    parser.add_argument("--threads", type=int, default=16)
    asked = parser.parse_args()
    print(f"{'database':12}{'in turn s':>10}{'at once s':>10}{'ratio':>7}{'lost':>6}{'tried again':>13}")
    ratios = []
    for name, app in applications():
        with app.app_context():
            ratios.append(measure(name, app, asked.bookings, asked.threads))
    print(f"at once takes at most {max(ratios):.2f} times as long as in turn (bound: {LIMIT:g})")
    return 0 if max(ratios) <= LIMIT else 1


def measure(name: str, app: Flask, bookings: int, threads: int) -> float:
    """The ratio; raises when anything is missing afterwards."""
    shop = open_shop_with(app, email="bench@example.com", name="Bench", shop_name="Bench")
    with unit_of_work(shop.id) as db:
        kind = service.add_filament(db, brand="Bench", material="PLA", colour_name="Black", colour_hex="#111111")
        spools = [service.add_spool(db, kind.id, weight_mg=WEIGHT_MG).id for _ in range(3)]
    warm, turn, once = spools
    book(app, shop.id, warm)
    in_turn, _ = timed(lambda: [book(app, shop.id, turn) for _ in range(bookings)])
    with ThreadPoolExecutor(threads) as pool:
        at_once, again = timed(lambda: list(pool.map(lambda _: book(app, shop.id, once), range(bookings))))
    lost = 0
    with read_only(shop.id) as db:
        for spool in (turn, once):
            lines = db.scalar(select(func.count()).where(StockEntry.spool_id == spool))
            lost += bookings + 1 - (lines or 0)
            lost += (db.get_one(Spool, spool).remaining_mg - WEIGHT_MG) // GRAM + bookings
        drift = queries.find_drift(db)
    print(f"{name:12}{in_turn:10.2f}{at_once:10.2f}{at_once / in_turn:7.2f}{lost:6}{sum(again):13}")
    if lost or drift:
        sys.exit(f"{lost} bookings lost, {len(drift)} weights that do not agree with the ledger")
    return at_once / in_turn


def book(app: Flask, shop_id: UUID, spool_id: UUID) -> int:
    """Take a gram, in a transaction of its own; how often it had to be tried again."""
    with app.app_context():
        for tried in range(PATIENCE):
            try:
                with unit_of_work(shop_id) as db:
                    service.take_weight(db, spool_id, GRAM)
            except Unavailable:
                continue
            return tried
    raise RuntimeError(f"a booking was refused {PATIENCE} times")


def timed(action: Callable[[], list[int]]) -> tuple[float, list[int]]:
    started = time.perf_counter()
    result = action()
    return time.perf_counter() - started, result


def applications() -> Iterator[tuple[str, Flask]]:
    """One after the other on each database, with a Valkey beside."""
    with tempfile.TemporaryDirectory(prefix="pf-bench-") as name, valkey.running(Path(name)) as redis_url:
        folder = Path(name)
        databases.migrated_sqlite(folder / "printfarm.db")
        with application(folder, f"sqlite:///{folder / 'printfarm.db'}", redis_url) as app:
            yield "SQLite", app
        with databases.running_postgres(folder / "pg") as server, server.fresh_database() as url:
            # Durable, as a shop's own server is: the tests turn this off.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                server.execute(f"ALTER SYSTEM SET {setting} = on")
            server.execute("SELECT pg_reload_conf()")
            with application(folder, url, redis_url) as app:
                yield "PostgreSQL", app


@contextmanager
def application(folder: Path, database_url: str, redis_url: str) -> Iterator[Flask]:
    settings = {
        "PRINTFARM_DATA_DIR": str(folder / "data"),
        "PRINTFARM_DATABASE_URL": database_url,
        "PRINTFARM_REDIS_URL": redis_url,
        "PRINTFARM_SECRET_KEY": "5e" * 32,
        "PRINTFARM_LOG_LEVEL": "warning",
    }
    app = build(load_settings(settings))
    try:
        yield app
    finally:
        app.extensions["printfarm.live"].shutdown()
        with app.app_context():
            database.engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
