"""TLS to a Bambu printer: version 1.2, and the certificate checked by its pin and by the serial number in its name.

The printers' certificates are signed by their maker and carry the serial number as common name, no address. The hub
trusts the certificate that it saw first, or that a person accepted, and checks before any access code is sent.
"""

import hashlib
import socket
import ssl
from collections.abc import Callable
from typing import Any, Self

from cryptography import x509
from cryptography.x509.oid import NameOID


class CertificateRefusedError(OSError):
    """Not the printer that we know. `sentence` is for people, `sha256` is what it showed."""

    def __init__(self, code: str, sentence: str, sha256: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.sha256 = sha256


class _CheckedSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        context = self.context
        if isinstance(context, PrinterContext):
            context.check(self.getpeercert(binary_form=True) or b"")


class PrinterContext(ssl.SSLContext):
    """For one printer. `pin` is the certificate's SHA-256 (lower-case hex); without one, the certificate's name must be
    the serial number, and `on_first` is told what was seen.
    """

    sslsocket_class = _CheckedSocket

    def __new__(cls, *_: Any, **__: Any) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, serial: str, pin: str | None, on_first: Callable[[str], None] | None = None) -> None:
        self._serial = serial.upper()
        self._pin = pin
        self._on_first = on_first
        self.check_hostname = False
        self.verify_mode = ssl.CERT_NONE  # the pin is the check: there is no public authority for these certificates
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        self.maximum_version = ssl.TLSVersion.TLSv1_2  # with 1.3 the data channel's session reuse breaks

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, *args, **{**kwargs, "server_hostname": self._serial or None})

    @staticmethod
    def fingerprint(der: bytes) -> str:
        """The pin of this certificate: SHA-256, lower-case hex."""
        return hashlib.sha256(der).hexdigest()

    def check(self, der: bytes) -> None:
        """Raises CertificateRefusedError."""
        sha256 = self.fingerprint(der)
        if self._pin is not None and sha256 == self._pin:
            return
        name = common_name(der)
        if name.upper() != self._serial:
            raise CertificateRefusedError("other_printer", _other(name, self._serial), sha256)
        if self._pin is not None:
            raise CertificateRefusedError("certificate_changed", _CHANGED, sha256)
        self._pin = sha256
        if self._on_first is not None:
            self._on_first(sha256)


_CHANGED = (
    "The printer shows another certificate than before. When its main board was replaced or it was reset to factory "
    "settings, that is right: try the printer again and accept the new certificate. Otherwise something stands between."
)


def _other(name: str, serial: str) -> str:
    if not name:
        return "What answers at this address is no Bambu printer: its certificate carries no serial number."
    return f"At this address answers the printer {name[:40]}, not {serial}. Correct the address or the serial number."


def common_name(der: bytes) -> str:
    """The certificate's common name, empty when it has none or is no certificate."""
    try:
        names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ""
    return str(names[0].value) if names else ""
