"""Live screens: one Redis subscription per process, one bounded queue per socket, rendered once per shop.

Redis says "look", the database says "what": a message names a row, the renderer re-reads it. A socket that reads too slowly
loses the oldest messages and refetches; it never holds up anybody else.
"""

import json
import logging
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, g
from redis import RedisError
from simple_websocket import ConnectionClosed, Server
from sqlalchemy.orm import Session

from printfarm.core import bus
from printfarm.core.events import Event, from_message, to_message
from printfarm.core.sockets import limit_sending
from printfarm.core.work import read_only

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
Renderer = Callable[[Session, Any], str]

QUEUE_LENGTH = 64
REFETCH = '{"type": "refetch"}'
# Changes are gathered this long before a shop is rendered: at most two pushes a second for one row.
GATHER_S = 0.5
RECHECK_S = 20
LOOK_S = 2
CLOCKS_DIFFER_S = 2  # a page may come from another machine than its socket
# Close codes; pages reload at SIGNED_OUT, and come back later at the other two (static/js/live.js).
TRY_AGAIN_LATER, SERVICE_RESTART, UNWANTED_WORDS, SIGNED_OUT = 1013, 1012, 1003, 4401

_renderers: dict[type[Event], list[Renderer]] = defaultdict(list)
_topics: dict[type[Event], set[str]] = defaultdict(set)
_endings: dict[type[Event], Callable[[Any], str]] = {}


def shows(kind: type[E]) -> Callable[[Callable[[Session, E], str]], Callable[[Session, E], str]]:
    """Register what open screens get when an event happened: HTML with `hx-swap-oob`, the same for the whole shop."""

    def register(renderer: Callable[[Session, E], str]) -> Callable[[Session, E], str]:
        if renderer not in _renderers[kind]:
            _renderers[kind].append(renderer)
        return renderer

    return register


def marks(kind: type[Event], *topics: str) -> None:
    """Screens that list what changed refetch their own query: they hear `changed:<topic>`."""
    _topics[kind].update(topics)


def ends_screens(kind: type[E], key: Callable[[E], str]) -> None:
    """After such an event the sockets of one session close; `key` says whose (Screen.session_key)."""
    _endings[kind] = key


def shown_events() -> set[type[Event]]:
    """Every kind of event that some screen hears of."""
    return {*_renderers, *_topics, *_endings}


@dataclass(eq=False)
class Screen:
    """One open socket: whose it is, and what waits to be sent to it."""

    shop_id: UUID
    session_key: str
    waiting: "queue.Queue[str | None]" = field(default_factory=lambda: queue.Queue(QUEUE_LENGTH))
    asked_at: float | None = None  # Unix time at which its page was asked for; None: the page looks again by itself
    close_code: int = SERVICE_RESTART
    hears_events: bool = False  # a program's socket: it gets the events themselves, as messages, and no fragments
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def push(self, message: str | None) -> None:
        """Queue a message, None to end. A screen that does not keep up loses what waits for it and is told to look again."""
        with self._lock:
            if self.waiting.full() and message is not None:
                message = REFETCH if self._empty() else None
            elif self.waiting.full():
                self._empty()
            self.waiting.put_nowait(message)

    def _empty(self) -> bool:
        """Forget what waits. False when the end was in it."""
        goes_on = True
        with suppress(queue.Empty):
            while True:
                goes_on = self.waiting.get_nowait() is not None and goes_on
        return goes_on


class Hall:
    """All sockets of this process, and the two threads that feed them."""

    def __init__(self, app: Flask, limit: int) -> None:
        self.app, self.limit = app, limit
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._screens: dict[UUID, set[Screen]] = defaultdict(set)
        self._others = 0
        self._pending: dict[UUID, dict[Event, None]] = defaultdict(dict)
        self._threads: list[threading.Thread] = []
        self._listening_since: float | None = None
        self._heard_at: dict[UUID, float] = {}  # per shop: when it last changed

    def enter(self, screen: Screen) -> bool:
        """Seat a screen; False when the thread budget is spent or the process is stopping."""
        with self._lock:
            if self.closing.is_set() or self._count() >= self.limit:
                return False
            self._screens[screen.shop_id].add(screen)
            self._start()
        return True

    def is_outdated(self, screen: Screen) -> bool:
        """Whether the shop may have changed between the making of the screen's page and its coming here."""
        with self._lock:
            if screen.asked_at is None:
                return False
            listened = self._listening_since is not None and self._listening_since <= screen.asked_at
            return not listened or self._heard_at.get(screen.shop_id, 0) >= screen.asked_at - CLOCKS_DIFFER_S

    def leave(self, screen: Screen) -> None:
        with self._lock:
            seats = self._screens.get(screen.shop_id, set())
            seats.discard(screen)
            if not seats:
                self._screens.pop(screen.shop_id, None)

    def hold(self) -> bool:
        """A socket that is no screen (a hub's) takes a thread of the same budget."""
        with self._lock:
            if self.closing.is_set() or self._count() >= self.limit:
                return False
            self._others += 1
        return True

    def release(self) -> None:
        with self._lock:
            self._others -= 1

    def drop_session(self, session_key: str) -> None:
        """A revoked session loses its sockets."""
        for screen in self._all():
            if screen.session_key == session_key:
                screen.close_code = SIGNED_OUT
                screen.push(None)

    def shutdown(self) -> None:
        """Say goodbye to every socket (1012), so that the process can stop without waiting for them."""
        self.closing.set()
        for screen in self._all():
            screen.push(None)

    def _all(self) -> list[Screen]:
        with self._lock:
            return [screen for seats in self._screens.values() for screen in seats]

    def _count(self) -> int:
        return self._others + sum(len(seats) for seats in self._screens.values())

    def _start(self) -> None:
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._listen, name="live-listen", daemon=True),
                threading.Thread(target=self._render_forever, name="live-render", daemon=True),
            ]
            for thread in self._threads:
                thread.start()

    def _listen(self) -> None:
        with self.app.app_context():
            while not self.closing.is_set():
                try:
                    self._listen_once()
                except (RedisError, OSError) as problem:
                    log.warning("live: redis is away, trying again: %s", problem)
                except Exception:
                    log.exception("live: listening broke, starting again")
                self._listening_since = None
                self.closing.wait(1)

    def _listen_once(self) -> None:
        # A client of its own that does not retry: redis-py would subscribe again in silence, and nobody would refetch.
        with bus.listener() as client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.psubscribe(f"{bus.CHANNEL_PREFIX}*")
            self._listening_since = time.time()
            self._everybody(REFETCH)  # what happened while we did not listen is not replayed
            while not self.closing.is_set():
                message = pubsub.get_message(timeout=5)
                if message is not None:
                    self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        event = _event_of(message)
        if event is None:
            return
        if type(event) in _endings:
            self.drop_session(_endings[type(event)](event))
        with self._lock:
            self._heard_at[event.shop_id] = time.time()
            if event.shop_id in self._screens:
                self._pending[event.shop_id][event] = None
            programs = [one for one in self._screens.get(event.shop_id, ()) if one.hears_events]
        for one in programs:
            one.push(json.dumps(to_message(event)))

    def _render_forever(self) -> None:
        while not self.closing.wait(GATHER_S):
            with self._lock:
                pending, self._pending = self._pending, defaultdict(dict)
            for shop_id, events in pending.items():
                self._render(shop_id, list(events))

    def _render(self, shop_id: UUID, events: list[Event]) -> None:
        try:
            html, topics = render_events(self.app, shop_id, events)
        except Exception:
            log.exception("live: could not render %s", [type(event).__name__ for event in events])
            html, topics = "", {"everything"}
        with self._lock:
            screens = [one for one in self._screens.get(shop_id, ()) if not one.hears_events]
        for screen in screens:
            if html:
                screen.push(html)
            if topics:
                screen.push(json.dumps({"type": "changed", "topics": sorted(topics)}))

    def _everybody(self, message: str) -> None:
        for screen in self._all():
            screen.push(message)


def _event_of(message: dict[str, Any]) -> Event | None:
    """The event of a Redis message; None for what is none, or was said on another shop's channel."""
    try:
        shop_id = UUID(message["channel"].decode().removeprefix(bus.CHANNEL_PREFIX))
        body = json.loads(message["data"])
    except ValueError:
        return None
    event = from_message(body) if isinstance(body, dict) else None
    return event if event is not None and event.shop_id == shop_id else None


def render_events(app: Flask, shop_id: UUID, events: list[Event]) -> tuple[str, set[str]]:
    """The pushed HTML of some events of one shop, and the topics of lists that changed."""
    topics = {topic for event in events for topic in _topics[type(event)]}
    renderings = [(renderer, event) for event in events for renderer in _renderers[type(event)]]
    if not renderings:
        return "", topics
    parts: dict[str, None] = {}
    with app.test_request_context("/"), read_only(shop_id) as db:
        # Forms in a pushed fragment are the same for everybody, so they carry no token: htmx sends the page's own as a header.
        g.csrf_token = ""
        app.extensions["printfarm.enter_shop"](db, shop_id)
        for renderer, event in renderings:
            parts[renderer(db, event)] = None
    return "\n".join(part for part in parts if part), topics


def hall(app: Flask) -> Hall:
    """The sockets of this application."""
    kept: Hall = app.extensions["printfarm.live"]
    return kept


def serve(ws: Server, screen: Screen, place: Hall, still_allowed: Callable[[], bool]) -> None:
    """Feed one socket until it closes, the process stops, or its session ends. Holds no database session."""
    try:
        limit_sending(ws)
        if not place.enter(screen):
            ws.close(TRY_AGAIN_LATER, "busy, try again")
            return
        if place.is_outdated(screen):
            screen.push(REFETCH)
        _feed(ws, screen, place, still_allowed)
    except (ConnectionClosed, OSError):
        return
    finally:
        place.leave(screen)


def _feed(ws: Server, screen: Screen, place: Hall, still_allowed: Callable[[], bool]) -> None:
    checked_at = time.monotonic()
    while ws.connected and not place.closing.is_set():
        try:
            # Short, so that the seat of a page that was left is free again soon.
            message = screen.waiting.get(timeout=LOOK_S)
            if message is None:
                break
            ws.send(message)
        except queue.Empty:
            pass
        if ws.input_buffer:  # nobody would read it, so it would only grow
            screen.close_code = UNWANTED_WORDS
            break
        if time.monotonic() - checked_at > RECHECK_S:
            checked_at = time.monotonic()
            if not still_allowed():
                screen.close_code = SIGNED_OUT
                break
    ws.close(screen.close_code, "")
