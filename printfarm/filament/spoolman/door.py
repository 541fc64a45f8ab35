"""The way in: a token that stands in the path, errors in the shape that clients know, messages of a bounded size."""

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import ValidationError
from sqlalchemy.exc import DataError, IntegrityError
from werkzeug.exceptions import HTTPException

from printfarm.core.errors import DomainError, TooMany
from printfarm.core.ids import new_code
from printfarm.filament.spoolman.asking import Message
from printfarm.filament.spoolman.finding import NotAsked

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)
MOST_BYTES = 100_000
# /spoolman/<token>/api/…, for clients that cannot send a header.
IN_PATH = re.compile(r"^/spoolman/(?!api/)([^/]{1,200})(/.*)?$")

bp = Blueprint("spoolman", __name__, url_prefix="/spoolman/api/v1")


class TokenInPath:
    """Takes the token out of the path and makes it the header that it stands for, before anything sees or logs the path."""

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        match = IN_PATH.match(environ.get("PATH_INFO", ""))
        if match is not None:
            token, rest = match.group(1), match.group(2) or "/"
            environ["PATH_INFO"] = f"/spoolman{rest}"
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
            query = environ.get("QUERY_STRING", "")
            for name in ("RAW_URI", "REQUEST_URI"):
                if name in environ:
                    environ[name] = f"/spoolman{rest}" + (f"?{query}" if query else "")
        return self._inner(environ, start_response)


def read(kind: type[M]) -> M:
    """The message of this request. Raises ValidationError, answered with 422."""
    return kind.model_validate_json(body())


def body() -> bytes:
    """What was sent, up to a limit."""
    request.max_content_length = MOST_BYTES
    return request.get_data() or b"{}"


def total(answer: list[Any], count: int) -> Response:
    """A piece of a list, with the length of the whole."""
    response = jsonify(answer)
    response.headers["X-Total-Count"] = str(count)
    return response


def say(status: int, sentence: str) -> Response:
    response = jsonify(message=sentence)
    response.status_code = status
    return response


@bp.errorhandler(DomainError)
def refused(problem: DomainError) -> Response:
    if isinstance(problem, NotAsked):
        return unreadable([{"loc": ["query"], "msg": problem.sentence, "type": "value_error"}])
    response = say(problem.status, problem.sentence)
    if isinstance(problem, TooMany):
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@bp.errorhandler(ValidationError)
def malformed(problem: ValidationError) -> Response:
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    return unreadable([{**one, "loc": ["body", *one["loc"]]} for one in errors[:20]])


@bp.errorhandler(DataError)
def unstorable(_problem: DataError) -> Response:
    return unreadable([{"loc": ["body"], "msg": "Something in there cannot be stored", "type": "value_error"}])


@bp.errorhandler(IntegrityError)
def twice(_problem: IntegrityError) -> Response:
    return say(409, "Somebody has just changed the same. Look again, then retry.")


@bp.errorhandler(HTTPException)
def http_error(problem: HTTPException) -> Response:
    return say(problem.code or 500, problem.description or "That did not work.")


@bp.errorhandler(Exception)
def bug(problem: Exception) -> Response:
    reference = new_code(8)
    log.error("reference %s: %s %s", reference, request.method, request.path, exc_info=problem)
    return say(500, f"This is our fault. The log has more under {reference}.")


def unreadable(errors: list[Any]) -> Response:
    response = jsonify(detail=errors)
    response.status_code = 422
    return response
