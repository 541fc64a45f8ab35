"""One connected hub: what it says is stored or shown, what waits for it is sent. One thread, no open database session.

The row remembers, Redis hurries: the rows are looked at every few seconds, and at once when a message in Redis says so.
"""

import json
import logging
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from redis import RedisError
from redis.client import PubSub
from simple_websocket import ConnectionClosed, Server

from hub import protocol
from printfarm.core import bus
from printfarm.core.errors import Unavailable
from printfarm.core.events import Event
from printfarm.core.health import note_seen
from printfarm.core.ids import new_id
from printfarm.core.live import SERVICE_RESTART, TRY_AGAIN_LATER, Hall
from printfarm.core.work import read_only, unit_of_work
from printfarm.fleet.events import FileProgressed, HubWanted, PrinterMoved
from printfarm.fleet.models import Command, Hub
from printfarm.fleet.outgoing import CannotSend, message_of, printer_list
from printfarm.fleet.queries import FILE_TELEMETRY, PRINTER_TELEMETRY
from printfarm.fleet.service.commands import fail_command, mark_sent, unanswered
from printfarm.fleet.service.hubs import still_here
from printfarm.fleet.service.reports import (
    Replaced,
    apply_status,
    as_id,
    has_begun,
    keep_unhandled,
    store_message,
)

log = logging.getLogger(__name__)

LISTEN_S = 0.25
LOOK_S = 3.0  # at most so long until the rows are looked at
SHOW_S = 0.5  # at most two pushes a second for one printer
ALIVE_S = 10.0
REMIND_S = 30.0
MOST_BAD = 5
MOST_WAITING = 2000  # messages that were received and not yet taken in; a hub that outruns us has lost its mind
BAD_MESSAGES, REPLACED = 1008, 4409


class Ended(Exception):
    """The connection is over; the code and the words go to the hub."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


class Line:
    """A signed-in hub. `base_url` is where it reaches web; file links are made with it."""

    def __init__(self, ws: Server, shop_id: UUID, hub_id: UUID, connection_id: UUID, base_url: str) -> None:
        self._ws, self._shop_id, self._hub_id, self._connection_id = ws, shop_id, hub_id, connection_id
        self._base_url = base_url
        self._built_in = False
        self._revision: int | None = None
        self._printers: frozenset[UUID] = frozenset()
        self._sent: set[UUID] = set()
        self._kept: dict[UUID, tuple[object, object]] = {}  # what the database knows of each printer's status
        self._said: dict[UUID, dict[str, Any]] = {}
        self._news: set[Event] = set()
        self._bad = 0
        self._look_at = self._show_at = self._alive_at = self._remind_at = 0.0
        self._ears: PubSub | None = None
        self.replaced = False

    def run(self, place: Hall) -> None:
        """Until the hub goes, another connection of it takes over, or the process stops."""
        try:
            while not place.closing.is_set():
                self._tick()
                text = self._ws.receive(timeout=LISTEN_S)
                if text is not None:
                    self._hear(text)
            raise Ended(SERVICE_RESTART, "restarting")
        except Ended as end:
            log.info("hub %s: %s", self._hub_id, end.words)
            with suppress(ConnectionClosed, OSError):
                self._ws.close(end.code, end.words)
        except Unavailable as problem:
            log.warning("hub %s is asked to come back: %s", self._hub_id, problem.sentence)
            with suppress(ConnectionClosed, OSError):
                self._ws.close(TRY_AGAIN_LATER, "database busy")
        finally:
            self._stop_listening()

    # --- What the hub says ---------------------------------------------------------------------------------------

    def _hear(self, text: str | bytes) -> None:
        if len(self._ws.input_buffer) > MOST_WAITING:
            raise Ended(BAD_MESSAGES, "too many messages at once")
        try:
            message = protocol.parse_from_hub(text)
        except protocol.UnknownMessageError as problem:
            log.info("hub %s: a message of an unknown kind was dropped: %s", self._hub_id, problem)
            return
        except protocol.ProtocolError as problem:
            self._bad += 1
            log.warning("hub %s: bad message %d: %s", self._hub_id, self._bad, problem)
            if self._bad >= MOST_BAD:
                raise Ended(BAD_MESSAGES, "too many bad messages") from None
            return
        if isinstance(message, protocol.Durable):
            self._store(message)
        elif isinstance(message, protocol.PrinterStatus):
            self._show_status(message)
        elif isinstance(message, protocol.FileProgress):
            self._show_progress(message)

    def _store(self, message: protocol.DurableFromHub) -> None:
        """Store first, say received afterwards; what cannot be stored stays with the hub."""
        try:
            with unit_of_work(self._shop_id) as db:
                store_message(db, self._hub_id, self._connection_id, message)
        except Replaced as problem:
            raise Ended(REPLACED, problem.sentence) from None
        except Unavailable:
            raise
        except Exception:
            log.exception("hub %s: message %s %d could not be taken in", self._hub_id, message.type, message.seq)
            with unit_of_work(self._shop_id) as db:
                keep_unhandled(db, self._hub_id, self._connection_id, message)
        self._say(protocol.Received(seq=message.seq))

    def _show_status(self, status: protocol.PrinterStatus) -> None:
        printer_id = as_id(status.printer_id)
        if printer_id is None or printer_id not in self._printers:
            return
        self._said[printer_id] = status.model_dump(mode="json")
        bus.remember_telemetry(self._shop_id, PRINTER_TELEMETRY, printer_id, self._said[printer_id])
        facts, before = _facts_of(status), self._kept.get(printer_id)
        if before != facts:
            decides = before is None or before[0] != facts[0]
            with unit_of_work(self._shop_id) as db:
                apply_status(db, printer_id, status, decides=decides)
            self._kept[printer_id] = facts
        self._news.add(PrinterMoved(shop_id=self._shop_id, printer_id=printer_id))

    def _show_progress(self, progress: protocol.FileProgress) -> None:
        printer_id = as_id(progress.printer_id)
        if printer_id is None or printer_id not in self._printers:
            return
        bus.remember_telemetry(self._shop_id, FILE_TELEMETRY, progress.run_code, progress.model_dump(mode="json"))
        self._news.add(FileProgressed(shop_id=self._shop_id, printer_id=printer_id))

    # --- What waits for the hub ----------------------------------------------------------------------------------

    def _tick(self) -> None:
        now = time.monotonic()
        if self.replaced:
            raise Ended(REPLACED, "another connection of this hub has taken over")
        if self._is_wanted() or now >= self._look_at:
            self._look_at = now + LOOK_S
            self._look()
        if self._news and now >= self._show_at:
            self._show_at = now + SHOW_S
            bus.publish_all(self._news)
            self._news.clear()
        if now >= self._alive_at:
            self._alive_at = now + ALIVE_S
            self._say_alive()
        if now >= self._remind_at:
            self._remind_at = now + REMIND_S
            self._remind()

    def _look(self) -> None:
        """The list of printers first, so that a command never speaks of one that the hub does not know."""
        with read_only(self._shop_id) as db:
            hub = db.get(Hub, self._hub_id)
            if hub is None or hub.archived_at is not None or hub.connection_id != self._connection_id:
                raise Ended(REPLACED, "this connection does not count any more")
            self._built_in = hub.built_in
            revision = hub.printers_revision
            printers = printer_list(db, self._hub_id) if revision != self._revision else None
            waiting = [command for command in unanswered(db, self._hub_id) if command.id not in self._sent]
        if printers is not None:
            self._send_printers(printers)
            self._revision = revision
        for command in waiting:
            self._send(command)

    def _send_printers(self, printers: list[protocol.PrinterConfig]) -> None:
        for message in protocol.sync_printers(str(new_id()), printers):
            self._say(message)
        self._printers = frozenset(UUID(printer.id) for printer in printers)
        for forgotten in self._kept.keys() - self._printers:
            del self._kept[forgotten], self._said[forgotten]

    def _send(self, command: Command) -> None:
        try:
            with read_only(self._shop_id) as db:
                text = protocol.dump(message_of(db, command, self._base_url))
        except (CannotSend, protocol.ProtocolError) as problem:
            self._give_up(command, str(problem))
            return
        with unit_of_work(self._shop_id) as db:
            wanted = mark_sent(db, command.id)
        if wanted:
            self._sent.add(command.id)
            self._ws.send(text)

    def _give_up(self, command: Command, sentence: str) -> None:
        self._sent.add(command.id)  # looked at once on each connection, even if this fails
        try:
            with unit_of_work(self._shop_id) as db:
                fail_command(db, command, "cannot_be_sent", sentence)
        except Unavailable:
            raise
        except Exception:
            log.exception("hub %s: command %s could not be given up", self._hub_id, command.id)

    def _say(self, message: protocol.Message) -> None:
        self._ws.send(protocol.dump(message))

    def _say_alive(self) -> None:
        with unit_of_work(self._shop_id) as db:
            still_here(db, self._hub_id, self._connection_id)
        if self._built_in:
            with suppress(RedisError, OSError):  # /readyz says itself that Redis is away
                note_seen("hub")

    def _remind(self) -> None:
        """An idle printer says nothing for hours, and Redis may have been restarted meanwhile."""
        for printer_id, said in self._said.items():
            bus.remember_telemetry(self._shop_id, PRINTER_TELEMETRY, printer_id, said)

    # --- Redis hurries -------------------------------------------------------------------------------------------

    def _is_wanted(self) -> bool:
        """Whether Redis says that something waits for this hub. Without Redis the rows are looked at every few seconds."""
        try:
            ears = self._listen()
            wanted = False
            while (heard := ears.get_message(timeout=0)) is not None:
                wanted = wanted or self._is_for_us(heard)
        except (RedisError, OSError, ValueError) as problem:
            log.info("hub %s: redis is away, looking at the rows only: %s", self._hub_id, problem)
            self._stop_listening()
            return False
        return wanted

    def _listen(self) -> PubSub:
        if self._ears is None:
            self._ears = bus.redis().pubsub(ignore_subscribe_messages=True)
            self._ears.subscribe(f"{bus.CHANNEL_PREFIX}{self._shop_id}")
        return self._ears

    def _is_for_us(self, heard: dict[str, Any]) -> bool:
        body = json.loads(heard["data"])
        return bool(body.get("kind") == HubWanted.__name__ and body.get("hub_id") == str(self._hub_id))

    def _stop_listening(self) -> None:
        if self._ears is not None:
            with suppress(RedisError, OSError):
                self._ears.close()
            self._ears = None


def _facts_of(status: protocol.PrinterStatus) -> tuple[object, object]:
    """The part of a status that the database keeps: what decides on what can be printed, and what only a running print must
    know. While both stay the same nothing is written.
    """
    slots = tuple(
        (slot.ams_unit, slot.slot, slot.material, slot.colour_hex, slot.empty, slot.tag) for slot in status.slots
    )
    known = (status.state, status.firmware, status.developer_mode, slots) if status.confirmed else None
    feeding = tuple((slot.loaded, slot.remain_percent) for slot in status.slots)
    return (status.connection, status.connection_sentence, known), (status.run_code, has_begun(status), feeding)
