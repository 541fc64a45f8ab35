"""Spools: the rolls on the shelf and in the printers."""

from typing import Any
from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.units import mg_from_grams
from printfarm.core.web import ViewAnswer, done, page
from printfarm.filament import queries, service
from printfarm.filament.forms import NewSpoolForm, SpoolFactsForm
from printfarm.filament.from_above import loaded_in
from printfarm.filament.views.blueprint import bp, form_again, me, page_number
from printfarm.filament.views.stock import spool_again, spool_context


@bp.get("/spools")
@shop_view(role="viewer")
def spools(db: Session) -> ViewAnswer:
    return page("filament/spools.html", "spool_list", **_spools(db))


@bp.route("/filaments/<uuid:filament_id>/spools/new", methods=["GET", "POST"])
@shop_view(role="operator")
def add_spool(db: Session, filament_id: UUID) -> ViewAnswer:
    known, form = service.find_filament(db, filament_id), NewSpoolForm()
    if not form.validate_on_submit():
        return form_again("filament/edit_spool.html", form=form, filament=known, spool=None)
    made = service.add_spool(
        db, filament_id, weight_mg=mg_from_grams(form.weight.data), facts=form.facts(), user_id=me()
    )
    return done(url_for("filament.spool", spool_id=made.id), message=f"Spool {made.code} added.")


@bp.get("/spools/<uuid:spool_id>")
@shop_view(role="viewer")
def spool(db: Session, spool_id: UUID) -> ViewAnswer:
    return page("filament/spool.html", "spool_page", **spool_context(db, spool_id))


@bp.route("/spools/<uuid:spool_id>/edit", methods=["GET", "POST"])
@shop_view(role="operator")
def edit_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    known = service.find_spool(db, spool_id)
    form = SpoolFactsForm() if request.method == "POST" else SpoolFactsForm.of(known)
    if not form.validate_on_submit():
        return form_again("filament/edit_spool.html", form=form, filament=known.filament, spool=known)
    service.edit_spool(db, spool_id, form.facts())
    return done(url_for("filament.spool", spool_id=spool_id), message="Saved.")


@bp.post("/spools/<uuid:spool_id>/archive")
@shop_view(role="operator")
def archive_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    service.archive_spool(db, spool_id)
    return done(url_for("filament.spools"), message="Spool archived.")


@bp.post("/spools/<uuid:spool_id>/restore")
@shop_view(role="operator")
def restore_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    service.restore_spool(db, spool_id)
    return spool_again(spool_id)


def _spools(db: Session) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "text": request.args.get("q", "").strip(),
        "material": request.args.get("material", ""),
        "low": "low" in request.args,
        "archived": "archived" in request.args,
    }
    found = queries.list_spools(db, page=page_number(), **asked)
    return {
        "found": found,
        "loaded": loaded_in(db, [spool.id for spool in found.items]),
        "asked": asked,
        "materials": queries.materials_in_use(db),
        "totals": queries.stock_totals(db),
        "unassigned": queries.count_unassigned(db),
    }
