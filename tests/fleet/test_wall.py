"""The fleet on a screen on the wall: every printer at a glance, nothing to press, nothing that scrolls."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from printfarm.core.bus import remember_telemetry
from printfarm.core.events import emit
from printfarm.core.live import render_events
from printfarm.core.work import unit_of_work
from printfarm.fleet.events import PrinterChanged
from printfarm.fleet.models import ForeignRun, Hub, Printer
from printfarm.fleet.queries import TITLES, OnPrinter
from printfarm.fleet.wall import columns_for
from tests.fleet.conftest import add_printer
from tests.support.hubs import now
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

NAMES = ("Anna", "Bruno the second of the upper shelf", "Mini 3", "X1C-07", "Karla")
STATES = ("printing", "idle", "paused", "attention", "printing", "finished")


@pytest.fixture
def fill(app, shop, hub):
    """Make the fleet `count` printers large, each in another state; every seventh is off."""

    def make(count: int) -> list[Printer]:
        made = [
            add_printer(app, shop, hub, name=f"{NAMES[number % len(NAMES)]}", serial=f"01P00A{number:09}")
            for number in range(count)
        ]
        with app.app_context(), unit_of_work(shop.id) as db:
            row = db.get_one(Hub, hub.id)
            row.connected_at = row.last_seen_at = now()
            for number, one in enumerate(made):
                printer = db.get_one(Printer, one.id)
                printer.connection = "offline" if number % 7 == 6 else "online"
                printer.state, printer.bed_cleared = STATES[number % 6], number % 6 != 5
                printer.last_seen_at = now()
                if printer.state == "printing":
                    title = "A box with a very long name that says what it is for"
                    db.add(ForeignRun(printer_id=one.id, key=str(number), title=title, state="running", began_at=now()))
        with app.app_context():
            for number, one in enumerate(made):
                said = {
                    "confirmed": True,
                    "percent": 100 - number,
                    "remaining_minutes": 1500 + number,
                    "capabilities": [],
                }
                remember_telemetry(shop.id, "printer", one.id, said)
        return made

    return make


def test_it_shows_each_printer_with_its_state_and_when_it_is_done(bob, fill):
    anna, bruno, _, _, _, last, away = fill(7)
    page = bob.get("/fleet?wall=1")
    cell = page.one(f"#wall-{anna.id}")
    assert cell.select_one("h2").get_text() == "Anna"
    assert cell.select_one(".wall-state").get_text(strip=True) == "Printing"
    assert cell.select_one(".wall-state .icon") is not None
    assert cell.select_one("strong").get_text() == "100\u2009%"
    assert "in 1 d 1 h" in cell.get_text(" ", strip=True)
    assert page.one(f"#wall-{bruno.id} .wall-state").get_text(strip=True) == "Ready"
    assert page.one(f"#wall-{last.id} .wall-state").get_text(strip=True) == "Bed to clear"
    assert page.one(f"#wall-{away.id} .wall-state").get_text(strip=True) == "Offline"
    assert "last seen just now" in page.one(f"#wall-{away.id}").get_text(" ", strip=True)
    sums = [one.get_text(strip=True) for one in page.all(".wall-sums .state")]
    assert sums == ["4 printing", "1 to clear", "1 needs you", "1 away"]


def test_there_is_nothing_to_press_but_the_way_back(alice, fill):
    fill(3)
    page = alice.get("/fleet?wall=1")
    assert not page.all("main form, main button, nav")
    assert [link["href"] for link in page.all("main a")] == ["/fleet"]
    assert alice.get("/fleet").one("a.wall-link")["href"] == "/fleet?wall=1"


def test_it_is_dark_unless_the_person_chose_otherwise(alice, app):
    assert alice.get("/fleet?wall=1").one("html")["data-theme"] == "dark"
    alice.browser.client.set_cookie("theme", "light")
    assert alice.get("/fleet?wall=1").one("html")["data-theme"] == "light"


def test_it_looks_again_by_itself_with_and_without_scripts(app, shop, alice, printer):
    page = alice.get("/fleet?wall=1")
    assert 'http-equiv="refresh"' in str(page.one("noscript"))
    assert "changed:wall from:body" in page.one("#wall")["hx-trigger"]
    assert alice.get("/fleet?wall=1", htmx=True).soup.html is None
    _, topics = render_events(app, shop.id, [PrinterChanged(shop_id=shop.id, printer_id=printer.id)])
    assert "wall" in topics


def test_an_empty_shop_and_another_shop_see_no_printer_of_this_one(charlie, fill):
    fill(2)
    assert "No printer yet" in charlie.get("/fleet?wall=1").text


@pytest.mark.parametrize(
    ("count", "wide", "tall"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (12, 4, 2), (60, 9, 5), (96, 11, 6)]
)
def test_the_columns_make_the_cells_large(count, wide, tall):
    assert columns_for(count, 1920, 1000) == wide
    assert columns_for(count, 1080, 1820) == tall


@pytest.fixture
def pictures() -> Iterator[None]:
    """Every printer works on something with a picture, as an area above would say."""

    def titles(_db, printer_ids):
        return {one: OnPrinter("Two-tone planter · X1C 0.2 mm", "/queue", "/static/favicon.svg") for one in printer_ids}

    TITLES.append(titles)
    yield
    TITLES.remove(titles)


@pytest.fixture
def screen(chromium: Browser, served, bob) -> Iterator[Page]:
    """A television, signed in as a viewer."""
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, base_url=served.url)
    cookie = bob.browser.client.get_cookie("printfarm")
    context.add_cookies([{"name": "printfarm", "value": cookie.value, "url": served.url}])
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


MEASURE = """() => {
  const box = (one) => { const r = one.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const cells = [...document.querySelectorAll(".wall-cell")];
  const small = [];
  const cut = [];
  for (const one of document.querySelectorAll(".wall-cell h2, .wall-cell p, .wall-figures *, .wall-head > *")) {
    const px = parseFloat(getComputedStyle(one).fontSize);
    if (one.closest(".wall-cell") && one.textContent.trim() && px < 11) small.push([one.textContent.trim(), px]);
  }
  for (const cell of cells) {
    const [l, t, r, b] = box(cell);
    for (const one of cell.querySelectorAll("h2, p, progress, .picture, .wall-figures *")) {
      const [x, y, xx, yy] = box(one);
      if (x < l - 1 || y < t - 1 || xx > r + 1 || yy > b + 1) cut.push([cell.id, one.className || one.tagName]);
    }
    const figures = cell.querySelector(".wall-figures");
    if (figures && figures.scrollWidth > figures.clientWidth + 1) cut.push([cell.id, "figures wider than their place"]);
    const state = cell.querySelector(".wall-state");
    if (state.scrollWidth > state.clientWidth + 1) cut.push([cell.id, "state cut", state.textContent.trim()]);
    const parts = [...cell.querySelectorAll(":scope > div > *")].map(box);
    for (let i = 0; i < parts.length; i++) for (let j = i + 1; j < parts.length; j++) {
      const [a, z] = [parts[i], parts[j]];
      const across = Math.min(a[2], z[2]) - Math.max(a[0], z[0]);
      const down = Math.min(a[3], z[3]) - Math.max(a[1], z[1]);
      if (across > 1 && down > 1) cut.push([cell.id, "parts overlap", i, j]);
    }
  }
  const root = document.documentElement;
  return { boxes: cells.map(box), small, cut, width: root.scrollWidth, height: root.scrollHeight,
    cursor: getComputedStyle(document.querySelector(".wall-cell")).cursor };
}"""


@pytest.mark.parametrize("count", [1, 12, 60])
@pytest.mark.parametrize("drawn", [True, False])
def test_one_screen_shows_them_all_and_nothing_is_cut(screen: Page, fill, count, drawn, request):
    if drawn:
        request.getfixturevalue("pictures")
    fill(count)
    screen.goto("/fleet?wall=1")
    expect(screen.locator(".wall-cell")).to_have_count(count)
    seen = screen.evaluate(MEASURE)
    assert (seen["width"], seen["height"]) == (1920, 1080)
    assert seen["cut"] == [], json.dumps(seen["cut"][:5])
    assert seen["small"] == []
    assert seen["cursor"] == "none"
    for left, top, right, bottom in seen["boxes"]:
        assert 0 <= left < right <= 1920
        assert 0 <= top < bottom <= 1080
    for number, one in enumerate(seen["boxes"]):
        for other in seen["boxes"][number + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, "two cells overlap"


def test_a_touch_anywhere_and_the_keyboard_lead_back(screen: Page, fill):
    fill(3)
    screen.goto("/fleet?wall=1")
    screen.mouse.click(400, 700)
    screen.wait_for_url("**/fleet")
    screen.goto("/fleet?wall=1")
    screen.keyboard.press("Tab")
    screen.keyboard.press("Enter")
    screen.wait_for_url("**/fleet")


def test_a_touch_during_a_change_leads_back(screen: Page, fill):
    """What was touched is swapped between the press and the release."""
    fill(3)
    screen.goto("/fleet?wall=1")
    screen.mouse.move(400, 700)
    screen.mouse.down()
    with screen.expect_response("**/fleet?wall=1"):
        screen.evaluate("document.body.dispatchEvent(new CustomEvent('changed:wall', { bubbles: true }))")
    screen.mouse.up()
    screen.wait_for_url("**/fleet")


def test_its_socket_says_how_fresh_it_is(screen: Page, fill):
    """Who does not say it is told to look again at once."""
    fill(2)
    with screen.expect_websocket() as socket:
        screen.goto("/fleet?wall=1")
    asked_at_ms = int(socket.value.url.partition("since=")[2])
    assert abs(asked_at_ms / 1000 - now().timestamp()) < 3600


def test_it_changes_while_one_looks(screen: Page, fill, app, shop):
    anna, *_ = fill(2)
    screen.goto("/fleet?wall=1")
    expect(screen.locator(f"#wall-{anna.id} .wall-state")).to_have_text("Printing")
    with app.app_context(), unit_of_work(shop.id) as db:
        db.get_one(Printer, anna.id).state = "paused"
        emit(db, PrinterChanged(shop_id=shop.id, printer_id=anna.id))
    expect(screen.locator(f"#wall-{anna.id} .wall-state")).to_have_text("Paused")


def test_after_an_update_of_the_server_it_loads_itself_again(screen: Page, fill, app):
    fill(2)
    screen.goto("/fleet?wall=1")
    screen.evaluate("window.before = true")
    app.jinja_env.globals["pages_version"] = lambda: "updated00000"
    screen.evaluate("document.body.dispatchEvent(new CustomEvent('live:reconnected', { bubbles: true }))")
    screen.wait_for_function("() => !window.before && document.querySelectorAll('.wall-cell').length === 2")
    assert screen.locator("script[data-version]").get_attribute("data-version") == "updated00000"


def test_a_phone_finds_it_on_the_page_of_printers_and_its_way_back(screen: Page, fill):
    fill(12)
    screen.set_viewport_size({"width": 360, "height": 780})
    screen.goto("/fleet")
    screen.get_by_role("link", name="Wall").click()
    expect(screen.locator(".wall-cell")).to_have_count(12)
    assert screen.evaluate("document.documentElement.scrollWidth") == 360
    clock, back = (screen.locator(one).bounding_box() for one in (".wall-clock", ".wall-back"))
    assert clock["x"] + clock["width"] <= back["x"]
    assert back["height"] >= 36
    screen.get_by_role("link", name="Back").click()
    screen.wait_for_url("**/fleet")
