"""A spool's weight over time: drawn by the server, thinned, said in words."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, insert, select

from printfarm.core.database import db as database
from printfarm.core.ids import new_id
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.charts import HEIGHT, WIDTH, draw_weight
from printfarm.filament.models import Spool, StockEntry
from printfarm.filament.queries.history import STEPS

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def spool(ctx, alice):
    with unit_of_work(alice.shop_id) as db:
        black = service.add_filament(
            db, brand="Prusament", material="PLA", colour_name="Galaxy Black", colour_hex="#111111"
        )
        return service.add_spool(db, black.id, weight_mg=1_000_000)


def book_many(spool, count):
    """A print an hour, and once a weighing that brings much back."""
    with unit_of_work(spool.shop_id) as db:
        began = db.scalars(select(StockEntry.created_at)).one()
        deltas = [-50 if number != count // 2 else 400_000 for number in range(count)]
        facts = {"shop_id": spool.shop_id, "filament_id": spool.filament_id, "spool_id": spool.id, "reason": "Benchy"}
        db.execute(
            insert(StockEntry),
            [
                {
                    **facts,
                    "id": new_id(),
                    "cause": "print",
                    "delta_mg": mg,
                    "created_at": began + timedelta(hours=1 + n),
                }
                for n, mg in enumerate(deltas)
            ],
        )
        db.get_one(Spool, spool.id).remaining_mg += sum(deltas)


def points(path: str) -> list[tuple[float, float]]:
    at, made = (0.0, 0.0), []
    for letter, numbers in re.findall(r"([MHV])([\d. -]+)", path):
        values = [float(one) for one in numbers.split()]
        at = (values[0], values[1]) if letter == "M" else (values[0], at[1]) if letter == "H" else (at[0], values[0])
        made.append(at)
    return made


def test_one_line_is_a_flat_line(bob, spool):
    page = bob.get(f"/filament/spools/{spool.id}")
    line = points(page.one(".weight-line")["d"])
    assert {y for _, y in line} == {0.0}
    assert line[-1][0] == WIDTH
    assert "It began with 1.00 kg" in page.one("#weight-chart-words").get_text(" ")
    assert page.one(".weight-chart svg")["aria-labelledby"] == "weight-chart-words"


def test_what_is_on_order_has_no_history(bob, spool):
    with unit_of_work(spool.shop_id) as db:
        roll = service.order_spool(db, spool.filament_id, facts=service.SpoolFacts())
    page = bob.get(f"/filament/spools/{roll.id}")
    assert page.all("#weight-chart") == []
    assert "On order" in page.text


@pytest.mark.parametrize("count", [3, STEPS - 1, 10_000])
def test_the_history_is_thinned_and_loses_neither_the_ends_nor_the_extremes(ctx, spool, count):
    book_many(spool, count)
    with read_only(spool.shop_id) as db:
        steps = queries.history_of(db, spool.id)
        assert len(steps) == min(count + 1, STEPS)
        assert steps[-1].held_mg == db.get_one(Spool, spool.id).remaining_mg
    assert max(step.high_mg for step in steps) == 1_000_000 - 50 * (count // 2) + 400_000
    assert steps == sorted(steps, key=lambda step: step.at)
    if count < STEPS:
        assert steps[0].held_mg == 1_000_000


def test_ten_thousand_lines_cost_as_many_statements_and_hardly_more_bytes(bob, spool):
    def cost() -> tuple[list[str], int]:
        said: list[str] = []

        def note(_connection, _cursor, statement, *_):
            said.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        page = bob.get(f"/filament/spools/{spool.id}")
        event.remove(database.engine, "before_cursor_execute", note)
        return said, len(page.one("#weight-chart").decode())

    book_many(spool, 30)
    cost()  # the first page of a process asks once whether anybody lives here
    few, _ = cost()
    book_many_more(spool)
    many, size = cost()
    assert len(many) == len(few), [one for one in many if one not in few]
    assert size < 8_000


def book_many_more(spool):
    with unit_of_work(spool.shop_id) as db:
        last = db.scalars(select(StockEntry.created_at).order_by(StockEntry.created_at.desc()).limit(1)).one()
        facts = {"shop_id": spool.shop_id, "filament_id": spool.filament_id, "spool_id": spool.id, "reason": "Fox"}
        rows = [
            {**facts, "id": new_id(), "cause": "print", "delta_mg": -20, "created_at": last + timedelta(minutes=n + 1)}
            for n in range(10_000)
        ]
        db.execute(insert(StockEntry), rows)
        db.get_one(Spool, spool.id).remaining_mg -= 200_000


def step(hours, held, low=None, high=None):
    low, high = held if low is None else low, held if high is None else high
    return queries.Step(BEGAN + timedelta(hours=hours), held, low, high)


def test_the_line_falls_when_grams_go_and_is_flat_in_between():
    chart = draw_weight(
        [step(0, 1_000_000), step(10, 500_000)],
        initial_mg=1_000_000,
        low_below_mg=100_000,
        now=BEGAN + timedelta(hours=20),
    )
    assert points(chart.line) == [(0, 0), (300, 0), (300, HEIGHT / 2), (WIDTH, HEIGHT / 2)]
    assert chart.low_y == HEIGHT * 0.9


@pytest.mark.parametrize(
    "steps",
    [
        [step(0, 0)],
        [step(0, 0), step(0, 0)],
        [step(0, 1), step(0, -5)],
        [step(0, 50_000_000), step(1, 1, 0, 50_000_000)],
    ],
)
def test_the_line_stays_in_its_box_whatever_was_booked(steps):
    chart = draw_weight(steps, initial_mg=0, low_below_mg=100_000, now=BEGAN)
    for x, y in points(chart.line):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert draw_weight([], initial_mg=0, low_below_mg=0, now=BEGAN) is None
