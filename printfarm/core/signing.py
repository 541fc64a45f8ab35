"""Signed, short-lived URLs for stored files: what a hub or a browser may fetch without a session."""

from typing import Any

from flask import current_app, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer

from printfarm.core.errors import NotFound
from printfarm.core.secrets import derive_key

FILE_SECONDS = 3600


def sign(value: dict[str, Any], purpose: str) -> str:
    """A token that carries `value` and proves that this installation wrote it for `purpose`."""
    return _serializer(purpose).dumps(value)


def verify(token: str, purpose: str, *, max_age_s: int) -> dict[str, Any]:
    """The value of a token. Raises NotFound when it is forged, for another purpose, or too old."""
    try:
        value = _serializer(purpose).loads(token, max_age=max_age_s)
    except BadSignature as problem:
        raise NotFound("This link is not valid, or no longer. Open the page again to get a new one.") from problem
    if not isinstance(value, dict):
        raise NotFound
    return value


def file_url(shop_id: object, file_id: object, *, external: bool = False) -> str:
    """A link to a stored file that works for an hour without signing in."""
    token = sign({"shop": str(shop_id), "file": str(file_id)}, "file")
    return url_for("files.signed_file", token=token, _external=external)


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(derive_key(current_app.config["MASTER_KEY"], "signing"), salt=f"printfarm.{purpose}")
