"""Which roll lies where."""

from typing import Any
from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.web import ViewAnswer, done, page, render_block
from printfarm.filament.queries import list_spools
from printfarm.fleet import queries, service
from printfarm.fleet.forms import ConfirmForm, SpoolForm
from printfarm.fleet.models import PrinterSlot
from printfarm.fleet.views.blueprint import bp, page_number


@bp.get("/slots/<uuid:slot_id>")
@shop_view(role="operator")
def slot(db: Session, slot_id: UUID) -> ViewAnswer:
    return page("fleet/slot.html", "slot_page", **_slot(db, slot_id))


@bp.post("/slots/<uuid:slot_id>")
@shop_view(role="operator")
def assign_spool(db: Session, slot_id: UUID) -> ViewAnswer:
    form = SpoolForm()
    if not form.validate_on_submit():
        raise DomainError("Choose a spool from the list.")
    assigned = service.assign_spool(db, slot_id, UUID(form.spool_id.data) if form.spool_id.data else None)
    spool = assigned.slot.spool
    if spool is None:
        message = f"{assigned.slot.label} is empty now."
    elif assigned.came_from:
        message = f"Spool {spool.code} is in {assigned.slot.label}, moved from {assigned.came_from}."
    else:
        message = f"Spool {spool.code} is in {assigned.slot.label}."
    return _back(assigned.slot, message)


@bp.post("/slots/<uuid:slot_id>/confirm")
@shop_view(role="operator")
def confirm_spool(db: Session, slot_id: UUID) -> ViewAnswer:
    form = ConfirmForm()
    if not form.validate_on_submit():
        raise DomainError("Say which spool it is. Open the page again.")
    assigned = service.confirm_spool(db, slot_id, UUID(form.spool_id.data), form.tag.data or None)
    slot, spool = assigned.slot, assigned.slot.spool
    assert spool is not None
    chip = " Printers know it by its chip from now on." if form.tag.data else ""
    return _back(slot, f"Spool {spool.code} is in {slot.label}.{chip}")


@bp.post("/slots/<uuid:slot_id>/forget-chip")
@shop_view(role="operator")
def forget_chip(db: Session, slot_id: UUID) -> ViewAnswer:
    form = ConfirmForm()
    if not form.validate_on_submit():
        raise DomainError("Say which spool it is. Open the page again.")
    slot = service.forget_chip(db, slot_id, UUID(form.spool_id.data))
    return _back(slot, "Forgotten: that chip names no spool any more.")


@bp.get("/rolls")
@shop_view(role="viewer")
def rolls(db: Session) -> ViewAnswer:
    """Where all rolls are."""
    return page("fleet/rolls.html", "roll_list", **_rolls(db))


def _rolls(db: Session) -> dict[str, Any]:
    found = queries.page_of_printers(db, page_number())
    return {"found": found, "cards": queries.printer_cards(db, [one.id for one in found.items], matching=True)}


def _back(slot: PrinterSlot, message: str) -> ViewAnswer:
    """To the page where the person was: the list of all rolls, or the printer's."""
    if request.form.get("from") == "rolls":
        number = page_number()
        here = url_for("fleet.rolls", page=number if number > 1 else None)
        return done(here, lambda db: render_block("fleet/rolls.html", "roll_list", **_rolls(db)), message)
    return done(url_for("fleet.printer", printer_id=slot.printer_id), message=message)


def _slot(db: Session, slot_id: UUID) -> dict[str, Any]:
    place = service.find_slot(db, slot_id)
    text = request.args.get("q", "").strip()
    found = list_spools(db, text=text, page=page_number())
    return {
        "slot": place,
        "printer": service.find_printer(db, place.printer_id),
        "found": found,
        "text": text,
        "lying": queries.where_spools_lie(db, [spool.id for spool in found.items]),
        "match": service.match_slots(db, [place])[place.id],
    }
