"""Accepting an invitation: somebody new makes an account, somebody known joins with one click."""

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from printfarm.accounts import service
from printfarm.accounts.access import public
from printfarm.accounts.forms import JoinForm, LinkForm
from printfarm.accounts.models import Shop, User
from printfarm.accounts.views.blueprint import begin_session, bp
from printfarm.core import rates
from printfarm.core.web import home_url, page
from printfarm.core.work import read_only, unit_of_work


@bp.route("/invite/<token>", methods=["GET", "POST"])
@public
def join(token: str) -> ResponseReturnValue:
    rates.take("invite", rates.caller(), per_minute=30)
    with read_only(None) as db:
        link = service.find_link(db, token, "invite")
        to_shop = db.get_one(Shop, link.shop_id)
    known = current_user.is_authenticated
    form = LinkForm() if known else JoinForm()
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work(None) as db:
                user = db.get_one(User, current_user.user.id) if known else _new_person(db, form)
                membership = service.accept_invite(db, token, user)
                if known:
                    service.enter_shop(db, user.id, current_user.session.id, membership.shop_id)
                else:
                    begin_session(db, user, membership.shop_id)
        except service.AddressTaken:
            form.email.errors = [
                "Somebody with this address is already here. Sign in first, then open this link again."
            ]
        else:
            flash(f"Welcome to {membership.shop.name}.", "success")
            return redirect(home_url(), 303)
    response = page("accounts/join.html", form=form, to_shop=to_shop, link=link, token=token, known=known)
    response.status_code = 200 if request.method == "GET" else 422
    return response


def _new_person(db: Session, form: JoinForm) -> User:
    return service.add_user(db, email=form.email.data, name=form.name.data, password=form.password.data)
