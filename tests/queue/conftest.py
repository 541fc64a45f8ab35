"""A shop that can print."""

import pytest

from printfarm.core.work import unit_of_work
from tests.support.factories import World, make_world


@pytest.fixture
def world(ctx, alice) -> World:
    with unit_of_work(alice.shop_id) as db:
        return make_world(db, alice.shop_id)
