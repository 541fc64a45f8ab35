"""Simulated printers as a process of their own, so that killing ours never touches them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Self

from hub.simulators.control import ControlClient

ROOT = Path(__file__).parents[2]


class Simulators:
    """`printers`: what a person would read off each printer's screen. `control`: the hand that breaks things."""

    def __init__(self, folder: Path, models: str = "P1S", speed: float = 60) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = (folder / "simulators.log").open("w")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "hub.simulators",
                "--printers",
                models,
                "--speed",
                str(speed),
                "--data",
                str(folder),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.printers: list[SimpleNamespace] = []
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if said["event"] == "printer":
                self.printers.append(SimpleNamespace(**said))
            elif said["event"] == "control":
                self.control = ControlClient(said["host"], said["port"])
            elif said["event"] == "ready":
                break

    def starts(self, serial: str) -> dict[str, int]:
        """How often each job was really started on a printer, by its subtask id."""
        return dict(self.control.call("status", serial)["starts"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.control.close()
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()
