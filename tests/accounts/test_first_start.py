"""The first start: whoever knows the code owns the shop, and only one ever does."""

import threading

import pytest
from sqlalchemy import func, select

from printfarm.accounts.choices import currencies, guess_currency, guess_locale, time_zones
from printfarm.accounts.models import Membership, Shop, User
from printfarm.accounts.service import needs_set_up, set_up
from printfarm.core.errors import DomainError
from printfarm.core.secrets import setup_code
from printfarm.core.work import read_only, unit_of_work
from tests.support.browser import Browser

FORM = {
    "name": "Alice",
    "email": " Alice@Example.com ",
    "password": "three words suffice",
    "shop_name": "Alice's Prints",
    "currency": "CHF",
    "timezone": "Europe/Zurich",
    "locale": "de_CH",
}


@pytest.fixture
def code(ctx):
    return setup_code()


def test_the_first_visitor_with_the_code_owns_the_shop(ctx, stranger, code):
    page = stranger.post("/set-up", {**FORM, "code": code})
    assert (page.status, page.location) == (303, "/")
    with read_only(None) as db:
        membership = db.scalars(select(Membership)).one()
        assert (membership.role, membership.user.email) == ("owner", "alice@example.com")
        shop = membership.shop
        assert (shop.name, shop.currency, shop.timezone, shop.locale) == (
            "Alice's Prints",
            "CHF",
            "Europe/Zurich",
            "de_CH",
        )
        assert "three words" not in membership.user.password_hash
        assert membership.user.password_hash.startswith("$argon2id$")
    assert "Alice is yours" not in stranger.get("/profile").text
    assert stranger.get("/profile").status == 200


@pytest.mark.parametrize("url", ["/", "/sign-in", "/members", "/profile", "/invite/x"])
def test_every_page_is_the_set_up_page_while_nobody_is_here(stranger, url):
    page = stranger.get(url)
    assert (page.status, page.location) == (303, "/set-up")


def test_health_and_static_files_answer_before_the_set_up(stranger):
    assert stranger.get("/healthz").status == 200
    assert stranger.get("/static/app.css").status == 200


def test_the_code_may_be_typed_in_small_letters_with_spaces(stranger, code):
    assert stranger.post("/set-up", {**FORM, "code": f" {code.lower().replace('-', ' ')} "}).status == 303


def test_a_wrong_code_changes_nothing(ctx, stranger, code):
    page = stranger.post("/set-up", {**FORM, "code": "AAAA-BBBB-CCCC"})
    assert page.status == 422
    assert "not the set-up code" in page.text
    assert page.one("#name")["value"] == "Alice"
    assert page.one("#password").get("value") in (None, "")
    with read_only(None) as db:
        assert needs_set_up(db)


def test_guessing_the_code_is_stopped(stranger, code):
    for _ in range(10):
        assert stranger.post("/set-up", {**FORM, "code": "AAAA-BBBB-CCCC"}).status == 422
    page = stranger.post("/set-up", {**FORM, "code": code})
    assert page.status == 429
    assert 1 <= int(page.headers["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "nobody", "not an e-mail address"),
        ("name", "  ", "Enter a name"),
        ("password", "short", "at least 10 characters"),
        ("password", "alice@example.com", "other than your name or e-mail"),
        ("password", "password1234", "first that anybody would try"),
        ("password", "aaaaaaaaaaaa", "first that anybody would try"),
        ("currency", "XYZ", "Not a valid choice"),
        ("timezone", "Mars/Olympus", "Not a valid choice"),
        ("locale", "xx", "Not a valid choice"),
    ],
)
def test_bad_input_is_said_at_its_field(ctx, stranger, code, field, value, words):
    page = stranger.post("/set-up", {**FORM, "code": code, field: value})
    assert page.status == 422
    assert words in page.one(f"#{field}-error").get_text()
    with read_only(None) as db:
        assert needs_set_up(db)


def test_a_second_owner_is_sent_to_sign_in(ctx, stranger, alice):
    page = stranger.post("/set-up", {**FORM, "email": "mallory@example.com", "code": setup_code()})
    assert page.status == 303
    with read_only(None) as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1


def test_of_many_who_know_the_code_at_once_only_one_becomes_owner(app, code):
    answers = []
    barrier = threading.Barrier(6)

    def ask(number):
        browser = Browser(app)
        barrier.wait(10)
        answers.append(browser.post("/set-up", {**FORM, "email": f"p{number}@example.com", "code": code}).status)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 6
    with app.app_context(), read_only(None) as db:
        assert db.scalar(select(func.count()).select_from(User)) == 1
        assert db.scalar(select(func.count()).select_from(Shop)) == 1
    assert set(answers) <= {303, 409}


def test_the_service_refuses_a_second_set_up(ctx, alice):
    with pytest.raises(DomainError, match="already set up"), unit_of_work(None) as db:
        set_up(db, email="x@example.com", name="X", password="whatever it is", shop_name="X")


def test_it_guesses_from_the_browsers_language(stranger):
    page = stranger.get("/set-up", headers={"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"})
    assert page.one("#currency option[selected]")["value"] == "CHF"
    assert page.one("#locale option[selected]")["value"] == "de_CH"
    page = stranger.get("/set-up", headers={"Accept-Language": "tlh, *;q=0.1"})
    assert page.one("#currency option[selected]")["value"] == "EUR"


def test_the_lists_hold_what_shops_use():
    codes = {code for code, _ in currencies()}
    assert {"EUR", "USD", "GBP", "CHF", "JPY"} <= codes
    assert "DEM" not in codes
    zones = {zone for group in time_zones().values() for zone, _ in group}
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= zones
    assert guess_locale(["fr"]) in {"fr_CA", "fr_FR"}
    assert guess_currency("en") == "EUR"


def test_a_password_costs_a_thief_time_and_memory(quick_passwords):
    assert (quick_passwords.memory_cost, quick_passwords.time_cost) == (19_456, 2)
