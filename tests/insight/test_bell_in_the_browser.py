"""The bell as a person uses it: by keyboard, live, and without scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from printfarm.core.work import read_only
from printfarm.fleet.models import Printer
from tests.support.server import serving


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def page(request, app, chromium: Browser, olga) -> Iterator[Page]:
    with serving(app) as served:
        context = chromium.new_context(
            viewport={"width": 360, "height": 780}, base_url=served.url, java_script_enabled=request.param
        )
        cookie = olga.browser.client.get_cookie("printfarm")
        context.add_cookies([{"name": "printfarm", "value": cookie.value, "url": served.url}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.has_scripts = request.param
        yield page
        context.close()


def test_a_bed_is_cleared_from_any_page(page: Page, rows):
    anna = rows.printer("Anna", bed_cleared=False)
    page.goto("/queue")
    if page.has_scripts:
        expect(page.locator("#bell-count")).to_have_text("1 open")
        page.get_by_role("button", name="What needs you").press("Enter")
        opened = page.locator("#bell-list")
        expect(opened).to_contain_text("Clear the bed of Anna")
        opened.get_by_role("button", name="Bed is clear").click()
        expect(opened).to_contain_text("Nothing needs you right now")
        expect(page.locator("#bell-count")).to_be_hidden()
        page.keyboard.press("Escape")
        expect(opened).to_be_hidden()
    else:
        page.get_by_role("link", name="What needs you").click()
        page.wait_for_url("**/needs")
        expect(page.locator("#bell-count")).to_be_visible()
        page.get_by_role("button", name="Bed is clear").click()
        expect(page.locator("main")).to_contain_text("Nothing needs you right now")
    with read_only(rows.id) as db:
        assert db.get_one(Printer, anna.id).bed_cleared
