"""Signing in with a password or with a one-time link, and signing out."""

from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from printfarm.accounts import service
from printfarm.accounts.access import SignedIn, person_view, public
from printfarm.accounts.forms import LinkForm, ResetForm, SignInForm
from printfarm.accounts.models import User
from printfarm.accounts.views.blueprint import begin_session, bp
from printfarm.core import rates
from printfarm.core.errors import NotFound
from printfarm.core.web import home_url, page, safe_next
from printfarm.core.work import read_only, unit_of_work

TRIES_PER_MINUTE = 10
WRONG = "The e-mail address or the password is wrong."


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    target = safe_next(request.values.get("next"), home_url())
    if current_user.is_authenticated:
        return redirect(target, 303)
    form = SignInForm()
    if request.method == "GET":
        return page("accounts/sign_in.html", form=form, next=target)
    rates.take("sign-in from", rates.caller(), per_minute=TRIES_PER_MINUTE)
    if form.validate() and _sign_in(form.email.data, form.password.data):
        return redirect(target, 303)
    response = page("accounts/sign_in.html", form=form, next=target, wrong=None if form.errors else WRONG)
    response.status_code = 422
    return response


def _sign_in(email: str, password: str) -> bool:
    rates.take("sign-in as", email.lower(), per_minute=TRIES_PER_MINUTE)
    with read_only(None) as db:
        user = service.check_password(db, email, password)
    if user is None:
        return False
    with unit_of_work(None) as db:
        begin_session(db, db.get_one(User, user.id))
    return True


@bp.route("/sign-in/<token>", methods=["GET", "POST"])
@public
def sign_in_link(token: str) -> ResponseReturnValue:
    """A link from `printfarm reset-password` or `demo`. Opening it spends nothing: mail programs open links by themselves."""
    rates.take("sign-in link", rates.caller(), per_minute=30)
    with read_only(None) as db:
        link = service.find_link(db, token, "sign-in", "reset")
        user = db.get(User, link.user_id)
    if user is None:
        raise NotFound
    resets = link.kind == "reset"
    form = ResetForm(email_of=user.email) if resets else LinkForm()
    if request.method == "GET" or not form.validate():
        response = page("accounts/sign_in_link.html", form=form, person=user, resets=resets, token=token)
        response.status_code = 200 if request.method == "GET" else 422
        return response
    with unit_of_work(None) as db:
        user = service.use_sign_in_link(db, token, new_password=form.password.data if resets else None)
        begin_session(db, user)
    if resets:
        flash("The new password counts from now on. Every other place was signed out.", "success")
    return redirect(home_url(), 303)


@bp.post("/sign-out")
@person_view
def sign_out(who: SignedIn) -> ResponseReturnValue:
    with unit_of_work(None) as db:
        service.end_session(db, who.user.id, who.session.id)
    logout_user()
    session.clear()
    return redirect(url_for("accounts.sign_in"), 303)
