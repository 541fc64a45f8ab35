"""What faults do inside the printer when they are set, and what is undone when they are cleared."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hub.simulators.bambu.codes import CANCELLED, HMS_FLICKER, HMS_HOTEND, HMS_SIGNATURE, HOTEND_FAULT

if TYPE_CHECKING:
    from hub.simulators.bambu.core import PrinterCore

Options = dict[str, Any]
FLICKER_S = 2.0


def _flicker(core: "PrinterCore", _options: Options) -> None:
    if not core.faults.is_on("B31"):
        return
    if any(entry["attr"] == HMS_FLICKER[0] for entry in core.report["hms"]):
        core.remove_hms(HMS_FLICKER[0])
    else:
        core.add_hms(*HMS_FLICKER)
    core.agenda.repeat_later(FLICKER_S, lambda: _flicker(core, {}))


def _repeat_finish(core: "PrinterCore", options: Options) -> None:
    if not core.faults.is_on("B08"):
        return
    if core.runner.state == "FINISH":
        core.push_full()
    core.agenda.repeat_later(float(options.get("every_s", 5)), lambda: _repeat_finish(core, options))


def _end_failed(core: "PrinterCore", options: Options) -> None:
    if core.runner.job is None:
        return
    if options.get("user"):
        core.runner.fail(CANCELLED)
    else:
        core.runner.fail(int(options.get("code", HOTEND_FAULT)), hms=HMS_HOTEND)


def _foreign(core: "PrinterCore", options: Options) -> None:
    core.start_foreign_job(**options)


def _sign_again(core: "PrinterCore") -> None:
    core.remove_hms(HMS_SIGNATURE[0])
    core.push_changes()


EFFECTS: Mapping[str, Callable[["PrinterCore", Options], object]] = {
    "B08": _repeat_finish,
    "B09": lambda core, options: core.power_cut("idle", **options),
    "B10": lambda core, options: core.power_cut("recovery", **options),
    "B11": lambda core, options: core.power_cut("ghost", **options),
    "B12": _foreign,
    "B18": lambda core, _options: core.remove_card(),
    "B26": lambda core, _options: core.add_hms(*HMS_SIGNATURE),
    "B30": lambda core, options: core.power_cut("idle", noise=True, **options),
    "B31": _flicker,
    "B35": _end_failed,
    "B36": lambda core, options: core.remove_spool(int(options.get("tray", 0))),
    "B37": lambda core, options: core.remove_spool(
        int(options.get("tray", 0)), nonsense=int(options.get("remain", 1000))
    ),
    "runout": lambda core, _options: core.runner.run_out(),
}
"""What happens in the printer at the moment a fault is set; the other faults are looked up where they matter."""

UNDOING: Mapping[str, Callable[["PrinterCore"], None]] = {
    "B18": lambda core: core.insert_card(),
    "B26": _sign_again,
    "B31": lambda core: core.remove_hms(HMS_FLICKER[0]),
}
