"""The dashboard: what prints, what waits and why, what needs a person, and the first steps of a new shop."""

from datetime import UTC, date, datetime, timedelta

from flask import current_app, url_for
from sqlalchemy import event

from printfarm.core.bus import remember_telemetry
from printfarm.core.clock import utc_now
from printfarm.core.database import db as database
from printfarm.core.events import event_kinds
from printfarm.core.formats import in_minutes
from printfarm.core.live import render_events
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.files.models import Upload
from printfarm.fleet.events import PrinterChanged
from printfarm.fleet.models import Hub, Printer, PrinterError
from printfarm.insight.queries import day_start, get_dashboard
from printfarm.queue.service import move_job


def stat(page, label: str) -> tuple[str, str, str]:
    """Value, note and address of a figure."""
    tile = next(tile for tile in page.all("a.stat") if tile.select_one(".stat-label").get_text() == label)
    note = tile.select_one(".stat-note")
    return tile.select_one(".stat-value").get_text(), note.get_text() if note else "", tile["href"]


def address(endpoint: str) -> str:
    with current_app.test_request_context():
        return url_for(endpoint)


def needs(page) -> list[str]:
    return [one.get_text(" ", strip=True) for one in page.all("#needs .row-name")]


def test_a_new_shop_sees_its_first_steps_and_nothing_empty(alice, bob):
    page = alice.get("/")
    assert [one.get_text() for one in page.all("#first-steps .row-name")] == [
        "Add a printer",
        "Put your filament on the shelf",
        "Upload a sliced file",
        "Print it",
    ]
    assert len(page.all("#first-steps .button-primary")) == 1
    assert page.one("#first-steps .button-primary")["href"] == "/fleet/printers/new"
    assert not page.all(".stats")
    assert not page.all("#needs")
    assert bob.get("/").status == 200


def test_a_step_that_is_done_is_ticked_and_the_next_one_leads(alice, rows):
    rows.printer("Anna")
    page = alice.get("/")
    assert page.one("#first-steps .row:nth-child(1) [aria-label]")["aria-label"] == "Done"
    assert page.one("#first-steps .row:nth-child(2) [aria-label]")["aria-label"] == "To do"
    assert page.one("#first-steps .button-primary").get_text(strip=True) == "Add a filament"


def test_the_steps_leave_when_something_was_printed(alice, rows):
    plate, printer = rows.plate(), rows.printer("Anna")
    with unit_of_work(rows.id) as db:
        green = filament.add_filament(db, brand="A", material="PLA", colour_name="Green", colour_hex="#00AE42")
        filament.add_spool(db, green.id, weight_mg=1_000_000)
    rows.run(plate, printer, "completed", ended_at=utc_now())
    page = alice.get("/")
    assert not page.all("#first-steps")
    assert "Nothing needs you right now." in page.text


def test_what_prints_shows_its_printer_and_how_far_it_is(alice, rows):
    plate, printer = rows.plate("Gear box"), rows.printer("Anna")
    run = rows.run(plate, printer, "running", percent=62, layer=25)
    page = alice.get("/")
    card = page.one(f"#at-work-{run.job_id}")
    assert "Gear box" in card.get_text()
    assert "Anna" in card.get_text()
    assert "Layer 25 of 40" in card.get_text()
    assert card.select_one("progress")["value"] == "62"
    assert card.select_one("a")["href"] == f"/queue/jobs/{run.job_id}"
    assert stat(page, "Printing") == ("1 of 1", "nothing is due", "/fleet")


def test_a_print_says_when_it_is_done_and_what_it_leaves_on_its_roll(alice, rows, ctx):
    green = rows.spool(grams=200)
    printer = rows.printer("Anna")
    run = rows.run(rows.plate(), printer, "running", spool=green, planned_mg=60_000)
    short = rows.run(
        rows.plate("Vase"), rows.printer("Bruno"), "running", spool=rows.spool("Red", grams=10), planned_mg=12_500
    )
    remember_telemetry(rows.id, "printer", printer.id, {"run_code": run.code, "percent": 40, "remaining_minutes": 35})
    page = alice.get("/")
    card = page.one(f"#at-work-{run.job_id}")
    with ctx.test_request_context(), read_only(rows.id) as db:
        ctx.extensions["printfarm.enter_shop"](db, rows.id)
        due = {in_minutes(35), in_minutes(34)}
    assert any(f"35 min left · done at {moment}" in card.get_text(" ", strip=True) for moment in due)
    assert "140 g left after it" in card.select_one(".feeding").get_text(" ", strip=True)
    assert card.select_one(".feeding a")["href"] == f"/filament/spools/{green.id}"
    assert "2.5 g too little" in page.one(f"#at-work-{short.job_id} .feeding").get_text(" ", strip=True)
    assert stat(page, "Printing")[1].startswith("next done at ")


def test_a_print_without_a_spool_says_that_none_is_assigned(alice, rows):
    run = rows.run(rows.plate(), rows.printer("Anna"), "running", planned_mg=19_700)
    feeding = alice.get("/").one(f"#at-work-{run.job_id} .feeding").get_text(" ", strip=True)
    assert feeding == "No spool assigned uses 19.7 g"


def test_a_filament_runs_out_at_the_job_that_gets_too_little(alice, charlie, rows):
    scarce, plenty = rows.spool("Pink", grams=100, colour_hex="#F2A7BB"), rows.spool("Green", grams=1000)
    _, second, third = rows.jobs(rows.plate("Vase", grams="40", filament_id=scarce.filament_id), 3)
    rows.jobs(rows.plate("Box", grams="100", filament_id=plenty.filament_id))
    with unit_of_work(rows.id) as db:
        move_job(db, third.id, after=None)
    page = alice.get("/")
    pink, green = page.all("#lasting .row")
    assert pink.select_one(".row-name").get_text() == "PLA Pink"
    assert "Runs out at Vase" in pink.get_text(" ", strip=True)
    assert "the 3rd of 3 jobs that need it" in pink.get_text(" ", strip=True)
    assert pink.select_one(".row-more a")["href"] == f"/queue/jobs/{second.id}"
    assert pink.select_one(".row-figure").contents[0] == "\N{MINUS SIGN}20.0 g"
    assert "One job takes 100 g of 1.00 kg" in green.get_text(" ", strip=True)
    assert green.select_one(".row-figure").contents[0] == "900 g"
    assert not charlie.get("/").all("#lasting")
    with unit_of_work(rows.id) as db:
        filament.archive_spool(db, scarce.id)
    pink = alice.get("/").one("#lasting .row:first-child")
    assert "the next job that needs it. In stock: 0.0 g, needed: 120 g." in pink.get_text(" ", strip=True)
    with unit_of_work(rows.id) as db:
        line = filament.OrderLine(scarce.filament_id, rolls=2, seen=0)
        filament.order_rolls(db, [line], expected_on=date(2031, 5, 1))
    pink = alice.get("/").one("#lasting .row:first-child")
    assert "On order: 2 spools, expected 1 May 2031." in " ".join(pink.get_text(" ").split())


def test_what_was_made_today_stands_there_with_its_picture_and_number(alice, rows):
    printer, boxes, vases = rows.printer("Anna"), rows.plate("Box"), rows.plate("Vase")
    for _ in range(3):
        rows.run(boxes, printer, "completed", ended_at=utc_now())
    rows.run(vases, printer, "completed", ended_at=utc_now())
    failed = rows.run(vases, printer, "failed", ended_at=utc_now(), sentence="The nozzle clogged.")
    page = alice.get("/")
    assert [one.get_text(" ", strip=True) for one in page.all(".made li")] == [
        f"Vase ×\u20091 {page.all('.made-figures .soft')[0].get_text()}",
        f"Box ×\u20093 {page.all('.made-figures .soft')[1].get_text()}",
    ]
    assert alice.get(page.all(".made a")[0]["href"]).status == 200
    assert "Failed on Anna The nozzle clogged." in page.one(f"#failed-{failed.id}").get_text(" ", strip=True)


def test_what_waits_says_why_and_how_long_it_takes(alice, rows):
    from printfarm.queue.service.feasibility import recompute

    rows.printer("Anna", bed_cleared=False)
    rows.jobs(rows.plate("Vase", minutes=90), 7)
    with unit_of_work(rows.id) as db:
        recompute(db)
    page = alice.get("/")
    assert len(page.all("[id^=next-]")) == 5
    first = page.all("[id^=next-]")[0].get_text(" ", strip=True)
    assert "Vase" in first
    assert "PLA 12.5 g" in first
    assert "Anna: its state is not confirmed yet" in first
    assert stat(page, "Waiting") == ("7", "10 h 30 min of printing", "/queue")


def test_everything_that_needs_a_person_is_named_and_leads_there(alice, rows):
    plate = rows.plate()
    anna, bruno, carla = rows.printer("Anna", bed_cleared=False), rows.printer("Bruno"), rows.printer("Carla")
    lost = rows.run(plate, bruno, "unknown")
    with unit_of_work(rows.id) as db:
        db.add(PrinterError(printer_id=carla.id, code="0300", sentence="The nozzle is clogged.", severity="serious"))
        db.add(PrinterError(printer_id=anna.id, code="0C00", sentence="Only so that you know.", severity="info"))
        upload = Upload(original_name="a.3mf", state="needs-answer", extracted={"plates": []})
        db.add_all([upload, Upload(original_name="b.3mf", state="failed")])
        pink = filament.add_filament(db, brand="A", material="PLA", colour_name="Pink", colour_hex="#F2A7BB")
        spool = filament.add_spool(db, pink.id, weight_mg=64_000)
        pink.unassigned_mg = 19_700
        db.flush()
        upload_id = upload.id
    page = alice.get("/")
    assert needs(page) == [
        "Bruno needs a look",
        "Carla reports an error",
        "Clear the bed of Anna",
        "a.3mf needs an answer",
        "One upload failed",
        "19.7 g without a spool",
        "PLA Pink runs low",
        "One filament to buy",
    ]
    assert [link["href"] for link in page.all("#needs .row-name a")] == [
        f"/queue/jobs/{lost.job_id}",
        f"/fleet/printers/{carla.id}",
        f"/fleet/printers/{anna.id}",
        f"/library/uploads/{upload_id}",
        address("files.uploads"),
        "/filament/unassigned",
        f"/filament/spools/{spool.id}",
        "/shopping/",
    ]
    assert {link["href"]: alice.get(link["href"]).status for link in page.all("#needs .row-name a")} == {
        link["href"]: 200 for link in page.all("#needs .row-name a")
    }


def test_a_hub_that_is_gone_is_said_once_not_per_printer(alice, rows):
    anna = rows.printer("Anna")
    with unit_of_work(rows.id) as db:
        db.get_one(Hub, anna.hub_id).connected_at = None
    assert needs(alice.get("/")) == ["Hub is not connected"]


def test_a_bed_is_cleared_from_here_with_and_without_javascript(olga, rows):
    anna, bruno = rows.printer("Anna", bed_cleared=False), rows.printer("Bruno", bed_cleared=False)
    plain = olga.post(f"/beds/{anna.id}/clear")
    assert (plain.status, plain.location) == (303, "/")
    fragment = olga.post(f"/beds/{bruno.id}/clear", htmx=True)
    assert fragment.status == 200
    assert fragment.soup.select_one("#dashboard") is not None
    assert fragment.soup.html is None
    with read_only(rows.id) as db:
        assert db.get_one(Printer, anna.id).bed_cleared_by == olga.user_id


def test_only_an_operator_clears_a_bed_and_only_in_their_shop(bob, charlie, rows):
    anna = rows.printer("Anna", bed_cleared=False)
    assert bob.post(f"/beds/{anna.id}/clear").status == 403
    assert charlie.post(f"/beds/{anna.id}/clear").status == 404
    with read_only(rows.id) as db:
        assert not db.get_one(Printer, anna.id).bed_cleared


def test_the_day_begins_at_midnight_in_the_shops_zone(alice, rows):
    plate, printer = rows.plate(), rows.printer("Anna")
    with alice.app.test_request_context(), read_only(rows.id) as db:
        alice.app.extensions["printfarm.enter_shop"](db, rows.id)
        midnight = day_start(utc_now())
    assert midnight.utcoffset() in {timedelta(hours=1), timedelta(hours=2)}
    rows.run(plate, printer, "completed", ended_at=midnight.astimezone(UTC) - timedelta(seconds=1), used_mg=99_000)
    rows.run(plate, printer, "completed", ended_at=midnight.astimezone(UTC), used_mg=10_000)
    rows.run(plate, printer, "failed", ended_at=utc_now(), used_mg=2_500)
    page = alice.get("/")
    assert stat(page, "Finished today") == ("1", "12.5 g of filament · 1 failed", "/queue/history")
    assert [one.get_text(" ", strip=True) for one in page.all(".made-name")] == ["Gear box"]
    assert page.one(".made-figures strong").get_text() == "×\u20091"
    assert len(page.all("[id^=failed-]")) == 1


def test_midnight_of_a_day_that_changes_the_clock(ctx, rows):
    with ctx.test_request_context(), read_only(rows.id) as db:
        ctx.extensions["printfarm.enter_shop"](db, rows.id)
        assert day_start(datetime(2026, 10, 25, 22, 30, tzinfo=UTC)) == datetime(2026, 10, 24, 22, tzinfo=UTC)
        assert day_start(datetime(2026, 10, 25, 23, 30, tzinfo=UTC)) == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_another_shop_sees_none_of_it(charlie, rows):
    plate, printer = rows.plate(), rows.printer("Anna", bed_cleared=False)
    rows.run(plate, printer, "running")
    rows.jobs(plate)
    page = charlie.get("/")
    assert len(page.all("#first-steps .row")) == 4
    assert "Anna" not in page.text
    assert "Gear box" not in page.text


def test_the_number_of_statements_does_not_grow_with_the_shop(ctx, rows):
    def busy(count: int) -> int:
        for number in range(count):
            plate, printer = rows.plate(f"Thing {number}"), rows.printer(f"P{number}", bed_cleared=number % 2 == 0)
            rows.run(plate, printer, "running")
            rows.run(plate, rows.printer(f"Q{number}"), "unknown")
            rows.run(plate, printer, "completed", ended_at=utc_now())
            rows.jobs(plate, 2)
            rows.run(plate, printer, "failed", ended_at=utc_now())
            spool = rows.spool(f"Colour {number} of {count}", grams=5)
            rows.jobs(rows.plate(f"Part {number}", filament_id=spool.filament_id))
        heard = []
        with ctx.test_request_context(), read_only(rows.id) as db:
            event.listen(database.engine, "before_cursor_execute", lambda *_: heard.append(1))
            get_dashboard(db)
        return len(heard)

    few = busy(2)
    assert busy(8) <= few
    assert few <= 48


def test_every_change_below_makes_open_dashboards_look_again(app, rows):
    printer = rows.printer("Anna")
    _, topics = render_events(app, rows.id, [PrinterChanged(shop_id=rows.id, printer_id=printer.id)])
    assert "dashboard" in topics
    assert {"RunEnded", "StockChanged", "UploadChanged", "JobChanged"} <= set(event_kinds())


def test_a_fragment_is_the_block_of_the_page(alice, rows):
    rows.printer("Anna")
    fragment = alice.get("/", htmx=True)
    assert fragment.soup.html is None
    assert fragment.one("#dashboard")["hx-trigger"].startswith("changed:dashboard from:body")
    assert 'http-equiv="refresh"' in str(alice.get("/").soup)


def test_the_look_is_for_owners(alice, olga):
    assert alice.get("/ui").status == 200
    assert olga.get("/ui").status == 403
