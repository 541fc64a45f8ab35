"""Filament on the move: loading, unloading, spools put in and taken out."""

from typing import TYPE_CHECKING

from hub.simulators.bambu.ams import EXTERNAL, NOTHING, new_spool
from hub.simulators.bambu.job import PrintJob
from hub.simulators.spec import SpoolSpec

if TYPE_CHECKING:
    from hub.simulators.bambu.core import PrinterCore

LOADING = (258, 261, 262)
UNLOADING = (258, 259, 260)
LOADED = 768
RFID_READ_S = 20.0
CHANGE_SHARE = 0.02


class SpoolMoves:
    def __init__(self, core: "PrinterCore") -> None:
        self.core = core
        self._inserted = 0

    def plan_load(self, job: PrintJob, at_s: float, tray: int) -> None:
        """The captured steps 258, 261, 262, 768 from `at_s` on, each a fiftieth of the preparation apart."""
        if tray == EXTERNAL:
            job.add(at_s, lambda: self._loaded(EXTERNAL))
            return
        step_s = CHANGE_SHARE * job.preparation_s
        for number, status in enumerate(LOADING):
            job.add(at_s + number * step_s, lambda status=status: self._aim(tray, status))  # type: ignore[misc]
        job.add(at_s + len(LOADING) * step_s, lambda: self._loaded(tray))

    def plan_unload(self, job: PrintJob, from_s: float, until_s: float) -> None:
        if not self.core.ams.units:
            return
        step_s = (until_s - from_s) / len(UNLOADING)
        for number, status in enumerate(UNLOADING):
            job.add(from_s + number * step_s, lambda status=status: self.core.change(ams_status=status))  # type: ignore[misc]
        job.add(until_s, self.unload_now)

    def load_now(self, tray: int) -> None:
        self._aim(tray, LOADING[0])
        self._loaded(tray)

    def unload_now(self) -> None:
        ams = self.core.ams
        if ams.now == NOTHING and self.core.report["ams_status"] == 0:
            return
        ams.previous, ams.now, ams.target = ams.now, NOTHING, NOTHING
        self.core.report.update(ams_status=0, hw_switch_state=0)
        self.core.refresh_ams()

    def change_filament(self, target: int) -> bool:
        """`ams_change_filament` by hand; False when a print is on or the slot is empty."""
        if self.core.runner.state == "RUNNING":
            return False
        if target == NOTHING:
            self.unload_now()
            return True
        if self.core.ams.spool(target) is None:
            return False
        self._aim(target, LOADING[0])
        self.core.agenda.later(self.core.jitter.uniform(20, 60), lambda: self._loaded(target))
        return True

    def insert(self, tray: int, spec: SpoolSpec) -> None:
        """A person puts a roll into a slot; a roll with RFID is read first."""
        self._inserted += 1
        self.core.ams.put(tray, new_spool(spec, 10_000 + self.core.seed * 64 + self._inserted))
        if spec.rfid:
            self.core.ams.reading.add(tray)
            self.core.report["ams_rfid_status"] = 1
            self.core.agenda.later(RFID_READ_S, lambda: self._read(tray))
        self.core.refresh_ams()

    def remove(self, tray: int, *, nonsense: int | None = None) -> None:
        """A person takes the roll out: the slot reports nothing but its id, or a remainder that cannot be."""
        self.core.ams.put(tray, None)
        if nonsense is not None:
            self.core.ams.nonsense[tray] = nonsense
        self.core.ams.reading.discard(tray)
        self.core.refresh_ams()

    def read_again(self, tray: int) -> bool:
        if self.core.ams.spool(tray) is None:
            return False
        self.core.ams.reading.add(tray)
        self.core.refresh_ams()
        self.core.agenda.later(RFID_READ_S, lambda: self._read(tray))
        return True

    def _read(self, tray: int) -> None:
        self.core.ams.reading.discard(tray)
        self.core.report["ams_rfid_status"] = 0
        self.core.refresh_ams()

    def _aim(self, tray: int, status: int) -> None:
        self.core.ams.target = tray
        self.core.report["ams_status"] = status
        self.core.refresh_ams()

    def _loaded(self, tray: int) -> None:
        ams = self.core.ams
        ams.previous, ams.now, ams.target = ams.now, tray, tray
        self.core.report.update(ams_status=LOADED if tray != EXTERNAL else 0, hw_switch_state=1)
        self.core.refresh_ams()
