"""A print was started with the promise to feed another roll when this one ends: whoever walks by is told when that is."""

import pytest

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.insight.needs import get_needs
from printfarm.queue import queries, service
from tests.fleet.rolls import make_roll
from tests.queue.test_counted_meanwhile import GRAM
from tests.queue.test_feeds import at, put
from tests.support.factories import report


@pytest.fixture
def then(world):
    """The roll that comes next; of the one that is in there are 12 g, and the print needs 20 g in 100 layers: it ends in 61."""
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 12 * GRAM)
        return filament.add_spool(db, world.filament_id, weight_mg=500 * GRAM)


@pytest.fixture
def run(world, job, then):
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id, accept_short=True, then_spool_id=then.id)
        report(db, world.printer_id, run.code, "running", total_layers=100)
        return run


def told(app, world):
    with app.test_request_context(), read_only(world.shop_id) as db:
        return [(one.title, one.tone) for one in get_needs(db) if one.kind == "ending"]


def test_the_prompt_comes_a_bit_before_and_goes_when_the_roll_feeds(app, world, run, then, alice):
    at(world, run, 30)
    ((title, tone),) = told(app, world)
    assert "runs out of" in title
    assert tone == "warn"
    at(world, run, 55)
    ((title, tone),) = told(app, world)
    assert title.startswith("Change A1 of Anna")
    assert title.endswith(f"to spool {then.code} soon")
    at(world, run, 60)
    ((title, tone),) = told(app, world)
    assert title.endswith(f"to spool {then.code} now")
    assert tone == "bad"
    said = f"Change A1 to spool {then.code} now"
    job = f"/queue/jobs/{run.job_id}"
    assert all(said in alice.get(url).text for url in (job, "/", f"/fleet/printers/{world.printer_id}", "/queue"))
    form = alice.get(job).all("#feed form")[0]
    assert f"Spool {then.code} feeds it now" in form.get_text()
    sent = {field["name"]: field["value"] for field in form.select("input[name=slot], input[name=spool_id]")}
    assert alice.post(form["action"], sent).status == 303
    assert told(app, world) == []
    assert f"to spool {then.code}" not in alice.get(job).one("#job-page").get_text()


def test_minutes_count_where_the_printer_tells_them(app, world, run, then):
    at(world, run, 20, remaining_minutes=20)
    ((title, _),) = told(app, world)
    assert title.endswith("soon"), "forty layers, yet only ten minutes"


def test_past_the_layer_it_is_still_asked_for(app, world, run, then):
    at(world, run, 80)
    ((title, tone),) = told(app, world)
    assert (title.endswith("now"), tone) == (True, "bad")


def test_another_roll_that_is_put_in_instead_ends_it_too(app, world, run, then):
    at(world, run, 60)
    put(world, "A1", make_roll(world.shop_id, "Other", "#121212").id)
    assert told(app, world) == []


def test_a_roll_that_turns_out_to_last_needs_no_other(app, world, run, then):
    at(world, run, 60)
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 300 * GRAM)
    assert told(app, world) == []
    with read_only(world.shop_id) as db:
        card = queries.get_card(db, run.job_id)
        assert card is not None
        assert card.run is not None
