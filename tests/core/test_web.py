"""HTTP habits: headers, cookies, errors that say what to do, and what is behind a proxy."""

import logging
import re

import pytest
from sqlalchemy import select

from printfarm.accounts.models import User
from printfarm.application import build
from printfarm.config import load_settings
from printfarm.core.database import db as database
from printfarm.core.errors import TooMany
from printfarm.core.headers import ALWAYS
from printfarm.core.work import read_only
from tests.support.browser import Browser
from tests.support.cast import PASSWORD


def variant(settings_environ, **more):
    return build(load_settings({**settings_environ, **more}))


def dispose(app):
    with app.app_context():
        database.engine.dispose()


def directives(page):
    policy = page.headers["Content-Security-Policy"]
    return {part.split()[0]: part.split()[1:] for part in policy.split(";")}


# --- headers ---


@pytest.mark.parametrize("url", ["/sign-in", "/", "/nowhere", "/static/app.css", "/healthz"])
def test_every_answer_carries_the_policy(alice, url):
    page = alice.get(url)
    for name, value in ALWAYS.items():
        assert page.headers[name] == value
    policy = directives(page)
    assert policy["default-src"] == ["'self'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert policy["base-uri"] == ["'none'"]
    assert policy["object-src"] == ["'none'"]
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]
    assert "'unsafe-eval'" not in page.headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in page.headers


def test_pages_are_kept_by_nobody(alice):
    assert alice.get("/members").headers["Cache-Control"] == "no-store"


def test_a_strange_host_is_not_repeated_in_the_policy(stranger, shop):
    page = stranger.get("/sign-in", headers={"Host": "x; script-src *"})
    assert "script-src" not in page.headers.get("Content-Security-Policy", "")


def test_a_page_that_differs_for_htmx_says_so(alice):
    assert "HX-Request" in alice.get("/queue").headers["Vary"]
    assert "HX-Request" in alice.get("/queue", htmx=True).headers["Vary"]


def test_the_policy_lets_the_browser_reach_the_bucket_and_nothing_more(settings_environ, shop):
    bucket = {
        "PRINTFARM_S3_ENDPOINT": "https://storage.example.com/path",
        "PRINTFARM_S3_BUCKET": "b",
        "PRINTFARM_S3_ACCESS_KEY": "a",
        "PRINTFARM_S3_SECRET_KEY": "s",
    }
    app = variant(settings_environ, **bucket)
    policy = directives(Browser(app).get("/sign-in"))
    assert "https://storage.example.com" in policy["connect-src"]
    assert "https://storage.example.com" in policy["img-src"]
    assert "https://storage.example.com" not in policy["default-src"]
    dispose(app)


# --- https, cookies, proxies ---


def sign_in(app, *, base_url="http://localhost", **kwargs):
    browser = Browser(app)
    form = {"email": "alice@example.com", "password": PASSWORD}
    return browser.post("/sign-in", form, base_url=base_url, **kwargs)


@pytest.mark.parametrize(
    ("settings", "request_", "secure"),
    [
        ({}, {}, False),
        ({"PRINTFARM_TLS": "self-signed"}, {"base_url": "https://localhost"}, True),
        ({"PRINTFARM_PUBLIC_URL": "https://farm.example"}, {"base_url": "http://farm.example"}, True),
        ({"PRINTFARM_PUBLIC_URL": "https://farm.example"}, {"base_url": "http://192.168.1.5:8080"}, False),
        ({"PRINTFARM_TRUSTED_PROXIES": "1"}, {"headers": {"X-Forwarded-Proto": "https"}}, True),
        ({}, {"headers": {"X-Forwarded-Proto": "https"}}, False),
    ],
    ids=["http", "own tls", "public address", "past the public address", "trusted proxy", "somebody's header"],
)
def test_cookies_are_secure_exactly_on_https(settings_environ, shop, settings, request_, secure):
    app = variant(settings_environ, **settings)
    browser = Browser(app)
    request_ = {"base_url": "http://localhost", **request_}
    browser.client.delete_cookie("printfarm")
    page = browser.get("/sign-in", **request_)
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("printfarm=")
    assert ("; Secure" in cookie) is secure
    is_hsts = "Strict-Transport-Security" in page.headers
    assert is_hsts is (secure and "PRINTFARM_TLS" not in settings)
    dispose(app)


def seen_address(app):
    with app.app_context(), read_only(None) as db:
        from printfarm.accounts.models import SignInSession

        return db.scalars(select(SignInSession.address).order_by(SignInSession.id.desc())).first()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ("0", "203.0.113.9", "127.0.0.1"),
        ("1", "203.0.113.9", "203.0.113.9"),
        ("1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("2", "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
    ],
)
def test_the_address_of_a_person_is_the_one_that_a_trusted_proxy_saw(
    settings_environ, shop, proxies, forwarded, address
):
    app = variant(settings_environ, PRINTFARM_TRUSTED_PROXIES=proxies)
    assert sign_in(app, headers={"X-Forwarded-For": forwarded}).status == 303
    assert seen_address(app) == address
    dispose(app)


def test_nobody_escapes_the_sign_in_limit_by_inventing_addresses(app, shop):
    answers = [
        Browser(app)
        .post("/sign-in", {"email": f"{n}@x.org", "password": "x"}, headers={"X-Forwarded-For": f"1.1.1.{n}"})
        .status
        for n in range(11)
    ]
    assert answers == [422] * 10 + [429]


# --- errors ---


@pytest.fixture
def broken(app):
    """Routes that break in the ways that views can."""
    from printfarm.accounts.access import public

    @app.get("/broken/bug")
    @public
    def bug():
        raise ZeroDivisionError("the reason")

    @app.get("/broken/often")
    @public
    def often():
        raise TooMany("That was tried too often.", retry_after_s=17)

    return app


def test_a_bug_is_a_page_with_a_reference_that_stands_in_the_log(broken, shop, caplog):
    with caplog.at_level(logging.ERROR):
        page = Browser(broken).get("/broken/bug")
    assert page.status == 500
    reference = page.one("[data-error-reference]").get_text()
    assert re.fullmatch(r"[A-Z0-9]{8}", reference)
    assert f"reference {reference}" in caplog.text
    assert "ZeroDivisionError: the reason" in caplog.text
    assert "the reason" not in page.text
    assert "Traceback" not in page.text


def test_htmx_gets_a_toast_that_does_not_replace_anything(broken, shop):
    page = Browser(broken).get("/broken/bug", htmx=True)
    assert page.status == 500
    assert page.headers["HX-Reswap"] == "none"
    assert page.one("[hx-swap-oob]")
    assert not page.all("html")


def test_a_program_gets_json(broken, shop):
    answer = Browser(broken).get("/broken/bug", headers={"Accept": "application/json"})
    assert answer.status == 500
    assert set(answer.json) == {"error", "reference"}
    missing = Browser(broken).get("/nowhere", headers={"Accept": "application/json"})
    assert missing.status == 404
    assert missing.json["reference"] is None


def test_too_often_says_when_to_come_back(broken, shop):
    page = Browser(broken).get("/broken/often")
    assert (page.status, page.headers["Retry-After"]) == (429, "17")


@pytest.mark.parametrize(("url", "status"), [("/nowhere", 404), ("/sign-out", 405), ("/queue/jobs/not-an-id", 404)])
def test_every_refusal_is_a_page_with_a_way_on(alice, url, status):
    page = alice.get(url)
    assert page.status == status
    assert page.one("[data-error-sentence]").get_text()
    assert page.all("main a[href='/']")


def test_the_way_back_stays_on_this_site(alice):
    page = alice.get("/nowhere", headers={"Referer": "http://evil.example/queue"})
    assert "evil" not in str(page.soup)
    page = alice.get("/nowhere", headers={"Referer": "http://localhost/members"})
    assert page.one("main a[href='/members']")


def test_an_expired_form_says_to_open_the_page_again(alice):
    page = alice.post("/members/invite", {"role": "viewer", "csrf_token": "old"})
    assert page.status == 400
    assert "Open the page again" in page.text


def test_one_persons_form_does_not_work_for_another(alice, bob):
    token = alice.browser.csrf
    with bob.browser.client.session_transaction() as session:
        session["csrf_token"] = "f" * 40
    answer = bob.browser.client.post("/profile", data={"csrf_token": token, "name": "X", "theme": "dark"})
    assert answer.status_code == 400


def test_more_than_a_form_may_hold_is_refused(alice):
    page = alice.post("/profile", {"name": "x" * 1_100_000, "theme": "dark"})
    assert page.status == 413
    assert "more than this server takes" in page.text


def test_a_database_that_does_not_answer_is_a_sentence_with_503(settings_environ, shop, backend, tmp_path):
    if backend == "sqlite":
        away = f"sqlite:///{tmp_path / 'no such folder' / 'x.db'}"
    else:
        away = "postgresql://nobody@/nothing?host=/nowhere"
    app = variant(settings_environ, PRINTFARM_DATABASE_URL=away)
    browser = Browser(app)
    with browser.client.session_transaction() as session:
        session["_user_id"] = "a token"
    page = browser.get("/members")
    assert page.status == 503
    assert "Nothing was changed" in page.text
    assert browser.get("/healthz").status == 200
    dispose(app)


def test_looking_never_writes(ctx, alice):
    """A GET runs in a reading transaction: a view that writes in one is a bug, shown as such."""
    from printfarm.accounts.access import shop_view

    @ctx.get("/broken/writes")
    @shop_view(role="viewer")
    def writes(db):
        db.get(User, alice.user_id).name = "Somebody else"
        db.flush()
        return "written"

    assert alice.get("/broken/writes").status == 500
    with read_only(None) as db:
        assert db.get(User, alice.user_id).name == "Alice"


def test_the_end_of_an_action_says_so_with_and_without_javascript(ctx, alice):
    from printfarm.accounts.access import shop_view
    from printfarm.core.web import done

    @ctx.post("/acts")
    @shop_view(role="viewer")
    def acts(_db):
        return done("/members", lambda _db: '<p id="row">new</p>', message="It is <done>.")

    plain = alice.post("/acts")
    assert (plain.status, plain.location) == (303, "/members")
    assert "It is <done>." in alice.get("/members").one("#toasts").get_text()
    swapped = alice.post("/acts", htmx=True)
    assert swapped.status == 200
    assert swapped.one("#row").get_text() == "new"
    assert "It is <done>." in swapped.one("[hx-swap-oob='beforeend:#toasts']").get_text()
    assert not alice.get("/members").all("#toasts .toast"), "it is said once"


# --- static files ---


def test_a_link_to_a_static_file_changes_with_its_content(stranger, shop):
    href = stranger.get("/sign-in").one("link[rel=stylesheet][href*='app.css']")["href"]
    assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{8,}", href)
    kept = stranger.get(href)
    assert "immutable" in kept.headers["Cache-Control"]
    assert "Set-Cookie" not in kept.headers
    assert "Cookie" not in kept.headers.get("Vary", "")
    assert stranger.get("/static/app.css").headers["Cache-Control"] == "no-cache"
    assert stranger.get("/static/app.css?v=00000000").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["../printfarm/config.py", "..%2fpyproject.toml", "%2e%2e/pyproject.toml", "/etc/passwd"]
)
def test_nothing_but_static_files_is_served_there(stranger, shop, path):
    assert stranger.client.get(f"/static/{path}", follow_redirects=True).status_code == 404
