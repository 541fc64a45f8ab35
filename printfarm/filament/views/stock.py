"""Booking by hand: weighing, correcting, undoing, and saying from which spool grams came. What the ledger does not cover comes
back with a button for who knows better.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
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
from printfarm.filament.forms import AgreedForm, ResolveForm, WeighForm
from printfarm.filament.service import BelowZero, BookedAlready, NoTare
from printfarm.filament.views.blueprint import bp, me, page_number
from printfarm.filament.views.spool_page import spool_again, spool_context


@dataclass(frozen=True)
class Doubt:
    """What was refused because the ledger knows of less, and the form that books it all the same (filament/_doubt.html)."""

    sentence: str
    url: str
    agreed_mg: int
    entry_id: UUID
    values: dict[str, str] = field(default_factory=dict)


@bp.post("/spools/<uuid:spool_id>/weigh")
@shop_view(role="operator")
def weigh_spool(db: Session, spool_id: UUID) -> ViewAnswer:
    """A refusal shows the spool again with what was typed."""
    form = WeighForm()

    def again(db: Session) -> ResponseReturnValue:
        return page("filament/spool.html", "spool_page", **spool_context(db, spool_id, form=form))

    if not form.validate_on_submit():
        return refused(again)
    book = service.WEIGHINGS[form.what.data]
    try:
        book(db, spool_id, mg_from_grams(form.grams.data), user_id=me(), **form.said())
    except BelowZero as problem:
        form.grams.errors, form.lacking_mg = [problem.sentence], problem.lacking_mg
        return _asked_again(again, problem)
    except BookedAlready as problem:
        return spool_again(spool_id, problem.sentence)
    except NoTare as problem:
        form.tare.errors = [problem.sentence]
        return _asked_again(again, problem)
    except DomainError as problem:
        if is_fragment():  # the form still stands there; a toast says why
            raise
        form.grams.errors = [problem.sentence]
        return _asked_again(again, problem)
    return spool_again(spool_id)


@bp.post("/entries/<uuid:entry_id>/undo")
@shop_view(role="operator")
def undo_entry(db: Session, entry_id: UUID) -> ViewAnswer:
    form = AgreedForm()
    form.validate_on_submit()
    try:
        counter = service.undo_entry(db, entry_id, user_id=me(), agreed_mg=form.agreed_mg)
    except BelowZero as problem:
        doubt = Doubt(problem.sentence, url_for("filament.undo_entry", entry_id=entry_id), problem.lacking_mg, entry_id)
        spool_id = problem.spool_id
        return _asked_again(
            lambda db: page("filament/spool.html", "spool_page", **spool_context(db, spool_id, doubt=doubt)), problem
        )
    if counter.spool_id is None:
        return done(url_for("filament.unassigned"), message="Undone.")
    return spool_again(counter.spool_id, "Undone.")


@bp.get("/unassigned")
@shop_view(role="viewer")
def unassigned(db: Session) -> ViewAnswer:
    return page("filament/unassigned.html", "waiting", **_unassigned(db))


@bp.post("/entries/<uuid:entry_id>/resolve")
@shop_view(role="operator")
def resolve(db: Session, entry_id: UUID) -> ViewAnswer:
    form = ResolveForm()
    if not form.validate_on_submit():
        raise DomainError(next(sentence for said in form.errors.values() for sentence in said))
    spool_id = queries.spool_with_code(db, form.typed).id if form.typed else UUID(form.spool_id.data)
    try:
        service.resolve_unassigned(db, entry_id, spool_id, user_id=me(), agreed_mg=form.agreed_mg)
    except BelowZero as problem:
        again, values = url_for("filament.resolve", entry_id=entry_id), {"spool_id": str(spool_id)}
        doubt = Doubt(problem.sentence, again, problem.lacking_mg, entry_id, values)
        return _asked_again(
            lambda db: page("filament/unassigned.html", "waiting", **_unassigned(db), doubt=doubt), problem
        )
    return done(
        url_for("filament.unassigned"),
        lambda db: render_block("filament/unassigned.html", "waiting", **_unassigned(db)),
        message="Booked to the spool.",
    )


def _asked_again(again: Callable[[Session], ResponseReturnValue], problem: DomainError) -> Deferred:
    """Rolled back, and shown with the question; htmx swaps a 422 in, and no other refusal."""
    return Deferred(again, status=422 if is_fragment() else problem.status, keep=False)


def _unassigned(db: Session) -> dict[str, Any]:
    found = queries.unassigned_entries(db, page_number())
    return {"found": found, **queries.choices_for(db, found.items)}
