"""The requests that a printer understands, and its answers."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hub.simulators.bambu.ams import EXTERNAL, FIRST_HT, NOTHING, SLOTS_PER_UNIT
from hub.simulators.bambu.codes import HMS_SIGNATURE, SIGNATURE_MISSING
from hub.simulators.spec import SpoolSpec

if TYPE_CHECKING:
    from hub.simulators.bambu.core import PrinterCore

Body = dict[str, Any]
Fields = dict[str, Any]
"""What an answer adds to the echoed command; the key `result` is always among it, unless it is left out on purpose."""

SPEEDS = {1: 50, 2: 100, 3: 124, 4: 166}
SUCCESS: Fields = {"result": "success", "reason": ""}
HEATERS = {
    "M104": ("nozzle_target_temper", 300.0),
    "M109": ("nozzle_target_temper", 300.0),
    "M140": ("bed_target_temper", 120.0),
    "M190": ("bed_target_temper", 120.0),
}
"""G-code → the field of the report that it sets, and the most that the heater takes (°C)."""
COLOR = re.compile(r"[0-9A-F]{8}")


def answer(core: "PrinterCore", category: str, body: Body) -> dict[str, Any] | None:
    """Carry out one request; the acknowledgement, or None where a printer stays silent."""
    command = str(body.get("command", ""))
    if category == "print" and not core.developer_mode:
        core.add_hms(*HMS_SIGNATURE)
        refused = {"result": "failed", "reason": "mqtt message verify failed", "err_code": SIGNATURE_MISSING}
        return {category: _echo(body) | refused}
    act = COMMANDS.get((category, command))
    if act is None:
        core.note("unknown command", f"{category}.{command}")
        return None
    fields = act(core, body)
    if fields is None:
        return None
    echoed = dict(body) if command == "project_file" else _echo(body)
    return {category: echoed | fields}


def _echo(body: Body) -> Fields:
    return {key: body[key] for key in ("command", "sequence_id", "param") if key in body}


def _push_all(core: "PrinterCore", _body: Body) -> None:
    core.push_full()


def _version(core: "PrinterCore", _body: Body) -> Fields:
    profile = core.profile
    modules = [
        {
            "name": "ota",
            "sw_ver": profile.firmware,
            "hw_ver": "OTA",
            "sn": core.serial,
            "product_name": profile.product_name,
            "project_name": profile.project,
            "loader_ver": "00.00.00.00",
            "visible": True,
            "flag": 0,
        },
        {
            "name": "mc",
            "sw_ver": "00.00.30.00",
            "hw_ver": "MC07",
            "sn": core.serial,
            "loader_ver": "00.00.00.00",
            "flag": 0,
        },
    ]
    modules += [
        {
            "name": f"{profile.ams_module}/{unit.unit_id}",
            "sw_ver": "00.00.06.49",
            "hw_ver": "AMS08",
            "sn": f"006{core.serial[3:]}{unit.unit_id}",
            "loader_ver": "00.00.00.00",
            "flag": 0,
        }
        for unit in core.ams.units
    ]
    return {"module": modules, **SUCCESS}


def _start(core: "PrinterCore", body: Body) -> Fields:
    core.runner.request_start(dict(body))
    return SUCCESS


def _pause(core: "PrinterCore", _body: Body) -> Fields:
    core.runner.request_pause()
    return SUCCESS


def _resume(core: "PrinterCore", _body: Body) -> Fields:
    core.runner.request_resume()
    return SUCCESS


def _stop(core: "PrinterCore", _body: Body) -> Fields:
    core.runner.request_stop()
    return SUCCESS


def _speed(core: "PrinterCore", body: Body) -> Fields:
    level = _whole(body.get("param"))
    if level not in SPEEDS:
        return {"result": "fail", "reason": "invalid param"}
    core.change(spd_lvl=level, spd_mag=SPEEDS[level])
    return SUCCESS


def _gcode_line(core: "PrinterCore", body: Body) -> Fields:
    for line in str(body.get("param", "")).splitlines():
        found = re.match(r"\s*(M\d+)\b.*\bS(\d+(?:\.\d+)?)", line)
        if found and found.group(1) in HEATERS:
            field, most_c = HEATERS[found.group(1)]
            core.change(**{field: min(most_c, float(found.group(2)))})
    return SUCCESS


def _skip_objects(core: "PrinterCore", body: Body) -> Fields:
    wanted = body.get("obj_list")
    if not isinstance(wanted, list):
        return {"result": "fail", "reason": "obj_list"}
    core.change(s_obj=sorted({*core.report["s_obj"], *(_whole(number) for number in wanted)}))
    return SUCCESS


def _clear_error(core: "PrinterCore", _body: Body) -> Fields:
    core.change(print_error=0)
    return SUCCESS


def _light(core: "PrinterCore", body: Body) -> Fields:
    node, mode = str(body.get("led_node", "")), str(body.get("led_mode", ""))
    lights = [light | {"mode": mode} if light["node"] == node else light for light in core.report["lights_report"]]
    core.change(lights_report=lights)
    return SUCCESS


def _accept(_core: "PrinterCore", _body: Body) -> Fields:
    return SUCCESS


def _change_filament(core: "PrinterCore", body: Body) -> Fields:
    slot, target = _whole(body.get("slot_id")), _whole(body.get("target"))
    wanted = EXTERNAL if slot == EXTERNAL else NOTHING if slot == NOTHING else target
    return SUCCESS if core.spools.change_filament(wanted) else {"result": "fail", "errno": -2}


def _unload(core: "PrinterCore", _body: Body) -> Fields:
    return SUCCESS if core.spools.change_filament(NOTHING) else {"result": "fail", "errno": -2}


def _ams_control(core: "PrinterCore", body: Body) -> Fields:
    if body.get("param") == "resume":
        core.runner.request_resume()
    return SUCCESS


def _read_rfid(core: "PrinterCore", body: Body) -> Fields:
    tray = _tray(_whole(body.get("ams_id")), _whole(body.get("slot_id")))
    return SUCCESS if core.spools.read_again(tray) else {"result": "fail", "errno": -4}


def _filament_setting(core: "PrinterCore", body: Body) -> Fields:
    """What a person says lies in a slot. A colour in lower case is stored as nothing (P1S capture)."""
    unit, slot = _whole(body.get("ams_id")), _whole(body.get("tray_id"))
    external = unit == NOTHING
    if external and slot != EXTERNAL:
        return {"result": "fail", "reason": "tray_id"}
    spool = core.ams.spool(EXTERNAL if external else _tray(unit, slot))
    if spool is None:
        return {}
    color = str(body.get("tray_color", ""))
    spool.spec = SpoolSpec(
        material=str(body.get("tray_type", ""))[:40],
        brand="",
        preset=str(body.get("tray_info_idx", ""))[:40],
        color=color if COLOR.fullmatch(color) else "00000000",
        rfid=spool.spec.rfid,
        weight_g=spool.spec.weight_g,
    )
    core.refresh_ams()
    return SUCCESS


def _tray(unit: int, slot: int) -> int:
    return unit if unit >= FIRST_HT else unit * SLOTS_PER_UNIT + slot


def _whole(value: object) -> int:
    """Numbers come as int, float or text; anything else is -1, which means nothing here."""
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return -1


COMMANDS: dict[tuple[str, str], Callable[["PrinterCore", Body], Fields | None]] = {
    ("pushing", "pushall"): _push_all,
    ("pushing", "start"): _push_all,
    ("info", "get_version"): _version,
    ("print", "project_file"): _start,
    ("print", "pause"): _pause,
    ("print", "resume"): _resume,
    ("print", "stop"): _stop,
    ("print", "print_speed"): _speed,
    ("print", "gcode_line"): _gcode_line,
    ("print", "skip_objects"): _skip_objects,
    ("print", "clean_print_error"): _clear_error,
    ("print", "calibration"): _accept,
    ("print", "print_option"): _accept,
    ("print", "ams_change_filament"): _change_filament,
    ("print", "unload_filament"): _unload,
    ("print", "ams_control"): _ams_control,
    ("print", "ams_get_rfid"): _read_rfid,
    ("print", "ams_user_setting"): _accept,
    ("print", "ams_filament_setting"): _filament_setting,
    ("print", "ams_filament_drying"): _accept,
    ("system", "ledctrl"): _light,
    ("system", "uiop"): _clear_error,
    ("system", "get_accessories"): _accept,
    ("camera", "ipcam_record_set"): _accept,
    ("camera", "ipcam_timelapse"): _accept,
    ("xcam", "xcam_control_set"): _accept,
}
