"""The main job on a phone: from the first start to a finished print with its grams booked; with scripts, and without any.

PRINTFARM_PICTURES names a folder for a picture of every page on the way.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from printfarm.files.sample_builder import PlateSpec, SampleFilament, build_sliced_3mf
from tests.journeys.person import PATIENCE_MS, Person, person_at
from tests.processes.running import Up, run
from tests.support.simulators import Simulators

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(420)]

GRAMS = 26.4
MINUTES = 45  # simulated; three quarters of a minute at this speed
SPEED = 60


@pytest.fixture
def folder(short_tmp: Path, request: pytest.FixtureRequest) -> Path:
    made = short_tmp / f"j{abs(hash(request.node.nodeid)) % 100_000}"
    made.mkdir()
    return made


@pytest.fixture
def farm(folder: Path) -> Iterator[Simulators]:
    with Simulators(folder / "s", "P1S", SPEED) as simulators:
        yield simulators


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    with Up(folder / "d", PRINTFARM_HUB="on") as running:
        running.wait_for("PrintFarm is ready", 120)
        yield running


@pytest.fixture
def file(folder: Path) -> Path:
    plate = PlateSpec(time_total_s=MINUTES * 60, time_model_s=MINUTES * 55, filaments=(SampleFilament(grams=GRAMS),))
    return build_sliced_3mf(folder / "Fox.gcode.3mf", plates=[plate], printer_model_id="C12", title="Fox")


@pytest.mark.parametrize("has_js", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_sliced_file_becomes_a_finished_part_and_booked_grams(
    chromium: Browser, up: Up, farm: Simulators, file: Path, has_js: bool
):
    place = os.environ.get("PRINTFARM_PICTURES")
    pictures = Path(place, "with-scripts" if has_js else "without-scripts") if place else None
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    with person_at(chromium, f"http://127.0.0.1:{up.port}", has_js=has_js, pictures=pictures) as olivia:
        become_owner(olivia, run(up.data_dir, "setup-code").stdout.strip())
        sign_out_and_in(olivia)
        add_filament_and_spool(olivia)
        add_printer(olivia, farm.printers[0])
        choose_the_spool(olivia)
        upload_and_answer(olivia, file)
        queue_and_start(olivia)
        watch_until_it_is_finished(olivia)
        clear_the_bed(olivia)
        the_grams_are_gone(olivia)
    assert weights_mg(up.data_dir) == [1_000_000 - 26_400]


def become_owner(person: Person, code: str) -> None:
    person.open("/")
    expect(person.page).to_have_url(re.compile(r"/set-up$"))
    person.fill("Set-up code", code)
    person.fill("Your name", "Olivia")
    person.fill("E-mail address", "olivia@example.com")
    person.fill("Password", "a good long password")
    person.fill("Shop's name", "Olivia's Prints")
    person.submit("Open the shop")
    expect(person.page.locator("#toasts")).to_contain_text("Welcome, Olivia")


def sign_out_and_in(person: Person) -> None:
    person.page.get_by_role("button", name="More").tap()
    with person.page.expect_navigation():
        person.page.locator("#shell-more").get_by_role("button", name="Sign out").tap()
    # A list that asks for news between the sign-out and the next page is refused, and the browser notes that.
    person.wrong[:] = [what for what in person.wrong if "401" not in what]
    person.open("/queue")
    person.fill("E-mail address", "olivia@example.com")
    person.fill("Password", "a good long password")
    person.submit("Sign in")
    expect(person.page).to_have_url(re.compile(r"/queue$"))


def add_filament_and_spool(person: Person) -> None:
    black = SampleFilament()
    person.menu("Filaments")
    person.follow("Add a filament")
    person.fill("Brand", black.vendor)
    person.fill("Material", black.material)
    person.fill("Colour name", "Turquoise")
    person.fill("Colour", black.colour)
    person.submit("Save")
    expect(person.page.get_by_role("heading", name="Add a spool")).to_be_visible()
    person.fill("Filament on it", "1000")
    person.submit("Save")
    person.sees("1.00 kg")


def add_printer(person: Person, printer) -> None:
    person.menu("Printers")
    person.follow("Add a printer")
    person.fill("Name", "Anna")
    person.page.get_by_label("Model").select_option("C12")
    person.fill("Address", printer.host)
    person.fill("Serial number", printer.serial)
    person.fill("Access code", printer.access_code)
    person.page.locator("#ports > summary").tap()
    person.fill("MQTT port", str(printer.mqtt_port))
    person.fill("FTPS port", str(printer.ftps_port))
    person.submit("Try it")
    with person.staying():
        person.sees("Everything works")
    person.look("tried")
    person.submit("Save the printer")
    with person.staying():
        person.sees("Ready")
    person.look("printer-online")


def choose_the_spool(person: Person) -> None:
    person.follow("Choose the spool")
    person.submit("It lies here")
    person.sees("Turquoise")


def upload_and_answer(person: Person, file: Path) -> None:
    person.menu("Uploads")
    person.page.locator("input[type=file]").set_input_files(file)
    if person.has_js:
        row = person.page.locator("#upload-list")
        with person.staying():
            expect(row).to_contain_text("Needs your answer", timeout=PATIENCE_MS)
        person.look("read")
        person.follow("Fox.gcode.3mf", row)
    else:
        person.submit("Upload")  # a single file leads to its own page, which refreshes until the file is read
    person.sees("26.4 g")
    person.submit("Save")
    person.sees("26.4 g")


def queue_and_start(person: Person) -> None:
    person.submit("Add to queue")
    expect(person.page).to_have_url(re.compile(r"/queue$"))
    with person.staying():
        person.sees("Can start on Anna")
    person.look("can-start")
    person.press("Start")
    expect(person.page.locator("#queue progress")).to_be_visible()
    person.look("started")


def watch_until_it_is_finished(person: Person) -> None:
    person.menu("Queue")
    with person.staying():
        bar = person.page.locator("#queue progress[value]")
        seen = set()
        for _ in range(4 if person.has_js else 2):
            expect(bar).to_be_visible(timeout=PATIENCE_MS)
            value = str(bar.get_attribute("value"))
            seen.add(value)
            expect(bar).not_to_have_attribute("value", value, timeout=PATIENCE_MS)
        assert len(seen) > 1, f"the bar did not move: {seen}"
        person.look("printing")
        person.sees("Nothing waits to be printed", within_ms=120_000)
    person.follow("History")
    person.sees("Finished")
    person.follow(re.compile("Fox"))
    person.sees("1 of this plate made")


def clear_the_bed(person: Person) -> None:
    person.menu("Printers")
    person.sees("Bed")
    person.press("Bed is clear")
    expect(person.page.get_by_role("button", name="Bed is clear")).to_have_count(0)
    person.sees("Ready")


def the_grams_are_gone(person: Person) -> None:
    person.menu("Filaments")
    person.follow(re.compile("Turquoise"))
    person.sees("974 g")
    person.sees(re.compile(r"Fox.*Printed.*-26\.4 g", re.DOTALL))


def weights_mg(data_dir: Path) -> list[int]:
    """What the spools hold, to the milligram; pages round."""
    with closing(sqlite3.connect(data_dir / "printfarm.db")) as database:
        return [row[0] for row in database.execute("SELECT remaining_mg FROM spools")]
