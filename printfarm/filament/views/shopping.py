"""The shopping list: what to buy, wishes, and noting what was ordered."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import role_allows, shop_view
from printfarm.core.clock import utc_now
from printfarm.core.paging import PAGE_SIZE
from printfarm.core.sheets import csv_lines
from printfarm.core.units import grams_from_mg
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.filament import queries, service
from printfarm.filament.forms import OrderForm, OrderLineForm, TimesForm, WishForm
from printfarm.filament.forms.shopping import major
from printfarm.filament.queries import Item, ShoppingList
from printfarm.filament.service import OrderedMeanwhile
from printfarm.filament.views.blueprint import me, page_number

bp = Blueprint("shopping", __name__, url_prefix="/shopping")

COLUMNS = (
    "Why",
    "Supplier",
    "Brand",
    "Material",
    "Finish",
    "Colour",
    "Colour code",
    "Article number",
    "In stock (g)",
    "Promised (g)",
    "On order (g)",
    "Low below (g)",
    "Times",
    "Missing (g)",
    "Variants",
    "Wished (spools)",
    "Spools to buy",
    "A spool (g)",
    "To buy (g)",
    "Price of a spool",
    "Cost",
    "Currency",
    "Link",
)


@bp.get("/")
@shop_view(role="viewer")
def show(db: Session) -> ViewAnswer:
    listed = queries.shopping_list(db, request.args.get("times", type=int))
    whole = "all" in request.args
    found = listed.page(page_number(), queries.MOST_ON_PAPER if whole else PAGE_SIZE)
    today = service.today_of(db)
    return page(
        "filament/shopping.html",
        "shopping",
        listed=listed,
        found=found,
        groups={kind: listed.groups(found.items, urgent=kind == "urgent") for kind in ("urgent", "wishes")},
        orders=queries.orders_total(db, today),
        args=request.args.to_dict(),
        whole=whole,
        today=today,
        may_choose=role_allows(g.role, "operator"),
    )


@bp.post("/times")
@shop_view(role="operator")
def set_times(db: Session) -> ViewAnswer:
    """The choice stands in the address, and the shop keeps it for everybody and for the count on the dashboard."""
    form = TimesForm()
    if form.validate_on_submit():
        service.set_shopping_times(db, form.times.data)
        return redirect(url_for("shopping.show", times=form.times.data), 303)
    flash(f"Choose a number from 1 to {service.MOST_TIMES}.", "error")
    return redirect(url_for("shopping.show"), 303)


@bp.get("/list.csv")
@shop_view(role="viewer")
def download(db: Session) -> ViewAnswer:
    listed = queries.shopping_list(db, request.args.get("times", type=int))
    response = Response("".join(csv_lines(COLUMNS, _rows(listed))), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="shopping-{utc_now():%Y-%m-%d}.csv"'
    return response


@bp.get("/add")
@shop_view(role="viewer")
def choose_wish(db: Session) -> ViewAnswer:
    """Any filament may be put on the list."""
    text = request.args.get("q", "").strip()
    found = queries.list_filaments(db, text=text, page=page_number())
    listed = {item.filament_id: item for item in queries.items_of(db, [one.id for one in found.items])}
    return page("filament/shopping_add.html", "choices", found=found, text=text, listed=listed)


@bp.post("/wishes/<uuid:filament_id>")
@shop_view(role="operator")
def wish(db: Session, filament_id: UUID) -> ViewAnswer:
    form = WishForm()
    rolls = form.rolls.data or 1 if form.validate_on_submit() else 0
    service.wish_for(db, filament_id, rolls, user_id=me())
    name = service.name_of(service.find_filament(db, filament_id))
    return done(url_for("shopping.show"), message=f"{name} is on the shopping list.")


@bp.post("/wishes/<uuid:filament_id>/remove")
@shop_view(role="operator")
def remove_wish(db: Session, filament_id: UUID) -> ViewAnswer:
    name = service.name_of(service.forget_wish(db, filament_id))
    return done(url_for("shopping.show"), message=f"The wish for {name} is gone.")


@bp.route("/order", methods=["GET", "POST"])
@shop_view(role="operator")
def order(db: Session) -> ViewAnswer:
    """What was ticked on the list: how many, where, for how much, and when it should come."""
    ids = _picked(request.form if request.method == "POST" else request.args)
    items = queries.items_of(db, ids, request.args.get("times", type=int))
    for missing in set(ids) - {item.filament_id for item in items}:
        service.find_filament(db, missing)  # another shop's is not found; an archived one is not bought
    if not items:
        flash("Tick what you order first.", "error")
        return redirect(url_for("shopping.show"), 303)
    if request.method == "GET":
        lines = {item.filament_id: OrderLineForm.of(item, g.shop.currency) for item in items}
        return _order_page(OrderForm(), items, lines)
    return _order(db, items)


def _order(db: Session, items: list[Item]) -> ViewAnswer:
    form = OrderForm()
    lines = {item.filament_id: OrderLineForm(request.form, prefix=str(item.filament_id)) for item in items}
    good = [line.validate() for line in lines.values()]  # all of them, so that everything wrong is said at once
    if not form.validate_on_submit() or not all(good):
        return refused(lambda _db: _order_page(form, items, lines))
    wanted = [line.line(filament_id, g.shop.currency) for filament_id, line in lines.items()]
    try:
        made = service.order_rolls(
            db, wanted, expected_on=form.expected_on.data, token=form.token.data or "", user_id=me()
        )
    except OrderedMeanwhile as problem:
        for filament_id, sentence in problem.sentences.items():
            lines[filament_id].seen.data = str(problem.seen[filament_id])
            lines[filament_id].rolls.errors = [sentence]
        return refused(lambda _db: _order_page(form, items, lines))
    rolls = sum(one.rolls for one in made)
    said = "One roll is" if rolls == 1 else f"{rolls} rolls are"
    return done(url_for("shopping.orders"), message=f"{said} on the way.")


def _order_page(form: OrderForm, items: list[Item], lines: Mapping[UUID, OrderLineForm]) -> Response:
    return page("filament/shopping_order.html", form=form, items=items, lines=lines)


def _picked(sent: Any) -> list[UUID]:
    """As many as a page of the list has."""
    ids: list[UUID] = sent.getlist("filament", type=UUID)
    return list(dict.fromkeys(ids))[:PAGE_SIZE]


def _rows(listed: ShoppingList) -> Iterator[list[object]]:
    for item in listed.items:
        price, cost = (major(one, g.shop.currency) for one in (item.price_minor, item.cost_minor))
        yield [
            "urgent" if item.is_urgent else "wish",
            item.supplier,
            item.brand,
            item.material,
            item.finish,
            item.colour_name,
            " ".join(item.colours),
            item.article_number,
            *(grams_from_mg(mg) for mg in (item.lying_mg, item.promised_mg, item.ordered_mg, item.low_mg)),
            listed.times,
            grams_from_mg(item.missing_mg),
            item.demand,
            item.wished or "",
            item.rolls,
            grams_from_mg(item.spool_mg),
            grams_from_mg(item.buy_mg),
            "" if price is None else price,
            "" if cost is None else cost,
            "" if price is None else g.shop.currency,
            item.url,
        ]
