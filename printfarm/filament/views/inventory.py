"""The inventory: all rolls in a table, to find, weigh, and do the same to many of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.errors import DomainError, NotFound
from printfarm.core.units import mg_from_grams
from printfarm.core.web import Deferred, ViewAnswer, after_commit, done, is_fragment, page, render_block
from printfarm.filament import queries, service
from printfarm.filament.forms.inventory import LABELS, BulkForm, RowWeighForm, UndoForm
from printfarm.filament.from_above import labels_page, loaded_in
from printfarm.filament.models import Spool, StockEntry
from printfarm.filament.queries import InventoryFilter
from printfarm.filament.service import BelowZero
from printfarm.filament.views.blueprint import bp, me, page_number

# What is said when a deed is done, to one roll and to several.
SAID = {
    "move": "moved",
    "dried": "noted as dried today",
    "opened": "noted as opened today",
    "low": "given this threshold",
    "best before": "given this date",
    "empty": "noted as empty",
    "archive": "archived",
    "restore": "back in use",
    "discard": "discarded",
}

OFFERED = ("materials", "brands", "colours", "locations")


@bp.get("/spools")
@shop_view(role="viewer")
def spools(db: Session) -> ViewAnswer:
    return _list(db, editing=request.args.get("edit", type=UUID))


@bp.get("/spools/<uuid:spool_id>/row")
@shop_view(role="viewer")
def inventory_row(db: Session, spool_id: UUID) -> ViewAnswer:
    """One row; `edit`: with the fields to weigh it."""
    spool = service.find_spool(db, spool_id)
    editing = "edit" in request.args
    if not is_fragment():
        return redirect(here(edit=spool_id if editing else None), 303)
    return _row(db, spool, editing=editing)


@bp.post("/spools/<uuid:spool_id>/row")
@shop_view(role="operator")
def book_in_row(db: Session, spool_id: UUID) -> ViewAnswer:
    """What a roll holds, typed into its row."""
    form = RowWeighForm()
    service.find_spool(db, spool_id)
    if not form.validate_on_submit():
        return _row_again(spool_id, form, 422)
    try:
        service.refuse_stale(db, spool_id, form.seen.data)
        book = service.WEIGHINGS[form.what.data]
        book(db, spool_id, mg_from_grams(form.grams.data), user_id=me(), **form.said())
    except DomainError as problem:
        form.grams.errors = [problem.sentence]
        form.lacking_mg = problem.lacking_mg if isinstance(problem, BelowZero) else 0
        return _row_again(spool_id, form, 422 if is_fragment() else problem.status)
    spool = service.find_spool(db, spool_id)
    return done(here(), lambda db: _row(db, service.find_spool(db, spool_id), booked=True), f"{spool.code} is booked.")


@bp.post("/spools/<uuid:spool_id>/row/undo")
@shop_view(role="operator")
def undo_in_row(db: Session, spool_id: UUID) -> ViewAnswer:
    form = UndoForm()
    if not form.validate_on_submit():
        raise NotFound("This line is not in the ledger.")
    entry = db.get(StockEntry, UUID(form.entry_id.data))
    service.find_spool(db, spool_id)
    if entry is None:
        raise NotFound("This line is not in the ledger.")
    if entry.spool_id != spool_id:
        raise DomainError("This line is not in this roll's ledger. Load the page again.")
    service.undo_entry(db, entry.id, user_id=me())
    return done(here(), lambda db: _row(db, service.find_spool(db, spool_id)), "Undone.")


@bp.post("/spools/bulk")
@shop_view(role="operator")
def act_on_spools(db: Session) -> ViewAnswer:
    """The same deed for all ticked rolls. Which ones refused, and why, stands above the list."""
    form = BulkForm()
    if not form.validate_on_submit():
        raise DomainError(" ".join(str(one) for errors in form.errors.values() for one in errors))
    ids, more = _meant(db, form)
    if form.deed.data == LABELS:
        return _to_labels(db, ids)
    result = service.act_on(db, form.deed.data, ids, form.told(), user_id=me())
    count = len(result.codes)
    said = f"{result.codes[0]} is" if count == 1 else f"{count} rolls are"
    message = f"{said} {SAID[form.deed.data]}.{more}" if count else None
    if result.refused:
        notes = [(result.names[spool_id], sentence) for spool_id, sentence in result.refused.items()]
        return after_commit(lambda db: _refusals(db, notes, message or ""))
    return done(here(), _list, message)


def _meant(db: Session, form: BulkForm) -> tuple[list[UUID], str]:
    """The ticked rolls, or all that the list finds, as many as go at once; then a sentence for those that are left."""
    if not form.everything.data:
        return form.spool.data, ""
    ids = queries.inventory_ids(db, InventoryFilter.of(request.args), queries.inventory_choices(db))
    left = len(ids) - service.MOST_AT_ONCE
    more = f" {left} more fit: {service.MOST_AT_ONCE} go at once, in the order of the list." if left > 0 else ""
    return ids[: service.MOST_AT_ONCE], more


def _refusals(db: Session, notes: list[tuple[str, str]], done_to: str) -> ResponseReturnValue:
    """Who ticks rows at the bottom of the list is taken to where the sentences stand."""
    response = make_response(_list(db, notes=notes, done_to=done_to))
    response.headers["HX-Reswap"] = "outerHTML show:#spools:top"
    return response


def here(edit: UUID | None = None) -> str:
    """The list as the person sees it: its filter and page stand in the address of whatever is done to it."""
    asked, number = InventoryFilter.of(request.args), page_number()
    args: dict[str, Any] = {**asked.args(), "page": number if number > 1 else None, "edit": edit}
    return url_for("filament.spools", **args)


def _to_labels(db: Session, spool_ids: list[UUID]) -> ViewAnswer:
    found = queries.spools_by_id(db, spool_ids[: service.MOST_AT_ONCE])
    if not found:
        raise NotFound("Tick the rolls that get a label.")
    return done(labels_page([one.code for one in found]) or here())


def _list(db: Session, **more: Any) -> ResponseReturnValue:
    return page("filament/spools.html", "spool_list", **_context(db, **more))


def _context(
    db: Session,
    *,
    editing: UUID | None = None,
    form: RowWeighForm | None = None,
    notes: list[tuple[str, str]] | None = None,
    done_to: str = "",
) -> dict[str, Any]:
    asked, choices = InventoryFilter.of(request.args), queries.inventory_choices(db)
    found, totals = queries.inventory(db, asked, choices, page_number())
    edited = next((one for one in found.items if one.id == editing), None)
    return {
        "found": found,
        "totals": totals,
        "asked": asked,
        "choices": choices,
        "offered": {name: [(one, one) for one in getattr(choices, name)] for name in OFFERED},
        "here": here(),
        "bulk": BulkForm(formdata=None),
        "most_at_once": service.MOST_AT_ONCE,
        "high_demand": queries.HIGH_DEMAND,
        "notes": notes or [],
        "done_to": done_to,
        "unassigned": queries.count_unassigned(db),
        "sort_link": _sort_links(asked),
        **_row_context(db, found.items, edited, form),
    }


def _row(db: Session, spool: Spool, *, editing: bool = False, booked: bool = False) -> ResponseReturnValue:
    context = _row_context(db, [spool], spool if editing else None, None)
    context["booked"] = queries.last_line_of(db, spool.id) if booked else None
    return render_block("filament/_inventory_row.html", "row", spool=spool, **context)


def _row_again(spool_id: UUID, form: RowWeighForm, status: int) -> ViewAnswer:
    """Rolled back; the row, or without JavaScript the list, with what was typed and why not."""

    def again(db: Session) -> ResponseReturnValue:
        if not is_fragment():
            return _list(db, editing=spool_id, form=form)
        spool = service.find_spool(db, spool_id)
        return render_block(
            "filament/_inventory_row.html", "row", spool=spool, **_row_context(db, [spool], spool, form)
        )

    return Deferred(again, status=status, keep=False)


def _row_context(db: Session, shown: list[Spool], edited: Spool | None, form: RowWeighForm | None) -> dict[str, Any]:
    """What filament/_inventory_row.html needs for these rows."""
    asked, number = InventoryFilter.of(request.args), page_number()
    return {
        "loaded": loaded_in(db, [one.id for one in shown]),
        "row_args": {**asked.args(), **({"page": number} if number > 1 else {})},
        "editing": edited.id if edited else None,
        "row_form": (form or RowWeighForm(formdata=None)) if edited else None,
        "line": queries.last_line_of(db, edited.id) if edited else None,
        "tare_mg": service.tare_of(db, edited) if edited else None,
        "value_of": queries.value_of,
        "is_wanted": queries.is_wanted,
        "today": service.today_of(db),
    }


def _sort_links(asked: InventoryFilter) -> Mapping[str, dict[str, str]]:
    """For the heads of columns: where a press leads, and how they are sorted now."""
    links = {}
    args: dict[str, Any] = asked.args()
    for name in ("name", "state", "left", "place", "bought", "used", "value"):
        now = asked.sort or "name"
        other_way = f"-{name}" if now == name and name != "name" else name
        links[name] = {
            "sort": url_for("filament.spools", **{**args, "sort": other_way}),
            "dir": "asc" if now == name else "desc" if now == f"-{name}" else "",
        }
    return links
