"""What people do with a roll in their hands: open it, dry it, find it empty, throw it away, wind it over."""

from uuid import UUID

from flask import request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.units import mg_from_grams
from printfarm.core.web import ViewAnswer, done, page, safe_next
from printfarm.filament import queries, service
from printfarm.filament.forms import DiscardForm, MergeForm, SplitForm
from printfarm.filament.service import belonging
from printfarm.filament.views.blueprint import bp, form_again, me, page_number, typed_again
from printfarm.filament.views.spool_page import spool_again


@bp.post("/spools/<uuid:spool_id>/open")
@shop_view(role="operator")
def open_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    service.open_spool(db, spool_id)
    return spool_again(spool_id, "Opened today.")


@bp.post("/spools/<uuid:spool_id>/dried")
@shop_view(role="operator")
def dry_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    spool = service.note_dried(db, spool_id)
    back = safe_next(request.form.get("next"), "")
    if back:  # to the page on which the roll was said to be damp
        return done(back, message=f"Spool {spool.code}: dried today.")
    return spool_again(spool_id, "Dried today.")


@bp.post("/spools/<uuid:spool_id>/empty")
@shop_view(role="operator")
def empty_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    service.empty_spool(db, spool_id, user_id=me())
    return spool_again(spool_id, "It is empty.")


@bp.post("/spools/<uuid:spool_id>/discard")
@shop_view(role="operator")
def discard_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    form = DiscardForm()
    if not form.validate_on_submit():
        raise DomainError(str(form.reason.errors[0]) if form.reason.errors else "Send the form again.")
    service.discard_spool(db, spool_id, reason=form.reason.data or "", user_id=me())
    return spool_again(spool_id, "Discarded. Undo it below if that was wrong.")


@bp.post("/spools/<uuid:spool_id>/forget-chip")
@shop_view(role="operator")
def forget_chip(db: Session, spool_id: UUID) -> ViewAnswer:
    service.unbind_tag(db, spool_id)
    return spool_again(spool_id, "It goes by no chip any more. A printer that reads one will ask which roll it is.")


@bp.post("/spools/<uuid:spool_id>/come")
@shop_view(role="operator")
def receive_ordered(db: Session, spool_id: UUID) -> ViewAnswer:
    service.receive_ordered(db, spool_id, user_id=me())
    return spool_again(spool_id, "It is in stock.")


@bp.route("/spools/<uuid:spool_id>/split", methods=["GET", "POST"])
@shop_view(role="operator")
def split_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    known, form = service.find_spool(db, spool_id), SplitForm()
    form.offer(queries.rolls_beside(db, known))
    if not form.validate_on_submit():
        return form_again("filament/split_spool.html", form=form, spool=known)
    mg, token = mg_from_grams(form.grams.data), form.token.data or ""
    try:
        made = service.split_spool(db, spool_id, mg, onto_id=form.onto_id, token=token, user_id=me())
    except DomainError as problem:
        return typed_again(problem, form.grams, "filament/split_spool.html", form=form, spool=known)
    said = f"Wound over from {known.code}."
    if form.onto_id is None:
        said = f"{said} The new roll is {made.code}: stick a label on it."
    return done(url_for("filament.spool", spool_id=made.id), message=said)


@bp.route("/spools/<uuid:spool_id>/merge", methods=["GET", "POST"])
@shop_view(role="operator")
def merge_spools(db: Session, spool_id: UUID) -> ViewAnswer:
    known, form = service.find_spool(db, spool_id), MergeForm()
    others = queries.rolls_beside(db, known, with_filament=True)
    form.offer(others)
    if not form.validate_on_submit():
        return form_again("filament/merge_spools.html", form=form, spool=known, others=others)
    try:
        service.merge_spools(db, spool_id, UUID(form.other.data), user_id=me())
    except DomainError as problem:
        return typed_again(problem, form.other, "filament/merge_spools.html", form=form, spool=known, others=others)
    return done(url_for("filament.spool", spool_id=spool_id), message="Both are on this roll now.")


@bp.route("/spools/<uuid:spool_id>/filament", methods=["GET", "POST"])
@shop_view(role="operator")
def change_filament(db: Session, spool_id: UUID) -> ViewAnswer:
    """The roll is of another filament than was said when it came."""
    known = service.find_spool(db, spool_id)
    if request.method == "GET":
        text = request.args.get("q", known.filament.material).strip()
        found = queries.list_filaments(db, text=text, page=page_number())
        return page("filament/change_filament.html", spool=known, found=found, text=text)
    try:
        wanted = UUID(request.form.get("filament_id", ""))
    except ValueError:
        raise DomainError("Choose the filament from the list.") from None
    changed = belonging.change_filament(db, spool_id, wanted, user_id=me())
    said = f"{changed.code} is {service.name_of(changed.filament)} now. Print its label anew."
    return done(url_for("filament.spool", spool_id=spool_id), message=said)
