"""What every websocket needs to do no harm: it sends whole and not for ever, reads all that came, and ends with its process."""

import socket
import struct
import threading
from typing import Any

from simple_websocket import Server

SEND_TIMEOUT_S = 10


def limit_sending(ws: Server) -> None:
    """A peer that stops reading is an error after ten seconds, not a thread that is gone; what is sent is sent whole."""
    ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
    ws.sock = WholeSends(ws.sock)


class WholeSends:
    """A socket whose `send` sends everything or fails.

    A plain one, when the time is up, says how much it sent, and simple-websocket does not ask: the rest would be missing in the
    middle of the stream. One at a time, because pings come from a thread of their own.
    """

    def __init__(self, wrapped: socket.socket) -> None:
        self._wrapped = wrapped
        self._lock = threading.Lock()

    def send(self, data: bytes) -> int:
        with self._lock:
            self._wrapped.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


class SocketThread(threading.Thread):
    """What reads from one socket. A daemon: it may sleep until its next ping, which must not hold up the end of the process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, daemon=True)


# Half-open connections are noticed by pings. A TLS record holds 16 kB: reading less at once would leave the rest of it where
# select() does not see it.
SOCKET_OPTIONS = {
    "ping_interval": 25,
    "max_message_size": 65_536,
    "receive_bytes": 65_536,
    "thread_class": SocketThread,
}
