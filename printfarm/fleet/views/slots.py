"""Which roll lies where."""

from typing import Any
from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.web import ViewAnswer, done, page
from printfarm.filament.queries import list_spools
from printfarm.fleet import queries, service
from printfarm.fleet.forms import SpoolForm
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
    return done(url_for("fleet.printer", printer_id=assigned.slot.printer_id), message=message)


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
        "warning": service.contradiction(place),
    }
