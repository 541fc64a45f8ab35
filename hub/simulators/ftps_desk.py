"""What all FTPS connections of one simulated printer share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from OpenSSL import SSL
from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer

from hub.simulators.bambu.faults import FaultBoard
from hub.simulators.bambu.storage import FileStore
from hub.simulators.tls import Leaf
from hub.simulators.transcript import Transcript

if TYPE_CHECKING:
    from hub.simulators.ftps_handlers import PrinterFtpHandler

USER = "bblp"
SLOW_BYTES_PER_S = 25_000


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
    tls13: bool = False
    frozen: bool = False
    handlers: set["PrinterFtpHandler"] = field(default_factory=set)
    context: Any = None

    def __post_init__(self) -> None:
        self.use_leaf(self.leaf)

    def use_leaf(self, leaf: Leaf) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_options(SSL.OP_NO_TLSv1_1 | SSL.OP_NO_TLSv1 | SSL.OP_NO_COMPRESSION)
        if not self.tls13:
            context.set_options(SSL.OP_NO_TLSv1_3)
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
