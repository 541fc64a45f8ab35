"""How long does the page of all rolls take with 5,000 of them, against the same page with 50?

    ./dev bench inventory [--rolls 5000] [--rounds 6] [--requests 20]

A real web process (as `printfarm up` runs it) serves two shops; both have forty filaments in ten places. All pages take turns,
one client, over HTTP; each request waits for its whole answer. The page shows fifty rolls of either shop, and the sums of all.
Fails when the page as it opens takes more than twice as long.
"""

import argparse
import random
import sys
from datetime import timedelta

from flask import Flask
from sqlalchemy import insert

from bench.pages import Place, measure, percentile, weigh
from bench.running import printfarm
from bench.shop import Visitor, empty_shop
from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core.clock import utc_now
from printfarm.core.ids import new_id
from printfarm.core.work import unit_of_work
from printfarm.filament import service
from printfarm.filament.models import Spool, StockEntry
from tests.support.browser import Browser
from tests.support.cast import open_shop_with

FEW, BOUND = 50, 2.0
FILAMENTS, PLACES = 40, 10
ASKED = {
    "as it opens": "",
    "a later page": "?page=90",
    "by what is worth most": "?sort=-value",
    "emptiest first": "?sort=left",
    "a colour": "?colour=green",
    "a word": "?q=colour+1",
    "low, at a place": "?low=1&location=Shelf+3",
}
YARDSTICK = f"{FEW} rolls, as it opens"


def shop_of_rolls(app: Flask, name: str, rolls: int) -> Visitor:
    """A shop with so many rolls, written straight into the database, each with its first line in the ledger."""
    shop = open_shop_with(app, email=f"{name.lower()}@example.com", name=name, shop_name=f"{name} Prints")
    draw, now = random.Random(5), utc_now()
    with app.app_context(), unit_of_work(shop.id) as db:
        filaments = [
            service.add_filament(
                db, brand=f"Brand {number % 5}", material=("PLA", "PETG", "ABS")[number % 3], cost_per_gram="0.025",
                colour_name=f"Colour {number}", colour_hex=f"#{draw.randrange(1 << 24):06x}",
            ).id
            for number in range(FILAMENTS)
        ]  # fmt: skip
        made = [
            {"id": new_id(), "shop_id": shop.id, "number": number + 1, "filament_id": filaments[number % FILAMENTS],
             "code": f"{number:06}", "state": "open", "initial_mg": 1_000_000, "remaining_mg": draw.randrange(1_000_000),
             "location": f"Shelf {draw.randrange(PLACES)}", "purchased_on": (now - timedelta(days=number % 700)).date()}
            for number in range(rolls)
        ]  # fmt: skip
        db.execute(insert(Spool), made)
        lines = [
            {"id": new_id(), "shop_id": shop.id, "filament_id": one["filament_id"], "spool_id": one["id"],
             "delta_mg": one["remaining_mg"], "cause": "imported"}
            for one in made
        ]  # fmt: skip
        db.execute(insert(StockEntry), lines)
    client = Browser(app).signed_in(shop.owner, shop.id).client
    kept = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert kept is not None
    return Visitor(shop.id, f"{kept.key}={kept.value}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rolls", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=20, help="per page and round")
    asked = parser.parse_args()
    with printfarm() as up:
        app = build(load_settings(up.environment))
        many, few = shop_of_rolls(app, "Many", asked.rolls), shop_of_rolls(app, "Few", FEW)
        empty = empty_shop(app)
        url = "/filament/spools"
        places = [
            Place("no rolls", up.port, url, empty.cookie),
            Place(YARDSTICK, up.port, url, few.cookie),
            *(
                Place(f"{asked.rolls} rolls, {name}", up.port, url + query, many.cookie)
                for name, query in ASKED.items()
            ),
        ]
        weights = {place.name: weigh(app, place) for place in places}
        taken = measure(places, 1, asked.rounds, asked.requests)
    middle = {name: percentile(values, 50) for name, values in taken.items()}
    print(f"\n{'':38}{'ms p50':>9}{'p95':>9}{'times the page with 50':>26}{'SQL':>6}{'kB sent':>9}")
    for name, values in taken.items():
        ratio, weight = middle[name] / middle[YARDSTICK], weights[name]
        figures = f"{1000 * middle[name]:9.1f}{1000 * percentile(values, 95):9.1f}{ratio:26.2f}"
        print(f"{name:38}{figures}{weight.statements:6}{weight.size_bytes / 1000:9.1f}")
    opens = middle[f"{asked.rolls} rolls, as it opens"] / middle[YARDSTICK]
    print(f"\nthe page of {asked.rolls} rolls: {opens:.2f} times the one of {FEW} (bound: {BOUND:g})")
    return 0 if opens <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
