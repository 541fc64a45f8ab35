"""The payloads that Bambu printers understand. Pure."""

import hashlib
from typing import Any

from hub.adapters.base import StartJob

Payload = dict[str, dict[str, Any]]

_ACTIONS = {"pause": "pause", "resume": "resume", "stop": "stop"}


def job_number(run_code: str) -> str:
    """The number under which the printer reports this run: fits a signed 32-bit integer, never 0."""
    return str(int.from_bytes(hashlib.sha256(run_code.encode()).digest()[:4], "big") % 0x7FFFFFFE + 1)


def job_name(run_code: str, title: str) -> str:
    """The name on the printer's screen: the run's code first, then what fits of the title, in plain ASCII."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in title)
    words = "_".join(filter(None, words.split("_")))
    return f"{run_code}_{words}"[:60].rstrip("_")


def remote_name(sha256: str, _run_code: str) -> str:
    """By content, so that the same file need not be sent twice."""
    return f"{sha256[:16]}.gcode.3mf"


def push_all(sequence_id: str) -> Payload:
    return {"pushing": {"sequence_id": sequence_id, "command": "pushall", "version": 1, "push_target": 1}}


def get_version(sequence_id: str) -> Payload:
    return {"info": {"sequence_id": sequence_id, "command": "get_version"}}


def action(sequence_id: str, word: str) -> Payload:
    """Pause, resume, stop, clear_error, light_on, light_off. Raises KeyError for another word."""
    if word == "clear_error":
        body = {"command": "clean_print_error", "subtask_id": "0", "print_error": 0}
        return {"print": {"sequence_id": sequence_id, **body}}
    if word in {"light_on", "light_off"}:
        light = {
            "command": "ledctrl",
            "led_node": "chamber_light",
            "led_mode": word.removeprefix("light_"),
            "led_on_time": 500,
            "led_off_time": 500,
            "loop_times": 0,
            "interval_time": 0,
        }
        return {"system": {"sequence_id": sequence_id, **light}}
    return {"print": {"sequence_id": sequence_id, "command": _ACTIONS[word], "param": ""}}


def project_file(sequence_id: str, job: StartJob) -> Payload:
    """Start one plate of a file in the printer's FTP root."""
    options = job.options
    body: dict[str, Any] = {
        "sequence_id": sequence_id,
        "command": "project_file",
        "param": f"Metadata/plate_{job.plate_index}.gcode",
        "url": f"ftp://{job.remote_name}",
        "file": job.remote_name,
        "md5": job.md5,
        "subtask_name": job.job_name,
        "project_id": "0",
        "profile_id": "0",
        "task_id": job.job_id,
        "subtask_id": job.job_id,
        "bed_type": job.bed_type or "auto",
        "timelapse": options.timelapse,
        "bed_leveling": options.bed_leveling,
        "auto_bed_leveling": int(options.bed_leveling),
        "flow_cali": options.flow_cali,
        "extrude_cali_flag": int(options.flow_cali),
        "extrude_cali_manual_mode": 0,
        "vibration_cali": options.vibration_cali,
        "layer_inspect": False,
        "nozzle_offset_cali": 0,
        "use_ams": job.use_ams,
        "ams_mapping": list(job.ams_mapping),
        "ams_mapping2": [_unit_and_slot(number, use_ams=job.use_ams) for number in job.ams_mapping],
        "cfg": "0",
    }
    return {"print": body}


def _unit_and_slot(number: int, *, use_ams: bool) -> dict[str, int]:
    if number >= 128:
        return {"ams_id": number, "slot_id": 0}
    if number >= 0:
        return {"ams_id": number // 4, "slot_id": number % 4}
    return {"ams_id": 255, "slot_id": 255 if use_ams else 0}
