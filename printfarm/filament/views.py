"""Filament, spools and their ledger."""

from typing import Any
from uuid import UUID

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.units import mg_from_grams
from printfarm.core.web import Deferred, ViewAnswer, done, is_fragment, page, refused, render_block
from printfarm.filament import queries, service
from printfarm.filament.forms import FilamentForm, NewSpoolForm, ResolveForm, SpoolFactsForm, WeighForm
from printfarm.filament.from_above import loaded_in
from printfarm.filament.models import MATERIALS

bp = Blueprint("filament", __name__, url_prefix="/filament")


@bp.get("/spools")
@shop_view(role="viewer")
def spools(db: Session) -> ViewAnswer:
    return page("filament/spools.html", "spool_list", **_spools(db))


@bp.get("/filaments")
@shop_view(role="viewer")
def filaments(db: Session) -> ViewAnswer:
    asked: dict[str, Any] = {"text": request.args.get("q", "").strip(), "archived": "archived" in request.args}
    found = queries.list_filaments(db, page=_page(), **asked)
    stock = queries.stock_of(db, found.items)
    return page(
        "filament/filaments.html", found=found, stock=stock, asked=asked, unassigned=queries.count_unassigned(db)
    )


@bp.route("/filaments/new", methods=["GET", "POST"])
@shop_view(role="operator")
def add_filament(db: Session) -> ViewAnswer:
    form = FilamentForm()
    if not form.validate_on_submit():
        return _again("filament/edit_filament.html", form=form, filament=None)
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
        ledger=queries.ledger_of(db, filament_id=filament_id, page=_page()),
        people=queries.people(db),
    )


@bp.route("/filaments/<uuid:filament_id>/edit", methods=["GET", "POST"])
@shop_view(role="operator")
def edit_filament(db: Session, filament_id: UUID) -> ViewAnswer:
    known = service.find_filament(db, filament_id)
    form = FilamentForm() if request.method == "POST" else FilamentForm.of(known)
    if not form.validate_on_submit():
        return _again("filament/edit_filament.html", form=form, filament=known)
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


@bp.route("/filaments/<uuid:filament_id>/spools/new", methods=["GET", "POST"])
@shop_view(role="operator")
def add_spool(db: Session, filament_id: UUID) -> ViewAnswer:
    known, form = service.find_filament(db, filament_id), NewSpoolForm()
    if not form.validate_on_submit():
        return _again("filament/edit_spool.html", form=form, filament=known, spool=None)
    made = service.add_spool(
        db, filament_id, weight_mg=mg_from_grams(form.weight.data), facts=form.facts(), user_id=_me()
    )
    return done(url_for("filament.spool", spool_id=made.id), message=f"Spool {made.code} added.")


@bp.get("/spools/<uuid:spool_id>")
@shop_view(role="viewer")
def spool(db: Session, spool_id: UUID) -> ViewAnswer:
    return page("filament/spool.html", "spool_page", **_spool(db, spool_id))


@bp.route("/spools/<uuid:spool_id>/edit", methods=["GET", "POST"])
@shop_view(role="operator")
def edit_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    known = service.find_spool(db, spool_id)
    form = SpoolFactsForm() if request.method == "POST" else SpoolFactsForm.of(known)
    if not form.validate_on_submit():
        return _again("filament/edit_spool.html", form=form, filament=known.filament, spool=known)
    service.edit_spool(db, spool_id, form.facts())
    return done(url_for("filament.spool", spool_id=spool_id), message="Saved.")


@bp.post("/spools/<uuid:spool_id>/weigh")
@shop_view(role="operator")
def weigh_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    """A refusal shows the spool again with what was typed."""
    form = WeighForm()

    def again(db: Session) -> ResponseReturnValue:
        return page("filament/spool.html", "spool_page", **_spool(db, spool_id, form=form))

    if not form.validate_on_submit():
        return refused(again)
    reason = (form.reason.data or "").strip()
    try:
        service.WEIGHINGS[form.what.data](db, spool_id, mg_from_grams(form.grams.data), reason=reason, user_id=_me())
    except DomainError as problem:
        if is_fragment():  # the form still stands there; a toast says why
            raise
        form.grams.errors = [problem.sentence]
        return Deferred(again, status=problem.status, keep=False)
    return _spool_again(spool_id)


@bp.post("/entries/<uuid:entry_id>/undo")
@shop_view(role="operator")
def undo_entry(db: Session, entry_id: UUID) -> ViewAnswer:
    counter = service.undo_entry(db, entry_id, user_id=_me())
    if counter.spool_id is None:
        return done(url_for("filament.unassigned"), message="Undone.")
    return _spool_again(counter.spool_id)


@bp.post("/spools/<uuid:spool_id>/archive")
@shop_view(role="operator")
def archive_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    service.archive_spool(db, spool_id)
    return done(url_for("filament.spools"), message="Spool archived.")


@bp.post("/spools/<uuid:spool_id>/restore")
@shop_view(role="operator")
def restore_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    service.restore_spool(db, spool_id)
    return _spool_again(spool_id)


@bp.get("/unassigned")
@shop_view(role="viewer")
def unassigned(db: Session) -> ViewAnswer:
    return page("filament/unassigned.html", "waiting", **_unassigned(db))


@bp.post("/entries/<uuid:entry_id>/resolve")
@shop_view(role="operator")
def resolve(db: Session, entry_id: UUID) -> ViewAnswer:
    form = ResolveForm()
    if not form.validate_on_submit():
        raise DomainError("Choose the spool that the filament came from.")
    service.resolve_unassigned(db, entry_id, UUID(form.spool_id.data), user_id=_me())
    return done(
        url_for("filament.unassigned"),
        lambda db: render_block("filament/unassigned.html", "waiting", **_unassigned(db)),
        message="Booked to the spool.",
    )


def _spools(db: Session) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "text": request.args.get("q", "").strip(),
        "material": request.args.get("material", ""),
        "low": "low" in request.args,
        "archived": "archived" in request.args,
    }
    found = queries.list_spools(db, page=_page(), **asked)
    return {
        "found": found,
        "loaded": loaded_in(db, [spool.id for spool in found.items]),
        "asked": asked,
        "materials": queries.materials_in_use(db),
        "totals": queries.stock_totals(db),
        "unassigned": queries.count_unassigned(db),
    }


def _spool(db: Session, spool_id: UUID, form: WeighForm | None = None) -> dict[str, Any]:
    return {
        "spool": service.find_spool(db, spool_id),
        "loaded": loaded_in(db, [spool_id]),
        "ledger": queries.ledger_of(db, spool_id=spool_id, page=_page()),
        "people": queries.people(db),
        "form": form or WeighForm(formdata=None),
    }


def _unassigned(db: Session) -> dict[str, Any]:
    found = queries.unassigned_entries(db, _page())
    return {"found": found, **queries.choices_for(db, found.items)}


def _spool_again(spool_id: UUID) -> ViewAnswer:
    return done(
        url_for("filament.spool", spool_id=spool_id),
        lambda db: render_block("filament/spool.html", "spool_page", **_spool(db, spool_id)),
        message="Booked.",
    )


def _again(template: str, **context: Any) -> ViewAnswer:
    context["materials"] = MATERIALS
    if request.method == "GET":
        return page(template, **context)
    return refused(lambda _db: page(template, **context))


def _page() -> int:
    return request.args.get("page", 1, type=int)


def _me() -> UUID:
    me: UUID = current_user.user.id
    return me
