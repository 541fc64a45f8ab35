"""A print that stopped midway books what its layers up to there needed, slot by slot, when the moves are counted."""

from sqlalchemy import select

from printfarm.core.work import read_only, unit_of_work
from printfarm.files.models import FileScan
from printfarm.library.models import Plate, Variant
from printfarm.queue import service
from printfarm.queue.models import JobEvent, RunFilament
from tests.support.factories import World, make_plate, report

EVENLY = "evenly"


def stopped(world: World, *, uses: list | None, total_layers: int = 100) -> tuple[dict[int, int | None], list[str]]:
    """What each slot used when layer 25 of 100 was the last, and the kinds of notes of the job."""
    with unit_of_work(world.shop_id) as db:
        plate = make_plate(db, needs={1: (world.filament_id, 30_000), 2: (world.filament_id, 10_000)}, layers=100)
        if uses is not None:
            file_id = db.scalars(select(Variant.file_id).where(Variant.id == plate.variant_id)).one()
            found = {"plate": 1, "split_g": {}, "use_by_layer": uses, "layers": 100, "warnings": []}
            db.add(FileScan(file_id=file_id, state="done", result={"plates": [found]}))
        job = service.add_jobs(db, plate.id)[0]
        run = service.start_job(db, job.id, world.printer_id, accept_short=True)
        report(db, world.printer_id, run.code, "running")
        report(db, world.printer_id, run.code, "failed", layer=25, total_layers=total_layers, percent=60)
    with read_only(world.shop_id) as db:
        used = {one.slot: one.used_mg for one in db.scalars(select(RunFilament).where(RunFilament.run_id == run.id))}
        return used, list(db.scalars(select(JobEvent.kind).where(JobEvent.job_id == job.id)))


def test_a_colour_that_comes_late_is_not_used_yet(world):
    used, notes = stopped(world, uses=[[50, {"1": 0.8, "2": 0.0}], [100, {"1": 1.0, "2": 1.0}]])
    assert used == {1: 12_000, 2: 0}
    assert EVENLY not in notes


def test_without_a_count_the_grams_are_spread_evenly_and_the_job_says_so(world):
    used, notes = stopped(world, uses=None)
    assert used == {1: 7_500, 2: 2_500}
    assert EVENLY in notes


def test_layers_of_another_print_are_not_looked_up(world):
    used, notes = stopped(world, uses=[[100, {"1": 1.0, "2": 1.0}]], total_layers=50)
    assert used == {1: 15_000, 2: 5_000}
    assert EVENLY in notes


def test_a_count_that_saw_no_moves_says_nothing(world):
    used, _notes = stopped(world, uses=[])
    assert used == {1: 7_500, 2: 2_500}
    with read_only(world.shop_id) as db:
        assert db.scalars(select(Plate)).first() is not None
