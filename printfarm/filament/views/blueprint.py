"""The place of the area's screens, and what all of them do."""

from typing import Any
from uuid import UUID

from flask import Blueprint, request
from flask_login import current_user

from printfarm.core.web import ViewAnswer, page, refused
from printfarm.filament.models import MATERIALS

bp = Blueprint("filament", __name__, url_prefix="/filament")


def form_again(template: str, **context: Any) -> ViewAnswer:
    """The page of a form: asked for, or with what was wrong in it."""
    context["materials"] = MATERIALS
    if request.method == "GET":
        return page(template, **context)
    return refused(lambda _db: page(template, **context))


def page_number() -> int:
    return request.args.get("page", 1, type=int)


def me() -> UUID:
    person: UUID = current_user.user.id
    return person
