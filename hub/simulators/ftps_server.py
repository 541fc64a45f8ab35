"""The file server of a simulated printer: implicit FTPS on pyftpdlib, with the habits and the faults of the real ones.

All servers of a process share one `FtpsLoop` thread. Import this module late: pyftpdlib and pyOpenSSL belong to the
`server` extra, which the hub alone does not install.
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

try:
    from OpenSSL import SSL
    from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
    from pyftpdlib.exceptions import _RetryError
    from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer
except ImportError as error:
    raise RuntimeError(
        "Simulated printers need pyftpdlib and pyOpenSSL, which come with the extra: pip install 'printfarm[server]'."
    ) from error

from hub.simulators.bambu.faults import FaultBoard
from hub.simulators.bambu.storage import FileStore
from hub.simulators.sockets import reset_on_close
from hub.simulators.tls import Leaf
from hub.simulators.transcript import Transcript

USER = "bblp"
POLL_S = 0.02
SLOW_BYTES_PER_S = 25_000
Reply = tuple[str, Callable[..., None]]

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


@dataclass
class FtpsDesk:
    """What the connections of one printer share: the card, the faults, and the switches."""

    store: FileStore
    faults: FaultBoard
    access_code: str
    leaf: Leaf
    transcript: Transcript
    serial: str
    require_session_reuse: bool = True
    close_notify: bool = False
    data_protection: Literal["private", "either", "clear"] = "private"
    delay_226_s: float = 0.0
    bytes_per_s: int | None = None
    banner: str = "ready."
    frozen: bool = False
    handlers: set["PrinterFtpHandler"] = field(default_factory=set)
    context: Any = None

    def __post_init__(self) -> None:
        self.use_leaf(self.leaf)

    def use_leaf(self, leaf: Leaf) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_options(SSL.OP_NO_TLSv1_3 | SSL.OP_NO_TLSv1_1 | SSL.OP_NO_TLSv1 | SSL.OP_NO_COMPRESSION)
        context.use_certificate_chain_file(str(leaf.certificate_path))
        context.use_privatekey_file(str(leaf.key_path))
        context.set_session_id(self.serial.encode()[:32])
        self.leaf, self.context = leaf, context

    @property
    def rate_bytes_per_s(self) -> int | None:
        if self.faults.is_on("B23"):
            return int(self.faults.option("B23", "bytes_per_s", SLOW_BYTES_PER_S))
        return self.bytes_per_s

    def note(self, kind: str, text: str) -> None:
        self.transcript.note(kind, text, serial=self.serial)


class CodeAuthorizer(DummyAuthorizer):  # type: ignore[misc]
    """Asks the desk for the access code each time, because the code can change."""

    def __init__(self, desk: FtpsDesk) -> None:
        super().__init__()
        self.desk = desk
        self.add_user(USER, "", str(desk.store.root), perm="elradfmw")

    def validate_authentication(self, username: str, password: str, handler: object) -> None:  # noqa: ARG002
        if (username, password) != (USER, self.desk.access_code):
            raise AuthenticationFailed("Login incorrect.")


class _ReadsByName(DTPHandler):  # type: ignore[misc]
    """pyftpdlib names handle_read a second time, for speed, which would pass by an overridden one."""

    def handle_read_event(self) -> None:
        self.handle_read()


class PrinterDataHandler(TLS_DTPHandler, _ReadsByName):  # type: ignore[misc]
    """One data connection."""

    def __init__(self, connection: object, control: "PrinterFtpHandler") -> None:
        self.desk: FtpsDesk = control.desk
        self._resp: Reply | tuple[()] = ()
        self.room_bytes = 0
        self.cut: dict[str, Any] | None = None
        self.client_has_ended = False
        super().__init__(connection, control)

    # -- the handshake ------------------------------------------------------------------------------------------------

    def handle_ssl_established(self) -> None:
        if self.desk.data_protection == "clear":
            self._refuse("425 Unable to build data connection.")
        elif (self.desk.require_session_reuse or self.desk.faults.is_on("B22")) and not self._reuses_session():
            self._refuse("522 SSL connection failed: session reuse required.")
            self.cmd_channel.close_when_done()

    def _reuses_session(self) -> bool:
        """A resumed TLS 1.2 session has the master secret of the control connection."""
        return bool(self.socket.master_key() == self.cmd_channel.socket.master_key())

    def _refuse(self, reply: str) -> None:
        """As vsftpd 3.0.3 does: the file was already opened, so an empty one remains."""
        self._resp = (reply, _quietly)
        self.close()

    # -- receiving ----------------------------------------------------------------------------------------------------

    def enable_receiving(self, type: str, cmd: str) -> None:  # noqa: A002 (pyftpdlib's own name)
        self.cut = self.desk.faults.spend("B19")
        if self.desk.faults.is_on("B17"):
            self.room_bytes = int(self.desk.faults.option("B17", "bytes", 0))
        else:
            self.room_bytes = self.desk.store.free_bytes()
        super().enable_receiving(type, cmd)

    def recv(self, buffer_size: int) -> bytes:
        if not self.desk.faults.is_on("B21"):
            return bytes(self._recv_whole(buffer_size))
        try:
            return bytes(DTPHandler.recv(self, buffer_size))
        except SSL.WantReadError as error:
            self._ssl_want_read = True
            raise _RetryError from error
        except SSL.ZeroReturnError as error:
            # B21: the goodbye stays unanswered; only the end of the TCP connection counts
            if not self.client_has_ended:
                self.client_has_ended = True
                raise _RetryError from error
        except (SSL.SysCallError, SSL.Error):
            pass
        DTPHandler.handle_close(self)
        return b""

    def _recv_whole(self, buffer_size: int) -> bytes:
        """Clients that close without a TLS goodbye have still sent everything, as far as a printer cares."""
        try:
            return bytes(super().recv(buffer_size))
        except SSL.Error as error:
            if isinstance(error, SSL.SysCallError) or "unexpected eof" not in str(error):
                raise
            DTPHandler.handle_close(self)
            return b""

    def handle_read_event(self) -> None:
        before = self.tot_bytes_received
        super().handle_read_event()
        if self._closed or self.file_obj is None or self.tot_bytes_received == before:
            return
        if self.cut is not None and self.tot_bytes_received >= int(self.cut.get("bytes", 0)):
            self._cut_off(int(self.cut.get("bytes", 0)), str(self.cut.get("reply", "426")))
        elif self.tot_bytes_received > self.room_bytes:
            self.file_obj.truncate(self.room_bytes)
            self._resp = ("552 Insufficient storage space on the card.", _quietly)
            self.close()
        else:
            self._rest(self.tot_bytes_received - before)

    def _cut_off(self, kept_bytes: int, reply: str) -> None:
        texts = {"426": "426 Failure reading network stream.", "226": "226 Transfer complete."}
        self.file_obj.truncate(kept_bytes)
        self._resp = (texts[reply], _quietly) if reply in texts else ()
        reset_on_close(self.socket)
        self.close()

    def _rest(self, received_bytes: int) -> None:
        rate = self.desk.rate_bytes_per_s
        if rate:
            self.del_channel()
            self.call_later(received_bytes / rate, lambda: self.add_channel(events=self.ioloop.READ))

    # -- the end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        if self._closed:
            return
        if not self.desk.close_notify:
            self._ssl_established = False  # skips the TLS goodbye, which printers never send
        if self.receive and self._resp and self._resp[0].startswith("226"):
            self._resp = self.cmd_channel.hold_reply(self._resp)
        super().close()


class PrinterFtpHandler(TLS_FTPHandler):  # type: ignore[misc]
    """One control connection."""

    desk: FtpsDesk
    dtp_handler = PrinterDataHandler
    auth_failed_timeout = 0
    use_sendfile = False
    proto_cmds = TLS_FTPHandler.proto_cmds | {
        "AVBL": {"perm": "l", "auth": True, "arg": None, "help": "Syntax: AVBL (free bytes)."}
    }
    transfers = frozenset({"STOR", "RETR", "LIST", "NLST", "MLSD", "APPE"})

    def __init__(self, connection: object, server: object, ioloop: object = None) -> None:
        super().__init__(connection, server, ioloop)
        self.desk.handlers.add(self)
        self.banner = self.desk.banner

    @classmethod
    def get_ssl_context(cls) -> Any:
        return cls.desk.context

    def handle(self) -> None:
        """TLS first, the banner afterwards: that is what implicit means."""
        self.secure_connection(self.ssl_context)
        if self.desk.frozen:
            self.del_channel()

    def handle_ssl_established(self) -> None:
        FTPHandler.handle(self)

    def close(self) -> None:
        self.desk.handlers.discard(self)
        super().close()

    # -- replies ------------------------------------------------------------------------------------------------------

    def respond(self, resp: str, logfun: Callable[..., None] | None = None) -> None:
        self.desk.note("ftp reply", resp)
        super().respond(resp, logfun or _quietly)

    def hold_reply(self, reply: Reply) -> Reply | tuple[()]:
        """The 226 of a whole upload: now, later, or (B20 without a delay) never."""
        options = self.desk.faults.spend("B20")
        delay_s = self.desk.delay_226_s
        if options is not None:
            if options.get("delay_s") is None:
                return ()
            delay_s = float(options["delay_s"])
        if delay_s <= 0:
            return reply
        self.del_channel()  # like vsftpd, hears no further command before it has answered this one

        def answer() -> None:
            self.add_channel(events=self.ioloop.READ)
            self.respond(reply[0])

        self.call_later(delay_s, answer)
        return ()

    # -- commands -----------------------------------------------------------------------------------------------------

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        self.desk.note("ftp command", cmd if cmd == "PASS" else " ".join([cmd, *map(str, args)]))
        if cmd in self.transfers and not self._prot and self.desk.data_protection == "private":
            self.respond("522 Data connections must be encrypted.")
            return
        super().process_command(cmd, *args, **kwargs)

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:  # noqa: N802 (pyftpdlib's own names, here and below)
        if not self.desk.store.has_card or self.desk.faults.option("B17", "reply") in {"553", 553}:
            self.respond("553 Could not create file.")
            return None
        return super().ftp_STOR(file, mode)

    def ftp_AVBL(self, _line: str) -> None:  # noqa: N802
        self.respond(f"213 {self.desk.store.free_bytes()} bytes")

    def ftp_STAT(self, _line: str) -> None:  # noqa: N802
        self.respond("502 Command not implemented.")

    def ftp_AUTH(self, _line: str) -> None:  # noqa: N802
        self.respond("550 This connection is already encrypted.")

    def ftp_PORT(self, _line: str) -> None:  # noqa: N802
        self.respond("500 Illegal PORT command.")

    def ftp_EPRT(self, _line: str) -> None:  # noqa: N802
        self.respond("500 Illegal EPRT command.")


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
        self.loop.post(self._listen)

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


def _quietly(*_args: object, **_kwargs: object) -> None:
    """Where pyftpdlib wants a logger: the transcript already has it."""
