"""Several simulated printers in one process, with one clock, one event loop and one FTPS thread."""

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from hub.simulators.clock import VirtualClock
from hub.simulators.printer import SimulatedPrinter
from hub.simulators.spec import FarmConfig, PrinterSpec

if TYPE_CHECKING:
    from hub.simulators.ftps_server import FtpsLoop

TICK_S = 0.1
START_PATIENCE_S = 60.0

T = TypeVar("T")


class SimulatedFarm:
    """A context manager: inside it the printers answer on loopback, after it nothing is left running.

    `speed` 1 to 1000 runs virtual time that much faster than the clock on the wall; 0 stands still until `advance`.
    `data` keeps certificates, memory cards and transcripts; without it they live in a temporary folder.
    """

    def __init__(self, specs: Iterable[PrinterSpec], *, speed: float = 1.0, data: Path | str | None = None) -> None:
        self._temporary = None if data else tempfile.TemporaryDirectory(prefix="simulated-farm-")
        self.data = Path(data or self._temporary.name)  # type: ignore[union-attr]  # one of the two is there
        self.data.mkdir(parents=True, exist_ok=True)
        self.clock = VirtualClock(speed)
        self.printers = [
            SimulatedPrinter(spec, number, self.clock, self.data) for number, spec in enumerate(specs, start=1)
        ]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulated-farm", daemon=True)
        self._ftps_loop: FtpsLoop | None = None
        self._ticker: asyncio.Task[None] | None = None

    @classmethod
    def from_config(cls, config: FarmConfig) -> "SimulatedFarm":
        return cls(config.printers, speed=config.speed, data=config.data)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        from hub.simulators.ftps_server import FtpsLoop

        self._thread.start()
        self._ftps_loop = FtpsLoop()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(START_PATIENCE_S)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(START_PATIENCE_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(START_PATIENCE_S)
            self._loop.close()
        if self._ftps_loop is not None:
            self._ftps_loop.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def printer(self, serial: str) -> SimulatedPrinter:
        """By serial number. Raises KeyError."""
        for printer in self.printers:
            if printer.serial == serial:
                return printer
        raise KeyError(f"No simulated printer has the serial number {serial}.")

    def advance(self, seconds: float, *, step_s: float = 1.0) -> None:
        """Move virtual time on, in steps small enough that every change is published as it would have been."""
        self.in_loop(lambda: self.advance_in_loop(seconds, step_s=step_s))

    def advance_in_loop(self, seconds: float, *, step_s: float = 1.0) -> None:
        left = seconds
        while left > 0:
            self.clock.advance(min(step_s, left))
            left -= step_s
            self._step_all()

    def in_loop(self, action: Callable[[], T]) -> T:
        """Run `action` in the farm's event loop and wait for its result; not to be called in that loop itself."""

        async def run() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(START_PATIENCE_S)

    def run_in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_PATIENCE_S)

    # -- inside the loop ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _open(self) -> None:
        assert self._ftps_loop is not None
        for printer in self.printers:
            await printer.start(self._ftps_loop)
        self._ticker = asyncio.create_task(self._tick())

    async def _close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        for printer in self.printers:
            await printer.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # connections whose handshake never ended
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        failures = [failure for printer in self.printers for failure in printer.failures]
        if failures:
            raise failures[0]

    async def _tick(self) -> None:
        while True:
            self._step_all()
            await asyncio.sleep(TICK_S)

    def _step_all(self) -> None:
        for printer in self.printers:
            printer.step()
