"""Three spools on a phone: they come, get their labels, one is opened by its label's address, loaded, weighed, and its ledger
read; with scripts, and without any.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.journeys import main_job
from tests.journeys.person import Person, person_at
from tests.processes.running import Up, run
from tests.support.simulators import Simulators

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.mark.parametrize("has_js", [True, False], ids=["with-scripts", "without-scripts"])
def test_three_spools_come_and_one_is_loaded_and_weighed(chromium: Browser, up: Up, farm: Simulators, has_js: bool):
    place = os.environ.get("PRINTFARM_PICTURES")
    pictures = Path(place, f"spools-{'with' if has_js else 'without'}-scripts") if place else None
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    with person_at(chromium, f"http://127.0.0.1:{up.port}", has_js=has_js, pictures=pictures) as olivia:
        main_job.become_owner(olivia, run(up.data_dir, "setup-code").stdout.strip())
        main_job.add_printer(olivia, farm.printers[0])
        main_job.add_filament(olivia)
        codes = receive_three(olivia)
        open_by_scanning(olivia, codes[1])
        olivia.press("Opened today")
        expect(state(olivia)).to_have_text("Open")
        load(olivia, codes[1])
        weigh(olivia, codes[1])
        read_the_ledger(olivia)


def receive_three(person: Person) -> list[str]:
    """What stands on their labels."""
    person.follow("Several at once")
    person.fill("How many rolls", "3")
    person.fill("Empty spool weighs (optional)", "250")
    person.fill("Batch (optional)", "LOT-7")
    person.submit("Receive")
    expect(person.page.get_by_role("heading", level=1)).to_have_text("3 labels")
    expect(person.page.locator("#toasts")).to_contain_text("3 spools are in stock")
    codes = [text.replace("\n", "").strip() for text in person.page.locator(".label .label-code").all_inner_texts()]
    assert len(set(codes)) == 3
    assert person.page.locator(".label .qr").count() == 3
    return codes


def open_by_scanning(person: Person, code: str) -> None:
    """The camera of the phone opens the address in the code."""
    person.open(f"/c/{code}")
    expect(person.page).to_have_url(re.compile("/filament/spools/"))
    person.sees("LOT-7")
    expect(state(person)).to_have_text("Sealed")


def state(person: Person) -> Locator:
    return person.page.locator("#spool-page .state").first


def load(person: Person, code: str) -> None:
    person.menu("Printers")
    person.follow("Anna")
    person.follow(re.compile("^(Choose the spool|Another)$"))
    person.page.locator("main").get_by_role("searchbox").fill(code)
    person.submit("Search")
    person.submit("It lies here")
    person.sees(f"spool {code}")
    person.open(f"/c/{code}")
    expect(state(person)).to_have_text("Loaded")
    person.sees(re.compile(r"Loaded in\s*Anna"))


def weigh(person: Person, code: str) -> None:
    """The roll lies on the scale with its spool."""
    person.page.locator("label.choice", has_text="The scale shows").tap()
    person.fill("Grams", "1123")
    person.press("Book")
    person.sees("873 g")


def read_the_ledger(person: Person) -> None:
    lines = person.page.locator(".ledger")
    expect(lines).to_have_count(2)
    expect(lines.nth(0)).to_contain_text("Weighed")
    expect(lines.nth(0)).to_contain_text("\N{MINUS SIGN}127 g")
    expect(lines.nth(1)).to_contain_text("Received")
    expect(person.page.locator("#weight-chart-words")).to_contain_text("began with 1.00 kg")
