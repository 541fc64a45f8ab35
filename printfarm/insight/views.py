"""The dashboard."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.web import page

bp = Blueprint("insight", __name__)


@bp.get("/")
@shop_view(role="viewer")
def dashboard(db: Session) -> ResponseReturnValue:  # noqa: ARG001
    return page("insight/dashboard.html")
