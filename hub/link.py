"""The socket to web: sign in, send what web must hear until it has stored it, take commands, come back after a loss.

Durable messages are read from the ledger in their order. Volatile ones are kept only in their latest form, one for each
printer and run, so that a slow or absent web costs no memory.
"""

import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Event, Thread
from typing import TypeVar

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from hub import __version__, protocol
from hub.ledger import Ledger
from hub.protocol import (
    Challenge,
    Command,
    FileProgress,
    FromWeb,
    HubHello,
    Ping,
    PrinterStatus,
    Received,
    Refused,
    Welcome,
)

log = logging.getLogger("hub.link")

_MOST_VOLATILE = 2000
_MOST_UNCONFIRMED = 200
"""Durable messages on their way: web stores one after the other, and what it has not stored must not pile up there."""
_BATCH = 50
_REPLACED = 4409

_Expected = TypeVar("_Expected", Challenge, Welcome)


@dataclass(frozen=True)
class LinkTimings:
    """Seconds."""

    open: float = 10
    sign_in: float = 15
    ping: float = 20
    backoff_first: float = 1
    backoff_most: float = 60
    poll: float = 1.0


class SignInError(RuntimeError):
    """Web and hub do not agree on who they are; the message says why."""


class Link:
    """`url` is web's address (http or https). `on_command` is called for every command and must be quick;
    `on_signed_in` after every sign-in.
    """

    def __init__(
        self,
        url: str,
        hub_id: str,
        secret: str,
        ledger: Ledger,
        on_command: Callable[[Command], None],
        on_signed_in: Callable[[], None],
        timings: LinkTimings = LinkTimings(),
    ) -> None:
        self._address = f"{_websocket(url)}/ws/hub/{hub_id}"
        self._hub_id, self._secret = hub_id, secret
        self._ledger = ledger
        self._on_command, self._on_signed_in = on_command, on_signed_in
        self._timings = timings
        self._stopping = Event()
        self._news = Condition()
        self._volatile: dict[str, protocol.Message] = {}
        self._wants_pong = False
        self._connection: ClientConnection | None = None
        self._thread = Thread(target=self._run, name="link", daemon=True)
        self.is_signed_in = self._was_signed_in = False

    def open(self) -> None:
        self._thread.start()

    def close(self, timeout_s: float = 5) -> None:
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            connection.close()
        with self._news:
            self._news.notify_all()
        self._thread.join(timeout_s)

    def show(self, message: PrinterStatus | FileProgress) -> None:
        """Send when there is a connection; only the latest for each printer and run counts."""
        key = f"file {message.run_code}" if isinstance(message, FileProgress) else f"status {message.printer_id}"
        with self._news:
            if key in self._volatile or len(self._volatile) < _MOST_VOLATILE:
                self._volatile[key] = message
                self._news.notify()

    def wake(self) -> None:
        """There is a new durable message in the ledger."""
        with self._news:
            self._news.notify()

    # --- The connection ---

    def _run(self) -> None:
        backoff = self._timings.backoff_first
        while not self._stopping.is_set():
            self._was_signed_in = False
            try:
                self._visit()
            except SignInError as error:
                log.error("sign-in failed: %s", error)  # noqa: TRY400 - the sentence says it all
                backoff = self._timings.backoff_most
            except ConnectionClosed as end:
                self._say_why(end)
            except (OSError, WebSocketException) as error:
                log.info("no connection to web: %s", str(error) or type(error).__name__)
            except Exception:
                log.exception("the link broke by a fault of its own")
            if self._was_signed_in:
                backoff = self._timings.backoff_first
            self._stopping.wait(backoff * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, hides nothing
            backoff = min(backoff * 2, self._timings.backoff_most)

    def _say_why(self, end: ConnectionClosed) -> None:
        log.info("no connection to web: %s", end)
        if end.rcvd is not None and end.rcvd.code == _REPLACED:
            self._was_signed_in = False  # two hubs that throw each other out must not do so every second
            log.error("another connection signed in as this hub; if a second hub runs with the same hub.json, stop one")

    def _visit(self) -> None:
        """One connection from beginning to end."""
        ping = self._timings.ping
        with connect(
            self._address,
            open_timeout=self._timings.open,
            ping_interval=ping,
            ping_timeout=ping,
            close_timeout=2,
            max_size=protocol.MAX_MESSAGE_BYTES,
            compression=None,
            proxy=None,
        ) as connection:
            self._connection = connection
            last_seq = self._sign_in(connection)
            self._ledger.meet(last_seq)
            log.info("signed in to web")
            self.is_signed_in = self._was_signed_in = True
            over = Event()
            writer = Thread(target=self._write, args=(connection, over), name="link-writer", daemon=True)
            writer.start()
            try:
                self._on_signed_in()
                self._read(connection)
            finally:
                self.is_signed_in = False
                self._connection = None
                over.set()
                self.wake()
                connection.close()
                writer.join(5)

    def _sign_in(self, connection: ClientConnection) -> int:
        """Both sides prove that they know the secret. The number of the last message that web has."""
        challenge = self._expect(connection, Challenge)
        hub_nonce = secrets.token_hex(16)
        connection.send(
            protocol.dump(
                HubHello(
                    hub_id=self._hub_id,
                    firmware=__version__,
                    protocol=protocol.PROTOCOL_VERSION,
                    hub_nonce=hub_nonce,
                    signature=protocol.sign_hub(self._secret, self._hub_id, challenge.nonce, hub_nonce),
                )
            )
        )
        welcome = self._expect(connection, Welcome)
        if not protocol.verify_web(self._secret, welcome, self._hub_id, challenge.nonce, hub_nonce):
            raise SignInError("what answers at web's address does not know this hub's secret")
        if not protocol.speaks(welcome.protocol):
            raise SignInError(f"web speaks version {welcome.protocol} of the protocol; update the older of the two")
        return welcome.last_seq

    def _expect(self, connection: ClientConnection, kind: type[_Expected]) -> _Expected:
        message = protocol.parse_from_web(connection.recv(timeout=self._timings.sign_in))
        if isinstance(message, Refused):
            raise SignInError(message.reason)
        if not isinstance(message, kind):
            raise SignInError(f"web sent {message.type} in the middle of the sign-in")
        return message

    # --- Reading ---

    def _read(self, connection: ClientConnection) -> None:
        for text in connection:
            try:
                self._take(protocol.parse_from_web(text))
            except protocol.ProtocolError as error:
                log.warning("web sent a message that was dropped: %s", error)

    def _take(self, message: FromWeb) -> None:
        if isinstance(message, Received):
            self._ledger.received(message.seq)
        elif isinstance(message, Ping):
            with self._news:
                self._wants_pong = True
                self._news.notify()
        elif isinstance(message, Challenge | Welcome | Refused):
            log.warning("web sent %s after the sign-in", message.type)
        else:
            self._on_command(message)

    # --- Writing ---

    def _write(self, connection: ClientConnection, over: Event) -> None:
        sent = 0
        try:
            while not over.is_set():
                room = _MOST_UNCONFIRMED - self._ledger.count_waiting(sent)
                durable = self._ledger.waiting(sent, min(_BATCH, max(0, room)))
                for seq, text in durable:
                    connection.send(text)
                    sent = seq
                for message in self._take_volatile(wait=not durable):
                    connection.send(protocol.dump(message))
        except (OSError, WebSocketException) as error:
            log.info("could not write to web: %s", str(error) or type(error).__name__)
        except Exception:
            log.exception("the link's writer broke by a fault of its own")
        finally:
            connection.close()

    def _take_volatile(self, *, wait: bool) -> list[protocol.Message]:
        with self._news:
            if wait and not self._volatile and not self._wants_pong:
                self._news.wait(self._timings.poll)
            messages = list(self._volatile.values())
            self._volatile.clear()
            if self._wants_pong:
                messages.append(protocol.Pong())
                self._wants_pong = False
        return messages


def _websocket(url: str) -> str:
    scheme, _, rest = url.rstrip("/").partition("://")
    return f"{'wss' if scheme in {'https', 'wss'} else 'ws'}://{rest}"
