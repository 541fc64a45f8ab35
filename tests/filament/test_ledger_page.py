"""The whole ledger: found by cause, paged, downloaded as it is read."""

import csv
import io
from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import event

from printfarm.core.database import db as database
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries, service
from printfarm.filament.queries import LedgerFilter
from printfarm.filament.views.ledger import _csv
from printfarm.queue import service as queue
from tests.filament.shelf import add_roll, book
from tests.support.factories import make_world, report


@pytest.fixture
def rolls(ctx, alice):
    """Two rolls; one line of several causes."""
    first, second = add_roll(alice.shop_id, brand="=cmd()"), add_roll(alice.shop_id)
    with unit_of_work(alice.shop_id) as db:
        service.take_weight(db, first.id, 5_000, cause="purge", reason="@first purge", user_id=alice.user_id)
        service.set_weight(db, second.id, 400_000, reason="counted")
        service.take_weight(db, second.id, 500_000, agreed_mg=100_000)
        book(db, second, 1_500, onto=False)
    return first, second


def table(answer):
    text = answer.response.get_data(as_text=True)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_it_shows_every_line_newest_first_with_who_when_and_why(bob, alice, rolls):
    shown = bob.get("/filament/ledger")
    assert len(shown.all("li.ledger")) == 7
    purge = next(one for one in shown.all("li.ledger") if "@first purge" in one.get_text())
    said = " ".join(purge.get_text(" ").split())
    for word in ("Purged", "Alice", rolls[0].code, "\N{MINUS SIGN}5.0 g"):
        assert word in said
    assert purge.select_one("time")
    assert "no spool" in shown.all("li.ledger")[0].get_text()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("cause=purge", 1),
        ("cause=received", 2),
        ("cause=print", 1),
        ("discrepancies=1", 1),
        ("cause=weighed&discrepancies=1", 1),
        ("cause=imported", 0),
        ("cause=nonsense", 7),
        ("page=99", 7),
        ("page=-1", 7),
        ("spool=nonsense", 7),
    ],
)
def test_it_is_filtered(bob, rolls, query, count):
    assert len(bob.get(f"/filament/ledger?{query}").all("li.ledger")) == count


def test_of_one_spool_and_of_one_filament(bob, rolls):
    first, second = rolls
    assert len(bob.get(f"/filament/ledger?spool={first.id}").all("li.ledger")) == 2
    assert len(bob.get(f"/filament/ledger?filament={second.filament_id}").all("li.ledger")) == 5
    assert f"/filament/ledger?spool={first.id}" in str(bob.get(f"/filament/spools/{first.id}").soup)


def test_a_print_is_named_and_leads_to_its_job(bob, alice, ctx):
    with unit_of_work(alice.shop_id) as db:
        world = make_world(db, alice.shop_id)
        job = queue.add_jobs(db, world.plate_id)[0]
        run = queue.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "failed", layer=50, total_layers=100)
    line = bob.get("/filament/ledger?cause=failed+print").one("li.ledger")
    assert line.select_one(".row-name a")["href"] == f"/queue/jobs/{job.id}"
    assert "Benchy · 0.2 mm on Anna" in line.get_text()
    assert "10.0 g" in line.get_text()


def test_the_download_holds_what_the_page_holds(bob, rolls):
    rows = table(bob.get("/filament/ledger.csv"))
    assert len(rows) == 7
    assert table(bob.get("/filament/ledger.csv?cause=purge")) == [one for one in rows if one["Cause"] == "purge"]
    (purge,) = table(bob.get("/filament/ledger.csv?cause=purge"))
    assert (purge["Grams"], purge["Spool"], purge["Who"]) == ("-5.000", rolls[0].code, "Alice")
    assert datetime.fromisoformat(purge["Time (UTC)"]).tzinfo
    (found,) = table(bob.get("/filament/ledger.csv?discrepancies=1"))
    assert (found["Grams"], found["Discrepancy"]) == ("100.000", "yes")
    assert sum(float(one["Grams"]) for one in rows) == pytest.approx(995 - 1.5)


def test_no_cell_of_it_is_a_formula(bob, rolls):
    (purge,) = table(bob.get("/filament/ledger.csv?cause=purge"))
    assert purge["Brand"] == "'=cmd()"
    assert purge["Reason"] == "'@first purge"


def test_the_download_of_one_spool_is_named_after_it(bob, rolls):
    answer = bob.get(f"/filament/ledger.csv?spool={rolls[0].id}")
    assert len(table(answer)) == 2
    assert f"ledger-{rolls[0].code}-" in answer.headers["Content-Disposition"]


def test_a_long_ledger_is_read_piece_by_piece_and_loses_no_line(ctx, rolls):
    with read_only(rolls[0].shop_id) as db:
        everything = [one.entry.id for one in queries.ledger_part(db, LedgerFilter())]
        found, last = [], None
        while part := queries.ledger_part(db, LedgerFilter(), after=last, size=2):
            found += [one.entry.id for one in part]
            last = part[-1].entry
    assert found == everything
    assert len(found) == 7


def test_a_reader_who_goes_away_in_the_middle_holds_nothing(app, ctx, bob, rolls):
    """Each piece is a transaction of its own, over before the piece is sent; so there is none to close for who left."""
    held = []
    event.listen(database.engine, "checkout", lambda *_: held.append(1))
    event.listen(database.engine, "checkin", lambda *_: held.pop())
    pieces = _csv(app, bob.shop_id, LedgerFilter())
    next(pieces)
    assert "counted" in next(pieces)
    assert held == []  # between two pieces, when a slow reader takes its time
    pieces.close()
    assert held == []
    assert len(table(bob.get("/filament/ledger.csv"))) == 7


def test_another_shops_spool_has_no_ledger_here(charlie, rolls):
    for place in ("ledger", "ledger.csv"):
        assert charlie.get(f"/filament/{place}?spool={rolls[0].id}").status == 404
        assert charlie.get(f"/filament/{place}?filament={rolls[0].filament_id}").status == 404
        assert charlie.get(f"/filament/{place}?spool={uuid4()}").status == 404
    assert table(charlie.get("/filament/ledger.csv")) == []


def test_the_number_of_statements_does_not_grow_with_the_lines(ctx, bob, rolls):
    def statements() -> int:
        seen = []
        listen = lambda *_: seen.append(1)  # noqa: E731
        event.listen(database.engine, "before_cursor_execute", listen)
        bob.get("/filament/ledger")
        event.remove(database.engine, "before_cursor_execute", listen)
        return len(seen)

    few = statements()
    with unit_of_work(rolls[0].shop_id) as db:
        for number in range(15):
            service.take_weight(db, rolls[number % 2].id, 1, agreed_mg=1)
    assert statements() <= few
