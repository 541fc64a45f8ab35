"""Serving stored bytes: pictures to signed-in people, files by signed URL to browsers and hubs."""

from uuid import UUID

from flask import Response, make_response, redirect, request, send_file
from flask.typing import ResponseReturnValue

from printfarm.core.errors import NotFound
from printfarm.core.storage import storage, storage_key
from printfarm.files.models import StoredFile
from printfarm.files.picture_sizes import ASKED, WHOLE

# A stored file never changes under its id; `private`: only the person's own browser may keep it.
FOREVER = "private, max-age=31536000, immutable"
SANDBOX = "default-src 'none'; sandbox"


def serve_picture(picture: StoredFile, size: str) -> ResponseReturnValue:
    """A picture that our own encoder wrote; through us also from S3, so that browsers can keep it.

    `size` is small, medium, or anything else for the whole picture.
    """
    kinds = ASKED.get(size, WHOLE)
    etag = f"{picture.id}-{kinds[0]}"
    if etag in request.if_none_match:
        response = make_response("", 304)
        response.set_etag(etag)
    else:
        content = next(filter(None, (_content(picture, kind) for kind in kinds)), None)
        if content is None:
            raise NotFound("This picture is no longer there.")
        response = Response(content, mimetype="image/webp")
        response.set_etag(etag)
    response.headers["Cache-Control"] = FOREVER
    response.headers["Content-Security-Policy"] = SANDBOX
    return response


def _content(picture: StoredFile, kind: str) -> bytes | None:
    try:
        with storage().open(storage_key(picture.shop_id, kind, picture.id)) as stored:
            return stored.read()
    except FileNotFoundError:
        return None


def serve_file(shop_id: UUID, stored: StoredFile) -> ResponseReturnValue:
    """The bytes as they came, always as a download; ranges and conditions work. S3 answers for itself."""
    kind = stored.kind
    key = storage_key(shop_id, kind, stored.id)
    elsewhere = storage().get_url(key, stored.original_name, stored.content_type)
    if elsewhere is not None:
        answer = make_response(redirect(elsewhere, 302))
        answer.headers["Cache-Control"] = "no-store"
        return answer
    try:
        with storage().local_copy(key) as path:
            response = send_file(
                path,
                mimetype=stored.content_type,
                as_attachment=True,
                download_name=stored.original_name,
                etag=stored.sha256,
                last_modified=stored.created_at,
                conditional=True,
            )
    except FileNotFoundError as problem:
        raise NotFound("The bytes of this file are no longer there.") from problem
    response.headers["Cache-Control"] = FOREVER
    response.headers["Content-Security-Policy"] = SANDBOX
    return response
