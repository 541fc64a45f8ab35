"""Files to and from a Bambu printer: implicit FTPS as vsftpd speaks it, with the data channel on the same TLS session.

A file has arrived when the printer says that it has the right size, whatever the server answered before: a 426 may come
although every byte is there, and a 226 although some are missing.
"""

import contextlib
import ftplib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from hub.adapters.bambu_tls import CertificateRefusedError, PrinterContext
from hub.adapters.base import Progress, Timings, TransferCancelledError, TransferError
from hub.protocol import PrinterConfig

SLOWEST_BYTES_PER_S = 25_000
_CHUNK_BYTES = 32_768

_REFUSALS: dict[str, tuple[str, str]] = {
    "421": ("ftps_busy", "The printer's file service has too many visitors. Close other programs, then try again."),
    "425": (
        "data_channel_refused",
        "The printer could not open a data connection. Try again; restart it if that fails.",
    ),
    "452": ("storage_full", "The printer's storage is full. Delete old files and timelapses on it, then try again."),
    "522": (
        "data_channel_refused",
        "The printer refused the encrypted data connection. Restart the printer, then try again.",
    ),
    "530": (
        "access_code_refused",
        "The printer's file service refused the access code. Read it from the screen again.",
    ),
    "550": ("storage_refused", "The printer refused to store the file. Check its memory card, then try again."),
    "552": ("storage_full", "The printer's storage is full. Delete old files and timelapses on it, then try again."),
    "553": (
        "storage_refused",
        "The printer refused to store the file: the memory card is missing, full or not formatted. Check it, try again.",
    ),
}
_ABOUT_THE_CHANNEL = frozenset({"425", "522"})
_SIZE_DECIDES = frozenset({"226", "426", "451"})


class ImplicitFtps(ftplib.FTP_TLS):
    """TLS from the first byte; data connections resume the control connection's session."""

    encoding = "latin-1"

    def open(self, host: str, port: int, timeout_s: float) -> None:
        self.host, self.port, self.timeout = host, port, timeout_s
        plain = socket.create_connection((host, port), timeout_s)
        self.af = plain.family
        try:
            self.sock = self.context.wrap_socket(plain)
        except OSError:
            plain.close()
            raise
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        plain, size = super(ftplib.FTP_TLS, self).ntransfercmd(cmd, rest)
        if not self._prot_p:  # type: ignore[attr-defined]
            return plain, size
        try:
            return self.context.wrap_socket(plain, session=self.sock.session), size  # type: ignore[union-attr]
        except OSError:
            plain.close()
            raise


@dataclass
class PrinterFiles:
    """The printer's file service. Every method signs in by itself, blocks, and raises TransferError."""

    config: PrinterConfig
    pin: str | None
    timings: Timings
    clear_data_allowed: bool = False

    _clear_data = False

    def upload(self, path: Path, name: str, progress: Progress, cancelled: Event, *, reuse: bool = False) -> None:
        """`reuse`: when a file of this name and size is there, it is ours and need not be sent again."""
        total = path.stat().st_size
        deadline = time.monotonic() + max(self.timings.transfer_least, total / SLOWEST_BYTES_PER_S)
        for _ in range(3 if self.clear_data_allowed else 2):
            attempt = _Attempt(self, path, name, total, progress, cancelled, deadline)
            try:
                arrived = attempt.run(reuse=reuse)
            except TransferError:
                if attempt.sent:
                    self.remove_quietly(name)
                raise
            if arrived:
                progress(total, total)
                return
            reuse = False
        self.remove_quietly(name)
        raise TransferError(
            "short_upload",
            "The file arrived incomplete, twice. Check the printer's network and memory card, then start again.",
        )

    def remove(self, name: str) -> None:
        with self.session() as ftp:
            _delete(ftp, name)

    def remove_quietly(self, name: str) -> None:
        """After a failed transfer: what can be removed is, and the transfer's own error is the one that is told."""
        with contextlib.suppress(TransferError):
            self.remove(name)

    def size(self, name: str) -> int | None:
        """None when the printer does not have the file, or cannot say."""
        with self.session() as ftp:
            return _size(ftp, name)

    def free_bytes(self) -> int | None:
        """None when the printer does not say."""
        with self.session() as ftp:
            return _free_bytes(ftp)

    @contextlib.contextmanager
    def session(self) -> Iterator[ImplicitFtps]:
        ftp = ImplicitFtps(context=PrinterContext(self.config.serial, self.pin), timeout=self.timings.stall)
        try:
            self._sign_in(ftp)
            yield ftp
        except ftplib.Error as error:
            raise in_words(error) from error
        except CertificateRefusedError as error:
            raise TransferError(error.code, error.sentence) from error
        except (OSError, EOFError) as error:
            raise TransferError(
                "ftps_lost",
                "The connection to the printer's file service failed or broke. Check its network, try again.",
            ) from error
        finally:
            ftp.close()

    def _sign_in(self, ftp: ImplicitFtps) -> None:
        ftp.open(self.config.address, self.config.ftps_port, self.timings.connect)
        if ftp.sock is not None:
            ftp.sock.settimeout(self.timings.stall)
        ftp.timeout = self.timings.stall
        ftp.login("bblp", self.config.access_code)
        if self._clear_data:
            ftp.voidcmd("PBSZ 0")
            ftp.prot_c()
        else:
            ftp.prot_p()
        ftp.voidcmd("TYPE I")

    def use_clear_data(self) -> bool:
        """Some A1 firmwares only take unencrypted data connections. True when that has not been tried yet."""
        if not self.clear_data_allowed or self._clear_data:
            return False
        self._clear_data = True
        return True


@dataclass
class _Attempt:
    files: PrinterFiles
    path: Path
    name: str
    total: int
    progress: Progress
    cancelled: Event
    deadline: float
    sent: int = 0

    def run(self, *, reuse: bool) -> bool:
        """True when the printer has the whole file, False when another attempt makes sense."""
        with self.files.session() as ftp:
            if reuse and _size(ftp, self.name) == self.total:
                return True
            self._check_room(ftp)
            _delete(ftp, self.name)
            code, error = self._store(ftp)
            if code == "226":
                return self._has_arrived(_size(ftp, self.name), said_done=True)
        return self._after_trouble(code, error)

    def _check_room(self, ftp: ImplicitFtps) -> None:
        free = _free_bytes(ftp)
        if free is not None and free < self.total:
            code, sentence = _REFUSALS["552"]
            raise TransferError(code, sentence)

    def _store(self, ftp: ImplicitFtps) -> tuple[str, Exception | None]:
        """The server's last code, or empty when there was none, and what went wrong."""
        trouble: Exception | None = None
        try:
            data = ftp.transfercmd(f"STOR {self.name}")
            try:
                self._send(data)
            finally:
                _close_data(data)
        except ftplib.Error as error:
            return str(error)[:3], error
        except (OSError, EOFError) as error:
            trouble = error  # the reply, when one comes, says why
        try:
            _wait_for_reply(ftp, self.files.timings.reply if trouble is None else self.files.timings.connect)
        except ftplib.Error as error:
            return str(error)[:3], error
        except (OSError, EOFError) as error:
            return "", trouble or error
        return "226", trouble

    def _send(self, data: socket.socket) -> None:
        with self.path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                if self.cancelled.is_set():
                    raise TransferCancelledError
                if time.monotonic() > self.deadline:
                    raise TransferError(
                        "too_slow", "The transfer was too slow and was given up. Check the printer's Wi-Fi signal."
                    )
                data.sendall(chunk)
                self.sent += len(chunk)
                self.progress(self.sent, self.total)

    def _after_trouble(self, code: str, error: Exception | None) -> bool:
        channel_failed = code in _ABOUT_THE_CHANNEL or (isinstance(error, ssl.SSLError) and self.sent == 0)
        if channel_failed and self.files.use_clear_data():
            return False
        if code and code not in _SIZE_DECIDES:
            self.files.remove_quietly(self.name)
            raise in_words(error) if isinstance(error, ftplib.Error) else TransferError("refused", str(error))
        if self._has_arrived(self.files.size(self.name), said_done=False):
            return True
        self.files.remove_quietly(self.name)
        return False

    def _has_arrived(self, size: int | None, *, said_done: bool) -> bool:
        """Some servers cannot tell a size; then only "226" for every byte counts."""
        if size is None:
            return said_done and self.sent == self.total
        return size == self.total


def in_words(error: ftplib.Error) -> TransferError:
    reply = str(error)
    code, sentence = _REFUSALS.get(
        reply[:3],
        ("ftps_refused", f"The printer's file service answered: {reply[:120]}. Restart the printer, try again."),
    )
    return TransferError(code, sentence)


def _delete(ftp: ImplicitFtps, name: str) -> None:
    try:
        ftp.delete(name)
    except ftplib.error_perm as error:
        if not str(error).startswith("5"):
            raise


def _size(ftp: ImplicitFtps, name: str) -> int | None:
    try:
        return ftp.size(name)
    except (ftplib.error_perm, ValueError):
        return None


def _free_bytes(ftp: ImplicitFtps) -> int | None:
    try:
        words = ftp.sendcmd("AVBL").split()
    except ftplib.Error:
        return None
    return next((int(word) for word in words[1:] if word.isdecimal()), None)


def _wait_for_reply(ftp: ImplicitFtps, timeout_s: float) -> None:
    if ftp.sock is not None:
        ftp.sock.settimeout(timeout_s)
    ftp.voidresp()


def _close_data(data: socket.socket) -> None:
    """Say goodbye without waiting for an answer: these servers send none, and waiting would hang for ever."""
    with contextlib.suppress(OSError, ValueError):
        if isinstance(data, ssl.SSLSocket):
            data.setblocking(False)
            data.unwrap()
    data.close()
