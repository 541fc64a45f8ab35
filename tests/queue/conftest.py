"""A shop that can print, a job in its queue, and a run of it."""

import pytest

from printfarm.core.work import unit_of_work
from printfarm.queue import service
from tests.support.factories import World, make_world


@pytest.fixture
def world(ctx, alice) -> World:
    with unit_of_work(alice.shop_id) as db:
        return make_world(db, alice.shop_id)


@pytest.fixture
def job(world: World):
    with unit_of_work(world.shop_id) as db:
        return service.add_jobs(db, world.plate_id)[0]


@pytest.fixture
def run(world: World, job):
    with unit_of_work(world.shop_id) as db:
        return service.start_job(db, job.id, world.printer_id)
