"""The dashboard, what needs a person (the bell and its page), and the page that shows every part of the look."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.web import ViewAnswer, done, is_fragment, page, render_block
from printfarm.fleet import service as fleet
from printfarm.insight import queries
from printfarm.insight.needs import get_needs, recent_runs

bp = Blueprint("insight", __name__)


@bp.get("/")
@shop_view(role="viewer")
def dashboard(db: Session) -> ResponseReturnValue:
    shown = queries.get_dashboard(db)
    return page("insight/dashboard.html", "dashboard", shown=shown, bell_count=len(shown.needs))


@bp.get("/needs")
@shop_view(role="viewer")
def needs(db: Session) -> ResponseReturnValue:
    shown = _needs(db)
    return page("insight/needs.html", "need_list", **shown, bell_count=len(shown["needs"]))


@bp.get("/needs/count")
@shop_view(role="viewer")
def count_needs(db: Session) -> ViewAnswer:
    """The figure at the bell, fetched once a page is there, so that no page waits for it."""
    if not is_fragment():
        return redirect(url_for("insight.needs"))
    return render_block("insight/_bell_count.html", "bell_count", count=len(get_needs(db)))


@bp.get("/needs/bell")
@shop_view(role="viewer")
def bell(db: Session) -> ViewAnswer:
    """What unfolds under the bell."""
    if not is_fragment():
        return redirect(url_for("insight.needs"))
    return render_block("insight/_bell_list.html", "bell_list", **_needs(db))


@bp.post("/beds/<uuid:printer_id>/clear")
@shop_view(role="operator")
def clear_bed(db: Session, printer_id: UUID) -> ViewAnswer:
    """From the dashboard, the page of needs or the bell; the person stays there."""
    fleet.clear_bed(db, printer_id, current_user.user.id)
    match request.form.get("from"):
        case "needs":
            return done(
                url_for("insight.needs"), lambda db: render_block("insight/needs.html", "need_list", **_needs(db))
            )
        case "bell":
            return done(
                url_for("insight.needs"), lambda db: render_block("insight/_bell_list.html", "bell_list", **_needs(db))
            )
        case _:
            return done(
                url_for("insight.dashboard"),
                lambda db: render_block("insight/dashboard.html", "dashboard", shown=queries.get_dashboard(db)),
            )


@bp.get("/ui")
@shop_view(role="owner")
def showcase(db: Session) -> ResponseReturnValue:  # noqa: ARG001  # nothing on it comes from the shop
    theme = request.args.get("theme", "")
    return page("_ui/showcase.html", shown_theme=theme if theme in {"light", "dark"} else "")


def _needs(db: Session) -> dict[str, Any]:
    return {"needs": get_needs(db), "recent": recent_runs(db)}
