"""A roll is weighed, found empty, thrown away or wound over while a print is fed from it: no gram is taken twice."""

from threading import Thread

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament import service as filament
from printfarm.filament.models import Filament, Spool, StockEntry
from tests.fleet.rolls import make_roll
from tests.queue.test_feeds import at, begin, end, put, taken

GRAM = 1_000


def weight(world, spool_id=None):
    with read_only(world.shop_id) as db:
        assert filament_queries.find_drift(db) == []
        return db.get_one(Spool, spool_id or world.spool_id).remaining_mg


def lines(world, spool_id=None):
    mine = select(StockEntry).where(StockEntry.spool_id == (spool_id or world.spool_id))
    with read_only(world.shop_id) as db:
        found = list(db.scalars(mine.order_by(StockEntry.created_at, StockEntry.id)))
        return [(one.cause, one.delta_mg, one.is_discrepancy) for one in found]


def waiting(world):
    with read_only(world.shop_id) as db:
        return sum(one.unassigned_mg for one in db.scalars(select(Filament)))


def test_what_was_printed_before_the_scale_was_read_is_not_taken_again(world, alice):
    run = begin(world)  # 20 g in 100 layers
    at(world, run, 50)
    form = {"what": "scale", "grams": "1240", "tare": "250"}
    assert alice.post(f"/filament/spools/{world.spool_id}/weigh", form).status == 303
    assert lines(world)[1:] == [("print", -10 * GRAM, False), ("weighed", 0, False)]
    assert "until layer 50" in alice.get(f"/filament/spools/{world.spool_id}").text
    end(world, run, layer=100, total_layers=100)
    end(world, run, layer=100, total_layers=100)
    assert weight(world) == 980 * GRAM
    assert taken(world) == {world.spool_id: 20 * GRAM}


def test_counted_again_and_again(world):
    run = begin(world)
    for layer, held in ((0, 1000), (25, 990), (25, 991), (75, 985)):
        at(world, run, layer)
        with unit_of_work(world.shop_id) as db:
            filament.set_weight(db, world.spool_id, held * GRAM)
        assert weight(world) == held * GRAM
    end(world, run, layer=100, total_layers=100)
    assert weight(world) == 980 * GRAM
    assert [one for one in lines(world) if one[0] == "print"] == [("print", -mg * GRAM, False) for mg in (5, 10, 5)]


def test_a_print_that_stops_takes_only_what_came_after(world):
    run = begin(world)
    at(world, run, 50)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 700 * GRAM)
    end(world, run, "failed", layer=60, total_layers=100)
    assert weight(world) == 698 * GRAM


def test_a_roll_that_ran_out_was_emptied_by_the_print(world):
    """What it gave is the print's; only what nobody knows about is a discrepancy, and nothing is left without a roll."""
    other = make_roll(world.shop_id, "Other", "#121212")
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 12 * GRAM)
    run = begin(world)
    at(world, run, 50)
    with unit_of_work(world.shop_id) as db:
        filament.empty_spool(db, world.spool_id)
    assert lines(world)[2:] == [("print", -10 * GRAM, False), ("correction", -2 * GRAM, True)]
    put(world, "A1", other.id)
    end(world, run, layer=100, total_layers=100)
    assert (weight(world), weight(world, other.id), waiting(world)) == (0, 990 * GRAM, 0)


def test_a_roll_that_held_more_than_the_books_knew(world):
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 4 * GRAM)
    run = begin(world)
    at(world, run, 50)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 30 * GRAM)
    end(world, run, layer=100, total_layers=100)
    assert weight(world) == 20 * GRAM
    assert ("weighed", 6 * GRAM, True) in lines(world)


@pytest.mark.parametrize("deed", ["discard", "merge"])
def test_what_leaves_with_the_roll_is_what_is_left_on_it(world, deed):
    run = begin(world)
    at(world, run, 50)
    with unit_of_work(world.shop_id) as db:
        if deed == "discard":
            filament.discard_spool(db, world.spool_id)
        else:
            beside = filament.add_spool(db, db.get_one(Spool, world.spool_id).filament_id, weight_mg=100 * GRAM)
            filament.merge_spools(db, beside.id, world.spool_id)
    end(world, run, "failed", layer=50, total_layers=100)
    assert waiting(world) == 0
    assert [delta for _, delta, _ in lines(world)] == [1000 * GRAM, -10 * GRAM, -990 * GRAM]
    if deed == "merge":
        assert weight(world, beside.id) == 1090 * GRAM
        with read_only(world.shop_id) as db:
            assert db.get_one(Spool, beside.id).state == "open"  # it was sealed, and something was wound onto it


def test_of_two_rolls_each_is_counted_for_its_layers(world):
    other = make_roll(world.shop_id, "Other", "#121212")
    run = begin(world)
    at(world, run, 40)
    put(world, "A1", other.id)
    at(world, run, 60)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 500 * GRAM)
        filament.set_weight(db, other.id, 400 * GRAM)
    end(world, run, layer=100, total_layers=100)
    assert (weight(world), weight(world, other.id)) == (500 * GRAM, 392 * GRAM)
    assert taken(world) == {world.spool_id: 8 * GRAM, other.id: 12 * GRAM}


def test_nothing_is_booked_before_the_first_layer_nor_after_the_end(world):
    run = begin(world)
    at(world, run, 0)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 600 * GRAM)
    end(world, run, layer=100, total_layers=100)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 500 * GRAM)
    assert [cause for cause, *_ in lines(world)] == ["received", "correction", "print", "correction"]
    assert weight(world) == 500 * GRAM


def test_the_end_and_the_scale_at_the_same_moment(app, world):
    """Whoever comes first, the print's 20 g are taken once."""
    run = begin(world)
    at(world, run, 50)

    def count():
        with app.app_context(), unit_of_work(world.shop_id) as db:
            filament.set_weight(db, world.spool_id, 800 * GRAM)

    def finish():
        with app.app_context():
            end(world, run, layer=100, total_layers=100)

    threads = [Thread(target=one) for one in (count, finish)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken(world) == {world.spool_id: 20 * GRAM}
    assert weight(world) in {790 * GRAM, 800 * GRAM}
