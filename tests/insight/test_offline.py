"""The page that the service worker keeps: what is in it, and what must not be."""

import re

import pytest
from flask import Flask
from sqlalchemy import event

from printfarm.core.database import db as database
from printfarm.core.work import unit_of_work
from printfarm.queue import service as queue
from tests.support.factories import make_plate, make_printer, make_world


@pytest.fixture
def farm(ctx: Flask, alice):
    with unit_of_work(alice.shop_id) as db:
        world = make_world(db, alice.shop_id)
        queue.add_jobs(db, world.plate_id, quantity=2, user_id=alice.user_id)
    return world


def test_it_shows_the_queue_and_the_printers_with_their_time(farm, bob):
    page = bob.get("/offline")
    assert page.status == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert page.one("time[data-as-of]")["datetime"].endswith("+00:00")
    assert "Europe/Berlin" in page.text
    assert "Anna" in page.one("section[aria-label=Printers]").get_text()
    assert page.one("section[aria-label='Print queue']").get_text().count("Benchy") == 2


def test_nothing_in_it_can_be_sent_and_no_secret_is_kept(farm, alice):
    page = alice.get("/offline")
    assert not page.all("form, button, input, [hx-post], [hx-headers]")
    assert "csrf" not in page.response.get_data(as_text=True).lower()


def test_it_is_the_same_for_every_role(farm, alice, bob):
    def words(person) -> str:
        return re.sub(r"\d\d?:\d\d", "", person.get("/offline").text)

    assert words(alice) == words(bob)


def test_it_needs_nothing_but_files_that_the_worker_keeps(farm, alice):
    page = alice.get("/offline")
    worker = alice.get("/service-worker.js").response.get_data(as_text=True)
    linked = {tag[name] for name in ("src", "href") for tag in page.all(f"[{name}]") if "/static/" in tag[name]}
    assert linked
    assert all(f'"{address.partition("#")[0]}"' in worker for address in linked)
    assert not page.all("img")


def test_a_shop_of_its_own_shows_nothing_of_another(farm, charlie):
    assert "Benchy" not in charlie.get("/offline").text
    assert "There was no printer." in charlie.get("/offline").text


def test_it_costs_the_same_however_large_the_shop(farm, alice):
    def statements() -> int:
        seen = []
        with alice.app.app_context():
            engine = database.engine
        event.listen(engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
        alice.get("/offline")
        return len(seen)

    few = statements()
    with unit_of_work(alice.shop_id) as db:
        for number in range(5):
            make_printer(db)
            plate = make_plate(db, needs={1: (farm.filament_id, 1000)}, name=f"Thing {number}")
            queue.add_jobs(db, plate.id, user_id=alice.user_id)
    assert statements() <= few


def test_without_anything_kept_it_says_what_to_do(stranger):
    page = stranger.get("/offline/nothing")
    assert page.status == 200
    assert "Nothing of the queue is kept" in page.text
    assert not page.all("form, button")
