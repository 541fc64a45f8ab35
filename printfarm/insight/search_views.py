"""The page of the one search box."""

from typing import Any
from uuid import UUID

from flask import make_response, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import NotFound
from printfarm.core.searching import words_of
from printfarm.core.web import ViewAnswer, is_fragment, page
from printfarm.filament.models import MATERIALS, Filament, Spool
from printfarm.fleet.models import Printer
from printfarm.insight import search
from printfarm.insight.views import bp
from printfarm.library.models import CATEGORIES, Category

HOUR_S = 3600
LONGEST_H = 10_000


@bp.get("/search")
@shop_view(role="viewer")
def find(db: Session) -> ViewAnswer:
    """Whoever types or scans a whole short code means that record; while still typing, nobody is led away."""
    text = " ".join(words_of(request.args.get("q")))
    filters, asked = _filters(db)
    exact = search.by_code(db, text) if text and not filters.given and not is_fragment() else None
    if isinstance(exact, Spool):
        return redirect(url_for("filament.spool", spool_id=exact.id), 303)
    if exact is not None:
        return redirect(url_for("fleet.printer", printer_id=exact.id), 303)
    here = url_for("insight.find", **{"q": text or None, **asked})
    if not is_fragment() and any(not value for name, value in request.args.items() if name != "q"):
        return redirect(here, 303)  # a form sends its empty fields too; the address keeps what was said
    kind = request.args.get("kind", "")
    kind = kind if kind in search.KINDS else ""
    found = search.find(db, text, filters, kind=kind, number=request.args.get("page", 1, int))
    choices = {} if is_fragment() else _choices(db)
    answer = make_response(
        page(
            "insight/search.html",
            "results",
            text=text,
            asked=asked,
            kind=kind,
            found=found,
            is_part=is_fragment(),
            **choices,
        )
    )
    if is_fragment():  # the address that can be kept, without the fields that are empty
        answer.headers["HX-Replace-Url"] = here
    return answer


@bp.get("/search/peek")
@shop_view(role="viewer")
def peek(db: Session) -> ViewAnswer:
    """The first few of each kind, for the box that every page has."""
    text = " ".join(words_of(request.args.get("q")))
    if not is_fragment():
        return redirect(url_for("insight.find", q=text or None), 303)
    return page("insight/_peek.html", text=text, found=search.find(db, text))


def _filters(db: Session) -> tuple[search.Filters, dict[str, Any]]:
    """What the address narrows the search to, and how it says so. What is no number, and no id, narrows nothing."""
    printer = _printer(db, request.args.get("printer", ""))
    category, material = (_plain(request.args.get(name)) for name in ("category", "material"))
    hours = {name: _hours(request.args.get(name, "")) for name in ("from", "to")}
    filters = search.Filters(
        category=category,
        material=material,
        printer=printer,
        in_stock="in_stock" in request.args,
        from_s=None if hours["from"] is None else round(hours["from"] * HOUR_S),
        to_s=None if hours["to"] is None else round(hours["to"] * HOUR_S),
    )
    said = {
        "category": category,
        "material": material,
        "printer": str(printer.id) if printer else "",
        "in_stock": "1" if filters.in_stock else "",
        **{name: f"{value:g}" for name, value in hours.items() if value is not None},
    }
    return filters, {name: value for name, value in said.items() if value}


def _printer(db: Session, given: str) -> Printer | None:
    try:
        printer_id = UUID(given)
    except ValueError:
        return None
    printer = db.scalar(select(Printer).where(Printer.id == printer_id))
    if printer is None:
        raise NotFound("This printer is not in the shop, or no longer. Search without it.")
    return printer


def _hours(given: str) -> float | None:
    try:
        hours = float(given.replace(",", "."))
    except ValueError:
        return None
    return hours if 0 <= hours <= LONGEST_H else None


def _plain(given: str | None) -> str:
    return " ".join(words_of(given))


def _choices(db: Session) -> dict[str, Any]:
    own = db.scalars(select(Category.name).order_by(Category.name)).all()
    materials = db.scalars(select(Filament.material).where(Filament.archived_at.is_(None)).distinct()).all()
    printers = select(Printer).where(Printer.archived_at.is_(None)).order_by(Printer.position, Printer.id)
    return {
        "categories": [
            ("", "Any category"),
            *((name, name.capitalize()) for name in CATEGORIES),
            *((name, name) for name in own),
        ],
        "materials": [
            ("", "Any material"),
            *((name, name) for name in sorted({*MATERIALS, *materials}, key=str.casefold)),
        ],
        "printers": [("", "Any printer"), *((str(printer.id), printer.name) for printer in db.scalars(printers))],
    }
