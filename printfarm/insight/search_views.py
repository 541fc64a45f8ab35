"""The page of the one search box."""

from flask import redirect, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.searching import words_of
from printfarm.core.web import ViewAnswer, is_fragment, page
from printfarm.filament.models import Spool
from printfarm.insight import search
from printfarm.insight.views import bp


@bp.get("/search")
@shop_view(role="viewer")
def find(db: Session) -> ViewAnswer:
    """Whoever types or scans a whole short code means that record; while still typing, nobody is led away."""
    text = " ".join(words_of(request.args.get("q")))
    exact = search.by_code(db, text) if text and not is_fragment() else None
    if isinstance(exact, Spool):
        return redirect(url_for("filament.spool", spool_id=exact.id), 303)
    if exact is not None:
        return redirect(url_for("fleet.printer", printer_id=exact.id), 303)
    return page("insight/search.html", "results", text=text, found=search.find(db, text), is_part=is_fragment())
