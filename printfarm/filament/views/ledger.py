"""The whole ledger: its page, its download, its discrepancies, and whether the cached weights agree with it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, request, url_for
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_stream, shop_view
from printfarm.core.background import SLOW, enqueue_after_commit
from printfarm.core.clock import utc_now
from printfarm.core.paging import Paged
from printfarm.core.sheets import csv_line, csv_lines, safe_cell
from printfarm.core.tenancy import shop_of
from printfarm.core.web import ViewAnswer, done, page
from printfarm.core.work import read_only
from printfarm.filament import queries, service
from printfarm.filament.from_above import prints_of
from printfarm.filament.models import CAUSES
from printfarm.filament.queries import LedgerFilter, LedgerLine
from printfarm.filament.views.blueprint import bp, page_number


def ledger_context(db: Session, found: Paged[LedgerLine]) -> dict[str, Any]:
    """What filament/_ledger.html needs to draw these lines."""
    entries = [line.entry for line in found.items]
    runs = {entry.run_id for entry in entries if entry.run_id}
    return {"ledger": found, "prints": prints_of(db, sorted(runs)), **queries.names_for(db, entries)}


@bp.get("/ledger")
@shop_view(role="viewer")
def ledger(db: Session) -> ViewAnswer:
    asked = _asked()
    found = queries.ledger_of(db, **vars(asked), page=page_number())
    return page(
        "filament/ledger.html",
        "lines",
        asked=asked,
        args=request.args.to_dict(),
        causes=[("", "All causes"), *((one, one.capitalize()) for one in CAUSES)],
        spool=service.find_spool(db, asked.spool_id) if asked.spool_id else None,
        filament=service.find_filament(db, asked.filament_id) if asked.filament_id else None,
        unassigned=queries.count_unassigned(db),
        **ledger_context(db, found),
    )


@bp.get("/ledger.csv")
@shop_stream(role="viewer")
def ledger_csv(shop_id: UUID) -> Response:
    """The same lines as the page, all of them, sent while they are read."""
    asked = _asked()
    with read_only(shop_id) as db:
        spool = service.find_spool(db, asked.spool_id) if asked.spool_id else None
        if asked.filament_id:
            service.find_filament(db, asked.filament_id)
    name = f"ledger{'-' + spool.code if spool else ''}-{utc_now():%Y-%m-%d}.csv"
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    response = Response(_csv(app, shop_id, asked), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _csv(app: Flask, shop_id: UUID, asked: LedgerFilter) -> Iterator[str]:
    """A transaction per piece, opened when it is wanted and closed before it is sent: a slow reader holds nothing."""
    yield from csv_lines(queries.LEDGER_COLUMNS, [])
    last = None
    while True:
        with app.app_context(), read_only(shop_id) as db:
            lines = queries.ledger_part(db, asked, after=last)
            rows = list(queries.ledger_rows(db, lines))
        if not lines:
            return
        yield "".join(csv_line([safe_cell(cell) for cell in row]) for row in rows)
        last = lines[-1].entry


def _asked() -> LedgerFilter:
    cause = request.args.get("cause", "")
    return LedgerFilter(
        spool_id=request.args.get("spool", type=UUID),
        filament_id=request.args.get("filament", type=UUID),
        cause=cause if cause in CAUSES else "",
        discrepancies="discrepancies" in request.args,
    )


@bp.get("/check")
@shop_view(role="viewer")
def stock_check(db: Session) -> ViewAnswer:
    """What the last comparison found, and how it stands now."""
    return page("filament/check.html", "check", **_check_context(db))


@bp.post("/check")
@shop_view(role="operator")
def check_stock(db: Session) -> ViewAnswer:
    shop_id = shop_of(db)
    enqueue_after_commit(db, "jobs.filament.check_stock", shop_id, shop_id, queue=SLOW, unique=False)
    return done(
        url_for("filament.stock_check"), message="The weights are being compared. The answer stands here in a moment."
    )


@bp.post("/check/repair")
@shop_view(role="operator")
def repair_stock(db: Session) -> ViewAnswer:
    count = service.repair_stock(db)
    said = "One weight" if count == 1 else f"{count} weights"
    message = f"{said} put right from the ledger." if count else "All weights agree with the ledger."
    return done(url_for("filament.stock_check"), message=message)


def _check_context(db: Session) -> dict[str, Any]:
    check = queries.latest_check(db)
    drift = queries.still_drifted(db, check) if check else []
    return {"check": check, "drift": drift, "unassigned": queries.count_unassigned(db)}
