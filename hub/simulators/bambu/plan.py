"""What happens at which point of a print, and where its filament comes from."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.simulators.bambu.codes import STAGE_CLEANING, STAGE_HEATING_BED, STAGE_HOMING
from hub.simulators.bambu.job import LAST_LAYER_AT, PrintJob, Segment
from hub.simulators.bambu.report import AXES_HOMED

if TYPE_CHECKING:
    from hub.simulators.bambu.core import PrinterCore

FIRST_LOAD_AT = 0.3
UNLOAD_FROM, UNLOAD_UNTIL = 0.98, 0.995


def plan(core: "PrinterCore", job: PrintJob) -> None:
    """The start G-code, the tool changes, the end, and the faults that wait for a percentage."""
    _plan_start(core, job)
    for number, segment in enumerate(job.segments):
        at_s = FIRST_LOAD_AT * job.preparation_s if number == 0 else job.at_share(number / len(job.segments))
        core.spools.plan_load(job, at_s, segment.tray)
    job.add(LAST_LAYER_AT * job.duration_s, lambda: core.change(stg_cur=core.profile.idle_stage))
    job.add(UNLOAD_FROM * job.duration_s, lambda: _cool_down(core))
    core.spools.plan_unload(job, UNLOAD_FROM * job.duration_s, UNLOAD_UNTIL * job.duration_s)
    job.add(job.duration_s, core.runner.finish)
    for trigger in core.faults.waiting:
        if trigger.at_percent is not None:
            core.runner.add_trigger(trigger.name, trigger.at_percent)


def _plan_start(core: "PrinterCore", job: PrintJob) -> None:
    """In the order of the P1S capture, at shares of the preparation."""
    facts = job.facts
    assert facts is not None
    homed = core.report["home_flag"] | AXES_HOMED
    steps: list[tuple[float, Callable[[], None]]] = [
        (0.02, lambda: core.change(mc_remaining_time=job.remaining_min(0))),
        (0.05, lambda: core.change(stg_cur=STAGE_HEATING_BED, bed_target_temper=facts.bed_c)),
        (0.20, lambda: core.change(nozzle_target_temper=facts.nozzle_c)),
        (0.70, lambda: core.change(stg_cur=STAGE_CLEANING, home_flag=homed & ~AXES_HOMED)),
        (0.85, lambda: core.change(stg_cur=STAGE_HOMING, home_flag=homed)),
        (0.95, lambda: core.change(stg_cur=0, stg=[], cooling_fan_speed="9", heatbreak_fan_speed="15")),
    ]
    for share, action in steps:
        job.add(share * job.preparation_s, action)


def _cool_down(core: "PrinterCore") -> None:
    core.change(
        cooling_fan_speed="0",
        heatbreak_fan_speed="0",
        big_fan1_speed="0",
        bed_target_temper=0.0,
        nozzle_target_temper=0.0,
    )


def extrude(core: "PrinterCore", job: PrintJob, printed: float) -> None:
    """Take what was printed since the last look from the spools in use; an empty one stops the print."""
    before, job.extruded = job.extruded, max(printed, job.extruded)
    for number, segment in enumerate(job.segments):
        spool, grams = core.ams.spool(segment.tray), job.grams_between(number, before, job.extruded)
        if spool is None or grams <= 0:
            continue
        lacking_g = grams - spool.remaining_g
        spool.remaining_g = max(0.0, -lacking_g)
        if lacking_g >= 0:
            _spool_empty(core, job, segment.tray, lacking_g)


def _spool_empty(core: "PrinterCore", job: PrintJob, tray: int, lacking_g: float) -> None:
    """Stop, or go on from another spool, which gave already what was printed since this one ran out."""
    other = core.ams.substitute(tray)
    if other is None:
        core.runner.run_out()
        return
    spool = core.ams.spool(other)
    assert spool is not None  # a substitute has filament
    spool.remaining_g = max(0.0, spool.remaining_g - lacking_g)
    job.segments = [Segment(other, segment.grams) if segment.tray == tray else segment for segment in job.segments]
    core.spools.load_now(other)
