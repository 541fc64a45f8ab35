"""The place of the area's screens, and what all of them do."""

from typing import Any
from uuid import UUID

from flask import Blueprint, request
from flask_login import current_user
from wtforms import Field

from printfarm.core.errors import DomainError
from printfarm.core.web import Deferred, ViewAnswer, is_fragment, page, refused
from printfarm.filament.models import MATERIALS

bp = Blueprint("filament", __name__, url_prefix="/filament")


def form_again(template: str, **context: Any) -> ViewAnswer:
    """The page of a form: asked for, or with what was wrong in it."""
    context["materials"] = MATERIALS
    if request.method == "GET":
        return page(template, **context)
    return refused(lambda _db: page(template, **context))


def typed_again(problem: DomainError, beside: Field, template: str, **context: Any) -> Deferred:
    """The page of a form with what the service refused beside a field. With htmx the form still stands there, so the refusal is
    raised again and becomes a toast.
    """
    if is_fragment():
        raise problem
    beside.errors = [problem.sentence]
    return Deferred(lambda _db: page(template, **context), status=problem.status, keep=False)


def page_number() -> int:
    return request.args.get("page", 1, type=int)


def me() -> UUID:
    person: UUID = current_user.user.id
    return person
