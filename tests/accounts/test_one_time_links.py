"""One-time links: to sign in, and to choose a new password."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from printfarm.accounts.models import Credential
from printfarm.accounts.service import make_sign_in_link, reset_password, sign_in_path
from printfarm.core.clock import utc_now
from printfarm.core.errors import NotFound
from printfarm.core.work import read_only, unit_of_work
from tests.support.browser import Browser


def sign_in_url(alice):
    with unit_of_work(None) as db:
        return sign_in_path(make_sign_in_link(db, alice.user_id))


def reset_url(email="alice@example.com"):
    with unit_of_work(None) as db:
        return sign_in_path(reset_password(db, email))


def test_a_sign_in_link_works_once(app, ctx, alice, stranger):
    url = sign_in_url(alice)
    assert "Sign in as Alice" in stranger.get(url).text
    assert stranger.get(url).status == 200, "looking at it spends nothing"
    assert stranger.post(url).location == "/"
    assert "alice@example.com" in stranger.get("/profile").text
    assert Browser(app).post(url).status == 404


def test_a_sign_in_link_leaves_other_places_signed_in(ctx, alice, stranger):
    stranger.post(sign_in_url(alice))
    assert alice.get("/profile").status == 200


def test_a_reset_link_sets_the_password_and_ends_every_session(ctx, alice, stranger):
    url = reset_url()
    assert "alice@example.com" in stranger.get(url).text
    page = stranger.post(url, {"password": "an entirely new one"})
    assert (page.status, page.location) == (303, "/")
    assert stranger.get("/profile").status == 200
    assert alice.get("/profile").status == 303
    stranger.post("/sign-out")
    assert stranger.post("/sign-in", {"email": "alice@example.com", "password": "an entirely new one"}).status == 303


def test_a_weak_new_password_leaves_the_link_good(ctx, alice, stranger):
    url = reset_url()
    page = stranger.post(url, {"password": "short"})
    assert page.status == 422
    assert "at least 10" in page.one("#password-error").get_text()
    assert alice.get("/profile").status == 200
    assert stranger.post(url, {"password": "an entirely new one"}).status == 303


def test_a_newer_reset_link_ends_the_older(ctx, alice, stranger):
    older = reset_url()
    newer = reset_url()
    assert stranger.get(older).status == 404
    assert stranger.get(newer).status == 200


@pytest.mark.parametrize(("make", "hours"), [(reset_url, 1), (None, 24)])
def test_links_run_out(ctx, alice, stranger, make, hours):
    url = make() if make else sign_in_url(alice)
    with time_machine.travel(utc_now() + timedelta(hours=hours, minutes=1), tick=True):
        page = stranger.get(url)
        assert page.status == 404
        assert "Ask for a new one" in page.text
        assert stranger.post(url, {"password": "an entirely new one"}).status == 404


def test_an_invented_link_is_not_found_and_guessing_is_stopped(stranger, shop):
    answers = [stranger.get(f"/sign-in/{number}").status for number in range(31)]
    assert answers == [404] * 30 + [429]


def test_nobody_gets_a_link_for_an_unknown_address(ctx, alice):
    with pytest.raises(NotFound, match=r"nobody@example\.com"), unit_of_work(None) as db:
        reset_password(db, "nobody@example.com")


def test_the_database_does_not_hold_the_token(ctx, alice):
    token = reset_url().rsplit("/", 1)[1]
    with read_only(None) as db:
        assert token not in db.scalars(select(Credential)).one().token_hash


def test_an_invitation_is_no_sign_in_link(ctx, alice, stranger):
    from printfarm.accounts.service import invite

    with unit_of_work(alice.shop_id) as db:
        token = invite(db, alice.shop_id, "viewer", by_role="owner")
    assert stranger.get(sign_in_path(token)).status == 404
    assert stranger.get(f"/invite/{sign_in_url(alice).rsplit('/', 1)[1]}").status == 404
