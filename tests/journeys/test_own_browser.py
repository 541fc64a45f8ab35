"""A browser that hangs costs one journey a second try, and never the machine's whole time."""

import os
import signal

import pytest
from playwright.sync_api import Browser

from tests.journeys import own_browser as subject
from tests.journeys.own_browser import BrowserHungError, own_browser

pytestmark = pytest.mark.slow


def test_a_browser_that_no_longer_answers_is_ended_and_said_to_be_the_reason(chromium: Browser):
    with (
        pytest.raises(BrowserHungError, match="did not close within 1 s") as caught,
        own_browser(chromium, 1) as browser,
    ):
        os.kill(subject._process_of(browser), signal.SIGSTOP)
        raise AssertionError("no answer")
    assert str(caught.value.__context__) == "no answer"


def test_what_fails_in_a_browser_that_closes_is_the_reason_itself(chromium: Browser):
    with pytest.raises(AssertionError, match="two is not three"), own_browser(chromium) as browser:
        assert browser.new_context().new_page().evaluate("1 + 1") == 3, "two is not three"
