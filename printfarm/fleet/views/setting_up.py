"""Adding and editing a printer, trying it, trusting a new certificate."""

from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.web import ViewAnswer, done, page, refused
from printfarm.fleet import queries, service
from printfarm.fleet.forms import PrinterForm
from printfarm.fleet.models import Hub
from printfarm.fleet.service import trials
from printfarm.fleet.service.printers import printer_in_use, settings_known
from printfarm.fleet.views.blueprint import bp, me
from printfarm.fleet.words import TRY_STEPS


@bp.route("/printers/new", methods=["GET", "POST"])
@shop_view(role="admin")
def add_printer(db: Session) -> ViewAnswer:
    return _edit(db, None)


@bp.route("/printers/<uuid:printer_id>/edit", methods=["GET", "POST"])
@shop_view(role="admin")
def edit_printer(db: Session, printer_id: UUID) -> ViewAnswer:
    return _edit(db, printer_id)


@bp.get("/trials/<uuid:trial_id>")
@shop_view(role="admin")
def trial(db: Session, trial_id: UUID) -> ViewAnswer:
    return page("fleet/trial.html", "trial_page", **_trial(db, trial_id))


@bp.post("/trials/<uuid:trial_id>/save")
@shop_view(role="admin")
def save_trial(db: Session, trial_id: UUID) -> ViewAnswer:
    saved = service.save_trial(db, trial_id)
    return done(url_for("fleet.printer", printer_id=saved.id), message=f"{saved.name} is saved.")


@bp.post("/trials/<uuid:trial_id>/again")
@shop_view(role="admin")
def try_again(db: Session, trial_id: UUID) -> ViewAnswer:
    again = trials.repeat_trial(db, trial_id, user_id=me())
    return done(url_for("fleet.trial", trial_id=again.id))


@bp.post("/printers/<uuid:printer_id>/trust")
@shop_view(role="admin")
def trust_certificate(db: Session, printer_id: UUID) -> ViewAnswer:
    """Look at the certificate that the printer shows now; saving the trial trusts it."""
    known = service.lock_printer(db, printer_id)
    asked = service.start_trial(db, settings_known(known), printer_id=printer_id, pinned=False, user_id=me())
    return done(url_for("fleet.trial", trial_id=asked.id))


def _edit(db: Session, printer_id: UUID | None) -> ViewAnswer:
    hubs = [hub for hub, _ in queries.list_hubs(db)]
    form = _filled(db, printer_id).offer_hubs(hubs)
    if request.method == "GET":
        return _form_page(db, form, hubs, printer_id)
    if not form.validate_on_submit():
        return refused(lambda db: _form_page(db, form, hubs, printer_id))
    try:
        settings = form.settings(_code_of_trial(db, form))
        if request.form.get("then") == "try":
            asked = service.start_trial(db, settings, printer_id=printer_id, user_id=me())
            return done(url_for("fleet.trial", trial_id=asked.id))
        saved = service.edit_printer(db, printer_id, settings) if printer_id else service.add_printer(db, settings)
    except service.SerialTaken as problem:
        form.serial.errors = [problem.sentence]
    except service.CodeMissing as problem:
        form.access_code.errors = [problem.sentence]
    except service.InUse as problem:
        form.form_errors.append(problem.sentence)
    else:
        return done(url_for("fleet.printer", printer_id=saved.id), message=f"{saved.name} is saved.")
    return refused(lambda db: _form_page(db, form, hubs, printer_id))


def _filled(db: Session, printer_id: UUID | None) -> PrinterForm:
    """The form as it was sent, or filled with what is known: a trial that goes on, or the printer."""
    if request.method == "POST":
        return PrinterForm()
    trial_id = request.args.get("trial", type=UUID)
    if trial_id is not None:
        tried = service.find_trial(db, trial_id)
        return PrinterForm.of(trials.settings_of(tried), trial_id=tried.id)
    return PrinterForm.of(printer_in_use(db, printer_id)) if printer_id else PrinterForm()


def _code_of_trial(db: Session, form: PrinterForm) -> str:
    """The access code that was typed before the trial; nobody needs to type it twice."""
    if not form.trial_id.data:
        return ""
    return trials.code_of(service.find_trial(db, UUID(form.trial_id.data)))


def _form_page(db: Session, form: PrinterForm, hubs: list[Hub], printer_id: UUID | None) -> Response:
    known = service.find_printer(db, printer_id) if printer_id else None
    return page("fleet/edit_printer.html", form=form, hubs=hubs, printer=known)


def _trial(db: Session, trial_id: UUID) -> dict[str, Any]:
    tried = service.find_trial(db, trial_id)
    printer = service.find_printer(db, tried.printer_id) if tried.printer_id else None
    command = service.find_command(db, tried.command_id) if tried.command_id else None
    if command is None:
        raise DomainError("This trial was never sent. Try again.")
    return {
        "trial": tried,
        "asked": trials.settings_of(tried),
        "printer": printer,
        "command": command,
        "hub_connected": service.find_hub(db, tried.hub_id).is_connected(),
        "step_words": TRY_STEPS,
        "can_save": bool(tried.access_code_sealed) and tried.answered_at is not None,
    }
