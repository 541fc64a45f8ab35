"""A Klippy on a Unix socket, as Moonraker expects it: JSON with a byte 3 after each message."""

import json
import socket
import threading
from pathlib import Path
from typing import Any

END = b"\x03"


class Klippy:
    """One printer with one extruder. `extrude` moves its filament."""

    def __init__(self, path: Path) -> None:
        self.subscribed = threading.Event()
        self._template: dict[str, Any] = {}
        self._at_mm = 0.0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen(1)
        self._peer: socket.socket | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def extrude(self, mm: float) -> None:
        """So much filament went through the nozzle since the last time."""
        self._at_mm += mm
        status = {"toolhead": {"position": [10.0, 10.0, 0.2, self._at_mm]}}
        self._send({**self._template, "params": {"eventtime": 1.0, "status": status}})

    def close(self) -> None:
        for one in (self._peer, self._socket):
            if one is not None:
                one.close()

    def _serve(self) -> None:
        try:
            self._peer, _ = self._socket.accept()
            waiting = b""
            while got := self._peer.recv(65_536):
                *messages, waiting = (waiting + got).split(END)
                for one in messages:
                    self._answer(json.loads(one))
        except OSError:
            return

    def _answer(self, asked: dict[str, Any]) -> None:
        if "id" not in asked:
            return
        params = asked.get("params", {})
        if asked["method"] == "objects/subscribe" and params.get("response_template"):
            self._template = params["response_template"]
        self._send({"id": asked["id"], "result": self._result(asked["method"], params)})
        if asked["method"] == "objects/subscribe" and "toolhead" in params.get("objects", {}):
            self.subscribed.set()

    def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "info":
            return {
                "state": "ready",
                "state_message": "Printer is ready",
                "hostname": "simulated",
                "software_version": "v0.12.0",
                "klipper_path": "/nowhere",
                "python_path": "/nowhere",
                "log_file": "/nowhere/klippy.log",
                "config_file": "/nowhere/printer.cfg",
                "cpu_info": "simulated",
                "process_id": 1,
                "user_id": 1,
                "group_id": 1,
                "app": "Klipper",
            }
        if method == "list_endpoints":
            return {"endpoints": ["info", "objects/list", "objects/query", "objects/subscribe", "gcode/script"]}
        if method == "objects/list":
            return {"objects": ["webhooks", "gcode", "toolhead", "print_stats", "virtual_sdcard", "configfile"]}
        if method in {"objects/query", "objects/subscribe"}:
            return {"eventtime": 1.0, "status": {name: self._state(name) for name in params.get("objects", {})}}
        return {}

    def _state(self, name: str) -> dict[str, Any]:
        known: dict[str, dict[str, Any]] = {
            "toolhead": {"position": [0.0, 0.0, 0.0, self._at_mm], "extruder": "extruder"},
            "webhooks": {"state": "ready", "state_message": "Printer is ready"},
            "print_stats": {"state": "standby", "filename": ""},
            "configfile": {"config": {}, "settings": {}},
        }
        return known.get(name, {})

    def _send(self, message: dict[str, Any]) -> None:
        if self._peer is not None:
            self._peer.sendall(json.dumps(message).encode() + END)
