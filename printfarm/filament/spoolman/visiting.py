"""Asking a server whose address a person wrote: which servers are asked, for how long, and how much of an answer is heard."""

import socket
import threading
import time
from contextlib import suppress
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpx

from printfarm.core.errors import DomainError

MOST_BYTES = 30_000_000
MOST_SECONDS = 120
TIMEOUT = httpx.Timeout(10, connect=5)
CONNECTED = "connection.connect_tcp.complete"
# Where clouds keep what is only for the machine itself, beside the link-local addresses.
OF_CLOUDS = frozenset({ip_address("fd00:ec2::254"), ip_address("100.100.100.200"), ip_address("192.0.0.192")})


class Unreadable(DomainError):
    """What was given is no Spoolman, or does not answer."""

    status = 422


class Visit:
    """Some questions to a server, in a `with`. When the time is up its lines are cut, also while it sends letter by letter."""

    def __init__(self, most_s: float = MOST_SECONDS) -> None:
        self._until = time.monotonic() + most_s
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False)
        self._lines: list[socket.socket] = []
        self._end = threading.Timer(most_s, self._cut)
        self._end.daemon = True

    def __enter__(self) -> Self:
        self._end.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _it: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._end.cancel()
        self._client.close()
        for line in self._lines:
            line.close()

    def get(self, url: str, asked: dict[str, Any]) -> bytes:
        """The JSON text that is there. Raises Unreadable."""
        # Plain bytes: what is packed twice grows a million times when it is unpacked.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        try:
            more = {"trace": self._look}
            with self._client.stream("GET", url, params=asked, headers=headers, extensions=more) as answer:
                return self._heard(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            self._refuse_late()
            raise Unreadable(
                "Nothing answers at this address. Is the Spoolman on, and reachable from this server?"
            ) from problem

    def _heard(self, answer: httpx.Response) -> bytes:
        if answer.status_code != 200 or "json" not in answer.headers.get("Content-Type", ""):
            raise Unreadable(f"There is no Spoolman at this address: it answers with status {answer.status_code}.")
        if answer.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise Unreadable("It sends packed answers, although plain ones were asked for.")
        body = bytearray()
        for piece in answer.iter_raw():
            body += piece
            if len(body) > MOST_BYTES:
                raise Unreadable("It sends more than can be taken in, or too slowly.")
            self._refuse_late()
        self._refuse_late()  # a line that was cut looks like one that has ended
        return bytes(body)

    def _refuse_late(self) -> None:
        if time.monotonic() >= self._until:
            raise Unreadable("It sends more than can be taken in, or too slowly.")

    def _look(self, event: str, told: dict[str, Any]) -> None:
        """A line is there and nothing was said on it yet. The name may lead elsewhere than a moment before: its end counts."""
        if event != CONNECTED:
            return
        stream = told["return_value"]
        try:
            refuse_peer(str(stream.get_extra_info("server_addr")[0]))
            self._refuse_late()
        except DomainError:
            stream.close()
            raise
        self._lines.append(stream.get_extra_info("socket").dup())

    def _cut(self) -> None:
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def refuse_peer(peer: str) -> None:
    """A cloud's own services, and addresses that are nobody's, are never asked. Raises Unreadable."""
    address = ip_address(peer.split("%", maxsplit=1)[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in OF_CLOUDS:
        raise Unreadable("This address is not one that a Spoolman stands at.")
