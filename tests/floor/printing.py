"""A browser at the running application, what it prints, and codes read from what it shows as from paper."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import zxingcpp
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from tests.support.cast import Person
from tests.support.server import serving

CSS_DPI, PRINTER_DPI = 96, 203  # what CSS calls an inch; what common label printers resolve
POINTS_PER_MM = 72 / 25.4
PATIENCE_MS = 60_000  # what does not come at all fails; how fast it comes is no question of these tests


@contextmanager
def signed_in(
    browser: Browser, app: Flask, person: Person, *, host: str = "127.0.0.1", **options: object
) -> Iterator[Page]:
    """A page of this person's browser; script errors and breaches of the policy fail the test.

    `host`: another name by which this browser finds the server.
    """
    with serving(app) as server:
        url = server.url.replace("127.0.0.1", host)
        context = browser.new_context(base_url=url, **options)  # type: ignore[arg-type]
        _lend_session(context, person, url)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Security Policy" in said.text else None)
        try:
            yield page
        finally:
            context.close()
        assert problems == []


def _lend_session(context: BrowserContext, person: Person, url: str) -> None:
    cookie = person.browser.client.get_cookie("printfarm")
    assert cookie is not None
    context.add_cookies([{"name": "printfarm", "value": cookie.value, "url": url}])


def printed_pages(page: Page) -> list[tuple[int, int]]:
    """Width and height of every sheet that would be printed, in millimetres; Chromium writes whole dots of 1/300 inch."""
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)\]", pdf)
    assert boxes, "no page in the PDF"
    return [(round(float(right) / POINTS_PER_MM), round(float(top) / POINTS_PER_MM)) for _, _, right, top in boxes]


def codes_seen(what: Locator) -> list[tuple[str, float]]:
    """The texts of the codes in a part of the page, and how wide each symbol is in millimetres, without its quiet zone.

    Black and white, as a label printer prints them. The page must have been opened at its resolution.
    """
    shot = Image.open(io.BytesIO(what.screenshot())).convert("L").point(lambda value: 255 if value > 127 else 0)
    found = zxingcpp.read_barcodes(shot, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [
        (one.text, abs(one.position.top_right.x - one.position.top_left.x) * 25.4 / PRINTER_DPI)
        for one in sorted(found, key=lambda one: (one.position.top_left.y // 50, one.position.top_left.x))
    ]
