"""Filaments: what the shop buys again."""

from typing import Any
from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.web import ViewAnswer, done, page
from printfarm.filament import queries, service
from printfarm.filament.forms import FilamentForm
from printfarm.filament.from_above import loaded_in
from printfarm.filament.views.blueprint import bp, form_again, page_number


@bp.get("/filaments")
@shop_view(role="viewer")
def filaments(db: Session) -> ViewAnswer:
    asked: dict[str, Any] = {"text": request.args.get("q", "").strip(), "archived": "archived" in request.args}
    found = queries.list_filaments(db, page=page_number(), **asked)
    stock = queries.stock_of(db, found.items)
    return page(
        "filament/filaments.html", found=found, stock=stock, asked=asked, unassigned=queries.count_unassigned(db)
    )


@bp.route("/filaments/new", methods=["GET", "POST"])
@shop_view(role="operator")
def add_filament(db: Session) -> ViewAnswer:
    form = FilamentForm()
    if not form.validate_on_submit():
        return form_again("filament/edit_filament.html", form=form, filament=None)
    facts = form.facts()
    made = service.add_filament(db, **vars(facts))
    return done(url_for("filament.add_spool", filament_id=made.id), message="Filament added. Now its first spool?")


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
        ledger=queries.ledger_of(db, filament_id=filament_id, page=page_number()),
        people=queries.people(db),
    )


@bp.route("/filaments/<uuid:filament_id>/edit", methods=["GET", "POST"])
@shop_view(role="operator")
def edit_filament(db: Session, filament_id: UUID) -> ViewAnswer:
    known = service.find_filament(db, filament_id)
    form = FilamentForm() if request.method == "POST" else FilamentForm.of(known)
    if not form.validate_on_submit():
        return form_again("filament/edit_filament.html", form=form, filament=known)
    service.edit_filament(db, filament_id, form.facts())
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
