"""Every route for programs: without a token, with a wrong one, with one that may only read, and with another shop's.

What may not be answers 401, 403 or 404, and changes nothing in either shop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, url_for
from werkzeug.routing import Rule

from printfarm.accounts.machines import TOKEN
from printfarm.accounts.models import Credential
from printfarm.accounts.service import make_token
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Brand, Filament, Spool
from tests.architecture.world import Shop, changed, fingerprint, furnish
from tests.filament.spoolman.program import Program

TABLES = {"vendor": Brand, "filament": Filament, "spool": Spool}
# What is sent to a route by its endpoint; a function of the numbers of the shop whose rows it names.
BODIES: dict[str, Any] = {
    "add_vendor": lambda _: {"name": "Fresh"},
    "change_vendor": lambda _: {"comment": "changed"},
    "add_filament": lambda n: {"name": "New", "vendor_id": n["vendor"], "density": 1.24, "diameter": 1.75},
    "change_filament": lambda _: {"comment": "changed"},
    "add_spool": lambda n: {"filament_id": n["filament"]},
    "change_spool": lambda _: {"comment": "changed"},
    "use_spool": lambda _: {"use_weight": 1},
    "measure_spool": lambda _: {"weight": 400},
    "set_setting": lambda _: "true",
    "keep_field": lambda _: {"name": "Dry", "field_type": "text"},
}
WORDS = {"key": "round_prices", "entity": "spool", "rest": "nothing"}
CHOICES = {"words": "material", "external": "filament", "export": "spools"}
LAST = ("remove_spool", "remove_filament", "remove_vendor")
UNKNOWN = 9999


@dataclass
class World:
    app: Flask
    first: Shop
    second: Shop

    def numbers(self, shop: Shop) -> dict[str, int]:
        with self.app.app_context(), read_only(shop.id) as db:
            rows = {"vendor": shop["brands"], "filament": shop["filaments"], "spool": shop["spools"]}
            return {kind: db.get_one(TABLES[kind], row_id).number for kind, row_id in rows.items()}

    def prints(self) -> list[dict[str, str]]:
        """Without credentials: when a token was last used stands there."""
        made = [fingerprint(self.app, shop.id) for shop in (self.first, self.second)]
        return [{name: value for name, value in one.items() if name != "credentials"} for one in made]


@pytest.fixture
def world(app, alice, charlie) -> World:
    made = World(app, furnish(app, alice, "xylophone"), furnish(app, charlie, "zeppelin"))
    # The numbers of the first shop's rows are not those of the second's, or nobody could tell whose row answered.
    with app.app_context(), unit_of_work(made.first.id) as db:
        for kind, (table, row_id) in enumerate(zip(TABLES.values(), rows_of(made.first), strict=True)):
            db.get_one(table, row_id).number = 700 + kind
            if table is Filament:
                db.get_one(table, row_id).brand = db.get_one(Brand, made.first["brands"]).name
    return made


def rows_of(shop: Shop) -> list[Any]:
    return [shop["brands"], shop["filaments"], shop["spools"]]


def routes(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """(rule, method, name of the view) of everything that asks for a token, sockets aside."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.endpoint.endswith(LAST)):
        view = app.view_functions[rule.endpoint]
        if getattr(view, "needed_role", "") == TOKEN and not rule.websocket:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, rule.endpoint.rpartition(".")[2]


def send(world: World, program: Program, rule: Rule, method: str, name: str, numbers: dict[str, int]) -> Any:
    kind = next((one for one in TABLES if f"/{one}/" in rule.rule), "")
    values: dict[str, Any] = {"number": numbers.get(kind), "what": CHOICES.get(name), **WORDS}
    with world.app.test_request_context():
        path = url_for(rule.endpoint, **{one: values[one] for one in rule.arguments if one in values})
    path = path.removeprefix("/spoolman/api/v1") + ("?fmt=json" if name == "export" else "")
    body = BODIES[name](numbers) if name in BODIES else None
    return program.ask(method, path, json=body) if method != "GET" else program.get(path)


def test_every_route_for_programs_stands_in_this_test(app):
    names = {name for rule, method, name in routes(app) if method in {"POST", "PUT", "PATCH"} and name != "unknown"}
    assert names == set(BODIES)


def test_without_a_good_token_nothing_is_said_and_nothing_happens(world, monkeypatch):
    monkeypatch.setattr("printfarm.accounts.machines.WRONG_PER_MINUTE", 10_000)
    before, numbers = world.prints(), world.numbers(world.first)
    for token in (None, "", "wrong", "x" * 43):
        for rule, method, name in routes(world.app):
            answer = send(world, Program(world.app, token), rule, method, name, numbers)
            assert answer.status_code == 401, f"{method} {rule}"
            assert set(answer.json) == {"message"}
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert [changed(*pair) for pair in zip(before, world.prints(), strict=True)] == [[], []]


def test_a_token_that_may_only_read_changes_nothing(world, app):
    with app.app_context(), unit_of_work(None) as db:
        reader = Program(app, make_token(db, world.first.id, "Reader", "read"))
    before, numbers = world.prints(), world.numbers(world.first)
    for rule, method, name in routes(app):
        answer = send(world, reader, rule, method, name, numbers)
        needed = app.view_functions[rule.endpoint].token_role
        assert answer.status_code == (403 if needed == "operator" else 404 if name == "unknown" else 200), (
            f"{method} {rule}"
        )
    assert [changed(*pair) for pair in zip(before, world.prints(), strict=True)] == [[], []]


def test_another_shops_token_finds_nothing_and_changes_nothing(world, app):
    other = Program(app, world.second.words["token"])
    before, numbers = world.prints()[0], world.numbers(world.first)
    for rule, method, name in routes(app):
        answer = send(world, other, rule, method, name, numbers)
        if "number" in rule.arguments or name in {"add_filament", "add_spool"}:
            assert answer.status_code == 404, f"{method} {rule}: {answer.get_data(as_text=True)[:200]}"
        assert world.first.secret_word not in answer.get_data(as_text=True), f"{method} {rule}"
    assert changed(before, world.prints()[0]) == []


def test_the_shops_own_token_reaches_everything(world, app):
    """Otherwise the tests above would pass with numbers that lead nowhere."""
    ours, numbers = Program(app, world.first.words["token"]), world.numbers(world.first)
    ours.patch(f"/spool/{numbers['spool']}", {"spool_weight": 200})
    for rule, method, name in routes(app):
        answer = send(world, ours, rule, method, name, numbers)
        good = {404} if name == "unknown" else {409} if name in {"remove_vendor", "remove_filament"} else {200}
        assert answer.status_code in good, (
            f"{method} {rule}: {answer.status_code} {answer.get_data(as_text=True)[:200]}"
        )


def test_a_session_counts_for_nothing_here(world, alice):
    """A page elsewhere could otherwise use a signed-in person's browser."""
    assert alice.get("/spoolman/api/v1/spool").status == 401


def test_a_revoked_token_is_shut_out(world, app, alice):
    ours = Program(app, world.first.words["token"])
    assert ours.get("/health").status_code == 200
    with app.app_context(), read_only(None) as db:
        assert db.get_one(Credential, world.first["tokens"]).used_at is not None
    alice.post(f"/tokens/{world.first['tokens']}/revoke")
    assert ours.get("/health").status_code == 401
