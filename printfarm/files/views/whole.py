"""Whole files from a plain form, without any script: one multipart request, read as it comes."""

import sys
from collections.abc import Iterator
from uuid import UUID

from flask import flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import BadRequest

from printfarm.accounts.access import shop_stream
from printfarm.core.errors import DomainError
from printfarm.core.work import read_only
from printfarm.files import receiving
from printfarm.files.models import Upload
from printfarm.files.multipart import FieldPart, FilePart, read_parts, skip
from printfarm.files.receiving import Refused
from printfarm.files.views.blueprint import bp, check_csrf, upload_url
from printfarm.files.views.pages import uploads_page


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
        check_csrf(token)
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
            return uploads_page(db, refusals), refusals[0].status
    for refusal in refusals:
        flash(refusal.sentence, "error")
    if len(received) == 1 and not refusals:
        return redirect(upload_url(received[0]), 303)
    count = "1 file has" if len(received) == 1 else f"{len(received)} files have"
    flash(f"{count} arrived and will be read now.", "success")
    return redirect(url_for("files.uploads"), 303)
