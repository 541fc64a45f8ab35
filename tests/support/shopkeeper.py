"""A shopkeeper at a running PrintFarm, without JavaScript: opens pages, fills in the forms that stand there, submits them.

Used by the tests that kill processes: it tries again when the program is away, as a person would.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import httpx
from bs4 import BeautifulSoup, Tag

PATIENCE_S = 60


class Shopkeeper:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.Client(base_url=base_url, timeout=20, follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def open(self, path: str) -> BeautifulSoup:
        return self._parsed(self._try(lambda: self.http.get(path)))

    def submit(self, page: BeautifulSoup, selector: str, files: Any = None, **values: Any) -> BeautifulSoup:
        """Fill in the one form that fits `selector` and send it; what is not given keeps what the page offers."""
        return self._parsed(self._send(page, selector, files, values))

    def try_submit(self, page: BeautifulSoup, selector: str, **values: Any) -> httpx.Response | None:
        """The same for somebody whose program may die while they click: None when no answer came."""
        try:
            return self._send(page, selector, None, values)
        except httpx.HTTPError:
            return None

    def wait_for(self, path: str, seen: Callable[[BeautifulSoup], bool], within_s: float = PATIENCE_S) -> BeautifulSoup:
        """Look at a page again and again until it shows something."""
        until = time.monotonic() + within_s
        page = self.open(path)
        while not seen(page):
            assert time.monotonic() < until, f"{path} never showed it; it says: {words(page)[:1500]}"
            time.sleep(0.4)
            page = self.open(path)
        return page

    def _send(self, page: BeautifulSoup, selector: str, files: Any, values: dict[str, Any]) -> httpx.Response:
        form = one(page, selector)
        sent = {**offered(form), **{name.replace("__", "-"): value for name, value in values.items()}}
        return self.http.post(urljoin(page_url(page), str(form["action"])), data=sent, files=files)

    def _try(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = ask()
                if answer.status_code != 503:
                    return answer
            except httpx.HTTPError:
                pass
            assert time.monotonic() < until, "PrintFarm did not come back"
            time.sleep(0.3)

    def _parsed(self, answer: httpx.Response) -> BeautifulSoup:
        page = BeautifulSoup(answer.text, "html.parser")
        assert answer.status_code < 400, f"{answer.status_code} at {answer.url}: {words(page)[:800]}"
        page.attrs["url"] = str(answer.url)
        return page


def page_url(page: BeautifulSoup) -> str:
    return str(page.attrs["url"])


def words(page: BeautifulSoup | Tag) -> str:
    return " ".join(page.get_text(" ").split())


def one(page: BeautifulSoup, selector: str) -> Tag:
    found = page.select(selector)
    assert len(found) == 1, f"{len(found)} of {selector!r} at {page.attrs.get('url')}: {words(page)[:800]}"
    return found[0]


def offered(form: Tag) -> dict[str, Any]:
    """What a browser would send of a form that nobody touched."""
    sent: dict[str, Any] = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        name, kind = str(field["name"]), field.get("type", "")
        if field.has_attr("disabled") or kind in {"file", "submit"}:
            continue
        if field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            if chosen is not None:
                sent[name] = chosen.get("value", chosen.get_text(strip=True))
        elif field.name == "textarea":
            sent[name] = field.get_text()
        elif kind not in {"checkbox", "radio"} or field.has_attr("checked"):
            sent[name] = field.get("value", "on" if kind == "checkbox" else "")
    return sent


def set_up(keeper: Shopkeeper, code: str) -> None:
    """The first start: the owner and the shop."""
    answer = keeper.try_submit(
        keeper.open("/set-up"),
        "form[action*='set-up']",
        code=code,
        name="Olivia",
        email="olivia@example.com",
        password="a good long password",
        shop_name="Olivia's Prints",
    )
    assert answer is not None
    assert answer.history, f"the set-up page did not lead on: {words(BeautifulSoup(answer.text, 'html.parser'))[:600]}"


def take_in(keeper: Shopkeeper, file: Path) -> BeautifulSoup:
    """Upload a file, wait until it is read, answer its questions as offered; the variant's page."""
    page = keeper.open("/files/")
    with file.open("rb") as stream:
        keeper.submit(page, "form[enctype]", files=[("files", (file.name, stream, "application/octet-stream"))])
    page = keeper.wait_for("/files/", lambda seen: bool(seen.select("a[href*='/library/uploads/']")))
    path = str(page.select("a[href*='/library/uploads/']")[0]["href"])
    page = keeper.wait_for(path, lambda seen: bool(seen.select("form.answer, form[id*='answer']")))
    return keeper.submit(page, "form.answer, form[id*='answer']")
