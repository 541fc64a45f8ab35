"""With JavaScript off: no dead button on any page, and every action done by the pages' own forms and links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Browser, Locator, expect

from tests.journeys.person import PATIENCE_MS, PHONE
from tests.journeys.plain import Plain, nobody_else_at_work, plain_person
from tests.looking.visit import demo_shop, sign_in, walk
from tests.processes.running import Up
from tests.support.simulators import Simulators

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PAGES_AT_LEAST = 40
SPEED = 30  # a print of the demo takes one to four minutes: long enough to pause it
# Its buttons are specimens: they do nothing with scripts either.
SPECIMENS = "/ui"

# What a page shows that is dead without scripts, after all that opens by itself (details, popovers) was opened.
DEAD = """() => {
  document.querySelectorAll("details").forEach(one => one.open = true);
  const found = [];
  const seen = one => one.checkVisibility({visibilityProperty: true});
  const say = (what, one) => found.push(`${what}: ${one.outerHTML.replace(/\\s+/g, " ").slice(0, 150)}`);
  const look = root => {
    for (const one of root.querySelectorAll("button, input[type=submit], input[type=button], .button")) {
      if (!seen(one) || one.disabled || one.matches("summary, a[href], label")) continue;
      const sends = one.matches("button, input") && one.type === "submit" && one.form && one.form.hasAttribute("action");
      if (!sends && !document.getElementById(one.getAttribute("popovertarget"))) say("a dead button", one);
    }
    for (const one of root.querySelectorAll("form")) {
      const ways = [...one.elements].filter(part => part.type === "submit" && seen(part) && !part.disabled);
      if (seen(one) && !ways.length) say("a form that cannot be sent", one);
      const [plain, swapped] = [one.getAttribute("action"), one.getAttribute("hx-post") || one.getAttribute("hx-get")];
      if (swapped && plain !== swapped) say("a form that goes elsewhere with scripts", one);
    }
    for (const one of root.querySelectorAll("a")) {
      const to = one.getAttribute("href");
      const place = to && to.startsWith("#") ? document.getElementById(to.slice(1)) : one;
      if (seen(one) && (to === null || to === "#" || !place)) say("a link to nowhere", one);
    }
    for (const one of root.querySelectorAll(".needs-js")) if (seen(one)) say("needs scripts", one);
    for (const one of root.querySelectorAll(".without-js"))
      if (getComputedStyle(one).display === "none") say("hidden although it is for people without scripts", one);
  };
  look(document);
  for (const one of document.querySelectorAll("[popover]")) {
    one.showPopover();
    look(one);
    one.hidePopover();
  }
  const moving = [...document.querySelectorAll("progress")].some(seen);
  const refreshes = document.querySelector("meta[http-equiv=refresh]");
  if (moving && !refreshes) found.push("something moves, and the page does not refresh");
  const typed = [...document.querySelectorAll("main form[method=post] :is(input:not([type=hidden]), textarea)")].find(seen);
  if (refreshes && !moving && typed) say("the refresh takes away what is typed", typed);
  return found;
}"""


@dataclass
class Shop:
    up: Up
    base: str
    state: str


@pytest.fixture(scope="module")
def shop(chromium: Browser, short_tmp: Path) -> Iterator[Shop]:
    with demo_shop(short_tmp / "no-scripts", speed=SPEED) as up:
        yield Shop(up, f"http://127.0.0.1:{up.port}", sign_in(up, chromium))


@pytest.fixture
def olivia(chromium: Browser, shop: Shop) -> Iterator[Plain]:
    expect.set_options(timeout=PATIENCE_MS)
    with plain_person(chromium, shop.base, shop.state) as person:
        yield person
    expect.set_options(timeout=5_000)


def test_nothing_on_any_page_is_dead(chromium: Browser, shop: Shop):
    context = chromium.new_context(**PHONE, storage_state=shop.state, java_script_enabled=False)
    names, wrong = [], []
    for one, page in walk(context, shop.base):
        names.append(one.name)
        if not one.path.startswith(SPECIMENS):
            wrong += [f"{one.name}: {what}" for what in page.evaluate(DEAD)]
    context.close()
    assert len(names) >= PAGES_AT_LEAST, names
    assert not wrong, "\n".join(wrong)


def test_things_are_found_and_lists_are_filtered(olivia: Plain):
    olivia.open("/")
    with olivia.page.expect_navigation():
        olivia.page.locator("header").get_by_role("link", name="Search").tap()
    olivia.asks("galaxy", "Search")
    olivia.sees("Silk galaxy")
    olivia.menu("Spools")
    olivia.sees("Silk galaxy")
    olivia.picks("Material", "PETG")
    olivia.submit("Filter")
    olivia.sees("Galaxy black")
    expect(olivia.page.locator("#spool-list")).not_to_contain_text("Silk galaxy")
    olivia.asks("no such colour", "Filter")
    olivia.sees("No spool fits this filter")
    expect(olivia.page.locator("main").get_by_role("searchbox")).to_have_value("no such colour")
    olivia.follow("All spools")
    olivia.sees("Silk galaxy")


def test_the_profile_and_the_shop_are_changed(olivia: Plain):
    olivia.open("/")
    olivia.menu("Profile")
    olivia.ticks("Dark")
    olivia.sends("Save")
    olivia.says("Your profile is saved.")
    expect(olivia.page.locator("html")).to_have_attribute("data-theme", "dark")
    olivia.menu("Settings")
    olivia.fill("Usual filament brand", "Prusament")
    olivia.sends("Save")
    olivia.says("settings are saved")
    olivia.has_typed("Usual filament brand", "Prusament")


def test_a_filament_is_mended_and_a_spool_weighed(olivia: Plain):
    olivia.open("/")
    olivia.menu("Filaments")
    olivia.follow("Silk galaxy")
    olivia.follow("Edit")
    olivia.fill("Note", "Prints a little hotter")
    olivia.fill("Colour", "like the night sky")
    olivia.sends("Save")
    expect(olivia.page.locator(".field-error")).to_be_visible()
    olivia.has_typed("Colour", "like the night sky")
    olivia.has_typed("Note", "Prints a little hotter")
    olivia.fill("Colour", "#5B2A86,#1D4ED8")
    olivia.sends("Save")
    olivia.says("Saved")
    olivia.sees("Prints a little hotter")
    add_a_spool(olivia)
    weigh_it(olivia)
    put_it_away_and_take_it_back(olivia)


def add_a_spool(olivia: Plain) -> None:
    olivia.follow("Add a spool")
    olivia.fill("Filament on it", "750")
    olivia.fill("Empty spool weighs", "200")
    olivia.fill("Location", "Shelf 9")
    olivia.sends("Save")
    olivia.says(re.compile("Spool .* added"))
    olivia.sees("750 g")
    olivia.sees("Shelf 9")


def weigh_it(olivia: Plain) -> None:
    left = olivia.page.locator("strong.figure")
    olivia.ticks("Take away")
    olivia.fill("Grams", "5000")
    olivia.fill("Reason", "test print")
    olivia.sends("Book")
    expect(olivia.page.locator(".field-error")).to_contain_text("There is not that much on the spool")
    olivia.has_typed("Grams", "5000")
    olivia.has_typed("Reason", "test print")
    for what, grams, result in (
        ("Take away", "50", "700 g"),
        ("The scale shows", "800", "600 g"),
        ("Add", "25", "625 g"),
        ("It holds", "500", "500 g"),
    ):
        olivia.ticks(what)
        olivia.fill("Grams", grams)
        olivia.sends("Book")
        expect(left).to_have_text(result)
    olivia.sends("Undo")
    expect(left).to_have_text("625 g")


def put_it_away_and_take_it_back(olivia: Plain) -> None:
    spool = olivia.page.url.split("/")[-1]
    olivia.sends("Archive")
    olivia.says("Spool archived")
    olivia.ticks("Archived")
    olivia.submit("Filter")
    with olivia.page.expect_navigation():
        olivia.page.locator(f"main a[href$='{spool}']").first.tap()
    olivia.sends("Restore")
    expect(olivia.page.get_by_role("button", name="Archive", exact=True)).to_be_visible()


def test_a_label_is_printed_typed_and_photographed(olivia: Plain, shop: Shop, short_tmp: Path):
    olivia.open("/")
    olivia.menu("Spools")
    olivia.unfold("More")
    olivia.follow("Print labels")
    olivia.page.locator("main .pick input").first.check()
    olivia.submit("Label the chosen")
    olivia.sees("1 label")
    olivia.sees("Use your browser's print command")
    expect(olivia.page.locator("article.label svg").last).to_be_visible()
    olivia.page.locator("main input[name=paper]").last.check()
    olivia.submit("Show")
    code = "".join(olivia.page.locator(".label-code > span").all_inner_texts())
    olivia.menu("Scan")
    olivia.fill("The code on the label", "not a code at all")
    olivia.submit("Open")
    olivia.sees("That is not one of our labels")
    olivia.has_typed("The code on the label", "not a code at all")
    olivia.fill("The code on the label", code.lower())
    olivia.submit("Open")
    expect(olivia.page).to_have_url(re.compile(r"/spools/[0-9a-f-]{36}$"))
    olivia.menu("Scan")
    photograph(olivia, "https://example.com/", short_tmp / "other.png")
    olivia.sees("That is not one of our labels")
    photograph(olivia, f"{shop.base}/c/{code}", short_tmp / "label.png")
    expect(olivia.page).to_have_url(re.compile(r"/spools/[0-9a-f-]{36}$"))
    olivia.sees(code)


def photograph(olivia: Plain, text: str, place: Path) -> None:
    segno.make(text).save(str(place), scale=8, border=4)
    olivia.page.locator("input[type=file]").set_input_files(place)
    olivia.sends("Read it")


def test_a_model_and_its_variant_are_mended(olivia: Plain):
    moon = olivia.page.get_by_role("link", name="Moon earrings")
    olivia.looks_until(moon, "/library/?category=earring")
    olivia.open("/")
    olivia.menu("Library")
    olivia.picks("Category", "earring")
    olivia.submit("Show")
    expect(olivia.page.locator("#model-list")).not_to_contain_text("Chess pawns")
    olivia.follow("Moon earrings")
    olivia.follow("Edit")
    olivia.fill("Designer", "Luna")
    olivia.fill("Source", "a drawer")
    olivia.sends("Save")
    olivia.sees("Write an address that begins with https://.")
    olivia.has_typed("Designer", "Luna")
    olivia.has_typed("Source", "a drawer")
    olivia.fill("Source", "https://example.com/moon")
    olivia.sends("Save")
    olivia.says("Saved")
    olivia.sees("Luna")
    olivia.sends("Archive")
    olivia.sees("This model is in the archive")
    olivia.sends("Restore")
    olivia.says("Taken out of the archive")
    mend_the_variant(olivia)


def mend_the_variant(olivia: Plain) -> None:
    with olivia.page.expect_navigation():
        olivia.page.locator("#variant-list a.cover").first.tap()
    olivia.follow("Edit")
    olivia.fill("Note", "Slow first layer")
    olivia.sends("Save")
    olivia.says("Saved")
    olivia.sees("Slow first layer")
    olivia.follow("Everything the file says")
    olivia.asks("nozzle", "Show")
    expect(olivia.page.locator("#lines")).to_contain_text("nozzle")
    olivia.asks("no such key", "Show")
    olivia.sees("Nothing speaks of “no such key”")


def test_the_queue_and_its_printers_obey(olivia: Plain, shop: Shop):
    olivia.looks_until(olivia.page.get_by_role("link", name="Chess pawns"), "/library/")
    olivia.looks_until(olivia.page.locator("#queue").get_by_role("button", name="Pause"), "/queue")
    olivia.looks_until(finished(olivia), "/queue/history")  # as long as somebody clears beds and starts prints
    with nobody_else_at_work(shop.up):
        fill_the_queue(olivia)
        order_the_queue(olivia)
        cancel_one_and_try_again(olivia)
        stop_a_print(olivia)
        clear_its_bed(olivia)
        print_again(olivia)


def fill_the_queue(olivia: Plain) -> None:
    olivia.menu("Library")
    olivia.follow("Chess pawns")
    with olivia.page.expect_navigation():
        olivia.page.locator("#variant-list a.cover").first.tap()
    olivia.fill("How many", "3")
    olivia.sends("Add to queue")
    olivia.says("3 jobs added to the queue.")


def waiting(olivia: Plain) -> list[str]:
    return [str(row.get_attribute("id")) for row in olivia.page.locator("#queue .job:has(summary)").all()]


def order_the_queue(olivia: Plain) -> None:
    *_, before, last = waiting(olivia)
    olivia.sends_from_menu("Up", olivia.page.locator(f"#{last}"))
    assert waiting(olivia)[-2:] == [last, before]
    olivia.sends_from_menu("Print first", olivia.page.locator(f"#{last}"))
    assert waiting(olivia)[0] == last


def cancel_one_and_try_again(olivia: Plain) -> None:
    last = waiting(olivia)[-1]
    olivia.sends_from_menu("Cancel job", olivia.page.locator(f"#{last}"))
    expect(olivia.page.locator(f"#{last}")).to_have_count(0)
    olivia.open(f"/queue/jobs/{last.removeprefix('job-')}")
    olivia.sees("Cancelled")
    olivia.sends("Try again")
    olivia.sees("Waiting")
    olivia.menu("Queue")
    assert last in waiting(olivia)


def stop_a_print(olivia: Plain) -> None:
    """The answer to a command comes from the printer; the page finds it by its own refresh."""
    at_work = olivia.page.locator("#queue .job:has(progress)", has=olivia.page.get_by_role("button", name="Pause")).last
    olivia.looks_until(at_work, "/queue")
    job = str(at_work.get_attribute("id"))
    row = olivia.page.locator(f"#{job}")
    olivia.sends("Pause", row)
    expect(row.get_by_role("button", name="Resume")).to_be_visible()
    olivia.sends("Resume", row)
    expect(row.get_by_role("button", name="Pause")).to_be_visible()
    olivia.sends("Stop", row)
    expect(row).to_have_count(0)
    olivia.open(f"/queue/jobs/{job.removeprefix('job-')}")
    olivia.sees("Cancelled")
    olivia.sends("Try again")
    olivia.sees("Waiting")


def clear_its_bed(olivia: Plain) -> None:
    clear = olivia.page.locator("[data-need=bed]").first
    with olivia.page.expect_navigation():
        olivia.page.locator("header").get_by_role("link", name="What needs you").tap()
    expect(clear).to_be_visible()
    what = clear.inner_text().split("\n")[0]
    olivia.sends("Bed is clear", clear)
    expect(olivia.page.locator("main")).not_to_contain_text(what)


def finished(olivia: Plain) -> Locator:
    return olivia.page.locator("#history .job", has_text="Finished")


def print_again(olivia: Plain) -> None:
    olivia.open("/queue/history")
    with olivia.page.expect_navigation():
        finished(olivia).first.locator("a.cover").tap()
    olivia.sends("Print again")
    olivia.says("Added to the queue once more.")
    olivia.sees("Waiting")


def test_a_printer_that_refuses_its_code_is_mended_and_maintained(olivia: Plain, short_tmp: Path):
    with Simulators(short_tmp / "refuses", "P1S", SPEED) as farm:
        printer = farm.printers[0]
        olivia.open("/")
        olivia.menu("Printers")
        olivia.follow("Add a printer")
        describe(olivia, printer, serial="Nº 5")
        olivia.sends("Try it")
        olivia.sees("A serial number has only letters and digits")
        olivia.has_typed("Serial number", "Nº 5")
        olivia.has_typed("Address", printer.host)
        describe(olivia, printer, serial=printer.serial, code="wrong123")
        olivia.sends("Try it")
        olivia.sees("Something is not right yet")
        olivia.sees("failed")
        olivia.follow("Change the details")
        olivia.has_typed("Name", "Vera")
        olivia.fill("Access code", printer.access_code)
        olivia.sends("Try it")
        olivia.sees("Everything works")
        olivia.sends("Save the printer")
        olivia.sees("Ready")
        olivia.sends("Maintenance")
        expect(olivia.page.locator("main .state", has_text="Maintenance").first).to_be_visible()
        olivia.sends("End maintenance")
        olivia.sees("Ready")
        olivia.sends("Archive")
        olivia.says("Vera is archived")


def describe(olivia: Plain, printer, *, serial: str, code: str = "12345678") -> None:
    olivia.fill("Name", "Vera")
    olivia.picks("Model", "C12")
    olivia.fill("Address", printer.host)
    olivia.fill("Serial number", serial)
    olivia.fill("Access code", code)
    if not olivia.page.get_by_label("MQTT port").is_visible():
        olivia.page.locator("#ports > summary").tap()
    olivia.fill("MQTT port", str(printer.mqtt_port))
    olivia.fill("FTPS port", str(printer.ftps_port))


def test_people_are_invited_join_and_leave(olivia: Plain, chromium: Browser, shop: Shop):
    olivia.open("/")
    olivia.menu("Members")
    olivia.fill("For whom", "a neighbour")
    olivia.sends("Make an invitation link")
    withdrawn = olivia.page.get_by_label("Invitation link").input_value()
    olivia.sees("a neighbour")
    olivia.sends("Withdraw")
    expect(olivia.page.locator("main")).not_to_contain_text("a neighbour")
    olivia.sends("Make an invitation link")
    link = olivia.page.get_by_label("Invitation link").input_value()
    with plain_person(chromium, shop.base) as ina:
        ina.open(withdrawn)
        expect(ina.page.get_by_role("button", name="Join")).to_have_count(0)
        ina.open(link)
        ina.fill("Your name", "Ina")
        ina.fill("E-mail address", "ina@example.com")
        ina.fill("Password", "a good long password")
        ina.sends("Join")
        ina.says("Welcome to")
        ina.page.get_by_role("button", name="More").tap()
        ina.sends("Sign out", ina.page.locator("#shell-more"))
        expect(ina.page.get_by_role("button", name="Sign in")).to_be_visible()
        ina.open("/queue")
        expect(ina.page.get_by_role("button", name="Sign in")).to_be_visible()
    olivia.open("/members")
    row = olivia.page.locator("#members > li", has_text="ina@example.com")
    row.get_by_label("Role of Ina").select_option("viewer")
    olivia.sends("Change role", row)
    expect(row.get_by_label("Role of Ina")).to_have_value("viewer")
    olivia.sends("Remove", row)
    expect(row).to_have_count(0)
