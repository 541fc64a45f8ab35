"""The remote control of a farm in another process: one JSON object a line, over TCP on loopback.

Request `{"do": "fault", "printer": "<serial>", "name": "B03", "options": {"at_percent": 40}}`, answer `{"ok": true, ...}` or
`{"ok": false, "error": "<sentence>"}`.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from hub.simulators.farm import SimulatedFarm
from hub.simulators.printer import SimulatedPrinter
from hub.simulators.spec import SpoolSpec

Wish = dict[str, Any]
LINE_LIMIT_BYTES = 1024 * 1024


class ControlServer:
    """Serves in the farm's event loop."""

    def __init__(self, farm: SimulatedFarm) -> None:
        self.farm = farm
        self._server: asyncio.Server | None = None

    def start(self, port: int) -> int:
        """Listen on loopback; returns the port."""
        return self.farm.run_in_loop(self._listen(port))

    async def _listen(self, port: int) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=LINE_LIMIT_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        if self._server is not None:
            self.farm.in_loop(self._server.close)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # the other side left, or sent a line without end
            pass
        finally:
            writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            wish = json.loads(line)
            result = self._carry_out(wish)
        except KeyError as error:
            return {"ok": False, "error": f"Missing or unknown: {error.args[0]}"}
        except (ValueError, TypeError, ValidationError) as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, **result}

    def _carry_out(self, wish: Wish) -> dict[str, Any]:
        if wish["do"] in FARM_DEEDS:
            return FARM_DEEDS[wish["do"]](self.farm, wish) or {}
        return DEEDS[wish["do"]](self.farm.printer(wish["printer"]), wish) or {}


def _list(farm: SimulatedFarm, _wish: Wish) -> dict[str, Any]:
    return {"printers": [printer.address() for printer in farm.printers]}


def _advance(farm: SimulatedFarm, wish: Wish) -> dict[str, Any]:
    farm.advance_in_loop(float(wish["seconds"]), step_s=float(wish.get("step_s", 1.0)))
    return {"virtual_s": farm.clock.now_s()}


def _fault(printer: SimulatedPrinter, wish: Wish) -> None:
    printer.fault(wish["name"], **wish.get("options", {}))


def _foreign_job(printer: SimulatedPrinter, wish: Wish) -> dict[str, Any]:
    return {"subtask_id": printer.foreign_job(**wish.get("options", {}))}


FARM_DEEDS: dict[str, Callable[[SimulatedFarm, Wish], dict[str, Any] | None]] = {"list": _list, "advance": _advance}

DEEDS: dict[str, Callable[[SimulatedPrinter, Wish], dict[str, Any] | None]] = {
    "status": lambda printer, _wish: printer.status(),
    "address": lambda printer, _wish: printer.address(),
    "fault": _fault,
    "clear": lambda printer, wish: printer.clear(wish["name"]),
    "foreign_job": _foreign_job,
    "cancel_on_screen": lambda printer, _wish: printer.core.cancel_on_screen(),
    "power_cut": lambda printer, wish: printer.power_cut(**wish.get("options", {})),
    "insert_spool": lambda printer, wish: printer.insert_spool(int(wish["tray"]), SpoolSpec(**wish.get("spool", {}))),
    "remove_spool": lambda printer, wish: printer.remove_spool(int(wish["tray"])),
}


class ControlError(Exception):
    """The farm refused; its sentence says why."""


class ControlClient:
    """What a test holds in its hand while the farm runs elsewhere."""

    def __init__(self, host: str, port: int, *, timeout_s: float = 30.0) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._lines = self._socket.makefile("rb")

    def call(self, do: str, printer: str | None = None, **more: Any) -> dict[str, Any]:
        """One request and its answer. Raises ControlError."""
        wish = {"do": do, "printer": printer, **more}
        self._socket.sendall(json.dumps(wish).encode() + b"\n")
        answer = json.loads(self._lines.readline() or b'{"ok": false, "error": "The farm has gone."}')
        if not answer.pop("ok"):
            raise ControlError(answer["error"])
        return dict(answer)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
