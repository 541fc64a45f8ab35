"""Files in pieces, as static/js/upload.js sends them. Each answer is the next step, or the upload when all of it is here."""

import contextlib
from collections.abc import Iterator
from uuid import UUID

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from printfarm.accounts.access import shop_stream
from printfarm.core.errors import DomainError
from printfarm.files import drafts, receiving, sending
from printfarm.files.forms import OfferedFile
from printfarm.files.multipart import CHUNK_BYTES, skip
from printfarm.files.receiving import BrokenOff, Refused
from printfarm.files.sending import Step
from printfarm.files.views.blueprint import bp, check_csrf, upload_url

MOVED_ON = "Another window sends this file too."


@bp.post("/uploads/begin")
@shop_stream(role="operator")
def begin_sending(shop_id: UUID) -> ResponseReturnValue:
    offered = OfferedFile.of(request.get_json(silent=True))
    if offered is None:
        raise Refused("The upload was not described as this address expects it. Load the page again.")
    return _answer(shop_id, sending.begin(shop_id, current_user.user.id, offered))


@bp.post("/uploads/<uuid:upload_id>/next")
@shop_stream(role="operator")
def go_on_sending(shop_id: UUID, upload_id: UUID) -> ResponseReturnValue:
    return _answer(shop_id, upload_id)


@bp.post("/uploads/<uuid:upload_id>/bytes")
@shop_stream(role="operator")
def take_bytes(shop_id: UUID, upload_id: UUID) -> ResponseReturnValue:
    """`at` says from which byte on the body goes; 409 with the next step when the file stands elsewhere."""
    check_csrf(request.headers.get("X-CSRFToken"))
    request.max_content_length = sending.PIECE_BYTES + 1  # where the end is not announced, the limit itself is too much
    try:
        with receiving.a_place_in_line():
            sending.take_bytes(shop_id, upload_id, request.args.get("at", 0, type=int), _body())
    except drafts.MovedOn:
        _skip_rest()
        return _answer(shop_id, upload_id, 409, error=MOVED_ON)
    except BrokenOff:
        raise
    except DomainError:
        _skip_rest()
        raise
    return _answer(shop_id, upload_id)


def _skip_rest() -> None:
    """A browser hears a refusal only when it could send all it wanted to."""
    with contextlib.suppress(BadRequest, RequestEntityTooLarge, OSError):
        skip(request.stream, sending.PIECE_BYTES)


def _body() -> Iterator[bytes]:
    while chunk := request.stream.read(CHUNK_BYTES):
        yield chunk


def _answer(shop_id: UUID, upload_id: UUID, status: int = 200, **more: str) -> ResponseReturnValue:
    step = sending.next_step(shop_id, upload_id)
    if not isinstance(step, Step):
        return jsonify(id=str(step.id), url=upload_url(step), **more), status
    own = url_for("files.take_bytes", upload_id=upload_id, at=step.at)
    return jsonify(
        upload_id=str(upload_id),
        send={"method": "PUT" if step.url else "POST", "url": step.url or own, "at": step.at, "to": step.to},
        next_url=url_for("files.go_on_sending", upload_id=upload_id),
        cancel_url=url_for("files.discard_upload", upload_id=upload_id),
        **more,
    ), status
