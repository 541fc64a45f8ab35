"""The file server of a simulated printer: implicit FTPS on pyftpdlib.

All servers of a process share one `FtpsLoop` thread. Import this module late: pyftpdlib and pyOpenSSL belong to the
`server` extra, which the hub alone does not install.
"""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

try:
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

    from hub.simulators.ftps_desk import CodeAuthorizer, FtpsDesk
    from hub.simulators.ftps_handlers import PrinterFtpHandler
except ImportError as error:
    raise RuntimeError(
        "Simulated printers need pyftpdlib and pyOpenSSL, which come with the extra: pip install 'printfarm[server]'."
    ) from error

from hub.simulators.sockets import reset_on_close
from hub.simulators.tls import Leaf

POLL_S = 0.02
RETRY_S = 0.1

logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())  # the transcript is our log


class FtpsLoop:
    """The one thread in which every FTPS connection of this process lives."""

    def __init__(self) -> None:
        self.ioloop = IOLoop.factory()
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated-ftps", daemon=True)
        self._thread.start()

    def call(self, action: Callable[[], Any]) -> Any:
        """Run `action` in the thread and return its result; pyftpdlib's objects must not be touched elsewhere."""
        if threading.current_thread() is self._thread:
            return action()
        answers: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put((action(), None))
            except Exception as error:  # noqa: BLE001 (handed to the caller)
                answers.put((None, error))

        self._calls.put(run)
        result, failure = answers.get(timeout=30)
        if failure is not None:
            raise failure
        return result

    def post(self, action: Callable[[], None]) -> None:
        """Run `action` in the thread, soon."""
        self._calls.put(action)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            while not self._calls.empty():
                self._calls.get()()
            self.ioloop.poll(POLL_S)
            self.ioloop.sched.poll()
        self.ioloop.close()


class FtpsServer:
    """The file server of one printer. Callable from any thread."""

    def __init__(self, loop: FtpsLoop, desk: FtpsDesk, host: str, port: int) -> None:
        self.loop, self.desk, self.host = loop, desk, host
        self._handler = type("Handler", (PrinterFtpHandler,), {"desk": desk, "authorizer": CodeAuthorizer(desk)})
        self._acceptor: Any = None
        self.port = port
        self.loop.call(self._listen)

    def _listen(self) -> None:
        if self._acceptor is None:
            self._acceptor = FTPServer((self.host, self.port), self._handler, ioloop=self.loop.ioloop)
            self.port = self._acceptor.address[1]

    def start_listening(self) -> None:
        """On the port that people know; another program may hold it for a moment."""
        self.loop.post(self._listen_again)

    def _listen_again(self) -> None:
        try:
            self._listen()
        except OSError:
            self.loop.ioloop.call_later(RETRY_S, self._listen_again)

    def stop_listening(self) -> None:
        self.loop.post(self._stop_listening)

    def _stop_listening(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None

    def drop_clients(self) -> None:
        """End every connection with a TCP reset."""
        self.loop.post(self._drop_clients)

    def _drop_clients(self) -> None:
        for handler in list(self.desk.handlers):
            for channel in (handler.data_channel, handler):
                if channel is not None:
                    reset_on_close(channel.socket)
                    channel._ssl_established = False  # noqa: SLF001 (no goodbye from a dead printer)
                    channel.close()

    def freeze(self, *, frozen: bool) -> None:
        self.loop.post(lambda: self._freeze(frozen=frozen))

    def _freeze(self, *, frozen: bool) -> None:
        self.desk.frozen = frozen
        for handler in list(self.desk.handlers):
            for channel in (handler.data_channel, handler):
                if channel is None:
                    continue
                if frozen:
                    channel.del_channel()
                else:
                    channel.add_channel(events=channel._wanted_io_events)  # noqa: SLF001 (as pyftpdlib's own throttle)

    def use_leaf(self, leaf: Leaf) -> None:
        self.loop.post(lambda: self.desk.use_leaf(leaf))

    def close(self) -> None:
        self.loop.call(self._stop_listening)
        self.loop.call(self._drop_clients)
