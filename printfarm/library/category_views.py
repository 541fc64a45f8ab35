"""The shop's own categories."""

from uuid import UUID

from flask import Flask, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.fields import one_line
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.library import queries, service
from printfarm.library.forms import CategoryForm
from printfarm.library.models import CATEGORIES
from printfarm.library.views import bp


def install(app: Flask) -> None:
    """The routes below belong to the library's blueprint, which is registered by now."""
    assert bp.name in app.blueprints


@bp.get("/categories")
@shop_view(role="operator")
def categories(db: Session) -> ViewAnswer:
    return _categories(db, CategoryForm(formdata=None))


@bp.post("/categories")
@shop_view(role="operator")
def add_category(db: Session) -> ViewAnswer:
    form = CategoryForm()
    if not form.validate():
        return refused(lambda db: _categories(db, form))
    added = service.add_category(db, form.name.data)
    return done(url_for("library.categories"), message=f"{added.name} is a category now.")


@bp.post("/categories/<uuid:category_id>")
@shop_view(role="operator")
def rename_category(db: Session, category_id: UUID) -> ViewAnswer:
    service.find_category(db, category_id)
    form = CategoryForm()
    if not form.validate():
        return refused(lambda db: _categories(db, form))
    service.rename_category(db, category_id, form.name.data)
    return done(url_for("library.categories"), message="Renamed; its models follow.")


@bp.post("/categories/<uuid:category_id>/remove")
@shop_view(role="operator")
def remove_category(db: Session, category_id: UUID) -> ViewAnswer:
    moved = service.remove_category(db, category_id, move_to=one_line(request.form.get("move_to")))
    what = "" if moved == 0 else " 1 model moved." if moved == 1 else f" {moved} models moved."
    return done(url_for("library.categories"), message=f"The category is gone.{what}")


def _categories(db: Session, form: CategoryForm) -> ResponseReturnValue:
    mine = service.own_categories(db)
    return page(
        "library/categories.html",
        form=form,
        mine=mine,
        everybodys=CATEGORIES,
        counts=queries.models_in(db, [*CATEGORIES, *(category.name for category in mine)]),
        choices=service.category_choices(db),
    )
