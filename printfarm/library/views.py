"""Models and variants."""

from uuid import UUID

from babel.numbers import get_currency_precision
from flask import Blueprint, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.signing import file_url
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.library import queries, service
from printfarm.library.forms import CATEGORY_CHOICES, ModelForm, VariantForm, one_line

bp = Blueprint("library", __name__, url_prefix="/library")


@bp.get("/")
@shop_view(role="viewer")
def models(db: Session) -> ViewAnswer:
    asked = _asked_models()
    found = queries.list_models(
        db,
        text=asked["q"],
        category=asked["category"],
        archived=asked["show"] == "archived",
        sort=asked["sort"],
        page=request.args.get("page", 1, type=int),
    )
    args = {name: value for name, value in asked.items() if value}
    return page("library/models.html", "model_list", models=found, asked=asked, args=args, categories=CATEGORY_CHOICES)


def _asked_models() -> dict[str, str]:
    return {name: one_line(request.args.get(name)) for name in ("q", "category", "show", "sort")}


@bp.get("/models/<uuid:model_id>")
@shop_view(role="viewer")
def model(db: Session, model_id: UUID) -> ViewAnswer:
    found = service.find_model(db, model_id)
    variants = queries.newest_variants(db, model_id, request.args.get("page", 1, type=int))
    return page("library/model.html", "variant_list", model=found, variants=variants)


@bp.get("/models/<uuid:model_id>/edit")
@shop_view(role="operator")
def edit_model(db: Session, model_id: UUID) -> ViewAnswer:
    found = service.find_model(db, model_id)
    form = ModelForm(formdata=None, obj=found, picture=str(found.picture_id or ""))
    return _model_form(db, model_id, form)


@bp.post("/models/<uuid:model_id>/edit")
@shop_view(role="operator")
def save_model(db: Session, model_id: UUID) -> ViewAnswer:
    form = ModelForm()
    service.find_model(db, model_id)
    if not form.validate():
        return refused(lambda db: _model_form(db, model_id, form))
    service.edit_model(db, model_id, form.facts(), picture_id=form.picture_id())
    return done(url_for("library.model", model_id=model_id), message="Saved.")


@bp.post("/models/<uuid:model_id>/archive")
@shop_view(role="operator")
def archive_model(db: Session, model_id: UUID) -> ViewAnswer:
    service.archive_model(db, model_id)
    return done(url_for("library.model", model_id=model_id), message="Put into the archive.")


@bp.post("/models/<uuid:model_id>/restore")
@shop_view(role="operator")
def restore_model(db: Session, model_id: UUID) -> ViewAnswer:
    service.restore_model(db, model_id)
    return done(url_for("library.model", model_id=model_id), message="Taken out of the archive.")


@bp.get("/variants/<uuid:variant_id>")
@shop_view(role="viewer")
def variant(db: Session, variant_id: UUID) -> ViewAnswer:
    sought = one_line(request.args.get("metadata"))
    shown = queries.variant_page(db, variant_id)
    return page(
        "library/variant.html",
        "metadata" if request.headers.get("HX-Target") == "metadata" else "variant_body",
        shown=shown,
        cost=queries.cost_of(shown, 10 ** get_currency_precision(g.shop.currency)),
        metadata=queries.metadata_of(db, variant_id, sought),
        sought=sought,
        variant_actions=current_app.extensions["printfarm.variant_actions"],
        plate_facts=_facts_from_above(db, [plate.id for plate in shown.summary.plates]),
    )


def _facts_from_above(db: Session, plate_ids: list[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """What areas above know of plates: term and text, per plate."""
    found: dict[UUID, list[tuple[str, str]]] = {plate_id: [] for plate_id in plate_ids}
    for ask in current_app.extensions["printfarm.plate_facts"]:
        for plate_id, fact in ask(db, plate_ids).items():
            found[plate_id].append(fact)
    return found


@bp.get("/variants/<uuid:variant_id>/compare/<uuid:other_id>")
@shop_view(role="viewer")
def compare_variants(db: Session, variant_id: UUID, other_id: UUID) -> ViewAnswer:
    found = queries.compare(db, variant_id, other_id)
    model = service.find_model(db, found.one.model_id)
    return page("library/compare.html", found=found, model=model)


@bp.get("/variants/<uuid:variant_id>/edit")
@shop_view(role="operator")
def edit_variant(db: Session, variant_id: UUID) -> ViewAnswer:
    found = queries.variant_page(db, variant_id)
    return page("library/variant_edit.html", shown=found, form=VariantForm(formdata=None, obj=found.variant))


@bp.post("/variants/<uuid:variant_id>/edit")
@shop_view(role="operator")
def save_variant(db: Session, variant_id: UUID) -> ViewAnswer:
    form = VariantForm()
    found = queries.variant_page(db, variant_id)
    if not form.validate():
        return refused(lambda _db: page("library/variant_edit.html", shown=found, form=form))
    names = {p.number: one_line(request.form.get(f"plate-{p.number}"))[:120] for p in found.summary.plates}
    service.edit_variant(db, variant_id, note=form.note.data, plate_names=names)
    return done(url_for("library.variant", variant_id=variant_id), message="Saved.")


@bp.get("/variants/<uuid:variant_id>/file")
@shop_view(role="viewer")
def download_variant(db: Session, variant_id: UUID) -> ViewAnswer:
    """The file as it came, by a link that is signed now and works for an hour."""
    found = service.find_variant(db, variant_id)
    return redirect(file_url(found.shop_id, found.file_id), 303)


def _model_form(db: Session, model_id: UUID, form: ModelForm) -> ResponseReturnValue:
    found = service.find_model(db, model_id)
    return page("library/model_edit.html", model=found, form=form, pictures=service.pictures_of(db, model_id))
