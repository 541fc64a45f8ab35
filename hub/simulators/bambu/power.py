"""The plug: power cuts, the start of the firmware, and what it remembers of the job."""

from typing import TYPE_CHECKING, Literal

from hub.simulators.bambu.codes import RECOVERY_QUESTION
from hub.simulators.bambu.report import first_report
from hub.simulators.bambu.runner import BUSY_STATES

if TYPE_CHECKING:
    from hub.simulators.bambu.core import PrinterCore

Afterwards = Literal["idle", "recovery", "ghost"]
NOISE_S = 0.5


class Power:
    """`state` is on, off or booting; while booting the file server answers but MQTT does not yet."""

    def __init__(self, core: "PrinterCore") -> None:
        self.core = core
        self.state: Literal["on", "off", "booting"] = "on"
        self.cuts = 0

    def cut(
        self,
        afterwards: Afterwards = "idle",
        *,
        off_s: float | None = None,
        boot_s: float | None = None,
        noise: bool = False,
    ) -> None:
        """Dark for `off_s` (40-90), then `boot_s` (15-30) until MQTT answers."""
        if self.state != "on":
            return
        jitter = self.core.jitter
        dark_s = off_s if off_s is not None else jitter.uniform(40, 90)
        starting_s = boot_s if boot_s is not None else jitter.uniform(15, 30)
        if not noise:
            self._go_dark(afterwards, dark_s, starting_s)
            return
        self.core.ams.powering_down = True
        self.core.refresh_ams()
        self.core.agenda.later(NOISE_S, lambda: self._go_dark(afterwards, dark_s, starting_s))

    def _go_dark(self, afterwards: Afterwards, dark_s: float, starting_s: float) -> None:
        self.state = "off"
        self.cuts += 1
        self.core.note("power", "off")
        recoverable = afterwards == "recovery" and self.core.runner.state in BUSY_STATES - {"PREPARE"}
        if recoverable:
            self.core.runner.freeze()
        else:
            self.core.runner.lose()
        self.core.announce("power off")
        self.core.agenda.later(dark_s, self._boot)
        self.core.agenda.later(dark_s + starting_s, lambda: self._ready(afterwards))

    def _boot(self) -> None:
        self.state = "booting"
        self.core.announce("power booting")

    def _ready(self, afterwards: Afterwards) -> None:
        core, before = self.core, self.core.report
        core.ams.powering_down = False
        core.ams.now = core.ams.target = 255
        core.report = first_report(core.profile, core.ams)
        core.report.update(sdcard=core.store.has_card)
        self.state = "on"
        core.note("power", "on")
        if core.runner.job is not None:
            kept = ("subtask_id", "task_id", "subtask_name", "gcode_file", "mc_percent", "layer_num", "total_layer_num")
            core.report.update({key: before[key] for key in kept})
            core.report.update(gcode_state="PAUSE", print_type="local", print_error=RECOVERY_QUESTION)
        core.refresh_card()
        core.announce("power on")
        core.push_full()
        if afterwards == "ghost":
            self._replay()

    def _replay(self) -> None:
        """A1 and P1 may start the file that was left in the top folder, under ids that nobody knows."""
        leftover = self.core.store.leftover()
        if leftover is None:
            return
        self.core.start_foreign_job(
            subtask_name=leftover.name.removesuffix(".gcode.3mf"), file=leftover.name, echo=False
        )
