"""What the views of files share."""

from flask import Blueprint, current_app, url_for
from flask_wtf.csrf import CSRFError, validate_csrf
from wtforms import ValidationError

from printfarm.files.models import Upload

bp = Blueprint("files", __name__, url_prefix="/files")


def upload_url(upload: Upload) -> str:
    """Where an upload goes on; the library, which is above, says where that is."""
    endpoint = current_app.extensions["printfarm.upload_page"]
    return url_for(endpoint, upload_id=upload.id)


def check_csrf(token: str | None) -> None:
    """For views that read a stream themselves: the general check would read the whole body first. Raises CSRFError."""
    try:
        validate_csrf(token)
    except ValidationError as problem:
        raise CSRFError(str(problem)) from problem
