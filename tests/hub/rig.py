"""A hub without web: a real ledger, real threads, a file server on loopback, and the simulated printers."""

import hashlib
import io
import random
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hub import protocol
from hub.adapters.base import Timings
from hub.files import FileStore
from hub.ledger import Ledger
from hub.simulators.printer import SimulatedPrinter
from hub.supervisor import Supervisor
from tests.hub.simulators.clients import sliced_file, wait_until

RUN = "PF-7K2M9Q"
PRINT = sliced_file(seconds=300, layers=20)

QUICK = Timings(
    connect=5,
    ack=1.5,
    quiet=2,
    silent=5,
    ask_gap=0.2,
    ask_every=5,
    fresh=2,
    ready_wait=6,
    ask_after=2,
    unknown_after=3,
    settle=0.4,
    stop_memory=10,
    backoff_first=0.2,
    backoff_most=0.5,
    refused=0.5,
    transfer_least=30,
    stall=5,
    reply=2,
    error_gone=1,
    status_every=0.05,
)
"""About a fortieth of what real printers get, for printers that run sixty times as fast."""


def large_file(size_bytes: int = 400_000, **facts: Any) -> bytes:
    """A sliced file that does not fit into one packet."""
    stream = io.BytesIO(sliced_file(**facts))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("Metadata/plate_1.png", random.Random(7).randbytes(size_bytes))
    return stream.getvalue()


class FileServer:
    """Serves bytes under /files/<name>, as web's signed links do; counts what was fetched."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.fetched: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2].partition("?")[0]
                outer.fetched.append(name)
                content = outer.files.get(name)
                self.send_response(200 if content is not None else 403)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def printer_config(simulated: Any, **changes: Any) -> protocol.PrinterConfig:
    fields = {
        "id": printer_id(simulated),
        "model": simulated.model,
        "address": simulated.host,
        "mqtt_port": simulated.mqtt_port,
        "ftps_port": simulated.ftps_port,
        "serial": simulated.serial,
        "access_code": simulated.access_code,
    }
    return protocol.PrinterConfig(**{**fields, **changes})


def start_command(
    server: FileServer, printer_id: str, run_code: str, data: bytes, **changes: Any
) -> protocol.PrintCommand:
    sha256 = hashlib.sha256(data).hexdigest()
    server.files[sha256] = data
    fields: dict[str, Any] = {
        "command_id": f"start-{run_code}",
        "printer_id": printer_id,
        "run_id": f"id-of-{run_code}",
        "run_code": run_code,
        "file_url": f"{server.url}/files/{sha256}?signature=s",
        "file_name": f"{sha256[:16]}.gcode.3mf",
        "sha256": sha256,
        "md5": hashlib.md5(data).hexdigest().upper(),
        "size_bytes": len(data),
        "plate_index": 1,
        "title": "Hook für die Tür",
    }
    return protocol.PrintCommand(**{**fields, **changes})


class Rig:
    """`messages()` is what web would have been told and has not acknowledged."""

    def __init__(self, folder: Path, server: FileServer, timings: Timings = QUICK) -> None:
        self.folder, self.server, self.timings = folder, server, timings
        self.shown: list[Any] = []
        self._open()

    def _open(self) -> None:
        self.ledger = Ledger(self.folder / "ledger.sqlite3", "secret of the hub")
        self.supervisor = Supervisor(self.ledger, FileStore(self.folder / "files"), self.shown.append, self.timings)
        self.supervisor.open()

    def close(self) -> None:
        self.supervisor.close()
        self.ledger.close()

    def restart(self, while_down: Any = None) -> None:
        self.close()
        if while_down is not None:
            while_down()
        self._open()

    # --- What web says ---

    def add(self, *simulated: Any, **changes: Any) -> None:
        configs = [printer_config(each, **changes) for each in simulated]
        self.supervisor.take(protocol.SyncPrinters(command_id=f"sync-{time.monotonic_ns()}", printers=configs))
        for config in configs:
            self.wait_online(config.id)

    def start(self, simulated: Any, run_code: str, data: bytes | None = None, **changes: Any) -> protocol.PrintCommand:
        data = sliced_file() if data is None else data
        command = start_command(self.server, printer_id(simulated), run_code, data, **changes)
        self.supervisor.take(command)
        return command

    def order(self, simulated: Any, action: str, run_code: str | None = None) -> protocol.CommandAck:
        command_id = f"{action}-{time.monotonic_ns()}"
        known = printer_id(simulated)
        self.supervisor.take(
            protocol.PrinterCommand(command_id=command_id, printer_id=known, action=action, run_code=run_code)
        )
        return self.wait_ack(command_id)

    def try_printer(self, simulated: Any, **changes: Any) -> dict[str, Any]:
        command_id = f"try-{time.monotonic_ns()}"
        self.supervisor.take(protocol.TryPrinter(command_id=command_id, printer=printer_config(simulated, **changes)))
        result = wait_until(lambda: self._find("try_result", command_id=command_id), "the trial's result")
        return {"result": result, **{step.name: step for step in result.steps}}

    # --- What web hears ---

    def messages(self) -> list[Any]:
        return [protocol.parse_from_hub(text) for _, text in self.ledger.waiting(0, 10_000)]

    def _find(self, kind: str, **fields: Any) -> Any:
        found = [
            message
            for message in self.messages()
            if message.type == kind and all(getattr(message, name) == value for name, value in fields.items())
        ]
        return found[-1] if found else None

    def reports(self, run_code: str) -> list[protocol.RunReport]:
        return [m for m in self.messages() if m.type == "run_report" and m.run_code == run_code]

    def states(self, run_code: str) -> list[str]:
        return [report.state for report in self.reports(run_code)]

    def wait_run(self, run_code: str, *states: str) -> protocol.RunReport:
        return wait_until(
            lambda: next((r for r in self.reports(run_code) if r.state in states), None),
            f"{run_code} to be {states}",
        )

    def wait_ack(self, command_id: str) -> protocol.CommandAck:
        return wait_until(lambda: self._find("command_ack", command_id=command_id), f"the answer to {command_id}")

    def status(self, printer_id: str) -> protocol.PrinterStatus | None:
        found = [m for m in list(self.shown) if m.type == "printer_status" and m.printer_id == printer_id]
        return found[-1] if found else None

    def wait_status(self, printer_id: str, what: str, condition: Any) -> protocol.PrinterStatus:
        def met() -> Any:
            status = self.status(printer_id)
            return status if status is not None and condition(status) else None

        return wait_until(met, what)

    def wait_printing(self, simulated: Any) -> protocol.PrinterStatus:
        return self.wait_status(printer_id(simulated), "the print under way", lambda s: s.state == "printing")

    def wait_online(self, printer_id: str) -> protocol.PrinterStatus:
        return self.wait_status(printer_id, "the printer online", lambda s: s.connection == "online" and s.confirmed)

    def wait_connection(self, printer_id: str, *connections: str) -> protocol.PrinterStatus:
        return self.wait_status(printer_id, f"the connection {connections}", lambda s: s.connection in connections)


def printer_id(printer: SimulatedPrinter) -> str:
    """Under which id the rig's hub knows a simulated printer."""
    return f"id-{printer.serial}"
