"""The pushes that come by themselves: every second or two while printing, now and then while idle."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.simulators.bambu.core import PrinterCore

NOZZLE_INERTIA_S = 25.0
BED_INERTIA_S = 60.0
ROOM_C = 24.0
TEMPERATURE_STEP_C = 1 / 32


class Telemetry:
    """Looks after temperatures, signal strength and progress; makes its own appointments from the start."""

    def __init__(self, core: "PrinterCore") -> None:
        self.core = core
        self._looked_at_s = 0.0
        self._again()

    def _again(self) -> None:
        core, profile = self.core, self.core.profile
        busy = core.runner.state in {"PREPARE", "RUNNING"}
        middle, spread = profile.telemetry_s if busy else profile.idle_telemetry_s
        core.agenda.repeat_later(core.jitter.uniform(middle - spread, middle + spread), self._look)

    def _look(self) -> None:
        self._drift(self.core.agenda.now_s - self._looked_at_s)
        self._looked_at_s = self.core.agenda.now_s
        self.core.runner.update_progress()
        self.core.report["ams"] = self.core.ams.report()
        self.core.push_changes()
        self._again()

    def _drift(self, elapsed_s: float) -> None:
        report, jitter = self.core.report, self.core.jitter
        for part, inertia_s in (("nozzle", NOZZLE_INERTIA_S), ("bed", BED_INERTIA_S)):
            aim = max(ROOM_C, float(report[f"{part}_target_temper"]))
            now = float(report[f"{part}_temper"])
            now += (aim - now) * (1 - math.exp(-elapsed_s / inertia_s))
            now += jitter.choice((-1, 0, 1)) * TEMPERATURE_STEP_C
            report[f"{part}_temper"] = round(now / TEMPERATURE_STEP_C) * TEMPERATURE_STEP_C
        report["wifi_signal"] = f"{-52 + jitter.randint(-3, 3)}dBm"
