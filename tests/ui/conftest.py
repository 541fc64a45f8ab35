from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from tests.ui.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def showcase(stage: Stage) -> BeautifulSoup:
    """Every part of the look on one page, parsed."""
    return BeautifulSoup(stage.app.test_client().get("/showcase").get_data(as_text=True), "html.parser")


@pytest.fixture
def address(stage: Stage) -> Iterator[str]:
    with stage.served() as url:
        yield url


@pytest.fixture
def phone(chromium: Browser, address: str) -> Iterator[Page]:
    """A page 360 px wide; an error in a script or a breach of the policy fails the test."""
    context = chromium.new_context(viewport={"width": 360, "height": 780}, base_url=address)
    page = context.new_page()
    page.set_default_timeout(8000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console", lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None
    )
    yield page
    context.close()
    assert problems == []
