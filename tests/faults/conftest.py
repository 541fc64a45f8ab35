"""A whole PrintFarm in processes of its own, with a simulated printer beside it."""

import pytest

from tests.faults.shop import RunningShop


@pytest.fixture
def running_shop(short_tmp, request):
    """Set up, with a printer online, a kilogram on its spool holder, and nothing in the queue."""
    folder = short_tmp / f"f{abs(hash(request.node.nodeid)) % 100_000}"
    with RunningShop(folder) as shop:
        yield shop
