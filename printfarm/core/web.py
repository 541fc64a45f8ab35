"""HTTP habits: pages and fragments, formatting for people, security headers, errors that say what to do."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    current_app,
    flash,
    g,
    get_template_attribute,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from htmx_flask import request as hx_request
from jinja2_fragments.flask import render_block as _render_block
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from printfarm.config import Settings
from printfarm.core.errors import DomainError, TooMany
from printfarm.core.ids import new_code

log = logging.getLogger(__name__)

TITLES = {
    400: "That did not work",
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Not here",
    409: "Not now",
    413: "Too large",
    422: "Please check",
    429: "Too often",
    500: "Something broke",
    503: "Not available",
}


def is_fragment() -> bool:
    """Htmx asks for a part of the page: not boosted navigation, not a restored history entry."""
    htmx = hx_request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


@dataclass(frozen=True)
class Deferred:
    """What a writing view wants shown: rendered after its commit, in a fresh reading transaction."""

    render: Callable[[Session], ResponseReturnValue]
    status: int = 200
    keep: bool = field(default=True)  # False: the view's own work is rolled back (a form that was refused)


# What a view under shop_view may return.
ViewAnswer = ResponseReturnValue | Deferred


def after_commit(render: Callable[[Session], ResponseReturnValue]) -> Deferred:
    """Show this once the work is committed."""
    return Deferred(render)


def refused(render: Callable[[Session], ResponseReturnValue]) -> Deferred:
    """422: roll back and show the form again with its messages."""
    return Deferred(render, status=422, keep=False)


def done(
    url: str, fragment: Callable[[Session], ResponseReturnValue] | None = None, message: str | None = None
) -> ViewAnswer:
    """The end of an action: htmx gets the fragment (or a redirect of the whole page), everyone else a 303."""
    if is_fragment() and fragment is not None:
        return Deferred(fragment if message is None else lambda db: _with_toast(fragment(db), message))
    if message:
        flash(message, "success")
    if is_fragment():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)


def _with_toast(answer: ResponseReturnValue, message: str) -> Response:
    """A fragment, and beside it the message that a whole page would show as a toast."""
    response = make_response(answer)
    toast = get_template_attribute("_ui/states.html", "toast_oob")
    response.set_data(f"{response.get_data(as_text=True)}\n{toast(message)}")
    return response


def page(template: str, block: str | None = None, **context: Any) -> Response:
    """The page, or for htmx only one of its blocks."""
    if block is not None and is_fragment():
        response = make_response(_render_block(template, block, **context))
    else:
        response = make_response(render_template(template, **context))
    if block is not None:
        response.vary.add("HX-Request")
    return response


def render_block(template: str, block: str, **context: Any) -> str:
    """One block of a page as text, for a fragment or a push."""
    text: str = _render_block(template, block, **context)
    return text


def safe_next(target: str | None, fallback: str) -> str:
    """A place inside this site to go on to; anything else becomes the fallback."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return fallback
    parts = urlsplit(target)
    return fallback if parts.netloc or parts.scheme or "\\" in target else target


def install(app: Flask) -> None:
    """Error pages."""
    app.register_error_handler(DomainError, _refusal)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_error)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(Exception, _bug)


def show_error(status: int, sentence: str, reference: str | None = None) -> Response:
    """A refusal as what was asked for: a toast for htmx, JSON for a program, a page for everyone else."""
    g.showing_error = True  # who signs people in must not let the error page fail for the reason that it tells of
    if request.accept_mimetypes.best == "application/json":
        response = make_response({"error": sentence, "reference": reference}, status)
    elif is_fragment():
        response = make_response(render_template("errors/toast.html", sentence=sentence, reference=reference), status)
        # Without it htmx, told to swap 4xx, would put the toast in place of the element that asked.
        response.headers["HX-Reswap"] = "none"
    else:
        title = TITLES.get(status, "That did not work")
        text = render_template(
            "errors/error.html", code=status, title=title, sentence=sentence, reference=reference, back=_back()
        )
        response = make_response(text, status)
    return response


def _refusal(problem: DomainError) -> Response:
    response = show_error(problem.status, problem.sentence)
    if isinstance(problem, TooMany):
        response.headers["Retry-After"] = str(problem.retry_after_s)
    return response


def _back() -> str:
    referrer = urlsplit(request.referrer or "")
    if referrer.netloc == request.host and referrer.path != request.path:
        return safe_next(referrer.path, "/")
    return "/"


def _http_error(problem: HTTPException) -> ResponseReturnValue:
    if problem.code is not None and problem.code < 400:
        return problem.get_response()
    sentences = {
        404: "There is nothing here. It may have been removed, or the address has a mistake.",
        405: "This address answers to other kinds of requests. Open the page again.",
        413: "That is more than this server takes at once. The limit is a setting of the person who runs it.",
        429: "That was asked too often. Wait a minute, then try again.",
    }
    return show_error(problem.code or 500, sentences.get(problem.code or 500, problem.description or "Try again."))


def _stale_form(_problem: CSRFError) -> ResponseReturnValue:
    return show_error(400, "This form has been open for too long. Open the page again and repeat what you did.")


def _database_error(problem: OperationalError) -> ResponseReturnValue:
    reference = new_code(8)
    log.error("reference %s: database: %s", reference, problem)
    return show_error(503, "The database does not answer right now. Nothing was changed; try again.", reference)


def _unstorable(problem: DataError) -> ResponseReturnValue:
    """PostgreSQL keeps no NUL in a text, and no number beyond its column; no keyboard types either."""
    log.warning("refused by the database: %s", problem.orig)
    return show_error(
        422, "Something in there cannot be stored: a character that no keyboard types, or a number beyond all measure."
    )


def _bug(problem: Exception) -> ResponseReturnValue:
    reference = new_code(8)
    log.error("reference %s: %s %s", reference, request.method, request.path, exc_info=problem)
    return show_error(500, "This is our fault, not yours. Nothing was changed. The log has more.", reference)


def current_shop() -> Any:
    """The shop of this request, or None for a stranger."""
    return getattr(g, "shop", None)


def home_url() -> str:
    """Where a signed-in person begins."""
    return url_for("insight.dashboard")


def external_url(path: str) -> str:
    """A path of ours as somebody else opens it: under PRINTFARM_PUBLIC_URL, else as this request reached us."""
    settings: Settings = current_app.config["SETTINGS"]
    return (settings.public_url or request.host_url.rstrip("/")) + path
