"""Signing in and out."""

import time
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from printfarm.accounts.models import SignInSession, User
from printfarm.accounts.service import check_password
from printfarm.core import rates
from printfarm.core.clock import utc_now
from printfarm.core.work import read_only, unit_of_work
from tests.support.browser import Browser
from tests.support.cast import PASSWORD

ALICE = {"email": "alice@example.com", "password": PASSWORD}


def test_it_signs_in_and_goes_on_to_where_one_wanted(stranger, shop):
    asked = stranger.get("/members?page=2")
    assert (asked.status, asked.location) == (303, "/sign-in?next=/members?page%3D2")
    page = stranger.get(asked.location)
    answer = stranger.post("/sign-in", {**ALICE, "next": page.one("[name=next]")["value"]})
    assert (answer.status, answer.location) == (303, "/members?page=2")
    assert stranger.get("/members").status == 200


def test_the_address_may_be_typed_in_capitals(stranger, shop):
    assert stranger.post("/sign-in", {**ALICE, "email": " ALICE@example.com"}).status == 303


@pytest.mark.parametrize("wrong", [{"password": "not the password"}, {"email": "nobody@example.com"}])
def test_a_wrong_pair_says_the_same_whichever_half_is_wrong(stranger, shop, wrong):
    page = stranger.post("/sign-in", {**ALICE, **wrong})
    assert page.status == 422
    assert page.one("[role=alert]").get_text(strip=True) == "The e-mail address or the password is wrong."
    assert stranger.get("/profile").status == 303


def test_an_unknown_address_takes_as_long_as_a_wrong_password(ctx, shop):
    def seconds(email):
        started = time.thread_time()
        for _ in range(5):
            with read_only(None) as db:
                assert check_password(db, email, "not the password") is None
        return time.thread_time() - started

    known, unknown = seconds("alice@example.com"), seconds("nobody@example.com")
    assert 0.4 < known / unknown < 2.5


def test_somebody_disabled_gets_in_no_more(ctx, alice, stranger):
    with unit_of_work(None) as db:
        db.get(User, alice.user_id).disabled_at = utc_now()
    assert alice.get("/profile").status == 303
    assert stranger.post("/sign-in", ALICE).status == 422


@pytest.mark.parametrize(
    "target",
    [
        "https://e.example/",
        "//e.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "\\\\e",
    ],
)
def test_it_never_leads_to_another_site(stranger, shop, target):
    assert stranger.post("/sign-in", {**ALICE, "next": target}).location == "/"


def test_a_signed_in_person_is_not_asked_again(alice):
    assert alice.get("/sign-in?next=/members").location == "/members"
    assert alice.get("/sign-in?next=//e.example").location == "/"


def test_signing_in_throws_away_what_the_cookie_held_before(stranger, shop):
    with stranger.client.session_transaction() as session:
        session["planted"] = "by somebody else"
        planted = session["csrf_token"]
    stranger.post("/sign-in", ALICE)
    with stranger.client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != planted


def test_the_cookie_is_kept_from_scripts_and_other_sites(stranger, shop):
    cookie = stranger.post("/sign-in", ALICE).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert "Expires" in cookie


def test_signing_out_ends_the_session_on_the_server_too(ctx, stranger, shop):
    stranger.post("/sign-in", ALICE)
    cookie = stranger.client.get_cookie("printfarm").value
    assert stranger.get("/sign-out").status == 405
    assert stranger.post("/sign-out").location == "/sign-in"
    assert stranger.get("/profile").status == 303
    stranger.client.set_cookie("printfarm", cookie)
    assert stranger.get("/profile").status == 303, "the old cookie still opens the door"


def test_a_forged_cookie_opens_nothing(stranger, alice):
    stranger.client.set_cookie("printfarm", "eyJfdXNlcl9pZCI6ImFiYyJ9.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert stranger.get("/profile").status == 303


def test_the_database_does_not_hold_the_token(ctx, stranger, shop):
    stranger.post("/sign-in", ALICE)
    with stranger.client.session_transaction() as session:
        token = session["_user_id"]
    with read_only(None) as db:
        kept = db.scalars(select(SignInSession)).one()
    assert token not in kept.token_hash
    assert len(kept.token_hash) == 64


def test_a_session_ends_after_thirty_days_without_use_and_lasts_longer_with_it(stranger, shop):
    stranger.post("/sign-in", ALICE)
    with time_machine.travel(utc_now() + timedelta(days=20), tick=True):
        seen = stranger.get("/profile")
        assert seen.status == 200
        assert "printfarm=" in seen.headers["Set-Cookie"]
    with time_machine.travel(utc_now() + timedelta(days=45), tick=True):
        assert stranger.get("/profile").status == 200
    with time_machine.travel(utc_now() + timedelta(days=90), tick=True):
        assert stranger.get("/profile").status == 303


def test_looking_at_pages_does_not_write(stranger, shop):
    stranger.post("/sign-in", ALICE)
    stranger.get("/profile")  # the first page takes the greeting and a form's token into the cookie
    assert "Set-Cookie" not in stranger.get("/profile").headers


def test_the_eleventh_try_of_a_minute_is_refused_with_the_time_to_wait(app, stranger, shop):
    for _ in range(10):
        assert stranger.post("/sign-in", {**ALICE, "password": "guess guess guess"}).status == 422
    page = stranger.post("/sign-in", ALICE)
    assert page.status == 429
    wait = int(page.headers["Retry-After"])
    assert 1 <= wait <= 60
    assert f"Wait {wait} seconds" in page.text
    assert stranger.get("/profile").status == 303


def test_an_account_is_guarded_from_many_addresses_too(app, shop):
    for number in range(10):
        browser = Browser(app)
        page = browser.post(
            "/sign-in", {**ALICE, "password": "guess"}, environ_overrides={"REMOTE_ADDR": f"192.0.2.{number}"}
        )
        assert page.status == 422
    page = Browser(app).post("/sign-in", ALICE, environ_overrides={"REMOTE_ADDR": "192.0.2.99"})
    assert page.status == 429
    bystander = Browser(app).post(
        "/sign-in", {"email": "b@example.com", "password": "x"}, environ_overrides={"REMOTE_ADDR": "192.0.2.99"}
    )
    assert bystander.status == 422


def test_addresses_of_one_ipv6_network_count_together(app, shop):
    def attempt(address, number):
        form = {"email": f"n{number}@example.com", "password": "guess"}
        return Browser(app).post("/sign-in", form, environ_overrides={"REMOTE_ADDR": address}).status

    assert [attempt(f"2001:db8:1:2::{number}", number) for number in range(11)] == [422] * 10 + [429]
    assert attempt("2001:db8:1:3::1", 99) == 422


def test_without_redis_each_process_counts_alone(app, stranger, shop):
    rates.install(app, "unix:///nowhere/redis.sock")
    answers = [stranger.post("/sign-in", {**ALICE, "password": "guess"}).status for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_a_form_without_its_token_is_refused(app, shop):
    answer = app.test_client().post("/sign-in", data=ALICE)
    assert answer.status_code == 400
    assert "open for too long" in answer.get_data(as_text=True)


def test_htmx_of_somebody_signed_out_is_told_to_sign_in(stranger, shop):
    page = stranger.get("/members", htmx=True)
    assert page.status == 401
    assert page.headers["HX-Redirect"] == "/sign-in"


def test_a_program_is_answered_in_json(stranger, shop):
    answer = stranger.get("/members", headers={"Accept": "application/json"})
    assert answer.status == 401
    assert "signed out" in answer.json["error"]
