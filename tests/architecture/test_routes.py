"""Every route, as every role, as a stranger, and as another shop's owner with real ids of the first shop.

What may not be answers 404 (another shop's), 403 (a lower role) or the way to the sign-in page (a stranger), and changes
nothing in either shop. A route that routes_fixtures.py does not list fails here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask, url_for
from websockets.sync.client import connect
from werkzeug.routing import Rule

from hub import protocol
from printfarm.accounts.access import PERSON
from printfarm.accounts.machines import TOKEN
from printfarm.accounts.models import ROLES
from printfarm.core.clock import utc_now
from printfarm.core.ids import new_id
from tests.architecture.routes_fixtures import PUBLIC, ROUTES, WITHOUT_A_GUARD, Ask, path_values, signed
from tests.architecture.world import Shop, changed, fingerprint, furnish
from tests.support.browser import Browser, Page
from tests.support.cast import Person, hire
from tests.support.serving import serving

ROOT = Path(__file__).parents[2]
REFUSED_ROLE, MISSING = 403, 404
UNSEEN = (MISSING, 409, 422)  # not among one's own: a rule or a list of choices says so as for an invented id


@dataclass(frozen=True)
class Route:
    """One rule and one method."""

    rule: Rule
    method: str
    ask: Ask

    @property
    def endpoint(self) -> str:
        return self.rule.endpoint

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint}"


@dataclass
class World:
    app: Flask
    first: Shop
    second: Shop
    people: dict[str, Person]
    stranger: Browser

    def url(self, route: Route, shop: Shop) -> str:
        query = route.ask.query(shop) if route.ask.query and route.method == "GET" else {}
        with self.app.test_request_context():
            return url_for(route.endpoint, **path_values(route.rule.arguments, shop), **query)

    def send(self, who: Any, route: Route, path_of: Shop, form_of: Shop) -> Page:
        url = self.url(route, path_of)
        if route.method == "GET":
            return who.get(url)
        if route.ask.json:
            return who.post(url, json=route.ask.json(form_of))
        return who.post(url, route.ask.form(form_of) if route.ask.form else {})

    def prints(self) -> list[dict[str, str]]:
        return [fingerprint(self.app, shop.id) for shop in (self.first, self.second)]


@pytest.fixture
def world(app, alice, charlie, shop, stranger) -> World:
    people = {"owner": alice}
    for role in ROLES[1:]:
        people[role] = hire(app, shop, f"{role}@example.com", role.capitalize(), role)
    return World(app, furnish(app, alice, "xylophone"), furnish(app, charlie, "zeppelin"), people, stranger)


def needed_role(app: Flask, endpoint: str) -> Any:
    return getattr(app.view_functions[endpoint], "needed_role", "none")


def routes(app: Flask) -> Iterator[Route]:
    """Everything that is guarded, method by method."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PUBLIC or rule.endpoint in WITHOUT_A_GUARD or needed_role(app, rule.endpoint) == TOKEN:
            continue  # those for programs are walked by test_token_routes.py
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(rule, method, ROUTES.get(rule.endpoint, Ask()))


def carries_ids(route: Route, world: World) -> tuple[bool, bool]:
    """Whether the path names a record, and whether the form or query does."""
    makers = [maker for maker in (route.ask.form, route.ask.json, route.ask.query) if maker]
    sent = [{k: v for k, v in maker(world.first).items() if isinstance(v, str)} for maker in makers]
    other = [{k: v for k, v in maker(world.second).items() if isinstance(v, str)} for maker in makers]
    return bool(route.rule.arguments), sent != other


def test_every_route_is_guarded_and_has_a_fixture(app):
    endpoints = set(app.view_functions)
    unguarded = {one for one in endpoints if needed_role(app, one) == "none"}
    assert unguarded == WITHOUT_A_GUARD, "a view without shop_view, shop_stream, person_view or public"
    public = {one for one in endpoints if needed_role(app, one) is None}
    assert public == set(PUBLIC), "a view for strangers that is not listed in routes_fixtures.PUBLIC"
    for_programs = {one for one in endpoints if needed_role(app, one) == TOKEN}
    roles = {needed_role(app, one) for one in endpoints - unguarded - public - for_programs}
    assert roles <= {*ROLES, PERSON}
    missing = endpoints - unguarded - public - for_programs - set(ROUTES)
    assert not missing, f"add a line to tests/architecture/routes_fixtures.py for {sorted(missing)}"
    stale = set(ROUTES) - endpoints
    assert not stale, f"routes_fixtures.py lists routes that do not exist: {sorted(stale)}"
    assert all((ROOT / test).is_file() for test in PUBLIC.values())


def test_every_route_writes_only_on_post(app):
    pages = [rule for rule in app.url_map.iter_rules() if needed_role(app, rule.endpoint) != TOKEN]
    methods = {method for rule in pages for method in rule.methods or ()}
    assert methods <= {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_stranger_is_led_to_the_sign_in_page_and_changes_nothing(world):
    before = world.prints()
    for route in routes(world.app):
        page = world.send(world.stranger, route, world.first, world.first)
        if route.endpoint == "files.receive_uploads" and page.status == 400:
            continue
        assert page.status == 303, f"{route} answers a stranger with {page.status}"
        assert page.location.startswith("/sign-in"), route
        assert world.first.secret_word not in page.response.get_data(as_text=True), route
    assert [changed(*pair) for pair in zip(before, world.prints(), strict=True)] == [[], []]


def test_a_lower_role_is_refused_and_changes_nothing(world):
    tried = 0
    before = world.prints()
    for route in routes(world.app):
        needed = needed_role(world.app, route.endpoint)
        if needed == PERSON:
            continue
        for role in ROLES[ROLES.index(needed) + 1 :]:
            page = world.send(world.people[role], route, world.first, world.first)
            assert page.status == REFUSED_ROLE, f"{route} answers a {role} with {page.status}"
            tried += 1
    assert tried > 40
    assert [changed(*pair) for pair in zip(before, world.prints(), strict=True)] == [[], []]


def test_another_shops_owner_finds_nothing_and_changes_nothing(world):
    charlie, first, second = world.second.owner, world.first, world.second
    before = world.prints()
    for route in routes(world.app):
        in_path, in_form = carries_ids(route, world)
        for path_of, form_of in [(first, first)] * in_path + [(second, first)] * in_form:
            page = world.send(charlie, route, path_of, form_of)
            if path_of is first and in_path:
                assert page.status == MISSING, (
                    f"{route} answers another shop's owner with {page.status}: {page.text[:300]}"
                )
            elif route.method == "POST" and not route.ask.keeps:  # a GET may ignore it, as long as it shows nothing
                assert page.status in UNSEEN, f"{route} takes another shop's id: {page.status}: {page.text[:300]}"
            assert first.secret_word not in page.response.get_data(as_text=True), route
            after = world.prints()
            of_first, of_second = (changed(*pair) for pair in zip(before, after, strict=True))
            assert of_first == [], route
            assert set(of_second) <= ({route.ask.keeps} if path_of is second else set()), route
            before = after


def test_lists_and_new_records_of_another_shop_hold_nothing_of_the_first(world):
    """Routes without any id of their own: asked with every id of the first shop in query and form."""
    first, charlie = world.first, world.second.owner
    smuggled = {name: str(value) for table, value in first.ids.items() for name in (table, f"{table.rstrip('s')}_id")}
    for route in routes(world.app):
        if any(carries_ids(route, world)) or route.ask.last:
            continue
        url = world.url(route, world.second)
        if route.method == "GET":
            page = charlie.get(url, query_string=smuggled)
            found = charlie.get(url, query_string={"q": first.secret_word})
            assert f"{first.secret_word}<" not in found.response.get_data(as_text=True), route
        elif route.ask.json:
            page = charlie.post(url, json={**smuggled, **route.ask.json(world.second)})
        else:
            page = charlie.post(url, {**smuggled, **(route.ask.form(world.second) if route.ask.form else {})})
        assert page.status < 500, f"{route}: {page.status}"
        assert first.secret_word not in page.response.get_data(as_text=True), route


def test_what_charlie_does_in_his_own_shop_leaves_the_first_as_it_was(world):
    before = fingerprint(world.app, world.first.id)
    shared = {"users", "shops", "memberships", "sessions", "credentials", "owed"}
    for route in sorted(routes(world.app), key=lambda route: route.ask.last):
        if route.method == "POST":
            browser = Browser(world.app).signed_in(world.second.owner.user_id, world.second.id)
            world.send(browser, route, world.second, world.second)
    assert set(changed(before, fingerprint(world.app, world.first.id))) <= shared


def test_the_owner_reaches_everything_with_the_same_ids(world):
    """Otherwise the tests above would pass with ids that lead nowhere."""
    for route in sorted(routes(world.app), key=lambda route: (route.ask.last, route.method)):
        browser = Browser(world.app).signed_in(world.people["owner"].user_id, world.first.id)
        page = world.send(browser, route, world.first, world.first)
        assert page.status not in {400, 401, 403, 404, 405}, f"{route}: {page.status}: {page.text[:300]}"
        assert page.status < 500, f"{route}: {page.status}: {page.text[:300]}"
        assert route.endpoint == "accounts.sign_out" or not (page.location or "").startswith("/sign-in"), route


def test_a_signed_link_leads_only_to_what_it_was_signed_for(world):
    first, second, stranger = world.first, world.second, world.stranger
    good = signed(first, first)
    answer = stranger.client.get(f"/files/signed/{good}")
    assert answer.status_code == 200
    assert first.secret_word.encode() in answer.data
    forged = good[:-4] + ("aaaa" if good[-4:] != "aaaa" else "bbbb")
    for token in (forged, signed(second, first), signed(first, first, "another purpose"), "", "x", good.split(".")[0]):
        assert stranger.client.get(f"/files/signed/{token}").status_code == MISSING
    with time_machine.travel(utc_now() + timedelta(hours=1, minutes=1), tick=True):
        assert stranger.client.get(f"/files/signed/{good}").status_code == MISSING


def test_a_hub_cannot_sign_in_as_another_shops_hub(world):
    before = world.prints()
    first, second = world.first.hub, world.second.hub
    assert first is not None
    assert second is not None
    with serving(world.app) as server:
        for path_id, hello_id, secret in (
            (first.id, first.id, second.secret),
            (first.id, second.id, second.secret),
            (new_id(), second.id, second.secret),
        ):
            with connect(f"ws://{server.host}/ws/hub/{path_id}") as ws:
                challenge = protocol.parse_from_web(ws.recv(10))
                nonce = "n" * 24
                hello = protocol.HubHello(
                    hub_id=str(hello_id),
                    firmware="1",
                    protocol=protocol.PROTOCOL_VERSION,
                    hub_nonce=nonce,
                    signature=protocol.sign_hub(secret, str(hello_id), challenge.nonce, nonce),
                )
                ws.send(protocol.dump(hello))
                assert isinstance(protocol.parse_from_web(ws.recv(10)), protocol.Refused)
    assert [changed(*pair) for pair in zip(before, world.prints(), strict=True)] == [[], []]
