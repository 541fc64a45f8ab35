"""Uploading, the list of uploads, and serving what is stored."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError, validate_csrf
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest
from wtforms import ValidationError

from printfarm.accounts.access import public, shop_stream, shop_view
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.signing import FILE_SECONDS, verify
from printfarm.core.storage import storage, storage_key
from printfarm.core.web import ViewAnswer, done, page
from printfarm.core.work import read_only, unit_of_work
from printfarm.files import picture_sizes, pictures, queries, receiving, service
from printfarm.files.forms import DirectUpload
from printfarm.files.models import Upload
from printfarm.files.multipart import FieldPart, FilePart, read_parts, skip
from printfarm.files.receiving import Refused

bp = Blueprint("files", __name__, url_prefix="/files")

DIRECT_TYPE = "application/octet-stream"


def install(app: Flask) -> None:
    """The upload checks its CSRF token itself: the general check would read the whole body first."""
    app.register_blueprint(bp)
    app.extensions["csrf"].exempt("printfarm.files.views.receive_uploads")
    app.extensions.setdefault("printfarm.upload_page", "files.uploads")
    app.jinja_env.globals.update(
        upload_url=upload_url,
        picture_source=picture_sizes.picture_source,
        picture_sources=picture_sizes.picture_sources,
    )


def upload_url(upload: Upload) -> str:
    """Where an upload goes on; the library, which is above, says where that is."""
    endpoint = current_app.extensions["printfarm.upload_page"]
    return url_for(endpoint, upload_id=upload.id)


@bp.get("/")
@shop_view(role="viewer")
def uploads(db: Session) -> ResponseReturnValue:
    return _uploads_page(db)


def _uploads_page(db: Session, refusals: Sequence[DomainError] = ()) -> Response:
    ended = request.args.get("show") == "ended"
    found = queries.list_uploads(db, ended=ended, page=request.args.get("page", 1, type=int))
    direct = storage().put_url("probe", DIRECT_TYPE) is not None
    return page(
        "files/uploads.html",
        "upload_list",
        uploads=found,
        ended=ended,
        open_count=queries.count_open(db),
        limit_bytes=receiving.limit_bytes(),
        direct_url=url_for("files.start_direct") if direct else "",
        refusals=[refusal.sentence for refusal in refusals],
    )


@bp.post("/uploads")
@shop_stream(role="operator")
def receive_uploads(shop_id: UUID) -> ResponseReturnValue:
    with receiving.a_place_in_line():
        try:
            received, refusals = _receive_all(shop_id)
        except (DomainError, BadRequest, CSRFError):
            skip(request.stream, 2 * receiving.limit_bytes())
            raise
    if request.accept_mimetypes.best == "application/json":
        return _answer_program(received, refusals)
    return _answer_person(shop_id, received, refusals)


def _receive_all(shop_id: UUID) -> tuple[list[Upload], list[DomainError]]:
    """Every file of the request, in its order; the CSRF token must have come before the first of them."""
    token = request.headers.get("X-CSRFToken")
    received: list[Upload] = []
    refusals: list[DomainError] = []
    for part in _parts():
        if isinstance(part, FieldPart):
            token = part.value if part.name == "csrf_token" else token
            continue
        _check_csrf(token)
        if not part.file_name:
            continue
        try:
            received.append(receiving.receive(shop_id, current_user.user.id, part.file_name, _declared(), part.chunks))
        except receiving.BrokenOff:
            raise
        except DomainError as refusal:
            refusals.append(refusal)
    if not received and not refusals:
        refusals.append(Refused("Choose a file first; nothing was sent."))
    return received, refusals


def _parts() -> Iterator[FieldPart | FilePart]:
    boundary = request.mimetype_params.get("boundary")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise Refused("This address takes files from the upload form.")
    request.max_content_length = sys.maxsize  # the bytes of each file are counted as they come
    return read_parts(request.stream, boundary)


def _check_csrf(token: str | None) -> None:
    try:
        validate_csrf(token)
    except ValidationError as problem:
        raise CSRFError(str(problem)) from problem


def _declared() -> int | None:
    """A hint for the progress bar, nothing more: the bytes are counted as they come."""
    return request.content_length


def _answer_program(received: list[Upload], refusals: list[DomainError]) -> ResponseReturnValue:
    if refusals:
        return jsonify(error=refusals[0].sentence), refusals[0].status
    upload = received[0]
    return jsonify(id=str(upload.id), url=upload_url(upload), duplicate=upload.state == "duplicate"), 201


def _answer_person(shop_id: UUID, received: list[Upload], refusals: list[DomainError]) -> ResponseReturnValue:
    if not received:
        with read_only(shop_id) as db:
            return _uploads_page(db, refusals), refusals[0].status
    for refusal in refusals:
        flash(refusal.sentence, "error")
    if len(received) == 1 and not refusals:
        return redirect(upload_url(received[0]), 303)
    count = "1 file has" if len(received) == 1 else f"{len(received)} files have"
    flash(f"{count} arrived and will be read now.", "success")
    return redirect(url_for("files.uploads"), 303)


@bp.post("/uploads/direct")
@shop_stream(role="operator")
def start_direct(shop_id: UUID) -> ResponseReturnValue:
    """A place in the storage for one file of a browser; `put_url` null means: send it through the app."""
    asked = _direct_upload(request.get_json(silent=True))
    if storage().put_url("probe", DIRECT_TYPE) is None:
        return jsonify(put_url=None)
    with unit_of_work(shop_id) as db:
        upload = service.begin_upload(db, name=asked.name, declared_bytes=asked.size, user_id=current_user.user.id)
    return jsonify(
        upload_id=str(upload.id),
        put_url=storage().put_url(storage_key(shop_id, "incoming", upload.id), asked.type or DIRECT_TYPE),
        done_url=url_for("files.finish_direct", upload_id=upload.id),
    )


def _direct_upload(sent: Any) -> DirectUpload:
    asked = DirectUpload.of(sent)
    if asked is None:
        raise Refused("The upload was not described as this address expects it.")
    if asked.size > receiving.limit_bytes():
        raise receiving.too_large(receiving.limit_bytes())
    if asked.size == 0:
        raise Refused("This file is empty. Nothing was stored.")
    return asked


@bp.post("/uploads/<uuid:upload_id>/arrived")
@shop_stream(role="operator")
def finish_direct(shop_id: UUID, upload_id: UUID) -> ResponseReturnValue:
    """The browser says that its PUT is done: believed only as far as the storage confirms it."""
    with read_only(shop_id) as db:
        upload = service.find_upload(db, upload_id)
    if upload.state == "receiving":
        size = storage().size(storage_key(shop_id, "incoming", upload_id))
        problem = _direct_problem(upload, size)
        with unit_of_work(shop_id) as db:
            if problem is not None:
                service.fail_upload(db, upload_id, problem.sentence)
            else:
                upload = service.keep_direct(db, upload_id, size or 0)
        if problem is not None:
            raise problem
    return jsonify(id=str(upload.id), url=upload_url(upload))


def _direct_problem(upload: Upload, size: int | None) -> DomainError | None:
    if size is None:
        return Refused("The file did not arrive in the storage. Upload it again.")
    if size > receiving.limit_bytes():
        return receiving.too_large(receiving.limit_bytes())
    if size != upload.declared_bytes:
        return Refused("The file arrived incomplete. Upload it again.")
    return None


@bp.post("/uploads/<uuid:upload_id>/retry")
@shop_view(role="operator")
def retry_upload(db: Session, upload_id: UUID) -> ViewAnswer:
    upload = service.retry_reading(db, upload_id)
    return done(upload_url(upload), message="It is being read again.")


@bp.post("/uploads/<uuid:upload_id>/discard")
@shop_view(role="operator")
def discard_upload(db: Session, upload_id: UUID) -> ViewAnswer:
    service.discard_upload(db, upload_id)
    return done(url_for("files.uploads"), message="The upload was removed.")


@bp.get("/pictures/<uuid:file_id>")
@shop_stream(role="viewer")
def picture(shop_id: UUID, file_id: UUID) -> ResponseReturnValue:
    with read_only(shop_id) as db:
        stored = queries.find_file(db, file_id, "picture")
    return pictures.serve_picture(stored, request.args.get("size", ""))


@bp.get("/signed/<token>")
@public
def signed_file(token: str) -> ResponseReturnValue:
    """A file for whoever holds a link that we have signed within the hour."""
    named = verify(token, "file", max_age_s=FILE_SECONDS)
    try:
        shop_id, file_id = UUID(named["shop"]), UUID(named["file"])
    except (KeyError, ValueError) as problem:
        raise NotFound from problem
    with read_only(shop_id) as db:
        stored = queries.find_file(db, file_id)
    return pictures.serve_file(shop_id, stored)
