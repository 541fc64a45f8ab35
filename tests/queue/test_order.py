"""One list that everybody sees: moving, stale pages, and the law that no job is ever lost."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from printfarm.core.errors import NotFound
from printfarm.core.work import read_only, unit_of_work
from printfarm.queue import service
from printfarm.queue.models import PrintJob
from printfarm.queue.service.order import QueueChanged


@pytest.fixture
def jobs(world):
    with unit_of_work(world.shop_id) as db:
        return [job.id for job in service.add_jobs(db, world.plate_id, quantity=4)]


def order(world):
    with read_only(world.shop_id) as db:
        waiting = select(PrintJob.id).where(PrintJob.state == "queued").order_by(PrintJob.place, PrintJob.id)
        return list(db.scalars(waiting))


def test_jobs_wait_in_the_order_they_were_added(world, jobs):
    assert order(world) == jobs


def test_a_job_moves_behind_its_neighbour(world, jobs):
    first, second, third, fourth = jobs
    with unit_of_work(world.shop_id) as db:
        service.move_job(db, fourth, after=first)
    assert order(world) == [first, fourth, second, third]
    with unit_of_work(world.shop_id) as db:
        service.move_job(db, third, after=None)
    assert order(world) == [third, first, fourth, second]


def test_moving_rewrites_one_row(world, jobs):
    with read_only(world.shop_id) as db:
        before = dict(db.execute(select(PrintJob.id, PrintJob.place)).all())
    with unit_of_work(world.shop_id) as db:
        service.move_job(db, jobs[3], after=jobs[0])
    with read_only(world.shop_id) as db:
        after = dict(db.execute(select(PrintJob.id, PrintJob.place)).all())
    assert [one for one in before if before[one] != after[one]] == [jobs[3]]


def test_a_stale_page_is_refused_and_nothing_moves(world, jobs):
    with unit_of_work(world.shop_id) as db:
        service.cancel_job(db, jobs[1])
    for job, after in ((jobs[1], jobs[0]), (jobs[2], jobs[1])):
        with pytest.raises(QueueChanged), unit_of_work(world.shop_id) as db:
            service.move_job(db, job, after=after)
    with pytest.raises(NotFound), unit_of_work(world.shop_id) as db:
        service.move_job(db, uuid4(), after=None)
    assert order(world) == [jobs[0], jobs[2], jobs[3]]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), max_size=15))
def test_whatever_is_moved_no_job_is_lost_or_doubled(world, jobs, moves):
    expected = order(world)
    for which, behind in moves:
        job, after = jobs[which], jobs[behind] if behind >= 0 else None
        with unit_of_work(world.shop_id) as db:
            service.move_job(db, job, after=after)
        if job != after:
            expected.remove(job)
            expected.insert(expected.index(after) + 1 if after else 0, job)
        assert order(world) == expected
