"""Filaments: what the shop buys again."""

from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.web import Deferred, ViewAnswer, done, page
from printfarm.filament import catalogue, queries, service
from printfarm.filament.forms import ColourForm, FilamentForm
from printfarm.filament.from_above import loaded_in
from printfarm.filament.materials import FINISHES
from printfarm.filament.models import MATERIALS
from printfarm.filament.views.blueprint import bp, page_number
from printfarm.filament.views.ledger import ledger_context


@bp.get("/filaments")
@shop_view(role="viewer")
def filaments(db: Session) -> ViewAnswer:
    order = request.args.get("order", "name")
    asked: dict[str, Any] = {
        "text": request.args.get("q", "").strip(),
        "material": request.args.get("material", ""),
        "brand": request.args.get("brand", ""),
        "archived": "archived" in request.args,
        "order": order if order in queries.ORDERS else "name",
    }
    found = queries.list_filaments(db, page=page_number(), **asked)
    return page(
        "filament/filaments.html",
        found=found,
        stock=queries.stock_of(db, found.items),
        asked=asked,
        materials=queries.materials_in_use(db),
        brands=queries.brand_names(db),
        unassigned=queries.count_unassigned(db),
    )


@bp.route("/filaments/new", methods=["GET", "POST"])
@shop_view(role="operator")
def add_filament(db: Session) -> ViewAnswer:
    """`like`: a colour of the catalogue, by its key."""
    entry = catalogue.find_entry(request.args.get("like", "")) if request.method == "GET" else None
    form = FilamentForm.like(entry) if entry else FilamentForm()
    if not form.validate_on_submit():
        return _form_page(db, form, None)
    try:
        made = service.add_filament(db, **vars(form.facts()))
    except service.AlreadyHere as twin:
        return _twin_page(form, None, twin)
    near = queries.similar_filaments(db, made.material, made.colour_hex, but=made.id)
    if near:
        said = f"Filament added. It looks like {service.name_of(near[0].filament)}, which you have."
        return done(url_for("filament.filament", filament_id=made.id), message=said)
    return done(url_for("filament.add_spool", filament_id=made.id), message="Filament added. Now its first spool?")


@bp.get("/filaments/similar")
@shop_view(role="operator")
def similar_filaments(db: Session) -> ViewAnswer:
    """What is there in nearly this colour, asked while somebody fills in the form."""
    form = ColourForm(request.args)
    return page("filament/similar.html", "similar", similar=_similar(db, form) if form.validate() else [])


@bp.get("/filaments/<uuid:filament_id>")
@shop_view(role="viewer")
def filament(db: Session, filament_id: UUID) -> ViewAnswer:
    found = service.find_filament(db, filament_id)
    spools = queries.spools_of(db, filament_id)
    return page(
        "filament/filament.html",
        filament=found,
        stock=queries.stock_of(db, [found])[0],
        spools=spools,
        loaded=loaded_in(db, [spool.id for spool in spools]),
        **ledger_context(db, queries.ledger_of(db, filament_id=filament_id, page=page_number())),
        similar=queries.similar_filaments(db, found.material, found.colour_hex, but=found.id),
        empty_spool_mg=service.empty_spool_mg(db, found),
    )


@bp.route("/filaments/<uuid:filament_id>/edit", methods=["GET", "POST"])
@shop_view(role="operator")
def edit_filament(db: Session, filament_id: UUID) -> ViewAnswer:
    known = service.find_filament(db, filament_id)
    form = FilamentForm() if request.method == "POST" else FilamentForm.of(known)
    if not form.validate_on_submit():
        return _form_page(db, form, filament_id)
    try:
        service.edit_filament(db, filament_id, form.facts())
    except service.AlreadyHere as twin:
        return _twin_page(form, filament_id, twin)
    return done(url_for("filament.filament", filament_id=filament_id), message="Saved.")


@bp.post("/filaments/<uuid:filament_id>/archive")
@shop_view(role="operator")
def archive_filament(db: Session, filament_id: UUID) -> ViewAnswer:
    service.archive_filament(db, filament_id)
    return done(url_for("filament.filaments"), message="Archived.")


@bp.post("/filaments/<uuid:filament_id>/restore")
@shop_view(role="operator")
def restore_filament(db: Session, filament_id: UUID) -> ViewAnswer:
    service.restore_filament(db, filament_id)
    return done(url_for("filament.filament", filament_id=filament_id), message="Restored.")


def _form_page(db: Session, form: FilamentForm, filament_id: UUID | None) -> ViewAnswer:
    if request.method == "GET":
        return _shown(db, form, filament_id)
    return Deferred(lambda db: _shown(db, form, filament_id), status=422, keep=False)


def _twin_page(form: FilamentForm, filament_id: UUID | None, twin: service.AlreadyHere) -> ViewAnswer:
    """The form again, with the way to the filament that is there already."""
    form.form_errors = [twin.sentence]
    return Deferred(lambda db: _shown(db, form, filament_id, twin.twin_id), status=twin.status, keep=False)


def _shown(db: Session, form: FilamentForm, filament_id: UUID | None, twin_id: UUID | None = None) -> Response:
    known = service.find_filament(db, filament_id) if filament_id else None
    return page("filament/edit_filament.html", **_choices(db, form), form=form, filament=known, twin_id=twin_id)


def _choices(db: Session, form: FilamentForm) -> dict[str, Any]:
    """What the form offers."""
    asked = ColourForm(data={name: getattr(form, name).data for name in ("material", "colour_hex", "preset")})
    return {
        "materials": MATERIALS,
        "finishes": FINISHES,
        "brands": list(dict.fromkeys((*queries.brand_names(db), *catalogue.brands()))),
        "similar": _similar(db, asked) if asked.validate() else [],
    }


def _similar(db: Session, form: ColourForm) -> list[queries.FilamentMatch]:
    found = queries.similar_filaments(db, form.material.data, form.colour())
    return [one for one in found if str(one.filament.id) != form.filament.data]
