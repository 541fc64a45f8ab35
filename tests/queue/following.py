"""What a hub says about a run, and what is true afterwards."""

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries
from printfarm.filament.models import Spool
from tests.support.factories import report


def tell(world, run, state, **facts):
    with unit_of_work(world.shop_id) as db:
        report(db, world.printer_id, run.code, state, **facts)


def now(world, row):
    with read_only(world.shop_id) as db:
        return db.get_one(type(row), row.id)


def left(world):
    """What the spool holds; its cached weight is always its ledger's sum."""
    with read_only(world.shop_id) as db:
        assert queries.drifted_spools(db) == []
        return db.get_one(Spool, world.spool_id).remaining_mg
