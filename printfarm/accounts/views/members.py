"""Who belongs to the shop, as what; invitations."""

from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from printfarm.accounts import service
from printfarm.accounts.access import PERMISSIONS, role_allows, shop_view
from printfarm.accounts.choices import ROLE_CHOICES
from printfarm.accounts.forms import ROLE_OPTIONS, InviteForm, RoleForm
from printfarm.accounts.models import ROLES
from printfarm.accounts.queries import members_of, open_invites
from printfarm.accounts.views.blueprint import bp
from printfarm.core.tenancy import shop_of
from printfarm.core.web import ViewAnswer, after_commit, done, external_url, home_url, page, refused


@bp.get("/members")
@shop_view(role="viewer")
def members(db: Session) -> ViewAnswer:
    return _members(db)


@bp.post("/members/invite")
@shop_view(role="admin")
def invite(db: Session) -> ViewAnswer:
    """The link is shown once, in the answer: only its hash is kept."""
    form = InviteForm()
    if not form.validate():
        return refused(lambda db: _members(db, form=form))
    token = service.invite(db, shop_of(db), form.role.data, by_role=current_user.role, note=form.note.data or "")
    link = external_url(url_for("accounts.join", token=token))
    return after_commit(lambda db: _members(db, invite_link=link))


@bp.post("/invites/<uuid:invite_id>/revoke")
@shop_view(role="admin")
def revoke_invite(db: Session, invite_id: UUID) -> ViewAnswer:
    service.revoke_invite(db, shop_of(db), invite_id)
    return _done("The invitation is withdrawn; its link no longer works.")


@bp.post("/members/<uuid:membership_id>/role")
@shop_view(role="admin")
def change_role(db: Session, membership_id: UUID) -> ViewAnswer:
    form = RoleForm()
    if not form.validate():
        return refused(_members)
    changed = service.change_role(db, shop_of(db), membership_id, form.role.data, by_role=current_user.role)
    return _done(f"{changed.user.name} is {changed.role} now.")


@bp.post("/members/<uuid:membership_id>/remove")
@shop_view(role="admin")
def remove_member(db: Session, membership_id: UUID) -> ViewAnswer:
    name = service.remove_member(db, shop_of(db), membership_id, by_role=current_user.role)
    return _done(f"{name} is no longer a member.")


@bp.post("/members/leave")
@shop_view(role="viewer")
def leave_shop(db: Session) -> ViewAnswer:
    service.leave_shop(db, shop_of(db), current_user.user.id)
    flash("You have left the shop.", "success")
    return redirect(home_url(), 303)


def _done(message: str) -> ViewAnswer:
    return done(url_for("accounts.members"), message=message)


def _members(db: Session, form: InviteForm | None = None, invite_link: str | None = None) -> ResponseReturnValue:
    role = current_user.role
    may_manage = role_allows(role, "admin")
    roles = [choice for choice in ROLE_CHOICES if role == "owner" or choice[0] != "owner"]
    form = form or InviteForm(formdata=None)
    form.role.choices = [one for one in ROLE_OPTIONS if role == "owner" or one.value != "owner"]
    return page(
        "accounts/members.html",
        members=members_of(db, shop_of(db), request.args.get("page", 1, type=int)),
        invites=open_invites(db, shop_of(db)) if may_manage else [],
        may_manage=may_manage,
        one_owner=may_manage and service.has_one_owner(db, shop_of(db)),
        roles=roles,
        form=form,
        invite_link=invite_link,
        permissions=[(what, [role_allows(one, least) for one in ROLES]) for what, least in PERMISSIONS.items()],
        role_names=ROLES,
    )
