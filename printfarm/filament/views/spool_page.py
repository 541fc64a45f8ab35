"""The page of a spool: what it shows, and how the deeds on it come back to it."""

from typing import Any
from uuid import UUID

from flask import url_for
from sqlalchemy.orm import Session

from printfarm.core.clock import utc_now
from printfarm.core.web import ViewAnswer, done, render_block
from printfarm.filament import queries, service
from printfarm.filament.charts import draw_weight
from printfarm.filament.forms import WeighForm
from printfarm.filament.from_above import loaded_in
from printfarm.filament.views.blueprint import page_number
from printfarm.filament.views.ledger import ledger_context


def spool_context(db: Session, spool_id: UUID, form: WeighForm | None = None, **more: Any) -> dict[str, Any]:
    """What the page of a spool shows."""
    spool = service.find_spool(db, spool_id)
    steps = queries.history_of(db, spool_id)
    return {
        "spool": spool,
        "tare_mg": service.tare_of(db, spool),
        "loaded": loaded_in(db, [spool_id]),
        **ledger_context(db, queries.ledger_of(db, spool_id=spool_id, page=page_number())),
        "discrepancies": queries.discrepancies_of(db, spool_id),
        "chart": draw_weight(steps, initial_mg=spool.initial_mg, low_below_mg=spool.low_below_mg, now=utc_now()),
        "form": form or WeighForm(formdata=None),
        **more,
    }


def spool_again(spool_id: UUID, message: str = "Booked.") -> ViewAnswer:
    """Back to the spool, as it is after what was done."""
    return done(
        url_for("filament.spool", spool_id=spool_id),
        lambda db: render_block("filament/spool.html", "spool_page", **spool_context(db, spool_id)),
        message=message,
    )
