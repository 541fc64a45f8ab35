"""A browser without JavaScript: pages come back parsed, and a page with duplicate ids or an empty title fails the test."""

import re
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from functools import cached_property
from typing import Any
from uuid import UUID

from bs4 import BeautifulSoup, Tag
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from printfarm.accounts.service import start_session
from printfarm.core.work import unit_of_work

# What only stands in a text or a value is found as well; such a page is then looked at tag by tag.
ID = re.compile(r"""\sid\s*=\s*["']?([^"'\s>]*)""")
MAYBE_WRONG = re.compile(
    r"""\s(style|onclick)\s*= | <script(?![^>]*\ssrc=) | <form(?![^>]*\saction="[^"])[^>]*\smethod=""",
    re.IGNORECASE | re.VERBOSE,
)
TITLE = re.compile(r"<title>\s*[^\s<]")
CSRF_SECRET = "0123456789abcdef0123456789abcdef01234567"


class Page:
    """An answer: its status, where it leads, and its parsed text."""

    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.location = response.headers.get("Location")
        self.headers = response.headers
        self.is_html = "html" in response.content_type
        if self.is_html and not _plainly_right(response.get_data(as_text=True)):
            self._check()

    @cached_property
    def soup(self) -> BeautifulSoup:
        """Parsed when somebody looks at it: half the pages of the tests only have to come."""
        return BeautifulSoup(self.response.get_data(as_text=True) if self.is_html else "", "html.parser")

    @cached_property
    def text(self) -> str:
        return " ".join(self.soup.get_text(" ").split())

    @property
    def json(self) -> Any:
        return self.response.get_json()

    def one(self, selector: str) -> Tag:
        found = self.soup.select(selector)
        assert len(found) == 1, f"{len(found)} of {selector!r} in: {self.text[:600]}"
        return found[0]

    def all(self, selector: str) -> list[Tag]:
        return list(self.soup.select(selector))

    def _check(self) -> None:
        ids: Counter[str] = Counter()
        for tag in self.soup.find_all(True):
            if "id" in tag.attrs:
                ids[tag["id"]] += 1
            if tag.name == "form":
                assert tag.get("action") or tag.get("method", "get") == "get", f"a form without an action: {tag}"
            inline = "style" in tag.attrs or "onclick" in tag.attrs or (tag.name == "script" and "src" not in tag.attrs)
            assert not inline, f"inline style or script: {tag}"
        repeated = [name for name, count in ids.items() if count > 1]
        assert not repeated, f"ids that stand twice on the page: {repeated}"
        if self.soup.html is not None:
            title = self.soup.title
            assert title is not None, "a page without a title"
            assert title.get_text(strip=True), "a page with an empty title"


def _plainly_right(markup: str) -> bool:
    """Whether not even a look that knows no HTML finds what `_check` could object to: every page of every test comes by."""
    ids = ID.findall(markup)
    return (
        len(ids) == len(set(ids))
        and not MAYBE_WRONG.search(markup)
        and ("<html" not in markup or TITLE.search(markup) is not None)
    )


class Browser:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()
        with self.client.session_transaction() as session:
            session["csrf_token"] = CSRF_SECRET

    @property
    def csrf(self) -> str:
        with self.client.session_transaction() as session:  # signing in began a new one
            secret = session.setdefault("csrf_token", CSRF_SECRET)
        return URLSafeTimedSerializer(self.app.secret_key, salt="wtf-csrf-token").dumps(secret)

    def signed_in(self, user_id: UUID, shop_id: UUID) -> "Browser":
        from printfarm.accounts.models import User

        with self.app.app_context(), unit_of_work(None) as db:
            user = db.get(User, user_id)
            assert user is not None
            token = start_session(db, user, shop_id=shop_id)
        with self.client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = token, True
        return self

    def get(self, url: str, *, htmx: bool = False, **kwargs: Any) -> Page:
        headers = {**kwargs.pop("headers", {}), **({"HX-Request": "true"} if htmx else {})}
        return Page(_apart(self.client.get, url, headers=headers, **kwargs))

    def post(self, url: str, form: dict[str, Any] | None = None, *, htmx: bool = False, **kwargs: Any) -> Page:
        """Submit a form as the page would: with its CSRF token. `htmx=True` sends what htmx sends."""
        headers = {**kwargs.pop("headers", {}), **({"HX-Request": "true"} if htmx else {})}
        if "json" in kwargs or "input_stream" in kwargs:
            headers["X-CSRFToken"] = self.csrf
        else:
            kwargs["data"] = {"csrf_token": self.csrf, **(form or {})}
        return Page(_apart(self.client.post, url, headers=headers, **kwargs))


def _apart(send: Callable[..., TestResponse], *args: Any, **kwargs: Any) -> TestResponse:
    """Send without the test's own application context, whose `g` would remember who asked before."""
    return Context().run(send, *args, **kwargs)
