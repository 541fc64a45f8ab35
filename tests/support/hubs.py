"""A hub for tests: hub/protocol.py over a real websocket. It says what a test tells it and acknowledges nothing by itself."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from hub import protocol

M = TypeVar("M", bound=protocol.Message)


class HubRefused(Exception):
    """Web said no; the reason is the message."""


def now() -> datetime:
    return datetime.now(UTC)


class FakeHub:
    """`heard` keeps everything that web said after the sign-in."""

    def __init__(self, url: str, hub_id: UUID | str, secret: str, *, speaks: int = protocol.PROTOCOL_VERSION) -> None:
        self.url, self.hub_id, self.secret, self.version = url, str(hub_id), secret, speaks
        self.socket: ClientConnection | None = None
        self._open = ExitStack()
        self.heard: list[protocol.Message] = []
        self.welcome: protocol.Welcome | None = None
        self.last_seq = 0

    def __enter__(self) -> Self:
        return self.sign_in()

    def __exit__(self, *_: object) -> None:
        self.close()

    def dial(self) -> None:
        address = self.url.replace("http", "ws", 1) + f"/ws/hub/{self.hub_id}"
        self.socket = self._open.enter_context(connect(address, open_timeout=10, close_timeout=2, max_size=2**20))

    def open(self) -> protocol.Challenge:
        self.dial()
        challenge = self._read(10)
        assert isinstance(challenge, protocol.Challenge)
        return challenge

    def sign_in(self) -> Self:
        challenge = self.open()
        hub_nonce = "nonce-of-the-hub-" + str(time.monotonic_ns())
        self.say(
            protocol.HubHello(
                hub_id=self.hub_id,
                firmware="0.0.0-test",
                protocol=self.version,
                hub_nonce=hub_nonce,
                signature=protocol.sign_hub(self.secret, self.hub_id, challenge.nonce, hub_nonce),
            )
        )
        answer = self._read(10)
        if isinstance(answer, protocol.Refused):
            raise HubRefused(answer.reason)
        assert isinstance(answer, protocol.Welcome)
        assert protocol.verify_web(self.secret, answer, self.hub_id, challenge.nonce, hub_nonce)
        self.welcome, self.last_seq = answer, answer.last_seq
        return self

    def say(self, message: protocol.Message) -> None:
        self.say_raw(message.model_dump_json())

    def say_raw(self, text: str | bytes) -> None:
        assert self.socket is not None
        self.socket.send(text)

    def next_seq(self) -> int:
        self.last_seq += 1
        return self.last_seq

    def hear(self, kind: type[M], *, where: Callable[[M], bool] = lambda _: True, within_s: float = 10) -> M:
        """The first message of a kind (that fits), also when it came before; each is given out once."""
        deadline = time.monotonic() + within_s
        looked_at = 0
        while True:
            for number, message in enumerate(self.heard[looked_at:], looked_at):
                if isinstance(message, kind) and where(message):
                    del self.heard[number]
                    return message
            looked_at = len(self.heard)
            left = deadline - time.monotonic()
            assert left > 0, f"no {kind.__name__} within {within_s} s; heard: {[type(m).__name__ for m in self.heard]}"
            self._collect(left)

    def hear_nothing(self, kind: type[protocol.Message], *, for_s: float) -> None:
        """Fails when a message of the kind comes."""
        deadline = time.monotonic() + for_s
        while (left := deadline - time.monotonic()) > 0:
            self._collect(left)
        found = [message for message in self.heard if isinstance(message, kind)]
        assert not found, f"unexpected: {found}"

    def store(self, message: protocol.Durable) -> None:
        """Say something durable and wait until web has it."""
        self.say(message)
        self.hear(protocol.Received, where=lambda said: said.seq >= message.seq)

    def ack(self, command: Any, *, success: bool = True, code: str = "done", sentence: str = "") -> None:
        self.store(
            protocol.CommandAck(
                seq=self.next_seq(), command_id=command.command_id, success=success, code=code, sentence=sentence
            )
        )

    def status(self, printer_id: UUID | str, **more: Any) -> None:
        """A printer's status; online, confirmed and idle unless told otherwise."""
        values = {"connection": "online", "state": "idle", "confirmed": True, "at": now(), **more}
        values.setdefault("capabilities", ["start", "pause", "resume", "stop", "clear_error", "refresh", "light"])
        self.say(protocol.PrinterStatus(printer_id=str(printer_id), **values))

    def run_report(self, printer_id: UUID | str, run_code: str, state: protocol.RunState, **more: Any) -> None:
        values = {"at": now(), **more}
        self.store(
            protocol.RunReport(
                seq=self.next_seq(), printer_id=str(printer_id), run_code=run_code, state=state, **values
            )
        )

    def closes(self, within_s: float = 10) -> int:
        """Wait until web closes; the code."""
        deadline = time.monotonic() + within_s
        assert self.socket is not None
        while time.monotonic() < deadline:
            if self.socket.protocol.close_rcvd is not None:  # the development server is slow to close the line itself
                return self.socket.protocol.close_rcvd.code
            try:
                self.socket.recv(timeout=0.2)
            except TimeoutError:
                continue
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 1006
        raise AssertionError(f"web did not close within {within_s} s")

    def close(self) -> None:
        self._open.close()

    def _collect(self, timeout: float) -> None:
        assert self.socket is not None
        try:
            self.heard.append(protocol.parse_from_web(self.socket.recv(timeout=max(0.01, timeout))))
        except TimeoutError:
            return

    def _read(self, timeout: float) -> protocol.Message:
        assert self.socket is not None
        return protocol.parse_from_web(self.socket.recv(timeout=timeout))
