"""One FTPS connection of a simulated printer: implicit TLS, the habits of the real ones, and the faults B17 to B23."""

from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from pyftpdlib.exceptions import _RetryError
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler

from hub.simulators.ftps_desk import FtpsDesk
from hub.simulators.sockets import reset_on_close

Reply = tuple[str, Callable[..., None]]


class PrinterDataHandler(TLS_DTPHandler):  # type: ignore[misc]
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
        """Not handle_read: pyftpdlib calls that under a second name, which would pass by an overridden one."""
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


def _quietly(*_args: object, **_kwargs: object) -> None:
    """Where pyftpdlib wants a logger: the transcript already has it."""
