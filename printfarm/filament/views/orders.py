"""What is on its way: when it should come, taking an order back, and taking what has come into stock."""

from uuid import UUID

from flask import g, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.filament import queries, service
from printfarm.filament.forms import ArrivalForm, ExpectedForm
from printfarm.filament.from_above import labels_page
from printfarm.filament.models import Spool
from printfarm.filament.views.blueprint import me, page_number
from printfarm.filament.views.shopping import bp


@bp.get("/orders")
@shop_view(role="viewer")
def orders(db: Session) -> ViewAnswer:
    today = service.today_of(db)
    return page(
        "filament/orders.html",
        "orders",
        found=queries.open_orders(db, today, page_number()),
        total=queries.orders_total(db, today),
        elsewhere=queries.ordered_elsewhere(db),
    )


@bp.post("/orders/receive")
@shop_view(role="operator")
def receive_orders(db: Session) -> ViewAnswer:
    """Everything of the orders that were ticked has come as it was ordered."""
    ids = request.form.getlist("purchase", type=UUID)
    if not ids:
        raise DomainError("Tick the orders that have come first.")
    return _in_stock(service.receive_purchases(db, ids, user_id=me()))


@bp.route("/orders/<uuid:purchase_id>/receive", methods=["GET", "POST"])
@shop_view(role="operator")
def receive_order(db: Session, purchase_id: UUID) -> ViewAnswer:
    """All or part of one order, with what is known of it by now."""
    purchase = service.find_purchase(db, purchase_id)
    known = queries.open_order(db, purchase, service.today_of(db))
    if known is None:
        raise DomainError(service.NOTHING_TO_COME)
    form = (
        ArrivalForm()
        if request.method == "POST"
        else ArrivalForm.of(known.rolls, known.mg // known.rolls, purchase.price_minor, g.shop.currency)
    )
    if request.method == "GET":
        return page("filament/receive_order.html", form=form, order=known)
    if not form.validate_on_submit():
        return refused(lambda _db: page("filament/receive_order.html", form=form, order=known))
    return _in_stock(service.receive_purchase(db, purchase_id, form.arrival(g.shop.currency), user_id=me()))


@bp.post("/orders/<uuid:purchase_id>/expected")
@shop_view(role="operator")
def expect_order(db: Session, purchase_id: UUID) -> ViewAnswer:
    form = ExpectedForm()
    if not form.validate_on_submit():
        raise DomainError(" ".join(form.expected_on.errors) or "Write a day, such as 2026-03-31.")
    day = form.expected_on.data
    service.expect_on(db, purchase_id, day)
    return done(url_for("shopping.orders"), message=f"Expected on {day}." if day else "It comes when it comes.")


@bp.post("/orders/<uuid:purchase_id>/take-back")
@shop_view(role="operator")
def take_back_order(db: Session, purchase_id: UUID) -> ViewAnswer:
    count = len(service.take_back_order(db, purchase_id))
    said = "One roll is" if count == 1 else f"{count} rolls are"
    return done(url_for("shopping.orders"), message=f"{said} no longer on order.")


def _in_stock(come: list[Spool]) -> ViewAnswer:
    codes = [spool.code for spool in come]
    what = f"Spool {codes[0]} is" if len(codes) == 1 else f"{len(codes)} spools are"
    return done(
        labels_page(codes) or url_for("shopping.orders"),
        message=f"{what} in stock. Print the labels and stick them on.",
    )
