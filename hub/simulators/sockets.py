"""Small truths about sockets that several servers share."""

import contextlib
import socket
import struct
from typing import Protocol


class HasOptions(Protocol):
    def setsockopt(self, level: int, option: int, value: bytes, /) -> None: ...


def reset_on_close(connection: HasOptions | None) -> None:
    """Make the coming close a TCP reset, as a vanished device causes it."""
    if connection is not None:
        with contextlib.suppress(OSError):  # already closed
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
