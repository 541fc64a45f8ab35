"""What needs a person: one list for the dashboard, the bell and its page, read from what is open and not from what was sent."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from printfarm.core import formats
from printfarm.core.clock import utc_now
from printfarm.core.database import db as database
from printfarm.core.live import render_events
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.files.models import Upload
from printfarm.fleet.events import PrinterChanged, PrinterMoved
from printfarm.fleet.models import Hub, Printer, PrinterError
from printfarm.insight.needs import get_needs


@pytest.fixture
def needs(ctx, rows):
    """The kinds that are open now, worst first."""

    def ask() -> list[str]:
        with ctx.test_request_context(), read_only(rows.id) as db:
            return [one.kind for one in get_needs(db)]

    return ask


def figure(page) -> str:
    """The number that the bell shows; empty while it hides."""
    count = page.one("#bell-count")
    return "" if count.has_attr("hidden") else str(count.contents[0]).strip()


def test_the_bell_counts_what_its_page_lists(alice, rows):
    anna = rows.printer("Anna", bed_cleared=False)
    with unit_of_work(rows.id) as db:
        db.add(PrinterError(printer_id=anna.id, code="0300", sentence="The nozzle is clogged.", severity="serious"))
        db.add(Upload(original_name="Vase.3mf", state="needs-answer"))
    page = alice.get("/needs")
    assert [one.get_text() for one in page.all("#needs .row-name")] == [
        "Anna reports an error",
        "Clear the bed of Anna",
        "Vase.3mf needs an answer",
    ]
    assert figure(page) == figure(alice.get("/")) == "3"
    assert figure(alice.get("/needs/count", htmx=True)) == "3"
    assert "3 open" in page.text
    assert "The nozzle is clogged." in page.text
    assert "just now" in page.one("#needs .row:first-child").get_text()


def test_other_pages_fetch_the_figure_when_they_are_there(alice, rows):
    rows.printer("Anna", bed_cleared=False)
    page = alice.get("/fleet")
    assert figure(page) == ""
    assert page.one(".bell")["hx-trigger"].startswith("load")
    assert page.one(".bell")["hx-get"] == "/needs/count"
    assert page.one(".bell a")["href"] == "/needs"


def test_nothing_open_says_so(alice, rows):
    page = alice.get("/needs")
    assert "Nothing needs you right now" in page.text
    assert figure(page) == ""
    assert "Nothing needs you right now" in alice.get("/needs/bell", htmx=True).text


def test_what_unfolds_under_the_bell_is_short_and_leads_to_the_rest(alice, rows):
    for number in range(9):
        rows.printer(f"P{number}", bed_cleared=False)
    bell = alice.get("/needs/bell", htmx=True)
    assert bell.soup.html is None
    assert len(bell.all("[data-need=bed]")) == 6
    assert bell.one(".bell-head a").get_text() == "All 9"
    assert len(alice.get("/needs").all("[data-need=bed]")) == 9


def test_the_last_day_stands_below_quietly(alice, rows):
    plate, printer = rows.plate(), rows.printer("Anna")
    rows.run(plate, printer, "completed", ended_at=utc_now() - timedelta(hours=23))
    rows.run(plate, printer, "failed", ended_at=utc_now())
    rows.run(plate, printer, "completed", ended_at=utc_now() - timedelta(hours=25))
    page = alice.get("/needs")
    day = page.one("section[aria-label='Last 24 hours']")
    assert [state.get_text(strip=True) for state in day.select(".state")] == ["Failed", "Finished"]
    assert figure(page) == ""


def test_a_bed_is_cleared_where_the_person_is(olga, rows):
    anna, bruno, carla = (rows.printer(name, bed_cleared=False) for name in ("Anna", "Bruno", "Carla"))
    plain = olga.post(f"/beds/{anna.id}/clear", {"from": "needs"})
    assert (plain.status, plain.location) == (303, "/needs")
    listed = olga.post(f"/beds/{bruno.id}/clear", {"from": "needs"}, htmx=True)
    assert len(listed.all("#need-list [data-need=bed]")) == 1
    unfolded = olga.post(f"/beds/{carla.id}/clear", {"from": "bell"}, htmx=True)
    assert "Nothing needs you right now" in unfolded.text
    with read_only(rows.id) as db:
        assert all(db.get_one(Printer, one.id).bed_cleared for one in (anna, bruno, carla))


def test_without_scripts_the_fragments_lead_to_the_page(alice, rows):
    for fragment in ("/needs/count", "/needs/bell"):
        answer = alice.get(fragment)
        assert (answer.status, answer.location) == (302, "/needs")


def test_open_pages_get_the_figure_when_it_may_have_changed(app, rows):
    printer = rows.printer("Anna", bed_cleared=False)
    html, topics = render_events(app, rows.id, [PrinterChanged(shop_id=rows.id, printer_id=printer.id)])
    assert '<span class="bell-count" id="bell-count" hx-swap-oob="true">1' in html
    assert "needs" in topics
    html, topics = render_events(app, rows.id, [PrinterMoved(shop_id=rows.id, printer_id=printer.id)])
    assert "bell-count" not in html
    assert "needs" not in topics


def test_many_events_at_once_are_counted_once(app, ctx, rows):
    printers = [rows.printer(f"P{number}", bed_cleared=False) for number in range(5)]
    events = [PrinterChanged(shop_id=rows.id, printer_id=one.id) for one in printers]
    html, _ = render_events(app, rows.id, events)
    assert html.count('id="bell-count"') == 1
    heard: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *said: heard.append(said[2]))
    render_events(app, rows.id, events)
    assert sum("FROM uploads" in statement for statement in heard) <= 2


def test_a_printer_that_asks_at_its_own_screen_is_named(needs, rows):
    anna = rows.printer("Anna")
    with unit_of_work(rows.id) as db:
        db.get_one(Printer, anna.id).state = "attention"
    assert needs() == ["printer-waits"]


def test_a_bed_in_use_is_not_to_be_cleared(needs, rows):
    anna = rows.printer("Anna", bed_cleared=False)
    assert needs() == ["bed"]
    with unit_of_work(rows.id) as db:
        db.get_one(Printer, anna.id).state = "printing"
    assert needs() == []


def test_a_printer_that_keeps_us_out_or_takes_no_commands_is_named(needs, rows):
    rows.printer("Anna", developer_mode=False)
    bruno = rows.printer("Bruno")
    with unit_of_work(rows.id) as db:
        db.get_one(Printer, bruno.id).connection = "refused"
    assert needs() == ["refused", "refused"]
    with unit_of_work(rows.id) as db:
        for hub in db.query(Hub):
            hub.connected_at = None
    assert needs() == ["lost-hub", "lost-hub"]


def test_long_lists_are_summed_up(alice, rows):
    for number in range(6):
        rows.spool(f"Colour {number}", grams=20)
    with unit_of_work(rows.id) as db:
        db.add_all(Upload(original_name=f"{number}.3mf", state="needs-answer") for number in range(5))
        db.add_all(Upload(original_name=f"{number}.3mf", state="failed") for number in range(2))
    said = [one.get_text() for one in alice.get("/needs").all("#needs .row-name")]
    assert said[3:5] == ["2 more uploads need an answer", "2 uploads failed"]
    assert said[-2:] == ["2 more spools run low", "6 filaments to buy"]
    assert len(said) == 3 + 1 + 1 + 4 + 1 + 1


def test_a_low_roll_says_where_the_next_grams_come_from(alice, rows):
    def said() -> str:
        return " ".join(alice.get("/needs").one("#needs [data-need=low]").get_text(" ").split())

    roll = rows.spool(grams=20)
    assert "Buy another." in said()
    with unit_of_work(rows.id) as db:
        today = filament.today_of(db)
        line = filament.OrderLine(roll.filament_id, rolls=2, seen=0)
        (order,) = filament.order_rolls(db, [line], expected_on=today + timedelta(days=3))
    expected = " ".join(formats.day(today + timedelta(days=3)).split())
    assert f"2 more are on order, expected {expected}." in said()
    assert "Buy" not in said()
    with unit_of_work(rows.id) as db:
        filament.expect_on(db, order.id, today - timedelta(days=1))
    assert "2 more are on order, overdue since" in said()
    with unit_of_work(rows.id) as db:
        filament.receive_purchases(db, [order.id])
    assert "Lay out another: 2.00 kg more are here." in said()


def test_a_second_roll_that_is_as_good_as_empty_is_none_to_lay_out(alice, rows):
    roll = rows.spool(grams=20)
    with unit_of_work(rows.id) as db:
        filament.add_spool(db, roll.filament_id, weight_mg=9_000)
    said = [one.get_text() for one in alice.get("/needs").all("#needs [data-need=low]")]
    assert len(said) == 2
    assert all("Buy another." in one and "Lay out" not in one for one in said)


def test_another_shop_hears_of_none_of_it(charlie, rows):
    rows.printer("Anna", bed_cleared=False)
    rows.spool(grams=5)
    page = charlie.get("/needs")
    assert not page.all("#needs")
    assert figure(page) == ""


def test_a_viewer_sees_it_and_may_not_do_it(bob, rows):
    anna = rows.printer("Anna", bed_cleared=False)
    assert bob.get("/needs").one("#needs form")["class"] == ["needs-operator"]
    assert bob.post(f"/beds/{anna.id}/clear", {"from": "needs"}).status == 403


def test_the_number_of_statements_does_not_grow_with_the_shop(ctx, rows):
    def asked(count: int) -> int:
        for number in range(count):
            anna = rows.printer(f"P{number}", bed_cleared=False)
            rows.run(rows.plate(f"Thing {number}"), anna, "unknown")
            rows.spool(f"Colour {number} of {count}", grams=3)
            with unit_of_work(rows.id) as db:
                db.add(PrinterError(printer_id=anna.id, code="1", sentence="Stuck.", severity="serious"))
                db.add(Upload(original_name="a.3mf", state="needs-answer"))
        heard: list[int] = []
        with ctx.test_request_context(), read_only(rows.id) as db:
            event.listen(database.engine, "before_cursor_execute", lambda *_: heard.append(1))
            assert get_needs(db)
        return len(heard)

    few = asked(2)
    assert asked(9) <= few
    assert few <= 22


def test_an_order_that_should_have_come_is_asked_for(alice, rows):
    today = utc_now().date()
    with unit_of_work(rows.id) as db:
        made = filament.add_filament(db, brand="A", material="PLA", colour_name="Pink", colour_hex="#F2A7BB")
        line = filament.OrderLine(made.id, rolls=2, seen=0)
        (order,) = filament.order_rolls(db, [line], expected_on=today + timedelta(days=2))
    assert not alice.get("/needs").all("#needs .row")
    with unit_of_work(rows.id) as db:
        filament.expect_on(db, order.id, today - timedelta(days=2))
    late = alice.get("/needs").one("#needs .row-name a")
    assert (late.get_text(), late["href"]) == ("One order is overdue", "/shopping/orders")
