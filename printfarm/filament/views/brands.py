"""Brands: their empty spools, their pages, and two that turn out to be one."""

from uuid import UUID

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import NotFound
from printfarm.core.web import Deferred, ViewAnswer, done, page
from printfarm.filament import queries, service
from printfarm.filament.forms import BrandForm
from printfarm.filament.models import Brand
from printfarm.filament.views.blueprint import bp, page_number


@bp.get("/brands")
@shop_view(role="viewer")
def brands(db: Session) -> ViewAnswer:
    text = request.args.get("q", "").strip()
    return page(
        "filament/brands.html",
        found=queries.list_brands(db, text=text, page=page_number()),
        asked={"text": text},
        unassigned=queries.count_unassigned(db),
    )


@bp.route("/brands/new", methods=["GET", "POST"])
@shop_view(role="operator")
def add_brand(db: Session) -> ViewAnswer:
    form = BrandForm()
    if not form.validate_on_submit():
        return _form_page(db, form)
    try:
        made = service.add_brand(db, form.facts())
    except service.BrandTaken as taken:
        return _form_page(db, form, taken=taken)
    return done(url_for("filament.brands"), message=f"{made.name} added.")


@bp.route("/brands/<uuid:brand_id>", methods=["GET", "POST"])
@shop_view(role="operator")
def edit_brand(db: Session, brand_id: UUID) -> ViewAnswer:
    """A name that another brand has is a question: are the two one?"""
    brand = service.find_brand(db, brand_id)
    form = BrandForm() if request.method == "POST" else BrandForm.of(brand)
    if not form.validate_on_submit():
        return _form_page(db, form, brand_id)
    if into := _to_merge_into(db, form):
        kept = service.merge_brands(db, brand_id, into.id)
        return done(url_for("filament.brands"), message=f"All filaments are {kept.name} now.")
    try:
        service.edit_brand(db, brand_id, form.facts())
    except service.BrandTaken as taken:
        return _form_page(db, form, brand_id, taken)
    return done(url_for("filament.brands"), message="Saved.")


@bp.post("/brands/<uuid:brand_id>/remove")
@shop_view(role="operator")
def remove_brand(db: Session, brand_id: UUID) -> ViewAnswer:
    service.remove_brand(db, brand_id)
    return done(url_for("filament.brands"), message="Removed.")


def _to_merge_into(db: Session, form: BrandForm) -> Brand | None:
    """The brand that a person agreed to, if it still has the name that was typed."""
    try:
        other = service.find_brand(db, UUID(form.merge.data or ""))
    except (ValueError, NotFound):
        return None
    return other if other.name.lower() == form.name.data.lower() else None


def _form_page(
    db: Session, form: BrandForm, brand_id: UUID | None = None, taken: service.BrandTaken | None = None
) -> ViewAnswer:
    if request.method == "GET":
        return _shown(db, form, brand_id, None)
    other_id = taken.other_id if taken else None
    return Deferred(lambda db: _shown(db, form, brand_id, other_id), status=taken.status if taken else 422, keep=False)


def _shown(db: Session, form: BrandForm, brand_id: UUID | None, other_id: UUID | None) -> Response:
    """`other`: the brand that has the name already."""
    line = queries.brand_line(db, service.find_brand(db, brand_id)) if brand_id else None
    other = service.find_brand(db, other_id) if other_id else None
    return page("filament/edit_brand.html", form=form, brand=line.brand if line else None, line=line, other=other)
