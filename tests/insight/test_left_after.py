"""What the dashboard says will be left on a roll when a print is done: also when the roll was counted or changed meanwhile."""

import pytest

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.insight.queries import get_dashboard
from printfarm.queue.models import PrintRun
from tests.fleet.rolls import make_roll
from tests.queue.conftest import world  # noqa: F401  # the shop that can print
from tests.queue.test_counted_meanwhile import GRAM, weight
from tests.queue.test_feeds import USES, at, begin, end, put


def left_after(app, shop_id):
    with app.test_request_context(), read_only(shop_id) as db:
        (slots,) = get_dashboard(db).feeding.values()
        return [(one.spool and one.spool.id, one.after_mg) for one in slots]


def test_before_anybody_counts(app, world):  # noqa: F811
    begin(world)
    assert left_after(app, world.shop_id) == [(world.spool_id, 980 * GRAM)]


@pytest.mark.parametrize("layer", [0, 50, 100])
def test_what_was_booked_when_the_roll_was_counted_is_not_taken_off_again(app, world, layer):  # noqa: F811
    run = begin(world)
    at(world, run, layer)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 500 * GRAM)
    (said,) = left_after(app, world.shop_id)
    end(world, run, layer=100, total_layers=100)
    assert said == (world.spool_id, weight(world))


def test_a_part_that_was_wound_off_meanwhile(app, world):  # noqa: F811
    run = begin(world)
    at(world, run, 50)
    with unit_of_work(world.shop_id) as db:
        filament.split_spool(db, world.spool_id, 300 * GRAM)
    assert left_after(app, world.shop_id) == [(world.spool_id, 680 * GRAM)]
    end(world, run, layer=100, total_layers=100)
    assert weight(world) == 680 * GRAM


@pytest.mark.parametrize("uses", [None, USES])
def test_of_a_roll_that_came_in_the_middle_only_the_rest_is_taken(app, world, uses):  # noqa: F811
    other = make_roll(world.shop_id, "Other", "#121212")
    run = begin(world, uses=uses)
    at(world, run, 50)
    put(world, "A1", other.id)
    at(world, run, 75)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, other.id, 400 * GRAM)
    (said,) = left_after(app, world.shop_id)
    end(world, run, layer=100, total_layers=100)
    assert said == (other.id, weight(world, other.id))


def test_two_slots_that_one_roll_feeds_are_taken_off_together(app, world):  # noqa: F811
    run = begin(world, needs={1: (world.filament_id, 20_000), 3: (world.filament_id, 5_000)})
    assert left_after(app, world.shop_id) == [(world.spool_id, 975 * GRAM)] * 2
    with read_only(world.shop_id) as db:
        assert db.get_one(PrintRun, run.id).state == "running"
