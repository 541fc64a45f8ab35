"""The faults between a printer and its network: broken connections, changed codes, other certificates, frozen servers."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.simulators.printer import SimulatedPrinter

Options = dict[str, Any]
OTHER_SERIAL = "01P00A999999999"


class NetworkFaults:
    """Follows the core's fault board and turns the switches of broker and file server, in the farm's event loop."""

    def __init__(self, printer: "SimulatedPrinter") -> None:
        self.printer = printer
        self.mqtt = printer.mqtt
        self.board = printer.core.faults
        self._loop: asyncio.AbstractEventLoop | None = None
        self._setting: dict[str, Callable[[Options], None]] = {
            "B01": self._die,
            "B02": self._fall_silent,
            "B03": self._turn_deaf,
            "B07": lambda _options: self.mqtt.drop_clients(),
            "B13": lambda options: self._change_code(options.get("access_code")),
            "B14": lambda _options: self._change_certificate(self.printer.serial, renew=True),
            "B15": lambda options: self._change_certificate(str(options.get("serial", OTHER_SERIAL)), renew=True),
            "B16": lambda options: self.printer.move(str(options.get("host", "127.0.0.2"))),
            "B34": lambda _options: self._freeze(frozen=True),
            "connect-refused": lambda _options: self.mqtt.drop_clients(),
        }
        self._lifting: dict[str, Callable[[], None]] = {
            "B02": self.mqtt.mute_clients.clear,
            "B03": self.mqtt.deaf_clients.clear,
            "B15": lambda: self._change_certificate(self.printer.serial, renew=False),
            "B34": lambda: self._freeze(frozen=False),
        }

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.board.listeners.append(self._changed)
        for name, options in list(self.board.active.items()):  # those that were set before anybody listened
            self._changed("set", name, options)

    def sync_switches(self) -> None:
        """Set what follows directly from the faults that are on."""
        board, mqtt = self.board, self.mqtt
        mqtt.puback = self.printer.spec.mqtt.puback and not board.is_on("no-puback")
        mqtt.closes_after_connect = board.is_on("B33")
        mqtt.resets_new_connections = board.is_on("B01") or board.is_on("B07")
        mqtt.mute_all = bool(board.option("B02", "sticky"))
        mqtt.refuse_code = int(board.option("connect-refused", "code", 5)) if board.is_on("connect-refused") else None

    def _changed(self, event: str, name: str, options: Options) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._apply, event, name, dict(options))

    def _apply(self, event: str, name: str, options: Options) -> None:
        self.sync_switches()
        if event == "set" and name in self._setting:
            self._setting[name](options)
        elif event == "clear" and name in self._lifting:
            self._lifting[name]()

    def _die(self, options: Options) -> None:
        """Without `for_s` the connection dies once; silently means until the fault is cleared."""
        if options.get("silent"):
            self.mqtt.abandon_clients()
            return
        self.mqtt.drop_clients()
        if "B01" not in self.board.ends_at_s:
            self.printer.clear("B01")

    def _fall_silent(self, options: Options) -> None:
        if not options.get("sticky"):
            self.mqtt.mute_clients |= self.mqtt.client_ids

    def _turn_deaf(self, options: Options) -> None:
        self.mqtt.deaf_clients |= self.mqtt.client_ids
        self.mqtt.deaf_puback = bool(options.get("puback"))

    def _freeze(self, *, frozen: bool) -> None:
        assert self.printer.ftps is not None
        self.mqtt.freeze(frozen=frozen)
        self.printer.ftps.freeze(frozen=frozen)

    def _change_code(self, wanted: str | None) -> None:
        assert self.printer.ftps is not None
        code = wanted or f"{self.printer.core.jitter.randrange(10**8):08d}"
        self.printer.access_code = self.mqtt.access_code = self.printer.ftps.desk.access_code = code
        self.mqtt.drop_clients(reset=False)

    def _change_certificate(self, serial: str, *, renew: bool) -> None:
        """Other TLS material for new connections, and the topics of `serial`."""
        printer = self.printer
        assert printer.ftps is not None
        printer.leaf = printer.authority.leaf(serial, renew=renew, rsa_key=printer.spec.rsa)
        self.mqtt.serial = serial
        self.mqtt.context.load_cert_chain(printer.leaf.certificate_path, printer.leaf.key_path)
        printer.ftps.use_leaf(printer.leaf)
        self.mqtt.drop_clients(reset=False)
