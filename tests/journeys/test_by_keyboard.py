"""The main job at a desk, from the first start to a cleared bed, by somebody who has only a keyboard."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.journeys import main_job
from tests.journeys.keyboard import KeyboardPerson
from tests.journeys.own_browser import AGAIN_WHEN_IT_HANGS
from tests.journeys.person import PATIENCE_MS, person_at
from tests.processes.running import Up, run
from tests.support.simulators import Simulators

pytestmark = [pytest.mark.slow, AGAIN_WHEN_IT_HANGS, pytest.mark.timeout(600)]

WAITING = "#queue .job:has(details.menu)"


def test_the_main_job_needs_no_mouse(chromium: Browser, up: Up, farm: Simulators, file: Path):
    with person_at(chromium, f"http://127.0.0.1:{up.port}", has_js=True, kind=KeyboardPerson) as olivia:
        main_job.become_owner(olivia, run(up.data_dir, "setup-code").stdout.strip())
        main_job.sign_out_and_in(olivia)
        main_job.add_filament_and_spool(olivia)
        main_job.add_printer(olivia, farm.printers[0])
        main_job.choose_the_spool(olivia)
        main_job.upload_and_answer(olivia, file)
        olivia.fill("How many", "2")
        main_job.add_to_queue(olivia)
        move_a_job_down_and_up(olivia)
        cancel_the_second(olivia)
        main_job.start(olivia)
        main_job.watch_until_it_is_finished(olivia)
        main_job.clear_the_bed(olivia)
        read_the_keys(olivia)
        search(olivia)


def jobs(person: KeyboardPerson) -> list[str]:
    """The ids of those that wait, from the top."""
    expect(person.page.locator(WAITING)).to_have_count(2)
    return [str(one.get_attribute("id")) for one in person.page.locator(WAITING).all()]


def menu_of(person: KeyboardPerson, job: str) -> Locator:
    return person.page.locator(f"#{job} details.menu")


def open_menu(person: KeyboardPerson, job: str) -> Locator:
    menu = menu_of(person, job)
    person.reach(menu.locator("summary"))
    person.key("Enter")
    expect(menu).to_have_attribute("open", "")
    return menu


def move_a_job_down_and_up(person: KeyboardPerson) -> None:
    first, second = jobs(person)
    menu = open_menu(person, first)
    person.reach(menu.get_by_role("button", name="Down"))
    person.key("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    for word, order in (("Down", [second, first]), ("Up", [first, second])):
        menu = open_menu(person, first)
        person.reach(menu.get_by_role("button", name=word, exact=True))
        with person.staying():
            person.key("Enter")
            expect(person.page.locator(WAITING).first).to_have_id(order[0], timeout=PATIENCE_MS)
        assert jobs(person) == order
        expect(menu_of(person, first).locator("summary")).to_be_focused()
    leave_an_open_menu(person, first)


def leave_an_open_menu(person: KeyboardPerson, job: str) -> None:
    """It does not stay and hide what comes next."""
    menu = open_menu(person, job)
    person.key("Shift+Tab")
    expect(menu).not_to_have_attribute("open", "")
    person.sees_the_focus()


def cancel_the_second(person: KeyboardPerson) -> None:
    first, second = jobs(person)
    question = person.page.locator("dialog#confirm")
    for answer in ("Keep it", "Cancel job"):
        menu = open_menu(person, second)
        person.reach(menu.get_by_role("button", name="Cancel job"))
        person.key("Enter")
        expect(question).to_be_visible()
        stays_inside(person, question)
        person.reach(question.get_by_role("button", name=answer))
        with person.staying():
            person.key("Enter")
            expect(question).to_be_hidden()
            expect(person.page.locator(WAITING)).to_have_count(2 if answer == "Keep it" else 1)
        if answer == "Keep it":
            expect(menu.locator("summary")).to_be_focused()
    assert person.page.locator(WAITING).get_attribute("id") == first


def stays_inside(person: KeyboardPerson, dialog: Locator) -> None:
    """Tab leads round in the dialog, at most over the browser's own bars, and never to the page behind it."""
    for _ in range(2 * dialog.locator("button:visible").count()):
        person.key("Tab")
        assert dialog.evaluate(
            "one => one.contains(document.activeElement) || document.activeElement === document.body"
        )
    if person.page.evaluate("document.activeElement === document.body"):
        person.key("Tab")
    person.sees_the_focus()


def read_the_keys(person: KeyboardPerson) -> None:
    link = person.page.locator("main").get_by_role("link", name="Anna").first
    person.reach(link)
    person.key("?")
    keys = person.page.get_by_role("dialog", name="Keyboard")
    expect(keys).to_be_visible()
    stays_inside(person, keys)
    person.key("Escape")
    expect(keys).to_be_hidden()
    expect(link).to_be_focused()


def search(person: KeyboardPerson) -> None:
    person.key("/")
    expect(person.page.get_by_role("searchbox", name="Search everything")).to_be_focused()
    person.sees_the_focus()
    person.page.keyboard.type("fox")
    with person.page.expect_navigation():
        person.key("Enter")
    person.key("/")
    with person.staying():
        person.page.keyboard.type("fox")
        expect(person.page.locator("#results")).to_contain_text("Fox", timeout=PATIENCE_MS)
    person.follow(re.compile("Fox"), person.page.locator("#results"))
