"""Journeys drive a real browser; without one they skip and say how to get one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.chromium import find


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A running Chromium, shared by the journeys; each opens contexts of its own."""
    found = find()
    if found is None:
        pytest.skip("no Chromium on this machine; `./dev browser` fetches one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**found.options)
        yield browser
        browser.close()
