"""The job timeline: from the accepted start over heating and layers to FINISH or FAILED."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hub.simulators.bambu import preparation
from hub.simulators.bambu.agenda import Appointment
from hub.simulators.bambu.ams import EXTERNAL, NOTHING
from hub.simulators.bambu.codes import (
    AMS_RUNOUT,
    CANCELLED,
    DEVICE_BUSY,
    HMS_RUNOUT,
    PAUSED_BY_USER,
    RUNOUT,
    STAGE_PAUSED,
    STAGE_RUNOUT,
    Hms,
)
from hub.simulators.bambu.job import PrintJob
from hub.simulators.bambu.plan import extrude, plan
from hub.simulators.bambu.sliced_file import PlateFacts

if TYPE_CHECKING:
    from hub.simulators.bambu.core import PrinterCore

BUSY_STATES = frozenset({"PREPARE", "RUNNING", "PAUSE"})
INT32_MAX = 2**31 - 1

PARSE_BYTES_PER_S = 4_000_000


class JobRunner:
    """Owns the current job; every change of `gcode_state` happens here."""

    def __init__(self, core: "PrinterCore") -> None:
        self.core = core
        self.job: PrintJob | None = None
        self.starts: Counter[str] = Counter()
        """How often a print really began (reached RUNNING), by subtask_id."""
        self.start_requests: Counter[str] = Counter()
        self.refused_starts = 0
        self.endings: list[dict[str, Any]] = []
        self._next_step: Appointment | None = None
        self.recovering = False

    # -- the way in ---------------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        return str(self.core.report["gcode_state"])

    @property
    def is_busy(self) -> bool:
        return self.job is not None or self.state in BUSY_STATES

    def request_start(self, request: dict[str, Any], *, foreign: bool = False, facts: PlateFacts | None = None) -> None:
        """Take a `project_file`; like the printers it answers success first and complains later, by its state."""
        job = PrintJob(request, foreign=foreign, facts=facts)
        self.start_requests[job.subtask_id] += 1
        if self.is_busy or self.core.faults.is_on("B24"):
            self._refuse_busy()
        elif not _is_beyond_int32(job.subtask_id):
            self._accept(job)

    def _refuse_busy(self) -> None:
        self.refused_starts += 1
        if self.job is not None and self.core.profile.busy_cancels:
            self.fail(DEVICE_BUSY)
            return
        self.core.change(print_error=DEVICE_BUSY)
        self.core.agenda.later(5, lambda: self.core.clear_error(DEVICE_BUSY))

    def _accept(self, job: PrintJob) -> None:
        self.job = job
        late_s = self._late_start_s()
        self._later(late_s + 0.3, self._say_accepted)
        self._later(late_s + 0.5, self._announce)
        self._later(late_s + 2.7, self._prepare)

    def _late_start_s(self) -> float:
        jitter = self.core.jitter
        if self.core.faults.is_on("B05"):
            return float(self.core.faults.option("B05", "delay_s") or jitter.uniform(50, 210))
        return jitter.uniform(*self.core.profile.late_start_s) if self.core.profile.late_start_s else 0.0

    def _say_accepted(self) -> None:
        upgrade = {**self.core.report["upgrade_state"], "cur_state_code": 1}
        self.core.change(upgrade_state=upgrade, print_error=0)

    def _announce(self) -> None:
        """The full report with the new ids and the old job's progress (P1S capture)."""
        job = self._current()
        report = self.core.report
        report.update(
            gcode_state="IDLE",
            gcode_file=self._shown_file(job),
            print_type="cloud" if job.foreign and job.request.get("cloud") else "local",
            subtask_id=job.subtask_id,
            subtask_name=job.subtask_name[:100],
            mc_remaining_time=0,
            **{key: str(job.request.get(key) or "0") for key in ("task_id", "project_id", "profile_id")},
        )
        if self.core.faults.is_on("B06"):
            report["mc_percent"] = self.core.faults.option("B06", "percent", 87)
            report["layer_num"] = self.core.faults.option("B06", "layer", 190)
            report["total_layer_num"] = 200
        self.core.push_full()

    def _shown_file(self, job: PrintJob) -> str:
        return f"/data/{job.entry}" if self.core.profile.gcode_file_is_entry else job.file_name

    # -- preparing ----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        job = self._current()
        self._set_state("PREPARE", gcode_file_prepare_percent="0")
        error = preparation.check(self.core, job)
        if error:
            self._later(self.core.jitter.uniform(1, 8), lambda: self.fail(error))
            return
        parse_s = self.core.jitter.uniform(5, 20) + preparation.file_bytes(self.core, job) / PARSE_BYTES_PER_S
        for share in (0.33, 0.66, 1.0):
            percent = str(round(share * 100))
            self._later(share * parse_s * 0.95, lambda text=percent: self.core.change(gcode_file_prepare_percent=text))  # type: ignore[misc]
        self._later(parse_s, self._run)

    # -- printing -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        job = self._current()
        self.starts[job.subtask_id] += 1
        self.core.note("print started", job.subtask_name, subtask_id=job.subtask_id, foreign=job.foreign)
        plan(self.core, job)
        job.go(self.core.agenda.now_s)
        self._set_state(
            "RUNNING",
            layer_num=0,
            mc_percent=0,
            mc_print_stage="2",
            stg=[2, 14, 13],
            total_layer_num=job.layers,
            nozzle_target_temper=75.0,
            gcode_file_prepare_percent="100",
        )
        self._arm()

    def add_trigger(self, name: str, at_percent: float) -> None:
        """Set the waiting fault when the current job reaches the percentage."""
        job = self.job
        if job is not None and job.facts is not None:
            job.add(at_percent / 100 * job.duration_s, lambda: self.core.fire(name))
            self._arm()

    def _arm(self) -> None:
        """Make an appointment for the next milestone; none while the job stands still."""
        if self._next_step is not None:
            self._next_step.cancel()
        job = self.job
        if job is None or job.running_since_s is None or not job.milestones:
            return
        # a moment later, so that rounding never puts the appointment before its milestone
        wait_s = job.milestones[0].at_s - job.ran_s(self.core.agenda.now_s) + 1e-6
        self._next_step = self._later(wait_s, self._step)

    def _step(self) -> None:
        job = self._current()
        self.update_progress()
        while self.job is job and job.running_since_s is not None and job.milestones:
            if job.milestones[0].at_s > job.ran_s(self.core.agenda.now_s):
                break
            job.milestones.pop(0).action()
        self._arm()

    def update_progress(self) -> None:
        """Percent, layer, minutes and grams as of now; called with every telemetry."""
        job = self.job
        if job is None or job.running_since_s is None:
            return
        ran_s = job.ran_s(self.core.agenda.now_s)
        report = self.core.report
        if ran_s >= job.preparation_s:
            report["mc_percent"] = max(report["mc_percent"], job.percent(ran_s))
            report["layer_num"] = job.layer(ran_s)
        if ran_s > 0.02 * job.preparation_s:
            report["mc_remaining_time"] = job.remaining_min(ran_s)
        report["mc_print_line_number"] = str(int(ran_s * 40))
        if self.core.faults.is_on("B32"):
            report["total_layer_num"] = 0
        extrude(self.core, job, job.printed(ran_s))

    # -- pausing ------------------------------------------------------------------------------------------------------

    def request_pause(self) -> None:
        if self.state == "RUNNING":
            error = PAUSED_BY_USER if self.core.profile.reports_pause_error else 0
            self._later(self.core.jitter.uniform(2, 10), lambda: self.hold(STAGE_PAUSED, error))

    def hold(self, stage: int, error: int) -> None:
        job = self.job
        if job is None or self.state != "RUNNING":
            return
        self.update_progress()
        job.halt(self.core.agenda.now_s)
        self._arm()
        self._set_state("PAUSE", stg_cur=stage, print_error=error)

    def run_out(self) -> None:
        """Filament gone: the printer waits for a person."""
        feeding = self.core.ams.now
        self.core.add_hms(*HMS_RUNOUT)
        self.hold(STAGE_RUNOUT, AMS_RUNOUT if feeding < EXTERNAL else RUNOUT)

    def request_resume(self) -> None:
        if self.state == "PAUSE" and not self.core.faults.is_on("runout") and self._has_filament():
            self._later(self.core.jitter.uniform(0.5, 2), self._resume)

    def _has_filament(self) -> bool:
        spool = self.core.ams.spool(self.core.ams.now)
        return self.core.ams.now == NOTHING or (spool is not None and spool.remaining_g > 0)

    def _resume(self) -> None:
        if self.state != "PAUSE":
            return
        self.recovering = False
        self.core.remove_hms(HMS_RUNOUT[0])
        facts = self._current().facts
        assert facts is not None
        self._set_state(
            "RUNNING",
            stg_cur=0,
            print_error=0,
            nozzle_target_temper=facts.nozzle_c,
            bed_target_temper=facts.bed_c,
        )
        self._later(self.core.jitter.uniform(10, 60), self._go_on)

    def _go_on(self) -> None:
        job = self._current()
        if self.state == "RUNNING" and job.running_since_s is None:
            job.go(self.core.agenda.now_s)
            self._arm()

    # -- the end ------------------------------------------------------------------------------------------------------

    def request_stop(self) -> None:
        if self.is_busy:
            self._later(self.core.jitter.uniform(1, 5), lambda: self.fail(CANCELLED))

    def finish(self) -> None:
        self.core.change(mc_percent=99, mc_remaining_time=0)
        self._end("FINISH", 0, mc_percent=100)

    def fail(self, code: int, *, hms: Hms | None = None) -> None:
        """End the job as FAILED; a cancel shows its code for two seconds, every other error stays."""
        self.update_progress()
        if hms is not None:
            self.core.add_hms(*hms)
        self._end("FAILED", code)
        if code == CANCELLED:
            self.core.agenda.later(2, lambda: self.core.clear_error(CANCELLED))

    def _end(self, state: str, code: int, **more: object) -> None:
        job, report = self._current(), self.core.report
        self.job = None
        self.endings.append({"subtask_id": job.subtask_id, "state": state, "print_error": code, "foreign": job.foreign})
        self.core.note("print ended", state, subtask_id=job.subtask_id, print_error=code)
        self.core.spools.unload_now()
        report.update(cooling_fan_speed="0", heatbreak_fan_speed="0", bed_target_temper=0.0, nozzle_target_temper=0.0)
        self._set_state(
            state,
            gcode_file=report["gcode_file"] if self.core.profile.gcode_file_is_entry else "",
            mc_print_stage="1",
            print_type="idle",
            stg=[],
            stg_cur=self.core.profile.idle_stage,
            print_error=code,
            upgrade_state={**report["upgrade_state"], "cur_state_code": 0},
            **more,
        )

    def lose(self) -> None:
        """The power went: the job is gone without an ending that anybody hears of."""
        job, self.job = self.job, None
        if job is not None:
            self.endings.append(
                {"subtask_id": job.subtask_id, "state": "LOST", "print_error": 0, "foreign": job.foreign}
            )

    def freeze(self) -> None:
        """The power went, but the job will be offered again."""
        if self.job is not None:
            self.job.halt(self.core.agenda.now_s)
            self._arm()

    # -- small parts --------------------------------------------------------------------------------------------------

    def _current(self) -> PrintJob:
        assert self.job is not None
        return self.job

    def _later(self, delay_s: float, action: Callable[[], None]) -> Appointment:
        """An appointment that lapses with the job it was made for."""
        job = self.job

        def act() -> None:
            if self.job is job and job is not None and self.core.is_powered:
                action()

        return self.core.agenda.later(delay_s, act)

    def _set_state(self, state: str, **changes: object) -> None:
        self.core.change(gcode_state=state, **changes)
        for trigger in self.core.faults.take_waiting(state=state):
            self.core.set_fault(trigger.name, trigger.options)


def _is_beyond_int32(text: str) -> bool:
    """Whether this is a number that the printers would clamp."""
    if not (text.isascii() and text.isdigit()):
        return False
    return len(text.lstrip("0")) > len(str(INT32_MAX)) or int(text) > INT32_MAX
