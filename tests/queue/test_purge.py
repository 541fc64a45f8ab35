"""Where the file tells what goes into colour changes and the tower, a print is two lines: its part and its purge."""

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import StockEntry
from printfarm.library.models import FilamentRequirement
from printfarm.queue import service
from printfarm.queue.models import PrintRun, RunFilament
from tests.fleet.rolls import make_roll
from tests.queue.test_counted_meanwhile import lines, waiting, weight
from tests.queue.test_feeds import at, begin, end, put

MODEL, PURGE, TOWER = 13_337, 4_444, 2_219  # 20 g in all


def tell_apart(world):
    with unit_of_work(world.shop_id) as db:
        need = db.scalars(select(FilamentRequirement).order_by(FilamentRequirement.id.desc()).limit(1)).one()
        need.model_mg, need.purge_mg, need.waste_mg = MODEL, PURGE, TOWER


def printed(world, *, state="completed", layer=100):
    run = begin(world)
    tell_apart(world)
    end(world, run, state, layer=layer, total_layers=100)
    return run


def booked(world, spool_id=None):
    return [(cause, mg) for cause, mg, _ in lines(world, spool_id)][1:]


def test_part_and_purge_are_two_lines_that_add_up(world):
    run = printed(world)
    end(world, run, layer=100, total_layers=100)
    assert booked(world) == [("print", -MODEL), ("purge", -PURGE - TOWER)]
    assert weight(world) == 980_000


def test_a_failed_print_is_divided_as_the_whole(world):
    printed(world, state="failed", layer=33)
    (first, mg), (second, purged) = booked(world)
    assert (first, second) == ("failed print", "purge")
    assert (mg + purged, purged) == (-6_600, -round(6_600 * (PURGE + TOWER) / 20_000))


@pytest.mark.parametrize("which", ["print", "purge"])
def test_undo_takes_both_back(world, which):
    printed(world)
    with unit_of_work(world.shop_id) as db:
        line = db.scalars(select(StockEntry).where(StockEntry.cause == which)).one()
        filament.undo_entry(db, line.id)
    assert weight(world) == 1_000_000
    with read_only(world.shop_id) as db:
        assert len(db.scalars(select(StockEntry).where(StockEntry.cause == "undo")).all()) == 2


@pytest.mark.parametrize("weighed", [25_000, 3, 1, 0])
def test_weighed_grams_are_divided_and_exact(world, weighed):
    run = printed(world)
    with unit_of_work(world.shop_id) as db:
        service.weigh_run(db, run.id, {1: weighed})
    assert weight(world) == 1_000_000 - weighed
    with read_only(world.shop_id) as db:
        assert db.scalars(select(RunFilament)).one().used_mg == weighed
        assert db.scalars(select(PrintRun)).one().id == run.id


def test_each_roll_has_its_own_purge(world):
    other = make_roll(world.shop_id, "Other", "#121212")
    run = begin(world)
    tell_apart(world)
    at(world, run, 60)
    put(world, "A1", other.id)
    end(world, run, layer=100, total_layers=100)
    assert (
        [cause for cause, _ in booked(world)] == [cause for cause, _ in booked(world, other.id)] == ["print", "purge"]
    )
    assert (weight(world), weight(world, other.id)) == (988_000, 992_000)


def test_a_roll_that_lacks_some_gives_what_it_has(world):
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 15_000)
    printed(world)
    assert booked(world)[1:] == [("print", -MODEL), ("purge", MODEL - 15_000)]
    assert (weight(world), waiting(world)) == (0, 5_000)


def test_what_was_booked_until_a_count_stays_one_line(world):
    run = begin(world)
    tell_apart(world)
    at(world, run, 50)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 900_000)
    end(world, run, layer=100, total_layers=100)
    assert [one for one in booked(world) if one[0] != "correction"] == [
        ("print", -10_000),
        ("print", MODEL - 20_000 + 10_000 - MODEL + PURGE + TOWER),
        ("purge", -PURGE - TOWER),
    ]
    assert weight(world) == 890_000


def test_it_is_seen_in_the_ledger_and_on_the_page_of_the_print(world, alice):
    run = printed(world)
    assert "Purged" in alice.get(f"/filament/spools/{world.spool_id}").text
    assert "6.7 g" in alice.get("/filament/ledger?cause=purge").text
    with read_only(world.shop_id) as db:
        job_id = db.get_one(PrintRun, run.id).job_id
    assert "of it 6.7 g purged" in alice.get(f"/queue/jobs/{job_id}").text
