"""The queue in the browser: adding, moving, starting, following; without JavaScript and with htmx."""

from datetime import date

import pytest
from sqlalchemy import event, select

from jobs.queue import recompute_feasibility
from printfarm.core.database import db as database
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.fleet.models import Printer
from printfarm.library.models import Plate
from printfarm.queue import service
from printfarm.queue.models import PrintJob, PrintRun
from tests.support.factories import load, make_printer, report


@pytest.fixture
def job(world):
    with unit_of_work(world.shop_id) as db:
        made = service.add_jobs(db, world.plate_id)[0]
    recompute_feasibility(str(world.shop_id))
    return made


def state_of(world, job):
    with read_only(world.shop_id) as db:
        return db.get_one(PrintJob, job.id).state


def test_an_empty_queue_says_what_to_do(alice):
    assert "Nothing waits to be printed" in alice.get("/queue").text


def test_adding_five_makes_five_jobs(olga, world):
    assert olga.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": "5"}).status == 303
    assert "5 waiting" in olga.get("/queue").text


@pytest.mark.parametrize("quantity", ["0", "-1", "101", "many", ""])
def test_a_strange_quantity_is_refused_with_a_sentence(olga, world, quantity):
    answer = olga.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": quantity})
    assert answer.status == 422
    with read_only(world.shop_id) as db:
        assert db.scalars(select(PrintJob)).all() == []


def test_the_queue_says_where_a_job_can_start(olga, world, job):
    shown = olga.get("/queue")
    assert "Can start on Anna" in shown.text
    assert "20.0 g" in shown.text


def test_the_queue_says_why_a_job_waits(olga, world, job):
    with unit_of_work(world.shop_id) as db:
        db.get_one(Printer, world.printer_id).bed_cleared = False
    recompute_feasibility(str(world.shop_id))
    assert "bed not cleared" in olga.get("/queue").text


def test_starting_from_the_page_without_javascript(olga, world, job):
    form = olga.get("/queue").one("form[action$='/start']")
    offered = {field["name"]: field["value"] for field in form.select("input[type=hidden]")}
    assert offered["printer_id"] == str(world.printer_id)
    answer = olga.post(form["action"], offered)
    assert answer.status == 303
    assert state_of(world, job) == "processing"
    assert "Printing now" in olga.get("/queue").text


def test_starting_with_htmx_gives_the_queue_again(olga, world, job):
    answer = olga.post(f"/queue/jobs/{job.id}/start", {"printer_id": str(world.printer_id), "from": "queue"}, htmx=True)
    assert answer.status == 200
    assert answer.soup.html is None
    assert "Printing now" in answer.one("#queue").get_text(" ")


def test_a_refused_start_is_a_sentence_and_swaps_nothing(olga, world, job):
    with unit_of_work(world.shop_id) as db:
        db.get_one(Printer, world.printer_id).in_maintenance = True
    answer = olga.post(f"/queue/jobs/{job.id}/start", {"printer_id": str(world.printer_id)}, htmx=True)
    assert answer.status == 409
    assert answer.headers["HX-Reswap"] == "none"
    assert "in maintenance" in answer.text
    assert state_of(world, job) == "queued"


def test_moving_up_without_javascript(olga, world):
    olga.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": "3"})
    shown = olga.get("/queue")
    last = shown.all("li.job")[-1]
    up = next(one for one in last.select("form[action*='/move'] button") if one.get_text(strip=True) == "Up")
    answer = olga.post(up.find_parent("form")["action"], {up["name"]: up["value"]})
    assert answer.status == 303
    assert [one["id"] for one in olga.get("/queue").all("li.job")][1] == last["id"]


def test_the_jobs_page_tells_its_story(olga, bob, world, job):
    olga.post(f"/queue/jobs/{job.id}/start", {"printer_id": str(world.printer_id)})
    with unit_of_work(world.shop_id) as db:
        run = db.scalars(select(PrintRun)).one()
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "completed")
    shown = bob.get(f"/queue/jobs/{job.id}")
    assert "Finished" in shown.text
    assert "Sent to Anna" in shown.text
    assert "1 of this plate made" in shown.text
    assert f"job-{job.id}" in str(bob.get("/queue/history").soup)


def test_an_unknown_run_is_settled_by_a_form(olga, world, job):
    olga.post(f"/queue/jobs/{job.id}/start", {"printer_id": str(world.printer_id)})
    with unit_of_work(world.shop_id) as db:
        run = db.scalars(select(PrintRun)).one()
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "unknown")
    shown = olga.get(f"/queue/jobs/{job.id}")
    assert "Needs a look" in shown.text
    form = shown.one("#settle form")
    sent = {"outcome": "failed", "used-0-slot": "1", "used-0-grams": "3.5"}
    assert olga.post(form["action"], sent).status == 303
    assert state_of(world, job) == "failed"
    assert "3.5 g" in olga.get(f"/queue/jobs/{job.id}").text


def test_a_viewer_changes_nothing(bob, world, job):
    for action in ("move", "start", "cancel", "retry"):
        assert bob.post(f"/queue/jobs/{job.id}/{action}", {"printer_id": str(world.printer_id)}).status == 403
    assert state_of(world, job) == "queued"


def test_another_shop_gets_404(charlie, world, job):
    assert charlie.get(f"/queue/jobs/{job.id}").status == 404
    assert charlie.post(f"/queue/jobs/{job.id}/cancel").status == 404
    assert charlie.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": "1"}).status == 404
    assert state_of(world, job) == "queued"


def test_a_longer_queue_asks_the_database_no_more_questions(olga, world):
    def questions():
        asked = []
        event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
        olga.get("/queue")
        return len(asked)

    olga.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": "2"})
    few = questions()
    olga.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": "40"})
    with_listeners = questions()  # the first listener still counts beside the second
    assert with_listeners <= few


def test_of_several_printers_the_person_chooses(olga, world, job):
    with unit_of_work(world.shop_id) as db:
        second = make_printer(db, name="Berta")
        load(db, second.id, filament.add_spool(db, world.filament_id, weight_mg=500_000).id)
        chosen = str(second.id)
    recompute_feasibility(str(world.shop_id))
    form = olga.get("/queue").one("form[action$='/start']")
    assert [one["value"] for one in form.select("option")] == [str(world.printer_id), chosen]
    olga.post(form["action"], {"printer_id": chosen, "from": "queue"})
    with read_only(world.shop_id) as db:
        assert str(db.scalars(select(PrintRun)).one().printer_id) == chosen


def test_a_roll_that_looks_too_short_is_accepted_on_the_jobs_own_page(olga, world, job):
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 5_000)
    recompute_feasibility(str(world.shop_id))
    listed = olga.get("/queue")
    assert "A1 has 5 g, it needs 20 g" in listed.text
    assert listed.all("form[action$='/start']") == []
    form = olga.get(f"/queue/jobs/{job.id}").one("form.start")
    sent = {field["name"]: field.get("value", "") for field in form.select("input[type=hidden]")}
    assert olga.post(form["action"], sent).status == 409
    assert state_of(world, job) == "queued"
    assert olga.post(form["action"], sent | {form.select_one("input[type=checkbox]")["name"]: "1"}).status == 303
    assert state_of(world, job) == "processing"


def test_the_jobs_page_says_for_every_printer_why_not(olga, world, job):
    with unit_of_work(world.shop_id) as db:
        make_printer(db, name="Mini", model_id="N1")
    recompute_feasibility(str(world.shop_id))
    shown = olga.get(f"/queue/jobs/{job.id}").text
    assert "sliced for Bambu Lab P1S" in shown
    assert "Does not fit" in shown
    assert "Ready" in shown


def test_the_history_says_why_a_job_failed(olga, world, job):
    olga.post(f"/queue/jobs/{job.id}/start", {"printer_id": str(world.printer_id)})
    with unit_of_work(world.shop_id) as db:
        run = db.scalars(select(PrintRun)).one()
        report(db, world.printer_id, run.code, "failed", sentence="The card is full.")
    assert "The card is full." in olga.get("/queue/history").text


def test_the_variants_page_counts_what_was_made(olga, world, job):
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
        variant_id = db.get_one(Plate, world.plate_id).variant_id
    assert "Made so far 0" in olga.get(f"/library/variants/{variant_id}").text
    with unit_of_work(world.shop_id) as db:
        report(db, world.printer_id, run.code, "completed")
    assert "Made so far 1" in olga.get(f"/library/variants/{variant_id}").text


def test_the_card_of_a_printer_that_lost_its_run_says_so(olga, world, job):
    """It rests and would read Ready, while its run waits for somebody to look."""
    olga.post(f"/queue/jobs/{job.id}/start", {"printer_id": str(world.printer_id)})
    with unit_of_work(world.shop_id) as db:
        run = db.scalars(select(PrintRun)).one()
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "unknown")
    fleet = olga.get("/fleet").text
    assert "Needs a look" in fleet
    assert "Ready" not in fleet


def test_a_job_that_lacks_filament_says_what_is_on_its_way(olga, world):
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 5_000)
        job = service.add_jobs(db, world.plate_id)[0]
    recompute_feasibility(str(world.shop_id))
    lacks = "needs 20.0 g, 5.0 g in stock."
    for page in ("/queue", f"/queue/jobs/{job.id}"):
        assert lacks in olga.get(page).text
        assert "On order" not in olga.get(page).text
    with unit_of_work(world.shop_id) as db:
        filament.order_rolls(db, [filament.OrderLine(world.filament_id, 2, 0)], expected_on=date(2031, 5, 1))
    for page in ("/queue", f"/queue/jobs/{job.id}"):
        assert f"{lacks} On order: 2 spools, expected 1 May 2031." in olga.get(page).text
