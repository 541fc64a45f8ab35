"""Into which slot of which printer a spool goes: by two scans, or by choosing what was not scanned."""

from typing import Any
from uuid import UUID

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import InputRequired

from printfarm.accounts.access import role_allows, shop_view
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.tenancy import shop_of
from printfarm.core.web import ViewAnswer, done, page
from printfarm.filament.models import Spool
from printfarm.fleet import service as fleet
from printfarm.fleet.forms import is_id
from printfarm.fleet.models import Printer
from printfarm.fleet.queries import card_of
from printfarm.floor import queries
from printfarm.floor.blueprint import bp
from printfarm.floor.codes import code_in
from printfarm.floor.remembering import PRINTER, SPOOL, forget, remember, remembered


class LoadForm(FlaskForm):  # type: ignore[misc]
    spool_id = StringField(validators=[InputRequired(), is_id])
    slot_id = StringField(validators=[InputRequired(), is_id])


def pair_with(db: Session, found: Spool | Printer) -> str | None:
    """The page that loads the spool of two scans into the printer of the other, and None for the first of two. Only for those
    who may load; others look at one thing and then at another.
    """
    if not role_allows(g.role, "operator"):
        return None
    before = remembered(shop_of(db))
    remember(shop_of(db), found)
    now = PRINTER if isinstance(found, Printer) else SPOOL
    if before is None or before.wants != now:
        return None
    codes: dict[str, Any] = {before.kind: before.code, now: found.code}
    return url_for("floor.load", **codes)


@bp.get("/load")
@shop_view(role="operator")
def load(db: Session) -> ViewAnswer:
    """What is known of the two stands in the address; what is missing is scanned or chosen."""
    spool, printer = _named(db, SPOOL), _named(db, PRINTER)
    if (spool is not None and not isinstance(spool, Spool)) or (
        printer is not None and not isinstance(printer, Printer)
    ):
        raise NotFound("A spool's label has six letters and digits, a printer's five. Scan the label again.")
    if spool is None and printer is None:
        return redirect(url_for("floor.scan"), 303)
    if spool is not None and printer is not None:
        return page("floor/load.html", **_slots(db, spool, printer))
    one = spool or printer
    assert one is not None
    remember(shop_of(db), one)
    wanted = "printers" if spool is not None else "spools"
    asked = queries.Asked(
        what=wanted, text=request.args.get("q", "").strip(), page=request.args.get("page", 1, type=int)
    )
    found = queries.choose_from(db, asked)
    return page("floor/load_second.html", spool=spool, printer=printer, found=found, asked=asked)


@bp.post("/load")
@shop_view(role="operator")
def load_spool(db: Session) -> ViewAnswer:
    form = LoadForm()
    if not form.validate_on_submit():
        raise DomainError("Choose the slot from the page. Scan the labels again.")
    assigned = fleet.assign_spool(db, UUID(form.slot_id.data), UUID(form.spool_id.data))
    forget()
    slot, spool = assigned.slot, assigned.slot.spool
    moved = f", moved from {assigned.came_from}" if assigned.came_from else ""
    message = f"Spool {spool.code if spool else ''} is in {slot.label}{moved}."
    return done(url_for("fleet.printer", printer_id=slot.printer_id), message=message)


@bp.post("/load/cancel")
@shop_view(role="operator")
def cancel_load(db: Session) -> ResponseReturnValue:
    """Forget the first scan, and open what was scanned last."""
    forget()
    text = request.form.get("code", "")
    if not text:
        return redirect(url_for("floor.scan"), 303)
    found = _behind(db, text)
    if isinstance(found, Printer):
        return redirect(url_for("fleet.printer", printer_id=found.id), 303)
    return redirect(url_for("filament.spool", spool_id=found.id), 303)


def _named(db: Session, kind: str) -> Spool | Printer | None:
    text = request.args.get(kind, "")
    return _behind(db, text) if text else None


def _behind(db: Session, text: str) -> Spool | Printer:
    code = code_in(text)
    found = queries.behind(db, code) if code else None
    if found is None:
        raise NotFound("What this label was on is not here. It may have been removed.")
    return found


def _slots(db: Session, spool: Spool, printer: Printer) -> dict[str, Any]:
    card = card_of(db, printer.id, matching=True)
    if card is None:
        raise NotFound("This printer is not here. It may have been archived.")
    likely = [
        place.slot.id
        for place in card.slots
        if place.match is not None and (place.match.chip_of == spool or spool in place.match.looks_like)
    ]
    return {"spool": spool, "printer": printer, "card": card, "likely": likely}
