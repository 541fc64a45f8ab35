"""People and printers at the same moment: whoever is first, a print's grams are its lines, and a roll is its last count less
what was used after it.
"""

from contextlib import suppress
from threading import Barrier, Thread

import pytest

from printfarm.core.errors import DomainError
from printfarm.core.work import unit_of_work
from printfarm.filament import service as filament
from printfarm.queue import service
from tests.queue.test_counted_in_doubt import count, doubt, of_the_print, settle
from tests.queue.test_counted_meanwhile import GRAM, weight
from tests.queue.test_feeds import begin, end


def both(app, *deeds):
    at_once = Barrier(len(deeds))

    def act(deed):
        with app.app_context():
            at_once.wait()
            with suppress(DomainError):
                deed()

    threads = [Thread(target=act, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("turn", range(3))
def test_weighed_and_settled_at_once(app, world, turn):
    run = begin(world)
    doubt(world, run)
    both(app, lambda: count(world, 700), lambda: settle(world, run, "completed"))
    assert of_the_print(world, run) == 20 * GRAM
    assert weight(world) == 700 * GRAM, "before or after the end: the count knew all of it"


@pytest.mark.parametrize("turn", range(3))
def test_corrected_and_weighed_at_once(app, world, turn):
    run = begin(world)
    end(world, run, layer=100, total_layers=100)

    def correct():
        with unit_of_work(world.shop_id) as db:
            service.weigh_run(db, run.id, {1: 35 * GRAM})

    both(app, lambda: count(world, 600), correct)
    assert of_the_print(world, run) == 35 * GRAM
    assert weight(world) == 600 * GRAM


@pytest.mark.parametrize("turn", range(3))
def test_a_count_is_taken_back_while_the_print_is_settled(app, world, turn):
    run = begin(world)
    doubt(world, run)
    entry = count(world, 700)

    def undo():
        with unit_of_work(world.shop_id) as db:
            filament.undo_entry(db, entry.id)

    both(app, undo, lambda: settle(world, run, "completed"))
    assert of_the_print(world, run) == 20 * GRAM
    assert weight(world) == 980 * GRAM
