"""The first start: whoever knows the set-up code becomes the owner of the first shop."""

import hmac
import re

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from printfarm.accounts import service
from printfarm.accounts.access import public
from printfarm.accounts.choices import guess_currency, guess_locale
from printfarm.accounts.forms import SetUpForm
from printfarm.accounts.views.blueprint import begin_session, bp
from printfarm.core import rates
from printfarm.core.secrets import setup_code
from printfarm.core.web import home_url, page
from printfarm.core.work import read_only, unit_of_work


@bp.before_app_request
def set_up_first() -> ResponseReturnValue | None:
    """While nobody is here, every page is the set-up page."""
    view = current_app.view_functions.get(request.endpoint or "")
    if not hasattr(view, "needed_role") or request.endpoint == "accounts.set_up" or somebody_is_here():
        return None
    return redirect(url_for("accounts.set_up"), 303)


def somebody_is_here() -> bool:
    """Whether the first start is over. Once it is, it stays so, and is not asked again."""
    if not current_app.extensions.get("printfarm.set_up"):
        with read_only(None) as db:
            current_app.extensions["printfarm.set_up"] = not service.needs_set_up(db)
    return bool(current_app.extensions["printfarm.set_up"])


@bp.route("/set-up", methods=["GET", "POST"])
@public
def set_up() -> ResponseReturnValue:
    if somebody_is_here():
        return redirect(home_url(), 303)
    form = SetUpForm()
    if request.method == "GET":
        form.locale.data = guess_locale(list(request.accept_languages.values()))
        form.currency.data = guess_currency(form.locale.data)
        form.timezone.data = "UTC"
        return page("accounts/set_up.html", form=form)
    rates.take("set-up", rates.caller(), per_minute=10)
    if form.validate() and not knows_code(form.code.data):
        form.code.errors = [
            "This is not the set-up code. It stands where PrintFarm was started, or let “printfarm setup-code” show it."
        ]
    if form.errors:
        response = page("accounts/set_up.html", form=form)
        response.status_code = 422
        return response
    with unit_of_work(None) as db:
        membership = service.set_up(
            db,
            email=form.email.data,
            name=form.name.data,
            password=form.password.data,
            shop_name=form.shop_name.data,
            currency=form.currency.data,
            timezone=form.timezone.data,
            locale=form.locale.data,
        )
        begin_session(db, membership.user, membership.shop_id)
    flash(f"Welcome, {membership.user.name}. {membership.shop.name} is yours.", "success")
    return redirect(home_url(), 303)


def knows_code(given: str) -> bool:
    """Compare a typed code with the real one, in a time that tells nothing. Case, spaces and dashes do not count."""
    typed, real = (re.sub(r"[\s-]", "", code).upper().encode() for code in (given, setup_code()))
    return hmac.compare_digest(typed, real)
