"""One simulated printer: the core, its broker, its file server, and the faults that live between them."""

import asyncio
import contextlib
import json
import logging
import random
from collections import Counter, deque
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.simulators import tls
from hub.simulators.bambu import PROFILES, PrinterCore
from hub.simulators.bambu.power import Afterwards
from hub.simulators.clock import VirtualClock
from hub.simulators.mqtt_server import MqttServer
from hub.simulators.network_faults import NetworkFaults
from hub.simulators.spec import PrinterSpec, SpoolSpec
from hub.simulators.ssdp import Announcer
from hub.simulators.transcript import Transcript

if TYPE_CHECKING:
    from hub.simulators.ftps_server import FtpsLoop, FtpsServer

log = logging.getLogger(__name__)

ACK_S = (0.013, 0.057)
PUSHALL_S = (0.05, 0.3)
PORT_PATIENCE_S = 10.0
DEEPEST_REQUEST = 32


class SimulatedPrinter:
    """Made by `SimulatedFarm`. `fault`, `clear` and the deeds of a person may be called from any thread."""

    def __init__(self, spec: PrinterSpec, number: int, clock: VirtualClock, data: Path) -> None:
        profile = PROFILES[spec.model]
        self.spec, self.clock = spec, clock
        self.model = spec.model
        self.serial = spec.serial or f"{profile.serial_prefix}00A{number:09d}"
        self.access_code = spec.access_code or f"{random.Random(self.serial).randrange(10**8):08d}"
        self.name = spec.name or f"{profile.product_name.removeprefix('Bambu Lab ')} {number}"
        self.host = spec.host
        self.authority = tls.Authority(data / "tls")
        self.leaf = self._make_leaf()
        self.transcript = Transcript(data / f"{self.serial}.jsonl")
        self.core = PrinterCore(spec, self.serial, data / self.serial, transcript=self.transcript)
        self.mqtt = MqttServer(
            self.serial, self.access_code, tls.server_context(self.leaf, tls13=spec.tls13), self._on_request
        )
        self.mqtt.transcript = self.transcript
        self.network_faults = NetworkFaults(self)
        self.mqtt.max_clients = spec.mqtt.max_clients
        self.mqtt.enforce_keepalive = spec.mqtt.enforce_keepalive
        self.ftps: FtpsServer | None = None
        self.ftps_port = 0
        self.announcer = Announcer(self) if spec.ssdp_target else None
        self.failures: list[Exception] = []
        """What went wrong in the simulator itself; the farm raises the first one when it stops."""
        self._outgoing: deque[tuple[float, bytes]] = deque()
        self._pumping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self, ftps_loop: "FtpsLoop") -> None:
        from hub.simulators.ftps_desk import FtpsDesk
        from hub.simulators.ftps_server import FtpsServer

        self._loop = asyncio.get_running_loop()
        self.network_faults.sync_switches()
        await self.mqtt.listen(self.host, self.spec.mqtt_port)
        options, profile = self.spec.ftps, self.core.profile
        delay_s = self.clock.real_s(profile.delay_226_s) if options.delay_226_s is None else options.delay_226_s
        desk = FtpsDesk(
            store=self.core.store,
            faults=self.core.faults,
            access_code=self.access_code,
            leaf=self.leaf,
            transcript=self.transcript,
            serial=self.serial,
            require_session_reuse=options.require_session_reuse,
            close_notify=options.close_notify,
            data_protection=options.data_protection or profile.data_protection,
            delay_226_s=delay_s,
            bytes_per_s=options.bytes_per_s,
            banner=options.banner,
            tls13=self.spec.tls13,
        )
        self.ftps = FtpsServer(ftps_loop, desk, self.host, self.spec.ftps_port)
        self.ftps_port = self.ftps.port
        self.network_faults.attach(self._loop)
        self.core.on_event.append(self._power_changed)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.mqtt.close()
        if self.ftps is not None:
            self.ftps.close()
        self.transcript.close()

    def step(self) -> None:
        """Let the core catch up with the clock; called in the farm's event loop."""
        with self._for_itself():
            self._send(self.core.tick(self.clock.now_s()), delay_s=0)
            if self.core.faults.is_on("B07") and self.core.runner.job is None:
                self.core.clear("B07")
            if self.announcer is not None:
                self.announcer.step(self.clock.now_s())

    @contextlib.contextmanager
    def _for_itself(self) -> Iterator[None]:
        """A mistake in this printer's simulation must not stop the clock of the others."""
        try:
            yield
        except Exception as failure:
            log.exception("the simulated printer %s stumbled", self.serial)
            self.failures.append(failure)

    @property
    def mqtt_port(self) -> int:
        return self.mqtt.port

    @property
    def certificate_sha256(self) -> str:
        return self.leaf.sha256

    def address(self) -> dict[str, Any]:
        """What a person types in to add this printer, plus what a test wants to check."""
        return {
            "name": self.name,
            "model": self.model,
            "product_name": self.core.profile.product_name,
            "serial": self.serial,
            "access_code": self.access_code,
            "host": self.host,
            "mqtt_port": self.mqtt_port,
            "ftps_port": self.ftps_port,
            "certificate_sha256": self.certificate_sha256,
            "files": str(self.core.store.root),
        }

    # -- what tests and the demo do with it ---------------------------------------------------------------------------

    def fault(
        self,
        name: str,
        *,
        at_percent: float | None = None,
        when: str | None = None,
        for_s: float | None = None,
        **options: Any,
    ) -> None:
        """See `PrinterCore.fault`; the catalogue is `hub.simulators.bambu.CATALOGUE`."""
        self.core.fault(name, at_percent=at_percent, when=when, for_s=for_s, **options)

    def clear(self, name: str) -> None:
        self.core.clear(name)

    def status(self) -> dict[str, Any]:
        return {**self.core.status(), "connects": self.mqtt.connects, "refused_connects": self.mqtt.refused_connects}

    @property
    def starts(self) -> Counter[str]:
        """How often a print really began, by subtask_id."""
        with self.core.lock:
            return Counter(self.core.runner.starts)

    def foreign_job(self, *, subtask_name: str = "From the screen", duration_s: float = 600.0, file: str = "") -> str:
        return self.core.start_foreign_job(subtask_name=subtask_name, duration_s=duration_s, file=file)

    def power_cut(
        self, afterwards: Afterwards = "idle", *, off_s: float | None = None, boot_s: float | None = None
    ) -> None:
        self.core.power_cut(afterwards, off_s=off_s, boot_s=boot_s)

    def insert_spool(self, tray: int, spool: SpoolSpec) -> None:
        self.core.insert_spool(tray, spool)

    def remove_spool(self, tray: int) -> None:
        self.core.remove_spool(tray)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _on_request(self, payload: bytes) -> None:
        try:
            request = json.loads(payload.rstrip(b"\x00"))
            if _is_deeper(request, DEEPEST_REQUEST):
                raise ValueError("nested too deeply")
        except (ValueError, RecursionError):
            self.transcript.note("unreadable request", payload.decode("utf-8", "replace"), serial=self.serial)
            return
        asks_all = isinstance(request, dict) and "pushing" in request
        delay_s = self.core.jitter.uniform(*(PUSHALL_S if asks_all else ACK_S))
        with self._for_itself():
            self._send(self.core.handle_request(request), delay_s=self.clock.real_s(delay_s))

    def _send(self, messages: list[dict[str, Any]], *, delay_s: float) -> None:
        """Publish in order; an answer that takes its time holds back what comes after it."""
        assert self._loop is not None
        ready_at = self._loop.time() + min(delay_s, PUSHALL_S[1])
        for message in messages:
            self._outgoing.extend((ready_at, payload) for payload in self.core.to_bytes(message))
        if self._outgoing and not self._pumping:
            self._pump()

    def _pump(self) -> None:
        assert self._loop is not None
        self._pumping = False
        while self._outgoing:
            ready_at, payload = self._outgoing[0]
            if ready_at > self._loop.time():
                self._pumping = True
                self._loop.call_at(ready_at, self._pump)
                return
            self._outgoing.popleft()
            self.mqtt.publish(payload)

    def _make_leaf(self) -> tls.Leaf:
        wrong = "WRONGNAME00000" if self.spec.certificate == "wrong_name" else None
        expired = self.spec.certificate == "expired"
        return self.authority.leaf(self.serial, common_name=wrong, expired=expired, rsa_key=self.spec.rsa)

    # -- power and address --------------------------------------------------------------------------------------------

    def _power_changed(self, event: str) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._apply_power, event)

    def _apply_power(self, event: str) -> None:
        assert self.ftps is not None
        if event == "power off":
            self.mqtt.abandon_clients()
            self.mqtt.stop_listening()
            self.ftps.freeze(frozen=True)
            self.ftps.stop_listening()
        elif event == "power booting":
            self.mqtt.drop_clients(reset=True)
            self.ftps.drop_clients()
            self.ftps.freeze(frozen=False)
            self.ftps.start_listening()
        else:
            self._run(self._listen_again())

    def move(self, host: str) -> None:
        """The printer gets another address, and keeps its ports."""
        assert self.ftps is not None
        self.host = self.ftps.host = host
        for stop in (
            self.mqtt.stop_listening,
            self.ftps.stop_listening,
            self.ftps.drop_clients,
            self.ftps.start_listening,
        ):
            stop()
        self.mqtt.drop_clients(reset=True)
        self._run(self._listen_again())

    async def _listen_again(self) -> None:
        """On the port that people know; another program may hold it for a moment."""
        give_up_at = asyncio.get_running_loop().time() + PORT_PATIENCE_S
        while not self.mqtt.is_listening:
            try:
                await self.mqtt.listen(self.host, self.mqtt.port)
            except OSError:
                if asyncio.get_running_loop().time() > give_up_at:
                    raise
                await asyncio.sleep(0.05)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_deeper(value: object, levels: int) -> bool:
    """Whether objects and lists are nested more than `levels` deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in inner)
