"""One transaction: reactions inside it, the outside world after it."""

import json
import time
from dataclasses import dataclass
from uuid import UUID

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import select

from printfarm.core import bus, events
from printfarm.core.background import enqueue_after_commit
from printfarm.core.errors import DomainError
from printfarm.core.events import Event, emit, from_message, reacts_to, to_message
from printfarm.core.ids import new_id
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament.models import Filament


@dataclass(frozen=True, kw_only=True)
class KettleBoiled(Event):
    """Something that happens only in these tests."""

    kettle_id: UUID
    cup_id: UUID | None = None


@pytest.fixture
def reaction():
    """What reacts to KettleBoiled in one test; taken away afterwards."""
    before = list(events._reactions[KettleBoiled])
    yield reacts_to(KettleBoiled)
    events._reactions[KettleBoiled] = before


@pytest.fixture
def heard(redis_url, alice):
    """What Redis said on the shop's channel."""
    with Redis.from_url(redis_url) as redis, redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(f"shop:{alice.shop_id}")
        pubsub.get_message(timeout=2)

        def listen():
            found, deadline = [], time.monotonic() + 0.5
            while time.monotonic() < deadline:
                message = pubsub.get_message(timeout=0.1)
                if message:
                    found.append(json.loads(message["data"]))
            return found

        yield listen


def boil(shop_id, **ids):
    return KettleBoiled(shop_id=shop_id, kettle_id=new_id(), **ids)


def filament(name="Sky"):
    return Filament(brand="B", material="PLA", colour_name=name, colour_hex="#123456")


def names(shop_id):
    with read_only(shop_id) as db:
        return sorted(db.scalars(select(Filament.colour_name)))


def test_a_reaction_works_in_the_same_transaction(ctx, alice, reaction):
    @reaction
    def add(db, event):
        db.add(filament(f"kettle {event.kettle_id}"))

    event = boil(alice.shop_id)
    with unit_of_work(alice.shop_id) as db:
        emit(db, event)
    assert names(alice.shop_id) == [f"kettle {event.kettle_id}"]


def test_when_a_reaction_fails_nothing_happened(ctx, alice, reaction, heard):
    @reaction
    def refuse(_db, _event):
        raise DomainError("No more tea.")

    with pytest.raises(DomainError, match="tea"), unit_of_work(alice.shop_id) as db:
        db.add(filament())
        emit(db, boil(alice.shop_id))
    assert names(alice.shop_id) == []
    assert heard() == []


def test_reactions_may_emit_again_and_run_in_order(ctx, alice, reaction, heard):
    seen = []

    @reaction
    def first(db, event):
        seen.append("first")
        if event.cup_id is None:
            emit(db, boil(alice.shop_id, cup_id=new_id()))

    @reaction
    def second(_db, _event):
        seen.append("second")

    with unit_of_work(alice.shop_id) as db:
        emit(db, boil(alice.shop_id))
    assert seen == ["first", "first", "second", "second"]
    assert len(heard()) == 2


def test_the_outside_hears_of_it_after_the_commit_and_not_before(ctx, alice, heard):
    event = boil(alice.shop_id)
    with unit_of_work(alice.shop_id) as db:
        db.add(filament())
        emit(db, event)
        db.flush()
        assert heard() == []
    assert heard() == [{"kind": "KettleBoiled", "shop_id": str(alice.shop_id), "kettle_id": str(event.kettle_id)}]


def test_a_rolled_back_work_neither_tells_nor_enqueues(ctx, alice, heard, redis_url):
    with pytest.raises(ZeroDivisionError), unit_of_work(alice.shop_id) as db:
        emit(db, boil(alice.shop_id))
        enqueue_after_commit(db, "jobs.none.nothing", new_id())
        raise ZeroDivisionError
    assert heard() == []
    assert Queue("fast", connection=Redis.from_url(redis_url)).count == 0


def test_redis_being_away_loses_no_work_and_is_logged(ctx, alice, caplog):
    ctx.config["REDIS_URL"] = "unix:///nowhere/redis.sock"
    with unit_of_work(alice.shop_id) as db:
        db.add(filament())
        emit(db, boil(alice.shop_id))
        enqueue_after_commit(db, "jobs.none.nothing", new_id())
    assert names(alice.shop_id) == ["Sky"]
    assert "could not tell the screens" in caplog.text
    assert "could not enqueue jobs.none.nothing" in caplog.text


def test_an_event_travels_as_text_and_comes_back():
    event = KettleBoiled(shop_id=new_id(), kettle_id=new_id())
    assert from_message(to_message(event)) == event
    with_cup = KettleBoiled(shop_id=new_id(), kettle_id=new_id(), cup_id=new_id())
    assert from_message(json.loads(json.dumps(to_message(with_cup)))) == with_cup


@pytest.mark.parametrize(
    "message",
    [{}, {"kind": "NeverHeardOf"}, {"kind": "KettleBoiled"}, {"kind": "KettleBoiled", "shop_id": "x"}, {"kind": None}],
)
def test_a_message_that_is_not_understood_is_no_event(message):
    assert from_message(message) is None


def test_what_was_loaded_can_be_rendered_after_the_work(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        row = filament()
        db.add(row)
    assert row.colour_name == "Sky"
    with read_only(alice.shop_id) as db:
        again = db.scalars(select(Filament)).one()
    assert again.brand == "B"


def test_telemetry_is_per_shop_and_gone_without_redis(ctx, alice, charlie):
    printer = new_id()
    bus.remember_telemetry(alice.shop_id, "printer", printer, {"nozzle_c": 220})
    assert bus.recall_telemetry(alice.shop_id, "printer", [printer]) == {str(printer): {"nozzle_c": 220}}
    assert bus.recall_telemetry(charlie.shop_id, "printer", [printer]) == {}
    assert bus.recall_telemetry(alice.shop_id, "printer", []) == {}
    ctx.config["REDIS_URL"] = "unix:///nowhere/redis.sock"
    bus.remember_telemetry(alice.shop_id, "printer", printer, {"nozzle_c": 1})
    assert bus.recall_telemetry(alice.shop_id, "printer", [printer]) == {}
