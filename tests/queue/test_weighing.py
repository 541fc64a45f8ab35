"""Grams that a person weighed after a print replace what was reckoned; every line of the ledger stays."""

import pytest
from sqlalchemy import select

from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament import service as filament
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.fleet.models import PrinterSlot
from printfarm.queue import service
from printfarm.queue.models import RunFilament
from tests.support.factories import World, make_plate, report


def printed(world: World, plate_id=None, **start):
    with unit_of_work(world.shop_id) as db:
        job = service.add_jobs(db, plate_id or world.plate_id)[0]
        run = service.start_job(db, job.id, world.printer_id, **start)
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "completed")
    return job, run


def weigh(world, run, **grams):
    with unit_of_work(world.shop_id) as db:
        service.weigh_run(db, run.id, {int(slot[1:]): mg for slot, mg in grams.items()})


def left(world):
    with read_only(world.shop_id) as db:
        assert filament_queries.drifted_spools(db) == []
        return db.get_one(Spool, world.spool_id).remaining_mg


def unassigned(world):
    with read_only(world.shop_id) as db:
        return db.get_one(Filament, world.filament_id).unassigned_mg


@pytest.mark.parametrize("weighed", [25_000, 12_500, 0, 20_000])
def test_the_weighed_grams_count(world, weighed):
    _, run = printed(world)
    weigh(world, run, s1=weighed)
    assert left(world) == 1_000_000 - weighed
    with read_only(world.shop_id) as db:
        assert db.scalars(select(RunFilament)).one().used_mg == weighed


def test_weighing_again_and_again_leaves_the_last_word(world):
    _, run = printed(world)
    for weighed in (30_000, 0, 10_000, 11_000):
        weigh(world, run, s1=weighed)
    assert left(world) == 989_000


def test_the_same_weight_again_writes_nothing(world):
    _, run = printed(world)
    with read_only(world.shop_id) as db:
        before = len(db.scalars(select(StockEntry)).all())
    weigh(world, run, s1=20_000)
    with read_only(world.shop_id) as db:
        assert len(db.scalars(select(StockEntry)).all()) == before


def test_more_than_the_roll_held_waits_for_a_person(world):
    _, run = printed(world)
    weigh(world, run, s1=1_100_000)
    assert left(world) == 0
    assert unassigned(world) == 100_000


def test_grams_that_waited_for_a_spool_are_corrected_too(world):
    with unit_of_work(world.shop_id) as db:
        slot = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one()
        slot.spool_id, slot.reported_material, slot.reported_colour_hex = None, "PLA", "#101010"
    _, run = printed(world)
    assert unassigned(world) == 20_000
    weigh(world, run, s1=15_000)
    assert unassigned(world) == 15_000
    with read_only(world.shop_id) as db:
        waiting = filament_queries.unassigned_entries(db).items
    assert [entry.delta_mg for entry in waiting] == [-15_000]
    with unit_of_work(world.shop_id) as db:
        filament.resolve_unassigned(db, waiting[0].id, world.spool_id)
    weigh(world, run, s1=18_000)
    assert left(world) == 982_000, "the roll that a person named pays for the correction"
    assert unassigned(world) == 0


def test_a_run_that_goes_on_is_not_weighed(world):
    with unit_of_work(world.shop_id) as db:
        job = service.add_jobs(db, world.plate_id)[0]
        run = service.start_job(db, job.id, world.printer_id)
    with pytest.raises(DomainError, match="has not ended"):
        weigh(world, run, s1=1_000)


def test_weighing_without_javascript(world, olga):
    job, run = printed(world)
    form = olga.get(f"/queue/jobs/{job.id}").one(f"form[action$='/runs/{run.id}/weigh']")
    sent = {field["name"]: field.get("value", "") for field in form.select("input[name^=used]")}
    sent["used-0-grams"] = "21.5"
    assert olga.post(form["action"], sent).status == 303
    assert left(world) == 978_500
    assert "weighed 21.5 g instead of 20.0 g" in olga.get(f"/queue/jobs/{job.id}").text


def test_a_wrong_weight_is_a_sentence(world, olga):
    _, run = printed(world)
    answer = olga.post(f"/queue/runs/{run.id}/weigh", {"used-0-slot": "1", "used-0-grams": "-3"})
    assert answer.status == 422
    assert "From 0 to 50,000 grams." in answer.text
    assert left(world) == 980_000


def test_two_slots_on_one_roll_are_both_booked(world):
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs={1: (world.filament_id, 30_000), 3: (world.filament_id, 5_000)})
    printed(world, plate.id)
    assert left(world) == 965_000


def test_an_unknown_weight_books_nothing_until_a_person_weighs(world):
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs={1: (world.filament_id, None)})
    _, run = printed(world, plate.id)
    assert left(world) == 1_000_000
    weigh(world, run, s1=7_000)
    assert left(world) == 993_000


def test_a_roll_that_was_put_away_during_the_print_still_pays(world):
    with unit_of_work(world.shop_id) as db:
        job = service.add_jobs(db, world.plate_id)[0]
        run = service.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
    with unit_of_work(world.shop_id) as db:
        filament.archive_spool(db, world.spool_id)
    with unit_of_work(world.shop_id) as db:
        report(db, world.printer_id, run.code, "completed")
    assert left(world) == 980_000


def test_a_failure_without_layers_books_by_percent(world):
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs={1: (world.filament_id, 30_000)}, layers=0)
        job = service.add_jobs(db, plate.id)[0]
        run = service.start_job(db, job.id, world.printer_id)
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "failed", percent=40, layer=12)
    assert left(world) == 988_000


def test_what_was_taken_back_by_mistake_is_booked_again(world):
    """An undo is not undone: the same grams are typed once more. Nothing else does that by the way."""
    _, run = printed(world)
    with unit_of_work(world.shop_id) as db:
        line = db.scalars(select(StockEntry).where(StockEntry.cause == "print")).one()
        filament.undo_entry(db, line.id)
    assert left(world) == 1_000_000
    for _ in range(2):
        weigh(world, run, s1=20_000)
        assert left(world) == 980_000
