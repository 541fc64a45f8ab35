"""Members: roles, removal, the last owner."""

import threading

import pytest
from sqlalchemy import func, select

from printfarm.accounts import service
from printfarm.accounts.access import PERMISSIONS, role_allows
from printfarm.accounts.models import ROLES, Membership
from printfarm.core.errors import DomainError
from printfarm.core.work import read_only, unit_of_work
from tests.support.cast import hire


def membership(person):
    with read_only(None) as db:
        return db.scalar(
            select(Membership.id).where(Membership.user_id == person.user_id, Membership.shop_id == person.shop_id)
        )


def role_of(person):
    with read_only(None) as db:
        return db.scalar(
            select(Membership.role).where(Membership.user_id == person.user_id, Membership.shop_id == person.shop_id)
        )


def test_everybody_sees_who_belongs_to_the_shop_and_who_may_do_what(alice, adam, olga, bob, charlie):
    page = bob.get("/members")
    assert [row.get_text() for row in page.all("#members .row-name")] == ["Alice", "Adam", "Olga", "Bob (you)"]
    assert "Charlie" not in page.text
    assert not page.all("#members form")
    assert len(page.all("#permissions tbody tr")) == len(PERMISSIONS)


def test_an_admin_changes_a_role(ctx, adam, bob):
    page = adam.post(f"/members/{membership(bob)}/role", {"role": "operator"})
    assert page.status == 303
    assert "Bob is operator now" in adam.get("/members").text
    assert role_of(bob) == "operator"


def test_a_changed_role_counts_at_the_next_click(ctx, alice, adam):
    assert adam.get("/shop").status == 200
    alice.post(f"/members/{membership(adam)}/role", {"role": "viewer"})
    assert adam.get("/shop").status == 403


@pytest.mark.parametrize("who", ["olga", "bob"])
@pytest.mark.parametrize("deed", ["role", "remove"])
def test_operators_and_viewers_change_nobody(ctx, request, who, deed, adam):
    person = request.getfixturevalue(who)
    page = person.post(f"/members/{membership(adam)}/{deed}", {"role": "viewer"})
    assert page.status == 403
    assert "this needs admin" in page.text
    assert role_of(adam) == "admin"


def test_only_an_owner_makes_an_owner(ctx, alice, adam, bob):
    assert adam.post(f"/members/{membership(bob)}/role", {"role": "owner"}).status == 403
    assert adam.post(f"/members/{membership(adam)}/role", {"role": "owner"}).status == 403
    assert "Owner" not in [option.get_text() for option in adam.get("/members").all("#members option")]
    assert alice.post(f"/members/{membership(bob)}/role", {"role": "owner"}).status == 303
    assert role_of(bob) == "owner"


def test_an_admin_touches_no_owner(ctx, alice, adam):
    assert adam.post(f"/members/{membership(alice)}/role", {"role": "viewer"}).status == 403
    assert adam.post(f"/members/{membership(alice)}/remove").status == 403
    assert role_of(alice) == "owner"


def test_the_last_owner_can_neither_step_down_nor_leave(ctx, alice, adam):
    for url, form in ((f"/members/{membership(alice)}/role", {"role": "admin"}), ("/members/leave", {})):
        page = alice.post(url, form)
        assert page.status == 409
        assert "only owner" in page.text
    assert alice.post(f"/members/{membership(alice)}/remove").status == 409
    mine = f"#member-{membership(alice)}"
    assert alice.get("/members").one(mine).select_one("form") is None  # nothing is offered that is refused
    alice.post(f"/members/{membership(adam)}/role", {"role": "owner"})
    assert alice.get("/members").one(mine).select_one("form") is not None
    assert alice.post("/members/leave").status == 303
    assert role_of(alice) is None


def test_two_owners_who_step_down_at_the_same_moment_leave_one(ctx, app, alice, shop):
    other = hire(app, shop, "otto@example.com", "Otto", "owner")
    ids = [membership(alice), membership(other)]
    barrier, refused = threading.Barrier(2), []

    def step_down(membership_id):
        barrier.wait(10)
        try:
            with app.app_context(), unit_of_work(shop.id) as db:
                service.change_role(db, shop.id, membership_id, "viewer", by_role="owner")
        except service.LastOwner as problem:
            refused.append(problem)

    threads = [threading.Thread(target=step_down, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    with read_only(None) as db:
        owners = select(func.count()).where(Membership.shop_id == shop.id, Membership.role == "owner")
        assert db.scalar(owners) == 1


def test_who_is_removed_is_out_at_once(ctx, alice, bob):
    assert bob.get("/members").status == 200
    assert alice.post(f"/members/{membership(bob)}/remove").status == 303
    page = bob.get("/members")
    assert (page.status, page.location) == (303, "/shops")
    assert "You belong to no shop" in bob.get("/shops").text
    assert bob.get("/profile").status == 200


def test_members_of_another_shop_are_not_found(ctx, charlie, bob):
    for deed in ("role", "remove"):
        assert charlie.post(f"/members/{membership(bob)}/{deed}", {"role": "viewer"}).status == 404
    assert role_of(bob) == "viewer"


@pytest.mark.parametrize("role", ["king", "", "OWNER"])
def test_an_unknown_role_is_refused(ctx, alice, bob, role):
    assert alice.post(f"/members/{membership(bob)}/role", {"role": role}).status == 422
    assert role_of(bob) == "viewer"


def test_the_table_of_roles_has_a_top_and_a_bottom():
    for needed in ROLES:
        assert role_allows("owner", needed)
        assert role_allows("viewer", needed) == (needed == "viewer")
        assert not role_allows(None, needed)
    with pytest.raises(DomainError):
        service.members.check_may_invite("admin", "owner")
