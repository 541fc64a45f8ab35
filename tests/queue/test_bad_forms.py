"""A form that is refused comes back with what was typed and with a sentence beside the field; nothing is lost or done."""

import pytest
from sqlalchemy import func, select

from printfarm.core.work import read_only, unit_of_work
from printfarm.queue import service
from printfarm.queue.models import PrintJob
from tests.queue.following import tell
from tests.queue.test_settling import silence_hub
from tests.support.factories import report


@pytest.mark.parametrize(
    ("quantity", "sentence"),
    [
        ("0", "From 1 to 100."),
        ("101", "From 1 to 100."),
        ("two", "Write a whole number, such as 3."),
        ("", "How many?"),
    ],
)
def test_a_bad_quantity_is_asked_again(world, olga, quantity, sentence) -> None:
    answer = olga.post(
        "/queue/jobs", {"plate_id": str(world.plate_id), "quantity": quantity, "note": "for the Saturday market"}
    )
    assert answer.status == 422
    assert answer.one("#quantity-error").get_text(strip=True) == sentence
    assert answer.one("#quantity").get("value", "") == quantity
    assert answer.one("#note")["value"] == "for the Saturday market"
    with read_only(world.shop_id) as db:
        assert db.scalar(select(func.count()).select_from(PrintJob)) == 0
    again = {field["name"]: field.get("value", "") for field in answer.all("main form input")}
    assert olga.post("/queue/jobs", again | {"quantity": "2"}).status == 303
    with read_only(world.shop_id) as db:
        assert [job.note for job in db.scalars(select(PrintJob))] == ["for the Saturday market"] * 2


def test_a_plate_that_is_gone_cannot_be_asked_about(world, olga, job) -> None:
    assert olga.post("/queue/jobs", {"plate_id": str(job.id), "quantity": "0"}).status == 404
    assert olga.post("/queue/jobs", {"plate_id": "nonsense", "quantity": "0"}).status == 422


def test_how_it_ended_is_asked_again_with_the_grams(world, job, run, olga) -> None:
    tell(world, run, "running")
    silence_hub(world)
    form = olga.get(f"/queue/jobs/{job.id}").one("#settle form")
    answer = olga.post(form["action"], {"used-0-slot": "1", "used-0-grams": "12.5"})
    assert answer.status == 422
    assert "Say how it ended." in answer.one("#settle").get_text()
    assert answer.one("#used-0-grams")["value"] == "12.5"
    answer = olga.post(form["action"], {"outcome": "failed", "used-0-slot": "1", "used-0-grams": "twelve"})
    assert answer.status == 422
    assert answer.one("#used-0-grams")["value"] == "twelve"
    assert "Write a number" in answer.one("#used-0-grams-error").get_text()
    assert answer.one("#settle input[value=failed]").has_attr("checked")


def test_a_refused_end_says_why_and_keeps_the_grams(world, job, run, olga) -> None:
    """The printer came back while the person looked for their scale."""
    tell(world, run, "running")
    typed = {"outcome": "failed", "used-0-slot": "1", "used-0-grams": "12.5"}
    answer = olga.post(f"/queue/runs/{run.id}/settle", typed)
    assert answer.status == 409
    assert "reports by itself" in answer.text


def test_weighed_grams_are_asked_again(world, olga) -> None:
    with unit_of_work(world.shop_id) as db:
        job = service.add_jobs(db, world.plate_id)[0]
        run = service.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "completed")
    answer = olga.post(f"/queue/runs/{run.id}/weigh", {"used-0-slot": "1", "used-0-grams": "-3"})
    assert answer.status == 422
    field = answer.one(f"#weighed-{run.id}-1")
    assert field["value"] == "-3"
    assert field["aria-invalid"] == "true"
    assert answer.one("details.more[open]").find(id=field["id"]) is not None
    refused = olga.post(f"/queue/runs/{run.id}/weigh", {"used-0-slot": "7", "used-0-grams": "3"})
    assert refused.status == 409, refused.text


def test_a_page_without_scripts_does_not_refresh_under_the_hands_of_who_types(world, job, run, olga) -> None:
    page = f"/queue/jobs/{job.id}"
    tell(world, run, "running")
    assert [meta["content"] for meta in olga.get(page).all("noscript meta")] == ["10"]
    silence_hub(world)
    assert olga.get(page).all("noscript meta") == []


def test_a_waiting_job_without_scripts_looks_again_by_itself(job, olga) -> None:
    assert [meta["content"] for meta in olga.get(f"/queue/jobs/{job.id}").all("noscript meta")] == ["30"]
