"""A person's own page."""

import pytest
from sqlalchemy import select

from printfarm.accounts.models import SignInSession, User
from printfarm.accounts.queries import browser_name
from printfarm.core.work import read_only
from tests.support.browser import Browser
from tests.support.cast import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
NEW = {"old": PASSWORD, "new": "a different one", "again": "a different one"}


def test_name_and_theme_are_saved(ctx, alice):
    page = alice.post("/profile", {"name": " Alice B. ", "theme": "dark"})
    assert page.status == 303
    assert "theme=dark" in "".join(page.headers.getlist("Set-Cookie"))
    shown = alice.get("/profile")
    assert shown.one("#name")["value"] == "Alice B."
    assert shown.one("html")["data-theme"] == "dark"
    with read_only(None) as db:
        assert db.get(User, alice.user_id).theme == "dark"


@pytest.mark.parametrize(
    "form", [{"name": "", "theme": "dark"}, {"name": "A" * 81, "theme": "dark"}, {"name": "A", "theme": "pink"}]
)
def test_bad_input_is_refused(ctx, alice, form):
    assert alice.post("/profile", form).status == 422
    with read_only(None) as db:
        assert db.get(User, alice.user_id).name == "Alice"


def test_a_new_password_signs_other_places_out(app, alice):
    elsewhere = Browser(app).signed_in(alice.user_id, alice.shop_id)
    assert elsewhere.get("/profile").status == 200
    assert alice.post("/profile/password", NEW).status == 303
    assert "One other place was signed out" in alice.get("/profile").text
    assert elsewhere.get("/profile").status == 303
    stranger = Browser(app)
    assert stranger.post("/sign-in", {"email": "alice@example.com", "password": PASSWORD}).status == 422
    assert stranger.post("/sign-in", {"email": "alice@example.com", "password": "a different one"}).status == 303


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"old": "not the password"}, "old"),
        ({"new": "short", "again": "short"}, "new"),
        ({"again": "a diffrent one"}, "again"),
        ({"new": "alice@example.com", "again": "alice@example.com"}, "new"),
    ],
)
def test_a_password_change_says_what_is_wrong(app, alice, change, field):
    page = alice.post("/profile/password", {**NEW, **change})
    assert page.status == 422
    assert page.one(f"#{field}-error").get_text(strip=True)
    assert Browser(app).post("/sign-in", {"email": "alice@example.com", "password": PASSWORD}).status == 303


def test_guessing_the_old_password_is_stopped(alice):
    answers = [alice.post("/profile/password", {**NEW, "old": "guess"}).status for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_it_lists_where_one_is_signed_in_and_ends_one_place(ctx, app, alice):
    other = Browser(app)
    form = {"email": "alice@example.com", "password": PASSWORD}
    other.post("/sign-in", form, headers={"User-Agent": FIREFOX}, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    page = alice.get("/profile")
    assert len(page.all("#sessions > li")) == 2
    assert "Firefox on Linux" in page.text
    assert "192.0.2.7" in page.text
    assert "This browser" in page.all("#sessions > li")[0].get_text()
    url = page.one("#sessions form")["action"]
    assert alice.post(url).status == 303
    assert other.get("/profile").status == 303
    assert alice.post(url).status == 404


def test_everywhere_else_is_signed_out_at_once(app, alice):
    others = [Browser(app).signed_in(alice.user_id, alice.shop_id) for _ in range(3)]
    alice.post("/sessions/end-others")
    assert [other.get("/profile").status for other in others] == [303, 303, 303]
    assert alice.get("/profile").status == 200


def test_nobody_ends_the_sessions_of_others(ctx, alice, bob, charlie):
    with read_only(None) as db:
        hers = db.scalar(select(SignInSession.id).where(SignInSession.user_id == alice.user_id))
    for other in (bob, charlie):
        assert other.post(f"/sessions/{hers}/end").status == 404
    assert alice.get("/profile").status == 200


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/147.0 Safari/537 Edg/147.0", "Edge on Windows"),
        ("curl/8.4.0", "curl"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_are_named_as_people_do(agent, name):
    assert browser_name(agent) == name


def test_it_says_how_to_install_and_where_that_is_not_possible(app, alice):
    cookie = alice.browser.client.get_cookie("printfarm").value
    for scheme, host, possible in (
        ("http", "localhost", True),
        ("http", "127.0.0.1:8080", True),
        ("https", "print.example.com", True),
        ("http", "farm.local", False),
    ):
        browser = Browser(app)
        browser.client = app.test_client(use_cookies=False)
        card = browser.get("/profile", base_url=f"{scheme}://{host}", headers={"Cookie": f"printfarm={cookie}"}).one(
            "#install"
        )
        assert "Add to Home Screen" in card.get_text()
        assert ("plain http" in card.get_text()) is not possible, host
