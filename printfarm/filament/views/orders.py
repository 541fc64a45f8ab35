"""What is on its way: when it should come, taking an order back, and taking what has come into stock."""

from uuid import UUID

from flask import Response, g, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core import formats
from printfarm.core.errors import DomainError
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.filament import queries, service
from printfarm.filament.forms import ArrivalForm, ExpectedForm
from printfarm.filament.from_above import labels_page
from printfarm.filament.models import Spool
from printfarm.filament.service import CountedOtherwise
from printfarm.filament.views.blueprint import me, page_number
from printfarm.filament.views.shopping import bp


@bp.get("/orders")
@shop_view(role="viewer")
def orders(db: Session) -> ViewAnswer:
    return _orders_page(db)


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
    if request.method == "GET":
        return _receive_page(db, purchase_id)
    form = ArrivalForm()
    again = refused(lambda db: _receive_page(db, purchase_id, form))
    if not form.validate_on_submit():
        return again
    try:
        return _in_stock(service.receive_purchase(db, purchase_id, form.arrival(g.shop.currency), user_id=me()))
    except CountedOtherwise as problem:
        form.seen.data, form.rolls.errors = str(problem.left), [problem.sentence]
        return again


@bp.post("/orders/<uuid:purchase_id>/expected")
@shop_view(role="operator")
def expect_order(db: Session, purchase_id: UUID) -> ViewAnswer:
    form = ExpectedForm()
    if not form.validate_on_submit():
        service.find_purchase(db, purchase_id)
        return refused(lambda db: _orders_page(db, purchase_id, form))
    day = form.expected_on.data
    service.expect_on(db, purchase_id, day)
    return done(_orders_url(), message=f"Expected {formats.day(day)}." if day else "It comes when it comes.")


@bp.post("/orders/<uuid:purchase_id>/take-back")
@shop_view(role="operator")
def take_back_order(db: Session, purchase_id: UUID) -> ViewAnswer:
    count = len(service.take_back_order(db, purchase_id))
    said = "One roll is" if count == 1 else f"{count} rolls are"
    return done(_orders_url(), message=f"{said} no longer on order.")


def _receive_page(db: Session, purchase_id: UUID, form: ArrivalForm | None = None) -> Response:
    purchase = service.find_purchase(db, purchase_id)
    known = queries.open_order(db, purchase, service.today_of(db))
    if known is None:
        raise DomainError(service.NOTHING_TO_COME)
    form = form or ArrivalForm.of(known.rolls, known.mg // known.rolls, purchase.price_minor, g.shop.currency)
    return page("filament/receive_order.html", form=form, order=known)


def _orders_page(db: Session, asked: UUID | None = None, form: ExpectedForm | None = None) -> Response:
    """`asked`: the order whose new day was refused, with what was typed of it."""
    today = service.today_of(db)
    return page(
        "filament/orders.html",
        "orders",
        found=queries.open_orders(db, today, page_number()),
        total=queries.orders_total(db, today),
        elsewhere=queries.ordered_elsewhere(db),
        asked=asked,
        form=form,
    )


def _orders_url() -> str:
    """The page of the list on which the person was."""
    number = page_number()
    return url_for("shopping.orders", page=number if number > 1 else None)


def _in_stock(come: list[Spool]) -> ViewAnswer:
    codes = [spool.code for spool in come]
    what = f"Spool {codes[0]} is" if len(codes) == 1 else f"{len(codes)} spools are"
    return done(
        labels_page(codes) or url_for("shopping.orders"),
        message=f"{what} in stock. Print the labels and stick them on.",
    )
