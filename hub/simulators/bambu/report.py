"""The telemetry dictionary, what of it is sent when, and its bytes."""

import copy
import json
from typing import Any

from hub.simulators.bambu.ams import FIRST_HT, Ams
from hub.simulators.bambu.profiles import Profile

Report = dict[str, Any]

AXES_HOMED = 0b111
CARD_NORMAL = 1 << 8
CARD_READ_ONLY = 3 << 8
CARD_BITS = 3 << 8
AMS_CALIBRATES_REMAIN = 1 << 7
AUTO_SWITCH = 1 << 10

FUN_DEVELOPER_MODE = "3EC18FFF9CFF"
FUN_SIGNED_COMMANDS = "3EC1AFFF9CFF"

NUMERIC_STATE = {"IDLE": 0, "PREPARE": 2, "RUNNING": 4, "PAUSE": 5, "FINISH": 6, "FAILED": 7}


def first_report(profile: Profile, ams: Ams) -> Report:
    """Everything that a printer of this model says about itself after it was switched on."""
    report: Report = {
        "upgrade_state": {
            "sequence_id": 0,
            "progress": "",
            "status": "IDLE",
            "consistency_request": False,
            "dis_state": 0,
            "err_code": 0,
            "force_upgrade": False,
            "message": "",
            "module": "",
            "new_version_state": 2,
            "cur_state_code": 0,
            "new_ver_list": [],
        },
        "ipcam": {
            "ipcam_dev": "1",
            "ipcam_record": "disable",
            "timelapse": "disable",
            "resolution": "1080p" if profile.has_new_fields else "720p",
            "tutk_server": "disable",
            "mode_bits": 3,
        },
        "upload": {"status": "idle", "progress": 0, "message": ""},
        "net": {"conf": 0, "info": [{"ip": 0x0100007F, "mask": 0xFF}]},
        "nozzle_temper": 24.0,
        "nozzle_target_temper": 0.0,
        "bed_temper": 23.0,
        "bed_target_temper": 0.0,
        "chamber_temper": 26.0 if profile.has_chamber_sensor else 5.0,
        "mc_print_stage": "1",
        "heatbreak_fan_speed": "0",
        "cooling_fan_speed": "0",
        "big_fan1_speed": "0",
        "big_fan2_speed": "0",
        "mc_percent": 0,
        "mc_remaining_time": 0,
        "ams_status": 0,
        "ams_rfid_status": 0,
        "hw_switch_state": 0,
        "spd_mag": 100,
        "spd_lvl": 2,
        "print_error": 0,
        "lifecycle": "product",
        "wifi_signal": "-52dBm",
        "gcode_state": "IDLE",
        "gcode_file_prepare_percent": "0",
        "queue_number": 0,
        "queue_total": 0,
        "queue_est": 0,
        "queue_sts": 0,
        "project_id": "0",
        "profile_id": "0",
        "task_id": "0",
        "subtask_id": "0",
        "subtask_name": "",
        "gcode_file": "",
        "stg": [],
        "stg_cur": profile.idle_stage,
        "print_type": "idle",
        "home_flag": AMS_CALIBRATES_REMAIN | CARD_NORMAL | (AUTO_SWITCH if ams.auto_switch else 0),
        "mc_print_line_number": "0",
        "mc_print_sub_stage": 0,
        "sdcard": True,
        "force_upgrade": False,
        "mess_production_state": "active",
        "layer_num": 0,
        "total_layer_num": 0,
        "s_obj": [],
        "filam_bak": [],
        "fan_gear": 0,
        "nozzle_diameter": "0.4",
        "nozzle_type": "hardened_steel" if profile.has_new_fields else "stainless_steel",
        "cali_version": 0,
        "k": "0.0200",
        "flag3": 15,
        "hms": [],
        "online": {"ahb": bool(ams.units), "rfid": bool(ams.units), "version": 7},
        "ams": ams.report(),
        "vt_tray": ams.external_report(),
        "lights_report": [{"node": "chamber_light", "mode": "on"}],
    }
    if profile.key == "A1MINI":
        report["xcam"] = {"buildplate_marker_detector": True}
    if profile.has_new_fields:
        report.update(_new_fields(profile))
    return report


def _new_fields(profile: Profile) -> Report:
    """What X1 and H2 report beyond the P1's list."""
    fields: Report = {
        "2D": {"bs": {}, "cond": 14, "first_confirm": False, "state": 0},
        "3D": {"layer_num": 0, "total_layer_num": 0},
        "ap_err": 0,
        "aux_part_fan": True,
        "batch_id": 0,
        "cfg": "1FF",
        "design_id": "",
        "device": {"bed_temp": 23, "type": 1},
        "err": "0",
        "fail_reason": "0",
        "fun": FUN_DEVELOPER_MODE,
        "job": {"cur_stage": {"idx": 0, "state": 0}, "stage": []},
        "job_id": "0",
        "mapping": [],
        "mc_action": 255,
        "mc_err": 0,
        "mc_print_error_code": "0",
        "mc_stage": 1,
        "model_id": "",
        "percent": 0,
        "plate_cnt": 0,
        "plate_id": 0,
        "plate_idx": 0,
        "prepare_per": 0,
        "print_gcode_action": 255,
        "print_real_action": 0,
        "remain_time": 0,
        "stat": "4600000000",
        "state": 0,
        "t_utc": 0,
        "xcam": {"spaghetti_detector": True, "buildplate_marker_detector": True, "printing_monitor": True},
        "xcam_status": "0",
    }
    if profile.dual_nozzle:
        fields["vir_slot"] = []
        fields["device"] = _dual_nozzle_device()
    return fields


def _dual_nozzle_device() -> Report:
    """Two extruders, the right one (0) in use, nothing loaded in either."""
    return {
        "type": 1,
        "bed": {"info": {"temp": 23}, "state": 0},
        "ctc": {"info": {"temp": 26}, "state": 0},
        "extruder": {
            "state": 2,
            "info": [
                {"id": number, "temp": 24, "snow": 0xFFFF, "spre": 0xFFFF, "star": 0xFFFF, "hnow": number, "stat": 0}
                for number in (0, 1)
            ],
        },
        "nozzle": {
            "exist": 3,
            "info": [{"id": number, "type": "HS01", "diameter": 0.4, "wear": 0} for number in (0, 1)],
        },
    }


def mirror_fans(report: Report) -> None:
    """`fan_gear` repeats the three fan speeds (text, 0 to 15) as bytes: part, auxiliary, chamber from the lowest."""
    fans = ("cooling_fan_speed", "big_fan1_speed", "big_fan2_speed")
    report["fan_gear"] = sum(int(report[fan]) * 17 << 8 * place for place, fan in enumerate(fans))


def mirror_new_fields(report: Report, *, now_s: float, tray_now: int) -> None:
    """X1 and H2 say the same things twice; keep the second telling in step."""
    report["3D"] = {"layer_num": report["layer_num"], "total_layer_num": report["total_layer_num"]}
    report["percent"] = report["mc_percent"]
    report["remain_time"] = report["mc_remaining_time"]
    report["prepare_per"] = int(report["gcode_file_prepare_percent"])
    report["state"] = NUMERIC_STATE.get(report["gcode_state"], 0)
    report["mc_stage"] = int(report["mc_print_stage"])
    report["mc_print_error_code"] = str(report["print_error"])
    report["t_utc"] = int(now_s * 1000)
    device = report["device"]
    packed_nozzle = int(report["nozzle_temper"]) | int(report["nozzle_target_temper"]) << 16
    packed_bed = int(report["bed_temper"]) | int(report["bed_target_temper"]) << 16
    if "extruder" not in device:
        device["bed_temp"] = packed_bed
        return
    device["bed"]["info"]["temp"] = packed_bed
    main = device["extruder"]["info"][0]
    main["temp"] = packed_nozzle
    here = tray_now << 8 if tray_now >= FIRST_HT else tray_now // 4 << 8 | tray_now % 4
    main["snow"] = {254: 0xFEFF, 255: 0xFFFF}.get(tray_now, here)
    if tray_now < 254:
        report["ams"]["tray_now"] = str(0 if tray_now >= FIRST_HT else tray_now % 4)


class ReportStream:
    """Numbers the pushes and knows what the listeners were told last."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._told: Report = {}
        self._sequence = 0

    def full(self, report: Report) -> Report:
        self._told = copy.deepcopy(report)
        return self._envelope(copy.deepcopy(report), kind=0)

    def delta(self, report: Report) -> Report | None:
        """The top-level keys that changed since the last push, or None when nothing did."""
        changed = {key: copy.deepcopy(value) for key, value in report.items() if self._told.get(key) != value}
        self._told.update(copy.deepcopy(changed))
        return self._envelope(changed, kind=1) if changed else None

    def next_sequence_id(self) -> str:
        self._sequence += 1
        return str(self._sequence)

    def _envelope(self, content: Report, *, kind: int) -> Report:
        content["command"] = "push_status"
        if self.profile.sends_msg:
            content["msg"] = kind
        content["sequence_id"] = self.next_sequence_id()
        return {"print": content}


def to_bytes(message: Report, *, pretty: bool) -> bytes:
    text = json.dumps(message, indent=4) if pretty else json.dumps(message, separators=(",", ":"))
    return text.encode()
