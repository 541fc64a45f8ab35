"""The dashboard, and the page that shows every part of the look."""

from uuid import UUID

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.web import ViewAnswer, done, page, render_block
from printfarm.fleet import service as fleet
from printfarm.insight import queries

bp = Blueprint("insight", __name__)


@bp.get("/")
@shop_view(role="viewer")
def dashboard(db: Session) -> ResponseReturnValue:
    return page("insight/dashboard.html", "dashboard", shown=queries.get_dashboard(db))


@bp.post("/beds/<uuid:printer_id>/clear")
@shop_view(role="operator")
def clear_bed(db: Session, printer_id: UUID) -> ViewAnswer:
    fleet.clear_bed(db, printer_id, current_user.user.id)
    return done(
        url_for("insight.dashboard"),
        lambda db: render_block("insight/dashboard.html", "dashboard", shown=queries.get_dashboard(db)),
    )


@bp.get("/ui")
@shop_view(role="owner")
def showcase(db: Session) -> ResponseReturnValue:  # noqa: ARG001  # nothing on it comes from the shop
    return page("_ui/showcase.html")
