from uuid import UUID

from flask import Blueprint, request
from flask_login import current_user

bp = Blueprint("fleet", __name__, url_prefix="/fleet")


def me() -> UUID:
    """Who asks."""
    person: UUID = current_user.user.id
    return person


def page_number() -> int:
    return request.values.get("page", 1, type=int)
