"""The page of one upload: how far it is, and the form that makes a variant of it."""

from uuid import UUID

from flask import Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError
from printfarm.core.web import Deferred, ViewAnswer, done, page
from printfarm.files import service as files
from printfarm.files.models import Upload
from printfarm.library import answering, intake, queries
from printfarm.library.forms import typed_values
from printfarm.library.models import Variant
from printfarm.library.views import bp


def install(app: Flask) -> None:
    """The routes below belong to the library's blueprint, which is registered by now."""
    assert bp.name in app.blueprints


@bp.get("/uploads/<uuid:upload_id>")
@shop_view(role="viewer")
def upload(db: Session, upload_id: UUID) -> ResponseReturnValue:
    found = files.find_upload(db, upload_id)
    if found.state == "done" and found.variant_id:
        return redirect(url_for("library.variant", variant_id=found.variant_id), 303)
    question = answering.ask(db, found) if found.state == "needs-answer" else None
    return _upload_page(db, found, question)


@bp.post("/uploads/<uuid:upload_id>")
@shop_view(role="operator")
def answer_upload(db: Session, upload_id: UUID) -> ViewAnswer:
    """Whatever was typed is kept; then the form is saved, looked up again, or left for later."""
    found = files.find_upload(db, upload_id, lock=True)
    if found.state == "done" and found.variant_id:
        return _to_variant(found.variant_id, "This file was saved already.")
    question = _keep_typed(db, found)
    action = request.form.get("action", "save")
    if action == "later":
        return done(url_for("files.uploads"), message="Kept. You can go on whenever you like.")
    if action == "find":
        return done(url_for("library.upload", upload_id=upload_id, _anchor="model"))
    variant = _save(db, found, question)
    if variant is None:
        return Deferred(lambda db: _show_again(db, upload_id, question), status=422)
    return _to_variant(variant.id, f"Saved as {variant.name}, version {variant.version}.")


@bp.post("/uploads/<uuid:upload_id>/typed")
@shop_view(role="operator")
def keep_typed(db: Session, upload_id: UUID) -> ResponseReturnValue:
    """The page sends what is typed now and then, so that leaving it loses nothing."""
    found = files.find_upload(db, upload_id, lock=True)
    if found.state == "needs-answer":
        answering.refuse_unknown(db, _keep_typed(db, found))
    return "", 204


def _keep_typed(db: Session, found: Upload) -> answering.Question:
    question = answering.ask(db, found, MultiDict(request.form))
    files.remember_typed(found, typed_values(question.form, [slot.form for slot in question.slots]))
    return question


def _save(db: Session, found: Upload, question: answering.Question) -> Variant | None:
    """The new variant; None when the form has to be looked at again, with the reasons in it."""
    valid = [question.form.validate(), *(slot.form.validate() for slot in question.slots)]
    if not all(valid):
        return None
    slots = [slot.form.answer(slot.wanted) for slot in question.slots]
    try:
        with db.begin_nested():
            return intake.add_variant(db, found, question.form.answer(slots))
    except DomainError as refusal:
        question.form.form_errors.append(refusal.sentence)
        return None


def _show_again(db: Session, upload_id: UUID, question: answering.Question) -> ResponseReturnValue:
    return _upload_page(db, files.find_upload(db, upload_id), question)


def _upload_page(db: Session, found: Upload, question: answering.Question | None) -> ResponseReturnValue:
    same = queries.variant_of_file(db, found.duplicate_of_id) if found.duplicate_of_id else None
    return page("library/upload.html", "upload_body", upload=found, question=question, same=same)


def _to_variant(variant_id: UUID, message: str) -> ViewAnswer:
    return done(url_for("library.variant", variant_id=variant_id), message=message)
