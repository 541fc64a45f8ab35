"""What stands around every page: menus for desk and phone, the search box, the keys, and the way to another shop."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from printfarm.core.work import unit_of_work
from printfarm.filament import service as filament
from tests.floor.printing import signed_in
from tests.support.cast import Person, open_shop_with
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 800}}
SECOND = {"name": "Second", "currency": "EUR", "timezone": "UTC", "locale": "en"}


@pytest.fixture
def two_shops(alice: Person) -> Person:
    """Alice owns a second shop now, and is in her first one."""
    alice.post("/shops", SECOND)
    assert alice.post(f"/shops/{alice.shop_id}/enter").status == 303
    return alice


def words(items) -> list[str]:
    return [item.get_text(" ", strip=True) for item in items]


def test_the_bar_of_a_phone_has_the_four_things_that_an_operator_does_there(olga):
    page = olga.get("/queue")
    assert words(page.all("nav.bottom a:not(.more-link)")) == ["Queue", "Printers", "Spools", "Scan"]
    assert page.one("nav.bottom [aria-current]").get_text(strip=True) == "Queue"
    assert page.one("nav.bottom [popovertarget]")["popovertarget"] == page.one("nav.sheet[popover]")["id"]


@pytest.mark.parametrize("who", ["alice", "olga", "bob"])
def test_bar_and_sheet_together_hold_all_that_the_sidebar_and_the_persons_menu_do(request, shop, who):
    page = request.getfixturevalue(who).get("/")
    small = {link["href"] for link in page.all("nav.bottom a:not(.more-link), #shell-more a")}
    large = {link["href"] for link in page.all("nav.side .nav a, details.person a")}
    assert small == large
    assert ("/shop" in large) == (who == "alice")
    assert ("/files/" in large) == (who != "bob")
    assert len(page.all("form[action='/sign-out'] button")) == 2


def test_the_sidebar_is_in_groups_with_names(alice):
    page = alice.get("/")
    lists = page.all("nav.side ul")
    assert [words(page.all(f"#{one['aria-labelledby']}"))[0] for one in lists[1:]] == ["Printing", "Stock", "Shop"]
    assert all(one.select("a") for one in lists)


def test_every_page_has_one_search_box_and_a_way_to_it_on_a_phone(alice):
    page = alice.get("/members")
    assert page.one("form.find")["action"] == page.one("a.find-link")["href"] == "/search"
    assert not alice.get("/search").all("form.find"), "there it is the page's own"


def test_who_belongs_to_one_shop_sees_no_switch(alice):
    assert not alice.get("/").all(".switcher")


def test_the_switch_names_the_other_shops_and_keeps_the_section(two_shops):
    page = two_shops.get("/queue/history")
    for switch in page.all(".switcher"):
        assert words(switch.select("form button")) == ["Second owner"]
    form = page.all(".switcher form")[0]
    assert form.select_one("[name=section]")["value"] == "/queue"
    there = two_shops.post(form["action"], {"section": "/queue"})
    assert (there.status, there.location) == (303, "/queue")
    assert "Second" in two_shops.get("/queue").soup.title.get_text()


@pytest.mark.parametrize(
    "section",
    ["//evil.example/queue", "https://evil.example", "/nowhere", "/sign-in", "/fleet/printers/{shop}", "", "/queue\n"],
)
def test_the_switch_leads_to_no_other_place(two_shops, section):
    page = two_shops.post(f"/shops/{two_shops.shop_id}/enter", {"section": section.format(shop=two_shops.shop_id)})
    assert (page.status, page.location) == (303, "/")


def test_the_switch_leads_only_where_the_role_there_reaches(app, alice, bob):
    bob_is_viewer = bob.post(f"/shops/{bob.shop_id}/enter", {"section": "/shop"})
    assert bob_is_viewer.location == "/"
    assert alice.post(f"/shops/{alice.shop_id}/enter", {"section": "/shop"}).location == "/shop"


def test_a_person_of_many_shops_finds_this_one_and_a_way_to_the_rest(app, ctx, alice):
    for number in range(14):
        alice.post("/shops", {**SECOND, "name": f"Another {number:02}"})
    page = alice.get("/")
    assert page.soup.title.get_text().endswith("Another 13")
    switch = page.all(".switcher")[0]
    assert len(switch.select("form")) == 12
    assert switch.select_one("a[href='/shops']")
    assert len(alice.get("/shops").all("#shops > li")) == 15


def test_another_persons_shops_are_nobodys_business(app, alice, charlie):
    open_shop_with(app, email="dora@example.com", name="Dora", shop_name="Dora's Den")
    assert "Dora's Den" not in alice.get("/").text + charlie.get("/").text


def at(page: Page, path: str) -> None:
    expect(page).to_have_url(re.compile(rf"^http://[^/]+{re.escape(path)}$"))
    page.wait_for_load_state()  # a key that is pressed before the scripts have run is lost


def test_the_keys_search_and_lead_to_pages(ctx, chromium: Browser, app, alice):
    with unit_of_work(alice.shop_id) as db:
        red = filament.add_filament(db, brand="Sunlu", material="PETG", colour_name="Fire red", colour_hex="#C1121F")
        spool = filament.add_spool(db, red.id, weight_mg=750_000)
        code = spool.code
    with signed_in(chromium, app, alice, **DESK) as page:
        page.goto("/members")
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox", name="Search everything")).to_be_focused()
        page.keyboard.type("petg")
        page.keyboard.press("Enter")
        at(page, "/search?q=petg")
        expect(page.locator("#results")).to_contain_text("Fire red")
        page.keyboard.press("/")
        page.keyboard.type("nothing of this")
        expect(page.locator("#results")).to_contain_text("Nothing here speaks of")
        at(page, "/search?q=nothing+of+this")
        expect(page).to_have_title("“nothing of this” · Search · Alice's Prints")
        page.reload()
        expect(page.get_by_role("searchbox")).to_have_value("nothing of this")
        page.get_by_role("searchbox").fill(code.lower())
        expect(page.locator("#results")).to_contain_text(code)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Fire red")).to_be_visible()
        for key, path in {"q": "/queue", "p": "/fleet", "s": "/filament/spools", "l": "/library/", "d": "/"}.items():
            page.keyboard.press("g")
            page.keyboard.press(key)
            at(page, path)
        page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keyboard")
        for entry in page.locator("nav.side [data-go]").all():
            expect(keys.get_by_text(entry.inner_text(), exact=True)).to_be_visible()


def test_the_skip_link_is_the_first_stop_and_leads_past_the_menus(chromium: Browser, app, alice):
    with signed_in(chromium, app, alice, **DESK) as page:
        page.goto("/queue")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False])
def test_one_goes_to_the_other_shop_and_stays_at_the_spools(chromium: Browser, app, two_shops, scripts):
    with signed_in(chromium, app, two_shops, java_script_enabled=scripts, **DESK) as page:
        page.goto("/filament/spools")
        page.locator("nav.side .switcher summary").click()
        page.locator("nav.side").get_by_role("button", name="Second").click()
        at(page, "/filament/spools")
        expect(page).to_have_title("Spools · Second")
        expect(page.locator("#toasts")).to_contain_text("You are in Second now.")
    with signed_in(chromium, app, two_shops, java_script_enabled=scripts, **PHONE) as page:
        page.goto("/queue")
        page.locator(".topbar .switcher summary").tap()
        page.locator(".topbar").get_by_role("button", name="Alice's Prints").tap()
        at(page, "/queue")
        expect(page).to_have_title("Print queue · Alice's Prints")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_reaches_everything_from_the_bar(chromium: Browser, app, alice, scripts):
    with signed_in(chromium, app, alice, java_script_enabled=scripts, **PHONE) as page:
        page.goto("/")
        page.locator("nav.bottom").get_by_role("link", name="Scan").tap()
        at(page, "/scan")
        page.locator("nav.bottom").get_by_role("button", name="More").tap()
        page.locator("#shell-more").get_by_role("link", name="Library").tap()
        at(page, "/library/")
        page.get_by_role("link", name="Search").tap()
        page.get_by_role("searchbox").fill("no such thing")
        page.keyboard.press("Enter")
        at(page, "/search?q=no+such+thing")
        expect(page.locator("#results")).to_contain_text("Nothing here speaks of")
        assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("width", [320, 360, 768, 1024, 1280])
def test_the_shell_fits_with_long_names(chromium: Browser, app, ctx, two_shops, width):
    long = "The Very Long Named Three Dimensional Printing Company of Lower Saxony"
    two_shops.post(
        "/shop", {**SECOND, "name": long, "description": "", "units": "metric", "default_filament_brand": ""}
    )
    with signed_in(chromium, app, two_shops, viewport={"width": width, "height": 800}) as page:
        page.goto("/queue")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        bar = page.locator(".topbar").bounding_box()
        for part in page.locator(".topbar > *:visible").all():
            box = part.bounding_box()
            assert box["x"] >= bar["x"]
            assert box["x"] + box["width"] <= width + 0.5
        page.locator(".switcher:visible summary").click()
        menu = page.locator(".switcher > div:visible").bounding_box()
        assert menu["x"] >= 0
        assert menu["x"] + menu["width"] <= width
        assert page.locator(".switcher form:visible button").first.is_enabled()
