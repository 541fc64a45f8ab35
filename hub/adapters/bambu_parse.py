"""From a Bambu printer's merged report to a PrinterReport. Pure; every value is read leniently, since models and
firmwares send the same key as a number, a string or not at all.
"""

import re
from typing import Any

from hub.adapters import bambu_errors
from hub.adapters.bambu_merge import Report
from hub.adapters.bambu_models import BambuModel
from hub.adapters.bambu_slots import active_slot, read_slots
from hub.adapters.bambu_stages import stage_word
from hub.adapters.bambu_values import as_dict, dicts_in, number, whole
from hub.adapters.base import Job, PrinterReport, Storage
from hub.protocol import ActiveError, PrinterState

_STATES: dict[str, PrinterState] = {
    "IDLE": "idle",
    "PREPARE": "preparing",
    "SLICING": "preparing",
    "RUNNING": "printing",
    "PAUSE": "paused",
    "FINISH": "finished",
    "FAILED": "failed",
    "INIT": "starting_up",
}
_SPEEDS = {1: "silent", 2: "standard", 3: "sport", 4: "ludicrous"}
_STORAGE: dict[int, Storage] = {0: "missing", 1: "ready", 2: "faulty", 3: "read_only"}
_SIGNED_COMMANDS_BIT = 0x20000000
_MOST_ERRORS = 20
_MOST_LAYERS = 1_000_000
_MOST_MINUTES = 100_000


def parse(known: Report, model: BambuModel, *, confirmed: bool, firmware: str | None = None) -> PrinterReport:
    """`known` is the merge of the `print` objects of this connection."""
    state = _state(known)
    progress = _progress(known, state)
    return PrinterReport(
        state=state,
        job=_job(known),
        confirmed=confirmed,
        stage_word=stage_word(whole(known.get("stg_cur"))) if state in {"preparing", "printing", "busy"} else "",
        nozzle_c=number(known.get("nozzle_temper")),
        nozzle_target_c=number(known.get("nozzle_target_temper")),
        bed_c=number(known.get("bed_temper")),
        bed_target_c=number(known.get("bed_target_temper")),
        chamber_c=_chamber(known, model),
        speed=_SPEEDS.get(whole(known.get("spd_lvl")) or 0),  # type: ignore[arg-type]
        wifi_dbm=_wifi(known.get("wifi_signal")),
        slots=read_slots(known),
        active_slot=active_slot(known),
        firmware=firmware,
        errors=errors_of(known),
        developer_mode=_developer_mode(known.get("fun")),
        storage=_storage(known),
        start_refusal=_start_refusal(known),
        evidence=_evidence(known),
        **progress,
    )


def is_cancelled(known: Report) -> bool:
    """Whether the printer says right now that a person stopped the job; it says so for about two seconds."""
    return bambu_errors.is_cancel(whole(known.get("print_error")) or 0)


def errors_of(known: Report) -> tuple[ActiveError, ...]:
    found: dict[str, ActiveError] = {}
    error = bambu_errors.print_error(whole(known.get("print_error")) or 0)
    if error is not None:
        found[error.code] = error
    for entry in dicts_in(known.get("hms")):
        attr, code = whole(entry.get("attr")), whole(entry.get("code"))
        if attr is not None and code is not None:
            hms = bambu_errors.hms_error(attr, code)
            found.setdefault(hms.code, hms)
    return tuple(found.values())[:_MOST_ERRORS]


def _state(known: Report) -> PrinterState:
    word = str(known.get("gcode_state", "")).upper()
    state = _STATES.get(word, "unknown")
    if known.get("print_type") == "system" and state in {"printing", "preparing", "idle"}:
        return "busy" if state != "idle" or stage_word(whole(known.get("stg_cur"))) else "idle"
    if state == "paused" and any(_is_trouble(error) for error in errors_of(known)):
        return "attention"
    if state == "failed" and is_cancelled(known):
        return "cancelled"
    return state


def _is_trouble(error: ActiveError) -> bool:
    return error.severity in {"serious", "fatal"}


def _progress(known: Report, state: PrinterState) -> dict[str, int | None]:
    """While preparing, the numbers still belong to the job before."""
    if state in {"preparing", "starting_up", "unknown", "idle", "busy"}:
        return {"percent": None, "layer": None, "total_layers": None, "remaining_minutes": None}
    mirror = as_dict(known.get("3D"))
    percent = whole(known.get("mc_percent"))
    total = whole(known.get("total_layer_num")) or whole(mirror.get("total_layer_num"))
    layer = whole(known.get("layer_num"))
    remaining = whole(known.get("mc_remaining_time"))
    return {
        "percent": None if percent is None else min(max(percent, 0), 100),
        "layer": _within(layer, 0, _MOST_LAYERS),
        "total_layers": _within(total, 1, _MOST_LAYERS),
        "remaining_minutes": None if state in {"failed", "cancelled"} else _remaining(remaining),
    }


def _within(value: int | None, least: int, most: int) -> int | None:
    return value if value is not None and least <= value <= most else None


def _remaining(minutes: int | None) -> int | None:
    return None if minutes is None else _within(max(minutes, 0), 0, _MOST_MINUTES)


def _job(known: Report) -> Job:
    ids = [str(known.get(key) or "") for key in ("subtask_id", "task_id")]
    return Job(
        id=next((each for each in ids if each not in {"", "0"}), "")[:60],
        name=str(known.get("subtask_name") or "")[:120],
        file=str(known.get("gcode_file") or "")[-120:],
    )


def _chamber(known: Report, model: BambuModel) -> float | None:
    value = number(known.get("chamber_temper"))
    if value is None or not model.chamber_sensor:
        return None
    return float(int(value) & 0xFFFF) if value > 500 else value


def _wifi(value: Any) -> int | None:
    found = re.match(r"\s*(-?\d{1,3})", str(value or ""))
    return int(found.group(1)) if found else None


def _developer_mode(fun: Any) -> bool | None:
    try:
        return not int(str(fun), 16) & _SIGNED_COMMANDS_BIT
    except ValueError:
        return None


def _storage(known: Report) -> Storage | None:
    flags = whole(known.get("home_flag"))
    present = known.get("sdcard")
    if present is not None and str(present).lower() in {"false", "0"}:
        return "missing"
    if flags is not None and (flags & 0xFFFFFFFF) >> 8 & 0b11:
        return _STORAGE[(flags & 0xFFFFFFFF) >> 8 & 0b11]
    return "ready" if present is not None else None


def _start_refusal(known: Report) -> ActiveError | None:
    error = bambu_errors.print_error(whole(known.get("print_error")) or 0)
    return error if error is not None and bambu_errors.refuses_start(error) else None


def _evidence(known: Report) -> dict[str, str | int | float | bool | None]:
    words = (
        "gcode_state",
        "subtask_id",
        "subtask_name",
        "gcode_file",
        "mc_percent",
        "layer_num",
        "print_error",
        "stg_cur",
    )
    return {
        word: value if isinstance(value := known[word], int | float) else str(value)[:120]
        for word in words
        if word in known
    }
