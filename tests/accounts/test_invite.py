"""Invitations by link."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from printfarm.accounts import service
from printfarm.accounts.models import Credential, Membership, User
from printfarm.core.clock import utc_now
from printfarm.core.work import read_only, unit_of_work
from tests.support.browser import Browser

NEWCOMER = {"name": "Nora", "email": "nora@example.com", "password": "nora likes long ones"}


def invite(person, role="operator", note="Nora"):
    page = person.post("/members/invite", {"role": role, "note": note})
    assert page.status == 200, page.text
    return page.one("#invite-link")["value"].removeprefix("http://localhost")


def test_somebody_new_joins_by_link(ctx, alice, stranger):
    url = invite(alice)
    shown = stranger.get(url)
    assert "Join Alice's Prints" in shown.text
    assert "operator" in shown.text
    assert stranger.post(url, NEWCOMER).location == "/"
    assert "Nora (you)" in stranger.get("/members").text
    with read_only(None) as db:
        joined = db.scalar(select(Membership).join(User).where(User.email == "nora@example.com"))
        assert (joined.role, joined.shop_id) == ("operator", alice.shop_id)


def test_somebody_known_joins_with_one_click_and_stays_in_both_shops(ctx, alice, charlie):
    url = invite(alice, "viewer")
    shown = charlie.get(url)
    assert "signed in as Charlie" in shown.text
    assert not shown.all("#password")
    assert charlie.post(url).location == "/"
    assert [row.get_text() for row in charlie.get("/shops").all(".row-name")] == ["Alice's Prints", "Charlie's Corner"]
    assert charlie.get("/shop").status == 403, "a viewer here, although an owner elsewhere"


def test_the_link_works_once(app, alice, stranger):
    url = invite(alice)
    stranger.post(url, NEWCOMER)
    late = Browser(app)
    assert late.get(url).status == 404
    assert late.post(url, {**NEWCOMER, "email": "late@example.com"}).status == 404


def test_of_two_who_use_it_at_once_one_gets_in(ctx, app, alice):
    url = invite(alice)
    barrier, answers = threading.Barrier(2), []

    def use(number):
        browser = Browser(app)
        barrier.wait(10)
        answers.append(browser.post(url, {**NEWCOMER, "email": f"n{number}@example.com"}).status)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == [303, 404]
    with read_only(None) as db:
        assert db.scalar(select(func.count()).select_from(User)) == 2


def test_a_known_address_is_told_to_sign_in_first(alice, bob, stranger):
    url = invite(alice)
    page = stranger.post(url, {**NEWCOMER, "email": "bob@example.com"})
    assert page.status == 422
    assert "Sign in first" in page.one("#email-error").get_text()
    assert stranger.post(url, NEWCOMER).status == 303, "the link was not spent"


def test_a_member_does_not_spend_it(alice, bob, stranger):
    url = invite(alice, "admin")
    page = bob.post(url)
    assert page.status == 409
    assert "already in" in page.text
    assert bob.get("/shop").status == 403
    assert stranger.post(url, NEWCOMER).status == 303


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"email": "x"}, {"password": "short"}, {"password": "nora@example.com"}]
)
def test_bad_input_keeps_the_link(alice, stranger, change):
    url = invite(alice)
    assert stranger.post(url, {**NEWCOMER, **change}).status == 422
    assert stranger.post(url, NEWCOMER).status == 303


def test_it_runs_out_after_seven_days(alice, stranger):
    url = invite(alice)
    with time_machine.travel(utc_now() + timedelta(days=6, hours=23), tick=True):
        assert stranger.get(url).status == 200
    with time_machine.travel(utc_now() + timedelta(days=7, minutes=1), tick=True):
        assert stranger.get(url).status == 404


def test_it_can_be_withdrawn(ctx, alice, stranger):
    url = invite(alice)
    listed = alice.get("/members")
    assert "Nora" in listed.one("#invites").get_text()
    withdraw = listed.one("#invites form")["action"]
    assert alice.post(withdraw).status == 303
    assert stranger.get(url).status == 404
    assert alice.post(withdraw).status == 404


def test_the_link_is_shown_once_and_never_kept(ctx, alice):
    token = invite(alice).rsplit("/", 1)[1]
    assert token not in str(alice.get("/members").soup)
    with read_only(None) as db:
        assert token not in db.scalars(select(Credential)).one().token_hash


def test_only_admins_invite_and_only_owners_invite_owners(ctx, alice, adam, olga, bob):
    assert olga.post("/members/invite", {"role": "viewer"}).status == 403
    assert bob.post("/members/invite", {"role": "viewer"}).status == 403
    assert adam.post("/members/invite", {"role": "owner"}).status == 403
    assert not bob.get("/members").all("#invites, #invite-role")
    assert invite(adam, "admin")
    assert invite(alice, "owner")


def test_invitations_of_another_shop_are_neither_seen_nor_withdrawn(ctx, alice, charlie, stranger):
    url = invite(alice)
    with read_only(None) as db:
        invite_id = db.scalar(select(Credential.id))
    assert not charlie.get("/members").all("#invites")
    assert charlie.post(f"/invites/{invite_id}/revoke").status == 404
    assert stranger.get(url).status == 200


def test_a_sign_in_link_cannot_be_withdrawn_as_an_invitation(ctx, alice):
    with unit_of_work(None) as db:
        service.make_sign_in_link(db, alice.user_id)
    with read_only(None) as db:
        link_id = db.scalar(select(Credential.id))
    assert alice.post(f"/invites/{link_id}/revoke").status == 404


def test_it_says_the_public_address(app, alice):
    from dataclasses import replace

    app.config["SETTINGS"] = replace(app.config["SETTINGS"], public_url="https://farm.example.com")
    page = alice.post("/members/invite", {"role": "viewer"})
    assert page.one("#invite-link")["value"].startswith("https://farm.example.com/invite/")
