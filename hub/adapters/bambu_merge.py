"""Bambu printers send changes: what is known of a printer is the merge of everything since the last full report.

Rules: objects merge; arrays are replaced, except AMS units and their trays, which merge by `id`; a tray that names
nothing but its id (and state) is an empty slot; null says nothing, and so does an empty gcode_state.
"""

import json
import re
from typing import Any

from hub.adapters.bambu_values import as_dict, dicts_in

MAX_PAYLOAD_BYTES = 1_000_000
_FULL_REPORT_KEYS = 40
_TRAY_MARKS = frozenset({"id", "state"})
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What JSON can escape and neither UTF-8 nor a database can hold."""

Report = dict[str, Any]


def decode(payload: bytes) -> Report | None:
    """The JSON object in a payload; None for garbage (broken text, not an object, too long, too deep)."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return None
    try:
        text = payload.rstrip(b"\0 \r\n").decode("utf-8", "replace")
        value = json.loads(text)
        value = _storable(value) if "\\u" in text else value
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return value


def is_full(delta: Report) -> bool:
    """Whether a push_status says everything: marked so, or unmarked and long."""
    if "msg" in delta:
        return bool(delta["msg"] == 0)
    return is_long(delta)


def is_long(report: Report) -> bool:
    return len(report) > _FULL_REPORT_KEYS


def merge(known: Report, delta: Report) -> Report:
    """What is known after `delta`. Neither argument is changed."""
    merged = dict(known)
    for key, value in delta.items():
        if value is None or (key == "gcode_state" and value == ""):
            continue
        if key == "ams" and isinstance(value, dict):
            merged[key] = _merge_ams(as_dict(known.get(key)), value, replace=is_full(delta))
        elif isinstance(value, dict):
            merged[key] = merge(as_dict(known.get(key)), value)
        else:
            merged[key] = value
    return merged


def _merge_ams(known: Report, delta: Report, *, replace: bool) -> Report:
    merged = merge(known, {key: value for key, value in delta.items() if key != "ams"})
    if isinstance(delta.get("ams"), list):
        units = {} if replace else _by_id(known.get("ams"))
        before = _by_id(known.get("ams"))
        for name, unit in _by_id(delta["ams"]).items():
            units[name] = _merge_unit(before.get(name, {}), unit)
        merged["ams"] = list(units.values())
    elif "ams" in known:
        merged["ams"] = known["ams"]
    return merged


def _merge_unit(known: Report, delta: Report) -> Report:
    merged = merge(known, {key: value for key, value in delta.items() if key != "tray"})
    trays = _by_id(known.get("tray"))
    for name, tray in _by_id(delta.get("tray")).items():
        trays[name] = tray if tray.keys() <= _TRAY_MARKS else merge(trays.get(name, {}), tray)
    if trays:
        merged["tray"] = list(trays.values())
    return merged


def _by_id(value: Any) -> dict[str, Report]:
    return {str(entry["id"]): entry for entry in dicts_in(value) if "id" in entry}
