"""The list of uploads, what may be done with each, and serving what is stored."""

from collections.abc import Sequence
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts.access import public, shop_stream, shop_view
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.signing import FILE_SECONDS, verify
from printfarm.core.web import ViewAnswer, done, page
from printfarm.core.work import read_only
from printfarm.files import pictures, queries, receiving, service
from printfarm.files.formats import OFFER, READABLE
from printfarm.files.views.blueprint import bp, upload_url


@bp.get("/")
@shop_view(role="viewer")
def uploads(db: Session) -> ResponseReturnValue:
    return uploads_page(db)


def uploads_page(db: Session, refusals: Sequence[DomainError] = ()) -> Response:
    ended = request.args.get("show") == "ended"
    found = queries.list_uploads(db, ended=ended, page=request.args.get("page", 1, type=int))
    return page(
        "files/uploads.html",
        "upload_list",
        uploads=found,
        ended=ended,
        open_count=queries.count_open(db),
        limit_bytes=receiving.limit_bytes(),
        hint=f"{OFFER}, up to {receiving.limit_bytes() / 1_000_000:.0f} MB each.",
        readable=READABLE,
        refusals=[refusal.sentence for refusal in refusals],
    )


@bp.post("/uploads/<uuid:upload_id>/retry")
@shop_view(role="operator")
def retry_upload(db: Session, upload_id: UUID) -> ViewAnswer:
    upload = service.retry_reading(db, upload_id)
    return done(upload_url(upload), message="It is being read again.")


@bp.post("/uploads/<uuid:upload_id>/discard")
@shop_view(role="operator")
def discard_upload(db: Session, upload_id: UUID) -> ViewAnswer:
    service.discard_upload(db, upload_id)
    if request.accept_mimetypes.best == "application/json":
        return jsonify(removed=True)
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
