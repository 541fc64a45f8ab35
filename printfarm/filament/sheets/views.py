"""The pages of sheets: the inventory as a download, and a sheet that is looked at and taken in."""

from collections.abc import Iterator
from uuid import UUID

from flask import Flask, Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_stream, shop_view
from printfarm.core.clock import utc_now
from printfarm.core.errors import DomainError
from printfarm.core.sheets import csv_line, csv_lines, safe_cell
from printfarm.core.web import ViewAnswer, done, page
from printfarm.core.work import read_only
from printfarm.filament import queries
from printfarm.filament.models_sheets import OUTCOMES
from printfarm.filament.queries import InventoryFilter
from printfarm.filament.sheets import imports
from printfarm.filament.sheets.columns import OURS, READ_ONLY
from printfarm.filament.sheets.own import OwnColumns, own_columns
from printfarm.filament.sheets.reading import MOST_BYTES
from printfarm.filament.sheets.writing import LAYOUTS, sheet_rows
from printfarm.filament.views.blueprint import bp, page_number
from printfarm.files.views.one_file import NotTaken, keep_file, sent_file, skip_the_rest

RECEIVE = "printfarm.filament.sheets.views.receive_sheet"
PIECE = 500


def install(app: Flask) -> None:
    """The routes below belong to the area's blueprint. The one that reads a stream checks its form token itself."""
    app.extensions["csrf"].exempt(RECEIVE)


@bp.get("/spools.csv")
@shop_stream(role="viewer")
def inventory_csv(shop_id: UUID) -> Response:
    """All rolls that the filter finds, in its order, sent while they are read. `columns=spoolman`: with Spoolman's names."""
    asked, layout = InventoryFilter.of(request.args), request.args.get("columns", "")
    layout = layout if layout in LAYOUTS else ""
    with read_only(shop_id) as db:
        ids, own = queries.inventory_ids(db, asked, queries.inventory_choices(db)), own_columns(db)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    response = Response(_csv(app, shop_id, ids, layout, own), mimetype="text/csv")
    name = f"spools{'-spoolman' if layout else ''}-{utc_now():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _csv(app: Flask, shop_id: UUID, ids: list[UUID], layout: str, own: OwnColumns) -> Iterator[str]:
    """A transaction per piece, opened when it is wanted and closed before it is sent: a slow reader holds nothing."""
    yield from csv_lines([*LAYOUTS[layout], *own.headings], [])
    for at in range(0, len(ids), PIECE):
        with app.app_context(), read_only(shop_id) as db:
            spools = queries.spools_by_id(db, ids[at : at + PIECE])
            rows = list(sheet_rows(db, spools, layout, own))
        yield "".join(csv_line([safe_cell(cell) for cell in row]) for row in rows)


@bp.get("/sheets")
@shop_view(role="operator")
def sheets(db: Session) -> ViewAnswer:
    return _sheets(db)


@bp.post("/sheets")
@shop_stream(role="operator")
def receive_sheet(shop_id: UUID) -> ResponseReturnValue:
    """A file, which is kept as it comes and read in the background."""
    try:
        import_id = _receive(shop_id)
    except DomainError as refusal:
        skip_the_rest(MOST_BYTES)
        with read_only(shop_id) as db:
            return _sheets(db, refusal), refusal.status
    return redirect(url_for("filament.sheet", sheet_id=import_id), 303)


@bp.get("/sheets/<uuid:sheet_id>")
@shop_view(role="operator")
def sheet(db: Session, sheet_id: UUID) -> ViewAnswer:
    found, shown = imports.find_import(db, sheet_id), request.args.get("show", "")
    shown = shown if shown in OUTCOMES else ""
    lines = imports.lines_of(db, sheet_id, shown, page_number())
    return page("filament/sheet.html", "sheet_body", found=found, lines=lines, shown=shown)


@bp.post("/sheets/<uuid:sheet_id>/start")
@shop_view(role="operator")
def start_sheet(db: Session, sheet_id: UUID) -> ViewAnswer:
    imports.start(db, sheet_id)
    return done(url_for("filament.sheet", sheet_id=sheet_id), message="It is taken in, in the background.")


@bp.post("/sheets/<uuid:sheet_id>/stop")
@shop_view(role="operator")
def stop_sheet(db: Session, sheet_id: UUID) -> ViewAnswer:
    imports.stop(db, sheet_id)
    return done(url_for("filament.sheet", sheet_id=sheet_id), message="Stopped. What was taken in stays.")


@bp.post("/sheets/<uuid:sheet_id>/forget")
@shop_view(role="operator")
def forget_sheet(db: Session, sheet_id: UUID) -> ViewAnswer:
    imports.forget(db, imports.find_import(db, sheet_id, lock=True))
    return done(url_for("filament.sheets"), message="Forgotten. What was taken in stays.")


def _sheets(db: Session, refusal: DomainError | None = None) -> Response:
    return page(
        "filament/sheets.html",
        imports=imports.list_imports(db),
        columns=[one for one, key in OURS.items() if key],
        read_only=READ_ONLY,
        refusals=[refusal.sentence] if refusal else [],
    )


def _receive(shop_id: UUID) -> UUID:
    with sent_file(MOST_BYTES) as sent:
        if sent.draft is None:
            raise NotTaken("Choose a file.")
        user_id, key = current_user.user.id, imports.new_key(shop_id)
        return keep_file(
            shop_id,
            sent.draft,
            key,
            lambda db: imports.begin(db, name=sent.name, file_key=key, user_id=user_id).id,
        )
