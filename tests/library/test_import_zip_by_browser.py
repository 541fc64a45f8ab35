"""A real browser sends a zip: the bar moves, a refusal stands beside it, a broken network loses no page."""

import os
import re

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.floor.printing import signed_in
from tests.library.importing import mesh_bytes, zipped
from tests.support.cast import Person
from tests.support.one_database import backend  # noqa: F401  # shown once, over one database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def page(app: Flask, alice: Person, chromium: Browser):
    window = {"service_workers": "block", "viewport": {"width": 360, "height": 780}}
    with signed_in(chromium, app, alice, **window) as shown:
        shown.goto("/library/imports")
        yield shown


def send(page: Page, content: bytes) -> None:
    page.set_input_files("#import-zip", {"name": "My models.zip", "mimeType": "application/zip", "buffer": content})
    page.get_by_role("button", name="Send and look into it").click()


def test_it_goes_up_with_a_bar_and_leads_to_its_plan(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    session.send("Network.emulateNetworkConditions", slow)
    send(page, zipped({"Fox/fox.obj": mesh_bytes(), "Fox/noise.bin": os.urandom(1_500_000)}))
    expect(page.locator("[data-zip-sending] p")).to_have_text(re.compile(r"^[01]\.\d MB of 1\.5 MB sent"))
    expect(page.locator("[data-zip-sending] progress")).to_be_visible()
    expect(page.get_by_role("button", name="Send and look into it")).to_be_disabled()
    page.wait_for_url(re.compile(r"/library/imports/[0-9a-f-]{36}$"), timeout=30_000)
    expect(page.locator("main h1")).to_have_text("My models.zip")


def test_a_refusal_stands_beside_it_and_another_zip_can_be_sent(page: Page) -> None:
    send(page, b"no zip at all")
    expect(page.locator("[data-zip-sending] [role=alert]")).to_contain_text("zip")
    page.context.set_offline(True)
    send(page, zipped({"Fox/fox.obj": mesh_bytes()}))
    expect(page.locator("[data-zip-sending] [role=alert]")).to_have_text(re.compile("connection broke.*Send it again"))
    page.context.set_offline(False)
    send(page, zipped({"Fox/fox.obj": mesh_bytes()}))
    page.wait_for_url(re.compile(r"/library/imports/[0-9a-f-]{36}$"))
