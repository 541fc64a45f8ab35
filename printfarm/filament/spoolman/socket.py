"""The change socket: who listens hears of each vendor, filament or spool that is added, changed or deleted."""

import json
import queue
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Flask, current_app, g, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server
from sqlalchemy import select
from sqlalchemy.orm import Session

from printfarm.accounts.machines import Machine, machine, still_good, token_socket
from printfarm.core import live
from printfarm.core.clock import utc_now
from printfarm.core.events import Event, from_message
from printfarm.core.sockets import limit_sending
from printfarm.core.work import read_only
from printfarm.filament.events import BrandChanged, FilamentChanged, SpoolChanged, SpoolUsed, StockChanged
from printfarm.filament.models import Brand, Filament, Spool
from printfarm.filament.spoolman.door import bp
from printfarm.filament.spoolman.showing import show_filaments, show_spools, show_time, show_vendor

sock = Sock()

LOOK_S, GATHER_S, RECHECK_S = 2, 0.2, 20
# When the process begins to listen it tells all sockets to look again; one that has just opened has nothing to look for.
NEW_S = 5
WORDS_AT_ONCE = 20
HEALTHY = json.dumps({"status": "healthy"})
ROWS: dict[str, type[Brand | Filament | Spool]] = {"vendor": Brand, "filament": Filament, "spool": Spool}


@dataclass
class Listener:
    """Who listens to what: everything, one kind, or one row by its number."""

    who: Machine
    resource: str = ""
    number: int | None = None
    since: datetime = field(default_factory=utc_now)
    announced: set[UUID] = field(default_factory=set)

    def wants(self, resource: str, row: Any) -> bool:
        return self.resource in {"", resource} and self.number in {None, row.number}


@bp.before_request
def only_with_a_token() -> None:
    """Before the handshake, so that a wrong token gets an answer that clients understand."""
    if request.endpoint in {"spoolman.listen", "spoolman.listen_to_all", "spoolman.listen_to_one"}:
        g.machine = machine()


@sock.route("/", bp=bp)  # type: ignore[untyped-decorator]
@token_socket
def listen_to_all(ws: Server) -> None:
    _serve(ws, Listener(g.machine))


@sock.route("/<any(vendor, filament, spool):resource>", bp=bp)  # type: ignore[untyped-decorator]
@token_socket
def listen(ws: Server, resource: str) -> None:
    _serve(ws, Listener(g.machine, resource))


@sock.route("/<any(vendor, filament, spool):resource>/<int:number>", bp=bp)  # type: ignore[untyped-decorator]
@token_socket
def listen_to_one(ws: Server, resource: str, number: int) -> None:
    _serve(ws, Listener(g.machine, resource, number))


def _serve(ws: Server, listener: Listener) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    place = live.hall(app)
    screen = live.Screen(listener.who.shop_id, f"token:{listener.who.id}", hears_events=True)
    try:
        limit_sending(ws)
        if not place.enter(screen):
            ws.close(live.TRY_AGAIN_LATER, "busy, try again")
            return
        while ws.connected and not place.closing.is_set() and _feed(ws, screen, listener):
            pass
        ws.close(screen.close_code, "")
    except (ConnectionClosed, OSError):
        return
    finally:
        place.leave(screen)


def _feed(ws: Server, screen: live.Screen, listener: Listener) -> bool:
    """For so long until the token is looked at again. False ends the socket."""
    until = time.monotonic() + RECHECK_S
    while ws.connected and time.monotonic() < until:
        heard = _gathered(screen)
        if None in heard:
            return False
        if live.REFETCH in heard and (utc_now() - listener.since).total_seconds() > NEW_S:
            return False  # something may have been missed: a client that connects anew looks for itself
        for message in _told(listener, [one for one in heard if one]):
            ws.send(message)
        if not _answer(ws, screen):
            return False
    if not still_good(listener.who.id):
        screen.close_code = live.SIGNED_OUT
        return False
    return True


def _gathered(screen: live.Screen) -> list[str | None]:
    """What waits, each once. Several lines of one booking come together."""
    heard: dict[str | None, None] = {}
    with suppress(queue.Empty):
        heard[screen.waiting.get(timeout=LOOK_S)] = None
        time.sleep(GATHER_S)
        while True:
            heard[screen.waiting.get_nowait()] = None
    return list(heard)


def _answer(ws: Server, screen: live.Screen) -> bool:
    """A client may ask whether we are there. One that does not stop asking is sent away."""
    for _ in range(WORDS_AT_ONCE):
        if not ws.input_buffer:
            return True
        ws.receive(timeout=0)
        ws.send(HEALTHY)
    screen.close_code = live.UNWANTED_WORDS
    return False


def _told(listener: Listener, heard: Iterable[str]) -> list[str]:
    """What happened, in Spoolman's words."""
    events = [event for event in (_event(one) for one in heard) if event is not None]
    subjects = dict.fromkeys(subject for event in events if (subject := _subject(event)) is not None)
    if not subjects:
        return []
    with read_only(listener.who.shop_id) as db:
        return [message for resource, row_id in subjects if (message := _message(db, listener, resource, row_id))]


def _event(message: str) -> Event | None:
    body = json.loads(message)
    return from_message(body) if isinstance(body, dict) and "kind" in body else None


def _subject(event: Event) -> tuple[str, UUID] | None:
    if isinstance(event, SpoolChanged | SpoolUsed):
        return "spool", event.spool_id
    if isinstance(event, StockChanged) and event.spool_id is not None:
        return "spool", event.spool_id
    if isinstance(event, FilamentChanged):
        return "filament", event.filament_id
    if isinstance(event, BrandChanged):
        return "vendor", event.brand_id
    return None


def _message(db: Session, listener: Listener, resource: str, row_id: UUID) -> str | None:
    table: Any = ROWS[resource]
    row: Any = db.scalar(select(table).where(table.id == row_id))
    if row is None or not listener.wants(resource, row):
        return None
    what = "updated"
    if _is_gone(row):
        what = "deleted"
    elif row.created_at >= listener.since and row_id not in listener.announced:
        listener.announced.add(row_id)
        what = "added"
    event = {"type": what, "resource": resource, "date": show_time(utc_now()), "payload": _payload(db, row)}
    return json.dumps(event)


def _is_gone(row: Brand | Filament | Spool) -> bool:
    if isinstance(row, Spool):
        return row.state == "discarded"
    return isinstance(row, Filament) and row.archived_at is not None


def _payload(db: Session, row: Brand | Filament | Spool) -> dict[str, Any]:
    if isinstance(row, Spool):
        return show_spools(db, [row])[0]
    if isinstance(row, Filament):
        return show_filaments(db, [row])[0]
    return show_vendor(row)
