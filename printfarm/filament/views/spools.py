"""Spools: the rolls on the shelf and in the printers."""

from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.web import ViewAnswer, done, page
from printfarm.filament import service
from printfarm.filament.forms import NewSpoolForm, ReceiveForm, SpoolFactsForm
from printfarm.filament.from_above import labels_page
from printfarm.filament.views.blueprint import bp, form_again, me
from printfarm.filament.views.spool_page import spool_again, spool_context


@bp.route("/filaments/<uuid:filament_id>/spools/new", methods=["GET", "POST"])
@shop_view(role="operator")
def add_spool(db: Session, filament_id: UUID) -> ViewAnswer:
    known = service.find_filament(db, filament_id)
    form = NewSpoolForm() if request.method == "POST" else NewSpoolForm.for_filament(known)
    if not form.validate_on_submit():
        tare_mg = service.empty_spool_mg(db, known)
        return form_again("filament/edit_spool.html", form=form, filament=known, spool=None, tare_mg=tare_mg)
    facts, token = form.new_facts(), form.token.data or ""
    made = service.add_spool(db, filament_id, weight_mg=form.weight_mg, facts=facts, token=token, user_id=me())
    return done(url_for("filament.spool", spool_id=made.id), message=f"Spool {made.code} added.")


@bp.route("/filaments/<uuid:filament_id>/spools/receive", methods=["GET", "POST"])
@shop_view(role="operator")
def receive_spools(db: Session, filament_id: UUID) -> ViewAnswer:
    """Several rolls of one delivery; their labels come next."""
    known = service.find_filament(db, filament_id)
    form = ReceiveForm() if request.method == "POST" else ReceiveForm.for_filament(known, service.today_of(db))
    if not form.validate_on_submit():
        tare_mg = service.empty_spool_mg(db, known)
        return form_again("filament/receive_spools.html", form=form, filament=known, tare_mg=tare_mg)
    made = service.receive_spools(
        db,
        filament_id,
        count=form.count.data,
        weight_mg=form.weight_mg,
        facts=form.facts(form.weight_mg),
        token=form.token.data or "",
        user_id=me(),
    )
    codes = [spool.code for spool in made]
    what = f"Spool {codes[0]} is" if len(codes) == 1 else f"{len(codes)} spools are"
    onwards = labels_page(codes) or url_for("filament.filament", filament_id=filament_id)
    return done(onwards, message=f"{what} in stock. Print the labels and stick them on.")


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
        tare_mg = service.empty_spool_mg(db, known.filament)
        return form_again("filament/edit_spool.html", form=form, filament=known.filament, spool=known, tare_mg=tare_mg)
    service.edit_spool(db, spool_id, form.edited(known))
    return done(url_for("filament.spool", spool_id=spool_id), message="Saved.")


@bp.post("/spools/<uuid:spool_id>/archive")
@shop_view(role="operator")
def archive_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    service.archive_spool(db, spool_id)
    return done(url_for("filament.spools"), message="Spool archived.")


@bp.post("/spools/<uuid:spool_id>/restore")
@shop_view(role="operator")
def restore_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    service.restore_spool(db, spool_id, user_id=me())
    return spool_again(spool_id, "It is back.")
