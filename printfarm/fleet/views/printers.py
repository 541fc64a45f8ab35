"""The fleet page, one printer's page, and what is done to a printer from there."""

from typing import Any
from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.web import ViewAnswer, done, page, render_block
from printfarm.filament.queries import people
from printfarm.fleet import queries, service
from printfarm.fleet.forms import ControlForm
from printfarm.fleet.from_above import ends_of
from printfarm.fleet.views.blueprint import bp, me
from printfarm.fleet.wall import wall_of

OF_A_RUN = frozenset({"pause", "resume", "stop"})


@bp.get("")
@shop_view(role="viewer")
def show(db: Session) -> ViewAnswer:
    if request.args.get("wall"):
        return page("fleet/wall.html", "wall", wall=wall_of(queries.printer_cards(db)), now=utc_now())
    return page("fleet/show.html", "printer_list", **_fleet(db))


@bp.get("/printers/<uuid:printer_id>")
@shop_view(role="viewer")
def printer(db: Session, printer_id: UUID) -> ViewAnswer:
    return page("fleet/printer.html", "printer_page", **_printer(db, printer_id))


@bp.post("/printers/<uuid:printer_id>/clear-bed")
@shop_view(role="operator")
def clear_bed(db: Session, printer_id: UUID) -> ViewAnswer:
    service.clear_bed(db, printer_id, me())
    return _printer_again(printer_id)


@bp.post("/printers/<uuid:printer_id>/control")
@shop_view(role="operator")
def control_printer(db: Session, printer_id: UUID) -> ViewAnswer:
    form = ControlForm()
    if not form.validate_on_submit():
        raise DomainError("This printer has no such command. Open the page again.")
    run_code = _run_that_is_seen(db, printer_id) if form.action.data in OF_A_RUN else None
    service.control(db, printer_id, form.action.data, run_code=run_code, user_id=me())
    return _printer_again(printer_id, message="Sent to the printer.")


@bp.post("/printers/<uuid:printer_id>/move")
@shop_view(role="admin")
def move_printer(db: Session, printer_id: UUID) -> ViewAnswer:
    service.move_printer(db, printer_id, "up" if request.form.get("direction") == "up" else "down")
    return done(url_for("fleet.show"), lambda db: render_block("fleet/show.html", "printer_list", **_fleet(db)))


@bp.post("/printers/<uuid:printer_id>/maintenance")
@shop_view(role="operator")
def maintain_printer(db: Session, printer_id: UUID) -> ViewAnswer:
    service.set_maintenance(db, printer_id, on=request.form.get("on") == "1")
    return _printer_again(printer_id)


@bp.post("/printers/<uuid:printer_id>/archive")
@shop_view(role="admin")
def archive_printer(db: Session, printer_id: UUID) -> ViewAnswer:
    archived = service.archive_printer(db, printer_id)
    return done(url_for("fleet.show"), message=f"{archived.name} is archived. Its history stays.")


def _run_that_is_seen(db: Session, printer_id: UUID) -> str | None:
    """Our run that the printer works on now: a command that arrives late must not hit the print after it."""
    card = queries.card_of(db, printer_id)
    return card.facts.run_code if card is not None and card.foreign is None else None


def _printer_again(printer_id: UUID, message: str | None = None) -> ViewAnswer:
    """Back to where the person was: the fleet page's card, or the printer's own page."""
    from_fleet = request.form.get("from") == "fleet"
    if from_fleet:
        return done(url_for("fleet.show", _anchor=f"printer-{printer_id}"), lambda db: _card(db, printer_id), message)
    return done(
        url_for("fleet.printer", printer_id=printer_id),
        lambda db: render_block("fleet/printer.html", "printer_page", **_printer(db, printer_id)),
        message,
    )


def _card(db: Session, printer_id: UUID) -> str:
    return render_block("fleet/_card.html", "card", card=queries.card_of(db, printer_id), pushed=False)


def _fleet(db: Session) -> dict[str, Any]:
    cards = queries.printer_cards(db)
    missing = {card.hub.id: card.hub for card in cards if not card.facts.hub_connected}
    return {
        "cards": cards,
        "missing_hubs": list(missing.values()),
        "at_work": sum(card.shows_progress for card in cards),
        "to_clear": sum(not card.printer.bed_cleared for card in cards),
    }


def _printer(db: Session, printer_id: UUID) -> dict[str, Any]:
    card = queries.card_of(db, printer_id, matching=True)
    if card is None:
        raise NotFound("This printer is not here. It may have been archived.")
    return {
        "card": card,
        "ends": ends_of(db, printer_id),
        "past_errors": queries.past_errors(db, printer_id),
        "refusal": queries.last_refusal(db, printer_id),
        "people": people(db),
    }
