"""How long does a search over 100,000 variants take, against the page of one; and the library of 10,000 models, against 10?

    ./dev bench search [--models 10000] [--variants 10] [--rounds 4] [--requests 15]

A real web process (as `printfarm up` runs it) serves a shop of 10,000 models with ten variants each and one of ten. Both are
written straight into its database and read into the search's index, which is timed as well. The page of a variant is found by
its primary key. All take turns, one client, over HTTP; each request waits for its whole answer.
"""

import argparse
import time

from bench.library import library_of
from bench.pages import Place, measure, percentile
from bench.running import printfarm
from printfarm.application import build
from printfarm.config import load_settings

YARDSTICK, FORM, LARGE, SMALL = "page of a variant", "form of a variant", "library, large", "library, 10 models"
QUESTIONS = {
    "a name that 500 models have": "q=dragon",
    "one model": "q=articulated+dragon+400",
    "what every variant says": "q=bambu",
    "two letters": "q=pl",
    "a setting": "q=layer_height%3D0.2",
    "three words": "q=hollow+owl+c11",
    "a slip": "q=artculated",
    "nothing": "q=unobtainium",
    "words and filters": "q=fox&material=PETG&category=toy&in_stock=1&to=3",
    "filters alone": "material=ABS&from=20",
    "a later page of one kind": "q=standard&kind=variant&page=9",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--variants", type=int, default=10, help="of each model")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--requests", type=int, default=15, help="per page and round")
    asked = parser.parse_args()
    with printfarm() as up:
        app = build(load_settings(up.environment))
        started = time.perf_counter()
        large, variants = library_of(app, "Large", asked.models, asked.variants)
        print(f"{len(variants)} variants written and read into the index in {time.perf_counter() - started:.0f} s")
        small, _ = library_of(app, "Small", 10, asked.variants)
        places = [
            Place(YARDSTICK, up.port, f"/library/variants/{variants[len(variants) // 2]}", large.cookie),
            Place(FORM, up.port, f"/library/variants/{variants[len(variants) // 2]}/edit", large.cookie),
            Place(LARGE, up.port, "/library/", large.cookie),
            Place(SMALL, up.port, "/library/", small.cookie),
            *(Place(name, up.port, f"/search?{query}", large.cookie) for name, query in QUESTIONS.items()),
        ]
        taken = measure(places, 1, asked.rounds, asked.requests)
    report(taken)


def report(taken: dict[str, list[float]]) -> None:
    middle = {name: percentile(values, 50) for name, values in taken.items()}
    print(f"\n{'':30}{'ms p50':>9}{'p95':>9}{'times the page of a variant':>30}")
    for name, values in taken.items():
        ratio = middle[name] / middle[YARDSTICK]
        print(f"{name:30}{1000 * middle[name]:9.1f}{1000 * percentile(values, 95):9.1f}{ratio:30.2f}")
    worst = max(QUESTIONS, key=lambda name: middle[name])
    print(
        f"\nthe slowest search ({worst}): {middle[worst] / middle[YARDSTICK]:.2f} times the page of a variant (bound: 3)"
    )
    print(f"library of many models: {middle[LARGE] / middle[SMALL]:.2f} times the one of ten (bound: 2)")


if __name__ == "__main__":
    main()
