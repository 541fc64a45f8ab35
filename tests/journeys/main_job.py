"""The steps of the main job, whoever takes them and with whatever in their hands."""

import re
from pathlib import Path

from playwright.sync_api import expect

from printfarm.files.sample_builder import SampleFilament
from tests.journeys.person import PATIENCE_MS, Person


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
    person.sign_out()
    # A list that asks for news between the sign-out and the next page is refused, and the browser notes that.
    person.wrong[:] = [what for what in person.wrong if "401" not in what]
    person.open("/queue")
    person.fill("E-mail address", "olivia@example.com")
    person.fill("Password", "a good long password")
    person.submit("Sign in")
    expect(person.page).to_have_url(re.compile(r"/queue$"))


def add_filament(person: Person) -> None:
    """Its page of a first spool follows."""
    black = SampleFilament()
    person.menu("Filaments")
    person.follow("Add a filament")
    person.fill("Brand", black.vendor)
    person.fill("Material", black.material)
    person.fill("Colour name", "Turquoise")
    person.fill("Colour", black.colour)
    person.submit("Save")
    expect(person.page.get_by_role("heading", name="Add a spool")).to_be_visible()


def add_filament_and_spool(person: Person) -> None:
    add_filament(person)
    person.fill("Filament on it", "1000")
    person.submit("Save")
    person.sees("1.00 kg")


def add_printer(person: Person, printer) -> None:
    person.menu("Printers")
    person.follow("Add a printer")
    until_a_hub_is_there(person)
    person.fill("Name", "Anna")
    person.choose("Model", "C12")
    person.fill("Address", printer.host)
    person.fill("Serial number", printer.serial)
    person.fill("Access code", printer.access_code)
    person.unfold("Ports")
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


def until_a_hub_is_there(person: Person) -> None:
    """Who is quicker than the built-in one reads that it comes within seconds, and loads the page again."""
    notice = person.page.locator("main").get_by_text("No hub", exact=True)
    for _ in range(60):
        if not notice.count():
            return
        person.page.wait_for_timeout(500)
        person.page.reload()
    raise AssertionError("the built-in hub did not come")


def choose_the_spool(person: Person) -> None:
    person.follow("Choose the spool")
    person.submit("It lies here")
    person.sees("Turquoise")


def upload_and_answer(person: Person, file: Path) -> None:
    person.menu("Uploads")
    person.put("Drop files or folders here", file)
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


def add_to_queue(person: Person) -> None:
    person.submit("Add to queue")
    expect(person.page).to_have_url(re.compile(r"/queue$"))
    with person.staying():
        person.sees("Can start on Anna")
    person.look("can-start")


def start(person: Person) -> None:
    person.press("Start")
    expect(person.page.locator("#queue progress")).to_be_visible()
    person.look("started")


def watch_until_it_is_finished(person: Person) -> None:
    """On the page of the queue."""
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
    person.sees(re.compile("Fox.*Printed.*\N{MINUS SIGN}26[.]4 g", re.DOTALL))
