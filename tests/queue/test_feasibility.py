"""What can be printed is worked out again after every change, even when the message about the change is lost."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from hub import protocol
from jobs.sweeps import run_due
from printfarm.core.clock import utc_now
from printfarm.core.owed import Owed
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet.service import set_maintenance
from printfarm.fleet.service.reports import apply_status
from printfarm.queue import service
from printfarm.queue.models import PrintJob
from printfarm.queue.service import feasibility
from tests.support import valkey


@pytest.fixture
def job(world):
    with unit_of_work(world.shop_id) as db:
        return service.add_jobs(db, world.plate_id)[0]


def owed_soon(world):
    with read_only(None) as db:
        owed = db.scalars(select(Owed).where(Owed.kind == feasibility.OWED)).one()
        assert owed.subject_id == world.shop_id
        return owed.due_at < utc_now() + timedelta(seconds=30)


def test_a_change_is_owed_until_it_is_worked_out(world, job):
    assert owed_soon(world)
    with unit_of_work(world.shop_id) as db:
        feasibility.recompute(db)
    assert not owed_soon(world), "only the renewal in some minutes is left"
    with unit_of_work(world.shop_id) as db:
        set_maintenance(db, world.printer_id, on=True)
    assert owed_soon(world)


def test_losing_redis_only_delays_it(world, job, redis_url):
    valkey.flush(redis_url)
    with unit_of_work(None) as db:
        for row in db.scalars(select(Owed)):
            row.due_at = row.due_at.replace(year=2020)
    assert run_due() >= 1
    from redis import Redis
    from rq import Queue, SimpleWorker

    with Redis.from_url(redis_url) as connection:
        SimpleWorker([Queue("fast", connection=connection)], connection=connection).work(burst=True)
    with read_only(world.shop_id) as db:
        assert db.get_one(PrintJob, job.id).feasibility["enough"] is True
    assert not owed_soon(world)


def test_a_printer_that_confirms_what_was_known_can_be_started_on(world, job):
    with unit_of_work(world.shop_id) as db:
        feasibility.recompute(db)
    assert not owed_soon(world)
    said = protocol.PrinterStatus(
        printer_id=str(world.printer_id), connection="online", state="idle", confirmed=True, at=utc_now()
    )
    with unit_of_work(world.shop_id) as db:
        apply_status(db, world.printer_id, said)
    assert owed_soon(world)
