"""The ledger: weighing, correcting, undoing, and grams that wait for a spool."""

from typing import Any
from uuid import UUID

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.units import mg_from_grams
from printfarm.core.web import Deferred, ViewAnswer, done, is_fragment, page, refused, render_block
from printfarm.filament import queries, service
from printfarm.filament.forms import ResolveForm, WeighForm
from printfarm.filament.from_above import loaded_in
from printfarm.filament.views.blueprint import bp, me, page_number


@bp.post("/spools/<uuid:spool_id>/weigh")
@shop_view(role="operator")
def weigh_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    """A refusal shows the spool again with what was typed."""
    form = WeighForm()

    def again(db: Session) -> ResponseReturnValue:
        return page("filament/spool.html", "spool_page", **spool_context(db, spool_id, form=form))

    if not form.validate_on_submit():
        return refused(again)
    reason = (form.reason.data or "").strip()
    try:
        service.WEIGHINGS[form.what.data](db, spool_id, mg_from_grams(form.grams.data), reason=reason, user_id=me())
    except DomainError as problem:
        if is_fragment():  # the form still stands there; a toast says why
            raise
        form.grams.errors = [problem.sentence]
        return Deferred(again, status=problem.status, keep=False)
    return spool_again(spool_id)


@bp.post("/entries/<uuid:entry_id>/undo")
@shop_view(role="operator")
def undo_entry(db: Session, entry_id: UUID) -> ViewAnswer:
    counter = service.undo_entry(db, entry_id, user_id=me())
    if counter.spool_id is None:
        return done(url_for("filament.unassigned"), message="Undone.")
    return spool_again(counter.spool_id)


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
    service.resolve_unassigned(db, entry_id, UUID(form.spool_id.data), user_id=me())
    return done(
        url_for("filament.unassigned"),
        lambda db: render_block("filament/unassigned.html", "waiting", **_unassigned(db)),
        message="Booked to the spool.",
    )


def spool_context(db: Session, spool_id: UUID, form: WeighForm | None = None) -> dict[str, Any]:
    """What the page of a spool shows."""
    return {
        "spool": service.find_spool(db, spool_id),
        "loaded": loaded_in(db, [spool_id]),
        "ledger": queries.ledger_of(db, spool_id=spool_id, page=page_number()),
        "people": queries.people(db),
        "form": form or WeighForm(formdata=None),
    }


def _unassigned(db: Session) -> dict[str, Any]:
    found = queries.unassigned_entries(db, page_number())
    return {"found": found, **queries.choices_for(db, found.items)}


def spool_again(spool_id: UUID) -> ViewAnswer:
    """Back to the spool, where the ledger has a line more."""
    return done(
        url_for("filament.spool", spool_id=spool_id),
        lambda db: render_block("filament/spool.html", "spool_page", **spool_context(db, spool_id)),
        message="Booked.",
    )
