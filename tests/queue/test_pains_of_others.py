"""What owners of print farms complain of elsewhere, where stock is a number that drifts (15 to 20 of our list of such pains):
each as a test that would fail here if it came back.
"""

import re
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

import printfarm
from printfarm.core.work import read_only, unit_of_work
from printfarm.filament import queries as filament_queries
from printfarm.filament import service as filament
from printfarm.filament.models import Filament, Spool, StockEntry
from printfarm.fleet.models import Printer
from printfarm.library.models import FilamentRequirement, Plate
from printfarm.queue import service
from printfarm.queue.models import PrintJob, PrintRun
from printfarm.queue.service import feasibility
from printfarm.queue.service.dispatch import CannotStart
from tests.fleet.rolls import place, say
from tests.queue.following import left, now, tell
from tests.support.factories import load, make_plate

GRAM = 1_000


def started(world, plate_id=None, **options):
    with unit_of_work(world.shop_id) as db:
        db.get_one(Printer, world.printer_id).bed_cleared = True
        job = service.add_jobs(db, plate_id or world.plate_id)[0]
        return job, service.start_job(db, job.id, world.printer_id, **options)


def add_plate(world, needs, **facts):
    with unit_of_work(world.shop_id) as db:
        return make_plate(db, needs=needs, **facts).id


def second_roll(world, *, slot, grams=1_000, colour="#22AA44"):
    """Another filament, loaded beside the first."""
    with unit_of_work(world.shop_id) as db:
        green = filament.add_filament(
            db, brand="Prusament", material="PLA", colour_name=f"Green {colour}", colour_hex=colour
        )
        spool = filament.add_spool(db, green.id, weight_mg=grams * GRAM)
        load(db, world.printer_id, spool.id, slot=slot)
        return green.id, spool.id


def holds(world, spool_id):
    with read_only(world.shop_id) as db:
        assert filament_queries.find_drift(db) == []
        return db.get_one(Spool, spool_id).remaining_mg


def set_weight(world, grams):
    with unit_of_work(world.shop_id) as db:
        filament.set_weight(db, world.spool_id, grams * GRAM)


class TestPain15DoubleDeduction:
    def test_pain_15_a_print_that_is_told_finished_again_and_again_is_deducted_once(self, world):
        _, run = started(world)
        tell(world, run, "running")
        for state in ("completed", "completed", "failed", "running", "completed"):
            tell(world, run, state, layer=100, total_layers=100, percent=100)
        assert left(world) == 980 * GRAM

    def test_pain_15_nor_when_a_person_and_the_printer_both_say_so(self, world):
        _, run = started(world)
        tell(world, run, "running")
        tell(world, run, "unknown")
        with unit_of_work(world.shop_id) as db:
            service.settle_run(db, run.id, "completed")
        tell(world, run, "completed")
        assert left(world) == 980 * GRAM

    def test_pain_15_nor_when_the_printers_own_guess_of_the_roll_falls_as_well(self, world):
        _, run = started(world)
        say(world.shop_id, world.printer_id, place(0, remain_percent=100))
        tell(world, run, "running")
        say(world.shop_id, world.printer_id, place(0, remain_percent=97), state="printing")
        tell(world, run, "completed")
        say(world.shop_id, world.printer_id, place(0, remain_percent=97))
        assert left(world) == 980 * GRAM

    def test_pain_15_a_plate_of_5_7_grams_never_becomes_140(self, world):
        """Elsewhere 14 per cent of a kilogram, or every plate of the file, was booked for one small plate."""
        plate_id = add_plate(world, {1: (world.filament_id, 5_700)})
        with unit_of_work(world.shop_id) as db:  # its neighbours in the same file need far more
            variant_id = db.scalars(select(Plate.variant_id).where(Plate.id == plate_id)).one()
            other = Plate(variant_id=variant_id, number=2, printable=True, layers=100)
            db.add(other)
            db.flush()
            db.add(
                FilamentRequirement(plate_id=other.id, slot=1, material="PLA", colour_hex="#111111", total_mg=134_300)
            )
        _, run = started(world, plate_id)
        say(world.shop_id, world.printer_id, place(0, remain_percent=90))
        tell(world, run, "running")
        say(world.shop_id, world.printer_id, place(0, remain_percent=76))
        tell(world, run, "completed")
        assert left(world) == 1_000 * GRAM - 5_700

    @pytest.mark.parametrize("remain", [-1, 0, 1000])
    def test_pain_15_a_spool_taken_out_in_mid_print_is_not_booked_as_a_kilogram(self, world, remain):
        _, run = started(world)
        tell(world, run, "running")
        say(world.shop_id, world.printer_id, place(0, "", remain_percent=remain), state="printing")
        tell(world, run, "completed")
        assert left(world) == 980 * GRAM

    @pytest.mark.parametrize("percent", [0, 100])
    def test_pain_15_a_failed_calibration_empties_no_spool(self, world, percent):
        """Elsewhere it emptied two. The per cent may be what is left of the print before."""
        green_id, green = second_roll(world, slot=1)
        plate_id = add_plate(world, {1: (world.filament_id, 400 * GRAM), 2: (green_id, 300 * GRAM)})
        _, run = started(world, plate_id)
        tell(world, run, "running")
        say(world.shop_id, world.printer_id, place(0, remain_percent=0), place(1, remain_percent=-1))
        tell(world, run, "failed", layer=0, total_layers=100, percent=percent, sentence="Calibration failed.")
        assert left(world) == holds(world, green) == 1_000 * GRAM


def test_pain_16_a_spool_that_ran_out_is_charged_what_it_held_and_the_next_one_the_rest(world):
    """Elsewhere one of them was charged all of it, or both the same. What nobody saw waits for a person."""
    set_weight(world, 5)
    _, run = started(world, accept_short=True)
    tell(world, run, "running")
    tell(world, run, "completed")
    assert left(world) == 0
    with unit_of_work(world.shop_id) as db:
        (waits,) = filament_queries.unassigned_entries(db).items
        assert waits.delta_mg == -15 * GRAM
        fresh = filament.add_spool(db, world.filament_id, weight_mg=1_000 * GRAM)
        filament.resolve_unassigned(db, waits.id, fresh.id)
    assert holds(world, fresh.id) == 985 * GRAM


def test_pain_16_a_printer_that_changes_to_the_next_spool_by_itself_charges_both_for_what_they_gave(world):
    with unit_of_work(world.shop_id) as db:
        second = filament.add_spool(db, world.filament_id, weight_mg=1_000 * GRAM)
        load(db, world.printer_id, second.id, slot=3)
    _, run = started(world)
    tell(world, run, "running")
    there = {"run_code": run.code, "state": "printing", "total_layers": 100}
    say(world.shop_id, world.printer_id, place(0, loaded=True), place(3), layer=30, **there)
    say(world.shop_id, world.printer_id, place(0, ""), place(3, loaded=True), layer=40, **there)
    tell(world, run, "completed", layer=100, total_layers=100)
    assert left(world) == 992 * GRAM
    assert holds(world, second.id) == 988 * GRAM


def test_pain_17_it_is_booked_to_the_place_that_fed_it_and_not_to_the_slicers_number(world):
    """The slicer's filament 1 lies in A3 and its filament 2 in A1, so to speak: the plate's first is green here."""
    green_id, green = second_roll(world, slot=2)
    plate_id = add_plate(world, {1: (green_id, 30 * GRAM), 2: (world.filament_id, 4 * GRAM)})
    _, run = started(world, plate_id)
    tell(world, run, "running")
    tell(world, run, "completed")
    assert holds(world, green) == 970 * GRAM
    assert left(world) == 996 * GRAM


class TestPain18AbortedPrint:
    @pytest.mark.parametrize("state", ["cancelled", "failed"])
    def test_pain_18_an_aborted_print_is_charged_what_it_had_extruded(self, world, state):
        """The per cent is of time, and far ahead of the layers when the first ones are quick."""
        _, run = started(world)
        tell(world, run, "running")
        tell(world, run, state, layer=25, total_layers=100, percent=90)
        assert left(world) == 995 * GRAM
        with read_only(world.shop_id) as db:
            assert db.scalars(select(StockEntry.cause).where(StockEntry.run_id == run.id)).all() == ["failed print"]

    def test_pain_18_one_that_never_began_is_charged_nothing(self, world):
        _, run = started(world)
        tell(world, run, "cancelled", percent=0, layer=0, total_layers=100)
        assert left(world) == 1_000 * GRAM

    def test_pain_18_and_the_next_try_is_not_charged_for_it(self, world):
        job, run = started(world)
        tell(world, run, "running")
        tell(world, run, "cancelled", layer=50, total_layers=100)
        with unit_of_work(world.shop_id) as db:
            service.retry_job(db, job.id)
            db.get_one(Printer, world.printer_id).bed_cleared = True
            again = service.start_job(db, job.id, world.printer_id)
        tell(world, again, "running")
        tell(world, again, "completed")
        assert left(world) == (1_000 - 10 - 20) * GRAM


class TestPain19TareDrift:
    def test_pain_19_an_empty_spool_of_261_g_shows_nothing_left_and_not_129_g(self, world, olga):
        """Elsewhere the empty weight of another make (132 g) was taken off, and not this spool's own."""
        with unit_of_work(world.shop_id) as db:
            db.get_one(Filament, world.filament_id).tare_mg = 132 * GRAM
            db.get_one(Spool, world.spool_id).tare_mg = 261 * GRAM
        assert olga.post(f"/filament/spools/{world.spool_id}/weigh", {"what": "scale", "grams": "261"}).status == 303
        assert left(world) == 0

    def test_pain_19_a_filament_that_gets_another_empty_weight_changes_no_spool_that_has_its_own(self, world, olga):
        weigh, keep = f"/filament/spools/{world.spool_id}/weigh", {"tare": "261", "keep_tare": "y"}
        olga.post(weigh, {"what": "scale", "grams": "761", **keep})
        assert left(world) == 500 * GRAM
        with unit_of_work(world.shop_id) as db:
            db.get_one(Filament, world.filament_id).tare_mg = 132 * GRAM
        assert left(world) == 500 * GRAM
        olga.post(weigh, {"what": "scale", "grams": "261"})
        assert left(world) == 0


class TestPain20DemandAgainstStock:
    def test_pain_20_what_earlier_jobs_are_promised_is_not_there_for_later_ones(self, world, olga):
        plate_id = add_plate(world, {1: (world.filament_id, 600 * GRAM)})
        with unit_of_work(world.shop_id) as db:
            first, second = service.add_jobs(db, plate_id, quantity=2)
            feasibility.recompute(db)
        with read_only(world.shop_id) as db:
            assert db.get_one(PrintJob, first.id).feasibility["enough"] is True
            assert db.get_one(PrintJob, second.id).feasibility["enough"] is False
            assert filament_queries.promised_by_filament(db) == {world.filament_id: 1_200 * GRAM}

    @pytest.mark.parametrize("way", ["first", "retry", "repeat"])
    def test_pain_20_every_way_to_start_looks_at_the_stock(self, world, olga, way):
        """Elsewhere two of three ways to start skipped the check."""
        job, run = started(world)
        tell(world, run, "running")
        tell(world, run, "failed", layer=50, total_layers=100)
        set_weight(world, 3)
        with unit_of_work(world.shop_id) as db:
            db.get_one(Printer, world.printer_id).bed_cleared = True
        url = f"/queue/jobs/{job.id}/{way}"
        if way == "first":
            with unit_of_work(world.shop_id) as db:
                job = service.add_jobs(db, world.plate_id)[0]
        else:
            answer = olga.post(url)
            assert answer.status == 303
            job_id = re.search(r"/queue/jobs/([0-9a-f-]{36})", answer.location)
            job = now(world, job) if way == "retry" else _job(world, job_id[1])
        answer = olga.post(f"/queue/jobs/{job.id}/start", {"printer_id": str(world.printer_id)})
        assert answer.status == 409
        assert "has 3 g, it needs 20 g" in answer.text
        with pytest.raises(CannotStart), unit_of_work(world.shop_id) as db:
            service.start_job(db, job.id, world.printer_id)
        with read_only(world.shop_id) as db:
            assert db.scalar(select(func.count()).where(PrintRun.job_id == job.id)) == (1 if way == "retry" else 0)

    def test_pain_20_there_is_one_way_to_start_and_no_other(self):
        root = Path(printfarm.__file__).parent
        makes_a_run = {str(one.relative_to(root)) for one in root.rglob("*.py") if "= PrintRun(" in one.read_text()}
        sends_a_start = {str(one.relative_to(root)) for one in root.rglob("*.py") if "start_body(" in one.read_text()}
        assert makes_a_run == {"queue/service/dispatch.py"}
        assert sends_a_start - {"fleet/service/commands.py"} == {"queue/service/dispatch.py"}


def _job(world, job_id):
    with read_only(world.shop_id) as db:
        return db.get_one(PrintJob, UUID(job_id))
