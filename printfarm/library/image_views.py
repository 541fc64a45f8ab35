"""The pictures of a model: adding several, their order, the main one."""

import sys
from uuid import UUID

from flask import Flask, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, validate_csrf
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from wtforms import ValidationError

from printfarm.accounts.access import shop_stream, shop_view
from printfarm.core.errors import DomainError
from printfarm.core.owed import owe
from printfarm.core.web import ViewAnswer, done, page
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import orphans, quota
from printfarm.files.multipart import skip
from printfarm.files.service import FORGET
from printfarm.library import image_work, service
from printfarm.library.views import bp

ROOM = image_work.LARGEST_BYTES * image_work.MOST_AT_ONCE


class TooMuch(DomainError):
    """More than a form with pictures may bring."""

    status = 413


class Refused(DomainError):
    """The form brought no picture."""

    status = 422


def install(app: Flask) -> None:
    """The routes below belong to the library's blueprint. Pictures are larger than other forms, so the view counts them and
    checks the CSRF token itself.
    """
    assert bp.name in app.blueprints
    app.extensions["csrf"].exempt("printfarm.library.image_views.add_images")


@bp.get("/models/<uuid:model_id>/images")
@shop_view(role="operator")
def images(db: Session, model_id: UUID) -> ViewAnswer:
    return _images(db, model_id)


@bp.post("/models/<uuid:model_id>/images")
@shop_stream(role="operator")
def add_images(shop_id: UUID, model_id: UUID) -> ResponseReturnValue:
    """Take several pictures in; a worker writes them anew. Each that is refused is named with its reason."""
    with read_only(shop_id) as db:
        service.find_model(db, model_id)
    pictures = _sent()
    with unit_of_work(shop_id) as db:
        quota.one_at_a_time(db)
        orphans.promise(db, shop_id)
        quota.refuse_beyond(db, request.content_length or 1)
    taken, refused = image_work.take_in(shop_id, pictures)
    with unit_of_work(shop_id) as db:
        for image_id, name in taken:
            try:
                with db.begin_nested():
                    service.add_image(db, model_id, image_id, name)
            except DomainError as refusal:
                refused.append(f"{name}: {refusal.sentence}")
                owe(db, FORGET, image_id)
    for sentence in refused:
        flash(sentence, "error")
    return redirect(url_for("library.images", model_id=model_id), 303)


@bp.post("/images/<uuid:image_id>/move")
@shop_view(role="operator")
def move_image(db: Session, image_id: UUID) -> ViewAnswer:
    moved = service.move_image(db, image_id, after=_id_or_none(request.form.get("after")))
    return _after(moved.model_id)


@bp.post("/images/<uuid:image_id>/remove")
@shop_view(role="operator")
def remove_image(db: Session, image_id: UUID) -> ViewAnswer:
    return _after(service.remove_image(db, image_id), "The picture is gone.")


@bp.post("/models/<uuid:model_id>/picture")
@shop_view(role="operator")
def choose_picture(db: Session, model_id: UUID) -> ViewAnswer:
    chosen = _id_or_none(request.form.get("picture"))
    if chosen is None:
        raise Refused("Choose one of the pictures.")
    service.choose_picture(db, model_id, chosen)
    return _after(model_id, "It is the main picture now.")


def _after(model_id: UUID, message: str | None = None) -> ViewAnswer:
    return done(
        url_for("library.images", model_id=model_id), fragment=lambda db: _images(db, model_id), message=message
    )


def _images(db: Session, model_id: UUID) -> ResponseReturnValue:
    return page(
        "library/images.html",
        "images",
        model=service.find_model(db, model_id),
        images=service.images_of(db, model_id),
        plate_pictures=service.plate_pictures(db, model_id),
        most=service.MOST_IMAGES,
        largest=image_work.LARGEST_BYTES,
    )


def _sent() -> list[FileStorage]:
    """The pictures of the form, after its token. Raises TooMuch, Refused, and CSRFError when the form is not ours."""
    room = ROOM + 100_000
    if (request.content_length or 0) > room:
        request.max_content_length = sys.maxsize  # read and forgotten, so that the browser hears why
        skip(request.stream, 2 * ROOM)
        raise _too_much()
    request.max_content_length = room
    try:
        token, sent = request.form.get("csrf_token") or request.headers.get("X-CSRFToken"), request.files
    except RequestEntityTooLarge as problem:
        raise _too_much() from problem
    try:
        validate_csrf(token)
    except ValidationError as problem:
        raise CSRFError(str(problem)) from problem
    pictures = [one for one in sent.getlist("images") if one.filename]
    if not pictures:
        raise Refused("Choose one or more pictures first; nothing was sent.")
    if len(pictures) > image_work.MOST_AT_ONCE:
        raise _too_much()
    return pictures


def _too_much() -> TooMuch:
    most, megabytes = image_work.MOST_AT_ONCE, image_work.LARGEST_BYTES // 1_000_000
    return TooMuch(f"At most {most} pictures of {megabytes} MB each at once. Add them in parts.")


def _id_or_none(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
