"""How long do pages take, against the empty signed-in page and against a bare list?

    ./dev bench pages [--rounds 4] [--requests 25]

A real web process (gunicorn, as `printfarm up` runs it) serves a shop with 200 waiting jobs, 10 printers, 40 spools,
1,000 models and 10,000 ended jobs. The yardsticks answer in the same rounds: the queue page of a shop in which nothing
is, and Flask + SQLAlchemy + Jinja alone, listing 50 of 10,000 rows under the same gunicorn settings. One client asks
after the other, then eight at once; each request waits for its whole answer, compressed as browsers ask for it.
"""

import argparse
import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import event

from bench.running import printfarm
from bench.shop import Visitor, busy_shop, empty_shop
from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core.database import db
from tests.processes.running import free_port, until

CLIENTS = (1, 8)
NOT_COUNTED = ("BEGIN", "PRAGMA")
EMPTY, BARE = "empty page", "bare list"


@dataclass(frozen=True)
class Place:
    """Something to ask for."""

    name: str
    port: int
    path: str
    cookie: str = ""


@dataclass(frozen=True)
class Weight:
    """What a page costs beside time: statements sent to the database, and bytes that travel."""

    statements: int = 1
    size_bytes: int = 0


def seconds_each(place: Place, count: int) -> list[float]:
    """Ask `count` times over one connection, as a browser does."""
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=60)
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        connection.request("GET", place.path, headers={"Cookie": place.cookie, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        taken.append(time.perf_counter() - started)
        if answer.status != 200:
            raise RuntimeError(f"{place.path} answered {answer.status}")
    connection.close()
    return taken


def measure(places: list[Place], clients: int, rounds: int, requests: int) -> dict[str, list[float]]:
    """All places take turns in every round, so that what else happens on the machine meets all alike."""
    taken: dict[str, list[float]] = defaultdict(list)
    each = max(1, requests // clients)
    with ThreadPoolExecutor(clients) as pool:
        for place in places:
            seconds_each(place, 3)
        for _ in range(rounds):
            for place in places:
                for some in pool.map(seconds_each, [place] * clients, [each] * clients):
                    taken[place.name] += some
    return taken


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def weigh(app: Flask, place: Place) -> Weight:
    """The page once in this process, with every statement counted."""
    sent: list[str] = []
    client = app.test_client()
    name, value = place.cookie.split("=", 1)
    client.set_cookie(name, value)
    with app.app_context():
        engine = db.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(NOT_COUNTED):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        answer = client.get(place.path, headers={"Accept-Encoding": "gzip"})
    finally:
        event.remove(engine, "before_cursor_execute", note)
    if answer.status_code != 200:
        raise RuntimeError(f"{place.path} answered {answer.status_code}")
    return Weight(len(sent), len(answer.get_data()))


@contextmanager
def bare_list() -> Iterator[Place]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([sys.executable, "-m", "bench.bare", folder, str(port)])
        place = Place(BARE, port, "/")
        try:
            until(lambda: _answers(place), 30)
            yield place
        finally:
            server.terminate()
            server.wait()


def _answers(place: Place) -> bool:
    try:
        return bool(seconds_each(place, 1))
    except OSError:
        return False


def pages(port: int, busy: Visitor, empty: Visitor) -> list[Place]:
    paths = {
        "queue, 200 waiting": "/queue",
        "library, 1,000 models": "/library/",
        "spools, 40": "/filament/spools",
        "printers, 10": "/fleet",
        "history, 10,000 jobs": "/queue/history",
        "start page": "/",
    }
    ours = [Place(name, port, path, busy.cookie) for name, path in paths.items()]
    return [Place(EMPTY, port, "/queue", empty.cookie), *ours]


def report(taken: dict[str, list[float]], clients: int, weights: dict[str, Weight]) -> None:
    print(f"\n{clients} client{'s' if clients > 1 else ''}, {len(taken[BARE])} requests each")
    print(f"{'':24}{'times the empty page':>22}{'times the bare list':>22}{'ms':>16}{'SQL':>6}{'kB sent':>9}")
    print(f"{'':24}{'p50':>11}{'p95':>11}{'p50':>11}{'p95':>11}{'p50':>8}{'p95':>8}")
    middle = {name: (percentile(values, 50), percentile(values, 95)) for name, values in taken.items()}
    for name, mine in middle.items():
        ratios = [own / base for other in (EMPTY, BARE) for own, base in zip(mine, middle[other], strict=True)]
        weight = weights.get(name, Weight())
        figures = [*(f"{ratio:11.1f}" for ratio in ratios), *(f"{1000 * own:8.1f}" for own in mine)]
        print(f"{name:24}{''.join(figures)}{weight.statements:6}{weight.size_bytes / 1000:9.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--requests", type=int, default=40, help="per page and round, shared among the clients")
    asked = parser.parse_args()
    with printfarm() as up, bare_list() as bare:
        app = build(load_settings(up.environment))
        places = [bare, *pages(up.port, busy_shop(app), empty_shop(app))]
        weights = {place.name: weigh(app, place) for place in places[1:]}
        for clients in CLIENTS:
            report(measure(places, clients, asked.rounds, asked.requests), clients, weights)


if __name__ == "__main__":
    main()
