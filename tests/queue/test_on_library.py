"""What the library's pages tell of the queue: how prints ended, which printers fit, and printing the same again."""

import pytest
from sqlalchemy import event, select

from printfarm.core.clock import utc_now
from printfarm.core.database import db as database
from printfarm.core.ids import new_code
from printfarm.core.work import unit_of_work
from printfarm.fleet.models import Printer
from printfarm.library import from_above, service
from printfarm.library.models import Plate
from printfarm.queue.models import PrintJob, PrintRun
from printfarm.queue.service import add_jobs
from tests.support.uploads import add_variant, sliced


@pytest.fixture
def variant(olga, tmp_path):
    return add_variant(olga, sliced(tmp_path, title="Fox"))


def plate_of(person, variant_id) -> Plate:
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        return db.scalars(select(Plate).where(Plate.variant_id == variant_id)).one()


def model_of(person, variant_id):
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        return service.find_variant(db, variant_id).model_id


def printed(person, plate_id, printer_id, *states: str, note: str = "") -> None:
    with person.app.app_context(), unit_of_work(person.shop_id) as db:
        for state in states:
            (job,) = add_jobs(db, plate_id, note=note)
            run = PrintRun(job_id=job.id, printer_id=printer_id, plate_id=plate_id, code=new_code(10), state=state)
            run.ended_at = utc_now()
            job.state, job.ended_at = state, utc_now()
            db.add(run)


@pytest.fixture
def printer_id(world):
    return world.printer_id


def test_a_variant_says_how_its_prints_ended(olga, bob, variant, printer_id) -> None:
    assert "Not printed yet" in bob.get(f"/library/variants/{variant}").one("#prints").get_text()
    printed(olga, plate_of(olga, variant).id, printer_id, "completed", "completed", "completed", "failed", "cancelled")
    words = " ".join(bob.get(f"/library/variants/{variant}").one("#prints").get_text(" ").split())
    assert "75 % succeeded: 3 of 4." in words
    assert "1 was stopped by a person." in words
    model_page = bob.get(f"/library/models/{model_of(olga, variant)}")
    assert "3 of 4 prints succeeded" in model_page.text


def test_stopped_prints_alone_say_nothing_of_success(olga, bob, variant, printer_id) -> None:
    printed(olga, plate_of(olga, variant).id, printer_id, "cancelled")
    assert "%" not in bob.get(f"/library/variants/{variant}").all("#prints p")[0].get_text()


def test_the_most_printed_come_first(olga, bob, variant, printer_id, tmp_path) -> None:
    other = add_variant(olga, sliced(tmp_path, "b.gcode.3mf", title="Ape", extra_settings={"x": "1"}))
    printed(olga, plate_of(olga, variant).id, printer_id, "completed", "completed", "failed")
    printed(olga, plate_of(olga, other).id, printer_id, "completed")
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        service.add_model(db, service.ModelFacts(name="Zebra"))
    page = bob.get("/library/?sort=printed")
    assert [link.get_text() for link in page.all("#model-list h2")] == ["Fox", "Ape", "Benchy", "Zebra"]
    assert "2 prints ×" in " ".join(page.all(".model-card")[0].get_text(" ").split())


def test_print_again_wants_the_same_with_the_same_note(olga, variant, printer_id) -> None:
    page = olga.get(f"/library/variants/{variant}")
    assert not page.all("button:-soup-contains('Print again')")
    printed(olga, plate_of(olga, variant).id, printer_id, "completed")
    printed(olga, plate_of(olga, variant).id, printer_id, "completed", note="two walls")
    again = olga.get(f"/library/variants/{variant}").one("form:has(> button:-soup-contains('Print again'))")
    assert olga.post(again["action"]).status == 303
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        (job,) = db.scalars(select(PrintJob).where(PrintJob.state == "queued"))
        assert job.note == "two walls"


def test_which_printers_fit_and_why_not(olga, bob, variant, printer_id) -> None:
    fits = bob.get(f"/library/variants/{variant}").one("[id^=fits-]")
    assert "of 1 printer" in fits.summary.get_text()
    with olga.app.app_context(), unit_of_work(olga.shop_id) as db:
        printer = db.get_one(Printer, printer_id)
        printer.model_id, printer.model = "N1", "A1 mini"
    fits = bob.get(f"/library/variants/{variant}").one("[id^=fits-]")
    assert "Fits 0 of 1 printer" in fits.summary.get_text()
    assert "Sliced for Bambu Lab P1S" in fits.li.get_text()
    assert fits.li.a["href"] == f"/fleet/printers/{printer_id}"


def test_another_shops_prints_are_not_counted(app, olga, charlie, variant, printer_id) -> None:
    plate = plate_of(olga, variant)
    printed(olga, plate.id, printer_id, "completed")
    with app.app_context(), unit_of_work(charlie.shop_id) as db:
        assert from_above.prints_of_plates(db, [plate.id])[plate.id] == from_above.Prints()
        assert db.execute(from_above.PRINTS_OF_MODELS[0](None)).all() == []


def test_a_variants_page_takes_as_many_statements_for_many_prints(
    app, olga, bob, variant, printer_id, tmp_path
) -> None:
    def statements(url: str) -> int:
        seen: list[str] = []
        with app.app_context():
            engine = database.engine

        def note(*call: object) -> None:
            seen.append(str(call[2]))

        bob.get(url)
        event.listen(engine, "before_cursor_execute", note)
        bob.get(url)
        event.remove(engine, "before_cursor_execute", note)
        return len([one for one in seen if one.startswith("SELECT")])

    pages = (f"/library/variants/{variant}", f"/library/models/{model_of(olga, variant)}", "/library/?sort=printed")
    plate = plate_of(olga, variant)
    printed(olga, plate.id, printer_id, "completed")
    few = [statements(url) for url in pages]
    printed(olga, plate.id, printer_id, *["completed", "failed"] * 15)
    add_variant(olga, sliced(tmp_path, "v2.gcode.3mf", title="Fox", extra_settings={"x": "1"}))
    assert [statements(url) for url in pages] == few
