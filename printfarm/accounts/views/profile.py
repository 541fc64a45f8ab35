"""A person's own page: name, theme, password, and where they are signed in."""

from typing import Any
from uuid import UUID

from flask import Response, flash, make_response, redirect, url_for
from flask.typing import ResponseReturnValue

from printfarm.accounts import service
from printfarm.accounts.access import SignedIn, person_view
from printfarm.accounts.forms import ChangePasswordForm, NameForm
from printfarm.accounts.models import User
from printfarm.accounts.queries import sessions_of
from printfarm.accounts.views.blueprint import bp
from printfarm.core import rates
from printfarm.core.headers import may_be_installed, on_https
from printfarm.core.web import page
from printfarm.core.work import read_only, unit_of_work

A_YEAR_S = 365 * 24 * 3600


@bp.get("/profile")
@person_view
def profile(who: SignedIn) -> ResponseReturnValue:
    return _profile(who)


@bp.post("/profile")
@person_view
def change_profile(who: SignedIn) -> ResponseReturnValue:
    form = NameForm()
    if not form.validate():
        return _profile(who, form=form), 422
    with unit_of_work(None) as db:
        user = db.get_one(User, who.user.id)
        service.change_name(db, user, form.name.data)
        service.change_theme(db, user, form.theme.data)
    flash("Your profile is saved.", "success")
    response = make_response(redirect(url_for("accounts.profile"), 303))
    # The cookie is what a page is drawn with before anybody is known; the profile's choice is taken over into it.
    response.set_cookie("theme", form.theme.data, max_age=A_YEAR_S, samesite="Lax", secure=on_https())
    return response


@bp.post("/profile/password")
@person_view
def change_password(who: SignedIn) -> ResponseReturnValue:
    rates.take("sign-in as", who.user.email, per_minute=10)
    form = ChangePasswordForm(email_of=who.user.email, name_of=who.user.name)
    if not form.validate():
        return _profile(who, password_form=form), 422
    with unit_of_work(None) as db:
        user = db.get_one(User, who.user.id)
        changed = service.change_password(db, user, old=form.old.data, new=form.new.data)
        ended = service.end_other_sessions(db, user.id, but=who.session.id) if changed else 0
    if not changed:
        form.old.errors = ["This is not your present password."]
        return _profile(who, password_form=form), 422
    flash(f"Your password is changed. {_places(ended)}", "success")
    return redirect(url_for("accounts.profile"), 303)


@bp.post("/sessions/<uuid:session_id>/end")
@person_view
def end_session(who: SignedIn, session_id: UUID) -> ResponseReturnValue:
    with unit_of_work(None) as db:
        service.end_session(db, who.user.id, session_id)
    flash("That place is signed out.", "success")
    return redirect(url_for("accounts.profile"), 303)


@bp.post("/sessions/end-others")
@person_view
def end_other_sessions(who: SignedIn) -> ResponseReturnValue:
    with unit_of_work(None) as db:
        ended = service.end_other_sessions(db, who.user.id, but=who.session.id)
    flash(_places(ended), "success")
    return redirect(url_for("accounts.profile"), 303)


def _profile(who: SignedIn, form: Any = None, password_form: Any = None) -> Response:
    with read_only(None) as db:
        sessions = sessions_of(db, who.user.id, who.session.id)
    return page(
        "accounts/profile.html",
        form=form or NameForm(formdata=None, name=who.user.name, theme=who.user.theme),
        password_form=password_form or ChangePasswordForm(formdata=None),
        sessions=sessions,
        may_be_installed=may_be_installed(),
    )


def _places(ended: int) -> str:
    if not ended:
        return "You were signed in nowhere else."
    return "One other place was signed out." if ended == 1 else f"{ended} other places were signed out."
