"""The main job on a phone: from the first start to a finished print with its grams booked; with scripts, and without any.

PRINTFARM_PICTURES names a folder for a picture of every page on the way.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys import main_job
from tests.journeys.own_browser import AGAIN_WHEN_IT_HANGS
from tests.journeys.person import person_at
from tests.processes.running import Up, run
from tests.support.simulators import Simulators

pytestmark = [pytest.mark.slow, AGAIN_WHEN_IT_HANGS, pytest.mark.timeout(420)]


@pytest.mark.parametrize("has_js", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_sliced_file_becomes_a_finished_part_and_booked_grams(
    chromium: Browser, up: Up, farm: Simulators, file: Path, has_js: bool
):
    place = os.environ.get("PRINTFARM_PICTURES")
    pictures = Path(place, "with-scripts" if has_js else "without-scripts") if place else None
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    with person_at(chromium, f"http://127.0.0.1:{up.port}", has_js=has_js, pictures=pictures) as olivia:
        main_job.become_owner(olivia, run(up.data_dir, "setup-code").stdout.strip())
        main_job.sign_out_and_in(olivia)
        main_job.add_filament_and_spool(olivia)
        main_job.add_printer(olivia, farm.printers[0])
        main_job.choose_the_spool(olivia)
        main_job.upload_and_answer(olivia, file)
        main_job.add_to_queue(olivia)
        main_job.start(olivia)
        olivia.menu("Queue")
        main_job.watch_until_it_is_finished(olivia)
        main_job.clear_the_bed(olivia)
        main_job.the_grams_are_gone(olivia)
    assert weights_mg(up.data_dir) == [1_000_000 - 26_400]


def weights_mg(data_dir: Path) -> list[int]:
    """What the spools hold, to the milligram; pages round."""
    with closing(sqlite3.connect(data_dir / "printfarm.db")) as database:
        return [row[0] for row in database.execute("SELECT remaining_mg FROM spools")]
