"""The last known queue and printers, for a phone without a network. The service worker keeps this page; nobody links to it."""

from dataclasses import dataclass, field
from datetime import datetime

from flask import Response
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from printfarm.accounts.access import shop_view
from printfarm.core.clock import utc_now
from printfarm.core.web import page
from printfarm.fleet.queries import PrinterCard, printer_cards
from printfarm.insight.views import bp
from printfarm.queue.queries import QueuePage, get_queue

WAITING_KEPT = 25


@dataclass(frozen=True)
class Snapshot:
    """The shop as it was at `taken_at`."""

    queue: QueuePage
    printers: list[PrinterCard]
    taken_at: datetime = field(default_factory=utc_now)


@bp.get("/offline")
@shop_view(role="viewer")
def offline(db: Session) -> ResponseReturnValue:
    """Read only, and the same for every role: no form and no token is in it."""
    return page("insight/offline.html", snapshot=Snapshot(get_queue(db, size=WAITING_KEPT), printer_cards(db)))


@bp.get("/offline/nothing")
def nothing_kept() -> Response:
    """What the worker shows when it knows of no queue. The same for everybody, also before the first start."""
    return page("insight/offline.html", snapshot=None)
