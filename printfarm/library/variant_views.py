"""Variants: one with all that is known of it, its raw metadata, and what differs between two."""

from uuid import UUID

from flask import Flask, Response, current_app, redirect, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.accounts.models import Shop
from printfarm.core.errors import DomainError
from printfarm.core.fields import one_line
from printfarm.core.signing import file_url
from printfarm.core.tenancy import shop_of
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.files.scans import find_scan
from printfarm.library import deciding, from_above, queries, service
from printfarm.library.costs import costs_of
from printfarm.library.forms import VariantForm
from printfarm.library.metadata import GROUPS
from printfarm.library.views import bp


def install(app: Flask) -> None:
    """The routes below belong to the library's blueprint, which is registered by now."""
    assert bp.name in app.blueprints


@bp.get("/variants/<uuid:variant_id>")
@shop_view(role="viewer")
def variant(db: Session, variant_id: UUID) -> ViewAnswer:
    shown = queries.variant_page(db, variant_id)
    plates = shown.summary.plates
    return page(
        "library/variant.html",
        "variant_body",
        shown=shown,
        scan=find_scan(db, shown.variant.file_id),
        costs=costs_of(plates, shown.filaments, db.get_one(Shop, shop_of(db))),
        others=queries.other_variants(db, shown.variant),
        printers=from_above.printers_for(db, plates),
        prints=from_above.prints_of_plates(db, [plate.id for plate in plates]),
        variant_actions=current_app.extensions["printfarm.variant_actions"],
        plate_facts=_facts_from_above(db, [plate.id for plate in plates]),
    )


def _facts_from_above(db: Session, plate_ids: list[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """What areas above know of plates: term and text, per plate."""
    found: dict[UUID, list[tuple[str, str]]] = {plate_id: [] for plate_id in plate_ids}
    for ask in current_app.extensions["printfarm.plate_facts"]:
        for plate_id, fact in ask(db, plate_ids).items():
            found[plate_id].append(fact)
    return found


@bp.get("/variants/<uuid:variant_id>/metadata")
@shop_view(role="viewer")
def metadata(db: Session, variant_id: UUID) -> ViewAnswer:
    """Everything that the file says about itself. The address holds what is searched."""
    sought, group = one_line(request.args.get("q"))[:200], request.args.get("group", "")
    group = group if group in GROUPS else ""
    args = {"variant_id": variant_id, "q": sought, "group": group}
    return page(
        "library/metadata.html",
        "lines",
        shown=queries.variant_page(db, variant_id),
        found=queries.metadata_page(
            db, variant_id, text=sought, group=group, page=request.args.get("page", 1, type=int)
        ),
        sought=sought,
        group=group,
        args={name: value for name, value in args.items() if value},
    )


@bp.get("/variants/<uuid:variant_id>/compare")
@shop_view(role="viewer")
def choose_other(db: Session, variant_id: UUID) -> ViewAnswer:
    """The form that chooses what to compare with leads to an address that names both."""
    service.find_variant(db, variant_id)
    try:
        other_id = UUID(request.args.get("other", ""))
    except ValueError as problem:
        raise DomainError("Choose which variant to compare it with.") from problem
    service.find_variant(db, other_id)
    return redirect(url_for("library.compare_variants", variant_id=variant_id, other_id=other_id), 303)


@bp.get("/variants/<uuid:variant_id>/compare/<uuid:other_id>")
@shop_view(role="viewer")
def compare_variants(db: Session, variant_id: UUID, other_id: UUID) -> ViewAnswer:
    found = queries.compare(db, variant_id, other_id)
    shop = db.get_one(Shop, shop_of(db))
    both = (found.one, found.other)
    filaments = queries.filaments_of(db, [plate for one in both for plate in one.plates])
    return page(
        "library/compare.html",
        found=found,
        model=service.find_model(db, found.one.variant.model_id),
        others=queries.other_variants(db, found.one.variant),
        costs=[costs_of(one.plates, filaments, shop).total_minor for one in both],
    )


@bp.get("/variants/<uuid:variant_id>/edit")
@shop_view(role="operator")
def edit_variant(db: Session, variant_id: UUID) -> ViewAnswer:
    found = queries.variant_page(db, variant_id)
    form = VariantForm(formdata=None, obj=found.variant)
    return _edit_page(db, found, form, deciding.ask(found.summary.plates))


@bp.post("/variants/<uuid:variant_id>/edit")
@shop_view(role="operator")
def save_variant(db: Session, variant_id: UUID) -> ViewAnswer:
    form = VariantForm()
    found = queries.variant_page(db, variant_id)
    questions = deciding.ask(found.summary.plates, request.form)
    if not all([form.validate(), deciding.is_valid(questions)]):
        return refused(lambda db: _edit_page(db, found, form, questions))
    names = {p.number: one_line(request.form.get(f"plate-{p.number}"))[:120] for p in found.summary.plates}
    deciding.decide(db, found.variant, questions)
    service.edit_variant(db, variant_id, note=form.note.data, plate_names=names)
    return done(url_for("library.variant", variant_id=variant_id), message="Saved.")


def _edit_page(
    db: Session, found: queries.VariantPage, form: VariantForm, questions: list[deciding.NeedQuestion]
) -> Response:
    offered = deciding.offered(db, questions)
    return page("library/variant_edit.html", shown=found, form=form, questions=questions, offered=offered)


@bp.get("/variants/<uuid:variant_id>/file")
@shop_view(role="viewer")
def download_variant(db: Session, variant_id: UUID) -> ViewAnswer:
    """The file as it came, by a link that is signed now and works for an hour."""
    found = service.find_variant(db, variant_id)
    return redirect(file_url(found.shop_id, found.file_id), 303)
