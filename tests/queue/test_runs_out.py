"""A job that would use up a roll in the middle says where, and what can be done about it, before and while it prints."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.queue import recompute_feasibility
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.filament.models import Spool
from printfarm.fleet.models import PrinterSlot
from printfarm.library.models import Plate
from printfarm.queue import service
from printfarm.queue.models import ACTIVE_RUN_STATES, JobEvent, JobOption, PrintJob, PrintRun, RunFeed
from printfarm.queue.running_out import running_out
from printfarm.queue.service.dispatch import CannotStart
from tests.fleet.rolls import CHIP, place, say
from tests.queue.counting import count_moves
from tests.support.factories import World, load, make_plate, make_printer, report

LATE = [[50, {"1": 0.2}], [100, {"1": 1.0}]]  # most of it goes into the upper half


def set_left(world: World, grams: int, spool_id=None) -> None:
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, spool_id or world.spool_id, grams * 1000)


def another_roll(world: World, grams: int, *, opened_days_ago: int | None = None) -> Spool:
    with unit_of_work(world.shop_id) as db:
        facts = filament.SpoolFacts(initial_mg=1_000_000, location="Shelf 2")
        if opened_days_ago is not None:
            facts = replace(facts, opened_on=filament.today_of(db) - timedelta(days=opened_days_ago))
        return filament.add_spool(db, world.filament_id, weight_mg=grams * 1000, facts=facts)


def queued(world: World, grams: int = 20, *, uses: list | None = None, layers: int | None = 100) -> PrintJob:
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs={1: (world.filament_id, grams * 1000)}, layers=layers)
        if uses is not None:
            count_moves(db, plate, uses)
        job = service.add_jobs(db, plate.id)[0]
    recompute_feasibility(str(world.shop_id))
    return job


def begin(world: World, job: PrintJob) -> PrintRun:
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id, accept_short=True)
        report(db, world.printer_id, run.code, "running")
        return run


def at(world: World, run: PrintRun, layer: int, *, minutes: int | None = None, **slot) -> None:
    values = {
        "run_code": run.code,
        "layer": layer,
        "total_layers": 100,
        "state": "printing",
        "remaining_minutes": minutes,
    }
    say(world.shop_id, world.printer_id, place(0, loaded=True, **slot), **values)


def ends(world: World) -> list:
    with read_only(world.shop_id) as db:
        runs = db.scalars(select(PrintRun).where(PrintRun.state.in_(ACTIVE_RUN_STATES))).all()
        return [one for found in running_out(db, runs).values() for one in found]


def said(world: World, job: PrintJob) -> list[str]:
    with read_only(world.shop_id) as db:
        return list(db.scalars(select(JobEvent.sentence).where(JobEvent.job_id == job.id, JobEvent.kind == "short")))


def press(person, form) -> object:
    """Send a form of a page as it stands there."""
    return person.post(form["action"], {one["name"]: one.get("value", "") for one in form.select("input[name]")})


def test_the_job_says_in_which_layer_as_the_moves_were_counted(olga, world):
    set_left(world, 12)
    job = queued(world, uses=LATE)  # 4 g in the lower half, the other 8 g after half of the upper half
    for url in ("/queue", f"/queue/jobs/{job.id}"):
        assert "A1 has 12 g, it needs 20 g: it runs out in layer 76 of 100 (75 %)" in olga.get(url).text


def test_without_a_count_it_says_that_it_is_a_guess(olga, world):
    set_left(world, 12)
    job = queued(world)
    assert "about in layer 61 of 100 (60 %), if every layer takes as much" in olga.get(f"/queue/jobs/{job.id}").text


def test_without_layers_it_goes_by_the_grams(olga, world):
    set_left(world, 12)
    job = queued(world, layers=None)
    assert "it runs out after about 60 % of the grams" in olga.get(f"/queue/jobs/{job.id}").text


def test_queueing_says_so_at_once(olga, world):
    set_left(world, 12)
    olga.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": "1"})
    assert "A1 has 12 g, it needs 20 g: it runs out about in layer 61 of 100" in olga.get("/queue").text


def test_queueing_what_has_enough_says_nothing(olga, world):
    olga.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": "1"})
    assert "runs out" not in olga.get("/queue").text


def test_a_start_is_refused_with_the_place_and_made_knowingly(olga, world):
    set_left(world, 12)
    job = queued(world, uses=LATE)
    with pytest.raises(CannotStart, match="runs out in layer 76 of 100"), unit_of_work(world.shop_id) as db:
        service.start_job(db, job.id, world.printer_id)
    form = next(
        one
        for one in olga.get(f"/queue/jobs/{job.id}").all("#ways form[action$='/start']")
        if "Start anyway" in one.get_text()
    )
    assert press(olga, form).status == 303
    assert said(world, job) == [
        "Started knowing that A1 has 12 g, it needs 20 g: it runs out in layer 76 of 100 (75 %)"
    ]


def test_another_roll_with_enough_is_put_in_with_one_tap(olga, world):
    set_left(world, 12)
    roll, job = another_roll(world, 500), queued(world)
    form = olga.get(f"/queue/jobs/{job.id}").one("#ways form[action$='/roll']")
    assert press(olga, form).status == 303
    with read_only(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == roll.id)).one()
        assert (slot.printer_id, slot.label) == (world.printer_id, "A1")
    assert not olga.get(f"/queue/jobs/{job.id}").all("#ways")


def test_two_rolls_one_after_the_other(olga, world):
    set_left(world, 12)
    roll, job = another_roll(world, 9), queued(world, uses=LATE)
    form = next(
        one
        for one in olga.get(f"/queue/jobs/{job.id}").all("#ways form[action$='/start']")
        if "change to it" in one.get_text()
    )
    assert press(olga, form).status == 303
    assert said(world, job) == [
        f"A1 has 12 g, it needs 20 g: it runs out in layer 76 of 100 (75 %). Then spool {roll.code} is fed"
    ]


@pytest.mark.parametrize("became", ["used", "put away", "strange"])
def test_a_second_roll_that_cannot_come_next_any_more_is_refused(olga, world, became):
    set_left(world, 12)
    roll, job = another_roll(world, 9), queued(world, uses=LATE)
    form = next(
        one
        for one in olga.get(f"/queue/jobs/{job.id}").all("#ways form[action$='/start']")
        if "change to it" in one.get_text()
    )
    if became == "used":
        set_left(world, 3, roll.id)
    else:
        with unit_of_work(world.shop_id) as db:
            filament.archive_spool(db, roll.id)
    if became == "strange":
        form.select_one("[name=then_spool_id]")["value"] = str(world.spool_id)
    answer = press(olga, form)
    assert answer.status == 409
    assert "Look at the page again" in answer.text
    assert said(world, job) == []


def test_a_shortage_that_the_second_roll_is_not_for_is_noted_too(olga, world):
    set_left(world, 12)
    job = queued(world)
    with unit_of_work(world.shop_id) as db:
        red = filament.add_filament(db, brand="B", material="PLA", colour_name="Red", colour_hex="#FF0000")
        other = filament.add_spool(db, red.id, weight_mg=900_000)
        service.start_job(db, job.id, world.printer_id, accept_short=True, then_spool_id=other.id)
    [one] = said(world, job)
    assert one.startswith("Started knowing that A1 has 12 g, it needs 20 g")


def test_what_lacks_less_than_a_gram_does_not_read_as_enough(olga, world):
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, 19_600)
    job = queued(world)
    assert "A1 has 19.6 g, it needs 20 g" in olga.get(f"/queue/jobs/{job.id}").text


def test_what_prints_now_takes_its_grams_before_the_job_that_waits(olga, world):
    """A roll of 30 g, of which this print still takes 20 g: the next print of 20 g finds 10 g."""
    set_left(world, 30)
    begin(world, queued(world))
    job = queued(world)
    for url in ("/queue", f"/queue/jobs/{job.id}"):
        assert "A1 will have 10 g, it needs 20 g: it runs out about in layer 51 of 100" in olga.get(url).text
    olga.post("/queue/jobs", {"plate_id": str(world.plate_id), "quantity": "1"})
    assert re.search(r"Careful: on Anna \d+: A1 will have 10 g, it needs 20 g", olga.get("/queue").text)


def test_a_roll_that_was_changed_in_the_middle_gives_only_the_rest(olga, world):
    set_left(world, 12)
    first = queued(world)
    run = begin(world, first)
    at(world, run, 50)
    roll = another_roll(world, 25)
    with unit_of_work(world.shop_id) as db:
        service.feed_from(db, run.id, 1, roll.id, layer=50)
    job = queued(world)  # 10 g of the other half are still to be fed from it
    assert "A1 will have 15 g, it needs 20 g" in olga.get(f"/queue/jobs/{job.id}").text


def test_what_is_booked_of_a_print_already_is_not_taken_off_twice(olga, world):
    set_left(world, 60)
    first = queued(world)
    run = begin(world, first)
    at(world, run, 50)
    set_left(world, 35)  # weighed in the middle: half of its 20 g are booked
    job = queued(world)
    assert "runs out" not in olga.get(f"/queue/jobs/{job.id}").text
    set_left(world, 25)
    recompute_feasibility(str(world.shop_id))
    assert "A1 will have 15 g, it needs 20 g" in olga.get(f"/queue/jobs/{job.id}").text


def test_a_variant_with_fewer_pieces_is_offered(olga, world):
    set_left(world, 12)
    job = queued(world)
    with unit_of_work(world.shop_id) as db:
        (option,) = db.scalars(select(JobOption).where(JobOption.job_id == job.id))
        model_id = db.get_one(Plate, option.plate_id).variant.model_id
        others = {}
        for name, grams in (("4 pieces", 8), ("10 pieces", 19), ("8 pieces, too many", 15)):
            plate = make_plate(db, needs={1: (world.filament_id, grams * 1000)})
            plate.variant.name, plate.variant.model_id = name, model_id
            others[name] = plate.id
        strange = make_plate(db, needs={1: (world.filament_id, 1000)})  # of another model
    shown = olga.get(f"/queue/jobs/{job.id}")
    forms = shown.all("#ways form[action='/queue/jobs']")
    assert [one.select_one("[name=plate_id]")["value"] for one in forms] == [str(others["4 pieces"])]
    assert str(strange.variant_id) not in str(shown.one("#ways"))
    assert press(olga, forms[0]).status == 303
    assert "Careful" not in olga.get("/queue").text


def test_a_print_that_is_beyond_the_end_of_its_roll_asks_for_the_truth(olga, world):
    set_left(world, 12)
    job = queued(world, uses=LATE)
    run = begin(world, job)
    at(world, run, 76)
    [one] = ends(world)
    assert not one.is_past
    at(world, run, 90, minutes=10)
    for url in ("/queue", f"/queue/jobs/{job.id}", f"/fleet/printers/{world.printer_id}"):
        shown = olga.get(url).text
        assert "By the ledger A1 ran out in layer 76 of 100 (75 %), and yet it prints on" in shown
        assert "A1 runs out" not in shown
    assert "prints on though its" in olga.get("/needs").text


def test_a_printer_that_has_enough_is_offered(olga, world):
    set_left(world, 12)
    with unit_of_work(world.shop_id) as db:
        bert = make_printer(db, name="Bert")
    roll = another_roll(world, 500)
    with unit_of_work(world.shop_id) as db:
        load(db, bert.id, roll.id)
    job = queued(world)
    shown = olga.get(f"/queue/jobs/{job.id}")
    form = next(one for one in shown.all("#ways form[action$='/start']") if "which has enough" in one.get_text())
    assert press(olga, form).status == 303
    with read_only(world.shop_id) as db:
        assert db.scalars(select(PrintRun)).one().printer_id == bert.id


def test_weighing_and_buying_are_offered_and_a_viewer_may_only_look(olga, bob, world):
    set_left(world, 12)
    job = queued(world)
    shown = olga.get(f"/queue/jobs/{job.id}")
    assert shown.one(f"#ways a[href='/filament/spools/{world.spool_id}#weigh']")
    assert "It would run out" in bob.get(f"/queue/jobs/{job.id}").text
    roll = another_roll(world, 500)
    with read_only(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one()
    sent = {"slot_id": str(slot.id), "spool_id": str(roll.id)}
    assert bob.post(f"/queue/jobs/{job.id}/roll", sent).status == 403


def test_a_printing_roll_is_not_taken_out_for_a_job_that_waits(olga, world):
    first = queued(world)
    begin(world, first)
    set_left(world, 5)
    roll, second = another_roll(world, 500), queued(world)
    with read_only(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one()
    answer = olga.post(f"/queue/jobs/{second.id}/roll", {"slot_id": str(slot.id), "spool_id": str(roll.id)})
    assert answer.status == 409
    assert "A1 feeds Benchy" in answer.text


def test_while_it_prints_the_page_says_where_and_when(olga, world):
    set_left(world, 12)
    job = queued(world, uses=LATE)
    run = begin(world, job)
    at(world, run, 50, minutes=100)
    [one] = ends(world)
    assert (one.end.layer, one.minutes, one.by_printer) == (76, 50, False)
    for url in ("/queue", f"/queue/jobs/{job.id}", "/", f"/fleet/printers/{world.printer_id}"):
        assert "A1 runs out in layer 76 of 100 (75 %), about" in olga.get(url).text, url


def test_the_bell_and_the_dashboard_say_so_too(olga, world):
    set_left(world, 12)
    run = begin(world, queued(world))
    at(world, run, 30, minutes=70)
    needs = olga.get("/needs").one("[data-need=ending]").get_text(" ", strip=True)
    assert "runs out of PLA Black" in needs
    assert "about in layer 61 of 100 (60 %), if every layer takes as much of Benchy" in needs
    assert "At about" in olga.get("/").one("#lasting").get_text(" ", strip=True)


def test_the_dashboard_says_when_a_waiting_job_would_run_out_at_the_earliest(olga, world):
    set_left(world, 30)
    run = begin(world, queued(world))
    queued(world)
    lasting = olga.get("/").one("#lasting").get_text(" ", strip=True)
    assert "Not before" not in lasting  # the printer has not said how long
    at(world, run, 30, minutes=70)
    assert "Not before" in olga.get("/").one("#lasting").get_text(" ", strip=True)


def test_a_roll_that_is_weighed_meanwhile_is_not_short_any_more(world):
    set_left(world, 12)
    begin(world, queued(world))
    assert len(ends(world)) == 1
    set_left(world, 500)
    assert ends(world) == []


def test_another_roll_is_fed_with_one_tap_and_each_is_booked_for_its_layers(olga, world):
    set_left(world, 12)
    roll, job = another_roll(world, 500), queued(world)
    run = begin(world, job)
    at(world, run, 60)
    form = olga.get(f"/queue/jobs/{job.id}").one("#feed form[action$='/feed']")
    sent = {one["name"]: one.get("value", "") for one in form.select("input[name]")}
    assert olga.post(form["action"], {**sent, "layer": "50"}).status == 303
    assert ends(world) == []
    with unit_of_work(world.shop_id) as db:
        assert [(one.layer, one.spool_id) for one in db.scalars(select(RunFeed))] == [(50, roll.id)]
        report(db, world.printer_id, run.code, "completed")
    with read_only(world.shop_id) as db:
        assert db.get_one(Spool, world.spool_id).remaining_mg == 2_000
        assert db.get_one(Spool, roll.id).remaining_mg == 490_000


@pytest.mark.parametrize("layer", ["-1", "61", "1e9", "NaN", "many", "999999999999999"])
def test_a_layer_that_was_not_printed_is_refused(olga, world, layer):
    set_left(world, 12)
    roll, job = another_roll(world, 500), queued(world)
    run = begin(world, job)
    at(world, run, 60)
    answer = olga.post(f"/queue/runs/{run.id}/feed", {"slot": "1", "spool_id": str(roll.id), "layer": layer})
    assert answer.status in (409, 422)
    with read_only(world.shop_id) as db:
        assert db.scalars(select(RunFeed)).all() == []


def test_the_second_roll_may_be_too_short_as_well(world):
    set_left(world, 12)
    roll = another_roll(world, 5)
    run = begin(world, queued(world))
    at(world, run, 60)
    with unit_of_work(world.shop_id) as db:
        service.feed_from(db, run.id, 1, roll.id)
    [one] = ends(world)
    assert (one.spool.id, one.end.layer, one.end.missing_mg) == (roll.id, 86, 3_000)


def test_the_printers_word_counts_when_it_knows_the_roll(world):
    with unit_of_work(world.shop_id) as db:
        db.get_one(Spool, world.spool_id).tag = CHIP
    run = begin(world, queued(world, 300))
    at(world, run, 50, tag=CHIP, remain_percent=30)
    assert ends(world) == []
    at(world, run, 50, tag=CHIP, remain_percent=5)
    [one] = ends(world)
    assert one.by_printer
    assert one.end.layer == 74  # 70 g, with the benefit of the doubt, of 150 g


@pytest.mark.parametrize("remain", [-1, None])
def test_a_printer_that_does_not_know_says_nothing(world, remain):
    run = begin(world, queued(world, 300))
    at(world, run, 50, remain_percent=None if remain in (-1, None) else remain)
    assert ends(world) == []


def test_a_damp_roll_is_flagged_before_it_is_printed_from(olga, world):
    set_left(world, 500)
    with unit_of_work(world.shop_id) as db:
        spool = db.get_one(Spool, world.spool_id)
        filament.edit_spool(
            db, spool.id, replace(filament.SpoolFacts.of(spool), expires_on=filament.today_of(db) - timedelta(days=3))
        )
    job = queued(world)
    assert "A1: best before" in olga.get(f"/queue/jobs/{job.id}").text
    assert "A1: best before" in olga.get("/queue").text


def test_another_shop_changes_nothing(charlie, world):
    set_left(world, 12)
    roll, job = another_roll(world, 500), queued(world)
    run = begin(world, job)
    sent = {"slot": "1", "spool_id": str(roll.id)}
    assert charlie.post(f"/queue/runs/{run.id}/feed", sent).status == 404
    with read_only(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one()
    sent = {"slot_id": str(slot.id), "spool_id": str(roll.id)}
    assert charlie.post(f"/queue/jobs/{job.id}/roll", sent).status == 404
