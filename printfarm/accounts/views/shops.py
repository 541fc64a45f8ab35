"""Which shop one is in, the shop's settings, and opening another."""

from typing import Any
from uuid import UUID

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts import service
from printfarm.accounts.access import SignedIn, lands_on, person_view, shop_view
from printfarm.accounts.forms import NewShopForm, ShopForm
from printfarm.accounts.models import Shop, User
from printfarm.accounts.queries import shops_of
from printfarm.accounts.views.blueprint import bp
from printfarm.core.errors import NotAllowed
from printfarm.core.tenancy import shop_of
from printfarm.core.web import ViewAnswer, done, home_url, page, refused
from printfarm.core.work import read_only, unit_of_work


@bp.get("/shops")
@person_view
def shops(who: SignedIn) -> ResponseReturnValue:
    return _shops(who)


@bp.post("/shops")
@person_view
def open_shop(who: SignedIn) -> ResponseReturnValue:
    form = NewShopForm()
    if not form.validate():
        return _shops(who, form), 422
    with unit_of_work(None) as db:
        if not _owns_one(shops_of(db, who.user.id)):
            raise NotAllowed("Only somebody who owns a shop here can open another.")
        made = service.open_shop(
            db,
            db.get_one(User, who.user.id),
            name=form.name.data,
            currency=form.currency.data,
            timezone=form.timezone.data,
            locale=form.locale.data,
        )
        service.enter_shop(db, who.user.id, who.session.id, made.shop_id)
    flash(f"{made.shop.name} is open.", "success")
    return redirect(home_url(), 303)


@bp.post("/shops/<uuid:shop_id>/enter")
@person_view
def enter_shop(who: SignedIn, shop_id: UUID) -> ResponseReturnValue:
    """Go to another of one's shops: to the page that the form names (`section`), when it exists there."""
    with unit_of_work(None) as db:
        entered = service.enter_shop(db, who.user.id, who.session.id, shop_id)
        name, role = entered.shop.name, entered.role
    flash(f"You are in {name} now.", "success")
    return redirect(lands_on(request.form.get("section", ""), role, home_url()), 303)


@bp.route("/shop", methods=["GET", "POST"])
@shop_view(role="admin")
def shop_settings(db: Session) -> ViewAnswer:
    if request.method == "GET":
        return page("accounts/shop_settings.html", form=ShopForm(obj=db.get_one(Shop, shop_of(db))))
    form = ShopForm()
    if not form.validate():
        return refused(lambda _db: page("accounts/shop_settings.html", form=form))
    service.change_shop(db, shop_of(db), **{name: value for name, value in form.data.items() if name != "csrf_token"})
    return done(url_for("accounts.shop_settings"), message="The shop's settings are saved.")


def _shops(who: SignedIn, form: Any = None) -> Response:
    with read_only(None) as db:
        mine = shops_of(db, who.user.id)
    here = who.shop
    form = form or NewShopForm(
        formdata=None,
        currency=here.currency if here else "EUR",
        timezone=here.timezone if here else "UTC",
        locale=here.locale if here else "en",
    )
    return page("accounts/shops.html", memberships=mine, may_open=_owns_one(mine), form=form)


def _owns_one(memberships: Any) -> bool:
    return any(membership.role == "owner" for membership in memberships)
