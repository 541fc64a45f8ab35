"""Which place of a printer serves which slot of a plate, and what travels to a Bambu printer for it."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import service as filament
from printfarm.fleet.models import Command, PrinterSlot
from printfarm.fleet.queries import printer_facts
from printfarm.library.models import Plate
from printfarm.queue import service
from printfarm.queue.fitting import judge
from printfarm.queue.models import RunFilament
from printfarm.queue.service.dispatch import CannotStart
from tests.support.factories import World, load, make_plate


@pytest.fixture
def white(world: World):
    with unit_of_work(world.shop_id) as db:
        made = filament.add_filament(
            db, brand="Sunlu", material="PLA", colour_name="White", colour_hex="#FFFFFF", cost_per_gram=Decimal("0.02")
        )
        spool = filament.add_spool(db, made.id, weight_mg=300_000)
        return made.id, spool.id


def start(world, plate_needs, **more):
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs=plate_needs, **more)
        job = service.add_jobs(db, plate.id)[0]
        run = service.start_job(db, job.id, world.printer_id)
    with read_only(world.shop_id) as db:
        sent = db.scalars(select(Command).where(Command.run_id == run.id)).one().body
        return sent["ams_mapping"], sent["use_ams"]


def put(world, spool_id, ams_unit, slot):
    with unit_of_work(world.shop_id) as db:
        load(db, world.printer_id, spool_id, ams_unit=ams_unit, slot=slot)


@pytest.mark.parametrize(
    ("ams_unit", "slot", "number"), [(0, 3, 3), (1, 0, 4), (3, 3, 15), (128, 0, 128), (130, 0, 130)]
)
def test_a_place_is_numbered_as_the_printer_counts(world, white, ams_unit, slot, number):
    put(world, white[1], ams_unit, slot)
    assert start(world, {1: (white[0], 5_000)}) == ([number], True)


def test_filaments_that_the_plate_does_not_use_are_minus_one(world, white):
    put(world, white[1], 0, 2)
    assert start(world, {2: (white[0], 5_000), 4: (world.filament_id, 5_000)}) == ([-1, 2, -1, 0], True)


def test_the_external_holder_alone_prints_without_the_ams(world, white):
    with unit_of_work(world.shop_id) as db:
        external = select(PrinterSlot).where(PrinterSlot.printer_id == world.printer_id, PrinterSlot.ams_unit == 255)
        db.scalars(external).one().spool_id = white[1]
    assert start(world, {1: (white[0], 5_000)}) == ([-1], False)


def test_one_in_the_ams_and_one_outside_is_refused(world, white):
    with unit_of_work(world.shop_id) as db:
        external = select(PrinterSlot).where(PrinterSlot.printer_id == world.printer_id, PrinterSlot.ams_unit == 255)
        db.scalars(external).one().spool_id = white[1]
    with pytest.raises(CannotStart, match="external holder"):
        start(world, {1: (white[0], 5_000), 2: (world.filament_id, 5_000)})


def test_a_filament_that_is_not_loaded_is_never_sent_and_called_by_its_name(world, white):
    with pytest.raises(CannotStart, match="Sunlu PLA White is not loaded"):
        start(world, {1: (white[0], 5_000), 2: (world.filament_id, 5_000)})


def test_the_mapping_follows_a_roll_that_was_moved_after_queueing(world):
    with unit_of_work(world.shop_id) as db:
        job = service.add_jobs(db, world.plate_id)[0]
    with unit_of_work(world.shop_id) as db:
        old = db.scalars(select(PrinterSlot).where(PrinterSlot.spool_id == world.spool_id)).one()
        old.spool_id = None
        db.flush()
        load(db, world.printer_id, world.spool_id, ams_unit=0, slot=3)
    with unit_of_work(world.shop_id) as db:
        run = service.start_job(db, job.id, world.printer_id)
        assert db.scalars(select(Command).where(Command.run_id == run.id)).one().body["ams_mapping"] == [3]
        assert db.scalars(select(RunFilament)).one().printer_slot == 3


def test_one_roll_that_serves_two_slots_must_hold_enough_for_both(world):
    with pytest.raises(CannotStart, match="A1 has 1000 g, it needs 1200 g"):
        start(world, {1: (world.filament_id, 600_000), 2: (world.filament_id, 600_000)})


def test_the_emptiest_roll_that_has_enough_is_used_up_first(world):
    with unit_of_work(world.shop_id) as db:
        rest = filament.add_spool(db, world.filament_id, weight_mg=30_000)
        scrap = filament.add_spool(db, world.filament_id, weight_mg=2_000)
    put(world, rest.id, 0, 1)
    put(world, scrap.id, 0, 2)
    assert start(world, {1: (world.filament_id, 20_000)}) == ([1], True)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"printable": False}, "there is no G-code for this plate"),
        ({"gcode_path": None}, "this is plain G-code"),
    ],
)
def test_what_a_printer_cannot_read_never_fits_it(world, facts, reason):
    with unit_of_work(world.shop_id) as db:
        plate = db.get_one(Plate, world.plate_id)
        for name, value in facts.items():
            setattr(plate, name, value)
        verdict = judge(plate, printer_facts(db)[0], busy=False)
    assert not verdict.fits
    assert reason in verdict.never[0]


def test_a_file_that_names_no_filament_is_not_started(world):
    with pytest.raises(CannotStart, match="does not say which filament"):
        start(world, {})
